//! How a listing and its versions stand, and which steps they may take.
//!
//! The one rule: a step that is not in these tables is a fault of ours, and is refused before it is written. The statements that take
//! a listing on name the states that they take it from.

use base::db::words;

words! {
    /// How a listing stands.
    pub enum ListingState {
        /// Submitted; our own machine has not certified it, or its wait is not over.
        Certifying = "certifying",
        /// On sale.
        Live = "live",
        /// Refused, or taken off sale because it could not be regenerated any more.
        Failed = "failed",
        /// Taken off sale for good.
        Withdrawn = "withdrawn",
    }
}

words! {
    /// How a version stands.
    pub enum VersionState {
        /// Its leaves wait for a signed checkpoint.
        Logging = "logging",
        /// Our own machine regenerates it.
        Certifying = "certifying",
        /// Every digest was equal; it waits until it may go on sale.
        Certified = "certified",
        /// On sale.
        Live = "live",
        /// Refused.
        Failed = "failed",
    }
}

impl ListingState {
    /// Whether a listing may become `next`. A later version that is certified brings back one that failed; what was withdrawn never comes
    /// back: its owners have their money, and the log says that it is gone.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use ListingState::{Certifying, Failed, Live, Withdrawn};
        self == next
            || matches!(
                (self, next),
                (Certifying, Live | Failed)
                    | (Live, Failed | Withdrawn)
                    | (Failed, Live | Withdrawn)
            )
    }
}

impl VersionState {
    /// Whether a version may become `next`. Nothing goes on sale that was not certified, and nothing is certified that was not logged first.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use VersionState::{Certified, Certifying, Failed, Live, Logging};
        self == next
            || matches!(
                (self, next),
                (Logging, Certifying | Failed)
                    | (Certifying, Certified | Failed)
                    | (Certified, Live | Failed)
            )
    }
}

#[cfg(test)]
mod tests {
    use super::{ListingState, VersionState};

    #[test]
    fn nothing_goes_on_sale_uncertified_and_nothing_comes_back_that_was_withdrawn() {
        assert!(!VersionState::Logging.may_become(VersionState::Certified));
        assert!(!VersionState::Certifying.may_become(VersionState::Live));
        assert!(!VersionState::Failed.may_become(VersionState::Live));
        assert!(!VersionState::Live.may_become(VersionState::Certifying));
        assert!(!ListingState::Withdrawn.may_become(ListingState::Live));
        assert!(!ListingState::Withdrawn.may_become(ListingState::Failed));
        assert!(!ListingState::Live.may_become(ListingState::Certifying));
        assert!(!ListingState::Certifying.may_become(ListingState::Withdrawn));
        assert!(ListingState::Live.may_become(ListingState::Failed));
    }
}
