//! One file per command; each reads its options, does its work and says how it ended.

pub(crate) mod compare;
pub(crate) mod generate;
pub(crate) mod import;
pub(crate) mod key;
pub(crate) mod keygen;
pub(crate) mod log;
pub(crate) mod model;
pub(crate) mod own;
pub(crate) mod prompt;
pub(crate) mod reproduce;
pub(crate) mod seal;
pub(crate) mod sheet;
pub(crate) mod starting;
pub(crate) mod verify;
pub(crate) mod witness;
