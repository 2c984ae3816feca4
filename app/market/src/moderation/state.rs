//! How a review stands, and which steps it may take.
//!
//! The one rule: a step that is not in this table is a fault of ours, and is refused before it is written.

use base::db::words;

words! {
    /// How a review stands.
    pub enum ReviewState {
        /// It waits for a person.
        Open = "open",
        /// The version may go on sale.
        Approved = "approved",
        /// The version is refused.
        Rejected = "rejected",
    }
}

impl ReviewState {
    /// Whether a review may become `next`. It is decided once.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use ReviewState::{Approved, Open, Rejected};
        matches!((self, next), (Open, Approved | Rejected))
    }
}

#[cfg(test)]
mod tests {
    use super::ReviewState;

    #[test]
    fn a_review_is_decided_once() {
        assert!(!ReviewState::Approved.may_become(ReviewState::Rejected));
        assert!(!ReviewState::Rejected.may_become(ReviewState::Approved));
        assert!(!ReviewState::Rejected.may_become(ReviewState::Open));
    }
}
