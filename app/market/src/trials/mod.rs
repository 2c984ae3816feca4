//! Tries before the sale: a visitor chooses among the public choices of a listing whose creator allows it, and sees one small picture.
//!
//! The one rule: nothing of the recipe leaves the server. The seed is drawn when the picture is made and kept nowhere, only a small labelled
//! copy is stored, and nobody has more than three of a listing.

pub mod jobs;
pub mod service;
mod store;
#[cfg(test)]
mod tests;

#[cfg(any(test, feature = "testing"))]
pub use store::ALL as STATEMENTS;

/// Makes the picture of one try.
pub const MAKE: &str = base::jobs::turns::PICTURE_KINDS[4];
