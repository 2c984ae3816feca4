//! Sums, extremes and their places along axes.
//!
//! The one rule: values are taken in the order in which they stand.

use super::{Inputs, axis, bounded, refuse, strides};
use crate::error::Error;
use crate::graph::tensor::{Data, Tensor};
use crate::onnx::NodeProto;

pub(super) fn of(node: &NodeProto, inputs: &Inputs<'_>) -> Result<Option<Tensor>, Error> {
    Ok(Some(match node.op_type.as_str() {
        "ReduceSum" | "ReduceProd" | "ReduceMax" | "ReduceMin" | "ReduceMean" => {
            reduced(node, inputs)?
        }
        "ArgMax" | "ArgMin" => extreme(node, inputs.want(0)?)?,
        "CumSum" => running(node, inputs)?,
        _ => return Ok(None),
    }))
}

/// Which axes go, and the shape that is left.
pub(crate) fn axes_of(
    node: &NodeProto,
    axes: &[i64],
    shape: &[usize],
) -> Result<(Vec<bool>, Vec<usize>), Error> {
    let mut gone = vec![axes.is_empty() && node.int("noop_with_empty_axes", 0) == 0; shape.len()];
    for at in axes {
        gone[axis(*at, shape.len())?] = true;
    }
    let keep = node.int("keepdims", 1) != 0;
    let left = shape
        .iter()
        .zip(&gone)
        .filter_map(|(side, gone)| match gone {
            true if keep => Some(1),
            true => None,
            false => Some(*side),
        });
    let left = left.collect();
    Ok((gone, left))
}

fn reduced(node: &NodeProto, inputs: &Inputs<'_>) -> Result<Tensor, Error> {
    let tensor = inputs.want(0)?;
    let (gone, left) = axes_of(node, &inputs.integers_or(1, node, "axes")?, &tensor.shape)?;
    let own = strides(&tensor.shape);
    let short: Vec<usize> = tensor
        .shape
        .iter()
        .zip(&gone)
        .map(|(side, gone)| if *gone { 1 } else { *side })
        .collect();
    let short_strides = strides(&short);
    let place = |at: usize| -> usize {
        (0..short.len())
            .filter(|axis| !gone[*axis])
            .map(|axis| at / own[axis] % tensor.shape[axis] * short_strides[axis])
            .sum()
    };
    let (size, operator) = (bounded(&left)?, node.op_type.as_str());
    if let (Data::Integers(values), true) = (&tensor.data, operator != "ReduceMean") {
        let mut sums: Vec<Option<i64>> = vec![None; size];
        for (at, value) in values.iter().enumerate() {
            let sum = &mut sums[place(at)];
            *sum = Some(match (*sum, operator) {
                (None, _) => *value,
                (Some(sum), "ReduceSum") => sum.wrapping_add(*value),
                (Some(sum), "ReduceProd") => sum.wrapping_mul(*value),
                (Some(sum), "ReduceMax") => sum.max(*value),
                (Some(sum), _) => sum.min(*value),
            });
        }
        let values: Option<Vec<i64>> = sums.into_iter().collect();
        let values = values.ok_or_else(|| refuse("a reduction of nothing"))?;
        return Tensor::new(left, Data::Integers(values));
    }
    let values = tensor.to_floats();
    let mut sums: Vec<Option<f32>> = vec![None; size];
    for (at, value) in values.iter().enumerate() {
        let sum = &mut sums[place(at)];
        *sum = Some(match (*sum, operator) {
            (None, _) => *value,
            (Some(sum), "ReduceProd") => sum * value,
            (Some(sum), "ReduceMax") => sum.max(*value),
            (Some(sum), "ReduceMin") => sum.min(*value),
            (Some(sum), _) => sum + value,
        });
    }
    let sums: Option<Vec<f32>> = sums.into_iter().collect();
    let mut sums = sums.ok_or_else(|| refuse("a reduction of nothing"))?;
    if operator == "ReduceMean" {
        let each = (values.len() / size.max(1)) as f32;
        sums.iter_mut().for_each(|sum| *sum /= each);
    }
    Tensor::floats(&left, sums)
}

fn extreme(node: &NodeProto, tensor: &Tensor) -> Result<Tensor, Error> {
    let at = axis(node.int("axis", 0), tensor.shape.len())?;
    let length = tensor.shape[at];
    let inner: usize = tensor.shape[at + 1..].iter().product();
    let outer: usize = tensor.shape[..at].iter().product();
    let last = node.int("select_last_index", 0) != 0;
    let most = node.op_type == "ArgMax";
    // Integers of a vocabulary and floats of any size compare alike in f64.
    let values: Vec<f64> = match &tensor.data {
        Data::Integers(values) => values.iter().map(|value| *value as f64).collect(),
        _ => tensor.to_floats().into_iter().map(f64::from).collect(),
    };
    let mut found = Vec::new();
    for row in 0..outer {
        for column in 0..inner {
            let mut best = 0;
            for candidate in 1..length {
                let value = |place: usize| values[(row * length + place) * inner + column];
                let (new, old) = (value(candidate), value(best));
                let better = if most { new > old } else { new < old };
                if better || (last && new == old) {
                    best = candidate;
                }
            }
            found.push(best as i64);
        }
    }
    let mut shape = tensor.shape.clone();
    if node.int("keepdims", 1) != 0 {
        shape[at] = 1;
    } else {
        shape.remove(at);
    }
    Tensor::new(shape, Data::Integers(found))
}

fn running(node: &NodeProto, inputs: &Inputs<'_>) -> Result<Tensor, Error> {
    if node.int("exclusive", 0) != 0 || node.int("reverse", 0) != 0 {
        return Err(refuse("a running sum that is exclusive or reversed"));
    }
    let mut tensor = inputs.want(0)?.clone();
    let named = inputs.integers(1)?.first().copied().unwrap_or(0);
    let at = axis(named, tensor.shape.len())?;
    let inner: usize = tensor.shape[at + 1..].iter().product();
    let length = tensor.shape[at];
    for place in 0..tensor.len() {
        if (place / inner).is_multiple_of(length) {
            continue;
        }
        match &mut tensor.data {
            Data::Integers(values) => {
                values[place] = values[place].wrapping_add(values[place - inner]);
            }
            Data::Floats(values) => values[place] += values[place - inner],
            Data::Booleans(_) => return Err(refuse("a running sum of yes and no")),
        }
    }
    Ok(tensor)
}
