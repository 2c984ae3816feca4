//! JSON for the browser: a value without fractions, which is all that documents of ours hold.
//!
//! The one rule: what is accepted and what is written is what `full` accepts and writes; the tests compare the two. A general reader
//! with its tables for fractions would be a third of what a browser loads.

mod read;
#[cfg(test)]
mod tests;
mod typed;
mod untyped;
mod write;

use crate::error::{Error, ErrorKind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

/// A document or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Written where a type says so, refused where it is read.
    Null,
    Bool(bool),
    Integer(i64),
    Text(String),
    List(Vec<Value>),
    Map(BTreeMap<Key, Value>),
}

/// A key, ordered as RFC 8785 orders them: by UTF-16 units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(String);

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.encode_utf16().cmp(other.0.encode_utf16())
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What serde's own words say of a value that does not fit.
#[derive(Debug)]
pub struct Refusal(String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

/// Reads JSON strictly, canonical or not.
pub(super) fn read(text: &str, place: &str) -> Result<Value, Error> {
    read::document(text).map_err(|(kind, message)| Error::new(kind, place, message))
}

/// The text under `"format"`.
pub(super) fn format_of(value: &Value) -> Option<&str> {
    let Value::Map(map) = value else {
        return None;
    };
    match map.get(&Key("format".into())) {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}

/// A typed document.
pub(super) fn typed<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    T::deserialize(value).map_err(|refusal| refusal.0)
}

/// A document without its type.
pub(super) fn untyped<T: Serialize + ?Sized>(document: &T) -> Result<Value, String> {
    document
        .serialize(untyped::Builder)
        .map_err(|refusal| refusal.0)
}

/// Canonical bytes.
pub(super) fn write<T: Serialize + ?Sized>(document: &T) -> Result<Vec<u8>, String> {
    let mut text = String::new();
    write::value(&untyped(document)?, &mut text);
    Ok(text.into_bytes())
}

/// Refuses an integer that not every reader holds exactly.
fn exact(value: i64) -> Result<i64, String> {
    if (-super::MAX_INTEGER..=super::MAX_INTEGER).contains(&value) {
        Ok(value)
    } else {
        Err(format!(
            "integer {value} is beyond 2^53-1; write it as a string"
        ))
    }
}

type Found<T> = Result<T, (ErrorKind, String)>;
