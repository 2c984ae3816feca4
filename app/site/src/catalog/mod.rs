//! Home, browsing and listing pages, with the evidence for what is for sale.
//!
//! The one rule: nothing here shows prompt, seed, values' sealed texts or an exact picture.

pub mod http;
pub(crate) mod page;
