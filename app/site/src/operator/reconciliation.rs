//! The comparison with the provider, for the page that shows it.
//!
//! The one rule: it reads everything, so one runs at a time, on the jobs' connections, and a page waits for it a while and no longer.
//! It goes on all the same; the page shows the last one meanwhile, and when that was.

use crate::web::state::AppState;
use base::db;
use base::db::work::{Class, Work};
use base::random;
use market::settlement::checks::read_check;
use market::settlement::{self, Reconciliation};
use money::Error;
use money::books::service as books;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// So long a page waits, well within its own time.
const PATIENCE: Duration = Duration::from_secs(8);
/// So many differences are kept; one is one too many.
const KEPT: usize = 200;
/// The setting that holds the last [`Comparison`].
const SETTING: &str = "reconciliation";

static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// What the page shows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Comparison {
    /// When it ended, real time.
    pub(super) at_ms: i64,
    pub(super) reconciliation: Reconciliation,
    /// How many entries add up, or the first that does not.
    pub(super) audit: Result<i64, String>,
}

/// Compares, and waits a while. `None` when there is no answer yet.
///
/// # Errors
/// When the provider does not answer or the database fails.
pub(super) async fn report(state: &AppState) -> Result<Option<Comparison>, Error> {
    let for_check = state.clone();
    let asked_ms = random::real_now_ms();
    match patiently(async move { compare(&for_check, asked_ms).await }).await? {
        Some(report) => Ok(Some(report)),
        None => Ok(read_check(&mut state.db.read().await?, SETTING).await?),
    }
}

/// Does what reads everything on the jobs' connections. `None` when it takes longer than a page waits: it goes on all the same.
///
/// # Errors
/// What it fails with.
pub(super) async fn patiently<T: Send + 'static>(
    check: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<Option<T>, Error> {
    let work = tokio::spawn(Work::of(Class::Background).run(check));
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(Ok(answer)) => answer.map(Some),
        Ok(Err(error)) => Err(Error::Internal(error.to_string())),
        Err(_) => Ok(None),
    }
}

async fn compare(state: &AppState, asked_ms: i64) -> Result<Comparison, Error> {
    let _turn = TURN.lock().await;
    // Whoever waited for another's takes it.
    let last: Option<Comparison> = read_check(&mut state.db.read().await?, SETTING).await?;
    if let Some(last) = last.filter(|last| last.at_ms > asked_ms) {
        return Ok(last);
    }
    let reconciliation =
        settlement::reconcile_settled(&state.db, state.provider.as_ref(), &settlement::PAUSES)
            .await?;
    let audit = books::audit(&mut state.db.read().await?).await?;
    let mut report = Comparison {
        at_ms: random::real_now_ms(),
        reconciliation,
        audit,
    };
    report.reconciliation.differences.truncate(KEPT);
    let text =
        serde_json::to_string(&report).map_err(|error| Error::Internal(error.to_string()))?;
    let mut tx = state.db.write().await?;
    db::write_setting(&mut tx, SETTING, &text).await?;
    tx.commit().await?;
    Ok(report)
}
