//! Money: the books, and whoever takes and pays it for us.
//!
//! The one rule: nothing here knows what is sold.

pub mod books;
mod error;
pub mod provider;

pub use error::Error;
