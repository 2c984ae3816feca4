//! The numbers of a manifest, against bounds and against what the graphs declare of their inputs and outputs.
//!
//! The one rule: no number of a manifest sizes an allocation, divides or indexes before it passed here.

use crate::error::{Error, ErrorKind};
use crate::model::{MANIFEST, Manifest};
use crate::onnx::{FLOAT, INT64, ModelProto, ValueInfo};
use prost::Message as _;
use schema::pixels::MAX_SIDE;
use schema::recipe::{MAX_GUIDANCE_MILLI, MAX_SHIFT_MILLI, MAX_STEPS};

/// The graphs that a model of the family must list.
pub(crate) const TEXT_ENCODER: &str = "text_encoder.onnx";
pub(crate) const TRANSFORMER: &str = "transformer.onnx";
pub(crate) const DECODER: &str = "vae_decoder.onnx";

/// The name that the graphs use for the widened weights.
pub(crate) const WEIGHTS: &str = "weights.f32";

const MAX_SIZES: usize = 64;
const MAX_CHANNELS: u32 = 64;
const MAX_FACTOR: u32 = 64;
const MAX_TOKENS: u32 = 1024;
const MAX_WIDTH: u32 = 16 * 1024;
const MAX_FEATURES: u32 = 4096;
/// The most values of one latent: sixteen channels of 512×512 cells.
const MAX_LATENT: u64 = 4 * 1024 * 1024;

fn wrong(message: String) -> Error {
    Error::new(ErrorKind::Malformed, message)
}

/// Checks every number of a manifest against what this engine takes.
pub(crate) fn check_numbers(manifest: &Manifest) -> Result<(), Error> {
    let within = |name: &str, found: u32, least: u32, most: u32| {
        if (least..=most).contains(&found) {
            return Ok(());
        }
        Err(wrong(format!(
            "{MANIFEST}: {name} is {found}, {least} to {most} belong"
        )))
    };
    let m = manifest;
    within("latent_channels", m.latent_channels, 1, MAX_CHANNELS)?;
    within("latent_factor", m.latent_factor, 1, MAX_FACTOR)?;
    within("text_tokens", m.text_tokens, 1, MAX_TOKENS)?;
    within("text_width", m.text_width, 1, MAX_WIDTH)?;
    within("time_features", m.time_features, 2, MAX_FEATURES)?;
    within("steps", m.steps, 1, MAX_STEPS)?;
    within("guidance_milli", m.guidance_milli, 0, MAX_GUIDANCE_MILLI)?;
    within("shift_milli", m.shift_milli, 1, MAX_SHIFT_MILLI)?;
    if !m.time_features.is_multiple_of(2) {
        let found = m.time_features;
        return Err(wrong(format!(
            "{MANIFEST}: time_features is {found}: as many sines as cosines belong"
        )));
    }
    let offered = m.sizes.len();
    if !(1..=MAX_SIZES).contains(&offered) {
        return Err(wrong(format!(
            "{MANIFEST}: {offered} sizes, 1 to {MAX_SIZES} belong"
        )));
    }
    for size in &m.sizes {
        let (width, height, factor) = (size.width, size.height, m.latent_factor);
        within("sizes.width", width, factor, MAX_SIDE)?;
        within("sizes.height", height, factor, MAX_SIDE)?;
        if !width.is_multiple_of(factor) || !height.is_multiple_of(factor) {
            return Err(wrong(format!(
                "{MANIFEST}: the size {width}×{height} is no multiple of latent_factor {factor}"
            )));
        }
        let cells = u64::from(width / factor) * u64::from(height / factor);
        if cells * u64::from(m.latent_channels) > MAX_LATENT {
            return Err(wrong(format!(
                "{MANIFEST}: the latent of {width}×{height} is over {MAX_LATENT} values"
            )));
        }
    }
    Ok(())
}

/// One dimension as the pipeline will fill it.
#[derive(Clone, Copy)]
enum Side {
    /// As many as pictures or passes are made at once.
    Batch,
    /// Always this many.
    Fixed(u32),
    /// One of these, by the size of the picture.
    Of(fn(&Manifest, crate::model::Size) -> u32),
}

struct Expected {
    name: &'static str,
    kind: i32,
    sides: Vec<Side>,
}

fn floats(name: &'static str, sides: Vec<Side>) -> Expected {
    let kind = FLOAT;
    Expected { name, kind, sides }
}

/// Inputs and outputs of a graph of the family; `None` for a graph that the pipeline does not run.
fn expected(graph: &str, m: &Manifest) -> Option<(Vec<Expected>, Vec<Expected>)> {
    use Side::{Batch, Fixed, Of};
    let (tokens, width) = (Fixed(m.text_tokens), Fixed(m.text_width));
    let latent = || {
        let across: Side = Of(|m, size| size.width / m.latent_factor);
        let down: Side = Of(|m, size| size.height / m.latent_factor);
        vec![Batch, Fixed(m.latent_channels), down, across]
    };
    Some(match graph {
        TEXT_ENCODER => (
            vec![
                Expected {
                    name: "ids",
                    kind: INT64,
                    sides: vec![Batch, tokens],
                },
                floats("mask", vec![Batch, tokens, Fixed(1)]),
            ],
            vec![
                floats("text", vec![Batch, tokens, width]),
                floats("pooled", vec![Batch, width]),
            ],
        ),
        TRANSFORMER => (
            vec![
                floats("latent", latent()),
                floats("time", vec![Batch, Fixed(m.time_features)]),
                floats("text", vec![Batch, tokens, width]),
                floats("pooled", vec![Batch, width]),
                floats("guidance", vec![Batch, Fixed(1)]),
            ],
            vec![floats("velocity", latent())],
        ),
        DECODER => {
            let (across, down): (Side, Side) =
                (Of(|_, size| size.width), Of(|_, size| size.height));
            (
                vec![floats("latent", latent())],
                vec![floats("picture", vec![Batch, Fixed(3), down, across])],
            )
        }
        _ => return None,
    })
}

/// Checks what a graph declares: the inputs that the pipeline fills and no others, the outputs that it reads, and every declared
/// dimension against the manifest.
pub(crate) fn check_graph(name: &str, graph: &[u8], manifest: &Manifest) -> Result<(), Error> {
    let Some((inputs, outputs)) = expected(name, manifest) else {
        return Err(wrong(format!(
            "{MANIFEST}: {name} is no file of this model family"
        )));
    };
    let decoded = ModelProto::decode(graph)
        .map_err(|error| wrong(format!("{name} is not an ONNX graph: {error}")))?;
    let graph = decoded
        .graph
        .ok_or_else(|| wrong(format!("{name} holds no graph")))?;
    for (place, wanted, found) in [
        ("input", &inputs, &graph.input),
        ("output", &outputs, &graph.output),
    ] {
        for expected in wanted {
            let declared = found.iter().find(|found| found.name == expected.name);
            let declared = declared
                .ok_or_else(|| wrong(format!("{name} has no {place} {:?}", expected.name)))?;
            check_value(declared, expected, manifest)
                .map_err(|what| wrong(format!("{name}, {place} {:?}: {what}", expected.name)))?;
        }
    }
    let unknown = graph.input.iter().find(|input| {
        let constant = graph
            .initializer
            .iter()
            .any(|tensor| tensor.name == input.name);
        !constant && !inputs.iter().any(|known| known.name == input.name)
    });
    match unknown {
        Some(input) => Err(wrong(format!(
            "{name} wants an input {:?}, which nothing fills",
            input.name
        ))),
        None => Ok(()),
    }
}

/// Checks that what a graph takes from outside are the model's own weights, which its digest covers, and lies within them.
pub(crate) fn check_external(name: &str, graph: &[u8], weights: usize) -> Result<(), Error> {
    let decoded = ModelProto::decode(graph)
        .map_err(|error| wrong(format!("{name} is not an ONNX graph: {error}")))?;
    let constants = decoded.graph.map(|graph| graph.initializer);
    for tensor in constants.unwrap_or_default() {
        if tensor.data_location == 0 && tensor.external_data.is_empty() {
            continue;
        }
        let value = |key: &str| {
            let found = tensor.external_data.iter().find(|entry| entry.key == key);
            found.map(|entry| entry.value.as_str())
        };
        let number = |key: &str| value(key).unwrap_or("0").parse::<u64>().ok();
        let end = number("offset")
            .zip(number("length"))
            .and_then(|(offset, length)| offset.checked_add(length));
        let within = end.is_some_and(|end| end <= weights as u64);
        if value("location") != Some(WEIGHTS) || !within {
            return Err(wrong(format!(
                "{name}: the constant {:?} is taken from outside the model's weights",
                tensor.name
            )));
        }
    }
    Ok(())
}

fn check_value(declared: &ValueInfo, expected: &Expected, m: &Manifest) -> Result<(), String> {
    let tensor = declared
        .kind
        .as_ref()
        .and_then(|kind| kind.tensor_type.as_ref())
        .ok_or("is no tensor")?;
    if tensor.elem_type != expected.kind {
        let wanted = if expected.kind == FLOAT {
            "float32"
        } else {
            "int64"
        };
        return Err(format!("is not of {wanted}"));
    }
    // An output without a shape is measured when it was made.
    let Some(shape) = &tensor.shape else {
        return Ok(());
    };
    if shape.dim.len() != expected.sides.len() {
        let (found, wanted) = (shape.dim.len(), expected.sides.len());
        return Err(format!("has {found} dimensions, {wanted} belong"));
    }
    for (at, (dim, side)) in shape.dim.iter().zip(&expected.sides).enumerate() {
        // A dimension with a name, or with nothing at all, takes any length.
        if dim.dim_value == 0 {
            continue;
        }
        let fits = |wanted: u32| i64::from(wanted) == dim.dim_value;
        let fits = match side {
            Side::Batch => dim.dim_value == 1,
            Side::Fixed(wanted) => fits(*wanted),
            Side::Of(side) => m.sizes.iter().all(|size| fits(side(m, *size))),
        };
        if !fits {
            return Err(format!(
                "dimension {at} is {}, which is not what {MANIFEST} says",
                dim.dim_value
            ));
        }
    }
    Ok(())
}
