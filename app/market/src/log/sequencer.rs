//! The one task that writes the log: takes queued leaves in order, appends them as a batch, fills in their indices.
//!
//! The one rule: only a contradiction ends the process. Whatever is slow or away for a while (disk, database, witnesses) is asked
//! again, and nothing is appended before what was appended is noted, so that nothing is lost or doubled. While it waits it holds no
//! connection.

use super::intake::Settled;
use super::lock::DatabaseLock;
use super::note::{self, Noted};
use super::status::{Cause, Reporter};
use super::store;
use anyhow::{Context as _, Result};
use base::db::Db;
use ledger::client::Witnesses;
use ledger::policy::Policy;
use ledger::writer::{Cosigner, Folder, LockStore as _, Log, Parts};
use ledger::{Error, ErrorKind};
use schema::key::SecretKey;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

const BATCH: i64 = 256;
/// How long a checkpoint waits for its witnesses before the log reports that it waits.
const WITNESS_PATIENCE: Duration = Duration::from_secs(10);
/// How long the log waits before it tries again: at first, and after many tries.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Full tiles that are looked at for replaced partial ones, in a step that has nothing else to do and in one that has.
const TIDIED_IDLE: usize = 64;
const TIDIED_BUSY: usize = 4;

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
    /// Who waits for single leaves.
    pub settled: Settled,
    /// Told what the log does.
    pub reporter: Reporter,
}

impl Sequencer {
    /// Opens the log, creating it in a database that never had one.
    fn open(&self, runtime: &Handle, stop: &watch::Receiver<bool>) -> Result<Writer> {
        let database_failed = Arc::new(AtomicBool::new(false));
        let lock = DatabaseLock {
            db: self.db.clone(),
            runtime: runtime.clone(),
            failed: database_failed.clone(),
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
        let witnesses = self.policy.clone().map(|policy| {
            let witnesses = Witnesses::new(policy, WITNESS_PATIENCE).until(flag(runtime, stop));
            Box::new(witnesses) as Box<dyn Cosigner>
        });
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
        Ok(Writer {
            log,
            behind: true,
            database_failed,
        })
    }

    /// Runs until `stop` is set. `ready` is told once the log is open, and the database knows what it holds if both can be read.
    ///
    /// # Errors
    /// When the log cannot be opened, or contradicts its database, its files or a witness: the process must end.
    pub fn run(self, ready: oneshot::Sender<()>, stop: watch::Receiver<bool>) -> Result<()> {
        let result = self.write(ready, stop);
        let error = result.as_ref().err().map(|error| format!("{error:#}"));
        self.reporter.ended(error.as_deref());
        result
    }

    fn write(&self, ready: oneshot::Sender<()>, mut stop: watch::Receiver<bool>) -> Result<()> {
        let runtime = Handle::current();
        let mut writer = self
            .open(&runtime, &stop)
            .context("the public log cannot be opened")?;
        self.reporter.opened();
        let mut ready = Some(ready);
        let mut pause = FIRST_PAUSE;
        while !*stop.borrow() {
            // Before the doors open: a key that the log ends must not sign once more because a database was put back.
            let pace = match ready.is_some() && writer.behind {
                true => self.catch_up(&runtime, &mut writer)?,
                false => self.step(&runtime, &mut writer)?,
            };
            if let Some(ready) = ready.take() {
                // Nobody waits any more when the process is stopping already.
                let _unheard = ready.send(());
            }
            match &pace {
                Pace::Later(cause, why) => self.reporter.waits(*cause, why),
                Pace::Busy | Pace::Idle => self.reporter.goes_on(),
            }
            match pace {
                Pace::Busy => pause = FIRST_PAUSE,
                Pace::Idle => {
                    pause = FIRST_PAUSE;
                    runtime.block_on(self.db.bells().leaves.wait(Duration::from_millis(500)));
                }
                Pace::Later(_, why) => {
                    tracing::warn!(error = %why, pause_ms = pause.as_millis(), "the log waits");
                    // Stopping ends the pause; so does nothing else.
                    let _over =
                        runtime.block_on(tokio::time::timeout(pause, stop.wait_for(|stop| *stop)));
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
        Ok(())
    }

    /// Settles what was begun and notes what the database does not know yet.
    fn catch_up(&self, runtime: &Handle, writer: &mut Writer) -> Result<Pace> {
        if let Err(error) = writer.log.settle() {
            return writer.after(error);
        }
        self.reporter.published(writer.log.size());
        let noted = note::catch_up(&self.db, &self.origin, &writer.log, &self.settled);
        match runtime.block_on(noted) {
            Ok(true) => self.db.bells().jobs.ring(),
            Ok(false) => {}
            Err(error) => return after_note(error),
        }
        writer.behind = false;
        Ok(Pace::Busy)
    }

    /// One batch.
    fn step(&self, runtime: &Handle, writer: &mut Writer) -> Result<Pace> {
        if writer.behind {
            let pace = self.catch_up(runtime, writer)?;
            if writer.behind {
                return Ok(pace);
            }
        }
        let pending = runtime.block_on(async {
            let mut tx = self.db.read().await?;
            store::list_pending(&mut tx, &self.origin, BATCH).await
        });
        let pending = match pending {
            Ok(pending) if pending.is_empty() => return self.rest(writer),
            Ok(pending) => pending,
            Err(error) => return Ok(Pace::Later(Cause::Database, error.to_string())),
        };
        let entries = pending
            .iter()
            .map(hex::decode)
            .collect::<Result<Vec<_>, _>>()
            .context("a queued leaf is not hex")?;
        // Until it is noted, whatever happens: the same leaves would be appended again.
        writer.behind = true;
        let first = match writer.log.append(&entries) {
            Ok(first) => i64::try_from(first)?,
            Err(error) => return writer.after(error),
        };
        self.reporter.published(writer.log.size());
        let noted: Vec<Noted> = entries
            .into_iter()
            .zip(first..)
            .map(|(bytes, index)| Noted::new(bytes, index))
            .collect();
        let public = writer.log.public();
        let work = note::note_queued(&self.db, &self.origin, &noted, public, &self.settled);
        if let Err(error) = runtime.block_on(work) {
            return after_note(error);
        }
        writer.behind = false;
        self.db.bells().jobs.ring();
        writer.tidy(TIDIED_BUSY);
        Ok(Pace::Busy)
    }

    /// What is done while nothing is queued.
    fn rest(&self, writer: &mut Writer) -> Result<Pace> {
        match writer.log.check_public() {
            Ok(None) => {}
            Ok(Some(what)) => {
                tracing::error!(what, "the public checkpoint was not what was made public");
                self.reporter.repaired(&what);
            }
            Err(error) => return writer.after(error),
        }
        writer.tidy(TIDIED_IDLE);
        Ok(Pace::Idle)
    }
}

/// A flag for threads that cannot wait on a channel.
fn flag(runtime: &Handle, stop: &watch::Receiver<bool>) -> Arc<AtomicBool> {
    let (set, mut stop) = (Arc::new(AtomicBool::new(false)), stop.clone());
    let flag = set.clone();
    runtime.spawn(async move {
        // A sender that is gone stops as well.
        let _gone = stop.wait_for(|stop| *stop).await.map(drop);
        set.store(true, Ordering::Relaxed);
    });
    flag
}

/// The open log, and what is known of it.
struct Writer {
    log: Log,
    /// Whether the tree may hold leaves whose index is not noted.
    behind: bool,
    /// Whether the lock record's last call failed.
    database_failed: Arc<AtomicBool>,
}

impl Writer {
    /// What follows an error of the log.
    fn after(&self, error: Error) -> Result<Pace> {
        let cause = match error.kind() {
            ErrorKind::Unsettled => Cause::Witnesses,
            ErrorKind::Storage if self.database_failed.load(Ordering::Relaxed) => Cause::Database,
            ErrorKind::Storage => Cause::Folder,
            _ => return Err(error).context("the public log cannot go on"),
        };
        Ok(Pace::Later(cause, error.to_string()))
    }

    /// Superfluous files are no reason to wait.
    fn tidy(&mut self, most: usize) {
        if let Err(error) = self.log.tidy(most) {
            tracing::warn!(error = %error, "cannot remove partial tiles that full ones replaced");
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
    Later(Cause, String),
}

/// What follows when leaves could not be noted.
fn after_note(error: note::Error) -> Result<Pace> {
    if error.is_contradiction() {
        return Err(error).context("cannot note the indices of logged leaves");
    }
    let cause = match &error {
        note::Error::Log(_) => Cause::Folder,
        note::Error::Store(_) => Cause::Database,
    };
    Ok(Pace::Later(cause, error.to_string()))
}
