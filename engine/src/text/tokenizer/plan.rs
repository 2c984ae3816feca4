//! A tokenizer as its files describe it: lists of pieces, read here, or a `tokenizer.json`, read in [`super::document`].
//!
//! The one rule: nothing in a file decides what work is done, but the two families' few settings; files bring pieces and names.

use super::document;
use super::folder::{Folder, malformed};
use super::settings::{Family, Settings, Token};
use crate::error::Error;
use std::collections::HashMap;

/// How CLIP's text falls into words, as transformers wrote it before 5; a digit always stands alone.
pub(super) const CLIP_WORDS: &str = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";

/// The same since transformers 5.
pub(super) const CLIP_WORDS_5: &str =
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";

/// BERT takes a word of more characters than this for unknown.
pub(super) const LONGEST_WORD: usize = 100;

/// The part that knows pieces.
pub(super) enum Pieces {
    Clip {
        merges: Vec<(String, String)>,
        words: &'static str,
    },
    Bert {
        lower_case: bool,
        strip_accents: Option<bool>,
        chinese: bool,
    },
}

/// Everything that a tokenizer is built from.
pub(super) struct Plan {
    /// The file with the vocabulary, for messages.
    pub(super) place: String,
    pub(super) vocabulary: HashMap<String, u32>,
    pub(super) unknown: String,
    pub(super) begin: String,
    pub(super) end: String,
    pub(super) added: Vec<Token>,
    pub(super) pieces: Pieces,
}

impl Plan {
    /// Reads `tokenizer.json`, or the lists where there is none.
    pub(super) fn read(folder: &Folder<'_>, settings: &Settings) -> Result<Self, Error> {
        if let Some(mut document) = folder.document("tokenizer.json")? {
            return document::plan(folder, &mut document, settings);
        }
        let has = |file: &str| (folder.files)(&folder.place(file)).is_some();
        match settings.family {
            Some(Family::Clip) => Self::clip(folder, settings),
            Some(Family::Bert) => Self::bert(folder, settings),
            None if has("merges.txt") => Self::clip(folder, settings),
            None if has("vocab.txt") => Self::bert(folder, settings),
            None => Err(folder.missing("tokenizer.json")),
        }
    }

    fn clip(folder: &Folder<'_>, settings: &Settings) -> Result<Self, Error> {
        let place = folder.place("vocab.json");
        let listed = folder.text("vocab.json")?;
        let vocabulary =
            serde_json::from_str(&listed).map_err(|error| malformed(&place, &error.to_string()))?;
        let listed = folder.text("merges.txt")?;
        let mut lines = listed.trim_end().lines().enumerate().peekable();
        // The version stands first.
        lines.next_if(|(_, line)| line.starts_with("#version"));
        let mut merges = Vec::new();
        for (number, line) in lines {
            let pair = line.split_once(' ').filter(|pair| !pair.1.contains(' '));
            let (left, right) = pair.ok_or_else(|| {
                let place = format!("{}: line {}", folder.place("merges.txt"), number + 1);
                malformed(&place, "is no pair of pieces")
            })?;
            merges.push((left.to_owned(), right.to_owned()));
        }
        let added = settings.added_with(
            &vocabulary,
            &[
                ("bos_token", "<|startoftext|>"),
                ("eos_token", "<|endoftext|>"),
            ],
        );
        Ok(Self {
            place,
            vocabulary,
            unknown: settings.role("unk_token", "<|endoftext|>"),
            begin: settings.role("bos_token", "<|startoftext|>"),
            end: settings.role("eos_token", "<|endoftext|>"),
            added,
            pieces: Pieces::Clip {
                merges,
                words: CLIP_WORDS_5,
            },
        })
    }

    fn bert(folder: &Folder<'_>, settings: &Settings) -> Result<Self, Error> {
        let listed = folder.text("vocab.txt")?;
        let mut vocabulary = HashMap::new();
        for (id, piece) in (0..).zip(listed.lines()) {
            vocabulary.insert(piece.to_owned(), id);
        }
        let added = settings.added_with(
            &vocabulary,
            &[
                ("unk_token", "[UNK]"),
                ("sep_token", "[SEP]"),
                ("pad_token", "[PAD]"),
                ("cls_token", "[CLS]"),
                ("mask_token", "[MASK]"),
            ],
        );
        Ok(Self {
            place: folder.place("vocab.txt"),
            vocabulary,
            unknown: settings.role("unk_token", "[UNK]"),
            begin: settings.role("cls_token", "[CLS]"),
            end: settings.role("sep_token", "[SEP]"),
            added,
            pieces: Pieces::Bert {
                lower_case: settings.lower_case.unwrap_or(true),
                strip_accents: settings.strip_accents,
                chinese: settings.chinese.unwrap_or(true),
            },
        })
    }
}
