//! How a dispute stands, which steps it may take, and who bears its loss.
//!
//! The one rule: facts only move forward; a step that is not in this table is a fault of ours, and is refused before it is written.

use base::db::words;

words! {
    /// How a dispute stands.
    pub enum DisputeState {
        /// The buyer's bank asks; no money moved.
        Inquiry = "inquiry",
        /// The bank took the money, and has not decided.
        Withdrawn = "withdrawn",
        /// The money is ours.
        Won = "won",
        /// The money is the buyer's.
        Lost = "lost",
        /// The question was dropped.
        Closed = "closed",
    }
}

words! {
    /// Who bears the loss of a dispute. A refund has a [`super::Bearer`] of its own, which is not stored.
    pub enum LossBearer {
        /// The creators of its lines, as far as their parts go.
        Seller = "seller",
        /// We do: it was fraud, or a claim was upheld meanwhile.
        Platform = "platform",
    }
}

impl DisputeState {
    /// Whether it can still be answered.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Inquiry | Self::Withdrawn)
    }

    /// Whether a dispute may become `next`. A bank that has the money decides; only a question can be dropped.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use DisputeState::{Closed, Inquiry, Lost, Withdrawn, Won};
        self == next
            || matches!(
                (self, next),
                (Inquiry, Withdrawn | Won | Lost | Closed) | (Withdrawn, Won | Lost)
            )
    }
}

#[cfg(test)]
mod tests {
    use super::DisputeState;

    #[test]
    fn what_a_bank_decided_stays_decided_and_only_a_question_is_dropped() {
        assert!(!DisputeState::Won.may_become(DisputeState::Lost));
        assert!(!DisputeState::Lost.may_become(DisputeState::Won));
        assert!(!DisputeState::Closed.may_become(DisputeState::Withdrawn));
        assert!(!DisputeState::Withdrawn.may_become(DisputeState::Inquiry));
        assert!(!DisputeState::Withdrawn.may_become(DisputeState::Closed));
        assert!(DisputeState::Inquiry.may_become(DisputeState::Closed));
    }
}
