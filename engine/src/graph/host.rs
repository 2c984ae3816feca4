//! The part of a graph that is evaluated here: what depends on tokens, times and sizes alone, before the runtime is called.
//!
//! The one rule: sines, logarithms and masks differ between CPUs in a runtime, so they are made here and handed over as inputs.

use super::evaluate;
use super::tensor::Tensor;
use crate::error::{Error, ErrorKind};
use crate::onnx::{
    self, Dimension, FLOAT, GraphProto, ModelProto, NodeProto, OperatorSet, ShapeProto,
    TensorProto, TensorType, TypeProto, ValueInfo,
};
use bytes::Bytes;
use prost::Message as _;
use std::collections::HashMap;

/// The most bytes of a program, its constants among them.
pub(crate) const MOST_BYTES: usize = 32 * 1024 * 1024;

/// Nodes in order, with the constants that they read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Program {
    nodes: Vec<NodeProto>,
    constants: HashMap<String, Tensor>,
    /// With the shapes that its nodes were written for.
    inputs: Vec<(String, Vec<usize>)>,
    outputs: Vec<String>,
}

impl Program {
    /// A program that gives `outputs`: of `nodes`, those that they need.
    pub(crate) fn of(
        nodes: &[NodeProto],
        constants: &HashMap<String, Tensor>,
        inputs: &[(String, Vec<usize>)],
        outputs: &[String],
    ) -> Self {
        let kept = onnx::needed(nodes, outputs.iter().map(String::as_str));
        let read = |name: &str| kept.iter().any(|node| node.input.iter().any(|i| i == name));
        let known = |(name, _): &&(String, Vec<usize>)| read(name) || outputs.contains(name);
        Self {
            constants: constants
                .iter()
                .filter(|(name, _)| read(name))
                .map(|(name, tensor)| (name.clone(), tensor.clone()))
                .collect(),
            inputs: inputs.iter().filter(known).cloned().collect(),
            outputs: outputs.to_vec(),
            nodes: kept,
        }
    }

    /// What it gives.
    pub(crate) fn outputs(&self) -> &[String] {
        &self.outputs
    }

    /// What it is given, with the shapes that its nodes were written for.
    pub(crate) fn inputs(&self) -> &[(String, Vec<usize>)] {
        &self.inputs
    }

    /// Evaluates it.
    ///
    /// # Errors
    /// `ErrorKind::Malformed` naming the node that does not fit its inputs.
    pub(crate) fn run(&self, inputs: &[(&str, &Tensor)]) -> Result<Vec<Tensor>, Error> {
        let mut values: HashMap<&str, Tensor> = HashMap::new();
        for (name, shape) in &self.inputs {
            let given = inputs.iter().find(|(known, _)| known == name);
            let (_, tensor) = given.ok_or_else(|| {
                let message = format!("the graph wants {name:?}, which nothing fills");
                Error::new(ErrorKind::Malformed, message)
            })?;
            values.insert(name, Tensor::new(shape.clone(), tensor.data.clone())?);
        }
        for node in &self.nodes {
            let read: Vec<Option<&Tensor>> = node
                .input
                .iter()
                .map(|name| {
                    values
                        .get(name.as_str())
                        .or_else(|| self.constants.get(name))
                })
                .collect();
            let outputs = evaluate::evaluate(node, &read)
                .map_err(|error| at(node, &error))?
                .ok_or_else(|| at(node, &"is not evaluated"))?;
            for (name, tensor) in node.output.iter().zip(outputs) {
                values.insert(name, tensor);
            }
        }
        self.outputs
            .iter()
            .map(|name| {
                values.get(name.as_str()).cloned().ok_or_else(|| {
                    Error::new(
                        ErrorKind::Malformed,
                        format!("nothing gives {name:?} to the graph"),
                    )
                })
            })
            .collect()
    }

    /// As a file.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let value = |name: &String, shape: Option<&[usize]>| ValueInfo {
            name: name.clone(),
            kind: shape.map(|shape| TypeProto {
                tensor_type: Some(TensorType {
                    elem_type: FLOAT,
                    shape: Some(ShapeProto {
                        dim: shape.iter().map(|side| side_of(*side)).collect(),
                    }),
                }),
            }),
        };
        let mut constants: Vec<TensorProto> = self
            .constants
            .iter()
            .map(|(name, tensor)| tensor.written(name))
            .collect();
        constants.sort_by(|a, b| a.name.cmp(&b.name));
        let graph = GraphProto {
            node: self.nodes.clone(),
            name: "host".into(),
            initializer: constants,
            input: self
                .inputs
                .iter()
                .map(|(name, shape)| value(name, Some(shape)))
                .collect(),
            output: self.outputs.iter().map(|name| value(name, None)).collect(),
            ..GraphProto::default()
        };
        ModelProto {
            ir_version: 8,
            opset_import: vec![OperatorSet {
                domain: String::new(),
                version: 17,
            }],
            graph: Some(graph),
            ..ModelProto::default()
        }
        .encode_to_vec()
    }

    /// Reads a file.
    ///
    /// # Errors
    /// `ErrorKind::Malformed` for anything else.
    pub(crate) fn parse(name: &str, bytes: Bytes) -> Result<Self, Error> {
        let wrong = |what: String| Error::new(ErrorKind::Malformed, format!("{name}: {what}"));
        if bytes.len() > MOST_BYTES {
            return Err(wrong(format!("is over {MOST_BYTES} bytes")));
        }
        let model = ModelProto::decode(bytes).map_err(|error| wrong(error.to_string()))?;
        let graph = model.graph.ok_or_else(|| wrong("holds no graph".into()))?;
        let mut constants = HashMap::new();
        for tensor in &graph.initializer {
            constants.insert(tensor.name.clone(), Tensor::read(tensor, None)?);
        }
        let shaped = |value: &ValueInfo| (value.name.clone(), value.shape());
        Ok(Self {
            constants,
            inputs: graph.input.iter().map(shaped).collect(),
            outputs: graph.output.into_iter().map(|output| output.name).collect(),
            nodes: graph.node,
        })
    }
}

fn side_of(side: usize) -> Dimension {
    Dimension {
        dim_value: side as i64,
        ..Dimension::default()
    }
}

fn at(node: &NodeProto, what: &dyn std::fmt::Display) -> Error {
    let message = format!("node {:?} ({}): {what}", node.name, node.op_type);
    Error::new(ErrorKind::Malformed, message)
}
