//! Work of the till: events of the provider, and calls to it.

use super::service::{self, Till};
use crate::jobs::Outcome;

/// Reads one event of the inbox.
pub const EVENT: &str = "checkout-event";
/// Sends one operation.
pub const OPERATION: &str = "checkout-operation";

/// Runs a job of this feature.
pub async fn run(till: &Till, kind: &str, payload: &str, now_ms: i64) -> anyhow::Result<Outcome> {
    if kind == EVENT {
        service::handle_event(till, payload, now_ms).await?;
        return Ok(Outcome::Done);
    }
    Ok(service::send_operation(&till.db, payload, now_ms).await?)
}
