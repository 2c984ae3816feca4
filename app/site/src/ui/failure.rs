//! A situation that ends a request, and what was wrong with which field. The cause goes to the log, never to the page.

use axum::response::Response;
use base::limits::Limit;
use schema::failure::{Code, FieldError};
use std::fmt::Display;

/// A situation, with what was wrong with which field.
#[derive(Debug)]
pub struct AppError {
    /// The situation.
    pub code: Code,
    /// Fields, for forms and JSON.
    pub fields: Vec<FieldError>,
    /// For the log alone.
    pub cause: Option<String>,
    /// Where to go on once the password was given again.
    pub next: Option<String>,
    /// A transaction was undone for another's sake; the same one may succeed.
    pub undone: bool,
    /// In so many seconds it is worth asking again.
    pub wait_s: Option<u64>,
}

/// In so many seconds whatever did not answer may answer again.
const BUSY_S: u64 = 2;

impl AppError {
    /// A situation without detail.
    #[must_use]
    pub fn new(code: Code) -> Self {
        Self {
            code,
            fields: Vec::new(),
            cause: None,
            next: None,
            undone: false,
            wait_s: None,
        }
    }

    /// A failure that users learn nothing about but its request id.
    pub fn internal(cause: impl Display) -> Self {
        Self {
            code: Code::Internal,
            fields: Vec::new(),
            cause: Some(cause.to_string()),
            next: None,
            undone: false,
            wait_s: None,
        }
    }

    /// The password has to be given again, and then it goes on at a page of ours.
    #[must_use]
    pub fn confirm_needed(next: &str) -> Self {
        Self {
            next: Some(next.to_owned()),
            ..Self::new(Code::ConfirmNeeded)
        }
    }

    /// Not possible as things are, and why.
    #[must_use]
    pub fn conflict(field: FieldError) -> Self {
        Self {
            fields: vec![field],
            ..Self::new(Code::Conflict)
        }
    }

    /// Something that we depend on does not answer; the cause is for the log.
    pub fn unavailable(cause: impl Display) -> Self {
        Self {
            cause: Some(cause.to_string()),
            wait_s: Some(BUSY_S),
            ..Self::new(Code::Unavailable)
        }
    }

    /// Too often, and when that is forgotten.
    #[must_use]
    pub fn too_many(limit: Limit) -> Self {
        Self {
            wait_s: Some(limit.rest_s()),
            ..Self::new(Code::TooMany)
        }
    }

    /// Wrong input, field by field.
    #[must_use]
    pub fn invalid(fields: Vec<FieldError>) -> Self {
        Self {
            code: Code::Invalid,
            fields,
            cause: None,
            next: None,
            undone: false,
            wait_s: None,
        }
    }
}

/// What a handler returns.
pub type Answer = Result<Response, AppError>;
