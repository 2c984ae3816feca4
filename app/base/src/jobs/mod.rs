//! Background work: a table of jobs with leases and retries, enqueued in the transaction of the change that needs them.
//!
//! The one rule: a job's body may run twice (its worker can die after the work and before the note), so bodies are
//! idempotent, and whoever lost the lease changes nothing.

pub mod recurring;
mod state;
mod store;
#[cfg(test)]
mod tests;
pub mod turns;
pub mod workers;
#[cfg(any(test, feature = "testing"))]
pub use store::ALL as STATEMENTS;

pub use crate::db::bells::Bell;
use crate::db::{self, Db, Tx};
use crate::random;
pub use state::JobState;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use turns::Queue;

/// How long a claimed job is its worker's; long bodies extend it. Short, because what a killed process had claimed waits for so long:
/// a buyer looks at a page meanwhile.
pub const LEASE_MS: i64 = 20_000;
/// Three tries before it is over.
const EXTENDED_EVERY: Duration = Duration::from_millis(LEASE_MS.cast_unsigned() / 3);
/// A job that failed this often is dead: shown with its error, never dropped.
const MAX_ATTEMPTS: i64 = 20;
const FIRST_DELAY_MS: i64 = 5_000;
const MAX_DELAY_MS: i64 = 3_600_000;

/// Work that was claimed.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// What to do.
    pub kind: String,
    /// With what; an id as a rule.
    pub payload: String,
    /// How often it was claimed, this time included.
    pub attempts: i64,
    lease_owner: String,
}

/// A job that failed: dead, or about to be tried again.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Trouble {
    pub id: String,
    pub kind: String,
    pub payload: String,
    #[sqlx(try_from = "String")]
    pub state: JobState,
    pub attempts: i64,
    /// When it is tried again, real time.
    pub run_at_ms: i64,
    /// Why it failed last.
    pub last_error: Option<String>,
}

/// How a body ended.
#[derive(Debug)]
pub enum Outcome {
    /// Finished.
    Done,
    /// Not ready yet: look again after so many milliseconds. Counts as no failure.
    Later(i64),
    /// Needs a model that is not here: whoever holds it takes the job. Counts as no failure.
    Elsewhere(String),
    /// Failed; tried again later.
    Failed(String),
}

/// Enqueues a job; a waiting or running one with the same `unique_key` is left as it is.
///
/// # Errors
/// When the database fails.
pub async fn enqueue(tx: &mut Tx, kind: &str, unique_key: &str, payload: &str) -> db::Result<()> {
    enqueue_at(tx, kind, unique_key, payload, random::real_now_ms()).await
}

/// Enqueues a job that is not due before `run_at_ms` (real time).
///
/// # Errors
/// When the database fails.
pub async fn enqueue_at(
    tx: &mut Tx,
    kind: &str,
    unique_key: &str,
    payload: &str,
    run_at_ms: i64,
) -> db::Result<()> {
    store::insert(
        tx,
        &random::id(),
        kind,
        unique_key,
        payload,
        run_at_ms,
        random::real_now_ms(),
        &store::Place::quick(),
    )
    .await
}

/// Claims the next due job of the given kinds, all of one queue.
///
/// # Errors
/// When the database fails.
pub async fn claim(db: &Db, owner: &str, kinds: &[&str], now_ms: i64) -> db::Result<Option<Job>> {
    let mut tx = db.write().await?;
    let job = store::claim(
        &mut tx,
        owner,
        Queue::of(kinds).name(),
        &format!(",{},", kinds.join(",")),
        now_ms,
        now_ms + LEASE_MS,
    )
    .await?;
    tx.commit().await?;
    Ok(job)
}

/// Claims the next due job of the given kinds that needs one of these models, or none: the first of each, and of those the first.
///
/// # Errors
/// When the database fails.
pub async fn claim_of(
    db: &Db,
    owner: &str,
    kinds: &[&str],
    models: &[String],
    now_ms: i64,
) -> db::Result<Option<Job>> {
    let (queue, kinds) = (Queue::of(kinds).name(), format!(",{},", kinds.join(",")));
    let mut tx = db.write().await?;
    loop {
        let mut first: Option<store::Head> = None;
        for model in std::iter::once("").chain(models.iter().map(String::as_str)) {
            let head = store::find_head(&mut tx, queue, model, now_ms, &kinds).await?;
            first = [first, head].into_iter().flatten().min();
        }
        let Some((.., id)) = first else {
            return Ok(None);
        };
        // Another process may be first: then it is looked again.
        let taken = store::take(&mut tx, &id, owner, now_ms, now_ms + LEASE_MS).await?;
        if let Some(job) = taken {
            tx.commit().await?;
            return Ok(Some(job));
        }
    }
}

/// Whether a claimed job is still its worker's: nobody took it back.
///
/// # Errors
/// When the database fails.
pub async fn is_held(db: &Db, job: &Job) -> db::Result<bool> {
    store::is_held(&mut db.read().await?, job).await
}

/// Extends the lease of a job that takes long; `false` when it was lost.
///
/// # Errors
/// When the database fails.
pub async fn extend(db: &Db, job: &Job, now_ms: i64) -> db::Result<bool> {
    let mut tx = db.write().await?;
    let held = store::extend(&mut tx, job, now_ms + LEASE_MS).await?;
    tx.commit().await?;
    Ok(held)
}

/// Notes how a body ended. Changes nothing when the lease was lost.
///
/// # Errors
/// When the database fails.
pub async fn finish(db: &Db, job: &Job, outcome: &Outcome, now_ms: i64) -> db::Result<()> {
    let mut tx = db.write().await?;
    match outcome {
        Outcome::Done => store::done(&mut tx, job, now_ms).await?,
        Outcome::Later(delay_ms) => store::postpone(&mut tx, job, now_ms + delay_ms).await?,
        Outcome::Elsewhere(model) => {
            store::note_model(&mut tx, model).await?;
            store::send_on(&mut tx, job, model).await?;
        }
        Outcome::Failed(error) if job.attempts >= MAX_ATTEMPTS => {
            store::bury(&mut tx, job, error, now_ms).await?
        }
        Outcome::Failed(error) => {
            let doubled = FIRST_DELAY_MS << job.attempts.clamp(0, 16);
            // A fifth of spread, so that jobs that failed together do not come back together.
            let spread = i64::from(random::bytes::<1>()[0]) - 128;
            let delay = doubled.min(MAX_DELAY_MS);
            store::retry(&mut tx, job, error, now_ms + delay + delay * spread / 640).await?;
        }
    }
    tx.commit().await
}

/// Which jobs a worker takes, and what becomes of one that is under way when the process stops.
#[derive(Clone, Debug)]
pub enum Takes {
    /// Whatever is due; it is brought to its end.
    All,
    /// What needs one of these models, or none. It is left between two steps, and given back.
    Of(Arc<[String]>),
}

/// Runs jobs until `stop` is set: claims, runs `body`, notes the outcome, and waits for the bell when there is nothing.
pub async fn work<F, Fut>(
    db: Db,
    bell: Bell,
    kinds: &'static [&'static str],
    takes: Takes,
    mut stop: watch::Receiver<bool>,
    body: F,
) where
    F: Fn(Job) -> Fut,
    Fut: Future<Output = Outcome>,
{
    let owner = random::id();
    while !*stop.borrow() {
        let now = random::real_now_ms();
        let claimed = match &takes {
            Takes::All => claim(&db, &owner, kinds, now).await,
            Takes::Of(models) => claim_of(&db, &owner, kinds, models, now).await,
        };
        let job = match claimed {
            Ok(Some(job)) => job,
            Ok(None) => {
                tokio::select! {
                    () = bell.wait(Duration::from_secs(1)) => {}
                    _ = stop.changed() => {}
                }
                continue;
            }
            Err(error) => {
                tracing::warn!(error = %error, "cannot claim a job");
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
        };
        let leased = run_leased(&db, &job, EXTENDED_EVERY, body(job.clone()));
        let outcome = match &takes {
            Takes::All => leased.await,
            Takes::Of(_) => until_stopped(leased, stop.clone(), LEFT_AFTER).await,
        };
        if let Outcome::Failed(error) = &outcome {
            tracing::warn!(job.id = %job.id, job.kind = %job.kind, job.attempts = job.attempts, error, "job failed");
        }
        if let Err(error) = finish(&db, &job, &outcome, random::real_now_ms()).await {
            tracing::error!(job.id = %job.id, error = %error, "cannot note how a job ended; it will be claimed again");
        }
    }
}

/// So long a body may still come to its end by itself when the process stops.
const LEFT_AFTER: Duration = Duration::from_secs(1);

/// Leaves a body when the process stops, and gives its job back. What is left of a body stops what it began elsewhere.
async fn until_stopped(
    body: impl Future<Output = Outcome>,
    mut stop: watch::Receiver<bool>,
    patience: Duration,
) -> Outcome {
    let stopped = async {
        // Dropped is told, too.
        drop(stop.wait_for(|stop| *stop).await);
        tokio::time::sleep(patience).await;
    };
    tokio::select! {
        biased;
        outcome = body => outcome,
        () = stopped => Outcome::Later(0),
    }
}

/// So often it is looked whether a job was taken back.
const LOOKED_EVERY: Duration = Duration::from_secs(1);

/// Runs a body and keeps its lease meanwhile. A body whose job was taken back, or whose lease was lost, is left where it stands.
async fn run_leased(
    db: &Db,
    job: &Job,
    every: Duration,
    body: impl Future<Output = Outcome>,
) -> Outcome {
    // Beside the body, not in its turn: the body may hold the only writer for which the extension waits.
    let keep = async {
        let mut extended = Instant::now();
        loop {
            tokio::time::sleep(every.min(LOOKED_EVERY)).await;
            let held = match extended.elapsed() < every {
                true => is_held(db, job).await,
                false => {
                    extended = Instant::now();
                    extend(db, job, random::real_now_ms()).await
                }
            };
            match held {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(job.id = %job.id, error = %error, "cannot look after a lease");
                }
            }
        }
    };
    tokio::select! {
        outcome = body => outcome,
        () = keep => {
            tracing::info!(job.id = %job.id, job.kind = %job.kind, "a job was taken back, or its lease was lost");
            Outcome::Done
        }
    }
}

/// What is done is kept for so long.
const DONE_KEPT_MS: i64 = 7 * crate::clock::DAY_MS;

/// Forgets jobs that were done long ago, some at a time. What waits and what gave up stays.
///
/// # Errors
/// When the database fails.
pub async fn sweep(tx: &mut Tx) -> db::Result<()> {
    store::forget_done(tx, random::real_now_ms() - DONE_KEPT_MS).await
}

/// Jobs that are neither done nor dead, and dead ones, for the operator's page.
///
/// # Errors
/// When the database fails.
pub async fn counts(tx: &mut Tx) -> db::Result<(i64, i64)> {
    store::counts(tx).await
}

/// When the oldest quick job was due that still waits.
///
/// # Errors
/// When the database fails.
pub async fn oldest_due_ms(tx: &mut Tx, now_ms: i64) -> db::Result<Option<i64>> {
    store::oldest_due_ms(tx, now_ms).await
}

/// The newest jobs that failed.
///
/// # Errors
/// When the database fails.
pub async fn trouble(tx: &mut Tx, limit: i64) -> db::Result<Vec<Trouble>> {
    store::list_trouble(tx, limit).await
}

/// Gives a dead job all its attempts again; `false` when it is not dead, or another job does its work meanwhile.
///
/// # Errors
/// When the database fails.
pub async fn revive(tx: &mut Tx, id: &str) -> db::Result<bool> {
    store::revive(tx, id, random::real_now_ms()).await
}
