//! What can go wrong where money is moved.
//!
//! The one rule: a cause keeps its type on the way up, so that what may be tried again is tried again, and what was erased is gone.

use crate::books;
use crate::provider::Unanswered;
use base::{db, vault};
use thiserror::Error as ThisError;

/// What can go wrong with an order, a sale, a refund or a payout.
#[derive(Debug, ThisError)]
pub enum Error {
    /// No such thing, or somebody else's.
    #[error("not found")]
    NotFound,
    /// Not possible as things are, and why, as a code.
    #[error("not possible: {0}")]
    Refused(&'static str),
    /// Too often.
    #[error("too many tries")]
    TooMany,
    /// The provider did not answer, or refused.
    #[error("the payment provider: {0}")]
    Provider(String),
    /// The books refused.
    #[error(transparent)]
    Books(#[from] books::service::Error),
    /// A secret was erased, or does not open.
    #[error(transparent)]
    Vault(#[from] vault::Error),
    /// Anything else, for the log.
    #[error("{0}")]
    Internal(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] db::Error),
}

impl From<Unanswered> for Error {
    fn from(error: Unanswered) -> Self {
        Self::Provider(error.to_string())
    }
}
