//! What a buyer owns, as pages.
//!
//! The one rule: only the owner of a line sees its recipe.

pub mod http;
mod page;
