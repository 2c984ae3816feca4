//! What a LoRA adds to a weight: a product of two thin matrices, which stay in their file until the weight is written.
//!
//! The one rule: each value is summed over the rank from its first place on, then scaled, then added, in float32. No two machines and no two
//! ways in which a weight may lie make other bits.

use super::weights::Stored;
use crate::error::{Error, ErrorKind};
use std::sync::Arc;

/// A product of two thin matrices that is added to a weight.
#[derive(Clone, Debug)]
pub(crate) struct Delta {
    /// Rows of the weight by rank.
    left: Stored,
    /// Rank by columns of the weight.
    right: Stored,
    scale: f32,
    /// For messages.
    name: Arc<str>,
}

impl Delta {
    /// `scale · left · right`; `None` unless these are matrices that multiply and none of their sides is 0.
    pub(crate) fn new(left: Stored, right: Stored, scale: f32, name: Arc<str>) -> Option<Self> {
        match (left.shape(), right.shape()) {
            ([rows, inner], [rank, columns])
                if inner == rank && [rows, rank, columns].iter().all(|side| **side > 0) =>
            {
                Some(Self {
                    left,
                    right,
                    scale,
                    name,
                })
            }
            _ => None,
        }
    }

    /// How many values it changes.
    pub(crate) fn size(&self) -> Option<usize> {
        let side = |stored: &Stored, at: usize| stored.shape().get(at).copied();
        side(&self.left, 0)?.checked_mul(side(&self.right, 1)?)
    }

    /// Adds it in float32: the rank is summed from its first place on, then scaled, then added, whatever way the weight lies.
    ///
    /// # Errors
    /// `ErrorKind::Malformed` when the weight has another size, `ErrorKind::NotFinite` when it is no number any more; as [`Stored::values`].
    pub(crate) fn add_to(&self, values: &mut [f32]) -> Result<(), Error> {
        let name = &self.name;
        let (Some(size), [rank, columns]) = (self.size(), self.right.shape()) else {
            return Err(Error::new(
                ErrorKind::Malformed,
                format!("{name} is no product"),
            ));
        };
        if size != values.len() {
            let message = format!("{name} changes {size} values of {}", values.len());
            return Err(Error::new(ErrorKind::Malformed, message));
        }
        let (left, right) = (self.left.values()?, self.right.values()?);
        let mut sums = vec![0.0f32; *columns];
        let rows = values.chunks_exact_mut(*columns);
        for (row, factors) in rows.zip(left.chunks_exact(*rank)) {
            sums.fill(0.0);
            for (factor, line) in factors.iter().zip(right.chunks_exact(*columns)) {
                for (sum, value) in sums.iter_mut().zip(line) {
                    *sum += factor * value;
                }
            }
            for (value, sum) in row.iter_mut().zip(&sums) {
                *value += self.scale * sum;
            }
        }
        match values.iter().all(|value| value.is_finite()) {
            true => Ok(()),
            false => Err(Error::new(
                ErrorKind::NotFinite,
                format!("{name} makes a weight that is no number"),
            )),
        }
    }

    /// Whether two products are of the same parts of the same files.
    pub(crate) fn same(&self, other: &Self) -> bool {
        self.scale.to_bits() == other.scale.to_bits()
            && self.left.same(&other.left)
            && self.right.same(&other.right)
    }
}
