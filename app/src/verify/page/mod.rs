//! Pages of the public log: one leaf, and two side by side.

mod priority;
mod proof;

pub(super) use priority::{ask, priority};
pub(super) use proof::{Checks, proof};
