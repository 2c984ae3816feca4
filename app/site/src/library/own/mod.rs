//! Own values as pages: the form, a run with its pictures, the history, print sheets, and the word that is given before a file leaves without
//! a label.
//!
//! The one rule: a picture says on the page, in its file's name and in its file whose recipe made it, and never carries a seal that it has not.

mod form;
pub(super) mod http;
mod page;
mod word;

pub(super) use form::{Making, making};
pub(super) use page::latest;
