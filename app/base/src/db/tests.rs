//! What both databases must do alike.

use super::{Violation, execute, fetch};
use crate::testing::databases;

#[tokio::test]
async fn a_broken_promise_has_one_name_on_both_databases() {
    for test in databases().await {
        let person = |id: &'static str, role: &'static str| async move { (id, role) };
        for ((id, role), expected) in [
            (person("a", "member").await, None),
            (
                person("b", "member").await,
                Some(Violation::Unique("person_email_folded_key".into())),
            ),
            (
                person("c", "king").await,
                Some(Violation::Check("person_role_check".into())),
            ),
        ] {
            let mut tx = test.db.write().await.expect("a transaction");
            let sql = "insert into person (id, email, email_folded, handle, password_hash, role, created_ms) values ($1, 'e', $2, $1, 'x', $3, 1)";
            let folded = if id == "c" { "other" } else { "same" };
            let result = execute!(&mut tx, sql, id, folded, role);
            assert_eq!(
                result.as_ref().err().and_then(crate::db::Error::violation),
                expected,
                "{}",
                test.name
            );
            assert_eq!(
                tx.commit().await.is_ok(),
                expected.is_none(),
                "{}: a failed statement refuses the commit",
                test.name
            );
        }
        let mut tx = test.db.write().await.expect("a transaction");
        let result = execute!(
            &mut tx,
            "insert into session (id_hash, person_id, created_ms, seen_ms, expires_ms) values ('x', 'nobody', 1, 1, 1)"
        );
        let late = tx.commit().await;
        assert!(
            result.is_err() && late.is_err(),
            "{}: a missing person",
            test.name
        );
    }
}

#[tokio::test]
async fn values_read_back_as_they_were_written() {
    for test in databases().await {
        let mut tx = test.db.write().await.expect("a transaction");
        let text = "Zebra é 苹果 \u{1f600}";
        execute!(
            &mut tx,
            "insert into setting (name, value) values ($1, $2)",
            "x",
            text
        )
        .expect("a row");
        let row: (String,) = fetch!(
            &mut tx,
            fetch_one,
            (String,),
            "select value from setting where name = $1",
            "x"
        )
        .expect("the row");
        assert_eq!(row.0, text, "{}", test.name);
        let large = (1i64 << 60) + 1;
        let row: (i64, Option<i64>, bool) = fetch!(
            &mut tx,
            fetch_one,
            (i64, Option<i64>, bool),
            "select cast($1 as bigint), cast($2 as bigint), cast($3 as boolean)",
            large,
            None::<i64>,
            true
        )
        .expect("values");
        assert_eq!(row, (large, None, true), "{}", test.name);
    }
}
