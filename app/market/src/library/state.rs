//! How a re-run stands, and which steps it may take.
//!
//! The one rule: a step that is not in this table is a fault of ours, and is refused before it is written.

use base::db::words;

words! {
    /// How a re-run stands.
    pub enum RunState {
        /// No worker has begun it.
        Waiting = "waiting",
        /// A worker makes its pictures.
        Running = "running",
        /// Every picture was made and compared.
        Done = "done",
        /// It could not be made.
        Failed = "failed",
    }
}

impl RunState {
    /// Whether nothing more becomes of it.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed)
    }

    /// Whether a run may become `next`. One that waits may be over at once: progress that could not be noted holds up nothing. What is
    /// over stays over, for its outcome is in the public log.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use RunState::{Done, Failed, Running, Waiting};
        self == next
            || matches!(
                (self, next),
                (Waiting, Running | Done | Failed) | (Running, Done | Failed)
            )
    }
}

#[cfg(test)]
mod tests {
    use super::RunState;

    #[test]
    fn what_is_over_stays_over_and_nothing_waits_again() {
        assert!(!RunState::Done.may_become(RunState::Failed));
        assert!(!RunState::Done.may_become(RunState::Running));
        assert!(!RunState::Failed.may_become(RunState::Done));
        assert!(!RunState::Running.may_become(RunState::Waiting));
        assert!(RunState::Waiting.may_become(RunState::Done));
    }
}
