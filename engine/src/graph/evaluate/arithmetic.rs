//! Arithmetic by element, with broadcasting.
//!
//! The one rule: one rounding to float32 for each operation; functions are the crate `libm`'s in f64.

use super::{Inputs, broadcast, broadcast_places, refuse};
use crate::error::Error;
use crate::graph::tensor::{Data, Tensor};
use crate::onnx::NodeProto;

pub(super) fn of(node: &NodeProto, inputs: &Inputs<'_>) -> Result<Option<Tensor>, Error> {
    if let Some(function) = one_float(&node.op_type) {
        let tensor = inputs.want(0)?;
        let values = tensor.to_floats().into_iter().map(function).collect();
        return Ok(Some(Tensor::floats(&tensor.shape, values)?));
    }
    Ok(Some(match node.op_type.as_str() {
        "Neg" | "Abs" | "Sign" => signed(&node.op_type, inputs.want(0)?)?,
        "Not" => {
            let tensor = inputs.want(0)?;
            let Data::Booleans(values) = &tensor.data else {
                return Err(refuse("Not of numbers"));
            };
            let data = Data::Booleans(values.iter().map(|value| !value).collect());
            Tensor::new(tensor.shape.clone(), data)?
        }
        "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Mod" | "Min" | "Max" | "Sum" => {
            let mut sum = inputs.want(0)?.clone();
            for at in 1..inputs.0.len() {
                sum = pair(node, &sum, inputs.want(at)?)?;
            }
            sum
        }
        "Equal" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual" | "And" | "Or" | "Xor" => {
            compared(&node.op_type, inputs.want(0)?, inputs.want(1)?)?
        }
        "Where" => chosen(inputs)?,
        "Clip" => {
            let tensor = inputs.want(0)?;
            let bound = |at: usize, name: &str, open: f32| match inputs.get(at) {
                Some(bound) => bound.to_floats().first().copied().unwrap_or(open),
                None => node.attribute(name).map_or(open, |found| found.f),
            };
            let (least, most) = (
                bound(1, "min", f32::NEG_INFINITY),
                bound(2, "max", f32::INFINITY),
            );
            let kept = tensor
                .to_floats()
                .into_iter()
                .map(|v| v.max(least).min(most));
            let kept = Tensor::floats(&tensor.shape, kept.collect())?;
            super::cast(&kept, tensor.kind().element())?
        }
        _ => return Ok(None),
    }))
}

fn one_float(operator: &str) -> Option<fn(f32) -> f32> {
    Some(match operator {
        "Exp" => |x| libm::exp(f64::from(x)) as f32,
        "Log" => |x| libm::log(f64::from(x)) as f32,
        "Sin" => |x| libm::sin(f64::from(x)) as f32,
        "Cos" => |x| libm::cos(f64::from(x)) as f32,
        "Sqrt" => |x| libm::sqrtf(x),
        "Reciprocal" => |x| 1.0 / x,
        "Floor" => |x| libm::floorf(x),
        "Ceil" => |x| libm::ceilf(x),
        "Round" => |x: f32| x.round_ties_even(),
        "Sigmoid" => |x| (1.0 / (1.0 + libm::exp(-f64::from(x)))) as f32,
        "Erf" => |x| libm::erf(f64::from(x)) as f32,
        "Tanh" => |x| libm::tanh(f64::from(x)) as f32,
        _ => return None,
    })
}

fn signed(operator: &str, tensor: &Tensor) -> Result<Tensor, Error> {
    let data = match (&tensor.data, operator) {
        (Data::Integers(values), "Neg") => {
            Data::Integers(values.iter().map(|v| v.wrapping_neg()).collect())
        }
        (Data::Integers(values), "Abs") => {
            Data::Integers(values.iter().map(|v| v.wrapping_abs()).collect())
        }
        (Data::Integers(values), _) => Data::Integers(values.iter().map(|v| v.signum()).collect()),
        (_, "Neg") => Data::Floats(tensor.to_floats().into_iter().map(|v| -v).collect()),
        (_, "Abs") => Data::Floats(tensor.to_floats().into_iter().map(f32::abs).collect()),
        (_, _) => {
            let sign = |v: f32| if v == 0.0 { v } else { v.signum() };
            Data::Floats(tensor.to_floats().into_iter().map(sign).collect())
        }
    };
    Tensor::new(tensor.shape.clone(), data)
}

fn pair(node: &NodeProto, a: &Tensor, b: &Tensor) -> Result<Tensor, Error> {
    let shape = broadcast(&a.shape, &b.shape)?;
    let (left, right) = (
        broadcast_places(&a.shape, &shape)?,
        broadcast_places(&b.shape, &shape)?,
    );
    let both = left.iter().zip(&right);
    if let (Data::Integers(x), Data::Integers(y)) = (&a.data, &b.data) {
        let values: Option<Vec<i64>> = both.map(|(l, r)| integers(node, x[*l], y[*r])).collect();
        let values = values.ok_or_else(|| refuse("a division by 0, or a sum without end"))?;
        return Tensor::new(shape, Data::Integers(values));
    }
    let (x, y) = (a.to_floats(), b.to_floats());
    let operation: fn(f32, f32) -> f32 = match node.op_type.as_str() {
        "Add" | "Sum" => |x, y| x + y,
        "Sub" => |x, y| x - y,
        "Mul" => |x, y| x * y,
        "Div" => |x, y| x / y,
        "Min" => |x: f32, y| x.min(y),
        "Max" => |x: f32, y| x.max(y),
        "Pow" => |x, y| libm::pow(f64::from(x), f64::from(y)) as f32,
        "Mod" => |x, y| libm::fmod(f64::from(x), f64::from(y)) as f32,
        other => return Err(refuse(format!("{other} is not evaluated"))),
    };
    let values = both.map(|(l, r)| operation(x[*l], y[*r])).collect();
    Tensor::new(shape, Data::Floats(values))
}

fn integers(node: &NodeProto, x: i64, y: i64) -> Option<i64> {
    match node.op_type.as_str() {
        "Add" | "Sum" => x.checked_add(y),
        "Sub" => x.checked_sub(y),
        "Mul" => x.checked_mul(y),
        "Div" => x.checked_div(y),
        "Mod" if node.int("fmod", 0) != 0 => x.checked_rem(y),
        "Mod" => {
            let rest = x.checked_rem(y)?;
            Some(if rest != 0 && (rest < 0) != (y < 0) {
                rest + y
            } else {
                rest
            })
        }
        "Min" => Some(x.min(y)),
        "Max" => Some(x.max(y)),
        "Pow" => x.checked_pow(u32::try_from(y).ok()?),
        _ => None,
    }
}

fn compared(operator: &str, a: &Tensor, b: &Tensor) -> Result<Tensor, Error> {
    let shape = broadcast(&a.shape, &b.shape)?;
    let (left, right) = (
        broadcast_places(&a.shape, &shape)?,
        broadcast_places(&b.shape, &shape)?,
    );
    let order = |x: std::cmp::Ordering| match operator {
        "Equal" => x.is_eq(),
        "Greater" => x.is_gt(),
        "GreaterOrEqual" => x.is_ge(),
        "Less" => x.is_lt(),
        _ => x.is_le(),
    };
    let both = left.iter().zip(&right);
    let values: Vec<bool> = match (&a.data, &b.data, operator) {
        (Data::Booleans(x), Data::Booleans(y), "And") => {
            both.map(|(l, r)| x[*l] && y[*r]).collect()
        }
        (Data::Booleans(x), Data::Booleans(y), "Or") => both.map(|(l, r)| x[*l] || y[*r]).collect(),
        (Data::Booleans(x), Data::Booleans(y), "Xor") => {
            both.map(|(l, r)| x[*l] != y[*r]).collect()
        }
        (_, _, "And" | "Or" | "Xor") => return Err(refuse("logic of numbers")),
        (Data::Floats(_), _, _) | (_, Data::Floats(_), _) => {
            let (x, y) = (a.to_floats(), b.to_floats());
            both.map(|(l, r)| x[*l].partial_cmp(&y[*r]).is_some_and(order))
                .collect()
        }
        _ => {
            let (x, y) = (
                a.as_integers().unwrap_or_default(),
                b.as_integers().unwrap_or_default(),
            );
            both.map(|(l, r)| order(x[*l].cmp(&y[*r]))).collect()
        }
    };
    Tensor::new(shape, Data::Booleans(values))
}

fn chosen(inputs: &Inputs<'_>) -> Result<Tensor, Error> {
    let (condition, x, y) = (inputs.want(0)?, inputs.want(1)?, inputs.want(2)?);
    let shape = broadcast(&broadcast(&condition.shape, &x.shape)?, &y.shape)?;
    let Data::Booleans(condition_values) = &condition.data else {
        return Err(refuse("a choice by numbers"));
    };
    let (at, left, right) = (
        broadcast_places(&condition.shape, &shape)?,
        broadcast_places(&x.shape, &shape)?,
        broadcast_places(&y.shape, &shape)?,
    );
    fn choose<T: Copy>(
        by: impl Iterator<Item = bool>,
        (x, left): (&[T], &[usize]),
        (y, right): (&[T], &[usize]),
    ) -> Vec<T> {
        by.zip(left.iter().zip(right))
            .map(|(first, (l, r))| if first { x[*l] } else { y[*r] })
            .collect()
    }
    let by = at.iter().map(|at| condition_values[*at]);
    let data = match (&x.data, &y.data) {
        (Data::Integers(x), Data::Integers(y)) => {
            Data::Integers(choose(by, (x, &left), (y, &right)))
        }
        (Data::Booleans(x), Data::Booleans(y)) => {
            Data::Booleans(choose(by, (x, &left), (y, &right)))
        }
        _ => Data::Floats(choose(
            by,
            (&x.to_floats(), &left),
            (&y.to_floats(), &right),
        )),
    };
    Tensor::new(shape, data)
}
