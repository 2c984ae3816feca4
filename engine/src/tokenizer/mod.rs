//! Byte-pair tokenizer of the embedded model family, reading a `tokenizer.json` as the crate `tokenizers` writes it.
//!
//! The one rule: a prompt that needs more tokens than the model takes is refused, never cut, and before much work is done on it.
//! Text is folded (NFKC, lower case) for the lookup only; the recipe keeps it verbatim.

mod merge;
#[cfg(test)]
mod tests;

use crate::error::{Error, ErrorKind};
use merge::{Ranks, merge};
use regex::Regex;
use schema::template::MAX_PROMPT_BYTES;
use serde::Deserialize;
use std::collections::HashMap;
use unicode_normalization::UnicodeNormalization as _;

#[derive(Deserialize)]
struct File {
    model: Model,
}

#[derive(Deserialize)]
struct Model {
    vocab: HashMap<String, i64>,
    merges: Vec<(String, String)>,
    unk_token: String,
    #[serde(default)]
    byte_fallback: bool,
}

/// A tokenizer for one model.
pub struct Tokenizer {
    vocabulary: HashMap<String, i64>,
    ranks: Ranks,
    unknown: i64,
    /// Characters or bytes of the longest piece: so many symbols make one token at most.
    longest: usize,
    /// The pieces of single bytes, when characters that are not listed fall back to their UTF-8.
    bytes: Option<Vec<i64>>,
    words: Regex,
}

impl Tokenizer {
    /// Reads `tokenizer.json`.
    ///
    /// # Errors
    /// When it is of another kind, or names a piece that it does not list.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let wrong =
            |what: String| Error::new(ErrorKind::Malformed, format!("tokenizer.json: {what}"));
        let file: File = serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
        let vocabulary = file.model.vocab;
        let id = |piece: &str| {
            vocabulary
                .get(piece)
                .copied()
                .ok_or_else(|| wrong(format!("the piece {piece:?} is not listed")))
        };
        let mut ranks = HashMap::new();
        for (rank, (left, right)) in file.model.merges.iter().enumerate() {
            ranks.insert(
                (id(left)?, id(right)?),
                (rank, id(&format!("{left}{right}"))?),
            );
        }
        let unknown = id(&file.model.unk_token)?;
        let longest = vocabulary.keys().map(String::len).max().unwrap_or(1).max(1);
        let byte = |byte: u8| id(&format!("<0x{byte:02X}>"));
        let bytes = if file.model.byte_fallback {
            Some((0..=255).map(byte).collect::<Result<_, _>>()?)
        } else {
            None
        };
        // Words, or runs of other marks; a CJK ideograph always stands alone.
        let words = Regex::new(r"[\u4e00-\u9fff]|[\w--[\u4e00-\u9fff]]+|[^\w\s]+")
            .map_err(|error| wrong(error.to_string()))?;
        Ok(Self {
            vocabulary,
            ranks,
            unknown,
            longest,
            bytes,
            words,
        })
    }

    /// The tokens of `text`, without padding. For texts whose length is known to be small.
    #[must_use]
    pub fn encode(&self, text: &str) -> Vec<i64> {
        self.encode_counted(text, usize::MAX, &mut 0)
            .unwrap_or_default()
    }

    /// The tokens of `text`, padded with 0 to `limit`.
    ///
    /// # Errors
    /// `ErrorKind::PromptTooLong` with the limit; a text that cannot fit is refused before it is merged, or read to its end.
    pub fn encode_padded(&self, text: &str, limit: usize) -> Result<Vec<i64>, Error> {
        let mut steps = 0;
        let ids = (text.len() <= MAX_PROMPT_BYTES)
            .then(|| self.encode_counted(text, limit, &mut steps))
            .flatten();
        let Some(mut ids) = ids else {
            let message =
                format!("the prompt has too many tokens, this model takes {limit}: shorten it");
            return Err(Error::new(ErrorKind::PromptTooLong, message));
        };
        ids.resize(limit, 0);
        Ok(ids)
    }

    /// The tokens of `text` if there are at most `limit`. `steps` counts the symbols and pairs that were looked at.
    fn encode_counted(&self, text: &str, limit: usize, steps: &mut u64) -> Option<Vec<i64>> {
        let folded: String = text.nfkc().flat_map(char::to_lowercase).collect();
        let mut ids = Vec::new();
        for word in self.words.find_iter(&folded) {
            let room = (limit - ids.len()).saturating_mul(self.longest);
            let symbols = self.symbols(word.as_str(), room)?;
            *steps += symbols.len() as u64;
            ids.extend(merge(&symbols, &self.ranks, steps));
            if ids.len() > limit {
                return None;
            }
        }
        Some(ids)
    }

    /// The pieces of single characters or bytes that a word begins as; `None` for more than `most`.
    fn symbols(&self, word: &str, most: usize) -> Option<Vec<i64>> {
        let mut ids = Vec::new();
        for character in word.chars() {
            let mut buffer = [0; 4];
            let spelled = character.encode_utf8(&mut buffer);
            match (self.vocabulary.get(spelled as &str), &self.bytes) {
                (Some(id), _) => ids.push(*id),
                (None, Some(bytes)) => ids.extend(spelled.bytes().map(|b| bytes[usize::from(b)])),
                (None, None) => ids.push(self.unknown),
            }
            if ids.len() > most {
                return None;
            }
        }
        Some(ids)
    }
}
