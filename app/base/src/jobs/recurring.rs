//! Recurring work: a row for each kind, with when it is due and how its last run ended, so that work which nobody scheduled or
//! which fails every time is seen on the operator's page instead of missed.
//!
//! The one rule: whoever moves a kind's next run forward runs it, so two processes never run one kind at once.

use super::store;
pub use super::store::Recurring;
use crate::db::{self, Db, Tx};

/// After a failure a kind is tried again so soon, or at its next turn if that is sooner.
pub(super) const RETRY_MS: i64 = 60_000;

/// When a kind of recurring work is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its name.
    pub kind: &'static str,
    /// From one start to the next.
    pub every_ms: i64,
    /// From the start of the process to the first run.
    pub first_ms: i64,
    /// Whether every start of the process runs it, whatever is left of its turn.
    pub at_start: bool,
}

impl Recurring {
    /// `waiting` for its first run, `running`, `failed` or `done`.
    #[must_use]
    pub fn state(&self) -> &'static str {
        match (self.started_ms, self.finished_ms, &self.last_error) {
            (None, ..) => "waiting",
            (Some(_), None, _) => "running",
            (Some(started), Some(finished), _) if finished < started => "running",
            (.., Some(_)) => "failed",
            _ => "done",
        }
    }
}

/// Gives every kind its row. A run that a process began and never ended is due again.
///
/// # Errors
/// When the database fails.
pub async fn schedule(db: &Db, plans: &[Plan], now_ms: i64) -> db::Result<()> {
    let mut tx = db.write().await?;
    for plan in plans {
        let first_ms = now_ms + plan.first_ms;
        store::insert_recurring(&mut tx, plan.kind, first_ms).await?;
        store::hasten_recurring(&mut tx, plan.kind, first_ms, plan.at_start).await?;
    }
    tx.commit().await
}

/// Brings a kind that stands later than its own turn back to it: the machine's clock ran ahead for a while.
///
/// # Errors
/// When the database fails.
pub async fn straighten(db: &Db, plans: &[Plan], now_ms: i64) -> db::Result<()> {
    let known = store::list_recurring(&mut db.read().await?).await?;
    let ahead = plans.iter().filter(|plan| {
        let latest_ms = now_ms + plan.every_ms.max(plan.first_ms);
        known
            .iter()
            .any(|row| row.kind == plan.kind && row.next_ms > latest_ms)
    });
    for plan in ahead {
        let mut tx = db.write().await?;
        store::hasten_recurring(&mut tx, plan.kind, now_ms + plan.first_ms, true).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// The kinds that are due.
///
/// # Errors
/// When the database fails.
pub async fn due(tx: &mut Tx, now_ms: i64) -> db::Result<Vec<String>> {
    store::due_recurring(tx, now_ms).await
}

/// Takes a kind's turn; `false` when it is not due, or somebody else took it.
///
/// # Errors
/// When the database fails.
pub async fn take(db: &Db, plan: &Plan, now_ms: i64) -> db::Result<bool> {
    let mut tx = db.write().await?;
    let taken = store::take_recurring(&mut tx, plan.kind, now_ms, now_ms + plan.every_ms).await?;
    tx.commit().await?;
    Ok(taken)
}

/// Notes how a run ended. After a failure the next one comes sooner.
///
/// # Errors
/// When the database fails.
pub async fn note(db: &Db, plan: &Plan, error: Option<&str>, now_ms: i64) -> db::Result<()> {
    let mut tx = db.write().await?;
    store::finish_recurring(&mut tx, plan.kind, error, now_ms).await?;
    if error.is_some() {
        let again_ms = now_ms + RETRY_MS.min(plan.every_ms);
        store::hasten_recurring(&mut tx, plan.kind, again_ms, true).await?;
    }
    tx.commit().await
}

/// Every kind, by name.
///
/// # Errors
/// When the database fails.
pub async fn list(tx: &mut Tx) -> db::Result<Vec<Recurring>> {
    store::list_recurring(tx).await
}
