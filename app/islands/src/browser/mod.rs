//! What islands ask of the browser, through web-sys.
//!
//! The one rule: what a browser may forbid fails quietly, and its caller says so; what the page must have had is an error.

mod island;
mod page;
mod time;

pub(crate) use island::{Island, element, listen, set_text, texts};
pub(crate) use page::{
    copy, download, edit, islands, load, now_seconds, passphrase, random, read_file,
    reload_unless_typed, save, submit, value,
};
pub(crate) use time::{later, poll};

/// Where the browser keeps a person's encrypted key.
pub(crate) const KEY_SLOT: &str = "seedmark-key";
