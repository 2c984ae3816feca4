//! How an order, a line and its earning stand, and which steps they may take.
//!
//! The one rule: a step that is not in these tables is a fault of ours, and is refused before it is written.

use base::db::words;

words! {
    /// How an order stands.
    pub enum OrderState {
        /// Placed, and not paid for.
        Open = "open",
        /// Paid for.
        Paid = "paid",
        /// It ended unpaid.
        Cancelled = "cancelled",
    }
}

words! {
    /// How a line stands.
    pub enum LineState {
        /// Ordered, and not paid for.
        Open = "open",
        /// Paid for and handed over.
        Owned = "owned",
        /// Its money went back, or a bank took it.
        Refunded = "refunded",
        /// Its order ended unpaid.
        Cancelled = "cancelled",
    }
}

words! {
    /// Where the creator's part of a line is.
    pub enum Earning {
        /// There is none, or not yet.
        None = "none",
        /// Held until the buyer cannot give it back any more.
        Held = "held",
        /// Released, and not paid out.
        Available = "available",
        /// On its way.
        Transit = "transit",
        /// With the creator.
        Transferred = "transferred",
        /// Given back.
        Reversed = "reversed",
    }
}

impl OrderState {
    /// Whether an order may become `next`. What was paid stays paid, whatever becomes of its lines; one that ended and was paid all the
    /// same is opened again.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use OrderState::{Cancelled, Open, Paid};
        self == next || matches!((self, next), (Open, Paid | Cancelled) | (Cancelled, Open))
    }
}

impl LineState {
    /// Whether a line may become `next`. A refund that is refused makes the buyer its owner again, and an order that ended and was paid
    /// all the same is opened again.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use LineState::{Cancelled, Open, Owned, Refunded};
        self == next
            || matches!(
                (self, next),
                (Open, Owned | Refunded | Cancelled)
                    | (Cancelled, Open)
                    | (Owned, Refunded)
                    | (Refunded, Owned)
            )
    }
}

impl Earning {
    /// Whether an earning may become `next`. What was reversed comes back where a refund was refused, to where it was.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use Earning::{Available, Held, None, Reversed, Transferred, Transit};
        self == next
            || matches!(
                (self, next),
                (None, Held | Reversed)
                    | (Held, Available | Reversed)
                    | (Available, Transit | Reversed)
                    | (Transit, Transferred | Available | Reversed)
                    | (Transferred, Available | Reversed)
                    | (Reversed, None | Held | Available | Transferred)
            )
    }
}

#[cfg(test)]
mod tests {
    use super::{Earning, LineState, OrderState};

    #[test]
    fn a_word_that_nobody_knows_is_no_state() {
        for (word, known) in [
            ("owned", true),
            ("Owned", false),
            ("", false),
            ("sold", false),
        ] {
            assert_eq!(
                LineState::try_from(word.to_owned()).is_ok(),
                known,
                "{word}"
            );
        }
        let kept = serde_json::to_string(&Earning::Transit).expect("JSON");
        assert_eq!(kept, "\"transit\"", "as earlier releases kept it");
    }

    #[test]
    fn nothing_is_handed_over_twice_and_nothing_is_paid_before_it_is_released() {
        assert!(!OrderState::Cancelled.may_become(OrderState::Paid));
        assert!(!OrderState::Paid.may_become(OrderState::Open));
        assert!(!OrderState::Paid.may_become(OrderState::Cancelled));
        assert!(!LineState::Refunded.may_become(LineState::Open));
        assert!(!LineState::Cancelled.may_become(LineState::Owned));
        assert!(!Earning::Held.may_become(Earning::Transit));
        assert!(!Earning::Held.may_become(Earning::Transferred));
        assert!(!Earning::Transferred.may_become(Earning::Transit));
        assert!(Earning::Reversed.may_become(Earning::Transferred));
    }
}
