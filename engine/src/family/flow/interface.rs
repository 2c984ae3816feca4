//! The numbers of a manifest, against bounds and against what the graphs declare of their inputs and outputs.
//!
//! The one rule: no number of a manifest sizes an allocation, divides or indexes before it passed here.

use super::numbers;
use crate::error::{Error, ErrorKind};
use crate::model::{MANIFEST, Manifest, within};
use crate::onnx::{FLOAT, INT64, ModelProto, ValueInfo};
use prost::Message as _;

/// The graphs that a model of the family must list.
pub(crate) const TEXT_ENCODER: &str = "text_encoder.onnx";
pub(crate) const TRANSFORMER: &str = "transformer.onnx";
pub(crate) const DECODER: &str = "vae_decoder.onnx";

const MAX_TOKENS: u32 = 1024;
const MAX_WIDTH: u32 = 16 * 1024;
const MAX_FEATURES: u32 = 4096;

fn wrong(message: String) -> Error {
    Error::new(ErrorKind::Malformed, message)
}

/// Checks the numbers that this family alone has.
pub(crate) fn check_numbers(manifest: &Manifest) -> Result<(), Error> {
    let m = numbers(manifest)?;
    within("text_tokens", manifest.text_tokens, 1, MAX_TOKENS)?;
    within("text_width", m.text_width, 1, MAX_WIDTH)?;
    within("time_features", m.time_features, 2, MAX_FEATURES)?;
    if !m.time_features.is_multiple_of(2) {
        let found = m.time_features;
        return Err(wrong(format!(
            "{MANIFEST}: time_features is {found}: as many sines as cosines belong"
        )));
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
    let own = numbers(m).ok()?;
    let (tokens, width) = (Fixed(m.text_tokens), Fixed(own.text_width));
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
                floats("time", vec![Batch, Fixed(own.time_features)]),
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
