//! Who works on the database, on which connections, and until when.
//!
//! The one rule: work ends by itself. A statement that is past its deadline is interrupted inside the database, and so is a page's
//! read whose visitor left: its connection is free again, and nothing waits for an answer that nobody wants.

#[cfg(test)]
mod tests;

use super::{Error, Result};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A page's work on the database ends this long after its request came, before the request itself is given up.
pub const PAGE_LIMIT: Duration = Duration::from_secs(15);
/// One reading transaction of a job, a check of the books or a command.
const READ_LIMIT: Duration = Duration::from_secs(10 * 60);
/// One writing transaction of a job: on SQLite everybody else's writes wait for it.
const WRITE_LIMIT: Duration = Duration::from_secs(2 * 60);

/// Which connections serve it: none of the four can take those of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A page that somebody waits for.
    Page,
    /// What somebody buys with: those who only look must not stand in their way.
    Till,
    /// What must go on beside slow pages and slow jobs: signing in, health, the way into the public log.
    Essential,
    /// Jobs, recurring work, commands.
    Background,
}

/// A piece of work.
#[derive(Clone, Debug)]
pub struct Work {
    class: Class,
    ends: Option<Instant>,
    /// Set when the visitor left; for what only reads.
    left: Option<Arc<AtomicBool>>,
    /// Writing transactions that were asked to last.
    commits: Arc<AtomicU64>,
    /// Whether it writes now; for what does one thing after the other.
    writing: Option<Arc<AtomicBool>>,
}

tokio::task_local! {
    static WORK: Work;
}

impl Work {
    /// Work without a visitor.
    #[must_use]
    pub fn of(class: Class) -> Self {
        Self {
            class,
            ends: None,
            left: None,
            commits: Arc::default(),
            writing: None,
        }
    }

    /// A visitor's request, and the guard to keep for as long as somebody waits. One that only reads ends when the guard is dropped;
    /// one that writes goes on, for a visitor who leaves must not leave half of a purchase behind.
    #[must_use]
    pub fn for_request(class: Class, only_reads: bool) -> (Self, Visitor) {
        let left = Arc::new(AtomicBool::new(false));
        let work = Self {
            class,
            ends: Instant::now().checked_add(PAGE_LIMIT),
            left: only_reads.then(|| left.clone()),
            commits: Arc::default(),
            writing: Some(Arc::default()),
        };
        (work, Visitor(left))
    }

    /// Runs `future` as this work: every transaction that it begins keeps to it.
    pub async fn run<F: Future>(self, future: F) -> F::Output {
        WORK.scope(self, future).await
    }

    /// Runs `function`, and what it blocks on, as this work.
    pub fn run_blocking<T>(self, function: impl FnOnce() -> T) -> T {
        WORK.sync_scope(self, function)
    }

    /// What runs now; background work where nothing else was said.
    pub(super) fn current() -> Self {
        WORK.try_with(Clone::clone)
            .unwrap_or_else(|_| Self::of(Class::Background))
    }

    /// How many writing transactions of this piece of work were asked to last so far, whatever the database answered.
    #[must_use]
    pub fn commits() -> u64 {
        Self::current().commits.load(Ordering::Acquire)
    }

    pub(super) fn count_commit() {
        Self::current().commits.fetch_add(1, Ordering::AcqRel);
    }

    /// The turn of a transaction that writes. A request has one at a time: a second one would wait for the first, which waits for it, and on
    /// SQLite everybody else's writes would wait with them.
    pub(super) fn take_writing(&self) -> Result<Writing> {
        let already = |writing: &Arc<AtomicBool>| writing.swap(true, Ordering::AcqRel);
        if self.writing.as_ref().is_some_and(already) {
            return Err(Error::impossible(
                "a transaction that writes within another one of the same request".into(),
            ));
        }
        Ok(Writing(self.writing.clone()))
    }

    pub(super) fn class(&self) -> Class {
        self.class
    }

    /// When a transaction that begins now must be over.
    pub(super) fn deadline(&self, writes: bool) -> Deadline {
        let limit = if writes { WRITE_LIMIT } else { READ_LIMIT };
        Deadline {
            ends: self.ends.unwrap_or_else(|| Instant::now() + limit),
            left: self.left.clone().filter(|_| !writes),
        }
    }
}

/// A transaction that writes; the next one may begin when this is dropped.
#[derive(Debug)]
pub struct Writing(Option<Arc<AtomicBool>>);

impl Drop for Writing {
    fn drop(&mut self) {
        if let Some(writing) = &self.0 {
            writing.store(false, Ordering::Release);
        }
    }
}

/// Somebody who waits for an answer.
#[derive(Debug)]
pub struct Visitor(Arc<AtomicBool>);

impl Drop for Visitor {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// When a transaction must be over.
#[derive(Clone, Debug)]
pub struct Deadline {
    ends: Instant,
    left: Option<Arc<AtomicBool>>,
}

impl Deadline {
    pub(super) fn is_over(&self) -> bool {
        let left = self.left.as_ref();
        left.is_some_and(|left| left.load(Ordering::Acquire)) || Instant::now() >= self.ends
    }

    /// What is left of it, at least a millisecond: zero means "for ever" to PostgreSQL.
    pub(super) fn rest_ms(&self) -> u64 {
        let rest = self.ends.saturating_duration_since(Instant::now());
        u64::try_from(rest.as_millis()).unwrap_or(u64::MAX).max(1)
    }

    /// Waits for a turn, and no longer than until it is over.
    pub(super) async fn turn(&self, turns: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit> {
        match tokio::time::timeout_at(self.ends.into(), turns.clone().acquire_owned()).await {
            Ok(Ok(turn)) => Ok(turn),
            // Nobody closes the turns; either way there is none.
            Ok(Err(_)) | Err(_) => Err(Error::out_of_time()),
        }
    }

    /// Waits for a free connection, and no longer than until it is over.
    pub(super) async fn within<T>(
        &self,
        wait: impl Future<Output = std::result::Result<T, sqlx::Error>>,
    ) -> Result<T> {
        match tokio::time::timeout_at(self.ends.into(), wait).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(Error::out_of_time()),
        }
    }
}
