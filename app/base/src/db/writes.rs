//! Whether the database can be written, tried again and again: a process may read well and write nothing.

use super::{Db, Result, write_setting};
use crate::random::real_now_ms;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// The setting that each try writes.
const WRITTEN: &str = "written_ms";
/// A write that takes longer is one that failed.
const TRY_LIMIT: Duration = Duration::from_secs(10);
/// How often it is tried whether the database can be written.
const TRY_EVERY: Duration = Duration::from_secs(5);

/// Whether the database can be written, as it was last tried.
#[derive(Clone, Debug, Default)]
pub struct Writes(Arc<Mutex<Option<(i64, String)>>>);

impl Writes {
    /// Tries until `stop` is set.
    pub async fn watch(self, db: Db, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let wrote = tokio::time::timeout(TRY_LIMIT, write(&db)).await;
            let failed = match wrote {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(_) => Some("the database takes no write in time".to_owned()),
            };
            self.note(failed);
            tokio::select! {
                () = tokio::time::sleep(TRY_EVERY) => {}
                _ = stop.changed() => {}
            }
        }
    }

    fn note(&self, failed: Option<String>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *known = failed.map(|why| {
            let since = known.as_ref().map_or_else(real_now_ms, |known| known.0);
            if known.is_none() {
                tracing::error!(why, "the database cannot be written");
            }
            (since, why)
        });
    }

    /// Since when no write succeeds, real time, and why; nothing while they do.
    #[must_use]
    pub fn failed(&self) -> Option<(i64, String)> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

async fn write(db: &Db) -> Result<()> {
    let mut tx = db.write().await?;
    write_setting(&mut tx, WRITTEN, &real_now_ms().to_string()).await?;
    tx.commit().await
}
