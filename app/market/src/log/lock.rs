//! The log's lock record in the database.
//!
//! The one rule: the signed checkpoint is swapped here, in one statement that names the one before it; whoever loses stops.

use super::store;
use anyhow::{Context as _, Result};
use base::db::{self, Db};
use ledger::writer::{Folder, LockStore, Log};
use ledger::{Error, ErrorKind};
use schema::key::SecretKey;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::runtime::Handle;

/// The lock record. The log's writer is not async, so calls wait on the runtime from their own thread.
pub(super) struct DatabaseLock {
    pub(super) db: Db,
    pub(super) runtime: Handle,
    /// Whether its last call failed: tells a database that is away from a folder that is.
    pub(super) failed: Arc<AtomicBool>,
}

impl DatabaseLock {
    fn wait<T>(&self, work: impl Future<Output = db::Result<T>>) -> Result<T, Error> {
        let result = self.runtime.block_on(work);
        self.failed.store(result.is_err(), Ordering::Relaxed);
        result.map_err(|error| Error::new(ErrorKind::Storage, format!("lock record: {error}")))
    }
}

impl LockStore for DatabaseLock {
    fn load(&self, origin: &str) -> Result<Option<String>, Error> {
        self.wait(async {
            let mut tx = self.db.read().await?;
            store::load_checkpoint(&mut tx, origin).await
        })
    }

    fn create(&self, origin: &str, checkpoint: &str) -> Result<(), Error> {
        self.wait(async {
            let mut tx = self.db.write().await?;
            store::insert_checkpoint(&mut tx, origin, checkpoint).await?;
            tx.commit().await
        })
    }

    fn swap(&self, origin: &str, old: &str, new: &str) -> Result<(), Error> {
        let swapped = self.wait(async {
            let mut tx = self.db.write().await?;
            let swapped = store::swap_checkpoint(&mut tx, origin, old, new).await?;
            tx.commit().await?;
            Ok(swapped)
        })?;
        if swapped {
            Ok(())
        } else {
            Err(Error::new(
                ErrorKind::Storage,
                "another writer moved the log on",
            ))
        }
    }
}

/// Lets a database that was put back to an older moment go on from what the log's folder holds; the next start fills in the
/// indices of leaves that it does not know. Returns the sizes before and after.
///
/// # Errors
/// As [`Log::adopt`].
pub async fn adopt(
    db: Db,
    origin: String,
    secret: [u8; 32],
    folder: PathBuf,
) -> Result<(u64, u64)> {
    let runtime = Handle::current();
    let work = tokio::task::spawn_blocking(move || {
        let storage = Folder::new(&folder)?;
        let failed = Arc::default();
        let lock = DatabaseLock {
            db,
            runtime,
            failed,
        };
        Log::adopt(&origin, &SecretKey::from_bytes(secret), &storage, &lock)
    });
    Ok(work.await.context("the audit panicked")??)
}
