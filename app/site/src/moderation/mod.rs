//! Pages of whoever decides what goes on sale.
//!
//! The one rule: whoever submitted learns that it is in review, and nothing about what it resembles.

pub mod http;
mod page;
