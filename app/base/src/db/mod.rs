//! Two databases, one text: SQLite (embedded default) and PostgreSQL, through two native sqlx pools.
//!
//! The one rule: SQL stands in `store.rs` files and is run by [`fetch!`] and [`execute!`], which expand one statement for both
//! drivers. A [`Tx`] in which a statement failed refuses to commit: SQLite would keep the earlier statements, PostgreSQL
//! would silently undo them.

pub mod bells;
mod error;
mod migrate;
mod setting;
mod statistics;
#[cfg(test)]
mod tests;
mod words;
pub mod work;
pub mod writes;

pub use error::Violation;
pub use error::{Error, Result};
pub use setting::{read_number, read_setting, write_setting};

#[cfg(any(test, feature = "testing"))]
pub use setting::ALL as SETTING_STATEMENTS;
#[cfg(any(test, feature = "testing"))]
pub use statistics::ALL as STATISTICS_STATEMENTS;

pub use crate::words;
use bells::{Bells, Made, Rung};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, Postgres, SqlSafeStr as _, Sqlite, Transaction};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use work::{Class, Deadline, Work, Writing};

/// SQLite asks after so many steps of its machine whether a statement may go on: some hundred times a second.
const STEPS_BETWEEN_CHECKS: i32 = 20_000;
/// Longer than any deadline of a page: what waits for a connection is given up by its own deadline.
const WAIT_LIMIT: Duration = Duration::from_secs(120);

/// A database, with the bells that its commits ring.
#[derive(Clone)]
pub struct Db {
    connections: Connections,
    beside: Beside,
    bells: Bells,
}

/// Which database it is.
#[derive(Clone)]
enum Connections {
    /// One writer connection, several readers.
    Sqlite {
        write: SqlitePool,
        read: Pools<SqlitePool>,
    },
    /// Connections that read and write.
    Postgres(Pools<PgPool>),
}

/// Connections by who works: neither slow pages nor slow jobs can take all of them.
#[derive(Clone)]
struct Pools<P> {
    page: P,
    till: P,
    essential: P,
    background: P,
}

impl<P> Pools<P> {
    fn of(&self, class: Class) -> &P {
        match class {
            Class::Page => &self.page,
            Class::Till => &self.till,
            Class::Essential => &self.essential,
            Class::Background => &self.background,
        }
    }

    fn each(&self) -> [&P; 4] {
        [&self.page, &self.till, &self.essential, &self.background]
    }
}

/// Connections of pages on PostgreSQL.
const POSTGRES_PAGES: u32 = 8;

/// Pages that read at once from SQLite. It reads with our own processor: more than there are of those take turns from whoever buys.
fn readers() -> u32 {
    u32::try_from(processors().clamp(2, 8)).unwrap_or(2)
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

/// Who looks around beside whoever buys: while somebody buys, pages that only read take turns, as many as half of the processors, so that
/// the other half is left to buyers.
#[derive(Clone)]
struct Beside {
    looking: Arc<Semaphore>,
    buying: Arc<AtomicUsize>,
}

/// What a transaction holds of [`Beside`].
enum Place {
    Looks { _turn: OwnedSemaphorePermit },
    Buys(Arc<AtomicUsize>),
}

impl Beside {
    /// Counted from when somebody who buys waits for a connection; one who looks around waits for a turn then.
    async fn place(&self, class: Class, writes: bool, wait: &Deadline) -> Result<Option<Place>> {
        Ok(match class {
            Class::Till => {
                self.buying.fetch_add(1, Ordering::Relaxed);
                Some(Place::Buys(self.buying.clone()))
            }
            Class::Page if !writes && self.buying.load(Ordering::Relaxed) > 0 => {
                Some(Place::Looks {
                    _turn: wait.turn(&self.looking).await?,
                })
            }
            _ => None,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Self::Buys(buying) = self {
            buying.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// A transaction. Dropping it without commit undoes it.
pub struct Tx {
    pub inner: Inner,
    pub failed: bool,
    writes: bool,
    /// Kept for as long as this is.
    _writing: Option<Writing>,
    _beside: Option<Place>,
    deadline: Deadline,
    bells: Bells,
    rung: Rung,
}

pub enum Inner {
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
            let pool = |connections| {
                PgPoolOptions::new()
                    .max_connections(connections)
                    .acquire_timeout(WAIT_LIMIT)
            };
            // Opened as they are needed, but for one: a server that does not answer is said at the start.
            return Ok(Self::of(
                POSTGRES_PAGES,
                Connections::Postgres(Pools {
                    page: pool(POSTGRES_PAGES).connect_lazy_with(options.clone()),
                    till: pool(3).connect_lazy_with(options.clone()),
                    essential: pool(3).connect_lazy_with(options.clone()),
                    background: pool(5).connect_with(options).await?,
                }),
            ));
        }
        let file = sqlite_file(url, data).unwrap_or_else(|| data.join("seedmark.sqlite"));
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10));
        let pool = |connections| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(WAIT_LIMIT)
        };
        let write = pool(1).connect_with(options.clone()).await?;
        let read = Pools {
            page: pool(readers()).connect_lazy_with(options.clone()),
            till: pool(2).connect_lazy_with(options.clone()),
            essential: pool(2).connect_lazy_with(options.clone()),
            background: pool(3).connect_with(options).await?,
        };
        Ok(Self::of(readers(), Connections::Sqlite { write, read }))
    }

    fn of(pages: u32, connections: Connections) -> Self {
        // A database on the same machine works with the same processors.
        let turns = usize::try_from(pages).unwrap_or(1).min(processors()) / 2;
        Self {
            connections,
            beside: Beside {
                looking: Arc::new(Semaphore::new(turns.max(1))),
                buying: Arc::default(),
            },
            bells: Bells::default(),
        }
    }

    /// What its commits ring.
    #[must_use]
    pub fn bells(&self) -> &Bells {
        &self.bells
    }

    /// Opens the database of a shop that is there already, for commands that look something up or change one thing in it. The inner error
    /// is where none is.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn open_existing(
        url: Option<&str>,
        data: &Path,
    ) -> Result<std::result::Result<Self, PathBuf>> {
        match sqlite_file(url, data).filter(|file| !file.is_file()) {
            Some(absent) => Ok(Err(absent)),
            None => Ok(Ok(Self::open(url, data).await?)),
        }
    }

    /// Begins a transaction that may write. On SQLite it is the only one: await nothing but SQL inside.
    ///
    /// # Errors
    /// When no connection is free in time.
    pub async fn write(&self) -> Result<Tx> {
        self.begin(true).await
    }

    /// Begins a transaction that only reads and sees one state.
    ///
    /// # Errors
    /// When no connection is free in time.
    pub async fn read(&self) -> Result<Tx> {
        self.begin(false).await
    }

    /// On the connections of whoever works, and with the time that is left to them.
    async fn begin(&self, writes: bool) -> Result<Tx> {
        let work = Work::current();
        let writing = match writes {
            true => Some(work.take_writing()?),
            false => None,
        };
        // What has a limit of its own has it from when it begins, however long it waited.
        let wait = work.deadline(writes);
        let beside = self.beside.place(work.class(), writes, &wait).await?;
        let (inner, deadline) = match &self.connections {
            Connections::Sqlite { write, read } => {
                let (pool, begin) = if writes {
                    (write, "begin immediate")
                } else {
                    (read.of(work.class()), "begin")
                };
                let mut connection = wait.within(pool.acquire()).await?;
                let deadline = work.deadline(writes);
                let watched = deadline.clone();
                connection
                    .lock_handle()
                    .await?
                    .set_progress_handler(STEPS_BETWEEN_CHECKS, move || !watched.is_over());
                let tx = Transaction::begin(connection, Some(begin.into_sql_str())).await?;
                (Inner::Sqlite(tx), deadline)
            }
            Connections::Postgres(pools) => {
                let connection = wait.within(pools.of(work.class()).acquire()).await?;
                let deadline = work.deadline(writes);
                // In one message. A number of our own.
                let begin = AssertSqlSafe(format!(
                    "begin; set local statement_timeout = {}",
                    deadline.rest_ms()
                ));
                let tx = Transaction::begin(connection, Some(begin.into_sql_str())).await?;
                (Inner::Postgres(tx), deadline)
            }
        };
        Ok(Tx {
            inner,
            failed: false,
            writes,
            _writing: writing,
            _beside: beside,
            deadline,
            bells: self.bells.clone(),
            rung: Rung::default(),
        })
    }

    /// Whether this is PostgreSQL; for the few statements of the jobs and rate tables that differ.
    #[must_use]
    pub fn is_postgres(&self) -> bool {
        matches!(self.connections, Connections::Postgres(_))
    }

    /// Closes every connection.
    pub async fn close(&self) {
        match &self.connections {
            Connections::Sqlite { write, read } => {
                write.close().await;
                for pool in read.each() {
                    pool.close().await;
                }
            }
            Connections::Postgres(pools) => {
                for pool in pools.each() {
                    pool.close().await;
                }
            }
        }
    }
}

/// Reads a column of ids as what they are ids of.
///
/// # Errors
/// For a text that is none: the row is damaged.
pub fn read_ids<I: TryFrom<String>>(rows: Vec<(String,)>) -> Result<Vec<I>>
where
    I::Error: std::error::Error + Send + Sync + 'static,
{
    let ids = rows.into_iter().map(|(text,)| I::try_from(text));
    let ids: std::result::Result<Vec<I>, _> = ids.collect();
    ids.map_err(|error| sqlx::Error::Decode(Box::new(error)).into())
}

/// For tests that look below a statement: connections of one database, or nothing where it is the other.
#[cfg(any(test, feature = "testing"))]
impl Db {
    /// SQLite's one writer, and readers.
    #[must_use]
    pub fn sqlite(&self) -> Option<(&SqlitePool, &SqlitePool)> {
        match &self.connections {
            Connections::Sqlite { write, read } => Some((write, &read.background)),
            Connections::Postgres(_) => None,
        }
    }

    /// PostgreSQL's.
    #[must_use]
    pub fn postgres(&self) -> Option<&PgPool> {
        match &self.connections {
            Connections::Sqlite { .. } => None,
            Connections::Postgres(pools) => Some(&pools.background),
        }
    }
}

/// Where SQLite's file lies; `None` for PostgreSQL.
fn sqlite_file(url: Option<&str>, data: &Path) -> Option<PathBuf> {
    match url {
        Some(url) if url.starts_with("postgres") => None,
        Some(url) => Some(PathBuf::from(
            url.trim_start_matches("sqlite:").trim_start_matches("//"),
        )),
        None => Some(data.join("seedmark.sqlite")),
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
        if self.writes {
            Work::count_commit();
        }
        match self.inner {
            Inner::Sqlite(mut tx) => {
                let committed = sqlx::query("commit").execute(&mut *tx).await;
                // A full or failing disk ends the transaction with its commit, and the connection's own count of transactions would
                // say for ever that one is open. One more is begun in its place, and undone with the guard; refused where it is open.
                let _still_open = sqlx::query("begin").execute(&mut *tx).await;
                committed?;
            }
            Inner::Postgres(tx) => tx.commit().await?,
        }
        self.rung.ring(&self.bells);
        Ok(())
    }

    /// Lets the commit wake whoever waits for what this transaction makes.
    pub fn ring_on_commit(&mut self, made: Made) {
        self.rung.remember(made);
    }

    /// Waits until no other transaction has this turn, and keeps it until this one ends. On SQLite the only writer has every turn.
    ///
    /// # Errors
    /// When its time is over first.
    pub async fn take_turn(&mut self, turn: i64) -> Result<()> {
        if self.is_postgres() {
            execute!(self, "select pg_advisory_xact_lock($1)", turn)?;
        }
        Ok(())
    }

    /// Whether another statement may begin.
    pub fn may_go_on(&self) -> std::result::Result<(), sqlx::Error> {
        if self.deadline.is_over() {
            return Err(error::timed_out());
        }
        Ok(())
    }

    /// Takes a statement's result over. Where SQLite ended the transaction with an error, another one is begun in its place: the
    /// connection's own count of transactions would say for ever that one is open, and each later one would be refused.
    pub async fn settle<T>(&mut self, result: std::result::Result<T, sqlx::Error>) -> Result<T> {
        if let (Err(error), Inner::Sqlite(connection)) = (&result, &mut self.inner)
            && error::ended_transaction(error)
        {
            // Refused where the first one is still open.
            let _still_open = sqlx::query("begin").execute(&mut **connection).await;
        }
        self.note(result)
    }

    pub fn note<T>(&mut self, result: std::result::Result<T, sqlx::Error>) -> Result<T> {
        result.map_err(|error| {
            // A missing row is an answer, not a failed statement.
            self.failed |= !matches!(error, sqlx::Error::RowNotFound);
            Error::from(error)
        })
    }

    pub fn is_postgres(&self) -> bool {
        matches!(self.inner, Inner::Postgres(_))
    }
}

/// Runs a statement that returns rows: `fetch!(tx, fetch_optional, Row, SQL, bind, …)`, with `fetch_one`, `fetch_optional`
/// or `fetch_all`. Expands to one match over the two drivers with the same text and binds.
#[macro_export]
macro_rules! fetch {
    ($tx:expr, $method:ident, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {{
        let tx: &mut $crate::db::Tx = $tx;
        let result = match tx.may_go_on() {
            Err(error) => Err(error),
            Ok(()) => match &mut tx.inner {
                $crate::db::Inner::Sqlite(tx) => sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.$method(&mut **tx).await,
                $crate::db::Inner::Postgres(tx) => sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.$method(&mut **tx).await,
            },
        };
        tx.settle(result).await
    }};
}

/// Runs a statement and returns the number of rows it touched: `execute!(tx, SQL, bind, …)`.
#[macro_export]
macro_rules! execute {
    ($tx:expr, $sql:expr $(, $bind:expr)* $(,)?) => {{
        let tx: &mut $crate::db::Tx = $tx;
        let result = match tx.may_go_on() {
            Err(error) => Err(error),
            Ok(()) => match &mut tx.inner {
                $crate::db::Inner::Sqlite(tx) => sqlx::query($sql)$(.bind($bind))*.execute(&mut **tx).await.map(|done| done.rows_affected()),
                $crate::db::Inner::Postgres(tx) => sqlx::query($sql)$(.bind($bind))*.execute(&mut **tx).await.map(|done| done.rows_affected()),
            },
        };
        tx.settle(result).await
    }};
}

/// Declares a store's statements as constants, and `ALL` for the test that prepares each on both databases.
#[macro_export]
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$doc])* const $name: &str = $sql;)*
        /// Every statement of this store, by name.
        #[cfg(any(test, feature = "testing"))]
        pub const ALL: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}

pub use crate::{execute, fetch, statements};
