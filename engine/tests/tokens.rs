//! Tokens of ten thousand strings in many scripts against what transformers makes of them, with the whole vocabularies.
//!
//! The one rule: not one id differs. `reference/tokens.py` says how the answers were recorded, `reference/vocabularies.py` whose the
//! vocabularies are.

#![cfg(feature = "ort")]

use engine::text::{Family, TextTokenizer};
use serde::Deserialize;
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use std::io::Read as _;
use std::path::{Path, PathBuf};

type Files = HashMap<&'static str, Vec<u8>>;

/// A string under its script, with the ids of CLIP and of BERT.
type Line = (String, String, Vec<i64>, Vec<i64>);

#[derive(Deserialize)]
struct Recorded {
    strings: Vec<Line>,
}

fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/reference")
        .join(name)
}

fn unpacked(name: &str) -> String {
    let packed = std::fs::read(reference(name)).expect("a recorded file");
    let mut text = String::new();
    let mut unpacker = flate2::read::GzDecoder::new(packed.as_slice());
    unpacker.read_to_string(&mut text).expect("gzip of UTF-8");
    text
}

fn recorded() -> Vec<Line> {
    let recorded: Recorded =
        serde_json::from_str(&unpacked("tokens.json.gz")).expect("the recorded ids");
    recorded.strings
}

/// CLIP's vocabulary: a letter for each byte, those at the end of a word, what merges make, and the two marks.
fn clip_pieces(merges: &str) -> Vec<String> {
    let plain = |byte: &u32| matches!(byte, 33..=126 | 161..=172 | 174..=255);
    let rest = (0..256).filter(|byte| !plain(byte)).count() as u32;
    let letters = (0..256).filter(plain).chain(256..256 + rest);
    let letters: Vec<String> = letters
        .filter_map(char::from_u32)
        .map(String::from)
        .collect();
    let mut pieces = letters.clone();
    pieces.extend(letters.iter().map(|letter| format!("{letter}</w>")));
    pieces.extend(merges.lines().skip(1).map(|merge| merge.replace(' ', "")));
    pieces.extend(["<|startoftext|>".to_owned(), "<|endoftext|>".to_owned()]);
    pieces
}

fn clip(pad: &str) -> Files {
    let merges = unpacked("tokenizers/clip/merges.txt.gz");
    let pieces = clip_pieces(&merges).into_iter().zip(0..);
    let vocabulary: BTreeMap<String, u32> = pieces.collect();
    assert_eq!(vocabulary.len(), 49_408);
    let mark = |content: &str| json!({"content": content, "lstrip": false, "normalized": true, "rstrip": false, "single_word": false});
    let marks = json!({"bos_token": mark("<|startoftext|>"), "eos_token": mark("<|endoftext|>"),
        "unk_token": mark("<|endoftext|>"), "pad_token": pad});
    let config = json!({"tokenizer_class": "CLIPTokenizer", "model_max_length": 77});
    HashMap::from([
        (
            "tokenizer/vocab.json",
            json!(vocabulary).to_string().into_bytes(),
        ),
        ("tokenizer/merges.txt", merges.into_bytes()),
        (
            "tokenizer/special_tokens_map.json",
            marks.to_string().into_bytes(),
        ),
        (
            "tokenizer/tokenizer_config.json",
            config.to_string().into_bytes(),
        ),
    ])
}

fn bert() -> Files {
    let marks = json!({"cls_token": "[CLS]", "mask_token": "[MASK]", "pad_token": "[PAD]", "sep_token": "[SEP]", "unk_token": "[UNK]"});
    let config =
        json!({"tokenizer_class": "BertTokenizer", "do_lower_case": true, "model_max_length": 512});
    HashMap::from([
        (
            "tokenizer/vocab.txt",
            unpacked("tokenizers/bert/vocab.txt.gz").into_bytes(),
        ),
        (
            "tokenizer/special_tokens_map.json",
            marks.to_string().into_bytes(),
        ),
        (
            "tokenizer/tokenizer_config.json",
            config.to_string().into_bytes(),
        ),
    ])
}

fn read(files: &Files) -> TextTokenizer {
    TextTokenizer::read(&|name| files.get(name).cloned(), "tokenizer").expect("a tokenizer")
}

/// Compares all strings and shows the first few that differ.
fn compare(tokenizer: &TextTokenizer, expected: fn(Line) -> (String, Vec<i64>)) {
    let mut differing = Vec::new();
    let mut seen = 0;
    for (text, ids) in recorded().into_iter().map(expected) {
        seen += 1;
        let found = tokenizer.encode(&text).expect("ids");
        if found != ids {
            differing.push((text, found, ids));
        }
    }
    assert!(seen >= 10_000);
    let first: Vec<_> = differing.iter().take(3).collect();
    assert!(
        differing.is_empty(),
        "{} differ: {first:?}",
        differing.len()
    );
}

#[test]
fn clip_has_the_ids_of_transformers() {
    let tokenizer = read(&clip("<|endoftext|>"));
    assert_eq!((tokenizer.family(), tokenizer.limit()), (Family::Clip, 77));
    compare(&tokenizer, |(_, text, clip, _)| (text, clip));
}

#[test]
fn bert_has_the_ids_of_transformers() {
    let tokenizer = read(&bert());
    assert_eq!((tokenizer.family(), tokenizer.limit()), (Family::Bert, 512));
    compare(&tokenizer, |(_, text, _, bert)| (text, bert));
}

#[test]
fn prompts_that_everybody_knows_have_their_published_ids() {
    let tokenizer = read(&clip("!"));
    let ids = tokenizer.encode("a photo of an astronaut riding a horse on mars");
    assert_eq!(
        ids.expect("ids"),
        [
            49406, 320, 1125, 539, 550, 18376, 6765, 320, 4558, 525, 7496, 49407
        ]
    );
    let ids = tokenizer.encode_padded("a cat!").expect("ids");
    assert_eq!(ids[..6], [49406, 320, 2368, 0, 49407, 0]);
}

#[test]
fn tokenizers_of_the_tiny_models_are_read() {
    let mut read = 0;
    for model in std::fs::read_dir(reference("models")).expect("models") {
        let model = model.expect("a model").path();
        for folder in ["tokenizer", "tokenizer_2"] {
            if model.join(folder).is_dir() {
                let files = |name: &str| std::fs::read(model.join(name)).ok();
                let tokenizer = TextTokenizer::read(&files, folder).expect("a tokenizer");
                let ids = tokenizer.encode_padded("a cat").expect("ids");
                assert_eq!(ids.len(), tokenizer.limit());
                read += 1;
            }
        }
    }
    assert!(read >= 8, "{read}");
}
