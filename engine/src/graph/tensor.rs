//! A small tensor in memory: shapes, indices, masks, tables of sines.
//!
//! The one rule: as many values as the shape says, which [`Tensor::new`] sees to. Integers of every width are 64 bits here, floats 32.

use crate::error::{Error, ErrorKind};
use crate::onnx::{self, TensorProto};

/// Values, row-major.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Data {
    Floats(Vec<f32>),
    Integers(Vec<i64>),
    Booleans(Vec<bool>),
}

/// What a value is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Float,
    Integer,
    Boolean,
}

impl Kind {
    /// The kind of an ONNX element type; `None` for one that no graph of a model needs.
    pub(crate) fn of(element: i32) -> Option<Self> {
        match element {
            onnx::FLOAT | onnx::FLOAT16 | onnx::DOUBLE | onnx::BFLOAT16 => Some(Self::Float),
            onnx::INT64 | onnx::INT32 | onnx::INT8 | onnx::UINT8 => Some(Self::Integer),
            onnx::BOOL => Some(Self::Boolean),
            _ => None,
        }
    }

    /// The ONNX element type that it is written as.
    pub(crate) fn element(self) -> i32 {
        match self {
            Self::Float => onnx::FLOAT,
            Self::Integer => onnx::INT64,
            Self::Boolean => onnx::BOOL,
        }
    }
}

/// A tensor.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tensor {
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Data,
}

fn wrong(message: String) -> Error {
    Error::new(ErrorKind::Malformed, message)
}

/// How many values a shape holds; `None` when that overflows.
pub(crate) fn count(shape: &[usize]) -> Option<usize> {
    shape
        .iter()
        .try_fold(1usize, |sum, side| sum.checked_mul(*side))
}

/// Bytes of one value of an ONNX element type.
pub(crate) fn width(element: i32) -> Option<usize> {
    Some(match element {
        onnx::FLOAT | onnx::INT32 => 4,
        onnx::INT64 | onnx::DOUBLE => 8,
        onnx::FLOAT16 | onnx::BFLOAT16 => 2,
        onnx::INT8 | onnx::UINT8 | onnx::BOOL => 1,
        _ => return None,
    })
}

impl Tensor {
    /// # Errors
    /// `ErrorKind::Malformed` when there are more or fewer values than the shape says.
    pub(crate) fn new(shape: Vec<usize>, data: Data) -> Result<Self, Error> {
        let found = match &data {
            Data::Floats(values) => values.len(),
            Data::Integers(values) => values.len(),
            Data::Booleans(values) => values.len(),
        };
        if count(&shape) == Some(found) {
            return Ok(Self { shape, data });
        }
        Err(wrong(format!(
            "a tensor of the shape {shape:?} holds {found} values"
        )))
    }

    pub(crate) fn floats(shape: &[usize], values: Vec<f32>) -> Result<Self, Error> {
        Self::new(shape.to_vec(), Data::Floats(values))
    }

    pub(crate) fn integers(values: Vec<i64>) -> Self {
        Self {
            shape: vec![values.len()],
            data: Data::Integers(values),
        }
    }

    pub(crate) fn scalar(value: f32) -> Self {
        Self {
            shape: Vec::new(),
            data: Data::Floats(vec![value]),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match &self.data {
            Data::Floats(values) => values.len(),
            Data::Integers(values) => values.len(),
            Data::Booleans(values) => values.len(),
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match &self.data {
            Data::Floats(_) => Kind::Float,
            Data::Integers(_) => Kind::Integer,
            Data::Booleans(_) => Kind::Boolean,
        }
    }

    /// The values as integers; `None` for floats.
    pub(crate) fn as_integers(&self) -> Option<Vec<i64>> {
        match &self.data {
            Data::Integers(values) => Some(values.clone()),
            Data::Booleans(values) => Some(values.iter().map(|value| i64::from(*value)).collect()),
            Data::Floats(_) => None,
        }
    }

    /// The values as floats, integers rounded once.
    pub(crate) fn to_floats(&self) -> Vec<f32> {
        match &self.data {
            Data::Floats(values) => values.clone(),
            Data::Integers(values) => values.iter().map(|value| *value as f32).collect(),
            Data::Booleans(values) => values
                .iter()
                .map(|value| f32::from(u8::from(*value)))
                .collect(),
        }
    }

    /// The values at these places, in this order and shape.
    pub(crate) fn picked(&self, shape: Vec<usize>, places: &[usize]) -> Result<Self, Error> {
        fn take<T: Copy>(values: &[T], places: &[usize]) -> Option<Vec<T>> {
            places.iter().map(|at| values.get(*at).copied()).collect()
        }
        let data = match &self.data {
            Data::Floats(values) => take(values, places).map(Data::Floats),
            Data::Integers(values) => take(values, places).map(Data::Integers),
            Data::Booleans(values) => take(values, places).map(Data::Booleans),
        };
        Self::new(
            shape,
            data.ok_or_else(|| wrong("an index lies outside of its tensor".into()))?,
        )
    }

    /// Reads a tensor that stands in a graph, or the bytes of one that stands elsewhere.
    ///
    /// # Errors
    /// `ErrorKind::Malformed` for an element type that is not read or values that do not fill the shape.
    pub(crate) fn read(proto: &TensorProto, outside: Option<&[u8]>) -> Result<Self, Error> {
        let shape = shape_of(proto)?;
        let raw = outside.unwrap_or(&proto.raw_data);
        let kind = Kind::of(proto.data_type)
            .zip(width(proto.data_type))
            .ok_or_else(|| {
                wrong(format!(
                    "the constant {:?} is of the element type {}, which is not read",
                    proto.name, proto.data_type
                ))
            });
        let (kind, width) = kind?;
        let data = if !raw.is_empty() || count(&shape) == Some(0) {
            let words = raw.chunks_exact(width);
            match kind {
                Kind::Float => Data::Floats(floats(proto.data_type, raw)),
                Kind::Integer => {
                    Data::Integers(words.map(|word| integer(proto.data_type, word)).collect())
                }
                Kind::Boolean => Data::Booleans(raw.iter().map(|byte| *byte != 0).collect()),
            }
        } else {
            listed(proto, kind)
        };
        Self::new(shape, data)
            .map_err(|error| wrong(format!("the constant {:?}: {error}", proto.name)))
    }

    /// As it stands in a graph.
    pub(crate) fn written(&self, name: &str) -> TensorProto {
        let raw: Vec<u8> = match &self.data {
            Data::Floats(values) => joined(values.len(), values.iter().map(|v| v.to_le_bytes())),
            Data::Integers(values) => joined(values.len(), values.iter().map(|v| v.to_le_bytes())),
            Data::Booleans(values) => values.iter().map(|v| u8::from(*v)).collect(),
        };
        TensorProto {
            name: name.to_owned(),
            dims: self.shape.iter().map(|side| *side as i64).collect(),
            data_type: self.kind().element(),
            raw_data: raw.into(),
            ..TensorProto::default()
        }
    }
}

/// The bytes of so many words.
fn joined<const WIDTH: usize>(count: usize, words: impl Iterator<Item = [u8; WIDTH]>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(count * WIDTH);
    words.for_each(|word| bytes.extend_from_slice(&word));
    bytes
}

/// The values of a tensor that lists them by type instead of as bytes.
fn listed(proto: &TensorProto, kind: Kind) -> Data {
    let half = |word: &i32| half::f16::from_bits(*word as u16).to_f32();
    match (kind, proto.data_type) {
        (Kind::Float, onnx::DOUBLE) => Data::Floats(
            proto
                .double_data
                .iter()
                .map(|value| *value as f32)
                .collect(),
        ),
        (Kind::Float, onnx::FLOAT16) => Data::Floats(proto.int32_data.iter().map(half).collect()),
        (Kind::Float, onnx::BFLOAT16) => Data::Floats(
            proto
                .int32_data
                .iter()
                .map(|word| half::bf16::from_bits(*word as u16).to_f32())
                .collect(),
        ),
        (Kind::Float, _) => Data::Floats(proto.float_data.clone()),
        (Kind::Integer, onnx::INT64) => Data::Integers(proto.int64_data.clone()),
        (Kind::Integer, _) => {
            Data::Integers(proto.int32_data.iter().map(|v| i64::from(*v)).collect())
        }
        (Kind::Boolean, _) => Data::Booleans(proto.int32_data.iter().map(|v| *v != 0).collect()),
    }
}

/// The shape of a tensor of a graph.
///
/// # Errors
/// `ErrorKind::Malformed` for a negative side.
pub(crate) fn shape_of(proto: &TensorProto) -> Result<Vec<usize>, Error> {
    let sides = proto.dims.iter().map(|side| usize::try_from(*side).ok());
    let sides: Option<Vec<usize>> = sides.collect();
    sides.filter(|shape| count(shape).is_some()).ok_or_else(|| {
        let name = &proto.name;
        wrong(format!("the constant {name:?} has no possible shape"))
    })
}

/// Little-endian floats of any width as float32; 16 bits are widened exactly, 64 rounded once.
pub(crate) fn floats(element: i32, bytes: &[u8]) -> Vec<f32> {
    let mut values = Vec::with_capacity(bytes.len() / width(element).unwrap_or(4));
    each_float(element, bytes, |value| values.push(value));
    values
}

/// Calls `visit` with each of the values of [`floats`].
#[inline]
pub(crate) fn each_float(element: i32, bytes: &[u8], visit: impl FnMut(f32)) {
    match element {
        onnx::FLOAT16 => bytes
            .as_chunks()
            .0
            .iter()
            .map(|word| half::f16::from_le_bytes(*word).to_f32())
            .for_each(visit),
        onnx::BFLOAT16 => bytes
            .as_chunks()
            .0
            .iter()
            .map(|word| half::bf16::from_le_bytes(*word).to_f32())
            .for_each(visit),
        onnx::DOUBLE => bytes
            .as_chunks()
            .0
            .iter()
            .map(|word| f64::from_le_bytes(*word) as f32)
            .for_each(visit),
        _ => bytes
            .as_chunks()
            .0
            .iter()
            .map(|word| f32::from_le_bytes(*word))
            .for_each(visit),
    }
}

fn integer(element: i32, word: &[u8]) -> i64 {
    match (element, word) {
        (onnx::INT8, [byte]) => i64::from(i8::from_le_bytes([*byte])),
        (_, [byte]) => i64::from(*byte),
        (_, [a, b, c, d]) => i64::from(i32::from_le_bytes([*a, *b, *c, *d])),
        (_, word) => word
            .iter()
            .rev()
            .fold(0u64, |sum, byte| sum << 8 | u64::from(*byte)) as i64,
    }
}
