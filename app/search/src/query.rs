//! What somebody typed.
//!
//! The one rule: it is bounded before anything is done with it, and what is too long is refused, not cut.

use crate::words::token::tokens;
use unicode_normalization::UnicodeNormalization as _;

/// The longest query, in characters.
pub const MAX_QUERY_CHARACTERS: usize = 200;
/// The most words of one.
pub const MAX_QUERY_WORDS: usize = 16;

/// Why a query is not looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// It has more than [`MAX_QUERY_CHARACTERS`].
    #[error("a query has at most {MAX_QUERY_CHARACTERS} characters")]
    TooLong,
    /// It has more than [`MAX_QUERY_WORDS`].
    #[error("a query has at most {MAX_QUERY_WORDS} words")]
    TooManyWords,
}

/// A query within its bounds; an empty one finds everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Query {
    text: String,
}

impl Query {
    /// Reads what was typed.
    ///
    /// # Errors
    /// When it is too long.
    pub fn parse(typed: &str) -> Result<Self, QueryError> {
        // One character may stand for eighteen.
        if typed.chars().nth(MAX_QUERY_CHARACTERS).is_some()
            || typed.nfkc().nth(MAX_QUERY_CHARACTERS).is_some()
        {
            return Err(QueryError::TooLong);
        }
        let shown = |character: char| !character.is_control() || character.is_whitespace();
        let text: String = typed
            .trim()
            .chars()
            .filter(|character| shown(*character))
            .collect();
        if tokens(&text).len() > MAX_QUERY_WORDS
            && text.split_whitespace().count() > MAX_QUERY_WORDS
        {
            return Err(QueryError::TooManyWords);
        }
        Ok(Self { text })
    }

    /// What was typed, without spaces around it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether nothing is looked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}
