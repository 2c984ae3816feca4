//! Both databases for every test.
//!
//! The one rule: a missing PostgreSQL is said loudly on a laptop and fails in CI. Each test has databases of its own, copied from one that
//! was migrated once.

use crate::db::Db;
use schema::migrations::STEPS;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqlitePool};
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::OnceCell;

static COUNT: AtomicU64 = AtomicU64::new(0);

/// A migrated database that is removed when the test ends.
pub struct TestDb {
    pub db: Db,
    pub name: &'static str,
    pub folder: tempfile::TempDir,
    /// PostgreSQL's address without a database, and the name of this one.
    server: Option<(String, String)>,
}

impl Drop for TestDb {
    fn drop(&mut self) {
        let Some((server, name)) = self.server.take() else {
            return;
        };
        // The test's own runtime is not to be waited for from within.
        let removing = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(async {
                let mut admin = PgConnection::connect(&format!("{server}/postgres")).await?;
                let sql = format!("drop database if exists {name} with (force)");
                run(&mut admin, sql).await
            })
        });
        // What is left behind disturbs nobody.
        let _left = removing.join();
    }
}

/// A fresh SQLite file and a fresh PostgreSQL database.
///
/// # Panics
/// When one cannot be made.
pub async fn databases() -> Vec<TestDb> {
    let mut found = vec![sqlite().await];
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

async fn sqlite() -> TestDb {
    static MIGRATED: OnceCell<Vec<u8>> = OnceCell::const_new();
    let migrated = MIGRATED.get_or_init(async || {
        let folder = tempfile::tempdir().expect("a folder");
        let db = Db::open(None, folder.path()).await.expect("SQLite");
        unsynced(&db).await;
        db.migrate().await.expect("migrations on SQLite");
        db.close().await;
        std::fs::read(folder.path().join("seedmark.sqlite")).expect("a database")
    });
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("seedmark.sqlite"), migrated.await).expect("a copy");
    let db = Db::open(None, folder.path()).await.expect("SQLite");
    unsynced(&db).await;
    TestDb {
        db,
        name: "sqlite",
        folder,
        server: None,
    }
}

/// A test outlives no power cut: its commits need not wait for the disk.
async fn unsynced(db: &Db) {
    let (write, _): (&SqlitePool, _) = db.sqlite().expect("SQLite");
    let set = sqlx::query("pragma synchronous = off").execute(write);
    set.await.expect("a setting");
}

async fn postgres(url: &str) -> TestDb {
    let (server, _) = url.rsplit_once('/').expect("a database in the address");
    let mut admin = PgConnection::connect(url).await.expect("PostgreSQL");
    let template = template(&mut admin, server).await.expect("a template");
    let name = format!(
        "seedmark_test_{}_{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    );
    // A crashed run's database of the same process number would be in the way.
    for sql in [
        format!("drop database if exists {name} with (force)"),
        format!("create database {name} template {template}"),
    ] {
        run(&mut admin, sql).await.expect("a fresh database");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let db = Db::open(Some(&format!("{server}/{name}")), folder.path())
        .await
        .expect("PostgreSQL");
    TestDb {
        db,
        name: "postgres",
        folder,
        server: Some((server.to_owned(), name)),
    }
}

/// The name of a migrated database that nobody is connected to; made by whoever comes first, of whatever process.
async fn template(admin: &mut PgConnection, server: &str) -> Result<String, sqlx::Error> {
    let mut hasher = blake3::Hasher::new();
    for step in STEPS {
        hasher.update(step.shared.as_bytes());
        hasher.update(step.postgres.as_bytes());
    }
    let name = format!("seedmark_template_{}", &hasher.finalize().to_hex()[..16]);
    // A number of our own.
    run(admin, "select pg_advisory_lock(5463)".into()).await?;
    let made: Option<(bool,)> =
        sqlx::query_as("select datistemplate from pg_database where datname = $1")
            .bind(&name)
            .fetch_optional(&mut *admin)
            .await?;
    // Marked last: one without the mark was left half made.
    if made != Some((true,)) {
        run(
            admin,
            format!("drop database if exists {name} with (force)"),
        )
        .await?;
        let locale = "template template0 locale 'C' encoding 'UTF8'";
        run(admin, format!("create database {name} {locale}")).await?;
        let folder = tempfile::tempdir().map_err(sqlx::Error::Io)?;
        let db = Db::open(Some(&format!("{server}/{name}")), folder.path()).await;
        let db = db.expect("PostgreSQL");
        db.migrate().await.expect("migrations on PostgreSQL");
        db.close().await;
        run(admin, format!("alter database {name} is_template true")).await?;
    }
    run(admin, "select pg_advisory_unlock(5463)".into()).await?;
    Ok(name)
}

async fn run(admin: &mut PgConnection, sql: String) -> Result<(), sqlx::Error> {
    let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(admin).await?;
    let _rows = done.rows_affected();
    Ok(())
}
