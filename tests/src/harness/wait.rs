//! Waiting for what happens by itself: jobs, events, a server that comes back, a page that changes.
//!
//! The one rule: a test waits for a condition and never for a time, and this file is the only one that pauses. Nobody tells these tests
//! when a job has run, so they look again and again; how often is decided here, and how long at most by whoever waits. A deadline is a
//! failure, not a duration: it is long, because it is never reached when all is well.

use std::time::{Duration, Instant};

/// Longer than anything takes that works, on a machine that is busy with other tests.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks: a page costs a few milliseconds, and nobody should keep a server from its work by asking.
const PAUSE: Duration = Duration::from_millis(25);

/// Looks until there is something, and returns it. `look` says what it sees instead.
pub(crate) async fn until<T, Look>(limit: Duration, look: impl FnMut() -> Look) -> T
where
    Look: Future<Output = Result<T, String>>,
{
    within(limit, look)
        .await
        .unwrap_or_else(|seen| panic!("not within {limit:?}: {seen}"))
}

/// The same where it may well not happen; then what was seen last. It looks once at least.
pub(crate) async fn within<T, Look>(
    limit: Duration,
    mut look: impl FnMut() -> Look,
) -> Result<T, String>
where
    Look: Future<Output = Result<T, String>>,
{
    let start = Instant::now();
    loop {
        match look().await {
            Err(seen) if start.elapsed() >= limit => return Err(seen),
            Err(_) => tokio::time::sleep(PAUSE).await,
            found => return found,
        }
    }
}

/// As [`until`], for a test that is no task.
pub(crate) fn until_blocking<T>(limit: Duration, mut look: impl FnMut() -> Result<T, String>) -> T {
    let start = Instant::now();
    loop {
        match look() {
            Err(seen) if start.elapsed() >= limit => panic!("not within {limit:?}: {seen}"),
            Err(_) => std::thread::sleep(PAUSE),
            Ok(found) => return found,
        }
    }
}

/// What a look says that only asks whether something is so.
pub(crate) fn is_so(so: bool, otherwise: impl std::fmt::Display) -> Result<(), String> {
    if so {
        Ok(())
    } else {
        Err(otherwise.to_string())
    }
}
