//! Pages of the public log: one leaf, and two side by side.

mod known;
mod priority;
mod proof;
mod timeline;

pub(super) use known::{Checks, Known};
pub(crate) use priority::since;
pub(super) use priority::{ask, priority};
pub(crate) use proof::check_texts;
pub(super) use proof::proof;
