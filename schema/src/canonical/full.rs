//! JSON by `serde_json`, for servers and programs.
//!
//! The one rule: what `serde_json` would let pass silently is refused while it is read.

use crate::error::{Error, ErrorKind};
use serde::de::{self, DeserializeOwned, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::{Deserializer, Serialize};
use serde_json::Map;
pub use serde_json::Value;
use std::fmt;

/// Reads JSON strictly, canonical or not.
pub(super) fn read(text: &str, place: &str) -> Result<Value, Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = StrictValue
        .deserialize(&mut reader)
        .map_err(|error| classify(place, &error))?;
    reader
        .end()
        .map_err(|_| Error::new(ErrorKind::NotCanonical, place, "has text after its end"))?;
    Ok(value)
}

/// The text under `"format"`.
pub(super) fn format_of(value: &Value) -> Option<&str> {
    value.get("format").and_then(Value::as_str)
}

/// A typed document.
pub(super) fn typed<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

/// A document without its type.
pub(super) fn untyped<T: Serialize>(document: &T) -> Result<Value, String> {
    serde_json::to_value(document).map_err(|error| error.to_string())
}

/// Canonical bytes.
pub(super) fn write<T: Serialize>(document: &T) -> Result<Vec<u8>, String> {
    serde_json_canonicalizer::to_vec(document).map_err(|error| error.to_string())
}

fn classify(place: &str, error: &serde_json::Error) -> Error {
    let kind = if error.is_data() {
        ErrorKind::NotCanonical
    } else {
        ErrorKind::Malformed
    };
    Error::new(kind, place, error.to_string())
}

/// Builds a [`Value`] and refuses what `serde_json` would let pass silently.
struct StrictValue;

impl<'de> DeserializeSeed<'de> for StrictValue {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for StrictValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("canonical JSON without null, fractions and duplicate keys")
    }
    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        if value.abs() > super::MAX_INTEGER {
            return Err(E::custom(format!(
                "integer {value} is beyond 2^53-1; write it as a string"
            )));
        }
        Ok(Value::from(value))
    }
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        match i64::try_from(value) {
            Ok(small) => self.visit_i64(small),
            Err(_) => Err(E::custom(format!(
                "integer {value} is beyond 2^53-1; write it as a string"
            ))),
        }
    }
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Err(E::custom(format!(
            "number {value} is not a plain integer; write fractions as thousandths or strings"
        )))
    }
    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        if value.contains('\0') {
            return Err(E::custom("text holds a NUL character"));
        }
        Ok(Value::String(value.to_owned()))
    }
    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Err(E::custom("null is not allowed; leave the field out"))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element_seed(StrictValue)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(StrictValue)?;
            if map.insert(key.clone(), value).is_some() {
                return Err(de::Error::custom(format!("the key {key:?} appears twice")));
            }
        }
        Ok(Value::Object(map))
    }
}
