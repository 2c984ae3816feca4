//! Database errors: what a caller may branch on, and nothing that a user may see.

use thiserror::Error as ThisError;

/// Short for a database result.
pub type Result<T> = std::result::Result<T, Error>;

/// A database failure.
#[derive(Debug, ThisError)]
#[error("database: {0}")]
pub struct Error(#[from] sqlx::Error);

/// Which promise of the schema a statement broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A unique constraint, by name (`listing_slug_key`).
    Unique(String),
    /// A check, by name.
    Check(String),
    /// A foreign key; SQLite does not say which.
    ForeignKey,
    /// A trigger of ours, by the name in its message.
    Trigger(String),
}

impl Error {
    pub fn failed_transaction() -> Self {
        Self(sqlx::Error::Protocol(
            "a statement of this transaction failed, so it is not committed".into(),
        ))
    }

    /// A step that no rule of ours takes.
    pub fn impossible(what: String) -> Self {
        Self(sqlx::Error::Protocol(format!("no such step: {what}")))
    }

    pub fn out_of_time() -> Self {
        Self(timed_out())
    }

    /// Whether its time was over, or nobody waited for it any more: it ended half done, and was undone.
    #[must_use]
    pub fn is_out_of_time(&self) -> bool {
        match &self.0 {
            sqlx::Error::Database(error) => {
                matches!(error.code().as_deref(), Some("9" | "57014"))
            }
            sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::TimedOut,
            _ => false,
        }
    }

    /// Whether the row asked for does not exist.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self.0, sqlx::Error::RowNotFound)
    }

    /// Whether the same transaction may succeed when it is run again.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        let sqlx::Error::Database(error) = &self.0 else {
            return matches!(self.0, sqlx::Error::PoolTimedOut);
        };
        matches!(
            error.code().as_deref(),
            Some("5" | "517" | "40001" | "40P01")
        )
    }

    /// The broken promise, by the same name on both databases.
    pub fn violation(&self) -> Option<Violation> {
        let sqlx::Error::Database(error) = &self.0 else {
            return None;
        };
        if let Some(name) = error.constraint() {
            return Some(match error.kind() {
                sqlx::error::ErrorKind::UniqueViolation => Violation::Unique(name.into()),
                sqlx::error::ErrorKind::ForeignKeyViolation => Violation::ForeignKey,
                _ => Violation::Check(name.into()),
            });
        }
        let message = error.message();
        if let Some(columns) = message.strip_prefix("UNIQUE constraint failed: ") {
            return Some(Violation::Unique(unique_name(columns)));
        }
        if let Some(name) = message.strip_prefix("CHECK constraint failed: ") {
            return Some(Violation::Check(name.into()));
        }
        if message.contains("FOREIGN KEY constraint failed") {
            return Some(Violation::ForeignKey);
        }
        let word = message.split([':', ' ']).next().unwrap_or_default();
        let ours = ["append_only", "zero_sum", "sealed"]
            .iter()
            .any(|end| word.ends_with(end));
        ours.then(|| Violation::Trigger(word.into()))
    }
}

/// What a statement that began too late answers.
pub(super) fn timed_out() -> sqlx::Error {
    let text = "the time for this work is over, or nobody waits for it any more";
    sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, text))
}

/// Whether SQLite may have ended the whole transaction with this error: no memory, interrupted, an error of the disk, or a full one.
pub(super) fn ended_transaction(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else {
        return false;
    };
    let code = error.code().and_then(|code| code.parse::<i64>().ok());
    code.is_some_and(|code| matches!(code & 0xff, 5 | 7 | 9 | 10 | 13))
}

/// `listing.slug` → `listing_slug_key`; `account.kind, account.owner` → `account_kind_owner_key`; an index says its name.
fn unique_name(columns: &str) -> String {
    if let Some(index) = columns.strip_prefix("index '") {
        return index.trim_end_matches('\'').into();
    }
    let table = columns.split('.').next().unwrap_or_default();
    let names: Vec<&str> = columns
        .split(", ")
        .filter_map(|column| column.split('.').nth(1))
        .collect();
    format!("{table}_{}_key", names.join("_"))
}
