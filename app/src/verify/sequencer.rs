//! The one task that writes the log: takes queued leaves in order, appends them as a batch, fills in their indices.
//!
//! The one rule: a `Fatal` error ends the process. Start-up first brings indices up to the tree, so that a crash between
//! append and note neither loses nor doubles a leaf.

use super::store;
use crate::db::{self, Db};
use crate::jobs::Bell;
use anyhow::{Context as _, Result};
use ledger::writer::{Folder, LockStore, Log, Parts};
use ledger::{Error, Kind};
use schema::key::SecretKey;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

const BATCH: i64 = 256;

/// The lock record in the database. The log's writer is not async, so calls wait on the runtime from their own thread.
struct DatabaseLock {
    db: Db,
    runtime: Handle,
}

impl DatabaseLock {
    fn wait<T>(&self, work: impl Future<Output = db::Result<T>>) -> Result<T, Error> {
        self.runtime
            .block_on(work)
            .map_err(|error| Error::new(Kind::Storage, format!("lock record: {error}")))
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
            Err(Error::new(Kind::Storage, "another writer moved the log on"))
        }
    }
}

/// Opens the log, creating it in a database that never had one, and brings indices up to its size.
fn open(db: &Db, runtime: &Handle, origin: &str, secret: &[u8; 32], folder: &Path) -> Result<Log> {
    let lock = || {
        Box::new(DatabaseLock {
            db: db.clone(),
            runtime: runtime.clone(),
        })
    };
    let storage = || Folder::new(folder).map(Box::new);
    let secret_key = || SecretKey::from_bytes(*secret);
    if lock().load(origin)?.is_none() {
        Log::create(origin, &secret_key(), storage()?.as_ref(), lock().as_ref())?;
    }
    let parts = Parts {
        storage: storage()?,
        lock: lock(),
        cosigner: None,
    };
    let log = Log::open(origin, secret_key(), parts)?;
    let mut known = runtime.block_on(async {
        let mut tx = db.read().await?;
        store::next_index(&mut tx, origin).await
    })?;
    while known < i64::try_from(log.size())? {
        let leaf = log.entry(u64::try_from(known)?)?;
        runtime.block_on(note(db, origin, &[(hex::encode(leaf), known)]))?;
        known += 1;
    }
    Ok(log)
}

async fn note(db: &Db, origin: &str, indices: &[(String, i64)]) -> db::Result<()> {
    let mut tx = db.write().await?;
    for (leaf, index) in indices {
        store::set_index(&mut tx, origin, leaf, *index).await?;
    }
    tx.commit().await
}

/// Runs until `stop` is set. `ready` is told once the log is open; `queued` rings when a leaf was committed; `logged` is rung
/// when indices were filled in.
///
/// # Errors
/// When the log cannot be opened, or its state is unknown: the process must end.
#[allow(
    clippy::too_many_arguments,
    reason = "called once, where the process is put together"
)]
pub fn run(
    db: Db,
    origin: String,
    secret: [u8; 32],
    folder: PathBuf,
    queued: Bell,
    logged: Bell,
    ready: oneshot::Sender<()>,
    stop: watch::Receiver<bool>,
) -> Result<()> {
    let runtime = Handle::current();
    let mut log = open(&db, &runtime, &origin, &secret, &folder)
        .context("the public log cannot be opened")?;
    // Nobody waits any more when the process is stopping already.
    let _unheard = ready.send(());
    while !*stop.borrow() {
        let pending = runtime.block_on(async {
            let mut tx = db.read().await?;
            store::list_pending(&mut tx, &origin, BATCH).await
        });
        let pending = match pending {
            Ok(pending) => pending,
            Err(error) => {
                tracing::warn!(error = %error, "cannot read queued leaves");
                std::thread::sleep(Duration::from_secs(1));
                continue;
            }
        };
        if pending.is_empty() {
            runtime.block_on(queued.wait(Duration::from_millis(500)));
            continue;
        }
        let entries = pending
            .iter()
            .map(hex::decode)
            .collect::<Result<Vec<_>, _>>()
            .context("a queued leaf is not hex")?;
        match log.append(&entries) {
            Ok(first) => {
                let first = i64::try_from(first)?;
                let indices: Vec<(String, i64)> = pending.into_iter().zip(first..).collect();
                // A lost note is repaired at the next start; going on without it would append the same leaves again.
                runtime
                    .block_on(note(&db, &origin, &indices))
                    .context("cannot note the indices of logged leaves")?;
                logged.ring();
            }
            Err(error) if error.kind() == Kind::Storage => {
                // Either nothing happened, or the leaves are in and unpublished; reopening settles which.
                tracing::warn!(error = %error, "cannot append to the log; opening it again");
                std::thread::sleep(Duration::from_secs(1));
                drop(log);
                log = open(&db, &runtime, &origin, &secret, &folder)
                    .context("the public log cannot be opened again")?;
            }
            Err(error) => return Err(error).context("the public log's state is unknown"),
        }
    }
    Ok(())
}
