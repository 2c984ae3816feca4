//! Randomness and ids of the server, from the operating system.

use std::time::{SystemTime, UNIX_EPOCH};

/// Fresh secret bytes.
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .expect("the operating system's random source works, or nothing may go on");
    bytes
}

/// A new UUIDv7 as text: sorts by time of creation.
#[must_use]
pub fn id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// A new id of what it is for: of a draft, of a line.
///
/// # Panics
/// Never: the text of a new UUID is an id of every kind.
#[must_use]
pub fn id_of<I: TryFrom<String>>() -> I
where
    I::Error: std::fmt::Debug,
{
    I::try_from(id()).expect("a new UUID is an id")
}

/// Milliseconds since 1970, for everything that the sandbox clock must not move: sessions, jobs, logs.
#[must_use]
pub fn real_now_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
