//! Softmax and the normalisations, each written out: the runtime's own kernels sum in an order of their CPU.
//!
//! The one rule: means are products with a constant column of 1/K.

use super::Site;
use crate::graph::evaluate::axis;
use crate::graph::tensor::{Data, Tensor};
use crate::import::builder::{Builder, Operand, Refusal, Value};

pub(super) fn rewrite(
    b: &mut Builder<'_, '_>,
    site: &Site<'_>,
) -> Result<Option<Operand>, Refusal> {
    Ok(Some(match site.node.op_type.as_str() {
        "Softmax" => softmax(b, site)?,
        "LayerNormalization" => layer(b, site)?,
        "RMSNormalization" | "SimplifiedLayerNormalization" => root_mean_square(b, site)?,
        "InstanceNormalization" => instance(b, site)?,
        "GroupNormalization" => group(b, site)?,
        "LpNormalization" => {
            let x = site.operand(b, 0)?;
            let last = axis(site.node.int("axis", -1), x.shape.len()).map_err(super::text)?;
            if site.node.int("p", 2) != 2 || last + 1 != x.shape.len() {
                return Err("a norm other than the second, over the last axis".into());
            }
            let squares = b.binary("Mul", &x, &x)?;
            let sum = b.weighed_sum(&squares, 1.0)?;
            let root = b.unary("Sqrt", &sum);
            b.binary("Div", &x, &root)?
        }
        _ => return Ok(None),
    }))
}

fn softmax(b: &mut Builder<'_, '_>, site: &Site<'_>) -> Result<Operand, Refusal> {
    let x = site.operand(b, 0)?;
    let rank = x.shape.len();
    let usual = if site.opset < 13 { 1 } else { -1 };
    let at = axis(site.node.int("axis", usual), rank).map_err(super::text)?;
    if at + 1 == rank {
        return b.softmax(&x);
    }
    if site.opset < 13 {
        return Err("over several axes at once, as operator sets before 13 have it".into());
    }
    let mut order: Vec<usize> = (0..rank).collect();
    order.swap(at, rank - 1);
    let turned = b.transpose(&x, &order);
    let made = b.softmax(&turned)?;
    Ok(b.transpose(&made, &order))
}

/// Multiplies with a scale and adds a bias, where they are there and do something: exporters write a group norm as an instance norm of scale 1
/// and bias 0 before the real ones, which would be two more passes over the largest values of a decoder.
fn affine(
    b: &mut Builder<'_, '_>,
    site: &Site<'_>,
    x: Operand,
    sides: &[usize],
) -> Result<Operand, Refusal> {
    let mut made = x;
    for (at, operator, nothing) in [(1, "Mul", 1.0), (2, "Add", 0.0)] {
        let idle = match site.maybe(at) {
            Some(Value::Constant(Tensor { data, .. })) => {
                matches!(data, Data::Floats(values) if values.iter().all(|value| *value == nothing))
            }
            Some(_) => false,
            None => true,
        };
        if !idle {
            let weight = site.operand(b, at)?;
            let weight = b.reshape(&weight, sides)?;
            made = b.binary(operator, &made, &weight)?;
        }
    }
    Ok(made)
}

fn layer(b: &mut Builder<'_, '_>, site: &Site<'_>) -> Result<Operand, Refusal> {
    site.only_first_output()?;
    let x = site.operand(b, 0)?;
    let rank = x.shape.len();
    let at = axis(site.node.int("axis", -1), rank).map_err(super::text)?;
    let epsilon = site.float("epsilon", 1e-5);
    let gone: Vec<bool> = (0..rank).map(|place| place >= at).collect();
    let flat = b.gathered_last(&x, &gone)?;
    let made = b.normalised(&flat, epsilon)?;
    let made = b.reshape(&made, &x.shape)?;
    let sides = x.shape[at..].to_vec();
    affine(b, site, made, &sides)
}

fn root_mean_square(b: &mut Builder<'_, '_>, site: &Site<'_>) -> Result<Operand, Refusal> {
    site.only_first_output()?;
    let x = site.operand(b, 0)?;
    let at = axis(site.node.int("axis", -1), x.shape.len()).map_err(super::text)?;
    if at + 1 != x.shape.len() {
        return Err("over another axis than the last".into());
    }
    let made = b.scaled_to_one(&x, site.float("epsilon", 1e-5))?;
    let sides = vec![x.side(1)];
    affine(b, site, made, &sides)
}

/// Over everything but picture and channel.
fn instance(b: &mut Builder<'_, '_>, site: &Site<'_>) -> Result<Operand, Refusal> {
    let x = site.operand(b, 0)?;
    let [pictures, channels, ..] = x.shape[..] else {
        return Err(format!("an input of {} axes", x.shape.len()));
    };
    let cells: usize = x.shape[2..].iter().product();
    let flat = b.reshape(&x, &[pictures, channels, cells])?;
    let made = b.normalised(&flat, site.float("epsilon", 1e-5))?;
    let made = affine(b, site, made, &[channels, 1])?;
    b.reshape(&made, &x.shape)
}

fn group(b: &mut Builder<'_, '_>, site: &Site<'_>) -> Result<Operand, Refusal> {
    let x = site.operand(b, 0)?;
    let [pictures, channels, ..] = x.shape[..] else {
        return Err(format!("an input of {} axes", x.shape.len()));
    };
    let groups = usize::try_from(site.node.int("num_groups", 0)).unwrap_or(0);
    if groups == 0 || !channels.is_multiple_of(groups) {
        return Err(format!("{channels} channels in {groups} groups"));
    }
    let cells: usize = x.shape[2..].iter().product();
    let flat = b.reshape(&x, &[pictures, groups, channels / groups * cells])?;
    let made = b.normalised(&flat, site.float("epsilon", 1e-5))?;
    // A weight for each group before operator set 21, for each channel since.
    let weights: usize = site.value(1)?.shape().iter().product();
    let made = match weights == groups && groups != channels {
        true => affine(b, site, made, &[groups, 1])?,
        false => {
            let made = b.reshape(&made, &[pictures, channels, cells])?;
            affine(b, site, made, &[channels, 1])?
        }
    };
    b.reshape(&made, &x.shape)
}
