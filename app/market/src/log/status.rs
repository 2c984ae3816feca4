//! What the one task that writes the log says of itself, for health and the operator's page.
//!
//! The one rule: it says what is. What a step waits for stands until that step succeeded.

use base::random::real_now_ms;
use std::sync::Arc;
use tokio::sync::watch;

/// What the log does at the moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogStatus {
    /// Whether this process has the log open and writes it. A process that only works never has.
    pub open: bool,
    /// Why no further leaf becomes public; nothing while all is well.
    pub waiting: Option<Waiting>,
    /// The newest public checkpoint.
    pub published: Option<Published>,
    /// When the public checkpoint's file was last found to differ from what was made public, and what was done.
    pub repaired: Option<Event>,
    /// The last error, also one that is over.
    pub last_error: Option<Event>,
}

impl LogStatus {
    /// Whether leaves become public.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.open && self.waiting.is_none()
    }
}

/// What keeps the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// For whom it waits.
    pub cause: Cause,
    /// Since when, milliseconds since 1970.
    pub since_ms: i64,
    /// What the last try said; for the operator, never for visitors.
    pub error: String,
}

/// For what the log waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Too few witnesses have cosigned.
    Witnesses,
    /// The log's folder cannot be read or written.
    Folder,
    /// The database does not answer.
    Database,
}

impl Cause {
    /// Its name in answers for machines.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Witnesses => "witnesses",
            Self::Folder => "folder",
            Self::Database => "database",
        }
    }
}

/// A public checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// Its entries.
    pub size: u64,
    /// Since when this process knows it as public, milliseconds since 1970.
    pub at_ms: i64,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// For the operator, never for visitors.
    pub what: String,
}

impl Event {
    fn now(what: &str) -> Self {
        Self {
            at_ms: real_now_ms(),
            what: what.into(),
        }
    }
}

/// Where the sequencer writes its status, and everybody else reads it.
#[derive(Clone, Debug)]
pub struct Reporter(Arc<watch::Sender<LogStatus>>);

impl Default for Reporter {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(LogStatus::default())))
    }
}

impl Reporter {
    /// What the log does now.
    #[must_use]
    pub fn status(&self) -> LogStatus {
        self.0.borrow().clone()
    }

    /// Follows the status.
    #[must_use]
    pub fn follow(&self) -> watch::Receiver<LogStatus> {
        self.0.subscribe()
    }

    pub(super) fn opened(&self) {
        self.0.send_modify(|status| status.open = true);
    }

    /// The log ended, for `error` if there is one.
    pub(super) fn ended(&self, error: Option<&str>) {
        self.0.send_modify(|status| {
            status.open = false;
            if let Some(what) = error {
                status.last_error = Some(Event::now(what));
            }
        });
    }

    pub(super) fn waits(&self, cause: Cause, error: &str) {
        self.0.send_modify(|status| {
            let before = status.waiting.take().filter(|before| before.cause == cause);
            status.last_error = Some(Event::now(error));
            status.waiting = Some(Waiting {
                cause,
                since_ms: before.map_or_else(real_now_ms, |before| before.since_ms),
                error: error.into(),
            });
        });
    }

    pub(super) fn goes_on(&self) {
        self.0
            .send_if_modified(|status| status.waiting.take().is_some());
    }

    pub(super) fn published(&self, size: u64) {
        self.0.send_if_modified(|status| {
            let new = status.published.is_none_or(|known| known.size != size);
            if new {
                let at_ms = real_now_ms();
                status.published = Some(Published { size, at_ms });
            }
            new
        });
    }

    pub(super) fn repaired(&self, what: &str) {
        self.0
            .send_modify(|status| status.repaired = Some(Event::now(what)));
    }
}
