//! Words: how a text falls into them, and which of them mean the same.
//!
//! The one rule: documents and queries go through the same functions. Whatever changes what comes out of them is a new [`VERSION`], and every
//! index is built anew.

pub(crate) mod chinese;
pub(crate) mod compounds;
pub(crate) mod concepts;
pub(crate) mod fold;
pub(crate) mod guesses;
pub(crate) mod names;
pub(crate) mod stems;
pub(crate) mod stop;
pub(crate) mod token;

/// What an index was written with.
pub(crate) const VERSION: u32 = 1;
