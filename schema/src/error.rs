//! The one error of this crate: what is wrong, and where in the document.

use std::fmt;

/// The coarse class of a refusal, for callers that branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Not JSON, not UTF-8, wrong length or wrong encoding.
    Malformed,
    /// JSON that is not the canonical form (RFC 8785), or holds `null`, a duplicate key, a fraction or too large an integer.
    NotCanonical,
    /// A document of another format, or an unknown kind or name.
    Unknown,
    /// Well formed, but a value breaks a rule.
    Invalid,
    /// A signature or a commitment that does not hold.
    Forged,
}

/// A refusal that names the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    place: String,
    message: String,
    /// The rule's name and what it is about, for pages that say it in the reader's language.
    rule: Option<(&'static str, String)>,
}

/// What of a refused text an error may repeat: enough to find it again, whatever its length.
pub(crate) fn quoted(text: &str) -> String {
    const SHOWN: usize = 40;
    match text.char_indices().nth(SHOWN) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?} …", &text[..end]),
    }
}

impl Error {
    /// Makes a refusal of `kind` at `place` (a field path such as `recipe.anchors[2].seed`).
    pub fn new(kind: ErrorKind, place: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            kind,
            place: place.into(),
            message: message.into(),
            rule: None,
        }
    }

    /// Names the rule, and what it is about: the name of a variable, or a limit.
    pub(crate) fn rule(mut self, name: &'static str, about: impl Into<String>) -> Self {
        self.rule = Some((name, about.into()));
        self
    }

    /// The same refusal with `outer` in front of its place.
    pub(crate) fn within(mut self, outer: &str) -> Self {
        self.place = format!("{outer}.{}", self.place);
        self
    }

    pub(crate) fn invalid(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, place, message)
    }

    pub(crate) fn malformed(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Malformed, place, message)
    }

    /// The class of the refusal.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The field or part that was refused.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The broken rule's name and what it is about. The text that pages show is the Fluent message `field-<name>`.
    #[must_use]
    pub fn broken_rule(&self) -> Option<(&'static str, &str)> {
        self.rule.as_ref().map(|(name, about)| (*name, &**about))
    }

    /// What is wrong, without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl std::error::Error for Error {}
