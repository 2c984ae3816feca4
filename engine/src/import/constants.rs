//! Constants of a source: where their bytes lie, and which of them are moved without being read.
//!
//! The one rule: large floats stay in their file until they are written.

use super::builder::Value;
use super::{SMALL, Source};
use crate::error::{Error, ErrorKind};
use crate::graph::evaluate;
use crate::graph::tensor::{Kind, Tensor};
use crate::graph::weights::Stored;
use crate::onnx::{NodeProto, TensorProto};
use bytes::Bytes;

/// A constant, large floats as bytes that are written once.
pub(super) fn constant(tensor: Tensor) -> Result<Value, Error> {
    if tensor.len() <= SMALL || tensor.kind() != Kind::Float {
        return Ok(Value::Constant(tensor));
    }
    let proto = tensor.written("");
    let bytes = proto.raw_data.clone();
    Ok(Value::Stored(Stored::of(&proto, bytes)?))
}

/// A large constant under other axes, still in its file; `None` for an operator that computes.
pub(super) fn moved(
    node: &NodeProto,
    stored: &Stored,
    rest: &[Option<Value>],
) -> Result<Option<Stored>, String> {
    let text = |error: Error| error.to_string();
    let integers = |name: &str| match rest.first() {
        Some(Some(Value::Constant(tensor))) => tensor.as_integers().unwrap_or_default(),
        _ => node.ints(name).to_vec(),
    };
    let shape = stored.shape();
    let shape = match node.op_type.as_str() {
        "Identity" => shape.to_vec(),
        "Cast" if Kind::of(i32::try_from(node.int("to", 0)).unwrap_or(0)) == Some(Kind::Float) => {
            shape.to_vec()
        }
        "Transpose" => {
            let order = evaluate::order(node.ints("perm"), shape.len()).map_err(text)?;
            if let Some(turned) = stored.transposed(&order) {
                return Ok(Some(turned));
            }
            return Ok(None);
        }
        "Reshape" => {
            let allow_zero = node.int("allowzero", 0) != 0;
            evaluate::reshaped(shape, &integers(""), allow_zero).map_err(text)?
        }
        "Flatten" => evaluate::flattened(shape, node.int("axis", 1)).map_err(text)?,
        "Unsqueeze" => evaluate::unsqueezed(shape, &integers("axes")).map_err(text)?,
        "Squeeze" => evaluate::squeezed(shape, &integers("axes")).map_err(text)?,
        _ => return Ok(None),
    };
    Ok(Some(stored.reshaped(shape)))
}

/// The bytes of a constant that stands in another file.
pub(super) fn outside(proto: &TensorProto, source: &Source<'_>) -> Result<Option<Bytes>, Error> {
    if proto.data_location == 0 && proto.external_data.is_empty() {
        return Ok(None);
    }
    let wrong = |what: &str| {
        let message = format!("{}: the constant {:?} {what}", source.name, proto.name);
        Error::new(ErrorKind::Malformed, message)
    };
    let value = |key: &str| {
        let found = proto.external_data.iter().find(|entry| entry.key == key);
        found.map(|entry| entry.value.as_str())
    };
    let location = value("location").ok_or_else(|| wrong("names no file"))?;
    let file = (source.outside)(location)?;
    let number = |key: &str| value(key).map(str::parse::<usize>).transpose();
    let wrong_number = |_| wrong("stands at no number");
    let offset = number("offset").map_err(wrong_number)?.unwrap_or(0);
    let length = number("length").map_err(wrong_number)?;
    let end = length.map_or(Some(file.len()), |length| offset.checked_add(length));
    match end {
        Some(end) if offset <= end && end <= file.len() => Ok(Some(file.slice(offset..end))),
        _ => Err(wrong("lies beyond the end of its file")),
    }
}
