//! Leases and retries, on both databases.

use super::recurring::{self, Plan};
use super::turns::{self, Class, PICTURE_KINDS, PictureJob};
use super::workers::{self, Worker};
use super::{Outcome, claim, claim_of, counts, enqueue_at, extend, finish, revive, trouble};
use crate::db::{execute, fetch};
use crate::testing::databases;
use std::collections::HashSet;
use std::time::Duration;

const KINDS: &[&str] = &["paint", "sell"];

async fn add(db: &crate::db::Db, key: &str, run_at_ms: i64) {
    let mut tx = db.write().await.expect("a transaction");
    enqueue_at(&mut tx, "paint", key, key, run_at_ms)
        .await
        .expect("a job");
    tx.commit().await.expect("a commit");
}

#[tokio::test]
async fn two_workers_never_claim_one_job() {
    for test in databases().await {
        for number in 0..40 {
            add(&test.db, &format!("job-{number}"), 0).await;
        }
        let worker = |owner: &'static str| {
            let db = test.db.clone();
            tokio::spawn(async move {
                let mut mine = Vec::new();
                while let Some(job) = claim(&db, owner, KINDS, 1000).await.expect("a claim") {
                    mine.push(job.payload.clone());
                    finish(&db, &job, &Outcome::Done, 1001)
                        .await
                        .expect("a note");
                }
                mine
            })
        };
        let (first, second) = (worker("first"), worker("second"));
        let all: Vec<String> = first
            .await
            .expect("no panic")
            .into_iter()
            .chain(second.await.expect("no panic"))
            .collect();
        assert_eq!(all.len(), 40, "{}", test.name);
        assert_eq!(
            all.iter().collect::<HashSet<_>>().len(),
            40,
            "{}",
            test.name
        );
    }
}

#[tokio::test]
async fn a_dead_workers_job_is_taken_up_again_and_its_late_note_changes_nothing() {
    for test in databases().await {
        add(&test.db, "once", 0).await;
        let dead = claim(&test.db, "dead", KINDS, 1000)
            .await
            .expect("a claim")
            .expect("a job");
        assert!(
            claim(&test.db, "other", KINDS, 2000)
                .await
                .expect("a claim")
                .is_none(),
            "{}: leased",
            test.name
        );
        let later = 1000 + super::LEASE_MS + 1;
        let taken = claim(&test.db, "other", KINDS, later)
            .await
            .expect("a claim")
            .expect("the same job");
        assert_eq!((taken.id.clone(), taken.attempts), (dead.id.clone(), 2));
        finish(&test.db, &dead, &Outcome::Done, later)
            .await
            .expect("a late note");
        assert!(
            !extend(&test.db, &dead, later).await.expect("an answer"),
            "{}: the lease was lost",
            test.name
        );
        assert!(
            extend(&test.db, &taken, later).await.expect("an answer"),
            "{}: still open",
            test.name
        );
        finish(&test.db, &taken, &Outcome::Done, later)
            .await
            .expect("a note");
        let mut tx = test.db.read().await.expect("a transaction");
        assert_eq!(
            counts(&mut tx).await.expect("counts"),
            (0, 0),
            "{}",
            test.name
        );
    }
}

#[tokio::test]
async fn enqueueing_twice_is_one_job_until_it_is_finished() {
    for test in databases().await {
        add(&test.db, "key", 0).await;
        add(&test.db, "key", 0).await;
        let job = claim(&test.db, "w", KINDS, 1000)
            .await
            .expect("a claim")
            .expect("a job");
        assert!(
            claim(&test.db, "w", KINDS, 1000)
                .await
                .expect("a claim")
                .is_none(),
            "{}",
            test.name
        );
        finish(&test.db, &job, &Outcome::Done, 1000)
            .await
            .expect("a note");
        add(&test.db, "key", 0).await;
        assert!(
            claim(&test.db, "w", KINDS, 1000)
                .await
                .expect("a claim")
                .is_some(),
            "{}: the key is free again",
            test.name
        );
    }
}

#[tokio::test]
async fn a_failing_job_waits_longer_each_time_and_dies_in_sight() {
    for test in databases().await {
        add(&test.db, "bad", 0).await;
        let mut now = 1000;
        for attempt in 1..=super::MAX_ATTEMPTS {
            let job = claim(&test.db, "w", KINDS, now)
                .await
                .expect("a claim")
                .expect("due again");
            assert_eq!(job.attempts, attempt, "{}", test.name);
            finish(&test.db, &job, &Outcome::Failed("no paint".into()), now)
                .await
                .expect("a note");
            assert!(
                claim(&test.db, "w", KINDS, now)
                    .await
                    .expect("a claim")
                    .is_none(),
                "{}: not at once",
                test.name
            );
            now += 2 * super::MAX_DELAY_MS;
        }
        let mut tx = test.db.read().await.expect("a transaction");
        assert_eq!(
            counts(&mut tx).await.expect("counts"),
            (0, 1),
            "{}: dead and shown",
            test.name
        );
    }
}

#[tokio::test]
async fn a_job_that_is_not_ready_is_not_counted_as_failed() {
    for test in databases().await {
        add(&test.db, "soon", 0).await;
        let job = claim(&test.db, "w", KINDS, 1000)
            .await
            .expect("a claim")
            .expect("a job");
        finish(&test.db, &job, &Outcome::Later(50), 1000)
            .await
            .expect("a note");
        let again = claim(&test.db, "w", KINDS, 1050)
            .await
            .expect("a claim")
            .expect("due");
        assert_eq!(again.attempts, 1, "{}", test.name);
        assert!(
            claim(&test.db, "w", &["sell"], 9000)
                .await
                .expect("a claim")
                .is_none(),
            "{}: other kinds stay away",
            test.name
        );
    }
}

#[tokio::test]
async fn a_dead_job_is_listed_with_its_error_and_runs_again_when_asked() {
    for test in databases().await {
        add(&test.db, "bad", 0).await;
        let mut now = 1000;
        for _ in 0..super::MAX_ATTEMPTS {
            let job = claim(&test.db, "w", KINDS, now).await.expect("a claim");
            let failed = Outcome::Failed("no paint".into());
            finish(&test.db, &job.expect("due"), &failed, now)
                .await
                .expect("a note");
            now += 2 * super::MAX_DELAY_MS;
        }
        let mut tx = test.db.write().await.expect("a transaction");
        let listed = trouble(&mut tx, 5).await.expect("a list");
        let dead = listed.first().expect("one");
        assert_eq!(dead.last_error.as_deref(), Some("no paint"));
        assert_eq!(dead.state, "dead", "{}", test.name);
        let id = dead.id.clone();
        assert!(revive(&mut tx, &id).await.expect("an answer"));
        assert!(
            !revive(&mut tx, &id).await.expect("an answer"),
            "{}: once",
            test.name
        );
        tx.commit().await.expect("a commit");
        let real = crate::random::real_now_ms() + 1;
        let again = claim(&test.db, "w", KINDS, real).await.expect("a claim");
        assert_eq!(again.expect("due").attempts, 1, "{}", test.name);
    }
}

const HOURLY: Plan = Plan {
    kind: "hourly",
    every_ms: 3_600_000,
    first_ms: 500,
    at_start: false,
};
const EAGER: Plan = Plan {
    kind: "eager",
    every_ms: 10_000,
    first_ms: 0,
    at_start: true,
};

#[tokio::test]
async fn recurring_work_has_a_row_and_one_taker_and_comes_back_sooner_when_it_failed() {
    for test in databases().await {
        let due = async |now: i64| {
            let mut tx = test.db.read().await.expect("a transaction");
            recurring::due(&mut tx, now).await.expect("a list")
        };
        let plans = [HOURLY, EAGER];
        recurring::schedule(&test.db, &plans, 1000)
            .await
            .expect("rows");
        assert_eq!(due(1499).await, ["eager"], "{}", test.name);
        assert_eq!(due(1500).await, ["eager", "hourly"], "{}", test.name);
        assert!(
            recurring::take(&test.db, &HOURLY, 1500)
                .await
                .expect("a turn")
        );
        assert!(
            !recurring::take(&test.db, &HOURLY, 1500)
                .await
                .expect("an answer"),
            "{}: one taker",
            test.name
        );
        recurring::note(&test.db, &HOURLY, Some("no bank"), 1600)
            .await
            .expect("a note");
        let again = 1600 + recurring::RETRY_MS;
        assert!(!due(again - 1).await.contains(&"hourly".to_owned()));
        assert!(due(again).await.contains(&"hourly".to_owned()));
        assert!(
            recurring::take(&test.db, &HOURLY, again)
                .await
                .expect("a turn")
        );
        recurring::note(&test.db, &HOURLY, None, again + 5)
            .await
            .expect("a note");
        // A start leaves alone what ended well, but for what every start runs.
        recurring::schedule(&test.db, &plans, again + 10)
            .await
            .expect("rows");
        assert_eq!(due(again + 1000).await, ["eager"], "{}", test.name);
        // What a process began and never ended is due again at the next start.
        let next = again + HOURLY.every_ms;
        assert!(
            recurring::take(&test.db, &HOURLY, next)
                .await
                .expect("a turn")
        );
        recurring::schedule(&test.db, &plans, next + 1)
            .await
            .expect("rows");
        assert!(due(next + 501).await.contains(&"hourly".to_owned()));
        let mut tx = test.db.read().await.expect("a transaction");
        let rows = recurring::list(&mut tx).await.expect("rows");
        let hourly = rows.iter().find(|row| row.kind == "hourly");
        let hourly = hourly.expect("a row");
        assert_eq!(
            (
                hourly.started_ms,
                hourly.finished_ms,
                hourly.last_error.clone()
            ),
            (Some(next), Some(again + 5), None),
            "{}",
            test.name
        );
    }
}

/// Enqueues a picture that takes so long for somebody.
async fn paint(db: &crate::db::Db, who: &str, key: &str, class: Class, cost_ms: i64) {
    paint_with(db, "", (who, key), class, cost_ms).await;
}

/// The same with a model.
async fn paint_with(
    db: &crate::db::Db,
    model: &str,
    (who, key): (&str, &str),
    class: Class,
    cost_ms: i64,
) {
    let mut tx = db.write().await.expect("a transaction");
    let job = PictureJob {
        kind: PICTURE_KINDS[0],
        unique_key: key,
        payload: key,
        class,
        share: Some(who),
        cost_ms,
        model,
    };
    turns::enqueue(&mut tx, &job).await.expect("a job");
    tx.commit().await.expect("a commit");
}

/// The next picture that a worker is given, made and noted.
async fn next(db: &crate::db::Db) -> Option<String> {
    let job = claim(db, "w", &PICTURE_KINDS, i64::MAX - super::LEASE_MS).await;
    let job = job.expect("a claim")?;
    let noted = finish(db, &job, &Outcome::Done, 1).await;
    noted.expect("a note");
    Some(job.payload)
}

#[tokio::test]
async fn a_long_list_of_one_person_keeps_nobody_else_waiting() {
    for test in databases().await {
        for number in 0..40 {
            paint(
                &test.db,
                "ada",
                &format!("ada-{number}"),
                Class::Studio,
                200,
            )
            .await;
        }
        assert_eq!(next(&test.db).await.as_deref(), Some("ada-0"));
        for number in 0..3 {
            paint(&test.db, "ben", &format!("ben-{number}"), Class::Studio, 16).await;
        }
        paint(&test.db, "eve", "eve-0", Class::Studio, 200).await;
        let mut served = Vec::new();
        for _ in 0..7 {
            served.extend(next(&test.db).await);
        }
        assert_eq!(
            served,
            [
                "ada-1", "ben-0", "ben-1", "ben-2", "ada-2", "eve-0", "ada-3"
            ],
            "{}: time is shared, and each list keeps its order",
            test.name
        );
    }
}

#[tokio::test]
async fn what_money_hangs_on_goes_before_pictures_that_are_only_tried() {
    for test in databases().await {
        paint(&test.db, "ada", "release", Class::Background, 1).await;
        paint(&test.db, "ada", "picture", Class::Studio, 1).await;
        paint(&test.db, "ada", "re-run", Class::Owed, 3000).await;
        paint(&test.db, "ben", "certify", Class::Owed, 16).await;
        let mut served = Vec::new();
        while let Some(payload) = next(&test.db).await {
            served.push(payload);
        }
        let expected = ["re-run", "certify", "picture", "release"];
        assert_eq!(served, expected, "{}", test.name);
        let quick = claim(&test.db, "w", KINDS, 1000).await;
        assert!(quick.expect("an answer").is_none(), "{}", test.name);
    }
}

#[tokio::test]
async fn what_is_asked_for_can_be_taken_back_begun_or_not_and_once() {
    for test in databases().await {
        for key in ["one", "two", "three"] {
            paint(&test.db, "ada", key, Class::Studio, 16).await;
        }
        let now = crate::random::real_now_ms() + 1;
        let begun = claim(&test.db, "w", &PICTURE_KINDS, now).await;
        let begun = begun.expect("a claim").expect("a job");
        assert_eq!(begun.payload, "one");
        let mut tx = test.db.write().await.expect("a transaction");
        turns::note_eta(&mut tx, &begun, Some(77))
            .await
            .expect("a note");
        let one = turns::standing(&mut tx, "one").await.expect("an answer");
        let one = one.expect("it is made");
        assert_eq!((one.begun, one.eta_ms), (true, Some(77)), "{}", test.name);
        let three = turns::standing(&mut tx, "three").await.expect("an answer");
        let three = three.expect("it waits");
        assert_eq!((three.begun, three.eta_ms), (false, None), "{}", test.name);
        let ahead = turns::ahead(&mut tx, &three, now).await.expect("a sum").0;
        assert_eq!(ahead, 32, "{}: one is being made", test.name);
        for (key, expected) in [
            ("one", true),
            ("one", false),
            ("two", true),
            ("two", false),
            ("none", false),
        ] {
            let taken_back = turns::cancel(&mut tx, key).await.expect("an answer");
            assert_eq!(taken_back, expected, "{}: {key}", test.name);
        }
        let open = turns::count_open(&mut tx, "ada", Class::Studio).await;
        assert_eq!(open.expect("a count"), 1, "{}", test.name);
        let gone = turns::standing(&mut tx, "one").await.expect("an answer");
        assert_eq!(gone, None, "{}", test.name);
        tx.commit().await.expect("a commit");
        assert!(!super::is_held(&test.db, &begun).await.expect("an answer"));
        // Its worker's late note changes nothing.
        finish(&test.db, &begun, &Outcome::Later(0), now)
            .await
            .expect("a note");
        let next = claim(&test.db, "w", &PICTURE_KINDS, now).await;
        assert_eq!(next.expect("a claim").expect("a job").payload, "three");
    }
}

#[tokio::test]
async fn a_body_whose_job_was_taken_back_is_left_where_it_stands() {
    for test in databases().await {
        paint(&test.db, "ada", "one", Class::Studio, 16).await;
        let now = crate::random::real_now_ms() + 1;
        let job = claim(&test.db, "w", &PICTURE_KINDS, now).await;
        let job = job.expect("a claim").expect("a job");
        let body = async {
            let mut tx = test.db.write().await.expect("a transaction");
            assert!(turns::cancel(&mut tx, "one").await.expect("an answer"));
            tx.commit().await.expect("a commit");
            std::future::pending().await
        };
        let every = Duration::from_millis(5);
        let left = super::run_leased(&test.db, &job, every, body);
        let left = tokio::time::timeout(Duration::from_secs(10), left).await;
        assert!(left.is_ok(), "{}", test.name);
    }
}

#[tokio::test]
async fn a_process_that_stops_leaves_a_long_body_and_gives_the_job_back() {
    for test in databases().await {
        paint(&test.db, "ada", "one", Class::Studio, 16).await;
        let now = crate::random::real_now_ms() + 1;
        let job = claim_of(&test.db, "w", &PICTURE_KINDS, &[], now).await;
        let job = job.expect("a claim").expect("a job");
        let (sender, stop) = tokio::sync::watch::channel(false);
        let patience = Duration::from_millis(5);
        // What ends by itself meanwhile has ended.
        let quick = super::until_stopped(async { Outcome::Done }, stop.clone(), patience).await;
        assert!(matches!(quick, Outcome::Done), "{}", test.name);
        sender.send_replace(true);
        let outcome = super::until_stopped(std::future::pending(), stop, patience).await;
        assert!(matches!(outcome, Outcome::Later(0)), "{}", test.name);
        finish(&test.db, &job, &outcome, now).await.expect("a note");
        let again = claim_of(&test.db, "x", &PICTURE_KINDS, &[], now).await;
        let again = again.expect("a claim").expect("at once");
        assert_eq!((again.id, again.attempts), (job.id, 1), "{}", test.name);
    }
}

/// What a worker with these models is given, one after the other.
async fn all_of(db: &crate::db::Db, models: &[&str]) -> Vec<String> {
    let models: Vec<String> = models.iter().map(|model| (*model).to_owned()).collect();
    let now = crate::random::real_now_ms() + 1;
    let mut given = Vec::new();
    while let Some(job) = claim_of(db, "w", &PICTURE_KINDS, &models, now)
        .await
        .expect("a claim")
    {
        finish(db, &job, &Outcome::Done, now).await.expect("a note");
        given.push(job.payload);
    }
    given
}

#[tokio::test]
async fn a_worker_takes_what_needs_a_model_that_it_holds_and_what_needs_none() {
    for test in databases().await {
        for (key, model, class) in [
            ("b", "big", Class::Studio),
            ("s", "small", Class::Studio),
            ("any", "", Class::Studio),
            ("owed", "small", Class::Owed),
        ] {
            paint_with(&test.db, model, ("ada", key), class, 16).await;
        }
        assert_eq!(all_of(&test.db, &["small"]).await, ["owed", "s", "any"]);
        assert_eq!(all_of(&test.db, &[]).await, Vec::<String>::new());
        // One that learns only then what it needs goes on to whoever has it, and has not failed.
        paint(&test.db, "ada", "old", Class::Studio, 16).await;
        let now = crate::random::real_now_ms() + 1;
        let job = claim_of(&test.db, "w", &PICTURE_KINDS, &[], now).await;
        let job = job.expect("a claim").expect("a job");
        finish(&test.db, &job, &Outcome::Elsewhere("big".into()), now)
            .await
            .expect("a note");
        assert_eq!(all_of(&test.db, &["small"]).await, Vec::<String>::new());
        assert_eq!(all_of(&test.db, &["big"]).await, ["b", "old"]);
    }
}

#[tokio::test]
async fn two_machines_that_hold_one_model_share_its_jobs() {
    for test in databases().await {
        for number in 0..40 {
            let key = format!("job-{number}");
            paint_with(&test.db, "big", ("ada", &key), Class::Studio, 1).await;
        }
        let worker = || {
            let db = test.db.clone();
            tokio::spawn(async move { all_of(&db, &["small", "big"]).await })
        };
        let (one, other) = (worker(), worker());
        let mut all = one.await.expect("no panic");
        all.extend(other.await.expect("no panic"));
        let different: HashSet<_> = all.iter().collect();
        assert_eq!((all.len(), different.len()), (40, 40), "{}", test.name);
    }
}

#[tokio::test]
async fn ten_thousand_that_wait_for_an_absent_model_stand_in_nobodys_way() {
    for test in databases().await {
        let mut tx = test.db.write().await.expect("a transaction");
        let sql = "insert into job (id, kind, unique_key, payload, state, run_at_ms, attempts, created_ms, queue, class, turn, cost, share, model)
            with recursive number (i) as (select 1 union all select i + 1 from number where i < 10000)
            select 'j' || i, 'studio-generate', 'u' || i, 'p', 'waiting', 0, 0, 0, 'pictures', 2, i, 1, 'ada', 'big' from number where i <> $1";
        execute!(&mut tx, sql, 0i64).expect("jobs");
        tx.commit().await.expect("a commit");
        beat(&test.db, "w", &["small"], crate::random::real_now_ms()).await;
        for key in ["one", "two"] {
            paint_with(&test.db, "small", ("ben", key), Class::Studio, 500).await;
        }
        let begun = std::time::Instant::now();
        let mut tx = test.db.read().await.expect("a transaction");
        let two = turns::standing(&mut tx, "two").await.expect("an answer");
        let two = two.expect("it waits");
        let now = crate::random::real_now_ms();
        let ahead = turns::ahead(&mut tx, &two, now).await.expect("a sum");
        assert_eq!(ahead, (500, 1), "{}: only what can be made", test.name);
        drop(tx);
        assert_eq!(all_of(&test.db, &["small"]).await, ["one", "two"]);
        eprintln!("{}: three claims in {:?}", test.name, begun.elapsed());
    }
}

async fn beat(db: &crate::db::Db, id: &str, models: &[&str], now_ms: i64) -> Worker {
    let models = models
        .iter()
        .map(|model| ((*model).to_owned(), format!("The {model} one")));
    let worker = Worker {
        id: id.into(),
        engines: 1,
        models: models.collect(),
    };
    workers::beat(db, &worker, now_ms).await.expect("a beat");
    worker
}

#[tokio::test]
async fn a_machine_that_is_not_heard_or_goes_holds_nothing_and_its_models_keep_their_names() {
    for test in databases().await {
        beat(&test.db, "one", &["small", "big"], 1_000).await;
        let other = beat(&test.db, "other", &["small"], 2_000).await;
        let at = async |now: i64| {
            let mut tx = test.db.read().await.expect("a transaction");
            let held = workers::list_held(&mut tx, now).await.expect("models");
            let engines = workers::count_engines(&mut tx, "small", now).await;
            (held, engines.expect("a number"))
        };
        let both = vec!["big".to_owned(), "small".to_owned()];
        assert_eq!(at(2_000).await, (both, 2), "{}", test.name);
        let late = 1_000 + workers::GONE_MS;
        assert_eq!(at(late).await, (vec!["small".to_owned()], 1));
        workers::leave(&test.db, &other).await.expect("gone");
        assert_eq!(at(late).await, (vec![], 0), "{}", test.name);
        let mut tx = test.db.read().await.expect("a transaction");
        let known = workers::find_model(&mut tx, "big", late).await;
        let known = known.expect("an answer").expect("a model");
        assert_eq!(known.name, "The big one", "{}", test.name);
        assert_eq!((known.held_ms, known.workers), (1_000, 0), "{}", test.name);
    }
}

#[tokio::test]
async fn only_what_waited_long_for_a_model_that_stayed_away_is_stranded() {
    for test in databases().await {
        let now = crate::random::real_now_ms();
        let hour = 3_600_000;
        beat(&test.db, "gone", &["big", "back"], now - 3 * hour).await;
        for (key, model) in [
            ("b", "big"),
            ("never", "unheard"),
            ("any", ""),
            ("ok", "back"),
        ] {
            paint_with(&test.db, model, ("ada", key), Class::Studio, 1).await;
        }
        beat(&test.db, "here", &["back"], now).await;
        let stranded = async |waited: i64, now: i64| {
            let mut tx = test.db.read().await.expect("a transaction");
            let jobs = turns::list_stranded(&mut tx, waited, now).await;
            let keys = jobs.expect("jobs").into_iter().map(|job| job.payload);
            keys.collect::<Vec<_>>()
        };
        // They were asked for just now, however long their model is away.
        assert_eq!(stranded(2 * hour, now + 10).await, Vec::<String>::new());
        let later = now + 2 * hour + 1_000;
        beat(&test.db, "here", &["back"], later).await;
        assert_eq!(stranded(2 * hour, later).await, ["b", "never"]);
        beat(&test.db, "gone", &["big"], later).await;
        assert_eq!(stranded(2 * hour, later).await, ["never"], "{}", test.name);
    }
}

#[tokio::test]
async fn a_long_job_that_holds_the_only_writer_is_not_stopped_by_the_extension_of_its_lease() {
    for test in databases().await {
        let now = crate::random::real_now_ms();
        add(&test.db, "long", 0).await;
        let job = claim(&test.db, "w", KINDS, now).await.expect("a claim");
        let job = job.expect("a job");
        let every = Duration::from_millis(5);
        let body = async {
            let tx = test.db.write().await.expect("a transaction");
            // The work itself, over many extensions: on SQLite each waits for the writer that is held here.
            tokio::time::sleep(every * 20).await;
            tx.commit().await.expect("a commit");
            Outcome::Done
        };
        let run = super::run_leased(&test.db, &job, every, body);
        let ended = tokio::time::timeout(Duration::from_secs(10), run).await;
        assert!(
            matches!(ended, Ok(Outcome::Done)),
            "{}: {ended:?}",
            test.name
        );
        let held = extend(&test.db, &job, now).await.expect("an answer");
        assert!(held, "{}: the lease was kept", test.name);
    }
}

#[tokio::test]
async fn what_is_done_is_forgotten_after_a_week_and_nothing_else_is() {
    for test in databases().await {
        let long_ago = crate::random::real_now_ms() - 8 * crate::clock::DAY_MS;
        for (state, finished_ms) in [
            ("waiting", None),
            ("done", Some(long_ago)),
            ("done", Some(crate::random::real_now_ms())),
            ("dead", Some(long_ago)),
        ] {
            let name = format!("{state} {finished_ms:?}");
            let mut tx = test.db.write().await.expect("a transaction");
            execute!(
                &mut tx,
                "insert into job (id, kind, unique_key, payload, state, run_at_ms, attempts, created_ms, finished_ms)
                    values ($1, 'k', $1, '', $2, 0, 1, 0, $3)",
                &name,
                state,
                finished_ms
            )
            .expect("a job");
            tx.commit().await.expect("a commit");
        }
        let mut tx = test.db.write().await.expect("a transaction");
        super::sweep(&mut tx).await.expect("swept");
        let left = fetch!(
            &mut tx,
            fetch_all,
            (String,),
            "select state from job order by state"
        );
        let left: Vec<String> = left.expect("rows").into_iter().map(|row| row.0).collect();
        assert_eq!(left, ["dead", "done", "waiting"], "{}", test.name);
    }
}
