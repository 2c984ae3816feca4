//! Tries before the sale, as pages: the part of a listing's page that says what can be chosen and lets one try, and the page of one's tries.
//!
//! The one rule: these pages know what is public of a listing, and nothing else.

pub(super) mod http;
mod page;

pub(crate) use page::{is_offered, section};
