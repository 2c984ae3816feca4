//! The first start's shop: a catalogue with a past, made through the real path.
//!
//! The one rule: keys, passwords, texts and times of the demo are invented and every page says so; all else is true. Pictures are
//! generated, sealed, signed, logged, certified and run again by the same services that people use; orders are placed, paid for
//! and paid out by them. Its log has an origin of its own.

mod history;
mod listing;
pub mod people;
pub mod service;
mod shop;
mod store;

#[cfg(any(test, feature = "testing"))]
pub use store::ALL as STATEMENTS;
