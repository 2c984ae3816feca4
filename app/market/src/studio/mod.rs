//! The studio: write a template, generate, choose anchors, seal in the browser, publish.
//!
//! The one rule: template, seeds and values lie encrypted, and a listing goes live only when the platform's own worker found
//! every digest equal and both leaves are in a signed checkpoint.

pub mod begin;
mod check;
pub mod compare;
mod content;
mod error;
pub mod jobs;
mod preview;
pub mod queue;
pub mod service;
pub mod start;
mod state;
mod store;
#[cfg(test)]
mod tests;

pub use state::PictureState;
#[cfg(any(test, feature = "testing"))]
pub use store::ALL as STATEMENTS;

/// Makes one picture of a draft.
pub const GENERATE: &str = base::jobs::turns::PICTURE_KINDS[0];
/// Regenerates every anchor of a sealed version and logs the outcome.
pub const CERTIFY: &str = base::jobs::turns::PICTURE_KINDS[1];
