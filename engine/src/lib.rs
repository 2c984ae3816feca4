//! Recipe in, pixels out: the embedded diffusion engine.
//!
//! The one rule: under `portable-1` the same recipe gives the same bits on every supported CPU, or an error that names why
//! not. Nothing is substituted, cut or rounded silently. ONNX Runtime stands behind [`executor::Executor`] (feature `ort`);
//! everything else builds for wasm32. Start with [`pipeline`], then [`model`] and [`profile`].

pub mod compare;
mod component;
pub mod embedded;
pub mod error;
pub mod executor;
mod family;
mod graph;
pub mod import;
mod json;
pub mod label;
pub mod metadata;
pub mod model;
mod onnx;
#[cfg(feature = "ort")]
pub mod onnx_runtime;
pub mod picture;
pub mod pipeline;
pub mod portable;
pub mod profile;
pub mod proof;
pub mod rng;
pub mod scheduler;
pub mod sheet;
pub mod stages;
pub mod text;
pub mod tokenizer;
pub mod workers;

pub use error::{Error, ErrorKind};

/// Engine and version, as reproduction statements name it.
pub const NAME: &str = concat!("seedmark-engine ", env!("CARGO_PKG_VERSION"));
