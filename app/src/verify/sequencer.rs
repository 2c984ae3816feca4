//! The one task that writes the log: takes queued leaves in order, appends them as a batch, fills in their indices.
//!
//! The one rule: a `Fatal` error ends the process. Start-up first brings indices up to the tree, so that a crash between
//! append and note neither loses nor doubles a leaf.

use super::intake::Settled;
use super::store;
use crate::account::keys;
use crate::db::{self, Db};
use crate::jobs::Bell;
use crate::random::real_now_ms;
use anyhow::{Context as _, Result};
use ledger::client::Witnesses;
use ledger::policy::Policy;
use ledger::writer::{Cosigner, Folder, LockStore, Log, Parts};
use ledger::{Error, Kind};
use schema::key::SecretKey;
use schema::leaf::{Kind as LeafKind, Leaf};
use std::path::PathBuf;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

const BATCH: i64 = 256;
/// How long a checkpoint waits for its witnesses before the log reports that it waits.
const WITNESS_PATIENCE: Duration = Duration::from_secs(10);

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
        let lock = DatabaseLock { db, runtime };
        Log::adopt(&origin, &SecretKey::from_bytes(secret), &storage, &lock)
    });
    Ok(work.await.context("the audit panicked")??)
}

/// What the log is written with.
pub struct Sequencer {
    /// The database with the queue of leaves and the lock record.
    pub db: Db,
    /// The log's name.
    pub origin: String,
    /// The log's signing key.
    pub secret: [u8; 32],
    /// Where its files lie.
    pub folder: PathBuf,
    /// Whether an empty log may be begun under this key: twice under one key would be two histories.
    pub may_begin: bool,
    /// Written once the log is open, so that it is never begun again.
    pub begun_note: PathBuf,
    /// Which witnesses must have seen a checkpoint before it is public; nobody when `None`.
    pub policy: Option<Policy>,
    /// Rings when a leaf was committed.
    pub queued: Bell,
    /// Is rung when indices were filled in.
    pub logged: Bell,
    /// Who waits for single leaves.
    pub settled: Settled,
}

impl Sequencer {
    /// Opens the log, creating it in a database that never had one.
    fn open(&self, runtime: &Handle) -> Result<Log> {
        let lock = DatabaseLock {
            db: self.db.clone(),
            runtime: runtime.clone(),
        };
        let storage = Folder::new(&self.folder)?;
        let secret = || SecretKey::from_bytes(self.secret);
        if lock.load(&self.origin)?.is_none() {
            anyhow::ensure!(
                self.may_begin,
                "the database knows no log {}, yet its key was used before: put database and log folder back, or begin another log \
                 with a new SEEDMARK_LOG_ORIGIN and SEEDMARK_LOG_KEY, and SEEDMARK_LOG_BEGIN=yes for its first start",
                self.origin
            );
            Log::create(&self.origin, &secret(), &storage, &lock)?;
        }
        let witnesses = self
            .policy
            .clone()
            .map(|policy| Box::new(Witnesses::new(policy, WITNESS_PATIENCE)) as Box<dyn Cosigner>);
        let parts = Parts {
            storage: Box::new(storage),
            lock: Box::new(lock),
            cosigner: witnesses,
        };
        let log = Log::open(&self.origin, secret(), parts)?;
        if !self.begun_note.exists() {
            if let Some(folder) = self.begun_note.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let text = "The log of this key was begun; never begin another under it.\n";
            std::fs::write(&self.begun_note, text)
                .with_context(|| format!("cannot write {}", self.begun_note.display()))?;
        }
        Ok(log)
    }

    /// Fills in the indices of every leaf of the tree that has none yet; the tree must be public.
    fn note_indices(&self, runtime: &Handle, log: &Log) -> Result<()> {
        let known = runtime.block_on(async {
            let mut tx = self.db.read().await?;
            store::next_index(&mut tx, &self.origin).await
        })?;
        let size = i64::try_from(log.size())?;
        for first in (known..size).step_by(usize::try_from(BATCH)?) {
            let mut indices = Vec::new();
            for index in first..size.min(first + BATCH) {
                indices.push((hex::encode(log.entry(u64::try_from(index)?)?), index));
            }
            runtime.block_on(note(&self.db, &self.origin, &indices, log.public()))?;
            self.settled.tell(&indices);
        }
        if known < size {
            self.logged.ring();
        }
        Ok(())
    }

    /// Runs until `stop` is set. `ready` is told once the log is open.
    ///
    /// # Errors
    /// When the log cannot be opened, its state is unknown or a witness saw another history: the process must end.
    pub fn run(self, ready: oneshot::Sender<()>, stop: watch::Receiver<bool>) -> Result<()> {
        let runtime = Handle::current();
        let mut log = self
            .open(&runtime)
            .context("the public log cannot be opened")?;
        // Nobody waits any more when the process is stopping already.
        let _unheard = ready.send(());
        let mut behind = true;
        while !*stop.borrow() {
            match self.step(&runtime, &mut log, &mut behind) {
                Ok(Pace::Busy) => {}
                Ok(Pace::Idle) => {
                    runtime.block_on(self.queued.wait(Duration::from_millis(500)));
                }
                Ok(Pace::Later(why)) => {
                    tracing::warn!(error = %why, "the log waits");
                    std::thread::sleep(Duration::from_secs(1));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// One batch. `behind`: the tree may hold leaves whose index is not noted.
    fn step(&self, runtime: &Handle, log: &mut Log, behind: &mut bool) -> Result<Pace> {
        if *behind {
            match log.settle() {
                Ok(()) => {}
                Err(error) => return Pace::after(error),
            }
            // A lost note is repaired here or at the next start; going on without it would append the same leaves again.
            self.note_indices(runtime, log)
                .context("cannot note the indices of logged leaves")?;
            *behind = false;
        }
        let pending = runtime.block_on(async {
            let mut tx = self.db.read().await?;
            store::list_pending(&mut tx, &self.origin, BATCH).await
        });
        let pending = match pending {
            Ok(pending) if pending.is_empty() => return Ok(Pace::Idle),
            Ok(pending) => pending,
            Err(error) => return Ok(Pace::Later(error.to_string())),
        };
        let entries = pending
            .iter()
            .map(hex::decode)
            .collect::<Result<Vec<_>, _>>()
            .context("a queued leaf is not hex")?;
        *behind = true;
        match log.append(&entries) {
            Ok(first) => {
                let indices: Vec<(String, i64)> =
                    pending.into_iter().zip(i64::try_from(first)?..).collect();
                runtime
                    .block_on(note(&self.db, &self.origin, &indices, log.public()))
                    .context("cannot note the indices of logged leaves")?;
                *behind = false;
                self.settled.tell(&indices);
                self.logged.ring();
                Ok(Pace::Busy)
            }
            Err(error) => Pace::after(error),
        }
    }
}

/// What to do after a step.
enum Pace {
    /// There may be more.
    Busy,
    /// Nothing is queued.
    Idle,
    /// The disk, the database or the witnesses do not let the log go on.
    Later(String),
}

impl Pace {
    fn after(error: Error) -> Result<Self> {
        match error.kind() {
            Kind::Storage | Kind::Unsettled => Ok(Self::Later(error.to_string())),
            _ => Err(error).context("the public log cannot go on"),
        }
    }
}

/// Notes where leaves stand, and the public checkpoint that first covers them: it dates them.
async fn note(
    db: &Db,
    origin: &str,
    indices: &[(String, i64)],
    public: Option<&str>,
) -> Result<()> {
    let mut tx = db.write().await?;
    for (leaf, index) in indices {
        let bytes = hex::decode(leaf).unwrap_or_default();
        let hash = hex::encode(ledger::tree::leaf_hash(&bytes));
        // The log knows more than a database that was put back: a fact that comes again must still find its first index.
        if !store::set_index(&mut tx, origin, &hash, *index).await?
            && let Ok(leaf) = Leaf::parse(&bytes)
        {
            store::insert_logged(&mut tx, origin, &leaf, *index, real_now_ms()).await?;
            if leaf.kind == LeafKind::KeyEvent && !keys::restore_end(&mut tx, origin, &leaf).await?
            {
                tracing::error!(index, "the log ends a key that this database does not know");
            }
        }
    }
    let size = public.and_then(|note| note.lines().nth(1)?.parse::<i64>().ok());
    if let (Some(size), Some(note), Some((_, first))) = (size, public, indices.first()) {
        store::insert_public(&mut tx, origin, size, note, real_now_ms(), *first).await?;
    }
    Ok(tx.commit().await?)
}
