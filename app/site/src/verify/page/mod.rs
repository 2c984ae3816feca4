//! Pages of the public log: one leaf, and two side by side.

mod priority;
mod proof;

pub(crate) use priority::since;
pub(super) use priority::{ask, priority};
pub(crate) use proof::check_texts;
pub(super) use proof::{Checks, proof};
