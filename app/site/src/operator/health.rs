//! What works of a running shop and what does not, for `/healthz`, `/readyz` and the operator's desk.
//!
//! The one rule: each part is tried or read where it would fail, and says one of three things. *Failing* is a reason to look at once,
//! and `/healthz` is 503 then; *degraded* means that something waits or is late and a restart would not help. Why is for the operator
//! alone.

use crate::web::state::AppState;
use base::db;
use base::db::work::{Class, Work};
use base::jobs::{self, recurring};
use base::random::real_now_ms;
use market::log::status::{Cause, LogStatus};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// What was found is told again for so long.
const FRESH: Duration = Duration::from_secs(1);
/// Quick work that was due so long ago is late.
const JOB_LATE_MS: i64 = 2 * 60_000;
/// So is recurring work.
const TURN_LATE_MS: i64 = 10 * 60_000;

/// How one part stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartState {
    Ok,
    Degraded,
    Failing,
}

impl PartState {
    /// Its name in answers for machines and in texts.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Failing => "failing",
        }
    }
}

/// One part.
#[derive(Clone, Debug)]
pub struct Part {
    /// `database`, `writes`, `disk`, `log`, `witnesses`, `jobs`, `recurring` or `models`.
    pub name: &'static str,
    pub state: PartState,
    /// Since when it is not ok, real time, where that is known.
    pub since_ms: Option<i64>,
    /// Why, for the operator.
    pub why: Option<String>,
}

impl Part {
    fn ok(name: &'static str) -> Self {
        Self {
            name,
            state: PartState::Ok,
            since_ms: None,
            why: None,
        }
    }

    fn bad(name: &'static str, state: PartState, since_ms: Option<i64>, why: String) -> Self {
        Self {
            name,
            state,
            since_ms,
            why: Some(why),
        }
    }
}

/// The worst of all.
#[must_use]
pub fn worst(parts: &[Part]) -> PartState {
    let states = parts.iter().map(|part| part.state);
    states.max().unwrap_or(PartState::Ok)
}

/// What the database said last, for a second: whoever asks more often is told the same, and those who ask at once wait for one answer.
#[derive(Clone, Default)]
pub struct Looked(Arc<Mutex<Option<Found>>>);

/// When, and what.
type Found = (Instant, Vec<Part>);

impl Looked {
    /// [`look`], which asks the database at most once a second.
    pub async fn parts(&self, state: &AppState, log_status: &LogStatus) -> Vec<Part> {
        let mut last = self.0.lock().await;
        let known = last
            .as_ref()
            .filter(|(when, _)| when.elapsed() < FRESH)
            .map(|(_, parts)| parts.clone());
        let parts = match known {
            Some(parts) => parts,
            None => {
                let parts = ask_database(state).await;
                *last = Some((Instant::now(), parts.clone()));
                parts
            }
        };
        drop(last);
        with_the_rest(parts, state, log_status)
    }
}

/// Looks at every part; at the log as its status says, so that whoever tells both tells one thing.
pub async fn look(state: &AppState, log_status: &LogStatus) -> Vec<Part> {
    with_the_rest(ask_database(state).await, state, log_status)
}

async fn ask_database(state: &AppState) -> Vec<Part> {
    let asked = Work::of(Class::Essential).run(database(state, real_now_ms()));
    asked.await.unwrap_or_else(|error| {
        let why = error.to_string();
        vec![Part::bad("database", PartState::Failing, None, why)]
    })
}

fn with_the_rest(mut parts: Vec<Part>, state: &AppState, log_status: &LogStatus) -> Vec<Part> {
    parts.insert(1, writes(state));
    parts.insert(2, disk(&state.config.data, state.config.least_free_bytes));
    parts.extend(log(state, log_status));
    parts
}

fn writes(state: &AppState) -> Part {
    match state.writes.failed() {
        None => Part::ok("writes"),
        Some((since, why)) => Part::bad("writes", PartState::Failing, Some(since), why),
    }
}

/// Whether the process may be sent visitors: it reads, and its log is open.
#[must_use]
pub fn is_ready(parts: &[Part]) -> bool {
    parts
        .iter()
        .filter(|part| matches!(part.name, "database" | "log"))
        .all(|part| part.state != PartState::Failing)
}

/// What only the database knows.
async fn database(state: &AppState, now_ms: i64) -> db::Result<Vec<Part>> {
    let mut tx = state.db.read().await?;
    let due_ms = jobs::oldest_due_ms(&mut tx, now_ms).await?;
    let late = due_ms.filter(|due| now_ms - due > JOB_LATE_MS);
    let jobs = late.map_or_else(
        || Part::ok("jobs"),
        |due| {
            let seconds = (now_ms - due) / 1000;
            let why = format!("the oldest quick job waits for {seconds} s");
            Part::bad("jobs", PartState::Degraded, Some(due), why)
        },
    );
    let turns = recurring::list(&mut tx).await?;
    let late = turns
        .iter()
        .find(|turn| turn.next_ms < now_ms - TURN_LATE_MS);
    let failed = turns.iter().find(|turn| turn.state() == "failed");
    let recurring = match (late, failed) {
        (Some(turn), _) => Part::bad(
            "recurring",
            PartState::Degraded,
            Some(turn.next_ms),
            format!("{} is late", turn.kind),
        ),
        (None, Some(turn)) => Part::bad(
            "recurring",
            PartState::Degraded,
            turn.finished_ms,
            format!(
                "{} failed: {}",
                turn.kind,
                turn.last_error.as_deref().unwrap_or_default()
            ),
        ),
        (None, None) => Part::ok("recurring"),
    };
    let missing = market::machines::list_missing(&mut tx, &state.here).await?;
    let models = match missing.is_empty() {
        true => Part::ok("models"),
        false => {
            let why = format!("no machine has {}", missing.join(", "));
            Part::bad("models", PartState::Degraded, None, why)
        }
    };
    Ok(vec![Part::ok("database"), jobs, recurring, models])
}

/// The log's folder and its witnesses.
fn log(state: &AppState, status: &LogStatus) -> [Part; 2] {
    let waiting = status.waiting.as_ref();
    let waits_for = |causes: &[Cause]| waiting.filter(|waiting| causes.contains(&waiting.cause));
    let log = if !status.open {
        let why = status
            .last_error
            .as_ref()
            .map_or_else(|| "it is not open".into(), |error| error.what.clone());
        Part::bad("log", PartState::Failing, None, why)
    } else if let Some(waiting) = waits_for(&[Cause::Folder, Cause::Database]) {
        let why = format!("{}: {}", waiting.cause.name(), waiting.error);
        Part::bad("log", PartState::Failing, Some(waiting.since_ms), why)
    } else if let Err(error) = state.log.checkpoint() {
        Part::bad("log", PartState::Failing, None, error.to_string())
    } else {
        Part::ok("log")
    };
    let witnesses = waits_for(&[Cause::Witnesses]).map_or_else(
        || Part::ok("witnesses"),
        |waiting| {
            let (since, why) = (Some(waiting.since_ms), waiting.error.clone());
            Part::bad("witnesses", PartState::Degraded, since, why)
        },
    );
    [log, witnesses]
}

/// What is free where the data lies.
fn disk(data: &Path, least_bytes: u64) -> Part {
    match free_bytes(data) {
        Some(free) if free < least_bytes => {
            let (free, least) = (free >> 20, least_bytes >> 20);
            let why = format!("{free} MiB are free, less than {least} (SEEDMARK_LEAST_FREE_MIB)");
            Part::bad("disk", PartState::Failing, None, why)
        }
        _ => Part::ok("disk"),
    }
}

/// `None` where the system does not say.
#[cfg(unix)]
fn free_bytes(data: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(data).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_data: &Path) -> Option<u64> {
    None
}
