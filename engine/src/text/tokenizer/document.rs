//! A `tokenizer.json`, as the crate `tokenizers` writes it.
//!
//! The one rule: it is a program in disguise (patterns, replacements, random dropout). Only what transformers itself writes for
//! CLIP and BERT is taken, word for word; anything else is refused by its field.

use super::folder::{Document, Folder};
use super::plan::{CLIP_WORDS, CLIP_WORDS_5, LONGEST_WORD, Pieces, Plan};
use super::settings::{Family, Settings, Token};
use crate::error::Error;
use serde::Deserialize;
use serde_json::{Value, json};

/// Reads a plan, and refuses what it does not know.
pub(super) fn plan(
    folder: &Folder<'_>,
    document: &mut Document,
    settings: &Settings,
) -> Result<Plan, Error> {
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
    Ok(Plan {
        place: folder.place("tokenizer.json: model.vocab"),
        vocabulary: model.need("vocab")?,
        unknown: model.need("unk_token")?,
        begin,
        end,
        added,
        pieces,
    })
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
    if let Some(Value::Object(bytes)) = found.pointer_mut("/pretokenizers/1") {
        bytes.insert("trim_offsets".to_owned(), json!(true));
        bytes.entry("use_regex").or_insert(json!(true));
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
    let lower_case = normalizer.need("lowercase")?;
    let strip_accents: Option<bool> = normalizer.take("strip_accents")?;
    let chinese = normalizer.need("handle_chinese_chars")?;
    let differs = |stated: Option<bool>, here: bool| stated.is_some_and(|it| it != here);
    let strips = strip_accents.unwrap_or(lower_case);
    for (field, differs) in [
        ("lowercase", differs(settings.lower_case, lower_case)),
        ("handle_chinese_chars", differs(settings.chinese, chinese)),
        ("strip_accents", differs(settings.strip_accents, strips)),
    ] {
        if differs {
            return Err(normalizer.wrong(field, "is not what tokenizer_config.json says"));
        }
    }
    Ok(Pieces::Bert {
        lower_case,
        strip_accents,
        chinese,
    })
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
