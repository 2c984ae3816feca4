//! The engine's one error: a coarse kind to branch on, and a text that names the stage and what is missing.

use std::fmt;

/// The coarse class of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A model, file or library that is not there.
    Missing,
    /// A file that is not the one its digest names.
    WrongDigest,
    /// This machine cannot keep the portable profile.
    Unsupported,
    /// The prompt has more tokens than the model takes.
    PromptTooLong,
    /// A size, sampler or feature that the model does not offer.
    NotOffered,
    /// A graph that claims `portable-1` and leaves its operator set.
    NotPortable,
    /// A value became NaN or infinite.
    NotFinite,
    /// The caller asked to stop.
    Cancelled,
    /// Anything that the runtime refused.
    Runtime,
    /// A document or picture that cannot be read.
    Malformed,
}

/// A failure with its place.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

impl Error {
    /// Makes a failure; `message` names the place.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    /// The class of the failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether trying again on a sound machine cannot help.
    #[must_use]
    pub fn is_final(&self) -> bool {
        !matches!(
            self.kind,
            ErrorKind::Runtime
                | ErrorKind::Cancelled
                | ErrorKind::Unsupported
                | ErrorKind::Missing
                | ErrorKind::WrongDigest
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<schema::Error> for Error {
    fn from(error: schema::Error) -> Self {
        Self::new(ErrorKind::Malformed, error.to_string())
    }
}
