//! Strict canonical JSON (RFC 8785), for everything that is hashed or signed.
//!
//! The one rule: parse strictly, canonicalise, compare with the bytes received, refuse a difference. What is hashed
//! afterwards is always the bytes received. Refused besides: `null`, duplicate keys, fractions, integers beyond ±(2^53−1).

use crate::error::{Error, ErrorKind};
use serde::de::{self, DeserializeOwned, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::{Deserializer, Serialize};
use serde_json::{Map, Value};
use std::fmt;

/// The largest integer that every JSON reader holds exactly.
pub const MAX_INTEGER: i64 = (1 << 53) - 1;

/// A document without what editors, shells and mail programs put around it: a byte order mark before, one line end after. It
/// carries no meaning, and what is hashed, signed or compared is always the rest. Every reader of a whole file begins here.
#[must_use]
pub fn body(file: &[u8]) -> &[u8] {
    let body = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let body = body.strip_suffix(b"\n").unwrap_or(body);
    body.strip_suffix(b"\r").unwrap_or(body)
}

/// Reads a file of ours: as [`parse`], with [`body`] taken first.
///
/// # Errors
/// As [`parse`].
pub fn parse_file<T: DeserializeOwned>(
    file: &[u8],
    max_bytes: usize,
    place: &str,
    format: &str,
) -> Result<T, Error> {
    parse(body(file), max_bytes, place, format)
}

/// Reads a document of ours: at most `max_bytes`, canonical, with `"format"` equal to `format`.
///
/// # Errors
/// Names `place` and the first rule broken; the format is checked before anything that depends on it.
pub fn parse<T: DeserializeOwned>(
    bytes: &[u8],
    max_bytes: usize,
    place: &str,
    format: &str,
) -> Result<T, Error> {
    let value = parse_value(bytes, max_bytes, place)?;
    match value.get("format").and_then(Value::as_str) {
        Some(found) if found == format => {}
        Some(found) => {
            return Err(Error::new(
                ErrorKind::Unknown,
                format!("{place}.format"),
                format!("is {found:?}, expected {format:?}"),
            ));
        }
        None => {
            return Err(Error::new(
                ErrorKind::Unknown,
                format!("{place}.format"),
                format!("is missing, expected {format:?}"),
            ));
        }
    }
    from_value(value, place)
}

/// Reads canonical JSON without a `format` member (a predicate inside a statement).
///
/// # Errors
/// As [`parse`], without the format.
pub fn parse_value(bytes: &[u8], max_bytes: usize, place: &str) -> Result<Value, Error> {
    if bytes.len() > max_bytes {
        return Err(Error::malformed(
            place,
            format!("is {} bytes long, the limit is {max_bytes}", bytes.len()),
        ));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Error::malformed(place, "is not UTF-8"))?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = StrictValue
        .deserialize(&mut reader)
        .map_err(|error| classify(place, &error))?;
    reader
        .end()
        .map_err(|_| Error::new(ErrorKind::NotCanonical, place, "has text after its end"))?;
    if to_bytes(&value, place)? != bytes {
        return Err(Error::new(
            ErrorKind::NotCanonical,
            place,
            "is not in the canonical form of RFC 8785",
        ));
    }
    Ok(value)
}

/// Turns a strict value into a typed one; unknown fields are refused by the types themselves.
pub(crate) fn from_value<T: DeserializeOwned>(value: Value, place: &str) -> Result<T, Error> {
    serde_json::from_value(value).map_err(|error| Error::invalid(place, error.to_string()))
}

/// Writes a document in canonical form.
///
/// # Errors
/// When a number cannot be written exactly.
pub fn to_bytes<T: Serialize>(document: &T, place: &str) -> Result<Vec<u8>, Error> {
    serde_json_canonicalizer::to_vec(document)
        .map_err(|error| Error::invalid(place, error.to_string()))
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
        if value.abs() > MAX_INTEGER {
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
