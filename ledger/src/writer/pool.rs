//! A pool before a log: many callers append at once, one thread sequences them in batches.
//!
//! The one rule: a receipt resolves only when the checkpoint that covers the entry is durable and public. The pool is bounded:
//! who comes when it is full is told so at once, and nothing waits without limit.

use super::Log;
use crate::error::{Error, ErrorKind};
use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Full tiles that are looked at after each batch for partial ones to remove.
const TIDIED_A_BATCH: usize = 8;

/// Where an entry stands, and whether it stood there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The entry's index.
    pub index: u64,
    /// Whether an equal entry was submitted in the same batch before.
    pub repeated: bool,
}

type Slot = Arc<(Mutex<Option<Result<Appended, Error>>>, Condvar)>;

/// A promise of an index.
pub struct Receipt(Slot);

impl Receipt {
    /// Waits until the entry is public.
    ///
    /// # Errors
    /// As [`Log::append`], and `ErrorKind::Busy` when `patience` ended first: the entry may still be sequenced.
    pub fn wait(&self, patience: Duration) -> Result<Appended, Error> {
        let (slot, rung) = &*self.0;
        let slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let (slot, _) = rung
            .wait_timeout_while(slot, patience, |slot| slot.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        slot.clone().unwrap_or_else(|| {
            Err(Error::new(
                ErrorKind::Busy,
                "the entry is queued; its checkpoint is not public yet",
            ))
        })
    }
}

struct Submission {
    entry: Vec<u8>,
    slot: Slot,
}

fn answer(slot: &Slot, result: Result<Appended, Error>) {
    let (place, rung) = &**slot;
    *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
    rung.notify_all();
}

/// Takes entries from any thread and appends them in batches.
pub struct Pool {
    queue: Option<SyncSender<Submission>>,
    thread: Option<JoinHandle<Result<Log, Error>>>,
}

impl Pool {
    /// Starts the sequencing thread. A batch is closed after `period`, or when it holds `most` entries; as many may wait behind it.
    ///
    /// # Errors
    /// `ErrorKind::Storage` when no thread can be started.
    pub fn start(log: Log, period: Duration, most: usize) -> Result<Self, Error> {
        let (queue, submissions) = sync_channel(most.max(1));
        let thread = std::thread::Builder::new()
            .name("log".into())
            .spawn(move || sequence(log, &submissions, period, most.max(1)))
            .map_err(|error| {
                Error::new(
                    ErrorKind::Storage,
                    format!("the log's thread did not start: {error}"),
                )
            })?;
        Ok(Self {
            queue: Some(queue),
            thread: Some(thread),
        })
    }

    /// Queues an entry.
    ///
    /// # Errors
    /// `ErrorKind::Busy` when the pool is full, `ErrorKind::Fatal` when the log has stopped.
    pub fn submit(&self, entry: Vec<u8>) -> Result<Receipt, Error> {
        let stopped = || Error::new(ErrorKind::Fatal, "the log has stopped");
        let slot = Slot::default();
        let submission = Submission {
            entry,
            slot: slot.clone(),
        };
        let queue = self.queue.as_ref().ok_or_else(stopped)?;
        match queue.try_send(submission) {
            Ok(()) => Ok(Receipt(slot)),
            Err(TrySendError::Full(_)) => Err(Error::new(
                ErrorKind::Busy,
                "the log takes no more entries at the moment; ask again in a second",
            )),
            Err(TrySendError::Disconnected(_)) => Err(stopped()),
        }
    }

    /// Takes no more entries, sequences those that wait, and gives the log back.
    ///
    /// # Errors
    /// What stopped the thread, if anything did.
    pub fn stop(mut self) -> Result<Log, Error> {
        self.queue = None;
        let stopped = || Error::new(ErrorKind::Fatal, "the log's thread panicked");
        let thread = self.thread.take().ok_or_else(stopped)?;
        thread.join().map_err(|_| stopped())?
    }
}

/// Waits for the first entry, then for `period` or `most` entries. `None` when nobody can submit any more.
fn next_batch(
    queue: &Receiver<Submission>,
    period: Duration,
    most: usize,
) -> Option<Vec<Submission>> {
    let mut batch = vec![queue.recv().ok()?];
    let end = Instant::now() + period;
    while batch.len() < most {
        match queue.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(submission) => batch.push(submission),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    Some(batch)
}

fn sequence(
    mut log: Log,
    queue: &Receiver<Submission>,
    period: Duration,
    most: usize,
) -> Result<Log, Error> {
    while let Some(batch) = next_batch(queue, period, most) {
        // Equal entries of one batch get one index; across batches a unique index in front of the pool decides.
        let (mut places, mut entries) = (HashMap::new(), Vec::new());
        let offsets: Vec<(u64, bool)> = batch
            .iter()
            .map(|submission| match places.get(&submission.entry) {
                Some(offset) => (*offset, true),
                None => {
                    let offset = entries.len() as u64;
                    places.insert(submission.entry.clone(), offset);
                    entries.push(submission.entry.clone());
                    (offset, false)
                }
            })
            .collect();
        let appended = log.append(&entries);
        for (submission, (offset, repeated)) in batch.iter().zip(offsets) {
            let result = appended.clone().map(|first| Appended {
                index: first + offset,
                repeated,
            });
            answer(&submission.slot, result);
        }
        // What stays is looked at after the next batch.
        let _later = log.tidy(TIDIED_A_BATCH);
        if let Err(error) = appended
            && error.kind() == ErrorKind::Fatal
        {
            return Err(error);
        }
    }
    Ok(log)
}
