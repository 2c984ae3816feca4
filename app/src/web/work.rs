//! Background work of a process: job workers, and the ticker that lets time have its effect.

use crate::checkout::service::Till;
use crate::jobs::{self, Job, Outcome};
use crate::moderation::service as moderation;
use crate::operator::service as operator;
use crate::web::state::AppState;
use crate::{checkout, demo, library, limits, mail, studio};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Jobs that make pictures; as many workers as engines.
const PICTURES: &[&str] = &[
    studio::jobs::GENERATE,
    studio::jobs::CERTIFY,
    library::jobs::REPRODUCE,
];
/// Quick jobs; workers of their own, so that a sale never waits for a picture.
const QUICK: &[&str] = &[
    studio::jobs::GO_LIVE,
    checkout::jobs::EVENT,
    checkout::jobs::OPERATION,
    mail::SEND,
];

/// Re-runs for a new engine that are under way at once, so that buyers' own runs never wait behind a whole catalogue.
const RERUNS: i64 = 8;
/// Prints of older versions that are made a minute.
const PRINTS: i64 = 100;

impl AppState {
    /// What the till needs.
    #[must_use]
    pub fn till(&self) -> Till {
        Till {
            db: self.db.clone(),
            vault: self.vault.clone(),
            log: self.log.clone(),
            fee: self.config.fee,
            minimum_order_minor: self.config.minimum_order_minor,
            provider: self.provider.clone(),
            public_url: self.config.public_url.clone(),
        }
    }
}

async fn run(state: AppState, job: Job) -> Outcome {
    let result = match job.kind.as_str() {
        kind @ (studio::jobs::GENERATE | studio::jobs::CERTIFY | studio::jobs::GO_LIVE) => {
            studio::jobs::run(&state, kind, &job.payload).await
        }
        library::jobs::REPRODUCE => library::jobs::run(&state, &job.payload).await,
        kind @ (checkout::jobs::EVENT | checkout::jobs::OPERATION) => {
            let result =
                checkout::jobs::run(&state.till(), kind, &job.payload, state.clock.now_ms()).await;
            // Fulfilling queues licence leaves.
            state.leaves.ring();
            result
        }
        mail::SEND => mail::run(&state.db, &state.vault, &state.mailer, &job.payload).await,
        other => Ok(Outcome::Failed(format!(
            "nobody knows the job kind {other}"
        ))),
    };
    result.unwrap_or_else(|error| Outcome::Failed(format!("{error:#}")))
}

/// Starts workers; they end when `stop` is set.
pub fn start(state: &AppState, stop: &watch::Receiver<bool>, tasks: &mut JoinSet<()>) {
    let worker = |kinds: &'static [&'static str]| {
        let for_jobs = state.clone();
        jobs::work(
            state.db.clone(),
            state.jobs.clone(),
            kinds,
            stop.clone(),
            move |job| run(for_jobs.clone(), job),
        )
    };
    for _ in 0..state.config.engines {
        tasks.spawn(worker(PICTURES));
    }
    tasks.spawn(worker(QUICK));
}

/// Starts the ticker; one process of an installation has it.
pub fn start_ticker(state: &AppState, stop: &watch::Receiver<bool>, tasks: &mut JoinSet<()>) {
    tasks.spawn(tick(state.clone(), stop.clone(), true));
}

/// Starts the part of the ticker that a worker beside the server needs: it takes over the business clock.
pub fn start_clock(state: &AppState, stop: &watch::Receiver<bool>, tasks: &mut JoinSet<()>) {
    tasks.spawn(tick(state.clone(), stop.clone(), false));
}

/// Every second: take over the clock; every minute: holds, the sandbox's time, old counters; every hour: the sweep; every day: the log's audit.
async fn tick(state: AppState, mut stop: watch::Receiver<bool>, settles: bool) {
    let mut second = 0u64;
    while !*stop.borrow() {
        if let Err(error) = tick_once(&state, second, settles).await {
            tracing::warn!(error = %error, "the ticker failed; it goes on");
        }
        second += 1;
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
            _ = stop.changed() => {}
        }
    }
}

async fn tick_once(state: &AppState, second: u64, settles: bool) -> anyhow::Result<()> {
    let mut tx = state.db.read().await?;
    let offset = super::read_setting(&mut tx, operator::CLOCK_SETTING).await?;
    drop(tx);
    state
        .clock
        .set_offset_ms(offset.and_then(|text| text.parse().ok()).unwrap_or(0));
    if !settles {
        return Ok(());
    }
    if second.is_multiple_of(60) {
        operator::settle(state).await?;
        let mut tx = state.db.write().await?;
        limits::sweep(&mut tx).await?;
        tx.commit().await?;
        let planned = library::service::plan_reruns(state, RERUNS).await?;
        let printed = moderation::fill_in(state, PRINTS).await?;
        if planned + printed > 0 {
            tracing::info!(
                planned,
                printed,
                "re-runs for this engine, prints of older versions"
            );
        }
    }
    // A payment provider that is away keeps nothing else waiting.
    if second % 600 == 20
        && let Err(error) = operator::catch_up(state).await
    {
        tracing::warn!(
            error = format!("{error:#}"),
            "cannot catch up with the payment provider"
        );
    }
    if second % 3600 == 30 {
        operator::sweep(state).await?;
    }
    // A minute after the start, and then every day.
    if second % 86_400 == 60 {
        operator::audit_log(state).await?;
    }
    Ok(())
}

/// Loads the demo in the background; a failure is shown in the log and by `/healthz`, and tried again at the next start.
pub async fn load_demo(state: AppState) {
    if let Err(error) = demo::service::load(&state).await {
        tracing::error!(
            error = format!("{error:#}"),
            "the demo catalogue is not complete"
        );
    }
}
