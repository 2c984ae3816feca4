//! Shapes as far as they can be known from a graph's text; a batch dimension stays open.
//!
//! The one rule: `None` means "not known", and whoever needs to know must refuse.

use crate::onnx::NodeProto;

/// One dimension, or open.
pub(super) type Dimension = Option<u64>;

/// What is known of one value.
#[derive(Clone, Debug, Default)]
pub(super) struct Value {
    /// Its shape; `None` when even the rank is not known.
    pub(super) shape: Option<Vec<Dimension>>,
    /// Whether it is an initializer.
    pub(super) constant: bool,
    /// The values of an int64 initializer.
    pub(super) integers: Option<Vec<i64>>,
    /// The value of a one-element float initializer.
    pub(super) scalar: Option<f32>,
}

impl Value {
    pub(super) fn rank(&self) -> Option<usize> {
        self.shape.as_ref().map(Vec::len)
    }

    /// The dimension at `back` places from the end (1 is the last).
    pub(super) fn side(&self, back: usize) -> Dimension {
        let shape = self.shape.as_ref()?;
        shape.get(shape.len().checked_sub(back)?).copied()?
    }
}

/// The shape of a node's first output.
pub(super) fn of(node: &NodeProto, inputs: &[Value]) -> Option<Vec<Dimension>> {
    let first = || inputs.first()?.shape.clone();
    match node.op_type.as_str() {
        "MatMul" => matmul(inputs.first()?, inputs.get(1)?),
        "Reshape" => reshape(inputs.first()?, inputs.get(1)?.integers.as_ref()?),
        "Transpose" => {
            let shape = first()?;
            let order = node.ints("perm");
            if order.is_empty() {
                return Some(shape.into_iter().rev().collect());
            }
            let at = |axis: &i64| shape.get(usize::try_from(*axis).ok()?).copied();
            order.iter().map(at).collect()
        }
        "Concat" => {
            let mut shape = first()?;
            let axis = axis_of(node.int("axis", 0), shape.len())?;
            shape[axis] = inputs.iter().try_fold(0, |sum, input| {
                (*input.shape.as_ref()?.get(axis)?)?.checked_add(sum)
            });
            Some(shape)
        }
        "Gather" => {
            let mut shape = first()?;
            let axis = axis_of(node.int("axis", 0), shape.len())?;
            let chosen = inputs.get(1)?.shape.clone()?;
            shape.splice(axis..=axis, chosen);
            Some(shape)
        }
        "ReduceMax" | "ReduceMin" => {
            let mut shape = first()?;
            if node.int("keepdims", 1) != 1 {
                return None;
            }
            for axis in node.ints("axes") {
                let axis = axis_of(*axis, shape.len())?;
                shape[axis] = Some(1);
            }
            Some(shape)
        }
        "DepthToSpace" => {
            let side = u64::try_from(node.int("blocksize", 0))
                .ok()
                .filter(|side| *side > 0)?;
            let [n, c, h, w] = first()?[..] else {
                return None;
            };
            let wider = |length: Dimension| length?.checked_mul(side);
            Some(vec![n, c.map(|c| c / side / side), wider(h), wider(w)])
        }
        "Conv" => conv(node, inputs.first()?, inputs.get(1)?),
        "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Min" | "Max" | "Sum" | "Mean" | "Greater"
        | "Where" => inputs.iter().try_fold(Vec::new(), |shape, input| {
            Some(broadcast(&shape, input.shape.as_ref()?))
        }),
        "Exp" | "Erf" | "Sigmoid" | "Tanh" | "Sqrt" | "Gelu" | "Neg" | "Abs" | "Sign" | "Relu"
        | "LeakyRelu" | "ThresholdedRelu" | "Clip" | "Floor" | "Ceil" | "Round" | "CumSum"
        | "Identity" => first(),
        _ => None,
    }
}

fn axis_of(axis: i64, rank: usize) -> Option<usize> {
    let rank_signed = i64::try_from(rank).ok()?;
    let axis = usize::try_from(if axis < 0 { axis + rank_signed } else { axis }).ok()?;
    (axis < rank).then_some(axis)
}

fn broadcast(a: &[Dimension], b: &[Dimension]) -> Vec<Dimension> {
    let rank = a.len().max(b.len());
    let at = |shape: &[Dimension], place: usize| match (place + shape.len()).checked_sub(rank) {
        Some(place) => shape[place],
        None => Some(1),
    };
    let join = |place| match (at(a, place), at(b, place)) {
        (Some(1), other) | (other, Some(1)) => other,
        (Some(known), _) | (None, Some(known)) => Some(known),
        (None, None) => None,
    };
    (0..rank).map(join).collect()
}

fn matmul(a: &Value, b: &Value) -> Option<Vec<Dimension>> {
    let (left, right) = (a.shape.as_ref()?, b.shape.as_ref()?);
    if left.len() < 2 || right.len() < 2 {
        return None;
    }
    let mut shape = broadcast(&left[..left.len() - 2], &right[..right.len() - 2]);
    shape.extend([a.side(2), b.side(1)]);
    Some(shape)
}

/// Follows ONNX: 0 keeps a dimension, −1 takes what is left (open when the input is).
fn reshape(input: &Value, wanted: &[i64]) -> Option<Vec<Dimension>> {
    let before = input.shape.as_deref();
    let kept = |place: usize| before.and_then(|shape| shape.get(place).copied().flatten());
    let mut shape: Vec<Dimension> = wanted
        .iter()
        .enumerate()
        .map(|(place, size)| match size {
            0 => kept(place),
            size => u64::try_from(*size).ok(),
        })
        .collect();
    let total = before.and_then(|shape| product(shape.iter()));
    if let Some(open) = wanted.iter().position(|size| *size == -1) {
        let others = product(shape[..open].iter().chain(&shape[open + 1..]));
        shape[open] = total
            .zip(others)
            .filter(|(_, others)| *others > 0)
            .map(|(total, others)| total / others);
    }
    Some(shape)
}

/// The product of known dimensions that does not overflow.
fn product<'a>(mut sides: impl Iterator<Item = &'a Dimension>) -> Dimension {
    sides.try_fold(1u64, |product, side| product.checked_mul((*side)?))
}

fn conv(node: &NodeProto, input: &Value, weight: &Value) -> Option<Vec<Dimension>> {
    let (x, w) = (input.shape.as_ref()?, weight.shape.as_ref()?);
    let places = x.len().checked_sub(2)?;
    let list = |name: &str, default: i64, count: usize| {
        let found = node.ints(name);
        if found.is_empty() {
            vec![default; count]
        } else {
            found.to_vec()
        }
    };
    let (strides, dilations) = (list("strides", 1, places), list("dilations", 1, places));
    let pads = list("pads", 0, places * 2);
    let side = |axis: usize| -> Dimension {
        let size = i128::from((*x.get(axis + 2)?)?);
        let kernel = i128::from((*w.get(axis + 2)?)?);
        let around = i128::from(*pads.get(axis)?) + i128::from(*pads.get(axis + places)?);
        let reach = i128::from(*dilations.get(axis)?) * (kernel - 1) + 1;
        u64::try_from((size + around - reach).checked_div(i128::from(*strides.get(axis)?))? + 1)
            .ok()
    };
    let mut shape = vec![x[0], *w.first()?];
    shape.extend((0..places).map(side));
    Some(shape)
}
