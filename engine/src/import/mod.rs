//! A graph as exporters write it → the same computation in the operators of `portable-1`.
//!
//! The one rule: every node is folded into a constant, given to the host, or rewritten by a rule of `rules`; a node that is none of these is
//! refused by its name. Shapes are fixed first, so one graph serves one picture size.

mod builder;
mod constants;
pub mod folder;
mod layers;
mod lora;
mod prove;
mod rules;
mod sink;
mod write;

pub(crate) use prove::prove;
pub use prove::{Proof, TOLERANCE};
pub(crate) use sink::Sink;

use crate::error::{Error, ErrorKind};
use crate::graph::evaluate;
use crate::graph::host::Program;
use crate::graph::tensor::{Data, Kind, Tensor, count};
use crate::graph::weights::{self, Stored};
use crate::onnx::{Dimension, FLOAT, GraphProto, ModelProto, NodeProto, OperatorSet, TensorProto};
use builder::{Builder, Operand, Value};
use bytes::Bytes;
use constants::{constant, moved, outside};
use lora::{Adapters, Part, Plan};
use std::collections::{BTreeMap, HashMap};
use write::rename;

/// The most values of a constant that counts as small: what the host may look at.
const SMALL: usize = 4096;
/// The most values between two nodes: feature maps of the largest pictures are below.
const LARGEST: usize = 1 << 31;
/// The operator sets that are read.
const OPSETS: std::ops::RangeInclusive<i64> = 11..=22;
/// A graph in a file, with what stands outside of it.
pub(crate) struct Source<'a> {
    /// For messages.
    pub(crate) name: &'a str,
    pub(crate) model: ModelProto,
    /// Gives the bytes of a file beside the graph.
    pub(crate) outside: &'a dyn Fn(&str) -> Result<Bytes, Error>,
}

/// Fixes the sides of an input that are open.
pub(crate) type Shaping<'a> = dyn Fn(&str, &[Option<usize>]) -> Result<Vec<usize>, Error> + 'a;

/// What the caller fixes.
pub(crate) struct Settings<'a> {
    /// The shape of an input, whose declared sides are open where they are `None`.
    pub(crate) shape: &'a Shaping<'a>,
    /// Inputs that go to the graph; every other one goes to the host.
    pub(crate) given: &'a [&'a str],
    /// What is merged into the weights, the graph being of this part of a model.
    pub(crate) adapters: Option<(&'a Adapters, Part)>,
}

/// A graph with the program that the host runs before it.
#[derive(Clone)]
pub(crate) struct Written {
    pub(crate) graph: Vec<u8>,
    /// Nodes of the graph.
    pub(crate) nodes: usize,
    pub(crate) host: Program,
    /// Inputs that come from outside, with their shapes.
    pub(crate) inputs: Vec<(String, Vec<usize>)>,
    pub(crate) outputs: Vec<(String, Vec<usize>)>,
}

/// What a graph has become.
pub(crate) struct Rewritten {
    pub(crate) portable: Written,
    /// The source's own operators in float32 with the same shapes: what the portable form is measured against.
    pub(crate) plain: Written,
    /// Nodes of the source that still stand, for the comparison layer by layer: their outputs, in order.
    pub(crate) layers: Vec<(String, String)>,
}

fn at(node: &NodeProto) -> String {
    format!("node {:?} ({})", node.name, node.op_type)
}

/// Rewrites a graph; constants go to `sink`.
///
/// # Errors
/// `ErrorKind::NotPortable` naming the node and what is not known of it; `ErrorKind::Malformed` for what is no graph.
pub(crate) fn rewrite<'a>(
    source: &'a Source<'a>,
    settings: &Settings<'_>,
    sink: &'a mut Sink<'_>,
) -> Result<Rewritten, Error> {
    let wrong = |what: String| Error::new(ErrorKind::Malformed, format!("{}: {what}", source.name));
    let opset = opset(&source.model).map_err(|what| refused(source.name, &what))?;
    let graph = source.model.graph.as_ref();
    let graph = graph.ok_or_else(|| wrong("holds no graph".into()))?;
    let plan = match settings.adapters {
        Some((adapters, part)) => adapters.plan(part, graph)?,
        None => Plan::default(),
    };
    let mut walk = Walk {
        source,
        plan,
        values: HashMap::new(),
        b: Builder::new(sink),
        plain: Plain::default(),
        hosted: Vec::new(),
        host_constants: HashMap::new(),
        host_inputs: Vec::new(),
        inputs: Vec::new(),
        opset,
    };
    walk.constants(&graph.initializer)?;
    walk.declared_inputs(graph, settings)
        .map_err(|error| wrong(error.to_string()))?;
    let mut layers = Vec::new();
    for node in &graph.node {
        let stands = walk
            .node(node)
            .map_err(|what| refused(source.name, &format!("{}: {what}", at(node))))?;
        if let (true, Some(output)) = (stands, node.output.first()) {
            layers.push((output.clone(), at(node)));
        }
    }
    let names: Vec<String> = graph
        .output
        .iter()
        .map(|output| output.name.clone())
        .collect();
    walk.end(&names, opset, layers)
        .map_err(|what| refused(source.name, &what))
}

fn refused(name: &str, what: &str) -> Error {
    let message = format!("{name} cannot be made portable: {what}");
    Error::new(ErrorKind::NotPortable, message)
}

fn opset(model: &ModelProto) -> Result<i64, String> {
    if !model.functions.is_empty() {
        return Err("it defines functions of its own".into());
    }
    let standard = |set: &&OperatorSet| set.domain.is_empty() || set.domain == "ai.onnx";
    let found = model
        .opset_import
        .iter()
        .find(standard)
        .map(|set| set.version);
    match found {
        Some(version) if OPSETS.contains(&version) => Ok(version),
        Some(version) => Err(format!(
            "it is written in the operator set {version}; {} to {} are read",
            OPSETS.start(),
            OPSETS.end()
        )),
        None => Err("it names no standard operator set".into()),
    }
}

/// The source's nodes as they are, with the same constants and inputs.
#[derive(Default)]
struct Plain {
    nodes: Vec<NodeProto>,
    constants: BTreeMap<String, TensorProto>,
    handed: Vec<(String, Tensor)>,
}

struct Walk<'a, 'b> {
    source: &'a Source<'a>,
    plan: Plan,
    values: HashMap<String, Value>,
    b: Builder<'a, 'b>,
    plain: Plain,
    hosted: Vec<NodeProto>,
    host_constants: HashMap<String, Tensor>,
    host_inputs: Vec<(String, Vec<usize>)>,
    inputs: Vec<(String, Vec<usize>)>,
    opset: i64,
}

impl Walk<'_, '_> {
    fn constants(&mut self, tensors: &[TensorProto]) -> Result<(), Error> {
        for proto in tensors {
            let value = self.read(proto)?;
            self.values.insert(proto.name.clone(), value);
        }
        Ok(())
    }

    /// A constant of the source, large floats left in their file.
    fn read(&self, proto: &TensorProto) -> Result<Value, Error> {
        let outside = outside(proto, self.source)?;
        let size = count(&crate::graph::tensor::shape_of(proto)?).unwrap_or(usize::MAX);
        let raw = outside.clone().unwrap_or_else(|| proto.raw_data.clone());
        if size > SMALL && weights::is_float(proto) && !raw.is_empty() {
            return Ok(Value::Stored(Stored::of(proto, raw)?));
        }
        constant(Tensor::read(proto, outside.as_deref())?)
    }

    fn declared_inputs(
        &mut self,
        graph: &GraphProto,
        settings: &Settings<'_>,
    ) -> Result<(), Error> {
        for input in &graph.input {
            if self.values.contains_key(&input.name) {
                continue;
            }
            let name = &input.name;
            let wrong =
                |what: &str| Error::new(ErrorKind::Malformed, format!("the input {name:?} {what}"));
            let tensor = input
                .kind
                .as_ref()
                .and_then(|kind| kind.tensor_type.as_ref());
            let tensor = tensor.ok_or_else(|| wrong("is no tensor"))?;
            let kind = Kind::of(tensor.elem_type).ok_or_else(|| wrong("is of another type"))?;
            let sides = tensor
                .shape
                .as_ref()
                .map(|shape| &shape.dim[..])
                .unwrap_or(&[]);
            let known = |dim: &Dimension| usize::try_from(dim.dim_value).ok().filter(|n| *n > 0);
            let open: Vec<Option<usize>> = sides.iter().map(known).collect();
            let shape = (settings.shape)(name, &open)?;
            let fits = shape.len() == open.len()
                && shape
                    .iter()
                    .zip(&open)
                    .all(|(a, b)| b.is_none_or(|b| *a == b));
            if !fits {
                return Err(wrong(&format!(
                    "is declared as {open:?}, {shape:?} is wanted"
                )));
            }
            self.inputs.push((name.clone(), shape.clone()));
            let value = if settings.given.contains(&name.as_str()) {
                Value::Graph(Operand {
                    name: name.clone(),
                    shape,
                    kind,
                    constant: false,
                })
            } else {
                let size = count(&shape).filter(|size| *size <= evaluate::MOST);
                let size = size.ok_or_else(|| wrong("is too large for the host"))?;
                let data = match kind {
                    Kind::Float => Data::Floats(vec![1.0; size]),
                    Kind::Integer => Data::Integers(vec![1; size]),
                    Kind::Boolean => Data::Booleans(vec![true; size]),
                };
                self.host_inputs.push((name.clone(), shape.clone()));
                Value::Host(name.clone(), Tensor::new(shape, data)?)
            };
            self.values.insert(name.clone(), value);
        }
        Ok(())
    }

    /// Takes one node; whether it stands in the graph.
    fn node(&mut self, node: &NodeProto) -> Result<bool, String> {
        let mut inputs = Vec::new();
        for name in &node.input {
            inputs.push(match self.values.get(name) {
                Some(value) => Some(value.clone()),
                None if name.is_empty() => None,
                None => return Err(format!("it reads {name:?}, which nothing writes before it")),
            });
        }
        if let Some(made) = self.folded(node, &inputs)? {
            self.name(node, made);
            return Ok(false);
        }
        if let Some(made) = self.on_host(node, &inputs)? {
            self.name(node, made);
            return Ok(false);
        }
        let output = node.output.first().map_or("", String::as_str);
        // Before both forms are written, so that they are compared with the same weights.
        if let Some(Some(weight)) = inputs.get_mut(1)
            && let Some(changed) = self.plan.changed(output, weight)?
        {
            *weight = changed;
        }
        self.b.at(output);
        let start = self.b.nodes.len();
        let site = rules::Site {
            node,
            inputs: &inputs,
            opset: self.opset,
        };
        let mut made = rules::rewrite(&mut self.b, &site)?;
        for (value, name) in made.iter_mut().zip(&node.output) {
            rename(&mut self.b.nodes[start..], value, name);
        }
        let large = |value: &Value| count(value.shape()).is_none_or(|size| size > LARGEST);
        if let Some(value) = made.iter().find(|value| large(value)) {
            return Err(format!(
                "its result of the shape {:?} is too large",
                value.shape()
            ));
        }
        self.copied(node, &inputs)?;
        self.name(node, made);
        Ok(true)
    }

    fn name(&mut self, node: &NodeProto, made: Vec<Value>) {
        for (name, value) in node.output.iter().zip(made) {
            self.values.insert(name.clone(), value);
        }
    }

    /// What needs no run at all: constants, and the shapes of anything.
    fn folded(
        &mut self,
        node: &NodeProto,
        inputs: &[Option<Value>],
    ) -> Result<Option<Vec<Value>>, String> {
        if node.op_type == "Shape"
            && let Some(Some(value)) = inputs.first()
        {
            let shape = evaluate::shape_slice(node, value.shape());
            return Ok(Some(vec![Value::Constant(shape)]));
        }
        if let ("Constant", Some(proto)) = (
            node.op_type.as_str(),
            node.attribute.first().and_then(|value| value.t.as_ref()),
        ) {
            return Ok(Some(vec![
                self.read(proto).map_err(|error| error.to_string())?,
            ]));
        }
        let constant_inputs = inputs
            .iter()
            .flatten()
            .all(|value| matches!(value, Value::Constant(_) | Value::Stored(_)));
        if !constant_inputs {
            return Ok(None);
        }
        if let Some(Some(Value::Stored(stored))) = inputs.first()
            && let Some(moved) = moved(node, stored, &inputs[1..])?
        {
            return Ok(Some(vec![Value::Stored(moved)]));
        }
        let mut read = Vec::new();
        for value in inputs {
            read.push(match value {
                Some(Value::Constant(tensor)) => Some(tensor.clone()),
                Some(Value::Stored(stored)) => {
                    if count(stored.shape()).is_none_or(|size| size > evaluate::MOST) {
                        return Err("a large constant that would have to be computed".into());
                    }
                    Some(stored.tensor().map_err(|error| error.to_string())?)
                }
                _ => None,
            });
        }
        let read: Vec<Option<&Tensor>> = read.iter().map(Option::as_ref).collect();
        let made = evaluate::evaluate(node, &read).map_err(|error| error.to_string())?;
        made.map(|made| {
            made.into_iter()
                .map(|tensor| constant(tensor).map_err(|error| error.to_string()))
                .collect()
        })
        .transpose()
    }

    /// What depends on tokens, times and sizes alone.
    fn on_host(
        &mut self,
        node: &NodeProto,
        inputs: &[Option<Value>],
    ) -> Result<Option<Vec<Value>>, String> {
        let mut read = Vec::new();
        for value in inputs {
            read.push(match value {
                None => None,
                Some(Value::Host(_, tensor)) => Some(tensor),
                Some(Value::Constant(tensor)) => Some(tensor),
                Some(_) => return Ok(None),
            });
        }
        if !inputs
            .iter()
            .flatten()
            .any(|value| matches!(value, Value::Host(..)))
        {
            return Ok(None);
        }
        let large = |tensor: &&Tensor| tensor.kind() == Kind::Float && tensor.len() > SMALL;
        if read.iter().flatten().any(large) {
            return Ok(None);
        }
        let Some(made) = evaluate::evaluate(node, &read).map_err(|error| error.to_string())? else {
            return Ok(None);
        };
        for (name, value) in node.input.iter().zip(inputs) {
            if let Some(Value::Constant(tensor)) = value {
                self.host_constants.insert(name.clone(), tensor.clone());
            }
        }
        self.hosted.push(NodeProto {
            notes: Vec::new(),
            ..node.clone()
        });
        let named = node.output.iter().zip(made);
        Ok(Some(
            named
                .map(|(name, tensor)| Value::Host(name.clone(), tensor))
                .collect(),
        ))
    }

    /// The node as it is, for the comparison.
    fn copied(&mut self, node: &NodeProto, inputs: &[Option<Value>]) -> Result<(), String> {
        let mut copy = node.clone();
        copy.notes.clear();
        let graph_name = |value: &Value, name: &String| match value {
            Value::Graph(_) => Some(name.clone()),
            _ => None,
        };
        for (name, value) in copy.input.iter_mut().zip(inputs) {
            let Some(value) = value else { continue };
            if let Some(known) = graph_name(value, name) {
                *name = known;
                continue;
            }
            *name = self.plain_operand(value)?;
        }
        if let Some(to) = copy.attribute.iter_mut().find(|found| found.name == "to")
            && Kind::of(i32::try_from(to.i).unwrap_or(0)) == Some(Kind::Float)
        {
            to.i = i64::from(FLOAT);
        }
        self.plain.nodes.push(copy);
        Ok(())
    }

    fn plain_operand(&mut self, value: &Value) -> Result<String, String> {
        match value {
            Value::Host(name, tensor) => {
                if !self.plain.handed.iter().any(|(known, _)| known == name) {
                    self.plain.handed.push((name.clone(), tensor.clone()));
                }
                Ok(name.clone())
            }
            Value::Graph(operand) => Ok(operand.name.clone()),
            Value::Constant(tensor) if tensor.kind() == Kind::Boolean => {
                let name = format!("yes or no {}", self.plain.constants.len());
                self.plain
                    .constants
                    .insert(name.clone(), tensor.written(&name));
                Ok(name)
            }
            value => {
                let operand = self.b.operand(value)?;
                let proto = self.b.constants.get(&operand.name).cloned();
                let proto = proto.ok_or("a constant that was not written")?;
                self.plain.constants.insert(operand.name.clone(), proto);
                Ok(operand.name)
            }
        }
    }
}

#[cfg(test)]
mod tests;
