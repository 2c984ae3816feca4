//! Forms: reading them, and the idempotency key of those that move money or sign.
//!
//! The one rule: what is remembered of a form is where it led, and nothing that lets anybody in.

use crate::db::{self, Tx};
use crate::random;
use crate::web::store;
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

    /// The first value of a field, or nothing.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value)
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

/// A fresh idempotency key for a form's hidden field.
#[must_use]
pub fn new_key() -> String {
    hex::encode(random::bytes::<16>())
}

/// Whether a text may be a form's key: 128 bits in hex.
#[must_use]
pub fn is_key(key: &str) -> bool {
    key.len() == 32
        && key
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Answers are remembered for so long.
const KEPT_MS: i64 = 7 * crate::clock::DAY_MS;

/// What came of claiming a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is this request's to act on.
    Taken,
    /// An equal one led there.
    Answered(String),
    /// An equal one is at work, or was cut off.
    AtWork,
    /// Its key belongs to a form with another content.
    Other,
}

/// Claims a form before it acts. The claim is durable before anything else is, so that a form which is cut off never acts twice.
///
/// # Errors
/// When the database fails.
pub async fn claim(
    tx: &mut Tx,
    owner: &str,
    route: &str,
    key: &str,
    content: &str,
) -> db::Result<Claim> {
    if store::claim(tx, owner, route, key, content, random::real_now_ms()).await? {
        return Ok(Claim::Taken);
    }
    find_claim(tx, owner, route, key, content).await
}

/// How a form stands that somebody claimed. One that was refused meanwhile is [`Claim::AtWork`]: it may be sent again.
///
/// # Errors
/// When the database fails.
pub async fn find_claim(
    tx: &mut Tx,
    owner: &str,
    route: &str,
    key: &str,
    content: &str,
) -> db::Result<Claim> {
    Ok(match store::find_claim(tx, owner, route, key).await? {
        None => Claim::AtWork,
        Some((_, other)) if other != content => Claim::Other,
        Some((location, _)) if location.is_empty() => Claim::AtWork,
        Some((location, _)) => Claim::Answered(location),
    })
}

/// Notes where a claimed form led.
///
/// # Errors
/// When the database fails.
pub async fn answer(
    tx: &mut Tx,
    owner: &str,
    route: &str,
    key: &str,
    location: &str,
) -> db::Result<()> {
    store::answer(tx, owner, route, key, location).await
}

/// Frees a claimed form that did nothing.
///
/// # Errors
/// When the database fails.
pub async fn release(tx: &mut Tx, owner: &str, route: &str, key: &str) -> db::Result<()> {
    store::release(tx, owner, route, key).await
}

/// Forgets forms that nobody sends again.
///
/// # Errors
/// When the database fails.
pub async fn sweep(tx: &mut Tx) -> db::Result<()> {
    store::forget(tx, random::real_now_ms() - KEPT_MS).await
}

/// Where an equal form was sent before, if it was.
///
/// # Errors
/// When the database fails.
pub async fn find_answer(
    tx: &mut Tx,
    owner: &str,
    route: &str,
    key: &str,
) -> db::Result<Option<String>> {
    store::find_answer(tx, owner, route, key).await
}

/// Notes a form's answer in the transaction of its effect. `false` when another request was first: undo and use its answer.
///
/// # Errors
/// When the database fails.
pub async fn note_answer(
    tx: &mut Tx,
    owner: &str,
    route: &str,
    key: &str,
    location: &str,
) -> db::Result<bool> {
    store::insert_answer(tx, owner, route, key, location, random::real_now_ms()).await
}
