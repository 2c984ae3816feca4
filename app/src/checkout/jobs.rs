//! Work of the till: events of the provider, and calls to it.

use super::service::{Till, read};
use crate::jobs::Outcome;
use crate::provider::{inbox, outbound};

/// Reads one event of the inbox.
pub const EVENT: &str = inbox::READ;
/// Sends one operation.
pub const OPERATION: &str = outbound::SEND;

/// Runs a job of this feature.
pub async fn run(till: &Till, kind: &str, payload: &str, now_ms: i64) -> anyhow::Result<Outcome> {
    if kind == EVENT {
        read::event(till, payload, now_ms).await?;
        return Ok(Outcome::Done);
    }
    Ok(read::operation(till, payload, now_ms).await?)
}
