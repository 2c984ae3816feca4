//! Reading forms.

use axum::body::Bytes;
use std::collections::BTreeMap;

/// A form's fields, in order; a name may repeat.
#[derive(Clone, Debug, Default)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Reads `application/x-www-form-urlencoded`. Bad percent escapes become replacement characters, which no rule accepts.
    #[must_use]
    pub fn parse(bytes: &Bytes) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(name, value)| (decode(name), decode(value)))
                .collect(),
        )
    }

    /// Fields that were read elsewhere, in order.
    #[must_use]
    pub fn of(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// The first value of a field, or nothing.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value)
    }

    /// Every field and its value, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (String, String)> {
        self.0.iter().cloned()
    }

    /// Every value of a field.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// What was typed: every field but the key and the password, in order.
    #[must_use]
    pub fn content(&self) -> String {
        let typed = self
            .0
            .iter()
            .filter(|(name, _)| name != "form_key" && name != "password");
        typed
            .map(|(name, value)| format!("{}:{name}={}:{value}\n", name.len(), value.len()))
            .collect()
    }

    /// The fields whose names begin with `prefix`, without it.
    #[must_use]
    pub fn prefixed(&self, prefix: &str) -> BTreeMap<String, String> {
        self.0
            .iter()
            .filter_map(|(name, value)| {
                Some((name.strip_prefix(prefix)?.to_owned(), value.clone()))
            })
            .collect()
    }
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            // Digits alone: a number may begin with a plus, and "%+a" is what somebody typed.
            .filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (bytes[at], escape) {
            (b'+', _) => decoded.push(b' '),
            (_, Some(byte)) => {
                decoded.push(byte);
                at += 2;
            }
            (byte, None) => decoded.push(byte),
        }
        at += 1;
    }
    // NUL is text on SQLite and an error on PostgreSQL; no field of ours may hold it.
    String::from_utf8_lossy(&decoded).replace('\0', "\u{fffd}")
}
