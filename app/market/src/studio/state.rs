//! How a picture of the studio stands, and which steps it may take.
//!
//! The one rule: a step that is not in this table is a fault of ours, and is refused before it is written.

use base::db::words;

words! {
    /// How a picture stands.
    pub enum PictureState {
        /// No worker has begun it.
        Waiting = "waiting",
        /// A worker makes it.
        Running = "running",
        /// Made.
        Done = "done",
        /// It could not be made.
        Failed = "failed",
    }
}

impl PictureState {
    /// Whether a worker is done with it.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed)
    }

    /// Whether a picture may become `next`. One that waits may be over at once: progress that could not be noted holds up nothing. One
    /// that failed may be made all the same by a worker whose lease was thought to be lost; what is made stays made.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use PictureState::{Done, Failed, Running, Waiting};
        self == next
            || matches!(
                (self, next),
                (Waiting | Failed, Running | Done) | (Waiting, Failed) | (Running, Done | Failed)
            )
    }
}

#[cfg(test)]
mod tests {
    use super::PictureState;

    #[test]
    fn what_is_made_stays_made_and_nothing_waits_again() {
        assert!(!PictureState::Done.may_become(PictureState::Failed));
        assert!(!PictureState::Done.may_become(PictureState::Running));
        assert!(!PictureState::Running.may_become(PictureState::Waiting));
        assert!(!PictureState::Failed.may_become(PictureState::Waiting));
        assert!(PictureState::Waiting.may_become(PictureState::Done));
    }
}
