//! Secrets that open for who may, and for nobody else, on both databases.

use super::{Error, Vault};
use crate::db::{Tx, execute, fetch};
use crate::testing::databases;

const PLAIN: &[u8] = b"a small fox in the snow, seed 7";

fn vault() -> Vault {
    Vault::new(&[1; 32])
}

async fn opened(tx: &mut Tx, vault: &Vault, id: &str) -> Result<Vec<u8>, Error> {
    vault.open(tx, id, "ada", "a test", 1).await
}

async fn count(tx: &mut Tx) -> i64 {
    let sql = "select count(*) from secret_opening";
    fetch!(tx, fetch_one, (i64,), sql).expect("a count").0
}

#[tokio::test]
async fn what_is_put_opens_again_and_its_row_shows_nothing_of_it() {
    for test in databases().await {
        let mut tx = test.db.write().await.expect("a transaction");
        let vault = vault();
        for (id, plain) in [("fox", PLAIN), ("same", PLAIN), ("empty", b"")] {
            vault.put(&mut tx, id, plain, 1).await.expect("put");
            let found = opened(&mut tx, &vault, id).await.expect("opened");
            assert_eq!(found, plain, "{} {id}", test.name);
        }
        let sql = "select wrapped_key, ciphertext from secret where id = $1";
        let mut rows = Vec::new();
        for id in ["fox", "same"] {
            let row = fetch!(&mut tx, fetch_one, (String, String), sql, id);
            let (wrapped, ciphertext) = row.expect("a row");
            assert!(!ciphertext.contains("fox"), "{}", test.name);
            rows.extend([wrapped, ciphertext]);
        }
        // Equal texts are not seen to be equal.
        rows.sort();
        rows.dedup();
        assert_eq!(rows.len(), 4, "{}", test.name);
        vault.put(&mut tx, "fox", b"edited", 2).await.expect("put");
        let found = opened(&mut tx, &vault, "fox").await.expect("opened");
        assert_eq!(found, b"edited", "{}", test.name);
    }
}

#[tokio::test]
async fn every_opening_is_noted_with_the_transaction_that_made_it() {
    for test in databases().await {
        let vault = vault();
        let mut tx = test.db.write().await.expect("a transaction");
        vault.put(&mut tx, "fox", PLAIN, 1).await.expect("put");
        tx.commit().await.expect("a commit");
        for (actor, reason, now_ms, kept) in [
            ("ada", "second", 20, true),
            ("ada", "first", 10, true),
            ("ben", "his own", 15, true),
            ("ada", "undone", 30, false),
        ] {
            let mut tx = test.db.write().await.expect("a transaction");
            let found = vault.open(&mut tx, "fox", actor, reason, now_ms).await;
            found.expect("opened");
            if kept {
                tx.commit().await.expect("a commit");
            }
        }
        let mut tx = test.db.write().await.expect("a transaction");
        vault.open_public(&mut tx, "fox").await.expect("opened");
        let found = vault.openings(&mut tx, "fox", "ada").await;
        let expected = [("first".into(), 10), ("second".into(), 20)];
        assert_eq!(found.expect("openings"), expected, "{}", test.name);
        assert_eq!(count(&mut tx).await, 3, "{}", test.name);
    }
}

#[tokio::test]
async fn what_was_erased_says_so_and_the_record_of_its_openings_stays() {
    for test in databases().await {
        let vault = vault();
        let mut tx = test.db.write().await.expect("a transaction");
        for id in ["fox", "other"] {
            vault.put(&mut tx, id, PLAIN, 1).await.expect("put");
        }
        opened(&mut tx, &vault, "fox").await.expect("opened");
        for _ in 0..2 {
            vault.erase(&mut tx, "fox").await.expect("erased");
            let gone = opened(&mut tx, &vault, "fox").await;
            assert!(
                matches!(&gone, Err(Error::Erased(id)) if id == "fox"),
                "{}: {gone:?}",
                test.name
            );
            let gone = vault.open_public(&mut tx, "fox").await;
            assert!(matches!(gone, Err(Error::Erased(_))), "{}", test.name);
        }
        let never = opened(&mut tx, &vault, "never").await;
        assert!(matches!(never, Err(Error::Erased(_))), "{}", test.name);
        let kept = vault.openings(&mut tx, "fox", "ada").await;
        assert_eq!(kept.expect("openings").len(), 1, "{}", test.name);
        let sql =
            "select count(*) from secret where id = 'fox' and wrapped_key || ciphertext <> ''";
        let left = fetch!(&mut tx, fetch_one, (i64,), sql).expect("a count");
        assert_eq!(left.0, 0, "{}: bytes are left", test.name);
        assert!(opened(&mut tx, &vault, "other").await.is_ok());
    }
}

#[tokio::test]
async fn a_row_that_was_changed_swapped_or_cut_does_not_open_and_notes_nothing() {
    for test in databases().await {
        let vault = vault();
        for change in [
            "update secret set ciphertext = (select ciphertext from secret where id = 'other') where id = 'fox'",
            "update secret set wrapped_key = (select wrapped_key from secret where id = 'other') where id = 'fox'",
            // Both parts of another row: they fit each other, and not this id.
            "update secret set wrapped_key = (select wrapped_key from secret where id = 'other'),
                ciphertext = (select ciphertext from secret where id = 'other') where id = 'fox'",
            "update secret set ciphertext = substr(ciphertext, 1, 40) where id = 'fox'",
            "update secret set ciphertext = '' where id = 'fox'",
            "update secret set ciphertext = 'not base64!' where id = 'fox'",
            "update secret set wrapped_key = 'AAAA' where id = 'fox'",
            "update secret set ciphertext = case substr(ciphertext, 40, 1) when 'A' then substr(ciphertext, 1, 39) || 'B' || substr(ciphertext, 41)
                else substr(ciphertext, 1, 39) || 'A' || substr(ciphertext, 41) end where id = 'fox'",
        ] {
            let mut tx = test.db.write().await.expect("a transaction");
            for id in ["fox", "other"] {
                vault.put(&mut tx, id, PLAIN, 1).await.expect("put");
            }
            assert!(opened(&mut tx, &vault, "fox").await.is_ok());
            execute!(&mut tx, change).expect("changed");
            let found = opened(&mut tx, &vault, "fox").await;
            assert!(
                matches!(&found, Err(Error::Damaged(id)) if id == "fox"),
                "{} {change}: {found:?}",
                test.name
            );
            assert_eq!(count(&mut tx).await, 1, "{} {change}", test.name);
        }
    }
}

#[tokio::test]
async fn another_installations_key_opens_nothing() {
    for test in databases().await {
        let mut tx = test.db.write().await.expect("a transaction");
        vault().put(&mut tx, "fox", PLAIN, 1).await.expect("put");
        let other = Vault::new(&[2; 32]);
        let found = opened(&mut tx, &other, "fox").await;
        assert!(matches!(found, Err(Error::Damaged(_))), "{}", test.name);
    }
}

#[test]
fn tags_and_draws_depend_on_the_key_and_on_what_they_are_for() {
    let (ours, theirs) = (vault(), Vault::new(&[2; 32]));
    assert_eq!(ours.tag("fox"), vault().tag("fox"));
    assert_ne!(ours.tag("fox"), ours.tag("fix"));
    assert_ne!(ours.tag("fox"), theirs.tag("fox"));
    let draw = |vault: &Vault, use_name: &str, text: &[u8]| {
        let mut bytes = [0; 32];
        vault.draw(use_name, text, &mut bytes);
        bytes
    };
    let drawn = draw(&ours, "seed", b"fox");
    assert_eq!(drawn, draw(&vault(), "seed", b"fox"));
    for other in [
        draw(&theirs, "seed", b"fox"),
        draw(&ours, "salt", b"fox"),
        draw(&ours, "seed", b"fix"),
        // Where the name ends and the text begins counts.
        draw(&ours, "see", b"dfox"),
        [0; 32],
    ] {
        assert_ne!(drawn, other);
    }
}

#[test]
fn a_locked_file_opens_with_its_own_key_and_only_whole() {
    let (sealed, key) = super::lock(PLAIN);
    let (again, _) = super::lock(PLAIN);
    assert_ne!(sealed, again);
    assert_eq!(super::unlock(&key, &sealed).expect("opened"), PLAIN);
    let (_, stranger) = super::lock(b"another");
    assert!(super::unlock(&stranger, &sealed).is_err());
    let mut changed = sealed.clone();
    *changed.last_mut().expect("a byte") ^= 1;
    for damaged in [&changed[..], &sealed[..sealed.len() - 1], &[]] {
        assert!(super::unlock(&key, damaged).is_err());
    }
    assert_eq!(format!("{key:?}"), "FileKey(…)");
}
