//! The ground: what every room of the shop stands on, and nothing of what a shop is.
//!
//! The one rule: no word of money, listings, people or pages is here.

pub mod clock;
pub mod compute;
pub mod db;
pub mod jobs;
pub mod lang;
pub mod limits;
pub mod mail;
pub mod media;
pub mod once;
pub mod random;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod vault;
