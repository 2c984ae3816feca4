//! Background work of a process: job workers, and the ticker that lets time have its effect.

use crate::web::state::AppState;
use base::clock::DAY_MS;
use base::jobs::recurring::{self, Plan};
use base::jobs::workers::{self, Worker};
use base::jobs::{self, Job, Outcome, Takes, turns};
use base::once;
use base::{db, limits, mail, random};
use market::catalog::versions;
use market::machines::AWAY_MS;
use market::moderation::{publication, service as moderation};
use market::settlement;
use market::settlement::{checks, clockwork};
use market::{
    checkout, demo, facts, files, library, models, own, people, stranded, studio, trials,
};
use schema::id::VersionId;
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

/// Jobs that make pictures; as many workers as engines.
const PICTURES: &[&str] = &turns::PICTURE_KINDS;
/// Quick jobs; workers of their own, so that a sale never waits for a picture.
const QUICK: &[&str] = &[
    versions::GO_LIVE,
    settlement::jobs::EVENT,
    settlement::jobs::OPERATION,
    mail::SEND,
    facts::TELL,
];

const SETTLE: &str = "settle";
const CATCH_UP: &str = "catch-up";
const PAYOUTS: &str = "payouts";
const LOG_AUDIT: &str = "log-audit";
const BOOKS: &str = "books";
const COUNTERS: &str = "counters";
const CATALOGUE: &str = "catalogue";
const PUBLICATIONS: &str = "publications";
const STATISTICS: &str = "statistics";
const FILES: &str = "files";
const STRANDED: &str = "stranded";

const MINUTE_MS: i64 = 60_000;

const fn plan(kind: &'static str, every_ms: i64, first_ms: i64, at_start: bool) -> Plan {
    Plan {
        kind,
        every_ms,
        first_ms,
        at_start,
    }
}

/// What comes again by the clock: holds and answers to banks, lost events, the payout run, the checks of the books and of the public log, old
/// counters of limits, re-runs and prints for a new release, versions whose wait is over, statistics of the tables, work whose model stays away,
/// and picture files that nobody names.
const RECURRING: &[Plan] = &[
    plan(SETTLE, MINUTE_MS, 0, true),
    plan(COUNTERS, MINUTE_MS, 0, true),
    plan(CATALOGUE, MINUTE_MS, 0, true),
    plan(PUBLICATIONS, MINUTE_MS, 0, true),
    plan(STATISTICS, 60 * MINUTE_MS, 0, true),
    plan(STRANDED, 10 * MINUTE_MS, MINUTE_MS, false),
    plan(FILES, 5 * MINUTE_MS, MINUTE_MS, false),
    plan(CATCH_UP, 10 * MINUTE_MS, 2_000, true),
    plan(PAYOUTS, 60 * MINUTE_MS, 3_000, false),
    plan(BOOKS, DAY_MS, 5_000, false),
    plan(LOG_AUDIT, DAY_MS, MINUTE_MS, false),
];

/// Re-runs for a new engine that are under way at once, so that buyers' own runs never wait behind a whole catalogue.
const RERUNS: i64 = 8;
/// Prints of older versions that are made a minute.
const PRINTS: i64 = 100;

async fn go_live(state: &AppState, payload: &str) -> anyhow::Result<Outcome> {
    let version = VersionId::parse(payload)?;
    Ok(versions::go_live(&state.db, &version, state.clock.now_ms()).await?)
}

async fn run(state: AppState, job: Job) -> Outcome {
    let result = match job.kind.as_str() {
        versions::GO_LIVE => go_live(&state, &job.payload).await,
        studio::GENERATE | studio::CERTIFY => studio::jobs::run(&state, &job).await,
        library::REPRODUCE => library::jobs::run(&state, &job).await,
        own::MAKE => own::jobs::run(&state, &job).await,
        trials::MAKE => trials::jobs::run(&state, &job).await,
        kind @ (settlement::jobs::EVENT | settlement::jobs::OPERATION) => {
            settlement::jobs::run(&state.till(), kind, &job.payload, state.clock.now_ms()).await
        }
        facts::TELL => super::subscribers::bring(&state, &job.payload).await,
        mail::SEND => mail::run(&state.db, &state.vault, &state.mailer, &job.payload).await,
        other => Ok(Outcome::Failed(format!(
            "nobody knows the job kind {other}"
        ))),
    };
    result.unwrap_or_else(|error| Outcome::Failed(format!("{error:#}")))
}

/// Starts workers; they end when `stop` is set.
pub fn start(state: &AppState, stop: &watch::Receiver<bool>, tasks: &mut JoinSet<()>) {
    let worker = |kinds: &'static [&'static str], takes: Takes| {
        let for_jobs = state.clone();
        jobs::work(
            state.db.clone(),
            state.db.bells().jobs.clone(),
            kinds,
            takes,
            stop.clone(),
            move |job| run(for_jobs.clone(), job),
        )
    };
    for _ in 0..state.workers {
        tasks.spawn(worker(PICTURES, Takes::Of(state.here.models())));
    }
    tasks.spawn(worker(QUICK, Takes::All));
    let models = state.engines.models().iter();
    let here = Worker {
        id: random::id(),
        engines: state.workers,
        models: models
            .map(|model| (model.digest.to_string(), models::name(model)))
            .collect(),
    };
    tasks.spawn(workers::stay(state.db.clone(), here, stop.clone()));
}

/// Starts the ticker; one process of an installation has it.
pub fn start_ticker(state: &AppState, stop: &watch::Receiver<bool>, tasks: &mut JoinSet<()>) {
    tasks.spawn(tick(state.clone(), stop.clone(), true));
}

/// Starts the part of the ticker that a worker beside the server needs: it takes over the business clock.
pub fn start_clock(state: &AppState, stop: &watch::Receiver<bool>, tasks: &mut JoinSet<()>) {
    tasks.spawn(tick(state.clone(), stop.clone(), false));
}

/// After so many turns of the ticker it is looked for work that a wrong clock put too far ahead.
const STRAIGHTEN_EVERY: u32 = 60;

/// Every second: takes over the business clock, and starts the recurring work that is due, each kind by itself: one that fails or
/// takes long keeps no other waiting.
async fn tick(state: AppState, mut stop: watch::Receiver<bool>, settles: bool) {
    let mut running = JoinSet::new();
    let mut at_work: HashMap<&'static str, AbortHandle> = HashMap::new();
    let mut scheduled = !settles;
    let mut turns = 0u32;
    while !*stop.borrow() {
        while running.try_join_next().is_some() {}
        // One that panicked has ended, too, and has another turn.
        at_work.retain(|_, run| !run.is_finished());
        if let Err(error) = take_over_clock(&state).await {
            tracing::warn!(error = %error, "cannot read the business clock; the last one stands");
        }
        if !scheduled {
            scheduled = recurring::schedule(&state.db, RECURRING, random::real_now_ms())
                .await
                .inspect_err(
                    |error| tracing::warn!(error = %error, "cannot schedule recurring work"),
                )
                .is_ok();
        }
        if settles && turns.is_multiple_of(STRAIGHTEN_EVERY) {
            let straight = recurring::straighten(&state.db, RECURRING, random::real_now_ms());
            if let Err(error) = straight.await {
                tracing::warn!(error = %error, "cannot look at when recurring work is due");
            }
        }
        turns = turns.wrapping_add(1);
        if settles {
            for plan in due(&state).await {
                at_work.entry(plan.kind).or_insert_with(|| {
                    let state = state.clone();
                    running.spawn(async move { take_turn(&state, plan).await })
                });
            }
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
            _ = stop.changed() => {}
        }
    }
}

async fn take_over_clock(state: &AppState) -> db::Result<()> {
    let mut tx = state.db.read().await?;
    let offset_ms = db::read_number(&mut tx, clockwork::CLOCK_SETTING).await?;
    state.clock.set_offset_ms(offset_ms);
    Ok(())
}

async fn due(state: &AppState) -> Vec<&'static Plan> {
    let read = async {
        let mut tx = state.db.read().await?;
        recurring::due(&mut tx, random::real_now_ms()).await
    };
    let kinds = read.await.unwrap_or_else(|error: db::Error| {
        tracing::warn!(error = %error, "cannot read which recurring work is due");
        Vec::new()
    });
    RECURRING
        .iter()
        .filter(|plan| kinds.iter().any(|kind| kind == plan.kind))
        .collect()
}

/// Runs one kind if its turn is still free, and notes how it ended.
async fn take_turn(state: &AppState, plan: &Plan) {
    match recurring::take(&state.db, plan, random::real_now_ms()).await {
        Ok(true) => {}
        Ok(false) => return,
        Err(error) => {
            tracing::warn!(error = %error, kind = plan.kind, "cannot take a turn of recurring work");
            return;
        }
    }
    let error = run_recurring(state, plan.kind).await.err();
    let error = error.map(|error| format!("{error:#}"));
    if let Some(error) = &error {
        tracing::warn!(
            error,
            kind = plan.kind,
            "recurring work failed; it is tried again"
        );
    }
    let noted = recurring::note(&state.db, plan, error.as_deref(), random::real_now_ms()).await;
    if let Err(error) = noted {
        tracing::warn!(error = %error, kind = plan.kind, "cannot note how recurring work ended");
    }
}

async fn run_recurring(state: &AppState, kind: &str) -> anyhow::Result<()> {
    match kind {
        SETTLE => clockwork::settle(state).await?,
        CATCH_UP => clockwork::catch_up(state).await?,
        PAYOUTS => {
            clockwork::sweep(state).await?;
        }
        LOG_AUDIT => checks::audit_log(state).await?,
        BOOKS => checks::check_books(state).await?,
        COUNTERS => {
            let mut tx = state.db.write().await?;
            jobs::sweep(&mut tx).await?;
            once::sweep(&mut tx).await?;
            limits::sweep(&mut tx).await?;
            people::service::sweep(&mut tx).await?;
            checkout::service::cart::sweep(&mut tx, state.clock.now_ms()).await?;
            own::unlabelled::sweep(&mut tx, state.clock.now_ms()).await?;
            trials::service::sweep(&mut tx, state.clock.now_ms()).await?;
            tx.commit().await?;
        }
        CATALOGUE => {
            let planned = library::reruns::plan(state, RERUNS).await?;
            let printed = moderation::fill_in(state, PRINTS).await?;
            if planned + printed > 0 {
                tracing::info!(
                    planned,
                    printed,
                    "re-runs for this engine, prints of older versions"
                );
            }
        }
        PUBLICATIONS => {
            publication::settle_due(&state.db, state.clock.now_ms()).await?;
        }
        STATISTICS => {
            if state.db.take_statistics().await? {
                tracing::info!("statistics of the tables were taken");
            }
        }
        STRANDED => {
            let ended = stranded::give_up(state, AWAY_MS, random::real_now_ms()).await?;
            if ended > 0 {
                tracing::warn!(
                    ended,
                    "work whose model stayed away for three days was ended"
                );
            }
        }
        FILES => {
            let swept = files::sweep(
                &state.db,
                &state.media,
                &state.log.origin,
                random::real_now_ms(),
            )
            .await?;
            if swept != files::Swept::default() {
                tracing::info!(
                    aside = swept.aside,
                    back = swept.back,
                    removed = swept.removed,
                    "picture files that no row names"
                );
            }
        }
        other => anyhow::bail!("nobody knows the recurring work {other}"),
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

#[cfg(test)]
mod tests {
    use super::RECURRING;
    use base::lang::Lang;

    #[test]
    fn every_kind_of_recurring_work_has_a_name_in_every_language() {
        for lang in [Lang::En, Lang::De, Lang::Zh] {
            for plan in RECURRING {
                let id = format!("recurring-{}", plan.kind);
                assert_ne!(lang.text(&id), id, "{lang:?}");
            }
        }
    }
}
