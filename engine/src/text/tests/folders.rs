//! What a folder may lack or say wrongly: refused with file and field.

use super::{Files, bert, bert_document, clip, clip_document, put, read, refused};
use crate::error::ErrorKind;
use crate::text::tokenizer::{Family, MAX_FILE_BYTES};
use proptest::prelude::*;
use serde_json::{Value, json};

fn clip_with(document: &Value) -> Files {
    let mut files = clip("!");
    put(&mut files, "tokenizer_config.json", document);
    files
}

fn whole(document: &Value) -> Files {
    let mut files = Files::new();
    put(&mut files, "tokenizer.json", document);
    files
}

#[test]
fn an_empty_folder_lacks_its_tokenizer() {
    let error = read(&Files::new()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Missing);
    assert_eq!(error.to_string(), "tokenizer/tokenizer.json: is not there");
}

#[test]
fn a_missing_list_is_named() {
    for (name, mut files) in [
        ("merges.txt", clip("!")),
        ("vocab.json", clip("!")),
        ("vocab.txt", bert()),
    ] {
        files.remove(name);
        assert_eq!(refused(&files), format!("tokenizer/{name}: is not there"));
    }
}

#[test]
fn without_a_configuration_the_lists_decide() {
    for (mut files, family, limit) in [(clip("!"), Family::Clip, 77), (bert(), Family::Bert, 512)] {
        files.remove("tokenizer_config.json");
        let tokenizer = read(&files).unwrap();
        assert_eq!((tokenizer.family(), tokenizer.limit()), (family, limit));
    }
}

#[test]
fn a_class_of_another_family_is_refused_by_its_name() {
    let files = clip_with(&json!({"tokenizer_class": "T5Tokenizer"}));
    assert_eq!(read(&files).err().unwrap().kind(), ErrorKind::NotOffered);
    let message =
        "tokenizer/tokenizer_config.json: tokenizer_class: \"T5Tokenizer\" is not offered";
    assert_eq!(refused(&files), message);
}

#[test]
fn a_length_is_bounded_and_a_huge_one_is_none() {
    for (length, limit) in [
        (json!(77), 77),
        (json!(3), 3),
        (json!(1024), 1024),
        (json!(null), 77),
        (json!(1e30), 77),
        (json!(1_000_000_000_000_000_019_u64), 77),
    ] {
        let files = clip_with(&json!({"model_max_length": length}));
        assert_eq!(read(&files).unwrap().limit(), limit, "{length}");
    }
    for length in [
        json!(2),
        json!(-1),
        json!(0),
        json!(1025),
        json!(77.5),
        json!("77"),
    ] {
        let files = clip_with(&json!({"model_max_length": length}));
        let message = refused(&files);
        let place = "tokenizer/tokenizer_config.json: model_max_length: ";
        assert!(message.starts_with(place), "{message}");
    }
}

#[test]
fn a_length_of_ten_to_the_thirtieth_is_read_as_python_writes_it() {
    let mut files = clip("!");
    let config = r#"{"model_max_length": 1000000000000000019884624838656}"#;
    files.insert("tokenizer_config.json".to_owned(), config.into());
    assert_eq!(read(&files).unwrap().limit(), 77);
}

#[test]
fn the_older_map_wins_unless_the_configuration_lists_its_tokens() {
    let pad = |files: &Files| read(files).unwrap().encode_padded("").unwrap()[76];
    assert_eq!(pad(&clip("!")), 0);
    let listed = json!({"pad_token": "<|endoftext|>",
        "added_tokens_decoder": {"518": {"content": "<|endoftext|>", "special": true}}});
    assert_eq!(pad(&clip_with(&listed)), super::END);
}

#[test]
fn a_token_that_no_list_has_is_refused() {
    let message = refused(&clip("<pad>"));
    assert_eq!(
        message,
        "tokenizer/vocab.json: the token \"<pad>\" is not listed"
    );
    let mut files = clip("!");
    put(&mut files, "added_tokens.json", &json!({"<cat-toy>": 519}));
    let message = refused(&files);
    assert!(
        message.ends_with("the added token \"<cat-toy>\": is not listed"),
        "{message}"
    );
    put(
        &mut files,
        "added_tokens.json",
        &json!({"<|endoftext|>": 7}),
    );
    assert!(refused(&files).ends_with("has the id 518 there, not 7"));
}

#[test]
fn added_tokens_of_another_kind_are_refused() {
    for (token, end) in [
        (
            json!({"content": "a", "lstrip": true}),
            "which is not offered",
        ),
        (
            json!({"content": "a", "single_word": true}),
            "which is not offered",
        ),
        (
            json!({"content": "", "normalized": true}),
            "visible ASCII characters",
        ),
        (
            json!({"content": "\u{301}", "normalized": true}),
            "visible ASCII characters",
        ),
    ] {
        let files = clip_with(&json!({"mask_token": token}));
        assert!(refused(&files).ends_with(end), "{}", refused(&files));
    }
}

#[test]
fn settings_that_change_the_work_are_refused() {
    for (config, field) in [
        (json!({"do_basic_tokenize": false}), "do_basic_tokenize"),
        (json!({"never_split": ["a"]}), "never_split"),
        (
            json!({"extra_special_tokens": {"image": "a"}}),
            "extra_special_tokens",
        ),
    ] {
        let message = refused(&clip_with(&config));
        let start = format!("tokenizer/tokenizer_config.json: {field}: ");
        assert!(message.starts_with(&start), "{message}");
        assert!(message.ends_with("is not offered"), "{message}");
    }
}

#[test]
fn a_file_beyond_the_limit_is_not_parsed() {
    let mut files = clip("!");
    files.insert("merges.txt".to_owned(), vec![b' '; MAX_FILE_BYTES + 1]);
    assert!(refused(&files).starts_with("tokenizer/merges.txt: is 8388609 bytes long"));
}

#[test]
fn broken_lists_are_named_with_their_line() {
    let mut files = clip("!");
    files.insert(
        "merges.txt".to_owned(),
        b"#version: 0.2\nc a\nc a t\n".into(),
    );
    assert_eq!(
        refused(&files),
        "tokenizer/merges.txt: line 3: is no pair of pieces"
    );
    files.insert("merges.txt".to_owned(), b"q q\n".into());
    assert!(
        refused(&files).contains("`qq` out of vocabulary"),
        "{}",
        refused(&files)
    );
    files.insert("vocab.json".to_owned(), b"[]".into());
    assert!(refused(&files).starts_with("tokenizer/vocab.json: "));
    files.insert("merges.txt".to_owned(), vec![0xff]);
    files.insert("vocab.json".to_owned(), b"{}".into());
    assert_eq!(refused(&files), "tokenizer/merges.txt: is no UTF-8");
}

#[test]
fn whatever_a_document_changes_is_refused_by_its_field() {
    for (pointer, value, field) in [
        ("/normalizer", json!(null), "normalizer"),
        (
            "/normalizer/normalizers/0/type",
            json!("NFKC"),
            "normalizer",
        ),
        (
            "/pre_tokenizer/pretokenizers/0/pattern/Regex",
            json!("(a|a)*b"),
            "pre_tokenizer",
        ),
        (
            "/pre_tokenizer/pretokenizers/1",
            json!({"type": "Whitespace"}),
            "pre_tokenizer",
        ),
        (
            "/pre_tokenizer/pretokenizers/1",
            json!("x"),
            "pre_tokenizer",
        ),
        ("/post_processor", json!(null), "post_processor"),
        ("/post_processor/type", json!("ByteLevel"), "post_processor"),
        ("/model/type", json!("Unigram"), "model.type"),
        ("/model/dropout", json!(0.5), "model.dropout"),
        (
            "/model/end_of_word_suffix",
            json!(""),
            "model.end_of_word_suffix",
        ),
        ("/model/merges", json!(["ca"]), "model.merges"),
        ("/model/merges", json!([["c", "a", "t"]]), "model.merges"),
        ("/model/vocab", json!([["a", 0]]), "model.vocab"),
        ("/model/vocab", json!({"a": -1}), "model.vocab"),
        ("/model", json!(7), "model"),
        ("/added_tokens", json!([{}]), "added_tokens"),
    ] {
        let mut document = clip_document();
        *document.pointer_mut(pointer).unwrap() = value;
        let message = refused(&whole(&document));
        let start = format!("tokenizer/tokenizer.json: {field}: ");
        assert!(message.starts_with(&start), "{message}");
    }
}

#[test]
fn a_document_and_a_configuration_must_agree() {
    let mut files = whole(&bert_document());
    put(
        &mut files,
        "tokenizer_config.json",
        &json!({"do_lower_case": false}),
    );
    let message =
        "tokenizer/tokenizer.json: normalizer.lowercase: is not what tokenizer_config.json says";
    assert_eq!(refused(&files), message);
    put(
        &mut files,
        "tokenizer_config.json",
        &json!({"tokenizer_class": "CLIPTokenizer"}),
    );
    let message =
        "tokenizer/tokenizer.json: model.type: is not of the class in tokenizer_config.json";
    assert_eq!(refused(&files), message);
    put(
        &mut files,
        "tokenizer_config.json",
        &json!({"tokenizer_class": "PreTrainedTokenizerFast"}),
    );
    assert_eq!(read(&files).unwrap().family(), Family::Bert);
}

/// The places of a document, but for the many in its vocabulary.
fn places(document: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    let inner: Vec<(String, &Value)> = match document {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), value))
            .collect(),
        Value::Array(items) => (0..)
            .zip(items)
            .map(|(index, value): (usize, _)| (index.to_string(), value))
            .collect(),
        _ => return,
    };
    // A pointer spells these two otherwise.
    let plain = inner
        .into_iter()
        .filter(|(name, _)| !name.contains(['/', '~']));
    for (name, value) in plain.take(16) {
        places(value, &format!("{at}/{name}"), found);
    }
}

fn odd_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        Just(json!(true)),
        Just(json!([])),
        Just(json!({})),
        Just(json!({"content": "a", "normalized": true})),
        any::<u32>().prop_map(|number| json!(number)),
        any::<f64>().prop_map(|number| json!(number)),
        prop_oneof!["[!aA]", "BPE|WordPiece|Sequence", "\\PC{0,9}"].prop_map(|text| json!(text)),
    ]
}

proptest! {
    #[test]
    fn whatever_a_file_says_it_is_read_or_refused(
        value in odd_value(),
        place in any::<prop::sample::Index>(),
        file in 0..4_usize,
        text in "[!aA猫 ]{0,9}",
    ) {
        let config = |files: Files| serde_json::from_slice(&files["tokenizer_config.json"]).unwrap();
        let (mut files, name, mut document) = match file {
            0 => (Files::new(), "tokenizer.json", clip_document()),
            1 => (Files::new(), "tokenizer.json", bert_document()),
            2 => (clip("!"), "tokenizer_config.json", config(clip("!"))),
            _ => (bert(), "tokenizer_config.json", config(bert())),
        };
        let mut found = Vec::new();
        places(&document, "", &mut found);
        *document.pointer_mut(place.get(&found).as_str()).unwrap() = value;
        put(&mut files, name, &document);
        match read(&files) {
            Ok(tokenizer) => prop_assert!(tokenizer.encode(&text).unwrap().len() >= 2),
            Err(error) => prop_assert!(error.to_string().starts_with("tokenizer/"), "{}", error),
        }
    }
}

#[test]
fn a_tokenizer_is_shared_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&read(&clip("!")).unwrap());
}
