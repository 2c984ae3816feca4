//! How calls to a provider and its events stand, and which steps they may take.
//!
//! The one rule: a step that is not in these tables is a fault of ours, and is refused before it is written.

use base::db::words;

words! {
    /// How a call that moves money stands.
    pub enum OperationState {
        /// Booked, and not sent.
        Planned = "planned",
        /// The call was made, or is about to be.
        Sent = "sent",
        /// The call was made, and nobody knows how it ended.
        Unknown = "unknown",
        /// Done.
        Ok = "ok",
        /// Refused for good, or taken back.
        Rejected = "rejected",
    }
}

words! {
    /// How an event of a provider stands.
    pub enum EventState {
        /// Stored, and not read.
        Received = "received",
        /// Read and booked.
        Done = "done",
        /// There was nothing to do.
        Ignored = "ignored",
    }
}

impl OperationState {
    /// Whether money may still move.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Planned | Self::Sent | Self::Unknown)
    }

    /// Whether a call may become `next`. One whose key was refused is planned again. What a person pays is never sent: it goes from
    /// planned to its end, and what a bank sends back was done before.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use OperationState::{Ok, Planned, Rejected, Sent, Unknown};
        self == next
            || matches!(
                (self, next),
                (Planned, Sent | Ok | Rejected)
                    | (Sent, Planned | Unknown | Ok | Rejected)
                    | (Unknown, Sent | Ok | Rejected)
                    | (Ok, Rejected)
            )
    }
}

#[cfg(test)]
mod tests {
    use super::OperationState;

    #[test]
    fn what_was_refused_is_never_sent_again_and_what_was_done_is_never_unknown() {
        assert!(!OperationState::Rejected.may_become(OperationState::Sent));
        assert!(!OperationState::Rejected.may_become(OperationState::Ok));
        assert!(!OperationState::Ok.may_become(OperationState::Planned));
        assert!(!OperationState::Ok.may_become(OperationState::Unknown));
        assert!(!OperationState::Planned.may_become(OperationState::Unknown));
        assert!(OperationState::Unknown.may_become(OperationState::Sent));
    }
}
