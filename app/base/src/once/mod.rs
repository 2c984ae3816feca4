//! The idempotency key of forms that move money or sign, and where each led.
//!
//! The one rule: what is remembered of a form is where it led, and nothing that lets anybody in.

mod store;

#[cfg(any(test, feature = "testing"))]
pub use store::ALL as STATEMENTS;

use crate::db::{self, Tx};
use crate::random;

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
