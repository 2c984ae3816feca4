//! The business clock: real time plus the sandbox's offset, which only moves forward, from half a year back in a new demo.
//!
//! It moves holds, funds, payouts and deadlines; never sessions, one-time codes, or anything that the public log signs.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// One minute in milliseconds.
pub const MINUTE_MS: i64 = 60 * 1000;
/// One hour in milliseconds.
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
/// One day in milliseconds.
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// Shared by a process; the offset lives in the database and is refreshed by the worker.
#[derive(Clone, Default)]
pub struct Clock {
    offset_ms: Arc<AtomicI64>,
}

impl Clock {
    /// A clock whose offset a database held before: a new demo's is negative, because its past is still to come.
    #[must_use]
    pub fn at(offset_ms: i64) -> Self {
        Self {
            offset_ms: Arc::new(AtomicI64::new(offset_ms)),
        }
    }

    /// Now, milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        crate::random::real_now_ms() + self.offset_ms.load(Ordering::Relaxed)
    }

    /// Takes over the offset that the database holds; never backwards.
    pub fn set_offset_ms(&self, offset_ms: i64) {
        self.offset_ms.fetch_max(offset_ms, Ordering::Relaxed);
    }

    /// The offset in use.
    #[must_use]
    pub fn offset_ms(&self) -> i64 {
        self.offset_ms.load(Ordering::Relaxed)
    }
}
