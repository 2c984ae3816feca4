//! Listings: what is for sale, and the evidence for it.
//!
//! The one rule: nothing here shows prompt, seed, values' sealed texts or an exact picture. Public pictures are labelled copies.

pub mod home;
pub mod service;
mod state;
mod store;
pub mod stretch;
#[cfg(test)]
mod tests;
pub mod versions;

pub use state::{ListingState, VersionState};
#[cfg(any(test, feature = "testing"))]
pub use store::ALL as STATEMENTS;
