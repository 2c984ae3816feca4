//! The linter of `portable-1`: walks a graph's text and refuses, by node, whatever was not measured to give equal bits on every CPU.
//!
//! The one rule: what is not listed is refused. The list is what kernels of ONNX Runtime compute in one order on AVX-512, AVX2 and
//! Arm64: operators, attributes and forms; a matrix product's right operand is a constant matrix, or both its free sides are at
//! least 2 long and known to be.

mod shape;

use crate::error::{Error, ErrorKind};
use crate::onnx::{self, FLOAT, INT64, ModelProto, NodeProto, TensorProto, ValueInfo};
use prost::Message as _;
use shape::Value;
use std::collections::HashMap;

/// The operator set that graphs are written in: later ones move axes from attributes to inputs.
const OPSET: i64 = 17;
const NEWEST_OPSET: i64 = 20;

/// Checks one graph; `name` is its file's name.
///
/// # Errors
/// `ErrorKind::NotPortable`, naming the node and what is outside the set; `ErrorKind::Malformed` when it is no ONNX graph.
pub fn check(name: &str, graph: &[u8]) -> Result<(), Error> {
    largest_product(name, graph).map(drop)
}

/// As [`check`]; how many values the largest product of two values has that both are made while the graph runs: attention's, which grows with
/// the square of a picture. An open dimension counts as one.
///
/// # Errors
/// As [`check`].
pub(crate) fn largest_product(name: &str, graph: &[u8]) -> Result<u64, Error> {
    let mut largest = 0;
    let model = ModelProto::decode(graph).map_err(|error| {
        Error::new(
            ErrorKind::Malformed,
            format!("{name} is not an ONNX graph: {error}"),
        )
    })?;
    let refuse = |what: String| {
        Error::new(
            ErrorKind::NotPortable,
            format!("{name} is outside portable-1: {what}"),
        )
    };
    if !model.functions.is_empty() {
        return Err(refuse("it defines functions of its own".into()));
    }
    for set in &model.opset_import {
        let standard = set.domain.is_empty() || set.domain == "ai.onnx";
        if !standard || !(OPSET..=NEWEST_OPSET).contains(&set.version) {
            return Err(refuse(format!(
                "it imports the operator set {:?} {}; the standard one of {OPSET} to {NEWEST_OPSET} is measured",
                set.domain, set.version
            )));
        }
    }
    let graph = model
        .graph
        .ok_or_else(|| Error::new(ErrorKind::Malformed, format!("{name} holds no graph")))?;
    if !graph.sparse_initializer.is_empty() {
        return Err(refuse("it holds sparse constants".into()));
    }
    let mut values = HashMap::new();
    for input in &graph.input {
        values.insert(input.name.clone(), declared(input).map_err(&refuse)?);
    }
    for tensor in &graph.initializer {
        let constant = constant(tensor).map_err(&refuse)?;
        if values.insert(tensor.name.clone(), constant).is_some() {
            return Err(refuse(format!(
                "the constant {:?} is an input too, so it is none",
                tensor.name
            )));
        }
    }
    for node in &graph.node {
        let inputs = inputs_of(node, &values).map_err(&refuse)?;
        allowed(node, &inputs)
            .map_err(|what| refuse(format!("node {:?} ({}): {what}", node.name, node.op_type)))?;
        let mut output = Value {
            shape: shape::of(node, &inputs),
            ..Value::default()
        };
        if node.op_type == "MatMul" && inputs.get(1).is_some_and(|right| !right.constant) {
            let sides = output.shape.iter().flatten();
            let size = sides.fold(1u64, |size, side| size.saturating_mul(side.unwrap_or(1)));
            largest = largest.max(size);
        }
        for name in &node.output {
            if values.insert(name.clone(), output.clone()).is_some() {
                return Err(refuse(format!("two nodes write {name:?}")));
            }
            output = Value::default();
        }
    }
    Ok(largest)
}

/// What a graph input says of itself.
fn declared(input: &ValueInfo) -> Result<Value, String> {
    let tensor = input
        .kind
        .as_ref()
        .and_then(|kind| kind.tensor_type.as_ref());
    let tensor = tensor.ok_or_else(|| format!("the input {:?} is no tensor", input.name))?;
    if ![FLOAT, INT64].contains(&tensor.elem_type) {
        return Err(format!(
            "the input {:?} is neither float32 nor int64",
            input.name
        ));
    }
    let dimensions = |shape: &onnx::ShapeProto| {
        let known = |size: i64| u64::try_from(size).ok().filter(|size| *size > 0);
        shape.dim.iter().map(|dim| known(dim.dim_value)).collect()
    };
    Ok(Value {
        shape: tensor.shape.as_ref().map(dimensions),
        ..Value::default()
    })
}

fn constant(tensor: &TensorProto) -> Result<Value, String> {
    if ![FLOAT, INT64].contains(&tensor.data_type) {
        return Err(format!(
            "the constant {:?} is neither float32 nor int64; widen it before the session is built",
            tensor.name
        ));
    }
    Ok(Value {
        shape: Some(
            tensor
                .dims
                .iter()
                .map(|size| u64::try_from(*size).ok())
                .collect(),
        ),
        constant: true,
        integers: tensor.integers(),
        scalar: tensor.scalar(),
    })
}

/// The inputs of a node; an omitted one is an unknown value.
fn inputs_of(node: &NodeProto, values: &HashMap<String, Value>) -> Result<Vec<Value>, String> {
    let find = |name: &String| match values.get(name) {
        Some(value) => Ok(value.clone()),
        None if name.is_empty() => Ok(Value::default()),
        None => Err(format!(
            "node {:?} reads {name:?}, which nothing writes before it",
            node.name
        )),
    };
    node.input.iter().map(find).collect()
}

/// The attributes that an operator may carry; `None` for an operator outside the set.
fn attributes(operator: &str) -> Option<&'static [&'static str]> {
    Some(match operator {
        "MatMul" | "Exp" | "Erf" | "Sigmoid" | "Tanh" | "Sqrt" | "Div" | "Pow" | "Add" | "Sub"
        | "Mul" | "Min" | "Max" | "Neg" | "Abs" | "Sign" | "Relu" | "Clip" | "Floor" | "Ceil"
        | "Round" | "Greater" | "Where" | "Sum" | "Mean" | "Squeeze" | "Slice" | "Identity" => &[],
        "Gemm" => &["alpha", "beta", "transA", "transB"],
        "Einsum" => &["equation"],
        "Conv" => &[
            "auto_pad",
            "dilations",
            "group",
            "kernel_shape",
            "pads",
            "strides",
        ],
        "ConvTranspose" => &[
            "auto_pad",
            "dilations",
            "group",
            "kernel_shape",
            "output_padding",
            "output_shape",
            "pads",
            "strides",
        ],
        "MaxPool" => &["ceil_mode", "dilations", "kernel_shape", "pads", "strides"],
        "AveragePool" => &["kernel_shape", "strides"],
        "Gelu" => &["approximate"],
        "LeakyRelu" | "ThresholdedRelu" => &["alpha"],
        "ReduceMax" | "ReduceMin" => &["axes", "keepdims"],
        "ArgMax" => &["axis", "keepdims", "select_last_index"],
        "CumSum" => &["exclusive", "reverse"],
        "Reshape" => &["allowzero"],
        "Transpose" => &["perm"],
        "Concat" | "Gather" => &["axis"],
        "Pad" => &["mode"],
        "DepthToSpace" => &["blocksize", "mode"],
        "Resize" => &["coordinate_transformation_mode", "mode", "nearest_mode"],
        _ => return None,
    })
}

/// What to write instead of an operator that people reach for.
fn instead(operator: &str) -> &'static str {
    match operator {
        "Softmax" => "; write Exp, ReduceMax and MatMul with ones",
        "LayerNormalization" | "InstanceNormalization" | "GroupNormalization" => {
            "; write the means as MatMul with 1/K"
        }
        "ReduceSum" | "ReduceMean" => "; write MatMul with a constant column",
        "Reciprocal" => "; write Div(1, x)",
        "Cast" => "; widen constants before the session is built",
        _ => "",
    }
}

fn allowed(node: &NodeProto, inputs: &[Value]) -> Result<(), String> {
    if !node.domain.is_empty() && node.domain != "ai.onnx" {
        return Err(format!("the operator comes from {:?}", node.domain));
    }
    let known = attributes(&node.op_type).ok_or_else(|| {
        format!(
            "the operator differs between CPUs or was never measured{}",
            instead(&node.op_type)
        )
    })?;
    if let Some(odd) = node
        .attribute
        .iter()
        .find(|attribute| !known.contains(&attribute.name.as_str()))
    {
        return Err(format!("the attribute {:?} was never measured", odd.name));
    }
    let value = |at: usize| {
        inputs
            .get(at)
            .ok_or_else(|| format!("input {at} is missing"))
    };
    let exactly = |name: &str, wanted: &str| match node.text(name) {
        "" => Err(format!("{name} must be {wanted:?}")),
        found if found == wanted => Ok(()),
        found => Err(format!("{name} is {found:?}; {wanted:?} is measured")),
    };
    match node.op_type.as_str() {
        "MatMul" => product(value(0)?, value(1)?),
        "Gemm" => gemm(node, value(1)?),
        "Einsum" => {
            exactly("equation", "bhqd,bhkd->bhqk")?;
            long_enough("M", value(0)?.side(2))?;
            long_enough("N", value(1)?.side(2))
        }
        "Conv" | "ConvTranspose" => convolution(node, value(1)?),
        "Pow" => match value(1)?.scalar {
            Some(exponent) if [2.0, 3.0, 0.5].contains(&exponent) => Ok(()),
            _ => Err("the exponent must be a constant 2, 3 or 0.5".into()),
        },
        "Gelu" if node.text("approximate") == "tanh" => {
            Err("the tanh form differs; spell it out".into())
        }
        "AveragePool" if node.ints("kernel_shape") != [2, 2] => Err("only 2×2 is measured".into()),
        "Pad" if !["", "constant"].contains(&node.text("mode")) => {
            Err("only constant padding is measured".into())
        }
        "Resize" => {
            exactly("mode", "nearest")?;
            exactly("coordinate_transformation_mode", "asymmetric")?;
            exactly("nearest_mode", "floor")
        }
        _ => Ok(()),
    }
}

fn long_enough(side: &str, length: shape::Dimension) -> Result<(), String> {
    match length {
        Some(length) if length >= 2 => Ok(()),
        Some(length) => Err(format!(
            "the right operand is not constant and {side} is {length}; it must be at least 2"
        )),
        None => Err(format!(
            "the right operand is not constant and {side} is not known from the graph; it must be at least 2"
        )),
    }
}

/// A matrix product: a constant matrix on the right, or two computed operands with M and N of 2 and more.
fn product(left: &Value, right: &Value) -> Result<(), String> {
    if left.rank().is_some_and(|rank| rank < 2) || right.rank().is_some_and(|rank| rank < 2) {
        return Err("a vector operand was never measured; give it two axes".into());
    }
    match (right.constant, right.rank()) {
        (true, Some(2)) => Ok(()),
        (true, _) => Err("a constant right operand must have rank 2, or it is not packed".into()),
        (false, _) => {
            long_enough("M", left.side(2))?;
            long_enough("N", right.side(1))
        }
    }
}

fn gemm(node: &NodeProto, right: &Value) -> Result<(), String> {
    let one = |name: &str| node.attribute(name).is_none_or(|found| found.f == 1.0);
    if node.int("transA", 0) != 0 || !one("alpha") || !one("beta") {
        return Err("transA, alpha and beta other than 0, 1, 1 were never measured".into());
    }
    if right.constant {
        Ok(())
    } else {
        Err("the right operand must be constant".into())
    }
}

fn convolution(node: &NodeProto, weight: &Value) -> Result<(), String> {
    let shape = weight.shape.as_ref().filter(|_| weight.constant);
    let shape = shape.ok_or("the kernel must be constant")?;
    if !["", "NOTSET"].contains(&node.text("auto_pad")) {
        return Err("auto_pad was never measured; write the pads".into());
    }
    // The kernel's second axis: input channels of a group for Conv, output channels of one for ConvTranspose.
    if node.int("group", 1) > 1
        && shape
            .get(1)
            .copied()
            .flatten()
            .is_none_or(|channels| channels < 2)
    {
        return Err("one channel per group differs between CPUs; give a group two".into());
    }
    let kernel = shape.get(2..).unwrap_or(&[]);
    let patch = kernel.iter().all(|side| *side == Some(8))
        && node.ints("strides").iter().all(|stride| *stride == 8);
    let small = kernel
        .iter()
        .all(|side| side.is_some_and(|side| (1..=7).contains(&side)));
    if kernel.is_empty() || kernel.len() > 2 || !(small || patch) {
        return Err(
            "kernels of 1 to 7, in one or two directions, and 8×8 patches are measured".into(),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests;
