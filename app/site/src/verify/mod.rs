//! Proof pages, priority, and checking by others.
//!
//! The one rule: a page claims nothing that its reader cannot check.

pub mod http;
pub mod page;
