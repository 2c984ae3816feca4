//! Enlarging by whole numbers.
//!
//! The one rule: the nearest value and nothing else; whoever means an interpolation is refused.

use super::Site;
use crate::graph::tensor::Tensor;
use crate::import::builder::{Builder, Operand, Refusal, attribute_text};

pub(super) fn rewrite(
    b: &mut Builder<'_, '_>,
    site: &Site<'_>,
) -> Result<Option<Operand>, Refusal> {
    let (scales, sizes) = match site.node.op_type.as_str() {
        "Resize" if site.opset >= 11 => (2, Some(3)),
        "Resize" | "Upsample" => (1, None),
        _ => return Ok(None),
    };
    let mode = site.node.text("mode");
    if !["", "nearest"].contains(&mode) {
        return Err(format!("the mode {mode:?}; \"nearest\" is known"));
    }
    let x = site.operand(b, 0)?;
    let times = match sizes.and_then(|at| site.maybe(at)) {
        Some(_) => by_size(&site.integers(3)?, &x.shape)?,
        None => whole(&site.constant(scales)?.to_floats())?,
    };
    if times.len() != x.shape.len() {
        return Err(format!(
            "scales for {} of {} axes",
            times.len(),
            x.shape.len()
        ));
    }
    // For whole numbers these two agree with what is written below; others begin elsewhere.
    let nearest = site.node.text("nearest_mode");
    let known = match site.node.text("coordinate_transformation_mode") {
        "asymmetric" => nearest == "floor",
        "" | "half_pixel" => ["", "round_prefer_floor"].contains(&nearest),
        _ => false,
    };
    if site.opset >= 11 && !known {
        let mode = site.node.text("coordinate_transformation_mode");
        return Err(format!("nearest by {mode:?} and {nearest:?}"));
    }
    let shape: Vec<usize> = x
        .shape
        .iter()
        .zip(&times)
        .map(|(side, t)| side * t)
        .collect();
    let scales: Vec<f32> = times.iter().map(|times| *times as f32).collect();
    let scales = Tensor::floats(&[scales.len()], scales).map_err(super::text)?;
    let scales = b.constant(&scales)?;
    let attributes = vec![
        attribute_text("coordinate_transformation_mode", "asymmetric"),
        attribute_text("mode", "nearest"),
        attribute_text("nearest_mode", "floor"),
    ];
    let mut made = b.node("Resize", &[&x, &scales], attributes, shape);
    // The region of interest between the two is left out.
    if let Some(node) = b.nodes.last_mut() {
        node.input.insert(1, String::new());
    }
    made.kind = x.kind;
    Ok(Some(made))
}

fn whole(scales: &[f32]) -> Result<Vec<usize>, Refusal> {
    let whole = |scale: &f32| (*scale >= 1.0 && scale.fract() == 0.0).then_some(*scale as usize);
    let times: Option<Vec<usize>> = scales.iter().map(whole).collect();
    times.ok_or_else(|| format!("the scales {scales:?}, which are no whole numbers"))
}

fn by_size(sizes: &[i64], shape: &[usize]) -> Result<Vec<usize>, Refusal> {
    let times = |(size, side): (&i64, &usize)| {
        let size = usize::try_from(*size).ok()?;
        (*side > 0 && size.is_multiple_of(*side)).then(|| size / side)
    };
    let times: Option<Vec<usize>> = sizes.iter().zip(shape).map(times).collect();
    times.ok_or_else(|| format!("from {shape:?} to {sizes:?}, which is no whole number of times"))
}
