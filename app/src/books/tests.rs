//! The database itself keeps the books honest, on both databases.

use super::service::{Entry, Error, Kind, audit, balance, post, posting};
use crate::db::tests::databases;
use crate::db::{Violation, execute};

fn entry(key: &str, postings: Vec<super::service::Posting>) -> Entry {
    Entry {
        key: key.into(),
        kind: "sale",
        source: "test".into(),
        occurred_ms: 1,
        postings,
    }
}

fn sale(key: &str, amount: i64) -> Entry {
    entry(
        key,
        vec![
            posting(Kind::ProcessorPending, "sandbox", amount, None),
            posting(Kind::SellerHeld, "ada", -amount, None),
        ],
    )
}

#[tokio::test]
async fn a_fact_is_booked_once_however_often_it_is_told() {
    for test in databases().await {
        let mut tx = test.db.write().await.expect("a transaction");
        assert!(post(&mut tx, &sale("sale:1", 850)).await.expect("booked"));
        assert!(
            !post(&mut tx, &sale("sale:1", 850))
                .await
                .expect("told again"),
            "{}",
            test.name
        );
        assert!(
            matches!(
                post(&mut tx, &sale("sale:1", 851)).await,
                Err(Error::Conflict(_))
            ),
            "{}: another fact",
            test.name
        );
        assert_eq!(
            balance(&mut tx, Kind::SellerHeld, "ada")
                .await
                .expect("a balance"),
            850
        );
        tx.commit().await.expect("a commit");
        let mut tx = test.db.read().await.expect("a transaction");
        assert_eq!(
            audit(&mut tx).await.expect("an audit"),
            Ok(1),
            "{}",
            test.name
        );
    }
}

#[tokio::test]
async fn postings_that_do_not_add_up_are_refused_by_the_database() {
    for test in databases().await {
        let mut tx = test.db.write().await.expect("a transaction");
        let lame = entry(
            "sale:2",
            vec![
                posting(Kind::ProcessorPending, "sandbox", 100, None),
                posting(Kind::RevenueShare, "platform", -99, None),
            ],
        );
        assert!(post(&mut tx, &lame).await.is_err(), "{}", test.name);
        assert!(
            tx.commit().await.is_err(),
            "{}: nothing of it is kept",
            test.name
        );
    }
}

#[tokio::test]
async fn no_account_goes_below_its_floor() {
    for test in databases().await {
        let mut tx = test.db.write().await.expect("a transaction");
        post(&mut tx, &sale("sale:3", 100)).await.expect("booked");
        let over = entry(
            "release:3",
            vec![
                posting(Kind::SellerHeld, "ada", 101, None),
                posting(Kind::SellerAvailable, "ada", -101, None),
            ],
        );
        let Err(Error::Store(error)) = post(&mut tx, &over).await else {
            panic!("{}: more than was held", test.name)
        };
        assert_eq!(
            error.violation(),
            Some(Violation::Check("account_floor_check".into())),
            "{}",
            test.name
        );
    }
}

#[tokio::test]
async fn what_is_booked_is_never_changed_and_an_unsealed_entry_cannot_be_committed() {
    for test in databases().await {
        let mut tx = test.db.write().await.expect("a transaction");
        post(&mut tx, &sale("sale:4", 100)).await.expect("booked");
        tx.commit().await.expect("a commit");
        for sql in [
            "update posting set amount = 1 where amount > 0",
            "delete from posting where amount > 0",
            "update journal set kind = 'gift' where idem_key = 'sale:4'",
            "delete from seal where journal_id <> ''",
        ] {
            let mut tx = test.db.write().await.expect("a transaction");
            assert!(execute!(&mut tx, sql).is_err(), "{}: {sql}", test.name);
        }
        let mut tx = test.db.write().await.expect("a transaction");
        let sql = "insert into journal (id, idem_key, fingerprint, kind, source, occurred_ms, recorded_ms) values ('open', 'open', 'f', 'k', 's', 1, 1)";
        execute!(&mut tx, sql).expect("a journal row");
        assert!(
            tx.commit().await.is_err(),
            "{}: an entry without seal",
            test.name
        );
    }
}
