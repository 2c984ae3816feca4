//! A graph of ComfyUI: nodes by id, and the links between their inputs.
//!
//! The one rule: every walk takes so many steps at most; a graph is a stranger's and may lead back into itself.

use crate::json::plain;
use serde_json::{Map, Value};

/// The most links that are followed in one walk.
pub(super) const DEEPEST: usize = 256;

/// The nodes of a graph.
#[derive(Clone, Copy)]
pub(super) struct Graph<'a>(pub(super) &'a Map<String, Value>);

/// A node.
#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    pub(super) id: &'a str,
    pub(super) class: &'a str,
    pub(super) inputs: &'a Map<String, Value>,
}

/// What a scalar input comes to.
pub(super) enum Scalar {
    /// Its value.
    Is(String),
    /// There is none, or it is computed by a node that is not known.
    Absent,
    /// The walk did not end.
    Endless,
}

/// Under which names nodes that hold one value hold it, besides the name that is asked for.
const HELD: [&str; 12] = [
    "value",
    "seed",
    "noise_seed",
    "int",
    "float",
    "number",
    "text",
    "string",
    "prompt",
    "Value",
    "Text",
    "String",
];

impl<'a> Graph<'a> {
    /// The graph in a document.
    pub(super) fn of(document: &'a Value) -> Option<Self> {
        let nodes = document.as_object()?;
        let any = nodes.values().any(|node| node.get("class_type").is_some());
        any.then_some(Self(nodes))
    }

    pub(super) fn node(self, id: &str) -> Option<Node<'a>> {
        let (id, node) = self.0.get_key_value(id)?;
        Some(Node {
            id,
            class: node.get("class_type")?.as_str()?,
            inputs: node.get("inputs")?.as_object()?,
        })
    }

    pub(super) fn nodes(self) -> impl Iterator<Item = Node<'a>> {
        self.0.keys().filter_map(move |id| self.node(id))
    }

    /// The node that a link leads to, and which of its outputs.
    fn target(self, link: &Value) -> Option<(Node<'a>, u64)> {
        let [id, output] = link.as_array()?.as_slice() else {
            return None;
        };
        let node = self.node(&plain(id)?)?;
        Some((node, output.as_u64().unwrap_or_default()))
    }

    /// Where an input comes from.
    pub(super) fn link(self, node: Node<'a>, input: &str) -> Option<(Node<'a>, u64)> {
        self.target(node.inputs.get(input)?)
    }

    /// The first input of several names that is a link.
    pub(super) fn first_link(self, node: Node<'a>, inputs: &[&str]) -> Option<(Node<'a>, u64)> {
        inputs.iter().find_map(|input| self.link(node, input))
    }

    /// The value of an input, through nodes that do nothing but hold it.
    pub(super) fn scalar(self, node: Node<'a>, input: &str) -> Scalar {
        let Some(mut value) = node.inputs.get(input) else {
            return Scalar::Absent;
        };
        for _ in 0..DEEPEST {
            if let Some(text) = plain(value) {
                return Scalar::Is(text);
            }
            let Some((holder, _)) = self.target(value) else {
                return Scalar::Absent;
            };
            let names = std::iter::once(input).chain(HELD);
            let mut held = names.filter_map(|name| holder.inputs.get(name));
            let Some(next) = held.next() else {
                return Scalar::Absent;
            };
            value = next;
        }
        Scalar::Endless
    }
}
