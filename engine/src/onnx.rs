//! The part of the ONNX format that graphs are read and written in (`onnx.proto3`, IR version 9): field numbers are the specification's.
//!
//! The one rule: whatever could carry computation is listed here, so that the linter of [`crate::portable`] sees it and can refuse it.

use crate::error::{Error, ErrorKind};
use bytes::Bytes;
use prost::Message;
use std::collections::HashSet;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ModelProto {
    #[prost(int64, tag = "1")]
    pub(crate) ir_version: i64,
    #[prost(string, tag = "2")]
    pub(crate) producer_name: String,
    #[prost(message, optional, tag = "7")]
    pub(crate) graph: Option<GraphProto>,
    #[prost(message, repeated, tag = "8")]
    pub(crate) opset_import: Vec<OperatorSet>,
    #[prost(message, repeated, tag = "25")]
    pub(crate) functions: Vec<Opaque>,
}

/// A message of which only the presence matters.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Opaque {}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct OperatorSet {
    #[prost(string, tag = "1")]
    pub(crate) domain: String,
    #[prost(int64, tag = "2")]
    pub(crate) version: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct GraphProto {
    #[prost(message, repeated, tag = "1")]
    pub(crate) node: Vec<NodeProto>,
    #[prost(string, tag = "2")]
    pub(crate) name: String,
    #[prost(message, repeated, tag = "5")]
    pub(crate) initializer: Vec<TensorProto>,
    #[prost(message, repeated, tag = "11")]
    pub(crate) input: Vec<ValueInfo>,
    #[prost(message, repeated, tag = "12")]
    pub(crate) output: Vec<ValueInfo>,
    #[prost(message, repeated, tag = "15")]
    pub(crate) sparse_initializer: Vec<Opaque>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct NodeProto {
    #[prost(string, repeated, tag = "1")]
    pub(crate) input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub(crate) output: Vec<String>,
    #[prost(string, tag = "3")]
    pub(crate) name: String,
    #[prost(string, tag = "4")]
    pub(crate) op_type: String,
    #[prost(message, repeated, tag = "5")]
    pub(crate) attribute: Vec<Attribute>,
    #[prost(string, tag = "7")]
    pub(crate) domain: String,
    /// What an exporter notes of it, where it came from for instance.
    #[prost(message, repeated, tag = "9")]
    pub(crate) notes: Vec<Entry>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Attribute {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(float, tag = "2")]
    pub(crate) f: f32,
    #[prost(int64, tag = "3")]
    pub(crate) i: i64,
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) s: Vec<u8>,
    #[prost(message, optional, tag = "5")]
    pub(crate) t: Option<TensorProto>,
    #[prost(message, optional, tag = "6")]
    pub(crate) g: Option<Opaque>,
    #[prost(float, repeated, tag = "7")]
    pub(crate) floats: Vec<f32>,
    #[prost(int64, repeated, tag = "8")]
    pub(crate) ints: Vec<i64>,
    /// `AttributeProto.AttributeType`.
    #[prost(int32, tag = "20")]
    pub(crate) kind: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct TensorProto {
    #[prost(int64, repeated, tag = "1")]
    pub(crate) dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    pub(crate) data_type: i32,
    #[prost(float, repeated, tag = "4")]
    pub(crate) float_data: Vec<f32>,
    #[prost(int32, repeated, tag = "5")]
    pub(crate) int32_data: Vec<i32>,
    #[prost(int64, repeated, tag = "7")]
    pub(crate) int64_data: Vec<i64>,
    #[prost(string, tag = "8")]
    pub(crate) name: String,
    /// Shared with the file that it was read from.
    #[prost(bytes = "bytes", tag = "9")]
    pub(crate) raw_data: Bytes,
    #[prost(double, repeated, tag = "10")]
    pub(crate) double_data: Vec<f64>,
    #[prost(message, repeated, tag = "13")]
    pub(crate) external_data: Vec<Entry>,
    /// 1 when the data stands in another file.
    #[prost(int32, tag = "14")]
    pub(crate) data_location: i32,
}

/// A key with its value, as external data is described.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Entry {
    #[prost(string, tag = "1")]
    pub(crate) key: String,
    #[prost(string, tag = "2")]
    pub(crate) value: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ValueInfo {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) kind: Option<TypeProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct TypeProto {
    #[prost(message, optional, tag = "1")]
    pub(crate) tensor_type: Option<TensorType>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct TensorType {
    #[prost(int32, tag = "1")]
    pub(crate) elem_type: i32,
    #[prost(message, optional, tag = "2")]
    pub(crate) shape: Option<ShapeProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ShapeProto {
    #[prost(message, repeated, tag = "1")]
    pub(crate) dim: Vec<Dimension>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Dimension {
    /// 0 when the dimension has a name or nothing at all.
    #[prost(int64, tag = "1")]
    pub(crate) dim_value: i64,
    #[prost(string, tag = "2")]
    pub(crate) dim_param: String,
}

/// `TensorProto.DataType`.
pub(crate) const FLOAT: i32 = 1;
pub(crate) const UINT8: i32 = 2;
pub(crate) const INT8: i32 = 3;
pub(crate) const INT32: i32 = 6;
pub(crate) const INT64: i32 = 7;
pub(crate) const BOOL: i32 = 9;
pub(crate) const FLOAT16: i32 = 10;
pub(crate) const DOUBLE: i32 = 11;
pub(crate) const BFLOAT16: i32 = 16;

/// `AttributeProto.AttributeType`.
pub(crate) const ATTRIBUTE_INT: i32 = 2;
pub(crate) const ATTRIBUTE_STRING: i32 = 3;
pub(crate) const ATTRIBUTE_INTS: i32 = 7;

/// A constant that stands in another file.
pub(crate) struct External {
    pub(crate) constant: String,
    pub(crate) location: String,
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

/// What a graph takes from other files.
///
/// # Errors
/// `ErrorKind::Malformed` when it is no graph, or a place is no number.
pub(crate) fn external(name: &str, graph: &[u8]) -> Result<Vec<External>, Error> {
    let wrong = |what: String| Error::new(ErrorKind::Malformed, format!("{name} {what}"));
    let decoded = ModelProto::decode(graph)
        .map_err(|error| wrong(format!("is not an ONNX graph: {error}")))?;
    let constants = decoded.graph.map(|graph| graph.initializer);
    let mut found = Vec::new();
    for tensor in constants.unwrap_or_default() {
        if tensor.data_location == 0 && tensor.external_data.is_empty() {
            continue;
        }
        let value = |key: &str| {
            let entry = tensor.external_data.iter().find(|entry| entry.key == key);
            entry.map(|entry| entry.value.as_str())
        };
        let number = |key: &str| value(key).unwrap_or("0").parse::<u64>();
        let (Ok(offset), Ok(length)) = (number("offset"), number("length")) else {
            return Err(wrong(format!(
                "names no place of the constant {:?}",
                tensor.name
            )));
        };
        found.push(External {
            location: value("location").unwrap_or_default().to_owned(),
            offset,
            length,
            constant: tensor.name,
        });
    }
    Ok(found)
}

impl ValueInfo {
    /// The declared shape, 0 for an open side.
    pub(crate) fn shape(&self) -> Vec<usize> {
        let tensor = self
            .kind
            .as_ref()
            .and_then(|kind| kind.tensor_type.as_ref());
        let shape = tensor.and_then(|tensor| tensor.shape.as_ref());
        let sides = shape.map(|shape| &shape.dim[..]).unwrap_or(&[]).iter();
        sides
            .map(|side| usize::try_from(side.dim_value).unwrap_or(0))
            .collect()
    }
}

/// The nodes that the outputs need, in order.
pub(crate) fn needed<'n>(
    nodes: &[NodeProto],
    outputs: impl Iterator<Item = &'n str>,
) -> Vec<NodeProto> {
    let mut wanted: HashSet<&str> = outputs.collect();
    let mut kept = Vec::new();
    for node in nodes.iter().rev() {
        let writes = |name: &String| wanted.contains(name.as_str());
        if node.output.iter().any(writes) {
            wanted.extend(node.input.iter().map(String::as_str));
            kept.push(node);
        }
    }
    kept.into_iter().rev().cloned().collect()
}

impl NodeProto {
    pub(crate) fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attribute.iter().find(|found| found.name == name)
    }

    /// An integer attribute, or its default.
    pub(crate) fn int(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).map_or(default, |found| found.i)
    }

    /// A list of integers; empty when absent.
    pub(crate) fn ints(&self, name: &str) -> &[i64] {
        self.attribute(name).map_or(&[], |found| &found.ints)
    }

    /// A text attribute; empty when absent.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.attribute(name)
            .and_then(|found| std::str::from_utf8(&found.s).ok())
            .unwrap_or("")
    }
}

impl TensorProto {
    /// The integers of a small int64 constant.
    pub(crate) fn integers(&self) -> Option<Vec<i64>> {
        if self.data_type != INT64 {
            return None;
        }
        if self.raw_data.is_empty() {
            return Some(self.int64_data.clone());
        }
        let words = self.raw_data.chunks_exact(8);
        Some(
            words
                .map(|word| {
                    word.iter()
                        .rev()
                        .fold(0u64, |sum, byte| sum << 8 | u64::from(*byte))
                        as i64
                })
                .collect(),
        )
    }

    /// The one value of a float scalar.
    pub(crate) fn scalar(&self) -> Option<f32> {
        if self.data_type != FLOAT || self.dims.iter().any(|side| *side != 1) {
            return None;
        }
        match (&self.raw_data[..], &self.float_data[..]) {
            ([a, b, c, d], _) => Some(f32::from_le_bytes([*a, *b, *c, *d])),
            (_, [value]) => Some(*value),
            _ => None,
        }
    }
}
