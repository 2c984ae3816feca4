//! Moderation: what a person must look at before or after it is on sale. So far: near copies of earlier recipes.
//!
//! The one rule: whoever submitted a version learns that it is in review, and nothing about what it resembles; else rivals could
//! test guesses of a sealed recipe. A person decides, and the log's order is the evidence, not the shop's word.

mod likeness;
pub mod publication;
pub mod report;
pub mod service;
mod state;
mod store;
#[cfg(test)]
mod tests;
pub mod withdrawal;

pub use likeness::{PicturePrint, TextPrint};
pub use state::ReviewState;
#[cfg(any(test, feature = "testing"))]
pub use store::ALL as STATEMENTS;
