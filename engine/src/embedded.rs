//! The default model, inside every program that links the engine, so that a stranger needs one file and no download.

use crate::model::Source;

macro_rules! files {
    ($($name:literal),*) => {
        &[$(($name, include_bytes!(concat!("../model/files/", $name)))),*]
    };
}

/// The embedded default model.
pub const DEFAULT: Source = Source::Embedded(files!(
    "model.json",
    "text_encoder.onnx",
    "transformer.onnx",
    "vae_decoder.onnx",
    "weights.f16",
    "tokenizer.json"
));
