//! The task that writes the log, with a database, a folder and witnesses that fail under it, on both databases.

use super::intake::{Intake, intake};
use super::service::PublicLog;
use super::status::{Cause, LogStatus};
use super::{Sequencer, store};
use crate::log::keys;
use crate::log::keys::ends::Search;
use crate::people::service::{NewPerson, sign_up};
use base::db::{Db, execute};
use base::lang::Lang;
use base::testing::{TestDb, databases};
use ledger::note::Verifier;
use ledger::policy::Policy;
use schema::digest::Digest;
use schema::key::{SecretKey, registration_message};
use schema::key_event::{Authority, KeyEndStatement, Reason};
use schema::leaf::{Leaf, LeafKind};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

const ORIGIN: &str = "log.test";

fn secret(number: u16) -> SecretKey {
    let mut bytes = [7; 32];
    bytes[..2].copy_from_slice(&number.to_be_bytes());
    SecretKey::from_bytes(bytes)
}

fn leaf(number: u8) -> Leaf {
    Leaf::sign(
        ORIGIN,
        LeafKind::SealedRecipe,
        Digest([number; 32]),
        &secret(0),
    )
}

/// A log that is being written.
struct Running {
    db: Db,
    place: PathBuf,
    log: PublicLog,
    intake: Intake,
    stop: watch::Sender<bool>,
    sequencing: JoinHandle<anyhow::Result<()>>,
    storing: JoinHandle<()>,
}

fn policy(text: &str) -> Policy {
    let log = Verifier::new(ORIGIN, secret(0).public()).expect("a name");
    Policy::parse(&format!("log {log}\n{text}")).expect("a policy")
}

async fn start(test: &TestDb, policy: Option<Policy>) -> Running {
    let place = test.folder.path().join("log");
    let verifier = Verifier::new(ORIGIN, secret(0).public()).expect("a name");
    let log = PublicLog::new(
        ORIGIN.into(),
        verifier,
        place.clone(),
        secret(0),
        policy.clone(),
    )
    .expect("a log");
    let (intake, storing) = intake(ORIGIN);
    let (stop, stopped) = watch::channel(false);
    let storing = tokio::spawn(storing.run(test.db.clone(), stopped.clone()));
    let sequencer = Sequencer {
        db: test.db.clone(),
        origin: ORIGIN.into(),
        secret: [[0, 0].as_slice(), &[7; 30]]
            .concat()
            .try_into()
            .expect("32 bytes"),
        folder: place.clone(),
        may_begin: true,
        begun_note: test.folder.path().join("log-begun"),
        policy,
        settled: intake.settled(),
        reporter: log.reporter(),
    };
    let (ready, opened) = oneshot::channel();
    let sequencing = tokio::task::spawn_blocking(move || sequencer.run(ready, stopped));
    opened.await.expect("the log opens");
    Running {
        db: test.db.clone(),
        place,
        log,
        intake,
        stop,
        sequencing,
        storing,
    }
}

impl Running {
    /// Submits a leaf and waits for its index.
    async fn submit(&self, number: u8) -> Option<i64> {
        let submitted = self
            .intake
            .submit(ORIGIN, leaf(number), secret(0).public(), None);
        submitted.await.expect("logged").log_index
    }

    /// Waits until the log's status is as wanted.
    async fn until(&self, what: &str, wanted: impl FnMut(&LogStatus) -> bool) -> LogStatus {
        let mut follow = self.log.reporter().follow();
        let waited = tokio::time::timeout(Duration::from_secs(30), follow.wait_for(wanted)).await;
        let status = waited.unwrap_or_else(|_| panic!("{what}: {:?}", self.log.status()));
        status.expect("the reporter lives").clone()
    }

    async fn waits_for(&self, cause: Cause, what: &str) {
        let is_so = |status: &LogStatus| {
            let waiting = status.waiting.as_ref();
            waiting.is_some_and(|waiting| waiting.cause == cause)
        };
        let status = self.until(what, is_so).await;
        assert!(status.open && !status.is_well(), "{what}: {status:?}");
        assert!(!self.sequencing.is_finished(), "{what}");
    }

    async fn stop(self) -> anyhow::Result<()> {
        self.stop.send_replace(true);
        self.db.bells().leaves.ring();
        let (stopped, stored) = tokio::join!(self.sequencing, self.storing);
        stored.expect("storing ends, though an intake is left");
        stopped.expect("no panic")
    }
}

/// Runs statements that no store has.
async fn run(db: &Db, statements: &[&'static str]) {
    let mut tx = db.write().await.expect("a transaction");
    for sql in statements {
        execute!(&mut tx, *sql).expect("a statement");
    }
    tx.commit().await.expect("committed");
}

/// Takes a table away, lets a leaf come, brings it back.
async fn without(running: &Running, taken: &'static str, back: &'static str, number: u8) {
    run(&running.db, &[taken]).await;
    let cured = async {
        running.waits_for(Cause::Database, taken).await;
        run(&running.db, &[back]).await;
    };
    let (index, ()) = tokio::join!(running.submit(number), cured);
    assert_eq!(index, Some(i64::from(number)), "{taken}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_fails_between_two_steps_ends_nothing_and_doubles_nothing() {
    for test in databases().await {
        let running = start(&test, None).await;
        assert_eq!(running.submit(0).await, Some(0));
        // The checkpoint that dates a leaf is noted with its index.
        without(
            &running,
            "alter table log_public rename to away",
            "alter table away rename to log_public",
            1,
        )
        .await;
        // The swap fails, and whether it happened cannot be asked.
        without(
            &running,
            "alter table log_checkpoint rename to away",
            "alter table away rename to log_checkpoint",
            2,
        )
        .await;
        assert_eq!(running.submit(3).await, Some(3));
        assert_eq!(running.submit(1).await, Some(1), "a repeat");
        let well = running.until("well again", LogStatus::is_well).await;
        assert_eq!(well.published.map(|published| published.size), Some(4));
        assert!(well.last_error.is_some(), "what is over is remembered");
        assert_eq!(running.log.audit().expect("it fits"), 4, "{}", test.name);
        let status = running.log.reporter();
        running.stop().await.expect("nothing ended it");
        assert!(!status.status().open);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_cut_while_leaves_come_end_nothing() {
    for test in databases().await {
        if test.name != "postgres" {
            continue;
        }
        let running = start(&test, None).await;
        let cut = "select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid()";
        for number in 0..30 {
            let submitted = async {
                // Who is told to come again does.
                loop {
                    let key = secret(0).public();
                    match running.intake.submit(ORIGIN, leaf(number), key, None).await {
                        Ok(row) => break row.log_index,
                        Err(super::service::Error::Busy) => tokio::task::yield_now().await,
                        Err(error) => panic!("{error}"),
                    }
                }
            };
            // At another moment of a leaf's way each time.
            let cutting = async {
                for _ in 0..u32::from(number) * 20 {
                    tokio::task::yield_now().await;
                }
                let mut tx = test.db.write().await?;
                execute!(&mut tx, cut)?;
                tx.commit().await
            };
            let (index, _cut) = tokio::join!(submitted, cutting);
            assert_eq!(index, Some(i64::from(number)));
        }
        assert_eq!(running.log.audit().expect("it fits"), 30);
        running.stop().await.expect("nothing ended it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_fails_is_named_and_the_log_goes_on_when_it_is_back() {
    for test in databases().await {
        let running = start(&test, None).await;
        assert_eq!(running.submit(0).await, Some(0));
        let staging = running.place.join("staging");
        std::fs::remove_dir_all(&staging).expect("removed");
        std::fs::write(&staging, "in the way").expect("a file");
        let cured = async {
            running.waits_for(Cause::Folder, "no staging").await;
            std::fs::remove_file(&staging).expect("removed");
        };
        let (index, ()) = tokio::join!(running.submit(1), cured);
        assert_eq!(index, Some(1), "{}", test.name);
        // A tile's place is taken after its checkpoint was swapped in.
        let tiles = running.place.join("tile/0/000.p");
        std::fs::rename(&tiles, running.place.join("kept")).expect("moved");
        std::fs::write(&tiles, "in the way").expect("a file");
        let cured = async {
            running.waits_for(Cause::Folder, "no tiles").await;
            std::fs::remove_file(&tiles).expect("removed");
            std::fs::rename(running.place.join("kept"), &tiles).expect("moved back");
        };
        let (index, ()) = tokio::join!(running.submit(2), cured);
        assert_eq!(index, Some(2), "{}", test.name);
        assert_eq!(running.log.audit().expect("it fits"), 3);
        running.stop().await.expect("nothing ended it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_checkpoint_that_was_changed_is_written_again_and_told_of() {
    for test in databases().await {
        let running = start(&test, None).await;
        assert_eq!(running.submit(0).await, Some(0));
        let path = running.place.join("checkpoint");
        let right = std::fs::read(&path).expect("a checkpoint");
        std::fs::write(&path, &right[..30]).expect("truncated");
        let repaired = |status: &LogStatus| status.repaired.is_some();
        let status = running.until("repaired", repaired).await;
        let what = status.repaired.expect("an event").what;
        assert!(what.contains("damaged"), "{what}");
        assert_eq!(std::fs::read(&path).expect("a checkpoint"), right);
        running.stop().await.expect("nothing ended it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_without_its_witnesses_says_for_whom_it_waits_and_stops_at_once() {
    for test in databases().await {
        let witness = Verifier::witness("w.example", secret(9).public()).expect("a name");
        // Nobody listens on the port of the discard service.
        let text = format!("witness w {witness} http://127.0.0.1:9\nquorum w\n");
        let running = start(&test, Some(policy(&text))).await;
        running.waits_for(Cause::Witnesses, "no witness").await;
        let first = running.log.status().waiting.expect("it waits").since_ms;
        let error = running.log.status().last_error.expect("an error").at_ms;
        let again = |status: &LogStatus| {
            let last = status.last_error.as_ref();
            last.is_some_and(|last| last.at_ms > error)
        };
        let status = running.until("another try", again).await;
        assert_eq!(status.waiting.expect("it waits").since_ms, first);
        let stopped = tokio::time::timeout(Duration::from_secs(2), running.stop()).await;
        stopped
            .expect("it does not sit out its pause")
            .expect("well");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_contradicts_the_log_ends_it() {
    for test in databases().await {
        let running = start(&test, None).await;
        assert_eq!(running.submit(0).await, Some(0));
        let mut tx = test.db.write().await.expect("a transaction");
        // Another leaf already has the place that the next one will get.
        store::insert_logged(&mut tx, ORIGIN, &leaf(200), 1, 0)
            .await
            .expect("a row");
        tx.commit().await.expect("committed");
        let submitted = running
            .intake
            .submit(ORIGIN, leaf(1), secret(0).public(), None);
        let ended = |status: &LogStatus| !status.open;
        tokio::select! {
            _ = submitted => panic!("{}: it was logged", test.name),
            _ = running.until("ended", ended) => {}
        }
        let error = running.stop().await.expect_err("a contradiction");
        assert!(format!("{error:#}").contains("cannot note"), "{error:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_before_the_stop_is_stored_and_who_comes_later_is_told_so() {
    for test in databases().await {
        let running = start(&test, None).await;
        let intake = running.intake.clone();
        assert_eq!(running.submit(0).await, Some(0));
        running.stop().await.expect("well");
        let late = intake.submit(ORIGIN, leaf(1), secret(0).public(), None);
        assert!(matches!(late.await, Err(super::service::Error::Busy)));
    }
}

fn end(of: u16, authority: Authority, successor: Option<u16>, reason: Reason) -> Leaf {
    let statement = KeyEndStatement {
        key_hash: secret(of).public().hash(),
        reason,
        authority,
        successor: successor.map(|number| secret(number).public()),
    };
    let signer = match authority {
        Authority::Key => secret(of),
        Authority::Account => secret(9_999),
    };
    statement.sign(ORIGIN, &signer).expect("a statement").1
}

#[test]
fn ends_that_only_the_log_knows_are_found_without_a_signature_and_in_one_pass() {
    let keys = |count: u16| -> Vec<(String, String)> {
        (1..=count)
            .map(|number| ("ada".to_owned(), secret(number).public().to_string()))
            .collect()
    };
    // By the keys themselves: only their own statements are tried.
    let registered = keys(320);
    let search = Search::new(&registered);
    let ends: Vec<Leaf> = (1..=20)
        .map(|of| end(of, Authority::Key, Some(320 - of), Reason::Stolen))
        .collect();
    let found = search.find(&ends);
    assert_eq!(found.ends.len(), 20);
    assert!(found.tried <= 20 * 3 * 320, "{}", found.tried);
    for leaf in &ends {
        let statement = &found.ends[&leaf.digest];
        assert_eq!(statement.key_hash, leaf.key_hash);
        assert_eq!(statement.reason, Reason::Stolen);
    }
    // By the account, with and without a successor, and one of a key that is lost: one pass over all, however many leaves.
    let registered = keys(40);
    let search = Search::new(&registered);
    let mut ends: Vec<Leaf> = (1..=10)
        .map(|of| end(of, Authority::Account, None, Reason::Lost))
        .collect();
    ends.extend((11..=20).map(|of| end(of, Authority::Account, Some(of + 1), Reason::Routine)));
    ends.push(end(500, Authority::Account, None, Reason::Lost));
    let found = search.find(&ends);
    assert_eq!(found.ends.len(), 20);
    assert!(found.tried <= 3 * 40 * 40, "{}", found.tried);
    // A successor of another person's is none that the shop lets through.
    let strangers = vec![
        ("ada".to_owned(), secret(1).public().to_string()),
        ("eve".to_owned(), secret(2).public().to_string()),
    ];
    let none = Search::new(&strangers).find(&[end(1, Authority::Key, Some(2), Reason::Lost)]);
    assert!(none.ends.is_empty());
}

async fn register(test: &TestDb, count: u16) -> String {
    let ada = NewPerson::parse("ada@example.org", "ada", "correct horse").expect("a form");
    let person = sign_up(&test.db, ada, "member", Lang::En, "1")
        .await
        .expect("an account")
        .as_str()
        .to_owned();
    for number in 1..=count {
        let key = secret(number).public().to_string();
        let proof = secret(number).sign(&registration_message(ORIGIN, &person));
        keys::add_key(&test.db, ORIGIN, &person, &key, &hex::encode(proof))
            .await
            .expect("registered");
    }
    person
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_ended_after_the_copy_is_ended_before_the_doors_open() {
    for test in databases().await {
        register(&test, 4).await;
        let running = start(&test, None).await;
        assert_eq!(running.submit(0).await, Some(0));
        let ends = [
            end(1, Authority::Key, None, Reason::Lost),
            end(2, Authority::Account, Some(3), Reason::Stolen),
        ];
        for (queued_ms, leaf) in (1..).zip(&ends) {
            let mut tx = test.db.write().await.expect("a transaction");
            store::insert_leaf(&mut tx, ORIGIN, leaf, queued_ms)
                .await
                .expect("queued");
            tx.commit().await.expect("committed");
        }
        let logged = |status: &LogStatus| status.published.is_some_and(|now| now.size == 3);
        running.until("logged", logged).await;
        running.stop().await.expect("well");
        // The database goes back; the log does not.
        run(
            &test.db,
            &["delete from log_leaf where log_index > 0 or log_index is null"],
        )
        .await;
        let running = start(&test, None).await;
        let mut tx = test.db.read().await.expect("a transaction");
        for (number, ended) in [(1, true), (2, true), (3, false), (4, false)] {
            let hash = secret(number).public().hash().hex();
            let has_ended = keys::has_ended(&mut tx, &hash).await.expect("an answer");
            assert_eq!(has_ended, ended, "{}: {number}", test.name);
        }
        let index = store::find_leaf(&mut tx, &ends[1].hash().hex()).await;
        assert_eq!(
            index.expect("an answer").and_then(|row| row.log_index),
            Some(2)
        );
        drop(tx);
        assert_eq!(running.submit(1).await, Some(3));
        running.stop().await.expect("well");
    }
}

/// The files of `from` over those of `to`, as `cp -a FROM/. TO/` does it.
fn copy_over(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy_over(&entry.path(), &target);
            continue;
        }
        // Tiles are written read-only.
        let _absent = std::fs::remove_file(&target);
        std::fs::copy(entry.path(), target).expect("a copy");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_copied_over_a_newer_folder_signs_nothing_and_is_adopted() {
    for test in databases().await {
        let running = start(&test, None).await;
        for number in 0..3 {
            assert_eq!(running.submit(number).await, Some(i64::from(number)));
        }
        let (place, backup) = (running.place.clone(), test.folder.path().join("backup"));
        copy_over(&place, &backup);
        let lock = async || {
            let mut tx = test.db.read().await.expect("a transaction");
            let note = store::load_checkpoint(&mut tx, ORIGIN).await;
            note.expect("an answer").expect("a lock record")
        };
        let old = lock().await;
        for number in 3..7 {
            assert_eq!(running.submit(number).await, Some(i64::from(number)));
        }
        let new = lock().await;
        running.stop().await.expect("well");
        copy_over(&backup, &place);
        let mut tx = test.db.write().await.expect("a transaction");
        let swapped = store::swap_checkpoint(&mut tx, ORIGIN, &new, &old).await;
        assert!(swapped.expect("an answer"), "{}", test.name);
        tx.commit().await.expect("committed");
        run(&test.db, &["delete from log_leaf where log_index > 2"]).await;

        let key: [u8; 32] = [[0, 0].as_slice(), &[7; 30]]
            .concat()
            .try_into()
            .expect("32 bytes");
        let verifier = Verifier::new(ORIGIN, secret(0).public()).expect("a name");
        let log = PublicLog::new(ORIGIN.into(), verifier, place.clone(), secret(0), None);
        let log = log.expect("a log");
        let sequencer = Sequencer {
            db: test.db.clone(),
            origin: ORIGIN.into(),
            secret: key,
            folder: place.clone(),
            may_begin: false,
            begun_note: test.folder.path().join("log-begun"),
            policy: None,
            settled: intake(ORIGIN).0.settled(),
            reporter: log.reporter(),
        };
        let (ready, opened) = oneshot::channel();
        let (_stop, stopped) = watch::channel(false);
        let refused = tokio::task::spawn_blocking(move || sequencer.run(ready, stopped));
        assert!(opened.await.is_err(), "{}", test.name);
        let told = format!(
            "{:#}",
            refused.await.expect("no panic").expect_err("refused")
        );
        assert!(told.contains("beyond the 3 entries"), "{told}");
        assert!(told.contains("adopt-log"), "{told}");
        assert_eq!(lock().await, old, "nothing was swapped");
        let status = log.status();
        assert!(!status.open && status.last_error.is_some(), "{status:?}");

        let adopted = super::adopt(test.db.clone(), ORIGIN.into(), key, place).await;
        assert_eq!(adopted.expect("it extends"), (3, 7), "{}", test.name);
        assert_eq!(lock().await, new, "what was signed before");
        let running = start(&test, None).await;
        assert_eq!(running.submit(5).await, Some(5), "it is known again");
        assert_eq!(running.submit(7).await, Some(7));
        assert_eq!(running.log.audit().expect("it fits"), 8);
        running.stop().await.expect("well");
    }
}
