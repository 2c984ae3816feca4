//! Recipe in, pixels out: the embedded diffusion engine.
//!
//! The one rule: under `portable-1` the same recipe gives the same bits on every supported CPU, or an error that names why
//! not. Nothing is substituted, cut or rounded silently. ONNX Runtime stands behind [`executor::Executor`] (feature `ort`);
//! everything else builds for wasm32. Start with [`pipeline`], then [`model`] and [`profile`].

#![cfg_attr(
    not(feature = "ort"),
    allow(
        dead_code,
        irrefutable_let_patterns,
        reason = "without a runtime no model is added, and what that takes is not called"
    )
)]

pub mod compare;
#[cfg(feature = "ort")]
mod component;
pub mod embedded;
pub mod error;
pub mod executor;
mod family;
#[cfg(feature = "ort")]
mod graph;
#[cfg(feature = "ort")]
pub mod import;
mod json;
pub mod label;
pub mod metadata;
pub mod model;
mod onnx;
#[cfg(feature = "ort")]
pub mod onnx_runtime;
#[cfg(feature = "ort")]
pub mod photo;
pub mod picture;
pub mod pipeline;
pub mod portable;
pub mod profile;
pub mod proof;
pub mod rng;
pub mod scheduler;
pub mod sheet;
#[cfg(feature = "ort")]
pub mod stages;
pub mod text;
pub mod tokenizer;
pub mod workers;

pub use error::{Error, ErrorKind};

/// Engine and version, as reproduction statements name it.
pub const NAME: &str = concat!("seedmark-engine ", env!("CARGO_PKG_VERSION"));
