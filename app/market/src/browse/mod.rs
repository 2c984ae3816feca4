//! Looking around: by words in three languages, by what listings are, by a digest, and by a picture.
//!
//! The one rule: the index says what may be shown and in which order, the database whether it is on sale. A listing that was withdrawn a
//! moment ago is on no page, whatever the index has not heard yet.

mod documents;
pub mod filter;
pub mod follow;
mod picture;
pub mod service;
mod store;
#[cfg(test)]
mod tests;

#[cfg(any(test, feature = "testing"))]
pub use store::ALL as STATEMENTS;
