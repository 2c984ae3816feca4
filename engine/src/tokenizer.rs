//! Byte-pair tokenizer of the embedded model family, reading a `tokenizer.json` as the crate `tokenizers` writes it.
//!
//! The one rule: a prompt that needs more tokens than the model takes is refused, never cut. Text is folded (NFKC, lower
//! case) for the lookup only; the recipe keeps it verbatim.

use crate::error::{Error, Kind};
use regex::Regex;
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
    ranks: HashMap<(i64, i64), (usize, i64)>,
    unknown: i64,
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
        let wrong = |what: String| Error::new(Kind::Malformed, format!("tokenizer.json: {what}"));
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
            bytes,
            words,
        })
    }

    /// The tokens of `text`, without padding.
    #[must_use]
    pub fn encode(&self, text: &str) -> Vec<i64> {
        let folded: String = text.nfkc().flat_map(char::to_lowercase).collect();
        self.words
            .find_iter(&folded)
            .flat_map(|word| self.encode_word(word.as_str()))
            .collect()
    }

    /// The tokens of `text`, padded with 0 to `limit`.
    ///
    /// # Errors
    /// `Kind::PromptTooLong` with both counts.
    pub fn encode_padded(&self, text: &str, limit: usize) -> Result<Vec<i64>, Error> {
        let mut ids = self.encode(text);
        if ids.len() > limit {
            let message = format!(
                "the prompt has {} tokens, this model takes {limit}: shorten it",
                ids.len()
            );
            return Err(Error::new(Kind::PromptTooLong, message));
        }
        ids.resize(limit, 0);
        Ok(ids)
    }

    fn encode_word(&self, word: &str) -> Vec<i64> {
        let mut ids = Vec::with_capacity(word.len());
        for character in word.chars() {
            let mut buffer = [0; 4];
            let spelled = character.encode_utf8(&mut buffer);
            match (self.vocabulary.get(spelled as &str), &self.bytes) {
                (Some(id), _) => ids.push(*id),
                (None, Some(bytes)) => ids.extend(spelled.bytes().map(|b| bytes[usize::from(b)])),
                (None, None) => ids.push(self.unknown),
            }
        }
        loop {
            let pairs = ids.windows(2).enumerate();
            let best = pairs
                .filter_map(|(at, pair)| {
                    self.ranks
                        .get(&(pair[0], pair[1]))
                        .map(|(rank, merged)| (*rank, at, *merged))
                })
                .min();
            let Some((_, at, merged)) = best else {
                return ids;
            };
            ids[at] = merged;
            ids.remove(at + 1);
        }
    }
}
