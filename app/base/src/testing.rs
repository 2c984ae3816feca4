//! Both databases for every test.
//!
//! The one rule: a missing PostgreSQL is said loudly on a laptop and fails in CI.

use crate::db::Db;
use std::sync::atomic::{AtomicU64, Ordering};

static COUNT: AtomicU64 = AtomicU64::new(0);

/// A migrated database that is removed when the test ends.
pub struct TestDb {
    pub db: Db,
    pub name: &'static str,
    pub folder: tempfile::TempDir,
}

/// A fresh SQLite file and a fresh PostgreSQL database.
pub async fn databases() -> Vec<TestDb> {
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
