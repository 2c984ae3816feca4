//! Failures as they cross the wire: a closed code, fields, and the request to ask about. Never an internal text.

use serde::{Deserialize, Serialize};

/// Every situation a user can meet. Its text is the Fluent message `error-<code>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    NotFound,
    Gone,
    SignInNeeded,
    /// The password was given too long ago for what is asked.
    ConfirmNeeded,
    Forbidden,
    Invalid,
    Conflict,
    TooMany,
    TooLarge,
    Unavailable,
    Internal,
}

impl Code {
    /// Every code, for the test that each has a text.
    pub const ALL: [Self; 11] = [
        Self::NotFound,
        Self::Gone,
        Self::SignInNeeded,
        Self::ConfirmNeeded,
        Self::Forbidden,
        Self::Invalid,
        Self::Conflict,
        Self::TooMany,
        Self::TooLarge,
        Self::Unavailable,
        Self::Internal,
    ];

    /// The HTTP status.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::NotFound => 404,
            Self::Gone => 410,
            Self::SignInNeeded => 401,
            Self::ConfirmNeeded | Self::Forbidden => 403,
            Self::Invalid => 422,
            Self::Conflict => 409,
            Self::TooMany => 429,
            Self::TooLarge => 413,
            Self::Unavailable => 503,
            Self::Internal => 500,
        }
    }

    /// The name in JSON and in Fluent ids.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::Gone => "gone",
            Self::SignInNeeded => "sign-in-needed",
            Self::ConfirmNeeded => "confirm-needed",
            Self::Forbidden => "forbidden",
            Self::Invalid => "invalid",
            Self::Conflict => "conflict",
            Self::TooMany => "too-many",
            Self::TooLarge => "too-large",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }
}

/// A form field and the code of what is wrong with it; the text is the Fluent message `field-<code>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// The form field's name.
    pub field: String,
    /// A Fluent id's tail, such as `too-short`.
    pub code: String,
    /// A detail to put into the text, already safe to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl FieldError {
    /// A field error without detail.
    #[must_use]
    pub fn new(field: &str, code: &str) -> Self {
        Self {
            field: field.into(),
            code: code.into(),
            detail: None,
        }
    }

    /// A refusal by this crate: by the broken rule's name, else with its text.
    #[must_use]
    pub fn of(field: &str, error: &crate::Error) -> Self {
        let (code, detail) = match error.broken_rule() {
            Some((rule, about)) => (rule, about.to_owned()),
            None => ("refused", error.to_string()),
        };
        Self {
            field: field.into(),
            code: code.into(),
            detail: Some(detail),
        }
    }
}

/// A failure on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The situation.
    pub code: Code,
    /// What is wrong with which field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldError>,
    /// The request, for questions to support.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub request_id: String,
}
