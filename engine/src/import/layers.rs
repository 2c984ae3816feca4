//! Leaving out the last layers of a text encoder, as "clip skip" means it: the final norm reads an earlier layer.
//!
//! The one rule: only where the exporter named nodes after the layers that they came from; elsewhere nothing is left out.

use crate::onnx::{GraphProto, ModelProto};
use bytes::Bytes;
use prost::Message as _;

/// The most layers that are left out.
const MOST: usize = 4;

/// What the final norm reads: the output of the last layer, with that layer's number.
fn last(graph: &GraphProto) -> Option<(String, usize)> {
    let in_norm = |name: &str| name.contains("final_layer_norm");
    let norm = graph.node.iter().filter(|node| in_norm(&node.name));
    let mut inputs = norm.flat_map(|node| &node.input);
    inputs.find_map(|input| layer(input).map(|number| (input.clone(), number)))
}

/// The number in `…layers.7/…` or `…layers_7_…`.
fn layer(name: &str) -> Option<usize> {
    let (_, rest) = name.split_once("layers.")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn earlier(name: &str, number: usize, skip: usize) -> Option<String> {
    let wanted = number.checked_sub(skip)?;
    Some(name.replacen(&format!("layers.{number}"), &format!("layers.{wanted}"), 1))
}

/// How many of the last layers can be left out.
pub(crate) fn skippable(graph: &Bytes) -> usize {
    let Some(graph) = ModelProto::decode(graph.clone())
        .ok()
        .and_then(|model| model.graph)
    else {
        return 0;
    };
    let Some((name, number)) = last(&graph) else {
        return 0;
    };
    let written = |name: &String| graph.node.iter().any(|node| node.output.contains(name));
    (1..=MOST)
        .take_while(|skip| earlier(&name, number, *skip).is_some_and(|name| written(&name)))
        .count()
}

/// Leaves out so many of the last layers; false when that cannot be done.
pub(crate) fn skip(model: &mut ModelProto, skip: usize) -> bool {
    let Some(graph) = &mut model.graph else {
        return false;
    };
    let Some((name, number)) = last(graph) else {
        return false;
    };
    let Some(wanted) = earlier(&name, number, skip) else {
        return false;
    };
    for node in &mut graph.node {
        if node.name.contains("final_layer_norm") {
            for input in node.input.iter_mut().filter(|input| **input == name) {
                input.clone_from(&wanted);
            }
        }
    }
    true
}
