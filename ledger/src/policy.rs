//! Whom to trust: a `tlog-policy` file (C2SP) with one or more logs and a quorum.
//!
//! The one rule: keys come from a policy, never from the bundle that is checked; without a policy the bundle's own key is
//! used and every report says so.

use crate::error::{Error, Kind};
use crate::note::Verifier;

/// The trusted logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<Verifier>,
    first_use: bool,
}

impl Policy {
    /// Reads a policy file: `log <vkey> [url]` lines and `quorum none`; `#` begins a comment.
    ///
    /// # Errors
    /// `Kind::Malformed` with the line; a policy that asks for witnesses is refused rather than weakened.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (mut logs, mut quorum) = (Vec::new(), 0);
        for (number, line) in (1..).zip(text.lines()) {
            let wrong = |what: String| {
                Error::new(Kind::Malformed, format!("policy, line {number}: {what}"))
            };
            let line = line.split('#').next().unwrap_or("");
            let words: Vec<&str> = line
                .split([' ', '\t'])
                .filter(|word| !word.is_empty())
                .collect();
            match words.as_slice() {
                [] => {}
                ["log", key] | ["log", key, _] => {
                    logs.push(Verifier::parse(key).map_err(|error| wrong(error.to_string()))?)
                }
                ["quorum", "none"] => quorum += 1,
                ["witness" | "group" | "quorum", ..] => {
                    return Err(wrong(
                        "witnesses are not checked by this version; only \"quorum none\" is".into(),
                    ));
                }
                [word, ..] => return Err(wrong(format!("{word:?} is not known"))),
            }
        }
        if logs.is_empty() || quorum != 1 {
            return Err(Error::new(
                Kind::Malformed,
                "policy: needs at least one log line and exactly one quorum line",
            ));
        }
        Ok(Self {
            logs,
            first_use: false,
        })
    }

    /// Trust on first use: the key that a bundle itself claims.
    ///
    /// # Errors
    /// `Kind::Malformed` for a text that is no verifier key.
    pub fn first_use(key: &str) -> Result<Self, Error> {
        Ok(Self {
            logs: vec![Verifier::parse(key)?],
            first_use: true,
        })
    }

    /// Trusts no log: for a file that was not logged yet.
    #[must_use]
    pub fn none() -> Self {
        Self {
            logs: Vec::new(),
            first_use: false,
        }
    }

    /// Whether the key came from the bundle itself.
    #[must_use]
    pub fn is_first_use(&self) -> bool {
        self.first_use
    }

    /// Whether it trusts nobody at all.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.logs.is_empty()
    }

    /// The key of the log `origin`.
    ///
    /// # Errors
    /// `Kind::Missing` when the policy does not trust it.
    pub fn log(&self, origin: &str) -> Result<&Verifier, Error> {
        let found = self.logs.iter().find(|log| log.name() == origin);
        found.ok_or_else(|| {
            Error::new(
                Kind::Missing,
                format!("the policy trusts no log named {origin}"),
            )
        })
    }
}
