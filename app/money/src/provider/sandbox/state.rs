//! How payments and refunds stand at the sandbox.
//!
//! The one rule: these are the sandbox's own words; what they mean to the shop is said by the provider's interface alone.

use base::db::words;

words! {
    /// How a payment stands.
    pub enum RecordState {
        /// Not paid, or declined last.
        Open = "open",
        /// The cardholder's bank asks.
        Confirming = "confirming",
        /// Paid.
        Paid = "paid",
        /// Cannot be paid any more.
        Expired = "expired",
    }
}

words! {
    /// How a refund stands.
    pub enum RefundState {
        /// The next tick settles it.
        Pending = "pending",
        /// The buyer has the money.
        Succeeded = "succeeded",
        /// It was sent, and came back.
        Failed = "failed",
    }
}

impl RecordState {
    /// Whether it can still be paid.
    #[must_use]
    pub fn is_payable(self) -> bool {
        matches!(self, Self::Open | Self::Confirming)
    }
}
