//! What is left behind is swept, and nothing else.

use super::{ASIDE_MS, DAY_MS, Swept, sweep};
use crate::testing::{self, Person};
use base::db::execute;
use base::media::Media;
use base::random::real_now_ms;
use base::testing::{TestDb, databases};

/// Sweeps every folder once.
async fn sweep_all(test: &TestDb, files: &Media, now_ms: i64) -> Swept {
    let mut all = Swept::default();
    for _ in 0..256 {
        let one = sweep(&test.db, files, "here", now_ms).await.expect("swept");
        all.aside += one.aside;
        all.back += one.back;
        all.removed += one.removed;
    }
    all
}

async fn name_it(test: &TestDb, blob: &str) {
    let mut tx = test.db.write().await.expect("a transaction");
    let person = Person::new("p").insert(&mut tx).await;
    testing::secret(&mut tx, "s").await;
    let sql = "insert into draft (id, person_id, title, description, category, price_minor, licence, secret_id, created_ms, updated_ms) values ('d', $1, '', '', 'faces', 0, 'x', 's', 1, 1)";
    execute!(&mut tx, sql, &person).expect("a draft");
    let sql = "insert into picture (id, draft_id, person_id, secret_id, text_tag, state, step, steps, blob, created_ms) values ('c', 'd', $2, 's', '', 'done', 1, 1, $1, 1)";
    execute!(&mut tx, sql, blob, &person).expect("a picture");
    tx.commit().await.expect("a commit");
}

#[tokio::test]
async fn a_file_that_nobody_names_is_put_aside_after_a_day_and_gone_after_a_week() {
    for test in databases().await {
        let files = Media::folder(&test.folder.path().join("media")).expect("a folder");
        files.set_owner("here").await.expect("said");
        let named = files.put(b"named".to_vec()).await.expect("a file");
        let left = files.put(b"left behind".to_vec()).await.expect("a file");
        name_it(&test, &named).await;
        let now = real_now_ms();
        assert_eq!(sweep_all(&test, &files, now).await, Swept::default());

        let swept = sweep_all(&test, &files, now + 2 * DAY_MS).await;
        assert_eq!((swept.aside, swept.removed), (1, 0), "{}", test.name);
        let swept = sweep_all(&test, &files, now + ASIDE_MS + DAY_MS).await;
        assert_eq!((swept.aside, swept.removed), (0, 1), "{}", test.name);
        assert_eq!(files.get(&left).await.expect("a look"), None);
        let kept = files.get(&named).await.expect("a look");
        assert_eq!(kept.as_deref(), Some(&b"named"[..]), "{}", test.name);
    }
}

#[tokio::test]
async fn a_row_that_comes_late_finds_its_file_before_and_after_it_is_asked_for() {
    for test in databases().await {
        let files = Media::folder(&test.folder.path().join("media")).expect("a folder");
        files.set_owner("here").await.expect("said");
        let now = real_now_ms();
        let late = files.put(b"late".to_vec()).await.expect("a file");
        assert_eq!(sweep_all(&test, &files, now + 2 * DAY_MS).await.aside, 1);
        name_it(&test, &late).await;
        let swept = sweep_all(&test, &files, now + ASIDE_MS + DAY_MS).await;
        assert_eq!((swept.back, swept.removed), (1, 0), "{}", test.name);

        let asked = files.put(b"asked for".to_vec()).await.expect("a file");
        assert_eq!(sweep_all(&test, &files, now + 2 * DAY_MS).await.aside, 1);
        let found = files.get(&asked).await.expect("a look");
        assert_eq!(found.as_deref(), Some(&b"asked for"[..]), "{}", test.name);
        // It lies where it was.
        let swept = sweep_all(&test, &files, now + 2 * DAY_MS).await;
        assert_eq!(swept.aside, 1, "{}", test.name);
    }
}

#[tokio::test]
async fn a_half_that_a_dying_process_wrote_goes_after_a_day() {
    for test in databases().await {
        let place = test.folder.path().join("media");
        let files = Media::folder(&place).expect("a folder");
        files.set_owner("here").await.expect("said");
        let name = files.put(b"whole".to_vec()).await.expect("a file");
        name_it(&test, &name).await;
        let half = place.join(&name[..2]).join(format!("{name}.png#1"));
        std::fs::write(&half, "wh").expect("a half");
        let now = real_now_ms();
        assert_eq!(sweep_all(&test, &files, now).await.removed, 0);
        let swept = sweep_all(&test, &files, now + 2 * DAY_MS).await;
        assert_eq!((swept.aside, swept.removed), (0, 1), "{}", test.name);
        assert!(!half.exists());
        assert!(files.get(&name).await.expect("a look").is_some());
    }
}

#[tokio::test]
async fn with_a_strange_database_no_file_is_touched_and_a_named_one_shows_whose_they_are() {
    for test in databases().await {
        let files = Media::folder(&test.folder.path().join("media")).expect("a folder");
        for number in 0..20 {
            let bytes = format!("somebody's {number}").into_bytes();
            files.put(bytes).await.expect("a file");
        }
        let later = real_now_ms() + 2 * DAY_MS;
        let swept = sweep_all(&test, &files, later).await;
        assert_eq!(swept, Swept::default(), "{}: nobody said", test.name);
        assert_eq!(files.owner().await.expect("a look"), None);

        let named = files.put(b"ours".to_vec()).await.expect("a file");
        name_it(&test, &named).await;
        sweep_all(&test, &files, later).await;
        let owner = files.owner().await.expect("a look");
        assert_eq!(owner.as_deref(), Some("here"), "{}", test.name);
        let swept = sweep_all(&test, &files, later).await;
        files.set_owner("elsewhere").await.expect("said");
        let bytes = b"one more".to_vec();
        files.put(bytes).await.expect("a file");
        let strange = sweep_all(&test, &files, later).await;
        assert_eq!(strange, Swept::default(), "{}: {swept:?}", test.name);
    }
}
