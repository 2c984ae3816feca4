//! Strict canonical JSON (RFC 8785), for everything that is hashed or signed.
//!
//! The one rule: parse strictly, canonicalise, compare with the bytes received, refuse a difference. What is hashed
//! afterwards is always the bytes received. Refused besides: `null`, duplicate keys, fractions, integers beyond ±(2^53−1).

#[cfg(not(target_family = "wasm"))]
mod full;
#[cfg(any(test, target_family = "wasm"))]
#[cfg_attr(
    not(target_family = "wasm"),
    allow(
        dead_code,
        unreachable_pub,
        reason = "elsewhere tests alone compare it with the other"
    )
)]
mod small;

use crate::error::{Error, ErrorKind};
#[cfg(not(target_family = "wasm"))]
use full as json;
use serde::Serialize;
use serde::de::DeserializeOwned;
#[cfg(target_family = "wasm")]
use small as json;

/// A document without its type.
pub use json::Value;

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
    match json::format_of(&value) {
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
    let value = json::read(text, place)?;
    if to_bytes(&value, place)? != bytes {
        return Err(Error::new(
            ErrorKind::NotCanonical,
            place,
            "is not in the canonical form of RFC 8785",
        ));
    }
    Ok(value)
}

/// Reads what nobody signed: strictly, but with keys in any order and white space between them.
///
/// # Errors
/// Names what is malformed or does not fit.
pub fn read<T: DeserializeOwned>(text: &str, place: &str) -> Result<T, Error> {
    from_value(json::read(text, place)?, place)
}

/// Turns a strict value into a typed one; unknown fields are refused by the types themselves.
pub(crate) fn from_value<T: DeserializeOwned>(value: Value, place: &str) -> Result<T, Error> {
    json::typed(value).map_err(|message| Error::invalid(place, message))
}

/// Turns a typed value into one without its type.
pub(crate) fn to_value<T: Serialize>(document: &T, place: &str) -> Result<Value, Error> {
    json::untyped(document).map_err(|message| Error::invalid(place, message))
}

/// Writes a document in canonical form.
///
/// # Errors
/// When a number cannot be written exactly.
pub fn to_bytes<T: Serialize>(document: &T, place: &str) -> Result<Vec<u8>, Error> {
    json::write(document).map_err(|message| Error::invalid(place, message))
}
