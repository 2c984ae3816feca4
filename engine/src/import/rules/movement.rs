//! Operators that move values.
//!
//! The one rule: shapes are known here, so every change of axes is a `Reshape` to numbers, and no shape is computed at run time.

use super::{Site, text};
use crate::graph::evaluate::{self, axis};
use crate::graph::tensor::{Kind, Tensor, count};
use crate::import::builder::{Builder, Operand, Refusal, Value, attribute_int, attribute_text};

pub(super) fn rewrite(
    b: &mut Builder<'_, '_>,
    site: &Site<'_>,
) -> Result<Option<Operand>, Refusal> {
    let x = |b: &mut Builder<'_, '_>| site.operand(b, 0);
    Ok(Some(match site.node.op_type.as_str() {
        "Reshape" => {
            let x = x(b)?;
            let allow_zero = site.node.int("allowzero", 0) != 0;
            let shape =
                evaluate::reshaped(&x.shape, &site.integers(1)?, allow_zero).map_err(text)?;
            b.reshape(&x, &shape)?
        }
        "Flatten" => {
            let x = x(b)?;
            let shape = evaluate::flattened(&x.shape, site.node.int("axis", 1)).map_err(text)?;
            b.reshape(&x, &shape)?
        }
        "Unsqueeze" => {
            let x = x(b)?;
            let axes = site.integers_or(1, "axes")?;
            let shape = evaluate::unsqueezed(&x.shape, &axes).map_err(text)?;
            b.reshape(&x, &shape)?
        }
        "Squeeze" => {
            let x = x(b)?;
            let axes = site.integers_or(1, "axes")?;
            let shape = evaluate::squeezed(&x.shape, &axes).map_err(text)?;
            b.reshape(&x, &shape)?
        }
        "Transpose" => {
            let x = x(b)?;
            let order = evaluate::order(site.node.ints("perm"), x.shape.len()).map_err(text)?;
            b.transpose(&x, &order)
        }
        "Expand" => {
            let x = x(b)?;
            let wanted = evaluate::sides(&site.integers(1)?).map_err(text)?;
            let shape = evaluate::broadcast(&x.shape, &wanted).map_err(text)?;
            if shape == x.shape {
                return Ok(Some(x));
            }
            if count(&shape).is_none_or(|size| size > evaluate::MOST) {
                return Err(format!("to {shape:?}, which is too large"));
            }
            let ones = b.filled(&shape, 1.0)?;
            b.binary("Mul", &x, &ones)?
        }
        "Tile" => {
            let mut x = x(b)?;
            for (axis, times) in evaluate::sides(&site.integers(1)?)
                .map_err(text)?
                .iter()
                .enumerate()
            {
                if *times == 0 || axis >= x.shape.len() {
                    return Err("a tile of nothing".into());
                }
                let wide = x.shape[axis].checked_mul(*times);
                if *times > 4096 || wide.is_none_or(|wide| wide > evaluate::MOST) {
                    return Err(format!("{times} times, which is too often"));
                }
                if *times > 1 {
                    x = b.concat(&vec![&x; *times], axis)?;
                }
            }
            x
        }
        "Concat" => concat(b, site)?,
        "Slice" => {
            let mut x = x(b)?;
            let (starts, ends) = (site.integers_or(1, "starts")?, site.integers_or(2, "ends")?);
            let (axes, steps) = (site.integers_or(3, "axes")?, site.integers_or(4, "steps")?);
            let cuts = evaluate::cuts(&x.shape, &starts, &ends, &axes, &steps).map_err(text)?;
            for cut in cuts {
                if cut.size == x.shape[cut.axis] && cut.step == 1 {
                    continue;
                }
                if cut.size == 0 {
                    return Err("a slice of nothing".into());
                }
                x = b.slice(&x, cut.axis, cut.start, cut.size, cut.step)?;
            }
            x
        }
        "Gather" => gather(b, site)?,
        "GatherND" => gather_rows(b, site)?,
        "Pad" => pad(b, site)?,
        "DepthToSpace" => {
            let x = x(b)?;
            let (side, mode) = (site.node.int("blocksize", 0), site.node.text("mode"));
            let [n, c, h, w] = x.shape[..] else {
                return Err("an input of other than four axes".into());
            };
            let times = usize::try_from(side)
                .ok()
                .filter(|times| *times > 0)
                .ok_or("no block")?;
            let shape = vec![n, c / times / times, h * times, w * times];
            let mode = if mode.is_empty() { "DCR" } else { mode };
            let attributes = vec![
                attribute_int("blocksize", side),
                attribute_text("mode", mode),
            ];
            b.node("DepthToSpace", &[&x], attributes, shape)
        }
        _ => return Ok(None),
    }))
}

fn concat(b: &mut Builder<'_, '_>, site: &Site<'_>) -> Result<Operand, Refusal> {
    let mut parts = Vec::new();
    for at in 0..site.inputs.len() {
        if !site.value(at)?.shape().contains(&0) {
            parts.push(site.operand(b, at)?);
        }
    }
    let first = parts.first().ok_or("nothing to join")?;
    let at = axis(site.node.int("axis", 0), first.shape.len()).map_err(text)?;
    let fits = |part: &Operand| {
        part.kind == first.kind
            && part.shape.len() == first.shape.len()
            && (0..part.shape.len()).all(|side| side == at || part.shape[side] == first.shape[side])
    };
    if !parts.iter().all(fits) {
        return Err("parts that do not fit together".into());
    }
    b.concat(&parts.iter().collect::<Vec<_>>(), at)
}

fn gather(b: &mut Builder<'_, '_>, site: &Site<'_>) -> Result<Operand, Refusal> {
    let (x, index) = (site.operand(b, 0)?, site.operand(b, 1)?);
    if index.kind != Kind::Integer {
        return Err("an index that is no integer".into());
    }
    let at = axis(site.node.int("axis", 0), x.shape.len()).map_err(text)?;
    let mut shape = x.shape.clone();
    shape.splice(at..=at, index.shape.iter().copied());
    let attributes = vec![attribute_int("axis", at as i64)];
    Ok(b.node("Gather", &[&x, &index], attributes, shape))
}

/// Rows that are each named by all of their leading indices: the leading axes become one, and the host counts the rows.
fn gather_rows(b: &mut Builder<'_, '_>, site: &Site<'_>) -> Result<Operand, Refusal> {
    if site.node.int("batch_dims", 0) != 0 {
        return Err("batch_dims".into());
    }
    let x = site.operand(b, 0)?;
    let indices = site.value(1)?;
    let sides = indices.shape().to_vec();
    let depth = sides.last().copied().unwrap_or(0);
    if depth == 0 || depth > x.shape.len() {
        return Err("indices of no depth".into());
    }
    let mut steps = vec![1i64; depth];
    for at in (1..depth).rev() {
        steps[at - 1] = steps[at] * x.shape[at] as i64;
    }
    let steps = Value::Constant(Tensor::integers(steps));
    let indices = match indices {
        Value::Graph(_) | Value::Stored(_) => return Err("indices that are computed".into()),
        known => known,
    };
    let places = b.on_host("Mul", Vec::new(), &[indices, &steps])?;
    let last = Value::Constant(Tensor::integers(vec![-1]));
    let keep = vec![attribute_int("keepdims", 0)];
    let rows = b.on_host("ReduceSum", keep, &[&places, &last])?;
    let rows = b.operand(&rows)?;
    let (outer, rest) = x.shape.split_at(depth);
    let mut flat = vec![outer.iter().product()];
    flat.extend(rest);
    let mut shape = sides[..sides.len() - 1].to_vec();
    shape.extend(rest);
    let table = b.reshape(&x, &flat)?;
    Ok(b.node(
        "Gather",
        &[&table, &rows],
        vec![attribute_int("axis", 0)],
        shape,
    ))
}

fn pad(b: &mut Builder<'_, '_>, site: &Site<'_>) -> Result<Operand, Refusal> {
    let mode = site.node.text("mode");
    if !["", "constant"].contains(&mode) {
        return Err(format!("the mode {mode:?}"));
    }
    if let Some(axes) = site.maybe(3) {
        return Err(format!("axes of their own: {:?}", axes.shape()));
    }
    let x = site.operand(b, 0)?;
    let pads = site.integers_or(1, "pads")?;
    let rank = x.shape.len();
    if pads.len() != rank * 2 || pads.iter().any(|amount| *amount < 0) {
        return Err(format!("the amounts {pads:?}"));
    }
    let shape = (0..rank)
        .map(|at| x.shape[at] + (pads[at] + pads[at + rank]) as usize)
        .collect();
    let amounts = b.integers(&pads)?;
    let value = match site.maybe(2) {
        Some(_) => site
            .constant(2)?
            .to_floats()
            .first()
            .copied()
            .unwrap_or(0.0),
        None => site.float("value", 0.0),
    };
    let value = b.scalar(value)?;
    Ok(b.node("Pad", &[&x, &amounts, &value], Vec::new(), shape))
}

pub(super) fn split(b: &mut Builder<'_, '_>, site: &Site<'_>) -> Result<Vec<Value>, Refusal> {
    let x = site.operand(b, 0)?;
    let at = axis(site.node.int("axis", 0), x.shape.len()).map_err(text)?;
    let listed = site.integers_or(1, "split")?;
    let sizes = evaluate::split_sizes(site.node, &listed, x.shape[at]).map_err(text)?;
    let mut start = 0;
    let mut parts = Vec::new();
    for size in sizes {
        parts.push(Value::Graph(b.slice(&x, at, start, size, 1)?));
        start += size as i64;
    }
    Ok(parts)
}
