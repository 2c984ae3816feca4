//! The log over HTTP: a reader of tiles, and the party that asks witnesses for cosignatures.
//!
//! The one rule: nothing that came over the network is believed. Wrap a [`Remote`] in [`crate::verified::Verified`] before using it.

mod remote;
mod witnesses;

pub use remote::Remote;
pub use witnesses::Witnesses;

use std::time::Duration;

/// How long one request may take.
const REQUEST: Duration = Duration::from_secs(10);

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_global(Some(REQUEST))
        .http_status_as_error(false)
        .user_agent(concat!("seedmark-ledger/", env!("CARGO_PKG_VERSION")))
        .build()
        .into()
}
