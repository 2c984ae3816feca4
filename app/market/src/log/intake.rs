//! Leaves that come one by one from outside, stored in batches: one transaction for many, so that a disk's flush is shared.
//!
//! The one rule: a submission is answered when its leaf is in a public checkpoint, or refused at once when too many wait.

use super::service::{Error, LeafRow, StatementRow};
use super::store;
use crate::facts::{self, Fact};
use base::db::{self, Db};
use base::random;
use schema::key::PublicKey;
use schema::leaf::Leaf;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// As many may wait to be stored; beyond that a sender is told to come again.
const WAITING: usize = 1024;
/// As many are stored in one transaction.
const BATCH: usize = 256;
/// How long a sender waits for the public checkpoint before it is told that its leaf is queued.
const PATIENCE: Duration = Duration::from_secs(20);

/// Who waits for which leaf's index, by the leaf's bytes in hex.
#[derive(Clone, Default)]
pub struct Settled(Arc<Mutex<HashMap<String, Vec<oneshot::Sender<i64>>>>>);

impl Settled {
    fn expect(&self, leaf: &str) -> oneshot::Receiver<i64> {
        let (told, waiting) = oneshot::channel();
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        map.entry(leaf.into()).or_default().push(told);
        waiting
    }

    /// Tells everybody who waits for one of these leaves its index.
    pub(super) fn tell(&self, indices: &[(String, i64)]) {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (leaf, index) in indices {
            for waiting in map.remove(leaf).unwrap_or_default() {
                // Whoever lost patience asks again, and then finds the index in the database.
                let _gone = waiting.send(*index);
            }
        }
        map.retain(|_, waiting| waiting.iter().any(|told| !told.is_closed()));
    }
}

struct Submission {
    leaf: Leaf,
    key: PublicKey,
    statement: Option<StatementRow>,
    stored: oneshot::Sender<(LeafRow, oneshot::Receiver<i64>)>,
}

/// The way into the log for single leaves.
#[derive(Clone)]
pub struct Intake {
    queue: mpsc::Sender<Submission>,
    settled: Settled,
}

/// The other end of an [`Intake`]: stores what comes.
pub struct Storing {
    queue: mpsc::Receiver<Submission>,
    settled: Settled,
    origin: String,
}

/// An intake for the log `origin`.
#[must_use]
pub fn intake(origin: &str) -> (Intake, Storing) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let settled = Settled::default();
    let storing = Storing {
        queue: receiver,
        settled: settled.clone(),
        origin: origin.into(),
    };
    let intake = Intake {
        queue: sender,
        settled,
    };
    (intake, storing)
}

impl Intake {
    /// Whom the sequencer tells about indices.
    #[must_use]
    pub fn settled(&self) -> Settled {
        self.settled.clone()
    }

    /// Stores a leaf, with the statement that it seals if there is one, and waits until it is public. A repeat gets the stored
    /// leaf and its index.
    ///
    /// # Errors
    /// When signature or key do not belong together; [`Error::Busy`] when too many wait or the database does not answer;
    /// [`Error::NotLogged`] when the leaf is stored and its checkpoint takes long.
    pub async fn submit(
        &self,
        origin: &str,
        leaf: Leaf,
        key: PublicKey,
        statement: Option<StatementRow>,
    ) -> Result<LeafRow, Error> {
        leaf.verify(origin, &key)?;
        let (stored, answer) = oneshot::channel();
        let submission = Submission {
            leaf,
            key,
            statement,
            stored,
        };
        self.queue.try_send(submission).map_err(|_| Error::Busy)?;
        let (mut row, index) = answer.await.map_err(|_| Error::Busy)?;
        if row.log_index.is_none() {
            let index = tokio::time::timeout(PATIENCE, index)
                .await
                .map_err(|_| Error::NotLogged)?;
            row.log_index = Some(index.map_err(|_| Error::NotLogged)?);
        }
        Ok(row)
    }
}

impl Storing {
    /// Stores what comes until `stop` is set or no [`Intake`] is left. What came before is stored; who comes later is told so.
    pub async fn run(mut self, db: Db, mut stop: watch::Receiver<bool>) {
        let mut batch = Vec::new();
        loop {
            let received = tokio::select! {
                biased;
                received = self.queue.recv_many(&mut batch, BATCH) => received,
                // A sender that is gone stops as well.
                _stopped = stop.wait_for(|stop| *stop), if !self.queue.is_closed() => {
                    self.queue.close();
                    continue;
                }
            };
            if received == 0 {
                return;
            }
            match self.store(&db, &batch).await {
                Ok(rows) => {
                    for (submission, row) in batch.drain(..).zip(rows) {
                        if let Some(row) = row {
                            let _gone = submission.stored.send(row);
                        }
                    }
                }
                Err(error) => {
                    tracing::warn!(error = %error, "cannot store submitted leaves");
                    // Dropping the senders tells everybody to come again.
                    batch.clear();
                }
            }
        }
    }

    async fn store(
        &self,
        db: &Db,
        batch: &[Submission],
    ) -> db::Result<Vec<Option<(LeafRow, oneshot::Receiver<i64>)>>> {
        let mut tx = db.write().await?;
        let mut rows = Vec::new();
        for submission in batch {
            let key = &submission.key;
            // It may have ended since the submission was checked; whoever asks again is told so.
            if !crate::log::keys::hold(&mut tx, &key.hash().hex()).await? {
                rows.push(None);
                continue;
            }
            store::insert_key(&mut tx, &key.hash().hex(), &key.to_string()).await?;
            let now_ms = random::real_now_ms();
            let row = store::insert_leaf(&mut tx, &self.origin, &submission.leaf, now_ms).await?;
            // A repeat is answered with the stored leaf, whose statement is stored already.
            if let Some(statement) = submission
                .statement
                .as_ref()
                .filter(|statement| statement.leaf_hash == row.leaf_hash)
            {
                store::insert_statement(&mut tx, statement).await?;
                if statement.outcome.is_some() {
                    let leaf = statement.about_leaf_hash.clone();
                    facts::tell(&mut tx, &Fact::Attested { leaf }).await?;
                }
            }
            // Before the commit: after it the sequencer may be quicker than we are.
            let waiting = self.settled.expect(&row.leaf);
            rows.push(Some((row, waiting)));
        }
        tx.commit().await?;
        Ok(rows)
    }
}
