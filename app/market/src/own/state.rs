//! How a picture of an owner stands, and which steps it may take.
//!
//! The one rule: a step that is not in this table is a fault of ours, and is refused before it is written.

use base::db::words;

words! {
    /// How a picture stands that an owner, or a visitor who tries, asked for.
    pub enum OwnState {
        /// No worker has begun it.
        Waiting = "waiting",
        /// A worker makes it.
        Running = "running",
        /// It is made.
        Done = "done",
        /// It could not be made.
        Failed = "failed",
    }
}

impl OwnState {
    /// Whether nothing more becomes of it.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed)
    }

    /// Whether a picture may become `next`. What is over stays over.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use OwnState::{Done, Failed, Running, Waiting};
        self == next
            || matches!(
                (self, next),
                (Waiting, Running | Done | Failed) | (Running, Done | Failed)
            )
    }
}

#[cfg(test)]
mod tests {
    use super::OwnState;

    #[test]
    fn what_is_over_stays_over_and_nothing_waits_again() {
        assert!(!OwnState::Done.may_become(OwnState::Failed));
        assert!(!OwnState::Failed.may_become(OwnState::Running));
        assert!(!OwnState::Running.may_become(OwnState::Waiting));
        assert!(OwnState::Waiting.may_become(OwnState::Done));
    }
}
