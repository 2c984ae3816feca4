//! Whether a rewritten graph is the one that it was made from: both are run on the same inputs in float32.
//!
//! The one rule: 1e-4 of the largest value, and where that fails the first node that fails is named.

use super::{Rewritten, Written};
use crate::component::named;
use crate::error::{Error, ErrorKind};
use crate::executor::{Executor, Named, Session, Weights};
use crate::graph::tensor::{Data, Kind, Tensor};
use crate::onnx::{FLOAT, ModelProto, TensorType, TypeProto, ValueInfo};
use prost::Message as _;
use std::collections::HashSet;

/// The largest difference, relative to the largest value, that two orders of the same sums may make.
pub const TOLERANCE: f32 = 1e-4;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Proof {
    /// The largest difference of any output, relative to that output's largest value.
    pub difference: f32,
}

/// Gives an example value of an input by name and shape.
pub(crate) type Example<'a> = &'a dyn Fn(&str, &[usize]) -> Result<Tensor, Error>;

/// Runs both forms on example inputs.
///
/// # Errors
/// `ErrorKind::NotPortable` naming the first node that differs by more than [`TOLERANCE`]; what the executor refuses.
pub(crate) fn prove(
    executor: &dyn Executor,
    name: &str,
    weights: &Weights,
    rewritten: &Rewritten,
    example: Example<'_>,
) -> Result<Proof, Error> {
    let outputs: Vec<&str> = rewritten
        .plain
        .outputs
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    let run = |written: &Written, outputs: &[&str]| -> Result<Vec<Vec<f32>>, Error> {
        let mut session = executor.session(name, &written.graph, weights.clone())?;
        run(session.as_mut(), written, outputs, example)
    };
    let (plain, portable) = (
        run(&rewritten.plain, &outputs)?,
        run(&rewritten.portable, &outputs)?,
    );
    let mut largest = 0.0f32;
    for (a, b) in plain.iter().zip(&portable) {
        largest = largest.max(difference(a, b));
    }
    if largest <= TOLERANCE {
        return Ok(Proof {
            difference: largest,
        });
    }
    let place = first_layer(executor, name, weights, rewritten, example)?;
    let message = format!(
        "{name}: rewritten it differs by {largest:.1e} of its largest value, {TOLERANCE:.0e} may be; {place}"
    );
    Err(Error::new(ErrorKind::NotPortable, message))
}

/// The largest difference, relative to the largest value; infinite when a value is no number.
pub(crate) fn difference(a: &[f32], b: &[f32]) -> f32 {
    if a.len() != b.len() || a.iter().chain(b).any(|value| !value.is_finite()) {
        return f32::INFINITY;
    }
    let largest = a
        .iter()
        .fold(f32::MIN_POSITIVE, |most, value| most.max(value.abs()));
    let off = a
        .iter()
        .zip(b)
        .fold(0.0f32, |most, (a, b)| most.max((a - b).abs()));
    off / largest
}

/// Fills a graph's inputs from outside and from its program, and runs it.
fn run(
    session: &mut dyn Session,
    written: &Written,
    outputs: &[&str],
    example: Example<'_>,
) -> Result<Vec<Vec<f32>>, Error> {
    let mut given = Vec::new();
    for (name, shape) in &written.inputs {
        given.push((name.as_str(), example(name, shape)?));
    }
    let read: Vec<(&str, &Tensor)> = given.iter().map(|(name, tensor)| (*name, tensor)).collect();
    let made = written.host.run(&read)?;
    let wanted = ModelProto::decode(written.graph.as_slice())
        .map_err(|error| Error::new(ErrorKind::Malformed, error.to_string()))?;
    let wanted: HashSet<String> = wanted
        .graph
        .map(|graph| graph.input.into_iter().map(|input| input.name).collect())
        .unwrap_or_default();
    let mut all: Vec<(String, Tensor)> = Vec::new();
    for (name, tensor) in written.host.outputs().iter().zip(made) {
        match tensor.kind() {
            Kind::Boolean => {
                let numbers = tensor.as_integers().unwrap_or_default();
                let numbers = Tensor::new(tensor.shape.clone(), Data::Integers(numbers))?;
                all.push((format!("{name} · number"), numbers));
            }
            _ => all.push((name.clone(), tensor)),
        }
    }
    for (name, tensor) in given {
        if wanted.contains(name) && !all.iter().any(|(known, _)| known == name) {
            all.push((name.to_owned(), tensor));
        }
    }
    let inputs: Vec<Named<'_>> = all
        .iter()
        .map(|(name, tensor)| named(name, tensor))
        .collect::<Result<_, _>>()?;
    session.run(&inputs, outputs)
}

/// The first node of the source whose output differs, found by halving.
fn first_layer(
    executor: &dyn Executor,
    name: &str,
    weights: &Weights,
    rewritten: &Rewritten,
    example: Example<'_>,
) -> Result<String, Error> {
    let written_by = |graph: &[u8]| -> HashSet<String> {
        let model = ModelProto::decode(graph).ok().and_then(|model| model.graph);
        let nodes = model.map(|graph| graph.node).unwrap_or_default();
        nodes.into_iter().flat_map(|node| node.output).collect()
    };
    let (plain, portable) = (
        written_by(&rewritten.plain.graph),
        written_by(&rewritten.portable.graph),
    );
    let layers: Vec<&(String, String)> = rewritten
        .layers
        .iter()
        .filter(|(output, _)| plain.contains(output) && portable.contains(output))
        .collect();
    let differs = |output: &str| -> Result<bool, Error> {
        let mut both = Vec::new();
        for written in [&rewritten.plain, &rewritten.portable] {
            let graph = with_output(&written.graph, output)?;
            let mut session = executor.session(name, &graph, weights.clone())?;
            both.push(run(session.as_mut(), written, &[output], example)?.remove(0));
        }
        Ok(difference(&both[0], &both[1]) > TOLERANCE)
    };
    let (mut sound, mut bad) = (0, layers.len());
    while sound < bad {
        let middle = (sound + bad) / 2;
        // An output of integers cannot be compared; it is taken as sound.
        if differs(&layers[middle].0).unwrap_or(false) {
            bad = middle;
        } else {
            sound = middle + 1;
        }
    }
    Ok(match layers.get(bad) {
        Some((_, place)) => format!("the first that differs is {place}"),
        None => "no single node differs".into(),
    })
}

fn with_output(graph: &[u8], output: &str) -> Result<Vec<u8>, Error> {
    let mut model = ModelProto::decode(graph)
        .map_err(|error| Error::new(ErrorKind::Malformed, error.to_string()))?;
    if let Some(graph) = &mut model.graph
        && !graph.output.iter().any(|known| known.name == output)
    {
        graph.output.push(ValueInfo {
            name: output.to_owned(),
            kind: Some(TypeProto {
                tensor_type: Some(TensorType {
                    elem_type: FLOAT,
                    shape: None,
                }),
            }),
        });
    }
    Ok(model.encode_to_vec())
}
