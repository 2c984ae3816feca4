//! Sums, means and extremes along axes.
//!
//! The one rule: the axes are brought last, where a sum is a product with a constant column.

use super::{Site, text};
use crate::graph::evaluate::{self, axis};
use crate::import::builder::{Builder, Operand, Refusal, attribute_int, attribute_ints};

pub(super) fn rewrite(
    b: &mut Builder<'_, '_>,
    site: &Site<'_>,
) -> Result<Option<Operand>, Refusal> {
    let operator = site.node.op_type.as_str();
    Ok(Some(match operator {
        "ReduceMax" | "ReduceMin" => extreme(b, site)?,
        "ReduceSum" | "ReduceMean" | "ReduceSumSquare" | "ReduceL2" => {
            let x = site.operand(b, 0)?;
            let axes = site.integers_or(1, "axes")?;
            let (gone, left) = evaluate::axes_of(site.node, &axes, &x.shape).map_err(text)?;
            let flat = b.gathered_last(&x, &gone)?;
            let made = match operator {
                "ReduceSum" => b.weighed_sum(&flat, 1.0)?,
                "ReduceMean" => b.mean(&flat)?,
                _ => {
                    let squares = b.binary("Mul", &flat, &flat)?;
                    let sum = b.weighed_sum(&squares, 1.0)?;
                    match operator {
                        "ReduceL2" => b.unary("Sqrt", &sum),
                        _ => sum,
                    }
                }
            };
            b.reshape(&made, &left)?
        }
        "ArgMax" => {
            let x = site.operand(b, 0)?;
            let at = axis(site.node.int("axis", 0), x.shape.len()).map_err(text)?;
            let keep = site.node.int("keepdims", 1);
            let mut shape = x.shape.clone();
            match keep {
                0 => drop(shape.remove(at)),
                _ => shape[at] = 1,
            }
            let last = site.node.int("select_last_index", 0);
            let attributes = vec![
                attribute_int("axis", at as i64),
                attribute_int("keepdims", keep),
                attribute_int("select_last_index", last),
            ];
            b.node("ArgMax", &[&x], attributes, shape)
        }
        _ => return Ok(None),
    }))
}

fn extreme(b: &mut Builder<'_, '_>, site: &Site<'_>) -> Result<Operand, Refusal> {
    let x = site.operand(b, 0)?;
    let axes = site.integers_or(1, "axes")?;
    let (gone, left) = evaluate::axes_of(site.node, &axes, &x.shape).map_err(text)?;
    let places: Vec<i64> = (0..gone.len())
        .filter(|at| gone[*at])
        .map(|at| at as i64)
        .collect();
    let shape = x.shape.iter().zip(&gone);
    let shape = shape
        .map(|(side, gone)| if *gone { 1 } else { *side })
        .collect();
    let attributes = vec![
        attribute_ints("axes", &places),
        attribute_int("keepdims", 1),
    ];
    let made = b.node(&site.node.op_type, &[&x], attributes, shape);
    b.reshape(&made, &left)
}
