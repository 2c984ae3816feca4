//! Checking: what owners attest, who was first, and proof pages with all that a stranger needs to check a leaf offline.
//!
//! The one rule: a page claims nothing that its reader cannot check.

pub mod island;

#[cfg(feature = "ssr")]
pub mod attest;
#[cfg(feature = "ssr")]
pub mod http;
#[cfg(feature = "ssr")]
pub(crate) mod page;
#[cfg(feature = "ssr")]
pub mod priority;
