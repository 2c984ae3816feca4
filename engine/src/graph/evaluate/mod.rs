//! Operators that are evaluated here: what exporters compute of shapes, indices, masks and times.
//!
//! The one rule: f32 with one rounding an operation, functions of the crate `libm` in f64 and rounded once. An operator that is not here is
//! `None`, never a guess.

mod arithmetic;
mod movement;
mod reduction;

pub(crate) use movement::{cuts, flattened, order, reshaped, split_sizes, squeezed, unsqueezed};
pub(crate) use reduction::axes_of;

use super::tensor::{Data, Kind, Tensor, count};
use crate::error::{Error, ErrorKind};
use crate::onnx::NodeProto;

/// The most values that one evaluated tensor has: four million, the square mask of two thousand tokens.
pub(crate) const MOST: usize = 1 << 22;

/// What a node reads; an optional input that is left out is `None`.
pub(crate) struct Inputs<'a>(pub(crate) &'a [Option<&'a Tensor>]);

impl<'a> Inputs<'a> {
    fn get(&self, at: usize) -> Option<&'a Tensor> {
        self.0.get(at).copied().flatten()
    }

    fn want(&self, at: usize) -> Result<&'a Tensor, Error> {
        self.get(at)
            .ok_or_else(|| refuse(format!("input {at} is missing")))
    }

    fn integers(&self, at: usize) -> Result<Vec<i64>, Error> {
        self.want(at)?
            .as_integers()
            .ok_or_else(|| refuse(format!("input {at} holds no integers")))
    }

    /// Integers of an input where newer operator sets have them, else of an attribute.
    fn integers_or(&self, at: usize, node: &NodeProto, name: &str) -> Result<Vec<i64>, Error> {
        match self.get(at) {
            Some(_) => self.integers(at),
            None => Ok(node.ints(name).to_vec()),
        }
    }
}

fn refuse(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Malformed, message)
}

/// Evaluates one node; `None` when its operator is not evaluated here.
///
/// # Errors
/// `ErrorKind::Malformed`, without the node's name, for inputs that do not fit the operator or a result of more than [`MOST`] values.
pub(crate) fn evaluate(
    node: &NodeProto,
    inputs: &[Option<&Tensor>],
) -> Result<Option<Vec<Tensor>>, Error> {
    let inputs = Inputs(inputs);
    let one = |tensor: Tensor| Ok(Some(vec![tensor]));
    match node.op_type.as_str() {
        "Constant" => one(constant(node)?),
        "ConstantOfShape" => one(filled(node, &inputs)?),
        "Identity" | "Dropout" => one(inputs.want(0)?.clone()),
        "Cast" => one(cast(
            inputs.want(0)?,
            i32::try_from(node.int("to", 0)).unwrap_or(0),
        )?),
        "CastLike" => one(cast(inputs.want(0)?, inputs.want(1)?.kind().element())?),
        "Shape" => {
            let shape = &inputs.want(0)?.shape;
            one(shape_slice(node, shape))
        }
        "Size" => one(Tensor {
            shape: Vec::new(),
            data: Data::Integers(vec![inputs.want(0)?.len() as i64]),
        }),
        "Range" => one(range(&inputs)?),
        "Split" => movement::split(node, &inputs).map(Some),
        _ => {
            for table in [movement::of, arithmetic::of, reduction::of] {
                if let Some(tensor) = table(node, &inputs)? {
                    return one(tensor);
                }
            }
            Ok(None)
        }
    }
}

/// The part of a shape that a `Shape` node names (operator set 15).
pub(crate) fn shape_slice(node: &NodeProto, shape: &[usize]) -> Tensor {
    let rank = shape.len() as i64;
    let place = |at: i64| if at < 0 { at + rank } else { at }.clamp(0, rank) as usize;
    let (start, end) = (place(node.int("start", 0)), place(node.int("end", rank)));
    let sides = shape.get(start..end.max(start)).unwrap_or(&[]);
    Tensor::integers(sides.iter().map(|side| *side as i64).collect())
}

fn constant(node: &NodeProto) -> Result<Tensor, Error> {
    let Some(attribute) = node.attribute.first() else {
        return Err(refuse("a constant without a value"));
    };
    match (attribute.name.as_str(), &attribute.t) {
        ("value", Some(tensor)) => Tensor::read(tensor, None),
        ("value_float", _) => Ok(Tensor::scalar(attribute.f)),
        ("value_floats", _) => Tensor::floats(&[attribute.floats.len()], attribute.floats.clone()),
        ("value_int", _) => Tensor::new(Vec::new(), Data::Integers(vec![attribute.i])),
        ("value_ints", _) => Ok(Tensor::integers(attribute.ints.clone())),
        (name, _) => Err(refuse(format!("a constant with the attribute {name:?}"))),
    }
}

fn filled(node: &NodeProto, inputs: &Inputs<'_>) -> Result<Tensor, Error> {
    let shape = sides(&inputs.integers(0)?)?;
    let size = bounded(&shape)?;
    let value = match node.attribute("value").and_then(|found| found.t.as_ref()) {
        Some(tensor) => Tensor::read(tensor, None)?,
        None => Tensor::scalar(0.0),
    };
    let value = value.picked(Vec::new(), &[0])?;
    value.picked(shape, &vec![0; size])
}

/// To another element type. Floats become integers as C casts them, and stay as they are between widths: everything is float32 here.
pub(crate) fn cast(tensor: &Tensor, to: i32) -> Result<Tensor, Error> {
    let kind = Kind::of(to).ok_or_else(|| refuse(format!("a cast to the element type {to}")))?;
    let data = match (kind, &tensor.data) {
        (Kind::Float, _) => Data::Floats(tensor.to_floats()),
        (Kind::Integer, Data::Floats(values)) => {
            Data::Integers(values.iter().map(|value| *value as i64).collect())
        }
        (Kind::Integer, _) => Data::Integers(tensor.as_integers().unwrap_or_default()),
        (Kind::Boolean, Data::Floats(values)) => {
            Data::Booleans(values.iter().map(|value| *value != 0.0).collect())
        }
        (Kind::Boolean, Data::Integers(values)) => {
            Data::Booleans(values.iter().map(|value| *value != 0).collect())
        }
        (Kind::Boolean, data) => data.clone(),
    };
    Tensor::new(tensor.shape.clone(), data)
}

fn range(inputs: &Inputs<'_>) -> Result<Tensor, Error> {
    let (start, limit, step) = (inputs.want(0)?, inputs.want(1)?, inputs.want(2)?);
    let integers = |tensor: &Tensor| tensor.as_integers().and_then(|v| v.first().copied());
    let floats = |tensor: &Tensor| tensor.to_floats().first().copied();
    let size = |span: f64, step: f64| {
        let size = (span / step).ceil().max(0.0);
        (size <= MOST as f64).then_some(size as usize)
    };
    let too_many = || refuse("a range without an end");
    match (integers(start), integers(limit), integers(step)) {
        (Some(start), Some(limit), Some(step)) => {
            let size = size(limit as f64 - start as f64, step as f64).ok_or_else(too_many)?;
            Ok(Tensor::integers(
                (0..size as i64).map(|at| start + at * step).collect(),
            ))
        }
        _ => match (floats(start), floats(limit), floats(step)) {
            (Some(start), Some(limit), Some(step)) => {
                let span = f64::from(limit) - f64::from(start);
                let size = size(span, f64::from(step)).ok_or_else(too_many)?;
                let values = (0..size).map(|at| start + at as f32 * step).collect();
                Tensor::floats(&[size], values)
            }
            _ => Err(refuse("a range of nothing")),
        },
    }
}

/// A shape from integers.
pub(crate) fn sides(integers: &[i64]) -> Result<Vec<usize>, Error> {
    let sides = integers.iter().map(|side| usize::try_from(*side).ok());
    sides
        .collect::<Option<_>>()
        .ok_or_else(|| refuse(format!("{integers:?} is no shape")))
}

/// How many values a shape holds, when that may be evaluated.
fn bounded(shape: &[usize]) -> Result<usize, Error> {
    count(shape)
        .filter(|size| *size <= MOST)
        .ok_or_else(|| refuse(format!("the shape {shape:?} is too large to be evaluated")))
}

/// An axis counted from the front.
pub(crate) fn axis(axis: i64, rank: usize) -> Result<usize, Error> {
    let place = if axis < 0 { axis + rank as i64 } else { axis };
    usize::try_from(place)
        .ok()
        .filter(|place| *place < rank)
        .ok_or_else(|| refuse(format!("there is no axis {axis} among {rank}")))
}

/// How far apart neighbours along each axis lie.
fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for at in (1..shape.len()).rev() {
        strides[at - 1] = strides[at] * shape[at];
    }
    strides
}

/// The place of every value of `shape` in a tensor with these strides.
fn places(shape: &[usize], strides: &[usize]) -> Result<Vec<usize>, Error> {
    let size = bounded(shape)?;
    let mut places = Vec::with_capacity(size);
    let mut at = vec![0usize; shape.len()];
    let mut place = 0usize;
    for _ in 0..size {
        places.push(place);
        for axis in (0..shape.len()).rev() {
            at[axis] += 1;
            place += strides[axis];
            if at[axis] < shape[axis] {
                break;
            }
            place -= strides[axis] * at[axis];
            at[axis] = 0;
        }
    }
    Ok(places)
}

/// The shape that two shapes broadcast to.
pub(crate) fn broadcast(a: &[usize], b: &[usize]) -> Result<Vec<usize>, Error> {
    let rank = a.len().max(b.len());
    let side = |shape: &[usize], at: usize| match (at + shape.len()).checked_sub(rank) {
        Some(at) => shape[at],
        None => 1,
    };
    let pair = |at: usize| match (side(a, at), side(b, at)) {
        (x, y) if x == y => Ok(x),
        (1, y) => Ok(y),
        (x, 1) => Ok(x),
        _ => Err(refuse(format!("{a:?} and {b:?} do not broadcast"))),
    };
    (0..rank).map(pair).collect()
}

/// Where the values of a tensor stand once it is broadcast to `shape`.
fn broadcast_places(from: &[usize], shape: &[usize]) -> Result<Vec<usize>, Error> {
    let own = strides(from);
    let mut strides = vec![0; shape.len()];
    for (at, side) in from.iter().enumerate() {
        let place = (at + shape.len())
            .checked_sub(from.len())
            .ok_or_else(|| refuse("a shape that has fewer axes"))?;
        if *side != 1 {
            strides[place] = own[at];
        }
    }
    places(shape, &strides)
}

/// A tensor broadcast to `shape`.
fn expanded(tensor: &Tensor, shape: &[usize]) -> Result<Tensor, Error> {
    let shape = broadcast(&tensor.shape, shape)?;
    let places = broadcast_places(&tensor.shape, &shape)?;
    tensor.picked(shape, &places)
}
