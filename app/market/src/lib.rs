//! The rules of the shop, by feature: what may happen, and what then stands in the database.
//!
//! The one rule: nothing here names a page, a route or a request; whoever shows it or calls it lies above.

pub mod browse;
pub mod catalog;
pub mod checkout;
pub mod demo;
pub mod engines;
pub mod export;
pub mod facts;
pub mod files;
pub mod finder;
pub mod library;
pub mod log;
pub mod machines;
pub mod models;
pub mod moderation;
pub mod offers;
pub mod orders;
pub mod own;
pub mod payouts;
pub mod people;
pub mod pictures;
pub mod sales;
pub mod settlement;
pub mod shop;
pub mod starting;
pub mod stranded;
pub mod studio;
pub mod till;
pub mod trials;
pub mod verify;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
