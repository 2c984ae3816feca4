//! Leases and retries, on both databases.

use super::{Outcome, claim, counts, enqueue_at, extend, finish};
use crate::db::tests::databases;
use std::collections::HashSet;

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
