//! What can go wrong between a shop and Stripe, on demand.

/// One fault; it hits the next matching POST and is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection breaks before anything happens.
    BrokenBefore,
    /// It happened, and the connection breaks before the answer.
    BrokenAfter,
    /// 409 `idempotency_key_in_use`: nothing happened.
    InUse,
    /// 429: nothing happened.
    TooMany,
    /// A 500 that is saved for the key: nothing happened, and the same key gets the same answer.
    SavedFailure,
    /// It happened, and the answer is a 500 that is not saved.
    FailureAfter,
    /// It happened, and the answer is a 200 that no client can read.
    OddSuccess,
    /// 401: the key was revoked.
    Revoked,
}

impl Fault {
    /// Every fault, for walks.
    pub const ALL: [Self; 7] = [
        Self::BrokenBefore,
        Self::BrokenAfter,
        Self::InUse,
        Self::TooMany,
        Self::SavedFailure,
        Self::FailureAfter,
        Self::OddSuccess,
    ];

    /// Reads a name as the control page takes it.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "broken-before" => Self::BrokenBefore,
            "broken-after" => Self::BrokenAfter,
            "in-use" => Self::InUse,
            "too-many" => Self::TooMany,
            "saved-failure" => Self::SavedFailure,
            "failure-after" => Self::FailureAfter,
            "odd-success" => Self::OddSuccess,
            "revoked" => Self::Revoked,
            _ => return None,
        })
    }
}
