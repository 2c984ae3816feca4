//! The studio's pages: write, generate, choose, seal, publish.
//!
//! The one rule: what is not published yet is shown to its creator alone, and is never kept by a cache.

mod compare;
mod form;
pub mod http;
mod page;
mod shown;
mod start;
mod variables;
