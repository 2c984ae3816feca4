//! A tokenizer as its files describe it, either as lists of pieces or as a `tokenizer.json`.
//!
//! The one rule: a `tokenizer.json` is a program in disguise (patterns, replacements, random dropout). Only what transformers
//! itself writes for CLIP and BERT is taken, word for word; anything else is refused by its field.

use super::folder::{Document, Folder, malformed};
use super::settings::{Family, Settings, Token};
use crate::error::Error;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;

/// How CLIP's text falls into words, as transformers wrote it before 5; a digit always stands alone.
pub(super) const CLIP_WORDS: &str = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";

/// The same since transformers 5.
pub(super) const CLIP_WORDS_5: &str =
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";

/// BERT takes a word of more characters than this for unknown.
const LONGEST_WORD: usize = 100;

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
        longest_word: usize,
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
            return Self::from_document(folder, &mut document, settings);
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
        Ok(Self {
            place,
            vocabulary,
            unknown: settings.role("unk_token", "<|endoftext|>"),
            begin: settings.role("bos_token", "<|startoftext|>"),
            end: settings.role("eos_token", "<|endoftext|>"),
            added: settings.added.clone(),
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
        Ok(Self {
            place: folder.place("vocab.txt"),
            vocabulary,
            unknown: settings.role("unk_token", "[UNK]"),
            begin: settings.role("cls_token", "[CLS]"),
            end: settings.role("sep_token", "[SEP]"),
            added: settings.added.clone(),
            pieces: Pieces::Bert {
                lower_case: settings.lower_case.unwrap_or(true),
                strip_accents: settings.strip_accents,
                chinese: settings.chinese.unwrap_or(true),
                longest_word: LONGEST_WORD,
            },
        })
    }

    fn from_document(
        folder: &Folder<'_>,
        document: &mut Document,
        settings: &Settings,
    ) -> Result<Self, Error> {
        let mut added: Vec<Token> = document.take("added_tokens")?.unwrap_or_default();
        // What the other files name besides is added as well.
        added.extend(settings.added.iter().cloned());
        let mut model = document.object("model")?;
        let kind: Option<String> = model.take("type")?;
        let family = match kind.as_deref() {
            Some("BPE") => Family::Clip,
            Some("WordPiece") => Family::Bert,
            other => return Err(model.strange("type", &json!(other))),
        };
        if settings.family.is_some_and(|named| named != family) {
            let what = "is not of the class in tokenizer_config.json";
            return Err(model.wrong("type", what));
        }
        let pieces = match family {
            Family::Clip => clip_pieces(document, &mut model)?,
            Family::Bert => bert_pieces(document, &mut model, settings)?,
        };
        let (begin, end) = ends(document)?;
        Ok(Self {
            place: folder.place("tokenizer.json: model.vocab"),
            vocabulary: model.need("vocab")?,
            unknown: model.need("unk_token")?,
            begin,
            end,
            added,
            pieces,
        })
    }
}

fn clip_pieces(document: &mut Document, model: &mut Document) -> Result<Pieces, Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Merge {
        Pair(String, String),
        Line(String),
    }
    document.require(
        "normalizer",
        &json!({"type": "Sequence", "normalizers": [{"type": "NFC"},
            {"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": " "}, {"type": "Lowercase"}]}),
    )?;
    let mut found: Value = document.need("pre_tokenizer")?;
    // Where a word's text lies does not count here; older files leave out that bytes are looked for by a pattern.
    if let Some(bytes) = found.pointer_mut("/pretokenizers/1") {
        bytes["trim_offsets"] = json!(true);
        if bytes["use_regex"].is_null() {
            bytes["use_regex"] = json!(true);
        }
    }
    let form = |words: &str| {
        json!({"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": words}, "behavior": "Removed", "invert": true},
            {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}]})
    };
    let words = [CLIP_WORDS, CLIP_WORDS_5];
    let Some(words) = words.into_iter().find(|words| form(words) == found) else {
        return Err(document.strange("pre_tokenizer", &found));
    };
    for (field, value) in [
        ("dropout", Value::Null),
        ("continuing_subword_prefix", json!("")),
        ("fuse_unk", json!(false)),
        ("byte_fallback", json!(false)),
        ("ignore_merges", json!(false)),
    ] {
        model.expect(field, &value)?;
    }
    let suffix: String = model.need("end_of_word_suffix")?;
    if suffix != "</w>" {
        return Err(model.strange("end_of_word_suffix", &json!(suffix)));
    }
    let mut merges = Vec::new();
    for merge in model.need::<Vec<Merge>>("merges")? {
        merges.push(match merge {
            Merge::Pair(left, right) => (left, right),
            Merge::Line(line) => match line.split_once(' ') {
                Some((left, right)) => (left.to_owned(), right.to_owned()),
                None => return Err(model.wrong("merges", &format!("{line:?} is no pair"))),
            },
        });
    }
    Ok(Pieces::Clip { merges, words })
}

fn bert_pieces(
    document: &mut Document,
    model: &mut Document,
    settings: &Settings,
) -> Result<Pieces, Error> {
    document.require("pre_tokenizer", &json!({"type": "BertPreTokenizer"}))?;
    let mut normalizer = document.object("normalizer")?;
    normalizer.require("type", &json!("BertNormalizer"))?;
    normalizer.expect("clean_text", &json!(true))?;
    model.expect("continuing_subword_prefix", &json!("##"))?;
    model.expect("max_input_chars_per_word", &json!(LONGEST_WORD))?;
    let pieces = Pieces::Bert {
        lower_case: normalizer.need("lowercase")?,
        strip_accents: normalizer.take("strip_accents")?,
        chinese: normalizer.need("handle_chinese_chars")?,
        longest_word: LONGEST_WORD,
    };
    if let Pieces::Bert {
        lower_case,
        strip_accents,
        chinese,
        ..
    } = &pieces
    {
        let differs = |stated: Option<bool>, here: bool| stated.is_some_and(|it| it != here);
        let accents = |stated: Option<bool>| stated.unwrap_or(*lower_case);
        let stated = settings.strip_accents.map(Some);
        for (field, differs) in [
            ("lowercase", differs(settings.lower_case, *lower_case)),
            ("handle_chinese_chars", differs(settings.chinese, *chinese)),
            (
                "strip_accents",
                stated.is_some_and(|it| accents(it) != accents(*strip_accents)),
            ),
        ] {
            if differs {
                return Err(normalizer.wrong(field, "is not what tokenizer_config.json says"));
            }
        }
    }
    Ok(pieces)
}

/// The first and the last token of every text.
fn ends(document: &mut Document) -> Result<(String, String), Error> {
    #[derive(Deserialize)]
    #[serde(tag = "type")]
    enum Ends {
        #[serde(alias = "BertProcessing")]
        RobertaProcessing {
            cls: (String, u32),
            sep: (String, u32),
        },
        TemplateProcessing {
            single: Vec<Part>,
        },
    }
    #[derive(Deserialize)]
    enum Part {
        SpecialToken { id: String },
        Sequence {},
    }
    let found: Value = document.need("post_processor")?;
    match Ends::deserialize(&found) {
        Ok(Ends::RobertaProcessing { cls, sep }) => Ok((cls.0, sep.0)),
        Ok(Ends::TemplateProcessing { single }) => match single.as_slice() {
            [
                Part::SpecialToken { id: begin },
                Part::Sequence {},
                Part::SpecialToken { id: end },
            ] => Ok((begin.clone(), end.clone())),
            _ => Err(document.strange("post_processor", &found)),
        },
        Err(_) => Err(document.strange("post_processor", &found)),
    }
}
