//! Elementwise operators and the functions that are made of them.
//!
//! The one rule: only functions whose kernels give equal bits on every CPU are left as they are: Exp, Erf, Sigmoid, Tanh, Sqrt.

use super::{Site, text};
use crate::graph::tensor::{Data, Kind, Tensor};
use crate::import::builder::{Builder, Operand, Refusal, Value, attribute_int};
use crate::onnx::FLOAT;

pub(super) fn rewrite(
    b: &mut Builder<'_, '_>,
    site: &Site<'_>,
) -> Result<Option<Operand>, Refusal> {
    Ok(Some(match site.node.op_type.as_str() {
        "Exp" | "Erf" | "Sigmoid" | "Tanh" | "Sqrt" | "Neg" | "Abs" | "Sign" | "Relu" | "Floor"
        | "Ceil" | "Round" => {
            let x = site.operand(b, 0)?;
            b.unary(&site.node.op_type, &x)
        }
        "Add" | "Sub" | "Mul" | "Div" | "Min" | "Max" | "Sum" => {
            let mut sum = site.operand(b, 0)?;
            for at in 1..site.inputs.len() {
                let next = site.operand(b, at)?;
                let operator = match site.node.op_type.as_str() {
                    "Sum" => "Add",
                    other => other,
                };
                sum = b.binary(operator, &sum, &next)?;
            }
            sum
        }
        "Cast" | "CastLike" => cast(b, site)?,
        "Identity" | "Dropout" => {
            site.only_first_output()?;
            site.operand(b, 0)?
        }
        "Pow" => power(b, site)?,
        "Reciprocal" => {
            let (one, x) = (b.scalar(1.0)?, site.operand(b, 0)?);
            b.binary("Div", &one, &x)?
        }
        "Clip" => {
            let x = site.operand(b, 0)?;
            clip(b, site, &x)?
        }
        "Gelu" => {
            let x = site.operand(b, 0)?;
            match site.node.text("approximate") {
                "tanh" => gelu_tanh(b, &x)?,
                "" | "none" => gelu(b, &x)?,
                other => return Err(format!("approximate is {other:?}")),
            }
        }
        "HardSigmoid" => {
            let (alpha, beta) = (site.float("alpha", 0.2), site.float("beta", 0.5));
            let x = site.operand(b, 0)?;
            hard_sigmoid(b, &x, alpha, beta)?
        }
        "HardSwish" => {
            let x = site.operand(b, 0)?;
            let gate = hard_sigmoid(b, &x, 1.0 / 6.0, 0.5)?;
            b.binary("Mul", &x, &gate)?
        }
        "LeakyRelu" => {
            let x = site.operand(b, 0)?;
            let (zero, alpha) = (b.scalar(0.0)?, site.float("alpha", 0.01));
            let (above, below) = (b.binary("Max", &x, &zero)?, b.binary("Min", &x, &zero)?);
            let alpha = b.scalar(alpha)?;
            let below = b.binary("Mul", &below, &alpha)?;
            b.binary("Add", &above, &below)?
        }
        "Where" => choice(b, site)?,
        _ => return Ok(None),
    }))
}

/// Between widths of floats nothing is left to do: everything is float32.
fn cast(b: &mut Builder<'_, '_>, site: &Site<'_>) -> Result<Operand, Refusal> {
    let x = site.operand(b, 0)?;
    let to = match site.node.op_type.as_str() {
        "CastLike" => FLOAT,
        _ => i32::try_from(site.node.int("to", 0)).unwrap_or(0),
    };
    match (x.kind, Kind::of(to)) {
        (from, Some(to)) if from == to => Ok(x),
        (from, to) => Err(format!(
            "a cast from {from:?} to {to:?} of a computed value"
        )),
    }
}

fn power(b: &mut Builder<'_, '_>, site: &Site<'_>) -> Result<Operand, Refusal> {
    let x = site.operand(b, 0)?;
    let exponents = site.constant(1)?.to_floats();
    let exponent = match exponents.split_first() {
        Some((first, rest)) if rest.iter().all(|other| other == first) => *first,
        _ => return Err("a power by element".into()),
    };
    if exponent == 2.0 {
        b.binary("Mul", &x, &x)
    } else if exponent == 3.0 {
        let square = b.binary("Mul", &x, &x)?;
        b.binary("Mul", &square, &x)
    } else if exponent == 0.5 {
        Ok(b.unary("Sqrt", &x))
    } else if exponent == -0.5 {
        let (one, root) = (b.scalar(1.0)?, b.unary("Sqrt", &x));
        b.binary("Div", &one, &root)
    } else if exponent == -1.0 {
        let one = b.scalar(1.0)?;
        b.binary("Div", &one, &x)
    } else {
        Err(format!(
            "the power {exponent}; 2, 3, 0.5, -0.5 and -1 are known"
        ))
    }
}

fn clip(b: &mut Builder<'_, '_>, site: &Site<'_>, x: &Operand) -> Result<Operand, Refusal> {
    let mut clipped = x.clone();
    for (at, name, operator) in [(1, "min", "Max"), (2, "max", "Min")] {
        let bound = match (site.maybe(at), site.node.attribute(name)) {
            (Some(_), _) => Some(site.operand(b, at)?),
            (None, Some(found)) => Some(b.scalar(found.f)?),
            (None, None) => None,
        };
        if let Some(bound) = bound {
            clipped = b.binary(operator, &clipped, &bound)?;
        }
    }
    Ok(clipped)
}

/// `0.5·(x·(erf(x/√2) + 1))`.
fn gelu(b: &mut Builder<'_, '_>, x: &Operand) -> Result<Operand, Refusal> {
    let root = b.scalar(std::f32::consts::SQRT_2)?;
    let inner = b.binary("Div", x, &root)?;
    let erf = b.unary("Erf", &inner);
    let one = b.scalar(1.0)?;
    let above = b.binary("Add", &erf, &one)?;
    let product = b.binary("Mul", x, &above)?;
    let half = b.scalar(0.5)?;
    b.binary("Mul", &half, &product)
}

/// `0.5·(x·(1 + tanh(√(2/π)·(x + 0.044715·x³))))`.
fn gelu_tanh(b: &mut Builder<'_, '_>, x: &Operand) -> Result<Operand, Refusal> {
    let square = b.binary("Mul", x, x)?;
    let cube = b.binary("Mul", &square, x)?;
    let weight = b.scalar(0.044_715)?;
    let cube = b.binary("Mul", &weight, &cube)?;
    let sum = b.binary("Add", x, &cube)?;
    let scale =
        b.scalar((std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2) as f32)?;
    let inner = b.binary("Mul", &scale, &sum)?;
    let tanh = b.unary("Tanh", &inner);
    let one = b.scalar(1.0)?;
    let above = b.binary("Add", &one, &tanh)?;
    let product = b.binary("Mul", x, &above)?;
    let half = b.scalar(0.5)?;
    b.binary("Mul", &half, &product)
}

fn hard_sigmoid(
    b: &mut Builder<'_, '_>,
    x: &Operand,
    alpha: f32,
    beta: f32,
) -> Result<Operand, Refusal> {
    let (alpha, beta) = (b.scalar(alpha)?, b.scalar(beta)?);
    let product = b.binary("Mul", x, &alpha)?;
    let sum = b.binary("Add", &product, &beta)?;
    let (zero, one) = (b.scalar(0.0)?, b.scalar(1.0)?);
    let above = b.binary("Max", &sum, &zero)?;
    b.binary("Min", &above, &one)
}

/// A choice by a mask that is known before the run: `x·m + y·(1 − m)` with m of 0 and 1, which is exact for finite values.
fn choice(b: &mut Builder<'_, '_>, site: &Site<'_>) -> Result<Operand, Refusal> {
    let (first, second) = match site.value(0)? {
        Value::Constant(tensor) => {
            let Data::Booleans(values) = &tensor.data else {
                return Err("a choice by numbers".into());
            };
            let mask = |wanted: bool| -> Result<Value, Refusal> {
                let values = values.iter().map(|v| f32::from(u8::from(*v == wanted)));
                let mask = Tensor::floats(&tensor.shape, values.collect()).map_err(text)?;
                Ok(Value::Constant(mask))
            };
            (mask(true)?, mask(false)?)
        }
        value @ Value::Host(..) => {
            let to_float = || vec![attribute_int("to", i64::from(FLOAT))];
            let not = b.on_host("Not", Vec::new(), &[value])?;
            (
                b.on_host("Cast", to_float(), &[value])?,
                b.on_host("Cast", to_float(), &[&not])?,
            )
        }
        _ => return Err("a choice that depends on computed values".into()),
    };
    let mut part = |mask: &Value, value: &Value| -> Result<Operand, Refusal> {
        let mask = b.operand(mask)?;
        let value = b.operand(&finite(value)?)?;
        b.binary("Mul", &value, &mask)
    };
    let (x, y) = (
        part(&first, site.value(1)?)?,
        part(&second, site.value(2)?)?,
    );
    b.binary("Add", &x, &y)
}

/// A constant without infinities, which would not survive being multiplied with 0: the largest numbers stand for them.
fn finite(value: &Value) -> Result<Value, Refusal> {
    let Value::Constant(tensor) = value else {
        return Ok(value.clone());
    };
    let Data::Floats(values) = &tensor.data else {
        return Err("a choice between integers".into());
    };
    let values = values.iter().map(|v| v.clamp(f32::MIN, f32::MAX)).collect();
    Ok(Value::Constant(
        Tensor::floats(&tensor.shape, values).map_err(text)?,
    ))
}
