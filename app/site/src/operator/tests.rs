//! What the desk counts and how each part of the shop is said to stand, on both databases.

use super::health::{self, Part, PartState};
use super::service::desk;
use crate::config::{Config, Options};
use crate::web::server::Process;
use crate::web::state::AppState;
use base::jobs::recurring::{self, Plan};
use base::jobs::{self, Outcome};
use base::random::real_now_ms;
use base::testing::{TestDb, databases};
use market::log::status::{Cause, Event as LogEvent, LogStatus, Waiting};
use market::settlement::checks::{BOOKS_CHECK_SETTING, BooksCheck, LOG_AUDIT_SETTING};
use money::provider::inbox::{self, Event};
use money::provider::outbound::{self, OperationKind};
use money::provider::{Parameters, sandbox};
use std::sync::Arc;

/// A process that is open and does not serve, over the test's database.
async fn state(test: &TestDb) -> AppState {
    let options = Options {
        data: test.folder.path().join("shop"),
        database_url: None,
        site: test.folder.path().join("site"),
        public: test.folder.path().join("public"),
        public_url: "http://localhost:3000".into(),
        demo: false,
    };
    let config = Config::load(options).expect("settings");
    let process = Process::open(config, false).await.expect("a process");
    let mut state = process.state().clone();
    state.shop.db = test.db.clone();
    state
}

async fn part(state: &AppState, status: &LogStatus, name: &str) -> Part {
    let parts = health::look(state, status).await;
    let found = parts.into_iter().find(|part| part.name == name);
    found.unwrap_or_else(|| panic!("no part {name}"))
}

#[test]
fn the_worst_part_decides_and_only_what_keeps_visitors_out_makes_a_shop_unready() {
    let part = |name, state| Part {
        name,
        state,
        since_ms: None,
        why: None,
    };
    use PartState::{Degraded, Failing, Ok};
    assert_eq!(health::worst(&[]), Ok);
    for (states, expected) in [
        ([Ok, Ok, Ok], Ok),
        ([Ok, Degraded, Ok], Degraded),
        ([Failing, Degraded, Ok], Failing),
    ] {
        let parts = states.map(|state| part("jobs", state));
        assert_eq!(health::worst(&parts), expected);
    }
    for (name, state, ready) in [
        ("database", Failing, false),
        ("log", Failing, false),
        ("log", Degraded, true),
        ("writes", Failing, true),
        ("disk", Failing, true),
        ("witnesses", Degraded, true),
    ] {
        let parts = [part("database", Ok), part(name, state)];
        assert_eq!(health::is_ready(&parts), ready, "{name} {state:?}");
    }
}

#[tokio::test]
async fn the_desk_counts_what_is_open_and_what_died_and_shows_the_newest() {
    for test in databases().await {
        let state = state(&test).await;
        let mut tx = test.db.write().await.expect("a transaction");
        let empty = desk(&state, &mut tx).await.expect("a desk");
        assert_eq!((empty.jobs_open, empty.jobs_dead), (0, 0), "{}", test.name);
        assert!(empty.books.is_none() && empty.log_audit.is_none());
        for name in ["waits", "ends", "dies"] {
            jobs::enqueue(&mut tx, name, name, "").await.expect("a job");
        }
        for number in 0..15 {
            let event = Event {
                id: format!("event-{number}"),
                kind: "charge.updated".into(),
                object: "charge".into(),
                account: None,
                api_version: None,
                livemode: false,
                created_ms: number,
                body: None,
            };
            // A kind that nobody reads: no job comes with it.
            let stored = inbox::ignore(&mut tx, sandbox::NAME, &event).await;
            assert!(stored.expect("stored"), "{}", test.name);
            let plan = outbound::Plan {
                kind: OperationKind::Manual,
                line: None,
                payee: None,
                amount_minor: number + 1,
                parameters: Parameters::default(),
                decision: None,
                provider: "manual",
                now_ms: number,
            };
            outbound::plan(&mut tx, &plan).await.expect("planned");
        }
        tx.commit().await.expect("a commit");
        let far = i64::MAX / 2;
        let end = async |kind: &str, outcome: Outcome| {
            let job = jobs::claim(&test.db, "w", &[kind], far).await;
            let Some(job) = job.expect("a claim") else {
                return false;
            };
            let noted = jobs::finish(&test.db, &job, &outcome, real_now_ms()).await;
            noted.expect("a note");
            true
        };
        assert!(end("ends", Outcome::Done).await, "{}", test.name);
        let mut tries = 0;
        while end("dies", Outcome::Failed("why".into())).await {
            tries += 1;
        }
        assert!(tries > 1, "{}: it is tried again", test.name);
        let mut tx = test.db.read().await.expect("a transaction");
        let desk = desk(&state, &mut tx).await.expect("a desk");
        assert_eq!((desk.jobs_open, desk.jobs_dead), (1, 1), "{}", test.name);
        assert_eq!((desk.events.len(), desk.operations.len()), (12, 12));
        let amounts: Vec<i64> = desk.operations.iter().map(|one| one.amount).collect();
        let newest: Vec<i64> = (4..16).rev().collect();
        assert_eq!(amounts, newest, "{}", test.name);
        assert_eq!(desk.copies_open, 0, "{}", test.name);
    }
}

#[tokio::test]
async fn the_desk_says_how_the_last_checks_ended_and_nothing_of_what_it_cannot_read() {
    for test in databases().await {
        let state = state(&test).await;
        let check = BooksCheck {
            at_ms: 7,
            audit: Ok(12),
            reconciliation: Err("a payment differs".into()),
        };
        let environment = state.engines.environment();
        let release = format!("{}, {},", environment.engine, environment.runtime);
        let counted = |release: &str| {
            serde_json::json!({ "release": release, "on_sale": 5, "done": 3 }).to_string()
        };
        let text = serde_json::to_string(&check).expect("JSON");
        let mut tx = test.db.write().await.expect("a transaction");
        for (setting, value, rerun) in [
            (BOOKS_CHECK_SETTING, text.as_str(), (0, 0)),
            (LOG_AUDIT_SETTING, "{\"at_ms\":", (0, 0)),
            // What was counted of another release says nothing about this one.
            ("reruns_counted", &counted("another engine"), (0, 0)),
            ("reruns_counted", &counted(&release), (5, 3)),
        ] {
            let written = base::db::write_setting(&mut tx, setting, value).await;
            written.expect("written");
            let desk = desk(&state, &mut tx).await.expect("a desk");
            assert_eq!(desk.books.as_ref(), Some(&check), "{}", test.name);
            assert_eq!(desk.log_audit, None, "{}: half a note", test.name);
            assert_eq!(desk.rerun, rerun, "{} {value}", test.name);
        }
    }
}

#[tokio::test]
async fn late_and_failed_work_is_degraded_and_named_and_on_time_it_is_well() {
    for test in databases().await {
        let (state, status) = (state(&test).await, LogStatus::default());
        let now = real_now_ms();
        for (run_at_ms, expected) in [
            (now + 60_000, PartState::Ok),
            (now - 60_000, PartState::Ok),
            (now - 5 * 60_000, PartState::Degraded),
        ] {
            let mut tx = test.db.write().await.expect("a transaction");
            let key = run_at_ms.to_string();
            jobs::enqueue_at(&mut tx, "slow", &key, "", run_at_ms)
                .await
                .expect("a job");
            tx.commit().await.expect("a commit");
            let jobs = part(&state, &status, "jobs").await;
            assert_eq!(jobs.state, expected, "{}: {jobs:?}", test.name);
            let since = (expected != PartState::Ok).then_some(run_at_ms);
            assert_eq!(jobs.since_ms, since, "{}", test.name);
        }
        let plan = Plan {
            kind: "sweeping",
            every_ms: 60_000,
            first_ms: 0,
            at_start: false,
        };
        let is = async |expected, why: &str| {
            let part = part(&state, &status, "recurring").await;
            assert_eq!(part.state, expected, "{}: {part:?}", test.name);
            let told = part.why.unwrap_or_default();
            assert_eq!(told, why, "{}", test.name);
        };
        is(PartState::Ok, "").await;
        let at = now - 11 * 60_000;
        recurring::schedule(&test.db, &[plan], at)
            .await
            .expect("a row");
        is(PartState::Degraded, "sweeping is late").await;
        let taken = recurring::take(&test.db, &plan, now).await;
        assert!(taken.expect("an answer"), "{}", test.name);
        is(PartState::Ok, "").await;
        recurring::note(&test.db, &plan, Some("no broom"), now)
            .await
            .expect("a note");
        is(PartState::Degraded, "sweeping failed: no broom").await;
        recurring::note(&test.db, &plan, None, now)
            .await
            .expect("a note");
        is(PartState::Ok, "").await;
    }
}

#[tokio::test]
async fn what_keeps_the_log_is_its_folder_or_its_witnesses_and_never_both_at_once() {
    for test in databases().await {
        let state = state(&test).await;
        let is = async |status: &LogStatus, log, witnesses| {
            let found = part(&state, status, "log").await;
            assert_eq!(found.state, log, "{}: {found:?}", test.name);
            let found_witnesses = part(&state, status, "witnesses").await;
            assert_eq!(found_witnesses.state, witnesses, "{}", test.name);
            found.why.unwrap_or_default()
        };
        let mut status = LogStatus::default();
        let why = is(&status, PartState::Failing, PartState::Ok).await;
        assert_eq!(why, "it is not open");
        status.last_error = Some(LogEvent {
            at_ms: 1,
            what: "a lock".into(),
        });
        assert_eq!(
            is(&status, PartState::Failing, PartState::Ok).await,
            "a lock"
        );
        status.open = true;
        for (cause, witnesses) in [
            (Cause::Folder, PartState::Ok),
            (Cause::Database, PartState::Ok),
            (Cause::Witnesses, PartState::Degraded),
        ] {
            status.waiting = Some(Waiting {
                cause,
                since_ms: 5,
                error: "because".into(),
            });
            let why = is(&status, PartState::Failing, witnesses).await;
            // Here no checkpoint was ever written, which is said where nothing else is wrong with the log.
            let because = format!("{}: because", cause.name());
            assert_eq!(why == because, cause != Cause::Witnesses, "{why}");
        }
        let found = part(&state, &status, "witnesses").await;
        assert_eq!(
            (found.since_ms, found.why),
            (Some(5), Some("because".into()))
        );
    }
}

#[tokio::test]
async fn a_disk_is_failing_when_less_is_free_than_was_asked_for() {
    for test in databases().await {
        let mut state = state(&test).await;
        for (least, expected) in [(0, PartState::Ok), (u64::MAX, PartState::Failing)] {
            let mut config = (*state.config).clone();
            config.least_free_bytes = least;
            state.config = Arc::new(config);
            let disk = part(&state, &LogStatus::default(), "disk").await;
            assert_eq!(disk.state, expected, "{}: {disk:?}", test.name);
        }
    }
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_a_part_that_fails_and_the_others_are_still_told() {
    for test in databases().await {
        let state = state(&test).await;
        test.db.close().await;
        let parts = health::look(&state, &LogStatus::default()).await;
        let names: Vec<_> = parts.iter().map(|part| part.name).collect();
        assert_eq!(
            names,
            ["database", "writes", "disk", "log", "witnesses"],
            "{}",
            test.name
        );
        assert_eq!(parts[0].state, PartState::Failing, "{}", test.name);
        assert!(parts[0].why.is_some() && !health::is_ready(&parts));
        assert_eq!(health::worst(&parts), PartState::Failing, "{}", test.name);
    }
}
