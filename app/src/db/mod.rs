//! Two databases, one text: SQLite (embedded default) and PostgreSQL, through two native sqlx pools.
//!
//! The one rule: SQL stands in `store.rs` files and is run by [`fetch!`] and [`execute!`], which expand one statement for both
//! drivers. A [`Tx`] in which a statement failed refuses to commit: SQLite would keep the earlier statements, PostgreSQL
//! would silently undo them.

mod error;
mod migrate;
mod setting;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use error::Violation;
pub use error::{Error, Result};
pub use setting::{read_number, read_setting, write_setting};

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Postgres, Sqlite};
use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

/// A database.
#[derive(Clone)]
pub enum Db {
    /// One writer connection, several readers.
    Sqlite { write: SqlitePool, read: SqlitePool },
    /// One pool.
    Postgres(PgPool),
}

/// A transaction. Dropping it without commit undoes it.
pub struct Tx {
    pub(crate) inner: Inner,
    pub(crate) failed: bool,
}

pub(crate) enum Inner {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

impl Db {
    /// Opens `postgres://…` or, for `None`, the SQLite file in the data folder.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn open(url: Option<&str>, data: &Path) -> Result<Self> {
        if let Some(url) = url.filter(|url| url.starts_with("postgres")) {
            // A role may default to less; the log's lock record must never fall behind its tiles.
            let options = PgConnectOptions::from_str(url)?.options([("synchronous_commit", "on")]);
            let pool = PgPoolOptions::new()
                .max_connections(10)
                .acquire_timeout(Duration::from_secs(5))
                .connect_with(options)
                .await?;
            return Ok(Self::Postgres(pool));
        }
        let file = match url {
            Some(url) => {
                Path::new(url.trim_start_matches("sqlite:").trim_start_matches("//")).to_owned()
            }
            None => data.join("seedmark.sqlite"),
        };
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10));
        let write = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options.clone())
            .await?;
        let read = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options)
            .await?;
        Ok(Self::Sqlite { write, read })
    }

    /// Begins a transaction that may write. On SQLite it is the only one: await nothing but SQL inside.
    ///
    /// # Errors
    /// When no connection is free in time.
    pub async fn write(&self) -> Result<Tx> {
        let inner = match self {
            Self::Sqlite { write, .. } => Inner::Sqlite(write.begin_with("begin immediate").await?),
            Self::Postgres(pool) => Inner::Postgres(pool.begin().await?),
        };
        Ok(Tx {
            inner,
            failed: false,
        })
    }

    /// Begins a transaction that only reads and sees one state.
    ///
    /// # Errors
    /// When no connection is free in time.
    pub async fn read(&self) -> Result<Tx> {
        let inner = match self {
            Self::Sqlite { read, .. } => Inner::Sqlite(read.begin().await?),
            Self::Postgres(pool) => Inner::Postgres(pool.begin().await?),
        };
        Ok(Tx {
            inner,
            failed: false,
        })
    }

    /// Whether this is PostgreSQL; for the few statements of the jobs and rate tables that differ.
    #[must_use]
    pub fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Closes every connection.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { write, read } => {
                write.close().await;
                read.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    /// Makes the transaction durable.
    ///
    /// # Errors
    /// When a statement of it failed, or the database refuses (a deferred key).
    pub async fn commit(self) -> Result<()> {
        if self.failed {
            return Err(Error::failed_transaction());
        }
        match self.inner {
            Inner::Sqlite(tx) => tx.commit().await?,
            Inner::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }

    pub(crate) fn note<T>(&mut self, result: std::result::Result<T, sqlx::Error>) -> Result<T> {
        result.map_err(|error| {
            // A missing row is an answer, not a failed statement.
            self.failed |= !matches!(error, sqlx::Error::RowNotFound);
            Error::from(error)
        })
    }

    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.inner, Inner::Postgres(_))
    }
}

/// Runs a statement that returns rows: `fetch!(tx, fetch_optional, Row, SQL, bind, …)`, with `fetch_one`, `fetch_optional`
/// or `fetch_all`. Expands to one match over the two drivers with the same text and binds.
macro_rules! fetch {
    ($tx:expr, $method:ident, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {{
        let tx: &mut $crate::db::Tx = $tx;
        let result = match &mut tx.inner {
            $crate::db::Inner::Sqlite(tx) => sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.$method(&mut **tx).await,
            $crate::db::Inner::Postgres(tx) => sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.$method(&mut **tx).await,
        };
        tx.note(result)
    }};
}

/// Runs a statement and returns the number of rows it touched: `execute!(tx, SQL, bind, …)`.
macro_rules! execute {
    ($tx:expr, $sql:expr $(, $bind:expr)* $(,)?) => {{
        let tx: &mut $crate::db::Tx = $tx;
        let result = match &mut tx.inner {
            $crate::db::Inner::Sqlite(tx) => sqlx::query($sql)$(.bind($bind))*.execute(&mut **tx).await.map(|done| done.rows_affected()),
            $crate::db::Inner::Postgres(tx) => sqlx::query($sql)$(.bind($bind))*.execute(&mut **tx).await.map(|done| done.rows_affected()),
        };
        tx.note(result)
    }};
}

/// Declares a store's statements as constants, and `ALL` for the test that prepares each on both databases.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$doc])* const $name: &str = $sql;)*
        /// Every statement of this store, by name.
        #[cfg(test)]
        pub(crate) const ALL: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}

pub(crate) use {execute, fetch, statements};
