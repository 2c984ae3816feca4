//! How a payout to a creator's bank stands, and which steps it may take.
//!
//! The one rule: a step that is not in this table is a fault of ours, and is refused before it is written.

use base::db::words;
use money::provider::PayoutState;

words! {
    /// How a payout to a creator's bank stands, whoever makes it: a provider, or a person by hand.
    pub enum BankPayoutState {
        /// On its way, or waiting for a person.
        Pending = "pending",
        /// Made.
        Paid = "paid",
        /// The provider could not make it, or the bank sent it back.
        Failed = "failed",
        /// Taken back by hand before it was made.
        Cancelled = "cancelled",
        /// Made by hand, and sent back by the bank.
        Returned = "returned",
    }
}

impl BankPayoutState {
    /// Whether a payout may become `next`. Only what was made comes back, and what is over stays over.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use BankPayoutState::{Cancelled, Failed, Paid, Pending, Returned};
        self == next
            || matches!(
                (self, next),
                (Pending, Paid | Failed | Cancelled) | (Paid, Failed | Returned)
            )
    }
}

impl From<PayoutState> for BankPayoutState {
    fn from(state: PayoutState) -> Self {
        match state {
            PayoutState::Pending => Self::Pending,
            PayoutState::Paid => Self::Paid,
            PayoutState::Failed => Self::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::BankPayoutState;

    #[test]
    fn only_what_was_made_comes_back_and_what_is_over_stays_over() {
        assert!(!BankPayoutState::Pending.may_become(BankPayoutState::Returned));
        assert!(!BankPayoutState::Paid.may_become(BankPayoutState::Cancelled));
        assert!(!BankPayoutState::Paid.may_become(BankPayoutState::Pending));
        assert!(!BankPayoutState::Cancelled.may_become(BankPayoutState::Paid));
        assert!(!BankPayoutState::Failed.may_become(BankPayoutState::Paid));
        assert!(!BankPayoutState::Returned.may_become(BankPayoutState::Paid));
    }
}
