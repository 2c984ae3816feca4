//! What owners make of their recipes with values of their own: runs, their history, copies to take away, and print sheets.
//!
//! The one rule: such a picture carries the recipe's name and not its seal, unless values and seed are those of a sealed picture and the
//! pixels are equal to it. Only who holds the recipe sees it, and without a label it leaves the shop only once who takes it said to label it.

pub mod copies;
pub mod history;
mod holding;
pub mod jobs;
pub mod service;
pub mod settings;
mod state;
mod store;
#[cfg(test)]
mod tests;
pub mod unlabelled;
pub mod wish;

pub use state::OwnState;
#[cfg(any(test, feature = "testing"))]
pub use store::ALL as STATEMENTS;

/// Makes one picture with an owner's values.
pub const MAKE: &str = base::jobs::turns::PICTURE_KINDS[3];
