//! The browser's JSON beside the servers': what one accepts, the other accepts, and both write the same bytes.

use super::super::{full, small};
use crate::recipe::{ModelDigest, PromptWeights, Recipe, Scheduler, Seed, Variation};
use crate::scheduler::{BetaSchedule, FinalSigma, Prediction, Schedule, Sigmas, Spacing};
use crate::sealing::SealMaterial;
use crate::statement::Envelope;
use crate::template::{Choice, Variable};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads with both, and holds them to each other: the kind of refusal, or the canonical bytes.
fn both(text: &str) -> Result<String, String> {
    let kind = |error: crate::Error| format!("{:?}", error.kind());
    let one = full::read(text, "case").map_err(kind);
    let other = small::read(text, "case").map_err(kind);
    let bytes = |bytes: Result<Vec<u8>, String>| String::from_utf8(bytes.expect("written"));
    let one = one.map(|value| bytes(full::write(&value)).expect("UTF-8"));
    let other = other.map(|value| bytes(small::write(&value)).expect("UTF-8"));
    assert_eq!(one, other, "{text}");
    other
}

#[test]
fn odd_texts_are_judged_alike() {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let texts = [
        " {\"b\" : [ ] , \"a\":{ } }\r\n\t",
        "\"\\u00e4\\uD83D\\uDE00\\/\\b\\f\\n\\r\\t\\\"\\\\\\u001f\"",
        "\"\\ud800\"",
        "\"\\ud800\\n\"",
        "\"\\ud800\\u0041\"",
        "\"\\udc00\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\x\"",
        "\"\\",
        "\"a\nb\"",
        "\"\u{7f}\u{2028}\"",
        "\"open",
        "\"\\u0000\"",
        "{\"\\u0000\":1}",
        "0",
        "-0",
        "-1",
        "01",
        "-",
        "+1",
        "1.",
        "1.5",
        "1.50e",
        "1e3",
        "1E-3",
        ".5",
        "9007199254740991",
        "-9007199254740991",
        "9007199254740992",
        "18446744073709551615",
        "18446744073709551616",
        "-9007199254740992",
        "-99999999999999999999",
        "true",
        "false",
        "null",
        "nul",
        "truefalse",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{\"a\":1 \"b\":2}",
        "{a:1}",
        "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"\\u0061\":2}",
        "{\"a\"",
        "{",
        "",
        " ",
        "1 2",
        "[] []",
        "\u{feff}1",
        "\u{a0}1",
        "{\"\u{1f600}\":1,\"\u{fb33}\":2}",
    ];
    for text in texts {
        let _same = both(text);
    }
    assert!(both(&deep(127)).is_ok());
    assert!(both(&deep(128)).is_err());
    assert!(both(&deep(100_000)).is_err(), "the stack holds");
}

/// Both write a document alike, read it back alike, and refuse it alike with a field taken away or put in.
fn alike<T: Serialize + DeserializeOwned>(document: &T) {
    let bytes = full::write(document).expect("written");
    assert_eq!(small::write(document).expect("written"), bytes);
    let text = String::from_utf8(bytes.clone()).expect("UTF-8");
    let value = small::read(&text, "case").expect("read");
    let plain = full::read(&text, "case").expect("read");
    assert_eq!(small::format_of(&value), full::format_of(&plain));
    let back: T = small::typed(value.clone()).expect("typed");
    assert_eq!(full::write(&back).expect("written"), bytes);
    let small::Value::Map(map) = value else {
        panic!("no map: {text}");
    };
    for key in map.keys() {
        let mut less = map.clone();
        less.remove(key);
        let less = String::from_utf8(small::write(&small::Value::Map(less)).expect("written"));
        let less = less.expect("UTF-8");
        let one = full::typed::<T>(full::read(&less, "case").expect("read")).is_ok();
        let other = small::typed::<T>(small::read(&less, "case").expect("read")).is_ok();
        assert_eq!(one, other, "without {key:?}");
    }
    let more = format!("{},\"weird\":[1]}}", &text[..text.len() - 1]);
    let one = full::typed::<T>(full::read(&more, "case").expect("read")).is_ok();
    let other = small::typed::<T>(small::read(&more, "case").expect("read")).is_ok();
    assert_eq!(one, other, "{more}");
}

fn recipe() -> Recipe {
    let scheduler = Scheduler::FlowEuler { shift_milli: 3000 };
    let template = "a {animal}, {count} {word}".into();
    let mut recipe = Recipe::new(
        ModelDigest::of(b"m"),
        template,
        scheduler,
        16,
        1000,
        (64, 64),
    );
    let choice = |label: &str| Choice {
        label: label.into(),
        text: format!("{label} \u{1f600}"),
    };
    let variables = [
        (
            "animal",
            Variable::Choice {
                choices: vec![choice("cat"), choice("dog")],
                default: "cat".into(),
            },
        ),
        (
            "count",
            Variable::Number {
                minimum: -3,
                maximum: 9,
                step: 1,
                default: 2,
            },
        ),
        (
            "word",
            Variable::Text {
                max_characters: 9,
                default: String::new(),
            },
        ),
    ];
    recipe.variables = variables.map(|(name, one)| (name.into(), one)).into();
    recipe.negative = Some("\u{fb33}\u{1}\"".into());
    recipe
}

#[test]
fn what_the_browser_reads_and_writes_is_what_the_server_does() {
    let recipe = recipe();
    alike(&recipe);
    let mut diffusion = recipe.clone();
    diffusion.scheduler = Scheduler::Dpm {
        order: 2,
        stochastic: true,
        midpoint: false,
        lower_order_final: true,
        euler_at_final: false,
        schedule: Schedule {
            alpha_to_one: false,
            beta_end_nano: 12_000_000,
            beta_schedule: BetaSchedule::ScaledLinear,
            beta_start_nano: 850_000,
            clip_milli: Some(1000),
            final_sigma: FinalSigma::Zero,
            offset: 1,
            prediction: Prediction::Velocity,
            sigmas: Sigmas::Karras,
            spacing: Spacing::Leading,
            train_steps: 1000,
            zero_snr: false,
        },
    };
    diffusion.prompt_weights = Some(PromptWeights::A1111);
    diffusion.variation = Some(Variation {
        seed: Seed(u64::MAX),
        strength_milli: 250,
    });
    diffusion.tile = Some(64);
    alike(&diffusion);
    alike(&SealMaterial {
        origin: "log.example".into(),
        recipe: "e30=".into(),
        anchors: Vec::new(),
        label_version: 1,
        licences: crate::licence::Licence::ALL.to_vec(),
        registered: vec!["key".into()],
    });
    let secret = crate::key::SecretKey::from_bytes([3; 32]);
    let statement = crate::key_event::KeyEndStatement {
        key_hash: secret.public().hash(),
        reason: crate::key_event::Reason::Lost,
        authority: crate::key_event::Authority::Key,
        successor: None,
    };
    alike(&statement);
    let (envelope, _) = statement.sign("log.example", &secret).expect("signed");
    alike::<Envelope>(&envelope);
    let passphrase = crate::passphrase::Passphrase::new("correct horse");
    let file = crate::key_file::KeyFile::seal(&secret, &passphrase, &[1; 40]);
    alike(&file.expect("sealed"));
    let untyped = small::untyped(&recipe.variables).expect("untyped");
    assert_eq!(
        small::write(&untyped).expect("written"),
        full::write(&recipe.variables).expect("written"),
        "a part of a document is written as it would be alone"
    );
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(serde_json::Value::from),
        (-(1_i64 << 53)..=(1 << 53)).prop_map(serde_json::Value::from),
        any::<String>().prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..5)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn any_document_is_judged_alike(value in json()) {
        let _same = both(&value.to_string());
        let _spaced = both(&serde_json::to_string_pretty(&value).expect("JSON"));
    }

    #[test]
    fn any_text_is_judged_alike(text in "[\\[\\]{}\",:0-9eE.+\\-\\\\utrfalsn \u{e4}]{0,24}") {
        let _same = both(&text);
    }
}
