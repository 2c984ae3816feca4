//! How a review stands, which steps it may take, and why listings are reported.
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

words! {
    /// Why a listing is reported.
    pub enum Reason {
        /// It was made by somebody else first.
        CopiedListing = "copied_listing",
        /// It breaks a copyright or a trademark.
        Copyright = "copyright",
        /// It shows a real person, or tells what is private.
        RealPerson = "real_person",
        /// Sexual or intimate.
        Sexual = "sexual",
        /// A danger to minors.
        MinorSafety = "minor_safety",
        /// Hate or violence.
        Violence = "violence",
        /// The pictures or the text promise what is not sold.
        Misleading = "misleading",
        /// Against the law in another way.
        Illegal = "illegal",
        /// Anything else.
        Other = "other",
    }
}

impl Reason {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 9] = [
        Self::CopiedListing,
        Self::Copyright,
        Self::RealPerson,
        Self::Misleading,
        Self::Sexual,
        Self::MinorSafety,
        Self::Violence,
        Self::Illegal,
        Self::Other,
    ];
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
