//! What the planner knows of the tables. Without it SQLite does not take the index by date for the newest listings, and a
//! PostgreSQL that was just restored knows nothing until its own vacuum comes by.
//!
//! The one rule: it is taken again as tables grow, without a restart, and costs a sample of each, never the whole.

use super::{Db, Inner, Result, Tx, execute, fetch, statements};
use sqlx::AssertSqlSafe;

statements! {
    /// 2: analyse what seems to need it; 65536: every table, not only those that this connection has asked.
    OPTIMIZE_SQLITE = "pragma optimize = 65538";
    HAS_STATISTICS_SQLITE = "select count(*) from sqlite_schema where name = 'sqlite_stat1'";
}

/// Its table exists only once something is known.
const KNOWN_SQLITE: &str = "select coalesce(group_concat(tbl || ' ' || coalesce(idx, '') || ' ' || stat, ';'), '') from sqlite_stat1";
/// Never looked at, or mostly other rows than then. Its own vacuum does the same, unless it is off or was not there yet.
const UNKNOWN_POSTGRES: &str = "select relname::text from pg_stat_user_tables
    where schemaname = current_schema() and (n_live_tup > 0 or n_mod_since_analyze > 0)
        and (coalesce(last_analyze, last_autoanalyze) is null or n_mod_since_analyze > 1000 + n_live_tup / 5)
    order by relname";
/// A change of the schema, so that connections that are open read the statistics again.
const TOUCH_SQLITE: &[&str] = &[
    "create table statistics_taken (at bigint)",
    "drop table statistics_taken",
];

impl Db {
    /// Takes statistics of tables that changed. Returns whether there was anything new.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_statistics(&self) -> Result<bool> {
        let mut tx = self.write().await?;
        let news = if self.is_postgres() {
            take_postgres(&mut tx).await?
        } else {
            take_sqlite(&mut tx).await?
        };
        tx.commit().await?;
        Ok(news)
    }
}

async fn known(tx: &mut Tx) -> Result<String> {
    let (tables,): (i64,) = fetch!(tx, fetch_one, (i64,), HAS_STATISTICS_SQLITE)?;
    if tables == 0 {
        return Ok(String::new());
    }
    fetch!(tx, fetch_one, (String,), KNOWN_SQLITE).map(|row| row.0)
}

async fn take_sqlite(tx: &mut Tx) -> Result<bool> {
    let before = known(tx).await?;
    execute!(tx, OPTIMIZE_SQLITE)?;
    let news = known(tx).await? != before;
    if news {
        for sql in TOUCH_SQLITE {
            execute!(tx, *sql)?;
        }
    }
    Ok(news)
}

async fn take_postgres(tx: &mut Tx) -> Result<bool> {
    let tables = fetch!(tx, fetch_all, (String,), UNKNOWN_POSTGRES)?;
    for (table,) in &tables {
        // A name of our own schema, from the catalogue.
        let sql = AssertSqlSafe(format!("analyze \"{table}\""));
        if let Inner::Postgres(connection) = &mut tx.inner {
            let result = sqlx::query(sql).execute(&mut **connection).await;
            tx.note(result)?;
        }
    }
    Ok(!tables.is_empty())
}
