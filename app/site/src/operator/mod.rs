//! The operator's desk: the sandbox clock, payout runs, the provider's inbox, reconciliation.
//!
//! The one rule: everything here asks for the operator's role again, and to everybody else the pages do not exist.

mod background_page;
pub mod health;
pub mod http;
mod money;
mod money_page;
mod page;
mod reconciliation;
pub mod service;
#[cfg(test)]
mod tests;
