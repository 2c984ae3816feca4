//! A model's tokenizer folder small enough to write down, and what must hold for it.
//!
//! The one rule: whole vocabularies are checked against transformers in `engine/tests/tokens.rs`; here stands what needs none.

mod emphasis;
mod folders;
mod tokens;
mod weights;

use super::tokenizer::TextTokenizer;
use crate::error::Error;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Files by name, in a folder called `tokenizer`.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

pub(super) fn read(files: &Files) -> Result<TextTokenizer, Error> {
    let look = |name: &str| {
        let name = name.strip_prefix("tokenizer/")?;
        files.get(name).cloned()
    };
    TextTokenizer::read(&look, "tokenizer")
}

/// The message of a refusal.
pub(super) fn refused(files: &Files) -> String {
    match read(files) {
        Ok(_) => "was read".to_owned(),
        Err(error) => error.to_string(),
    }
}

pub(super) fn put(files: &mut Files, name: &str, document: &Value) {
    files.insert(name.to_owned(), document.to_string().into_bytes());
}

/// As the `tokenizer.json` of CLIP itself has it.
const WORDS: &str = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";

const MERGES: [&str; 5] = ["c a", "ca t</w>", "d o", "do g</w>", "! !</w>"];

/// CLIP's letters for bytes, its pieces and its two marks.
fn clip_pieces() -> Vec<String> {
    let plain = |byte: &u32| matches!(byte, 33..=126 | 161..=172 | 174..=255);
    let rest = (0..256_u32).filter(|byte| !plain(byte)).count() as u32;
    let letters = (0..256_u32).filter(plain).chain(256..256 + rest);
    let letters: Vec<String> = letters
        .filter_map(char::from_u32)
        .map(String::from)
        .collect();
    let mut pieces = letters.clone();
    pieces.extend(letters.iter().map(|letter| format!("{letter}</w>")));
    pieces.extend(MERGES.map(|merge| merge.replace(' ', "")));
    pieces.extend(["<|startoftext|>".to_owned(), "<|endoftext|>".to_owned()]);
    pieces
}

pub(super) const CAT: i64 = 513;
pub(super) const DOG: i64 = 515;
pub(super) const BEGIN: i64 = 517;
pub(super) const END: i64 = 518;

/// A folder as SD 1.5 has it, padding with `pad`.
pub(super) fn clip(pad: &str) -> Files {
    let mut files = Files::new();
    let pieces = clip_pieces().into_iter().enumerate();
    let vocabulary: BTreeMap<String, usize> = pieces.map(|(id, piece)| (piece, id)).collect();
    put(&mut files, "vocab.json", &json!(vocabulary));
    let merges = format!("#version: 0.2\n{}\n", MERGES.join("\n"));
    files.insert("merges.txt".to_owned(), merges.into_bytes());
    let config = json!({"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, "pad_token": "<|endoftext|>",
        "bos_token": {"__type": "AddedToken", "content": "<|startoftext|>", "normalized": true}});
    put(&mut files, "tokenizer_config.json", &config);
    put(
        &mut files,
        "special_tokens_map.json",
        &json!({"pad_token": pad}),
    );
    files
}

/// A folder as Taiyi has it.
pub(super) fn bert() -> Files {
    let mut files = Files::new();
    let vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n猫\n狗\na\ncat\n##s\n!\ncafe\nCafé\n";
    files.insert("vocab.txt".to_owned(), vocabulary.into());
    let config = json!({"tokenizer_class": "BertTokenizer", "do_lower_case": true, "model_max_length": 8, "never_split": null,
        "do_basic_tokenize": true, "strip_accents": null, "tokenize_chinese_chars": true});
    put(&mut files, "tokenizer_config.json", &config);
    files
}

/// The same CLIP as one `tokenizer.json`, as transformers writes it.
pub(super) fn clip_document() -> Value {
    let pieces = clip_pieces().into_iter().enumerate();
    let vocabulary: BTreeMap<String, usize> = pieces.map(|(id, piece)| (piece, id)).collect();
    let added = |id: i64, content: &str| {
        json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
        "normalized": false, "special": true})
    };
    json!({"version": "1.0", "truncation": null, "padding": null,
        "added_tokens": [added(BEGIN, "<|startoftext|>"), added(END, "<|endoftext|>")],
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"},
            {"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": " "}, {"type": "Lowercase"}]},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": WORDS}, "behavior": "Removed", "invert": true},
            {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true}]},
        "post_processor": {"type": "RobertaProcessing", "sep": ["<|endoftext|>", END], "cls": ["<|startoftext|>", BEGIN],
            "trim_offsets": false, "add_prefix_space": false},
        "decoder": null,
        "model": {"type": "BPE", "dropout": null, "unk_token": "<|endoftext|>", "continuing_subword_prefix": "",
            "end_of_word_suffix": "</w>", "fuse_unk": false, "vocab": vocabulary, "merges": MERGES}})
}

/// The same BERT as one `tokenizer.json`.
pub(super) fn bert_document() -> Value {
    let listed = bert().remove("vocab.txt").unwrap_or_default();
    let listed = String::from_utf8(listed).unwrap();
    let vocabulary: BTreeMap<&str, usize> = listed.lines().zip(0..).collect();
    json!({"added_tokens": [{"id": 4, "content": "[MASK]", "special": true}], "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
            "strip_accents": null, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                {"SpecialToken": {"id": "[SEP]", "type_id": 0}}], "pair": [], "special_tokens": {}},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocabulary}})
}
