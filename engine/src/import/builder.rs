//! Writes nodes of the portable set, and knows the shape of everything that it wrote.
//!
//! The one rule: what leaves here passes the linter of [`crate::portable`]: sums are products with a constant on the right, and a product of
//! two computed matrices has at least two rows and two columns.

use super::sink::Sink;
use crate::error::Error;
use crate::graph::evaluate::{self, broadcast};
use crate::graph::tensor::{Kind, Tensor};
use crate::graph::weights::Stored;
use crate::onnx::{
    ATTRIBUTE_INT, ATTRIBUTE_INTS, ATTRIBUTE_STRING, Attribute, NodeProto, TensorProto,
};
use std::collections::BTreeMap;

/// What a value of the source graph has become.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// A constant, not yet written.
    Constant(Tensor),
    /// A large constant, still in its file.
    Stored(Stored),
    /// Made by the host before the run; here as an example, for its shape.
    Host(String, Tensor),
    /// An input or what a node writes.
    Graph(Operand),
}

impl Value {
    pub(crate) fn shape(&self) -> &[usize] {
        match self {
            Self::Constant(tensor) | Self::Host(_, tensor) => &tensor.shape,
            Self::Stored(stored) => stored.shape(),
            Self::Graph(operand) => &operand.shape,
        }
    }
}

/// Something that a node may read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Operand {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) kind: Kind,
    pub(crate) constant: bool,
}

impl Operand {
    /// The side at `back` places from the end (1 is the last), 1 beyond the first.
    pub(crate) fn side(&self, back: usize) -> usize {
        let at = self.shape.len().checked_sub(back);
        at.map_or(1, |at| self.shape[at])
    }
}

/// A refusal without its place, which the caller knows.
pub(crate) type Refusal = String;

/// The portable graph while it is written.
pub(crate) struct Builder<'a, 'b> {
    pub(crate) nodes: Vec<NodeProto>,
    /// Initializers by name.
    pub(crate) constants: BTreeMap<String, TensorProto>,
    /// Host values that a node reads, in the order in which they were first read.
    pub(crate) handed: Vec<(String, Tensor)>,
    /// Nodes that a rule adds to those of the host.
    pub(crate) host: Vec<NodeProto>,
    /// Constants of the host's nodes.
    pub(crate) host_constants: Vec<(String, Tensor)>,
    sink: &'a mut Sink<'b>,
    place: String,
    fresh: usize,
}

fn text(error: Error) -> Refusal {
    error.to_string()
}

pub(crate) fn attribute_ints(name: &str, values: &[i64]) -> Attribute {
    Attribute {
        name: name.into(),
        ints: values.to_vec(),
        kind: ATTRIBUTE_INTS,
        ..Attribute::default()
    }
}

pub(crate) fn attribute_int(name: &str, value: i64) -> Attribute {
    Attribute {
        name: name.into(),
        i: value,
        kind: ATTRIBUTE_INT,
        ..Attribute::default()
    }
}

pub(crate) fn attribute_text(name: &str, value: &str) -> Attribute {
    Attribute {
        name: name.into(),
        s: value.as_bytes().to_vec(),
        kind: ATTRIBUTE_STRING,
        ..Attribute::default()
    }
}

fn as_integers(shape: &[usize]) -> Vec<i64> {
    shape.iter().map(|side| *side as i64).collect()
}

impl<'a, 'b> Builder<'a, 'b> {
    pub(crate) fn new(sink: &'a mut Sink<'b>) -> Self {
        Self {
            nodes: Vec::new(),
            constants: BTreeMap::new(),
            handed: Vec::new(),
            host: Vec::new(),
            host_constants: Vec::new(),
            sink,
            place: String::new(),
            fresh: 0,
        }
    }

    /// What the values that are written next are called after.
    pub(crate) fn at(&mut self, place: &str) {
        self.place = place.to_owned();
        self.fresh = 0;
    }

    fn name(&mut self) -> String {
        self.fresh += 1;
        format!("{} · {}", self.place, self.fresh)
    }

    /// A value as something that a node reads: constants are written, host values are handed over.
    pub(crate) fn operand(&mut self, value: &Value) -> Result<Operand, Refusal> {
        match value {
            Value::Graph(operand) => Ok(operand.clone()),
            Value::Constant(tensor) => self.constant(tensor),
            Value::Stored(stored) => {
                let proto = self.sink.stored(stored).map_err(text)?;
                Ok(self.initializer(proto, stored.shape().to_vec(), Kind::Float))
            }
            Value::Host(name, tensor) => {
                if tensor.kind() == Kind::Boolean {
                    return Err("a yes or no that the host makes; it must become a number".into());
                }
                if !self.handed.iter().any(|(known, _)| known == name) {
                    self.handed.push((name.clone(), tensor.clone()));
                }
                Ok(Operand {
                    name: name.clone(),
                    shape: tensor.shape.clone(),
                    kind: tensor.kind(),
                    constant: false,
                })
            }
        }
    }

    fn initializer(&mut self, proto: TensorProto, shape: Vec<usize>, kind: Kind) -> Operand {
        let name = proto.name.clone();
        self.constants.insert(name.clone(), proto);
        Operand {
            name,
            shape,
            kind,
            constant: true,
        }
    }

    pub(crate) fn constant(&mut self, tensor: &Tensor) -> Result<Operand, Refusal> {
        let proto = self.sink.tensor(tensor).map_err(text)?;
        Ok(self.initializer(proto, tensor.shape.clone(), tensor.kind()))
    }

    pub(crate) fn filled(&mut self, shape: &[usize], value: f32) -> Result<Operand, Refusal> {
        let size = shape.iter().product();
        let tensor = Tensor::floats(shape, vec![value; size]).map_err(text)?;
        self.constant(&tensor)
    }

    pub(crate) fn scalar(&mut self, value: f32) -> Result<Operand, Refusal> {
        self.constant(&Tensor::scalar(value))
    }

    pub(crate) fn integers(&mut self, values: &[i64]) -> Result<Operand, Refusal> {
        self.constant(&Tensor::integers(values.to_vec()))
    }

    /// Adds a node that the host evaluates, and gives its value.
    pub(crate) fn on_host(
        &mut self,
        operator: &str,
        attributes: Vec<Attribute>,
        inputs: &[&Value],
    ) -> Result<Value, Refusal> {
        let output = self.name();
        let mut names = Vec::new();
        let mut tensors = Vec::new();
        for input in inputs {
            match input {
                Value::Host(name, tensor) => {
                    names.push(name.clone());
                    tensors.push(Some(tensor));
                }
                Value::Constant(tensor) => {
                    let name = self.name();
                    self.host_constants.push((name.clone(), tensor.clone()));
                    names.push(name);
                    tensors.push(Some(tensor));
                }
                _ => return Err("a value that the host cannot see".into()),
            }
        }
        let node = NodeProto {
            input: names,
            output: vec![output.clone()],
            name: output.clone(),
            op_type: operator.into(),
            attribute: attributes,
            ..NodeProto::default()
        };
        let made = evaluate::evaluate(&node, &tensors).map_err(text)?;
        let made = made.and_then(|made| made.into_iter().next());
        self.host.push(node);
        made.map(|tensor| Value::Host(output, tensor))
            .ok_or_else(|| format!("{operator} is not evaluated"))
    }

    /// Writes one node as it is.
    pub(crate) fn node(
        &mut self,
        operator: &str,
        inputs: &[&Operand],
        attributes: Vec<Attribute>,
        shape: Vec<usize>,
    ) -> Operand {
        let name = self.name();
        let kind = match operator {
            "ArgMax" => Kind::Integer,
            _ => inputs.first().map_or(Kind::Float, |input| input.kind),
        };
        self.nodes.push(NodeProto {
            input: inputs.iter().map(|input| input.name.clone()).collect(),
            output: vec![name.clone()],
            name: name.clone(),
            op_type: operator.into(),
            attribute: attributes,
            ..NodeProto::default()
        });
        Operand {
            name,
            shape,
            kind,
            constant: false,
        }
    }

    pub(crate) fn unary(&mut self, operator: &str, x: &Operand) -> Operand {
        self.node(operator, &[x], Vec::new(), x.shape.clone())
    }

    pub(crate) fn binary(
        &mut self,
        operator: &str,
        x: &Operand,
        y: &Operand,
    ) -> Result<Operand, Refusal> {
        let shape = broadcast(&x.shape, &y.shape).map_err(text)?;
        Ok(self.node(operator, &[x, y], Vec::new(), shape))
    }

    pub(crate) fn reshape(&mut self, x: &Operand, shape: &[usize]) -> Result<Operand, Refusal> {
        if x.shape == shape {
            return Ok(x.clone());
        }
        if x.shape.iter().product::<usize>() != shape.iter().product::<usize>() {
            return Err(format!("{:?} cannot become {shape:?}", x.shape));
        }
        let sides = self.integers(&as_integers(shape))?;
        Ok(self.node("Reshape", &[x, &sides], Vec::new(), shape.to_vec()))
    }

    pub(crate) fn transpose(&mut self, x: &Operand, order: &[usize]) -> Operand {
        let shape = order.iter().map(|at| x.shape[*at]).collect();
        let perm = attribute_ints("perm", &as_integers(order));
        self.node("Transpose", &[x], vec![perm], shape)
    }

    pub(crate) fn slice(
        &mut self,
        x: &Operand,
        axis: usize,
        start: i64,
        size: usize,
        step: i64,
    ) -> Result<Operand, Refusal> {
        let end = match (step, start + size as i64 * step) {
            (..0, end) if end < 0 => i64::MIN,
            (_, end) => end,
        };
        let mut shape = x.shape.clone();
        shape[axis] = size;
        let (start, end) = (self.integers(&[start])?, self.integers(&[end])?);
        let (axis, step) = (self.integers(&[axis as i64])?, self.integers(&[step])?);
        let inputs = [x, &start, &end, &axis, &step];
        Ok(self.node("Slice", &inputs, Vec::new(), shape))
    }

    pub(crate) fn concat(&mut self, parts: &[&Operand], axis: usize) -> Result<Operand, Refusal> {
        let first = parts.first().ok_or("nothing to join")?;
        let mut shape = first.shape.clone();
        shape[axis] = parts.iter().map(|part| part.shape[axis]).sum();
        let at = attribute_int("axis", axis as i64);
        Ok(self.node("Concat", parts, vec![at], shape))
    }

    /// A matrix product, in a form that is equal on every CPU.
    pub(crate) fn product(&mut self, x: &Operand, y: &Operand) -> Result<Operand, Refusal> {
        if x.shape.len() < 2 || y.shape.len() < 2 {
            return Err("a vector in a matrix product".into());
        }
        let (rows, inner, columns) = (x.side(2), x.side(1), y.side(1));
        if y.side(2) != inner {
            return Err(format!("{:?} and {:?} do not multiply", x.shape, y.shape));
        }
        if y.constant {
            if y.shape.len() > 2 {
                return Err("a constant right operand of more than two axes".into());
            }
            let mut shape = x.shape.clone();
            if let Some(last) = shape.last_mut() {
                *last = columns;
            }
            return Ok(self.node("MatMul", &[x, y], Vec::new(), shape));
        }
        // One row or one column takes another path in the runtime's kernels: it is doubled, and half of the result is left.
        if rows == 1 {
            let twice = self.concat(&[x, x], x.shape.len() - 2)?;
            let both = self.product(&twice, y)?;
            return self.slice(&both, both.shape.len() - 2, 0, 1, 1);
        }
        if columns == 1 {
            let twice = self.concat(&[y, y], y.shape.len() - 1)?;
            let both = self.product(x, &twice)?;
            return self.slice(&both, both.shape.len() - 1, 0, 1, 1);
        }
        let (left, right) = (&x.shape[..x.shape.len() - 2], &y.shape[..y.shape.len() - 2]);
        let mut shape = broadcast(left, right).map_err(text)?;
        shape.extend([rows, columns]);
        Ok(self.node("MatMul", &[x, y], Vec::new(), shape))
    }

    /// The sum over the last axis, which stays as 1, of values that are each multiplied with `weight` first.
    pub(crate) fn weighed_sum(&mut self, x: &Operand, weight: f32) -> Result<Operand, Refusal> {
        let column = self.filled(&[x.side(1), 1], weight)?;
        if x.shape.len() < 2 {
            let row = self.reshape(x, &[1, x.side(1)])?;
            let sum = self.product(&row, &column)?;
            return self.reshape(&sum, &[1]);
        }
        self.product(x, &column)
    }

    /// The mean over the last axis, which stays as 1.
    pub(crate) fn mean(&mut self, x: &Operand) -> Result<Operand, Refusal> {
        let share = (1.0 / x.side(1).max(1) as f64) as f32;
        self.weighed_sum(x, share)
    }

    /// `(x − mean) / √(variance + ε)` over the last axis.
    pub(crate) fn normalised(&mut self, x: &Operand, epsilon: f32) -> Result<Operand, Refusal> {
        let mean = self.mean(x)?;
        let centred = self.binary("Sub", x, &mean)?;
        self.scaled_to_one(&centred, epsilon)
    }

    /// `x / √(mean of x² + ε)` over the last axis.
    pub(crate) fn scaled_to_one(&mut self, x: &Operand, epsilon: f32) -> Result<Operand, Refusal> {
        let squares = self.binary("Mul", x, x)?;
        let variance = self.mean(&squares)?;
        let epsilon = self.scalar(epsilon)?;
        let sum = self.binary("Add", &variance, &epsilon)?;
        let root = self.unary("Sqrt", &sum);
        self.binary("Div", x, &root)
    }

    /// Softmax over the last axis.
    pub(crate) fn softmax(&mut self, x: &Operand) -> Result<Operand, Refusal> {
        let mut short = x.shape.clone();
        if let Some(last) = short.last_mut() {
            *last = 1;
        }
        let axes = vec![attribute_ints("axes", &[-1]), attribute_int("keepdims", 1)];
        let most = self.node("ReduceMax", &[x], axes, short);
        let below = self.binary("Sub", x, &most)?;
        let powers = self.unary("Exp", &below);
        let sum = self.weighed_sum(&powers, 1.0)?;
        self.binary("Div", &powers, &sum)
    }

    /// The same values with `axes` last and in one: the value, and what brings a value with a last axis of 1 back.
    pub(crate) fn gathered_last(&mut self, x: &Operand, gone: &[bool]) -> Result<Operand, Refusal> {
        let (kept, moved): (Vec<usize>, Vec<usize>) = (0..gone.len()).partition(|at| !gone[*at]);
        let order: Vec<usize> = kept.iter().chain(&moved).copied().collect();
        let turned = match order.iter().copied().eq(0..gone.len()) {
            true => x.clone(),
            false => self.transpose(x, &order),
        };
        let mut shape: Vec<usize> = kept.iter().map(|at| x.shape[*at]).collect();
        shape.push(moved.iter().map(|at| x.shape[*at]).product());
        if shape.len() == 1 {
            shape.insert(0, 1);
        }
        self.reshape(&turned, &shape)
    }
}
