//! The log over HTTP: a reader of tiles, and the party that asks witnesses for cosignatures.
//!
//! The one rule: nothing that came over the network is believed. Wrap a [`Remote`] in [`crate::verified::Verified`] before using it.

mod remote;
mod witnesses;

pub use remote::Remote;
pub use witnesses::Witnesses;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long one request may take.
const REQUEST: Duration = Duration::from_secs(10);

/// This machine's clock. One that stands before 1970 counts no cosignature.
fn now_seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs())
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_global(Some(REQUEST))
        .http_status_as_error(false)
        .user_agent(concat!("seedmark-ledger/", env!("CARGO_PKG_VERSION")))
        .build()
        .into()
}
