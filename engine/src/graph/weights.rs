//! Weights that stay where they are: a part of a mapped file, with what is still to be done to it before it is written.
//!
//! The one rule: one tensor is in memory at a time, and only while it is written.

use super::delta::Delta;
use super::tensor::{self, Tensor, count};
use crate::error::{Error, ErrorKind};
use crate::onnx::{self, TensorProto};
use bytes::Bytes;

/// A large constant of floats.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    bytes: Bytes,
    element: i32,
    /// The shape in the file.
    dims: Vec<usize>,
    /// The axes in the order in which they are wanted.
    order: Vec<usize>,
    /// The shape once the axes are in order: the same values in the same order, under another shape.
    shape: Vec<usize>,
    /// What is added to the values once they are in order, one after another.
    added: Vec<Delta>,
}

impl Stored {
    /// Takes a float constant of a graph, `bytes` being its values wherever they lie; `None` for one that lists its values by type.
    ///
    /// # Errors
    /// `ErrorKind::Malformed` when the bytes do not fill the shape.
    pub(crate) fn of(proto: &TensorProto, bytes: Bytes) -> Result<Self, Error> {
        let dims = tensor::shape_of(proto)?;
        let wanted = count(&dims)
            .zip(tensor::width(proto.data_type))
            .and_then(|(values, width)| values.checked_mul(width));
        if wanted != Some(bytes.len()) {
            let message = format!(
                "the constant {:?} of the shape {dims:?} has {} bytes",
                proto.name,
                bytes.len()
            );
            return Err(Error::new(ErrorKind::Malformed, message));
        }
        Ok(Self {
            bytes,
            element: proto.data_type,
            order: (0..dims.len()).collect(),
            shape: dims.clone(),
            dims,
            added: Vec::new(),
        })
    }

    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The same values with something added, once they are in order.
    pub(crate) fn with(&self, delta: Delta) -> Self {
        let mut changed = self.clone();
        changed.added.push(delta);
        changed
    }

    /// The same values with other axes first; `None` after the shape was changed, when the file's axes are no longer known, or something added.
    pub(crate) fn transposed(&self, order: &[usize]) -> Option<Self> {
        let current: Vec<usize> = self.order.iter().map(|at| self.dims[*at]).collect();
        if current != self.shape || !self.added.is_empty() {
            return None;
        }
        let mut turned = self.clone();
        turned.order = order.iter().map(|at| self.order[*at]).collect();
        turned.shape = order.iter().map(|at| self.shape[*at]).collect();
        Some(turned)
    }

    /// The same values under another shape of as many.
    pub(crate) fn reshaped(&self, shape: Vec<usize>) -> Self {
        Self {
            shape,
            ..self.clone()
        }
    }

    /// The values as float32, in memory.
    ///
    /// # Errors
    /// `ErrorKind::Unsupported` when there is no memory for one tensor; as [`Delta::add_to`].
    pub(crate) fn values(&self) -> Result<Vec<f32>, Error> {
        let mut values = self.in_order()?;
        for delta in &self.added {
            delta.add_to(&mut values)?;
        }
        Ok(values)
    }

    fn in_order(&self) -> Result<Vec<f32>, Error> {
        let values = tensor::floats(self.element, &self.bytes);
        if self.order.iter().copied().eq(0..self.dims.len()) {
            return Ok(values);
        }
        let mut turned = Vec::new();
        turned.try_reserve_exact(values.len()).map_err(|_| {
            Error::new(
                ErrorKind::Unsupported,
                format!("there is not enough memory for {} values", values.len()),
            )
        })?;
        let mut strides = vec![1; self.dims.len()];
        for at in (1..self.dims.len()).rev() {
            strides[at - 1] = strides[at] * self.dims[at];
        }
        let moved: Vec<(usize, usize)> = self
            .order
            .iter()
            .map(|at| (self.dims[*at], strides[*at]))
            .collect();
        walk(&moved, 0, &mut |place| turned.push(values[place]));
        Ok(turned)
    }

    /// In memory, with its shape.
    ///
    /// # Errors
    /// As [`Stored::values`].
    pub(crate) fn tensor(&self) -> Result<Tensor, Error> {
        Tensor::floats(&self.shape, self.values()?)
    }

    /// Whether two constants are the same part of the same file, read in the same way.
    pub(crate) fn same(&self, other: &Self) -> bool {
        self.bytes.as_ptr() == other.bytes.as_ptr()
            && self.bytes.len() == other.bytes.len()
            && (self.element, &self.order, &self.dims, &self.shape)
                == (other.element, &other.order, &other.dims, &other.shape)
            && self.added.len() == other.added.len()
            && self.added.iter().zip(&other.added).all(|(a, b)| a.same(b))
    }
}

/// Calls `visit` with every place of the axes, given as length and stride, the last axis fastest.
fn walk(axes: &[(usize, usize)], from: usize, visit: &mut impl FnMut(usize)) {
    match axes {
        [] => visit(from),
        [(length, stride)] => (0..*length).for_each(|at| visit(from + at * stride)),
        [(length, stride), rest @ ..] => {
            for at in 0..*length {
                walk(rest, from + at * stride, visit);
            }
        }
    }
}

/// Whether a constant's values are floats, which may be stored.
pub(crate) fn is_float(proto: &TensorProto) -> bool {
    [onnx::FLOAT, onnx::FLOAT16, onnx::BFLOAT16, onnx::DOUBLE].contains(&proto.data_type)
}
