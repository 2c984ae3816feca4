//! The numbers and graphs of a manifest of this family.
//!
//! The one rule: no number sizes an allocation or indexes before it passed here.

use super::{parts, sized};
use crate::error::{Error, ErrorKind};
use crate::model::tiles::DECODER;
use crate::model::{GRAPH, HOST, MANIFEST, Manifest, Model, within, wrong};
use crate::onnx::ModelProto;
use prost::Message as _;

const MAX_TOKENS: u32 = 1024;
const MAX_WIDTH: u32 = 16 * 1024;
const MAX_ENCODERS: usize = 3;
const MAX_LAYERS: usize = 13;

/// Checks the numbers that this family alone has, and that every graph which they name is listed.
pub(super) fn check_numbers(manifest: &Manifest) -> Result<(), Error> {
    let own = parts(manifest)?;
    if own.text.is_empty() || own.text.len() > MAX_ENCODERS {
        return Err(wrong(&format!(
            "text: {} encoders, 1 to {MAX_ENCODERS} belong",
            own.text.len()
        )));
    }
    let tokens = own.text[0].tokens;
    let listed = |name: String| match manifest.files.iter().any(|file| file.name == name) {
        true => Ok(()),
        false => Err(Error::new(
            ErrorKind::Missing,
            format!("{MANIFEST} lists no {name}"),
        )),
    };
    let graph = |name: &str| {
        listed(format!("{name}{GRAPH}"))?;
        listed(format!("{name}{HOST}"))
    };
    for encoder in &own.text {
        within("text.tokens", encoder.tokens, 3, MAX_TOKENS)?;
        within("text.width", encoder.width, 1, MAX_WIDTH)?;
        if encoder.tokens != tokens {
            return Err(wrong("text: encoders of different lengths"));
        }
        if !(1..=MAX_LAYERS).contains(&encoder.layers.len()) {
            return Err(wrong(&format!("text.layers: 1 to {MAX_LAYERS} belong")));
        }
        encoder
            .layers
            .iter()
            .try_for_each(|layer| graph(&layer.graph))?;
    }
    for size in &manifest.sizes {
        graph(&sized("unet", *size))?;
    }
    manifest.check_tiles()?;
    let graphs = manifest.files.iter();
    let graphs = graphs.filter(|file| !file.name.ends_with(HOST));
    graphs
        .filter_map(|file| file.name.strip_suffix(GRAPH))
        .filter(|name| name.starts_with(DECODER))
        .try_for_each(graph)?;
    let channels = manifest.latent_channels;
    within(
        "input_channels",
        own.input_channels,
        channels,
        channels * 2 + 1,
    )?;
    if ![channels, channels * 2 + 1].contains(&own.input_channels) {
        return Err(wrong(
            "input_channels: those of the latent, or of a mask and a masked latent too",
        ));
    }
    if let Some(width) = own.guidance_features {
        within("guidance_features", width, 2, MAX_WIDTH)?;
    }
    if own.vae.scaling_nano == 0 || own.vae.scaling_nano > 1_000_000_000_000 {
        return Err(wrong("vae.scaling_nano is no scale"));
    }
    Ok(())
}

/// Checks that a file is a graph. Its inputs are named when it is run, and its outputs counted.
pub(super) fn check_graph(name: &str, graph: &[u8], _: &Manifest) -> Result<(), Error> {
    let decoded = ModelProto::decode(graph).ok().and_then(|model| model.graph);
    match decoded {
        Some(_) => Ok(()),
        None => Err(Error::new(
            ErrorKind::Malformed,
            format!("{name} is not an ONNX graph"),
        )),
    }
}

/// The output of a picture encoder, which exporters call by different names.
pub(super) fn encoder_output(model: &Model, name: &str) -> Result<String, Error> {
    let (graph, _) = model.graph(&format!("{name}{GRAPH}"))?;
    let decoded = ModelProto::decode(graph).ok().and_then(|model| model.graph);
    let output = decoded.and_then(|graph| graph.output.into_iter().next());
    output
        .map(|output| output.name)
        .ok_or_else(|| Error::new(ErrorKind::Malformed, format!("{name} has no output")))
}
