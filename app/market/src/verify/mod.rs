//! Checking: what owners attest, who was first, and proof pages with all that a stranger needs to check a leaf offline.
//!
//! The one rule: a page claims nothing that its reader cannot check.

pub mod attest;
pub mod priority;
