//! What a walk has gathered, as files: the portable graph with its host's program, and the plain one that it is measured against.
//!
//! The one rule: only what an output needs is written, and every value is called as the source calls it.

use super::builder::{self, Value};
use super::{Rewritten, Walk, Written};
use crate::graph::host::Program;
use crate::graph::tensor::{Kind, Tensor};
use crate::onnx::{
    self, Dimension, FLOAT, GraphProto, ModelProto, NodeProto, OperatorSet, ShapeProto,
    TensorProto, TensorType, TypeProto, ValueInfo,
};
use prost::Message as _;
use std::collections::{BTreeMap, HashSet};

/// The operator set that is written.
const WRITTEN_OPSET: i64 = 17;

/// Nodes, constants and host values of a graph that is being written.
type Parts<'p> = (
    &'p [NodeProto],
    &'p BTreeMap<String, TensorProto>,
    &'p [(String, Tensor)],
);

impl Walk<'_, '_> {
    pub(super) fn end(
        mut self,
        outputs: &[String],
        opset: i64,
        layers: Vec<(String, String)>,
    ) -> Result<Rewritten, String> {
        let mut shapes = Vec::new();
        for name in outputs {
            let value = self.values.get(name).cloned();
            let value = value.ok_or_else(|| format!("nothing writes the output {name:?}"))?;
            shapes.push((name.clone(), value.shape().to_vec()));
            let operand = self.b.operand(&value)?;
            if operand.name != *name {
                self.b.at(name);
                let mut made = Value::Graph(self.b.unary("Identity", &operand));
                let last = self.b.nodes.len() - 1;
                rename(&mut self.b.nodes[last..], &mut made, name);
            }
            if !matches!(value, Value::Graph(_)) {
                let from = self.plain_operand(&value)?;
                self.plain.nodes.push(NodeProto {
                    input: vec![from],
                    output: vec![name.clone()],
                    op_type: "Identity".into(),
                    ..NodeProto::default()
                });
            }
        }
        for (name, tensor) in std::mem::take(&mut self.b.host_constants) {
            self.host_constants.insert(name, tensor);
        }
        self.hosted.append(&mut self.b.host);
        let portable = self.written(
            (&self.b.nodes, &self.b.constants, &self.b.handed),
            WRITTEN_OPSET,
            &shapes,
        );
        let plain = self.written(
            (&self.plain.nodes, &self.plain.constants, &self.plain.handed),
            opset,
            &shapes,
        );
        Ok(Rewritten {
            portable,
            plain,
            layers,
        })
    }

    fn written(
        &self,
        (nodes, constants, handed): Parts<'_>,
        opset: i64,
        outputs: &[(String, Vec<usize>)],
    ) -> Written {
        let kept = onnx::needed(nodes, outputs.iter().map(|(name, _)| name.as_str()));
        let read: HashSet<&str> = kept
            .iter()
            .flat_map(|node| node.input.iter().map(String::as_str))
            .collect();
        let handed: Vec<&(String, Tensor)> = handed
            .iter()
            .filter(|(name, _)| read.contains(name.as_str()))
            .collect();
        let names: Vec<String> = handed.iter().map(|(name, _)| name.clone()).collect();
        let given = |(name, _): &&(String, Vec<usize>)| {
            read.contains(name.as_str()) && !names.contains(name)
        };
        let mut inputs: Vec<ValueInfo> = self
            .inputs
            .iter()
            .filter(given)
            .map(|(name, shape)| described(name, FLOAT, shape))
            .collect();
        // What is yes or no is handed over as a number, and cast back.
        let mut first = Vec::new();
        for (name, tensor) in &handed {
            let kind = match tensor.kind() {
                Kind::Boolean => {
                    first.push(NodeProto {
                        input: vec![format!("{name} · number")],
                        output: vec![name.clone()],
                        op_type: "Cast".into(),
                        attribute: vec![builder::attribute_int("to", i64::from(onnx::BOOL))],
                        ..NodeProto::default()
                    });
                    inputs.push(described(
                        &format!("{name} · number"),
                        onnx::INT64,
                        &tensor.shape,
                    ));
                    continue;
                }
                kind => kind.element(),
            };
            inputs.push(described(name, kind, &tensor.shape));
        }
        let used = |proto: &&TensorProto| read.contains(proto.name.as_str());
        let nodes = kept.len();
        let graph = GraphProto {
            initializer: constants.values().filter(used).cloned().collect(),
            output: outputs
                .iter()
                .map(|(name, shape)| described(name, FLOAT, shape))
                .collect(),
            input: inputs,
            name: "graph".into(),
            node: first.into_iter().chain(kept).collect(),
            ..GraphProto::default()
        };
        let model = ModelProto {
            ir_version: 8,
            producer_name: crate::NAME.into(),
            opset_import: vec![OperatorSet {
                domain: String::new(),
                version: opset,
            }],
            graph: Some(graph),
            ..ModelProto::default()
        };
        Written {
            nodes,
            graph: model.encode_to_vec(),
            host: Program::of(
                &self.hosted,
                &self.host_constants,
                &self.host_inputs,
                &names,
            ),
            inputs: self.inputs.clone(),
            outputs: outputs.to_vec(),
        }
    }
}

pub(super) fn described(name: &str, element: i32, shape: &[usize]) -> ValueInfo {
    let side = |side: &usize| Dimension {
        dim_value: *side as i64,
        ..Dimension::default()
    };
    let tensor_type = Some(TensorType {
        elem_type: element,
        shape: Some(ShapeProto {
            dim: shape.iter().map(side).collect(),
        }),
    });
    ValueInfo {
        name: name.to_owned(),
        kind: Some(TypeProto { tensor_type }),
    }
}

/// Calls a value that one of `nodes` writes by the name that it has in the source.
pub(super) fn rename(nodes: &mut [NodeProto], value: &mut Value, name: &str) {
    let Value::Graph(operand) = value else { return };
    let writes = |node: &NodeProto| node.output.contains(&operand.name);
    if name.is_empty() || !nodes.iter().any(writes) {
        return;
    }
    for node in nodes {
        for known in node.input.iter_mut().chain(&mut node.output) {
            if *known == operand.name {
                name.clone_into(known);
            }
        }
        if node.output.first().is_some_and(|first| first == name) {
            name.clone_into(&mut node.name);
        }
    }
    name.clone_into(&mut operand.name);
}
