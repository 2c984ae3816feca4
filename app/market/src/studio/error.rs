//! What can go wrong in the studio.

use crate::log::service as log;
use base::{db, media, vault};
use schema::failure::FieldError;
use thiserror::Error as ThisError;

/// What can go wrong in the studio.
#[derive(Debug, ThisError)]
pub enum Error {
    /// No such draft or picture, or somebody else's.
    #[error("not found")]
    NotFound,
    /// Fields of a form.
    #[error("invalid fields")]
    Invalid(Vec<FieldError>),
    /// Too many pictures in an hour.
    #[error("too many pictures")]
    TooMany,
    /// A picture equal to another creator's.
    #[error("equal to a picture of the leaf {0}")]
    Duplicate(String),
    /// A secret was erased, or does not open.
    #[error(transparent)]
    Vault(#[from] vault::Error),
    /// The log failed.
    #[error(transparent)]
    Log(#[from] log::Error),
    /// A picture's file failed.
    #[error(transparent)]
    Media(#[from] media::Error),
    /// Anything else, for the log.
    #[error("{0}")]
    Internal(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] db::Error),
}

pub(super) fn internal(error: impl std::fmt::Display) -> Error {
    Error::Internal(error.to_string())
}

/// One field is wrong.
pub(super) fn refused_at(field: &str, code: &str) -> Error {
    Error::Invalid(vec![FieldError::new(field, code)])
}

pub(super) fn refused(field: &str) -> impl Fn(schema::Error) -> Error {
    let field = field.to_owned();
    move |error| Error::Invalid(vec![FieldError::of(&field, &error)])
}
