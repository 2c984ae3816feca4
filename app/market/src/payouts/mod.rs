//! Paying creators: holds that end, onboarding, the weekly sweep, and a reason for every cent that is not paid.
//!
//! The one rule: one transfer per line and payee, planned in the books before it is sent. A payee who is skipped gets a row
//! with the blocker's name, so that the page never has to guess.

pub mod service;
mod state;
mod store;
#[cfg(test)]
mod tests;

pub use state::BankPayoutState;
#[cfg(any(test, feature = "testing"))]
pub use store::ALL as STATEMENTS;
