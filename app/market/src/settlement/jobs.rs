//! Work of settlement: events of the provider, and calls to it.

use super::events;
use crate::till::Till;
use base::jobs::Outcome;
use money::provider::{inbox, outbound};

/// Reads one event of the inbox.
pub const EVENT: &str = inbox::READ;
/// Sends one operation.
pub const OPERATION: &str = outbound::SEND;

/// Runs a job of this feature.
pub async fn run(till: &Till, kind: &str, payload: &str, now_ms: i64) -> anyhow::Result<Outcome> {
    if kind == EVENT {
        events::event(till, payload, now_ms).await?;
        return Ok(Outcome::Done);
    }
    Ok(events::operation(till, payload, now_ms).await?)
}
