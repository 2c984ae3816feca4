//! Ids, padding and limits.

use super::{BEGIN, CAT, DOG, END, bert, bert_document, clip, clip_document, put, read};
use crate::error::ErrorKind;
use proptest::prelude::*;
use schema::template::MAX_PROMPT_BYTES;
use std::time::{Duration, Instant};

#[test]
fn a_text_is_folded_and_framed() {
    let tokenizer = read(&clip("<|endoftext|>")).unwrap();
    let ids = vec![BEGIN, CAT, DOG, END];
    for text in [
        "cat dog",
        "  Cat\t\n DOG ",
        "cat\u{3000}dog\u{a0}",
        "CAT\u{85}dog",
    ] {
        assert_eq!(tokenizer.encode(text).unwrap(), ids, "{text:?}");
    }
    assert_eq!(tokenizer.encode("").unwrap(), [BEGIN, END]);
}

#[test]
fn padding_is_the_last_token_for_sd_1_and_an_exclamation_mark_for_sd_2() {
    let padded = |pad| read(&clip(pad)).unwrap().encode_padded("cat").unwrap();
    let (one, two) = (padded("<|endoftext|>"), padded("!"));
    assert_eq!((one.len(), two.len()), (77, 77));
    assert_eq!(one[..4], [BEGIN, CAT, END, END]);
    assert_eq!(two[..4], [BEGIN, CAT, END, 0]);
}

#[test]
fn an_exclamation_mark_that_pads_stands_alone_in_a_text_too() {
    let encode = |pad| read(&clip(pad)).unwrap().encode("cat!!").unwrap();
    assert_eq!(encode("<|endoftext|>"), [BEGIN, CAT, 516, END]);
    assert_eq!(encode("!"), [BEGIN, CAT, 0, 0, END]);
}

#[test]
fn marks_in_a_text_are_the_marks_themselves() {
    let tokenizer = read(&clip("<|endoftext|>")).unwrap();
    let ids = tokenizer.encode("cat<|endoftext|>dog <|STARTOFTEXT|>");
    assert_eq!(ids.unwrap(), [BEGIN, CAT, END, DOG, BEGIN, END]);
}

#[test]
fn marks_are_looked_for_where_no_file_names_them() {
    for (mut files, text, ids) in [
        (clip("!"), "cat<|endoftext|>", vec![BEGIN, CAT, END, END]),
        (bert(), "a[MASK][SEP] [mask]", vec![2, 7, 4, 3, 1, 1, 1, 3]),
    ] {
        files.remove("tokenizer_config.json");
        files.remove("special_tokens_map.json");
        assert_eq!(read(&files).unwrap().encode(text).unwrap(), ids);
    }
}

#[test]
fn chinese_characters_stand_alone_and_accents_go() {
    let tokenizer = read(&bert()).unwrap();
    let ids = tokenizer.encode("猫狗Cats café！").unwrap();
    assert_eq!(ids, [2, 5, 6, 8, 9, 11, 1, 3]);
    let mut files = bert();
    let config = serde_json::json!({"do_lower_case": false});
    put(&mut files, "tokenizer_config.json", &config);
    let cased = read(&files).unwrap();
    assert_eq!(cased.encode("Café Cats").unwrap(), [2, 12, 1, 3]);
    assert_eq!(cased.limit(), 512);
}

#[test]
fn a_mask_tells_tokens_from_padding() {
    let padded = read(&bert()).unwrap().encode_masked("a cat").unwrap();
    assert_eq!(padded.ids, [2, 7, 8, 3, 0, 0, 0, 0]);
    assert_eq!(padded.mask, [1, 1, 1, 1, 0, 0, 0, 0]);
}

#[test]
fn a_full_prompt_fits_and_one_token_more_is_refused() {
    let tokenizer = read(&clip("!")).unwrap();
    let full = tokenizer.encode_padded(&"cat ".repeat(75)).unwrap();
    assert_eq!((full.len(), full[76]), (77, END));
    let error = tokenizer.encode_padded(&"cat ".repeat(76)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PromptTooLong);
    assert_eq!(
        error.to_string(),
        "the prompt has 76 tokens, this model takes 75: shorten it"
    );
}

#[test]
fn a_text_beyond_the_limit_of_prompts_is_not_even_read() {
    let text = "a".repeat(MAX_PROMPT_BYTES + 1);
    let error = read(&clip("!")).unwrap().encode(&text).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PromptTooLong);
}

#[test]
fn one_file_says_the_same_as_the_lists() {
    for (lists, document) in [
        (clip("<|endoftext|>"), clip_document()),
        (bert(), bert_document()),
    ] {
        let mut files = super::Files::new();
        put(&mut files, "tokenizer.json", &document);
        let (lists, whole) = (read(&lists).unwrap(), read(&files).unwrap());
        for text in [
            "a cat, two dogs!!",
            "猫 café <|endoftext|> [MASK]",
            "",
            "x\u{301}\u{0}",
        ] {
            assert_eq!(
                lists.encode(text).unwrap(),
                whole.encode(text).unwrap(),
                "{text}"
            );
        }
    }
}

#[test]
fn hostile_words_take_no_more_time_than_their_length_is_worth() {
    let tokenizers = [read(&clip("!")).unwrap(), read(&bert()).unwrap()];
    let texts = [
        "a",
        "cat",
        "!",
        "e\u{301}",
        "\u{344}",
        "İ",
        "猫",
        " ",
        "a ",
        "<|",
        "\u{323}\u{301}",
    ];
    for text in texts {
        let long = text.repeat(MAX_PROMPT_BYTES / text.len());
        for tokenizer in &tokenizers {
            let started = Instant::now();
            assert!(tokenizer.encode(&long).is_ok());
            assert!(
                tokenizer
                    .encode(&long[..4000 / text.len() * text.len()])
                    .is_ok()
            );
            let taken = started.elapsed();
            // A hundred times what it takes; quadratic work would be minutes.
            assert!(taken < Duration::from_secs(10), "{text:?} took {taken:?}");
        }
    }
}

proptest! {
    #[test]
    fn any_text_has_tokens(text in any::<String>()) {
        for files in [clip("!"), bert()] {
            let tokenizer = read(&files).unwrap();
            let ids = tokenizer.encode(&text).unwrap();
            prop_assert!(ids.len() >= 2);
            prop_assert_eq!(tokenizer.encode(&text).unwrap(), ids);
        }
    }
}
