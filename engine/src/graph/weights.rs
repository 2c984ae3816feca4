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

    /// The values as float32, little-endian: where they lie, if that is what lies there, else once in memory.
    ///
    /// # Errors
    /// `ErrorKind::Unsupported` when there is no memory for one tensor; as [`Delta::add_to`].
    pub(crate) fn wide(&self) -> Result<Bytes, Error> {
        if self.added.is_empty() {
            return self.in_order();
        }
        let values = self.values()?;
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Ok(bytes.into())
    }

    /// The values as float32, in memory.
    ///
    /// # Errors
    /// As [`Stored::wide`].
    pub(crate) fn values(&self) -> Result<Vec<f32>, Error> {
        let mut values = tensor::floats(onnx::FLOAT, &self.in_order()?);
        for delta in &self.added {
            delta.add_to(&mut values)?;
        }
        Ok(values)
    }

    fn in_order(&self) -> Result<Bytes, Error> {
        let in_order = self.order.iter().copied().eq(0..self.dims.len());
        if in_order && self.element == onnx::FLOAT {
            return Ok(self.bytes.clone());
        }
        let size = count(&self.dims).and_then(|values| values.checked_mul(4));
        let no_memory = || {
            let message = format!(
                "there is not enough memory for a constant of {:?}",
                self.dims
            );
            Error::new(ErrorKind::Unsupported, message)
        };
        let size = size.ok_or_else(no_memory)?;
        let mut wide: Vec<u8> = Vec::new();
        wide.try_reserve_exact(size).map_err(|_| no_memory())?;
        if in_order {
            tensor::each_float(self.element, &self.bytes, |value| {
                wide.extend_from_slice(&value.to_le_bytes());
            });
            return Ok(wide.into());
        }
        let mut strides = vec![1; self.dims.len()];
        for at in (1..self.dims.len()).rev() {
            strides[at - 1] = strides[at] * self.dims[at];
        }
        let moved: Vec<(usize, usize)> = self
            .order
            .iter()
            .map(|at| (self.dims[*at], strides[*at]))
            .collect();
        let width = tensor::width(self.element).unwrap_or(4);
        walk(&moved, 0, &mut |place| {
            let word = &self.bytes[place * width..(place + 1) * width];
            tensor::each_float(self.element, word, |value| {
                wide.extend_from_slice(&value.to_le_bytes());
            });
        });
        Ok(wide.into())
    }

    /// In memory, with its shape.
    ///
    /// # Errors
    /// As [`Stored::wide`].
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

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(element: i32, bytes: Vec<u8>) -> Stored {
        let proto = TensorProto {
            dims: vec![2, 3],
            data_type: element,
            ..TensorProto::default()
        };
        Stored::of(&proto, bytes.into()).expect("a constant")
    }

    #[test]
    fn float32_in_order_is_not_copied() {
        let bytes: Vec<u8> = (0..6u8).flat_map(|n| f32::from(n).to_le_bytes()).collect();
        let stored = stored(onnx::FLOAT, bytes);
        assert_eq!(
            stored.wide().expect("values").as_ptr(),
            stored.bytes.as_ptr()
        );
    }

    #[test]
    fn halves_are_widened_and_turned_in_one_go() {
        let half = |n: u8| half::f16::from_f32(f32::from(n)).to_le_bytes();
        let stored = stored(onnx::FLOAT16, (0..6).flat_map(half).collect());
        let turned = stored.transposed(&[1, 0]).expect("axes");
        let tensor = turned.tensor().expect("values");
        let wanted = Tensor::floats(&[3, 2], vec![0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(tensor, wanted.expect("a tensor"));
        let plain = stored.tensor().expect("values").to_floats();
        assert_eq!(plain, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    }
}
