//! What a buyer owns, as pages.
//!
//! The one rule: only the owner of a line sees its recipe.

pub mod http;
mod list_page;
mod own;
mod page;
pub(crate) mod slots;
pub(crate) mod try_it;
