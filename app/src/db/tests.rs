//! Both databases for every test, and the conformance of statements and constraints.
//!
//! The one rule: a missing PostgreSQL is said loudly on a laptop and fails in CI.

use super::{Db, Inner, Tx, Violation, execute, fetch};
use std::sync::atomic::{AtomicU64, Ordering};

static COUNT: AtomicU64 = AtomicU64::new(0);

/// A migrated database that is removed when the test ends.
pub(crate) struct TestDb {
    pub(crate) db: Db,
    pub(crate) name: &'static str,
    pub(crate) folder: tempfile::TempDir,
}

/// A fresh SQLite file and a fresh PostgreSQL database.
pub(crate) async fn databases() -> Vec<TestDb> {
    let mut found = Vec::new();
    let folder = tempfile::tempdir().expect("a folder");
    let db = Db::open(None, folder.path()).await.expect("SQLite");
    db.migrate().await.expect("migrations on SQLite");
    found.push(TestDb {
        db,
        name: "sqlite",
        folder,
    });
    match std::env::var("SEEDMARK_TEST_POSTGRES") {
        Ok(url) => found.push(postgres(&url).await),
        Err(_) => {
            assert!(
                std::env::var_os("CI").is_none(),
                "CI needs PostgreSQL: set SEEDMARK_TEST_POSTGRES"
            );
            eprintln!(
                "NOT TESTED on PostgreSQL: SEEDMARK_TEST_POSTGRES is not set (cargo xtask test sets it)"
            );
        }
    }
    found
}

async fn postgres(url: &str) -> TestDb {
    use sqlx::Connection as _;
    let name = format!(
        "seedmark_test_{}_{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    );
    let mut admin = sqlx::PgConnection::connect(url).await.expect("PostgreSQL");
    // A crashed run's database of the same process number would be in the way.
    for sql in [
        format!("drop database if exists {name} with (force)"),
        format!("create database {name} template template0 locale 'C' encoding 'UTF8'"),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .execute(&mut admin)
            .await
            .expect("a fresh database");
    }
    let (server, _) = url.rsplit_once('/').expect("a database in the address");
    let folder = tempfile::tempdir().expect("a folder");
    let db = Db::open(Some(&format!("{server}/{name}")), folder.path())
        .await
        .expect("PostgreSQL");
    db.migrate().await.expect("migrations on PostgreSQL");
    TestDb {
        db,
        name: "postgres",
        folder,
    }
}

async fn prepare(tx: &mut Tx, sql: &'static str) -> Result<(), sqlx::Error> {
    use sqlx::{Executor as _, SqlSafeStr as _};
    match &mut tx.inner {
        Inner::Sqlite(tx) => (&mut **tx).prepare(sql.into_sql_str()).await.map(drop),
        Inner::Postgres(tx) => (&mut **tx).prepare(sql.into_sql_str()).await.map(drop),
    }
}

/// Every store and its statements.
pub(super) const STORES: &[(&str, &[(&str, &str)])] = &[
    ("account", crate::account::STATEMENTS),
    ("books", crate::books::STATEMENTS),
    ("exports", crate::books::export::STATEMENTS),
    ("catalog", crate::catalog::STATEMENTS),
    ("versions", crate::catalog::versions::STATEMENTS),
    ("checkout", crate::checkout::STATEMENTS),
    ("offers", crate::offers::STATEMENTS),
    ("orders", crate::orders::STATEMENTS),
    ("sales", crate::sales::STATEMENTS),
    ("provider", crate::provider::STATEMENTS),
    ("sandbox", crate::provider::sandbox::STATEMENTS),
    ("jobs", crate::jobs::STATEMENTS),
    ("library", crate::library::STATEMENTS),
    ("setting", crate::db::setting::ALL),
    ("statistics", crate::db::statistics::ALL),
    ("limits", crate::limits::STATEMENTS),
    ("moderation", crate::moderation::STATEMENTS),
    ("payouts", crate::payouts::STATEMENTS),
    ("studio", crate::studio::STATEMENTS),
    ("vault", crate::vault::STATEMENTS),
    ("keys", crate::log::keys::STATEMENTS),
    ("log", crate::log::STATEMENTS),
    ("once", crate::once::STATEMENTS),
];

#[tokio::test]
async fn every_statement_prepares_on_both_databases() {
    for test in databases().await {
        let mut tx = test.db.read().await.expect("a transaction");
        for (store, statements) in STORES {
            for (name, sql) in *statements {
                let other = match test.name {
                    "sqlite" => "_POSTGRES",
                    _ => "_SQLITE",
                };
                if name.ends_with(other) {
                    continue;
                }
                prepare(&mut tx, sql)
                    .await
                    .unwrap_or_else(|error| panic!("{} {store} {name}: {error}", test.name));
            }
        }
    }
}

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
                result.as_ref().err().and_then(super::Error::violation),
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
