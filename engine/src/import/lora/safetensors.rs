//! A file of named tensors, as Hugging Face's `safetensors` lays it out: a length, a header in JSON, values.
//!
//! The one rule: the header alone is read, and it is believed once it describes every byte behind it exactly once. Values stay mapped.

use crate::error::{Error, ErrorKind};
use crate::graph::weights::Stored;
use crate::onnx::{BFLOAT16, DOUBLE, FLOAT, FLOAT16, INT32, INT64, TensorProto};
use bytes::Bytes;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// The most bytes of a header.
const MAX_HEADER: u64 = 8 * 1024 * 1024;
/// The most tensors of a file, and the most axes of one.
const MAX_TENSORS: usize = 65_536;
const MAX_AXES: usize = 8;
/// The header's name for what is no tensor.
const METADATA: &str = "__metadata__";

/// A tensor that is still in its file.
#[derive(Clone, Debug)]
pub(crate) struct View {
    element: String,
    pub(crate) shape: Vec<usize>,
    bytes: Bytes,
}

impl View {
    /// As a matrix of floats; `None` when it holds something else or another number of values.
    pub(crate) fn matrix(&self, rows: usize, columns: usize) -> Option<Stored> {
        let element = match self.element.as_str() {
            "F64" => DOUBLE,
            "F32" => FLOAT,
            "F16" => FLOAT16,
            "BF16" => BFLOAT16,
            _ => return None,
        };
        let side = |side: usize| i64::try_from(side).ok();
        let proto = TensorProto {
            dims: vec![side(rows)?, side(columns)?],
            data_type: element,
            ..TensorProto::default()
        };
        Stored::of(&proto, self.bytes.clone()).ok()
    }

    /// The one number that it holds; `None` when it is none.
    pub(crate) fn number(&self) -> Option<f64> {
        let one = self.matrix(1, 1).and_then(|one| one.values().ok());
        if let Some([value]) = one.as_deref() {
            return Some(f64::from(*value));
        }
        let element = match self.element.as_str() {
            "I64" => INT64,
            "I32" => INT32,
            _ => return None,
        };
        let proto = TensorProto {
            dims: vec![1],
            data_type: element,
            ..TensorProto::default()
        };
        let read = crate::graph::tensor::Tensor::read(&proto, Some(&self.bytes)).ok()?;
        read.to_floats().first().map(|value| f64::from(*value))
    }

    /// What its values are, as the file says.
    pub(crate) fn element(&self) -> &str {
        &self.element
    }
}

/// What a file holds.
#[derive(Debug)]
pub(crate) struct Tensors {
    /// What whoever wrote it noted beside.
    pub(crate) notes: BTreeMap<String, String>,
    pub(crate) by_name: BTreeMap<String, View>,
}

/// One entry of the header.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (usize, usize),
}

/// What stands under one name: a tensor, or notes.
enum Named {
    Tensor(Described),
    Notes(BTreeMap<String, String>),
}

/// The header, each name once.
struct Header(Vec<(String, Named)>);

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = Header;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("names with tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
                let mut found = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    let value = match name.as_str() {
                        METADATA => Named::Notes(map.next_value::<Once<String>>()?.0),
                        _ => Named::Tensor(map.next_value()?),
                    };
                    if found.len() > MAX_TENSORS {
                        return Err(A::Error::custom(format!("more than {MAX_TENSORS} tensors")));
                    }
                    found.push((name, value));
                }
                Ok(Header(found))
            }
        }
        deserializer.deserialize_map(Names)
    }
}

/// A map in which no name stands twice.
struct Once<T>(BTreeMap<String, T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Once<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Names<T> {
            type Value = Once<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("names with texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Once<T>, A::Error> {
                let mut found = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, T>()? {
                    if found.contains_key(&name) {
                        return Err(A::Error::custom(format!("{name:?} stands twice")));
                    }
                    found.insert(name, value);
                }
                Ok(Once(found))
            }
        }
        deserializer.deserialize_map(Names(PhantomData))
    }
}

/// Bits of one value.
fn bits(element: &str) -> Option<usize> {
    Some(match element {
        "F64" | "I64" | "U64" => 64,
        "F32" | "I32" | "U32" => 32,
        "F16" | "BF16" | "I16" | "U16" => 16,
        "F8_E4M3" | "F8_E5M2" | "I8" | "U8" | "BOOL" => 8,
        _ => return None,
    })
}

/// Reads the header of a file that is called `file`.
///
/// # Errors
/// `ErrorKind::Malformed`, naming the file and what is wrong with which tensor.
pub(crate) fn read(file: &str, bytes: &Bytes) -> Result<Tensors, Error> {
    let wrong = |what: String| {
        let message = format!("{file} is no safetensors file: {what}");
        Error::new(ErrorKind::Malformed, message)
    };
    let length = bytes
        .first_chunk::<8>()
        .map(|word| u64::from_le_bytes(*word))
        .ok_or_else(|| wrong("it has no 8 bytes".into()))?;
    if length > MAX_HEADER {
        return Err(wrong(format!(
            "its header is said to have {length} bytes; {MAX_HEADER} are read"
        )));
    }
    let end = 8 + length as usize;
    let header = bytes
        .get(8..end)
        .ok_or_else(|| wrong(format!("its header of {length} bytes ends beyond it")))?;
    let Header(entries) =
        serde_json::from_slice(header).map_err(|error| wrong(format!("its header: {error}")))?;
    let values = bytes.slice(end..);
    let mut read = Tensors {
        notes: BTreeMap::new(),
        by_name: BTreeMap::new(),
    };
    let mut noted = false;
    let mut places = Vec::new();
    for (name, entry) in entries {
        let described = match entry {
            Named::Notes(notes) => {
                if std::mem::replace(&mut noted, true) {
                    return Err(wrong(format!("{METADATA:?} stands twice")));
                }
                read.notes = notes;
                continue;
            }
            Named::Tensor(described) => described,
        };
        let (from, to) = described.data_offsets;
        let view = view(&described, &values).map_err(|what| wrong(format!("{name:?} {what}")))?;
        places.push((from, to, name.clone()));
        if read.by_name.insert(name.clone(), view).is_some() {
            return Err(wrong(format!("{name:?} stands twice")));
        }
    }
    // In the order of their places they must touch, from the first byte to the last: no byte is two values, and none is hidden.
    places.sort_unstable();
    let mut at = 0;
    for (from, to, name) in &places {
        if *from != at {
            let what = if *from < at {
                "overlaps another"
            } else {
                "leaves a gap before it"
            };
            return Err(wrong(format!("{name:?} {what}")));
        }
        at = *to;
    }
    if at != values.len() {
        let more = values.len() - at;
        return Err(wrong(format!("{more} bytes behind its tensors")));
    }
    Ok(read)
}

fn view(described: &Described, values: &Bytes) -> Result<View, String> {
    let (from, to) = described.data_offsets;
    if described.shape.len() > MAX_AXES {
        return Err(format!("has more than {MAX_AXES} axes"));
    }
    let bits = bits(&described.dtype)
        .ok_or_else(|| format!("is of the unknown type {:?}", described.dtype))?;
    let wanted = crate::graph::tensor::count(&described.shape)
        .and_then(|count| count.checked_mul(bits / 8))
        .ok_or("has more values than can be counted")?;
    if from > to || to > values.len() {
        return Err(format!("lies at {from} to {to} of {} bytes", values.len()));
    }
    if to - from != wanted {
        return Err(format!("has {} bytes, {wanted} belong", to - from));
    }
    Ok(View {
        element: described.dtype.clone(),
        shape: described.shape.clone(),
        bytes: values.slice(from..to),
    })
}
