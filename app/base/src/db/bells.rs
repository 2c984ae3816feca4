//! Bells that wake whoever waits for work, rung by the commit of the transaction that made the work.
//!
//! The one rule: nobody rings for a transaction but itself. What a transaction that was undone would have rung stays silent.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// Wakes whoever waits, so that they need not wait for the next poll.
#[derive(Clone, Default)]
pub struct Bell(Arc<Notify>);

impl Bell {
    /// Rings.
    pub fn ring(&self) {
        self.0.notify_waiters();
        self.0.notify_one();
    }

    /// Waits for a ring, at most `limit`.
    pub async fn wait(&self, limit: Duration) {
        let _elapsed = tokio::time::timeout(limit, self.0.notified()).await;
    }
}

/// A database's bells.
#[derive(Clone, Default)]
pub struct Bells {
    /// Jobs were enqueued.
    pub jobs: Bell,
    /// Leaves were queued for the log.
    pub leaves: Bell,
}

/// What a transaction made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    Job,
    Leaf,
}

/// The bells that a transaction's commit rings.
#[derive(Default)]
pub(super) struct Rung {
    jobs: bool,
    leaves: bool,
}

impl Rung {
    pub(super) fn remember(&mut self, made: Made) {
        match made {
            Made::Job => self.jobs = true,
            Made::Leaf => self.leaves = true,
        }
    }

    pub(super) fn ring(&self, bells: &Bells) {
        if self.jobs {
            bells.jobs.ring();
        }
        if self.leaves {
            bells.leaves.ring();
        }
    }
}
