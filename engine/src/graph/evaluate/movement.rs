//! Operators that move values: no value is computed, only its place.
//!
//! The one rule: every result is a list of places in the input, so that nothing can be lost or made up.

use super::{Inputs, axis, bounded, expanded, places, refuse, sides, strides};
use crate::error::Error;
use crate::graph::tensor::{Data, Tensor};
use crate::onnx::NodeProto;

pub(super) fn of(node: &NodeProto, inputs: &Inputs<'_>) -> Result<Option<Tensor>, Error> {
    Ok(Some(match node.op_type.as_str() {
        "Reshape" => {
            let tensor = inputs.want(0)?;
            let allow_zero = node.int("allowzero", 0) != 0;
            let shape = reshaped(&tensor.shape, &inputs.integers(1)?, allow_zero)?;
            Tensor::new(shape, tensor.data.clone())?
        }
        "Flatten" => {
            let tensor = inputs.want(0)?;
            Tensor::new(
                flattened(&tensor.shape, node.int("axis", 1))?,
                tensor.data.clone(),
            )?
        }
        "Unsqueeze" => {
            let tensor = inputs.want(0)?;
            let axes = inputs.integers_or(1, node, "axes")?;
            Tensor::new(unsqueezed(&tensor.shape, &axes)?, tensor.data.clone())?
        }
        "Squeeze" => {
            let tensor = inputs.want(0)?;
            let axes = inputs.integers_or(1, node, "axes")?;
            Tensor::new(squeezed(&tensor.shape, &axes)?, tensor.data.clone())?
        }
        "Transpose" => transposed(inputs.want(0)?, node.ints("perm"))?,
        "Expand" => expanded(inputs.want(0)?, &sides(&inputs.integers(1)?)?)?,
        "Tile" => tiled(inputs.want(0)?, &inputs.integers(1)?)?,
        "Concat" => concatenated(node, inputs)?,
        "Slice" => sliced(node, inputs)?,
        "Gather" => gathered(node, inputs)?,
        "Trilu" => triangle(node, inputs)?,
        "ScatterND" => scattered(node, inputs)?,
        _ => return Ok(None),
    }))
}

/// The shape that `Reshape` asks for: 0 keeps a side, −1 takes what is left.
pub(crate) fn reshaped(
    shape: &[usize],
    wanted: &[i64],
    allow_zero: bool,
) -> Result<Vec<usize>, Error> {
    let total: usize = shape.iter().product();
    let mut sides = Vec::with_capacity(wanted.len());
    for (at, side) in wanted.iter().enumerate() {
        sides.push(match *side {
            -1 => None,
            0 if !allow_zero => Some(
                *shape
                    .get(at)
                    .ok_or_else(|| refuse("a side of 0 that nothing stands for"))?,
            ),
            side => Some(usize::try_from(side).map_err(|_| refuse("a negative side"))?),
        });
    }
    let known: usize = sides.iter().flatten().product();
    let open = sides.iter().filter(|side| side.is_none()).count();
    let fits = match open {
        0 => known == total,
        1 => known > 0 && total.is_multiple_of(known),
        _ => false,
    };
    if !fits {
        return Err(refuse(format!("{shape:?} cannot become {wanted:?}")));
    }
    let rest = total.checked_div(known).unwrap_or(0);
    Ok(sides.into_iter().map(|side| side.unwrap_or(rest)).collect())
}

pub(crate) fn flattened(shape: &[usize], at: i64) -> Result<Vec<usize>, Error> {
    let at = if at == shape.len() as i64 {
        shape.len()
    } else {
        axis(at, shape.len())?
    };
    Ok(vec![
        shape[..at].iter().product(),
        shape[at..].iter().product(),
    ])
}

pub(crate) fn unsqueezed(shape: &[usize], axes: &[i64]) -> Result<Vec<usize>, Error> {
    let rank = shape.len() + axes.len();
    let mut ones = vec![false; rank];
    for at in axes {
        ones[axis(*at, rank)?] = true;
    }
    let mut rest = shape.iter();
    let sides = ones
        .iter()
        .map(|one| if *one { Some(1) } else { rest.next().copied() });
    sides
        .collect::<Option<_>>()
        .ok_or_else(|| refuse("an axis that is named twice"))
}

pub(crate) fn squeezed(shape: &[usize], axes: &[i64]) -> Result<Vec<usize>, Error> {
    let mut gone = vec![false; shape.len()];
    for at in axes {
        gone[axis(*at, shape.len())?] = true;
    }
    if axes.is_empty() {
        gone = shape.iter().map(|side| *side == 1).collect();
    }
    if shape
        .iter()
        .zip(&gone)
        .any(|(side, gone)| *gone && *side != 1)
    {
        return Err(refuse("an axis that is longer than 1 cannot be squeezed"));
    }
    let left = shape.iter().zip(&gone).filter(|(_, gone)| !**gone);
    Ok(left.map(|(side, _)| *side).collect())
}

/// The order of axes that `Transpose` means.
pub(crate) fn order(perm: &[i64], rank: usize) -> Result<Vec<usize>, Error> {
    if perm.is_empty() {
        return Ok((0..rank).rev().collect());
    }
    let order: Vec<usize> = perm
        .iter()
        .map(|at| axis(*at, rank))
        .collect::<Result<_, _>>()?;
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if sorted.into_iter().ne(0..rank) {
        return Err(refuse(format!("{perm:?} is no order of {rank} axes")));
    }
    Ok(order)
}

fn transposed(tensor: &Tensor, perm: &[i64]) -> Result<Tensor, Error> {
    let order = order(perm, tensor.shape.len())?;
    let own = strides(&tensor.shape);
    let shape: Vec<usize> = order.iter().map(|at| tensor.shape[*at]).collect();
    let moved: Vec<usize> = order.iter().map(|at| own[*at]).collect();
    let places = places(&shape, &moved)?;
    tensor.picked(shape, &places)
}

fn tiled(tensor: &Tensor, times: &[i64]) -> Result<Tensor, Error> {
    let times = sides(times)?;
    if times.len() != tensor.shape.len() {
        return Err(refuse("a tile with other axes"));
    }
    let shape: Vec<usize> = tensor
        .shape
        .iter()
        .zip(&times)
        .map(|(side, times)| side.saturating_mul(*times))
        .collect();
    let own = strides(&tensor.shape);
    let size = bounded(&shape)?;
    let all = strides(&shape);
    let place = |at: usize| -> usize {
        (0..shape.len())
            .map(|axis| (at / all[axis] % shape[axis]) % tensor.shape[axis].max(1) * own[axis])
            .sum()
    };
    tensor.picked(shape.clone(), &(0..size).map(place).collect::<Vec<_>>())
}

fn concatenated(node: &NodeProto, inputs: &Inputs<'_>) -> Result<Tensor, Error> {
    let parts: Vec<&Tensor> = (0..inputs.0.len())
        .map(|at| inputs.want(at))
        .collect::<Result<_, _>>()?;
    let first = inputs.want(0)?;
    let at = axis(node.int("axis", 0), first.shape.len())?;
    let mut shape = first.shape.clone();
    shape[at] = 0;
    for part in &parts {
        let same = part.shape.len() == shape.len()
            && (0..shape.len()).all(|axis| axis == at || part.shape[axis] == shape[axis])
            && part.kind() == first.kind();
        if !same {
            return Err(refuse("parts that do not fit together"));
        }
        shape[at] += part.shape[at];
    }
    bounded(&shape)?;
    let outer: usize = shape[..at].iter().product();
    fn join<T: Copy>(parts: &[(&[T], usize)], outer: usize) -> Vec<T> {
        let mut all = Vec::new();
        for row in 0..outer {
            for (values, run) in parts {
                all.extend_from_slice(&values[row * run..(row + 1) * run]);
            }
        }
        all
    }
    let run = |part: &Tensor| part.shape[at..].iter().product::<usize>();
    macro_rules! joined {
        ($kind:path) => {
            $kind(join(
                &parts
                    .iter()
                    .filter_map(|part| match &part.data {
                        $kind(values) => Some((values.as_slice(), run(part))),
                        _ => None,
                    })
                    .collect::<Vec<_>>(),
                outer,
            ))
        };
    }
    let data = match &first.data {
        Data::Floats(_) => joined!(Data::Floats),
        Data::Integers(_) => joined!(Data::Integers),
        Data::Booleans(_) => joined!(Data::Booleans),
    };
    Tensor::new(shape, data)
}

/// One axis of a slice: from, how many, by how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) axis: usize,
    pub(crate) start: i64,
    pub(crate) size: usize,
    pub(crate) step: i64,
}

/// What a `Slice` cuts of a shape, by axis.
pub(crate) fn cuts(
    shape: &[usize],
    starts: &[i64],
    ends: &[i64],
    axes: &[i64],
    steps: &[i64],
) -> Result<Vec<Cut>, Error> {
    let cut = |(at, start): (usize, &i64)| {
        let named = axes.get(at).copied().unwrap_or(at as i64);
        let axis = axis(named, shape.len())?;
        let step = steps.get(at).copied().unwrap_or(1);
        let end = ends
            .get(at)
            .copied()
            .ok_or_else(|| refuse("a slice without an end"))?;
        let length = shape[axis] as i64;
        let from_front = |place: i64| {
            if place < 0 {
                place.saturating_add(length)
            } else {
                place
            }
        };
        let (start, end) = match step {
            0 => return Err(refuse("a slice with a step of 0")),
            1.. => (
                from_front(*start).clamp(0, length),
                from_front(end).clamp(0, length),
            ),
            _ => (
                from_front(*start).clamp(-1, length - 1),
                from_front(end).clamp(-1, length - 1),
            ),
        };
        let size = ((end - start) as f64 / step as f64).ceil().max(0.0) as usize;
        Ok(Cut {
            axis,
            start,
            size,
            step,
        })
    };
    starts.iter().enumerate().map(cut).collect()
}

fn sliced(node: &NodeProto, inputs: &Inputs<'_>) -> Result<Tensor, Error> {
    let tensor = inputs.want(0)?;
    let cuts = cuts(
        &tensor.shape,
        &inputs.integers_or(1, node, "starts")?,
        &inputs.integers_or(2, node, "ends")?,
        &inputs.integers_or(3, node, "axes")?,
        &inputs.integers_or(4, node, "steps")?,
    )?;
    let own = strides(&tensor.shape);
    let mut all: Vec<Vec<usize>> = tensor
        .shape
        .iter()
        .map(|side| (0..*side).collect())
        .collect();
    for cut in cuts {
        let place = |at: usize| usize::try_from(cut.start + at as i64 * cut.step).ok();
        let kept: Option<Vec<usize>> = (0..cut.size).map(place).collect();
        all[cut.axis] = kept.ok_or_else(|| refuse("a slice before the first value"))?;
    }
    let shape: Vec<usize> = all.iter().map(Vec::len).collect();
    let index = strides(&shape);
    let size = bounded(&shape)?;
    let place = |at: usize| -> usize {
        (0..shape.len())
            .map(|axis| all[axis][at / index[axis] % shape[axis]] * own[axis])
            .sum()
    };
    tensor.picked(shape.clone(), &(0..size).map(place).collect::<Vec<_>>())
}

fn gathered(node: &NodeProto, inputs: &Inputs<'_>) -> Result<Tensor, Error> {
    let tensor = inputs.want(0)?;
    let at = axis(node.int("axis", 0), tensor.shape.len())?;
    let indices = inputs.integers(1)?;
    let length = tensor.shape[at];
    let outer: usize = tensor.shape[..at].iter().product();
    let inner: usize = tensor.shape[at + 1..].iter().product();
    let mut shape = tensor.shape.clone();
    shape.splice(at..=at, inputs.want(1)?.shape.iter().copied());
    let mut places = Vec::with_capacity(bounded(&shape)?);
    for row in 0..outer {
        for index in &indices {
            let index = axis(*index, length)?;
            let from = (row * length + index) * inner;
            places.extend(from..from + inner);
        }
    }
    tensor.picked(shape, &places)
}

/// The upper or lower triangle of matrices, the rest 0.
fn triangle(node: &NodeProto, inputs: &Inputs<'_>) -> Result<Tensor, Error> {
    let mut tensor = inputs.want(0)?.clone();
    let shift = match inputs.get(1) {
        Some(_) => inputs.integers(1)?.first().copied().unwrap_or(0),
        None => 0,
    };
    let [.., rows, columns] = tensor.shape[..] else {
        return Err(refuse("a triangle of a vector"));
    };
    let upper = node.int("upper", 1) != 0;
    let keep = |at: usize| {
        let (row, column) = ((at / columns % rows) as i64, (at % columns) as i64);
        if upper {
            column >= row.saturating_add(shift)
        } else {
            column <= row.saturating_add(shift)
        }
    };
    fn clear<T: Default>(values: &mut [T], keep: impl Fn(usize) -> bool) {
        for (at, value) in values.iter_mut().enumerate() {
            if !keep(at) {
                *value = T::default();
            }
        }
    }
    match &mut tensor.data {
        Data::Floats(values) => clear(values, keep),
        Data::Integers(values) => clear(values, keep),
        Data::Booleans(values) => clear(values, keep),
    }
    Ok(tensor)
}

/// Values written over some places, each named by all of its indices.
fn scattered(node: &NodeProto, inputs: &Inputs<'_>) -> Result<Tensor, Error> {
    if !["", "none"].contains(&node.text("reduction")) {
        return Err(refuse("a scatter that sums"));
    }
    let mut tensor = inputs.want(0)?.clone();
    let (indices, updates) = (inputs.want(1)?, inputs.want(2)?);
    let depth = indices.shape.last().copied().unwrap_or(0);
    if depth == 0 || depth > tensor.shape.len() || updates.kind() != tensor.kind() {
        return Err(refuse("a scatter that does not fit"));
    }
    let own = strides(&tensor.shape);
    let run: usize = tensor.shape[depth..].iter().product();
    let all = inputs.integers(1)?;
    for (number, index) in all.chunks_exact(depth).enumerate() {
        let mut place = 0;
        for (at, value) in index.iter().enumerate() {
            place += axis(*value, tensor.shape[at])? * own[at];
        }
        let from = number * run..(number + 1) * run;
        fn put<T: Copy>(to: &mut [T], place: usize, from: Option<&[T]>) -> Option<()> {
            let from = from?;
            to.get_mut(place..place + from.len())?.copy_from_slice(from);
            Some(())
        }
        let done = match (&mut tensor.data, &updates.data) {
            (Data::Floats(to), Data::Floats(values)) => put(to, place, values.get(from)),
            (Data::Integers(to), Data::Integers(values)) => put(to, place, values.get(from)),
            (Data::Booleans(to), Data::Booleans(values)) => put(to, place, values.get(from)),
            _ => None,
        };
        done.ok_or_else(|| refuse("a scatter without enough values"))?;
    }
    Ok(tensor)
}

/// The lengths of the parts that a `Split` makes of an axis.
pub(crate) fn split_sizes(
    node: &NodeProto,
    listed: &[i64],
    length: usize,
) -> Result<Vec<usize>, Error> {
    if !listed.is_empty() {
        let sizes = sides(listed)?;
        return match sizes.iter().sum::<usize>() == length {
            true => Ok(sizes),
            false => Err(refuse("a split into other lengths")),
        };
    }
    let parts = node.output.len().max(1);
    let each = length.div_ceil(parts);
    Ok((0..parts)
        .map(|at| each.min(length.saturating_sub(at * each)))
        .collect())
}

pub(super) fn split(node: &NodeProto, inputs: &Inputs<'_>) -> Result<Vec<Tensor>, Error> {
    let tensor = inputs.want(0)?;
    let at = axis(node.int("axis", 0), tensor.shape.len())?;
    let listed = inputs.integers_or(1, node, "split")?;
    let sizes = split_sizes(node, &listed, tensor.shape[at])?;
    let own = strides(&tensor.shape);
    let mut start = 0;
    let mut parts = Vec::new();
    for size in sizes {
        let mut shape = tensor.shape.clone();
        shape[at] = size;
        let places: Vec<usize> = places(&shape, &own)?
            .into_iter()
            .map(|place| place + start * own[at])
            .collect();
        parts.push(tensor.picked(shape, &places)?);
        start += size;
    }
    Ok(parts)
}
