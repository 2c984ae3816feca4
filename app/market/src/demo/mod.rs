//! The first start's catalogue: a full shop made through the real path.
//!
//! The one rule: keys, passwords and texts of the demo are public and every page says so; all else is true. Pictures are
//! generated, sealed, signed, logged and certified by the same services that people use. Its log has an origin of its own.

mod recipes;
pub mod service;
