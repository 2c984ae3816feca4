//! The ledger's one error: a coarse kind, and a text that names the object.

use std::fmt;

/// The coarse class of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Text or bytes that are not what they should be.
    Malformed,
    /// A signature or a proof that does not hold.
    Forged,
    /// Stored bytes that contradict each other; nothing may be signed over them.
    Corrupt,
    /// A file or database that failed; the operation did not happen and may be tried again.
    Storage,
    /// The state on disk is unknown: the process must end, and start-up recovers.
    Fatal,
    /// Something that is not there.
    Missing,
    /// Something that is there already and may not be made again.
    Exists,
    /// A checkpoint that too few witnesses have cosigned so far.
    Unsettled,
    /// More is asked than can be taken now; the same may be asked again a little later.
    Busy,
}

/// A failure with its place.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

impl Error {
    /// Makes a failure; `message` names the object.
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
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
