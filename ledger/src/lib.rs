//! The transparency log: RFC 6962 tree, C2SP tlog-tiles, signed notes, checkpoints, proofs.
//!
//! The one rule: everything here can be checked by a stranger with other people's tools, and all checking code builds for
//! wasm32. The feature `writer` adds sequencing and storage. Start with [`tree`], then [`note`], [`proof`] and
//! [`bundle`]; a log is written by `writer::Log`.
#![cfg_attr(feature = "writer", doc = "", doc = include_str!("../README.md"))]

pub mod audit;
pub mod bundle;
pub mod checkpoint;
#[cfg(feature = "client")]
pub mod client;
pub mod cosignature;
pub mod edge;
pub mod error;
pub mod evidence;
pub mod note;
pub mod policy;
pub mod proof;
pub mod tile;
pub mod tree;
pub mod verified;
pub mod witness;
#[cfg(feature = "writer")]
pub mod writer;

pub use error::{Error, ErrorKind};
