//! Properties: what is written reads back equal, and whatever was changed on the way is refused.

use proptest::prelude::*;
use schema::bundle::{Bundle, OwnerPart, SealedListing, SealedPart};
use schema::canonical;
use schema::commitment::Salt;
use schema::digest::Digest;
use schema::key::SecretKey;
use schema::key_file::KeyFile;
use schema::leaf::{Leaf, LeafKind};
use schema::licence::Licence;
use schema::money::{Money, Parts, allocate};
use schema::passphrase::Passphrase;
use schema::pixels::PixelDigest;
use schema::recipe::{Anchor, ModelDigest, Recipe, Scheduler, Seed};
use schema::sealing::{Material, check, seal};
use schema::statement::AnchorStatement;
use schema::template::{Choice, Template, Variable};
use std::collections::BTreeMap;

const ORIGIN: &str = "log.test.example";

fn recipe() -> Recipe {
    let mut recipe = Recipe::new(
        ModelDigest::of(b"manifest"),
        "a {colour} {thing} x{count}, {{3d}} 苹果".into(),
        Scheduler::FlowEuler { shift_milli: 1000 },
        16,
        3000,
        (128, 128),
    );
    let choices = [("red", "crimson"), ("blue", "azure")].map(|(label, text)| Choice {
        label: label.into(),
        text: text.into(),
    });
    recipe.variables = BTreeMap::from([
        (
            "colour".into(),
            Variable::Choice {
                choices: choices.into(),
                default: "red".into(),
            },
        ),
        (
            "thing".into(),
            Variable::Text {
                max_characters: 20,
                default: "fox".into(),
            },
        ),
        (
            "count".into(),
            Variable::Number {
                minimum: 1,
                maximum: 5,
                step: 2,
                default: 3,
            },
        ),
    ]);
    recipe.anchors = vec![Anchor {
        values: recipe.default_values(),
        seed: Seed(u64::MAX),
    }];
    recipe
}

fn anchor() -> AnchorStatement {
    let digest = |value: u8| PixelDigest::of(1, 1, 3, &[value; 3]).expect("one pixel");
    AnchorStatement {
        pixels: digest(1),
        labelled: digest(2),
    }
}

#[test]
fn a_recipe_reads_back_equal() {
    let bytes = recipe().to_bytes().expect("a valid recipe");
    assert_eq!(Recipe::parse(&bytes).expect("its own bytes"), recipe());
}

#[test]
fn a_recipe_without_tiles_keeps_its_bytes_and_one_with_them_is_another() {
    let plain = recipe().to_bytes().expect("a valid recipe");
    let digest = blake3::hash(&plain).to_hex();
    // As it was before there were tiles.
    assert_eq!(&digest[..16], "44b587af37c26728");
    let mut tiled = recipe();
    tiled.tile = Some(64);
    let bytes = tiled.to_bytes().expect("a valid recipe");
    let text = String::from_utf8(bytes.clone()).expect("UTF-8");
    assert!(text.contains(
        "\"template\":\"a {colour} {thing} x{count}, {{3d}} 苹果\",\"tile\":64,\"variables\""
    ));
    assert_eq!(Recipe::parse(&bytes).expect("its own bytes"), tiled);
    tiled.check_for_sale().expect("tiles are sold as all else");
}

#[test]
fn a_tile_that_is_tiny_or_holds_the_whole_picture_is_refused_with_its_bounds() {
    for (tile, holds) in [(15, false), (16, true), (255, true), (256, false)] {
        let mut recipe = recipe();
        recipe.height = 256;
        recipe.tile = Some(tile);
        let found = recipe.check();
        assert_eq!(found.is_ok(), holds, "{tile}: {found:?}");
        if let Err(error) = found {
            assert_eq!(error.place(), "tile");
            assert!(error.to_string().contains("16..=255"), "{error}");
        }
    }
}

#[test]
fn expansion_is_verbatim_and_single_pass() {
    let mut recipe = recipe();
    recipe.anchors[0]
        .values
        .insert("thing".into(), "{colour}".into());
    let picture = recipe
        .picture(&recipe.anchors[0].values, Seed(1))
        .expect("valid values");
    assert_eq!(picture.prompt, "a crimson {colour} x3, {3d} 苹果");
}

#[test]
fn bad_templates_are_refused_with_the_place() {
    for (template, expected) in [
        (
            "a } b",
            "closing brace without an opening one at character 3",
        ),
        ("a {b", "never closed at character 3"),
        ("a {B}", "slot {B} at character 3"),
        ("a {nope}", "slot {nope} has no variable"),
    ] {
        let mut recipe = recipe();
        recipe.template = format!("{{colour}}{{thing}}{{count}}{template}");
        let error = recipe.check().expect_err(template).to_string();
        let expected = expected.replace("character 3", "character 25");
        assert!(error.contains(&expected), "{template}: {error}");
    }
    let mut recipe = recipe();
    recipe.template = "a {colour}".into();
    assert!(
        recipe
            .check()
            .expect_err("unused")
            .to_string()
            .contains("is not used")
    );
}

#[test]
fn documents_that_are_not_canonical_are_refused() {
    let good =
        String::from_utf8(recipe().to_bytes().expect("a valid recipe")).expect("JSON is UTF-8");
    let cases = [
        ("white space", good.replacen(':', ": ", 1)),
        ("text after the end", format!("{good} ")),
        (
            "a duplicate key",
            good.replacen("\"steps\":16", "\"steps\":16,\"steps\":16", 1),
        ),
        (
            "null",
            good.replacen("\"steps\":16", "\"negative\":null,\"steps\":16", 1),
        ),
        (
            "an unknown field",
            good.replacen("\"width\"", "\"weird\":1,\"width\"", 1),
        ),
        (
            "a fraction",
            good.replacen("\"steps\":16", "\"steps\":16.5", 1),
        ),
        (
            "too large an integer",
            good.replacen("\"steps\":16", "\"steps\":9007199254740993", 1),
        ),
        (
            "a plus exponent",
            good.replacen("\"steps\":16", "\"steps\":1.6e1", 1),
        ),
        ("another format", good.replacen("recipe/v1", "recipe/v2", 1)),
        (
            "another order",
            format!(
                "{{\"width\":128,{}",
                good[1..].replace(",\"width\":128", "")
            ),
        ),
        ("a byte order mark", format!("\u{feff}{good}")),
    ];
    for (what, text) in cases {
        assert_ne!(text, good, "{what} changed nothing");
        assert!(
            Recipe::parse(text.as_bytes()).is_err(),
            "{what} was accepted"
        );
    }
    assert!(
        Recipe::parse(&vec![b' '; 70_000])
            .expect_err("too long")
            .to_string()
            .contains("the limit is")
    );
}

#[test]
fn keys_sort_by_utf16_units() {
    let text = "{\"\u{1f600}\":1,\"\u{fb33}\":2}";
    assert!(canonical::parse_value(text.as_bytes(), 100, "test").is_ok());
    let swapped = "{\"\u{fb33}\":2,\"\u{1f600}\":1}";
    assert!(canonical::parse_value(swapped.as_bytes(), 100, "test").is_err());
}

#[test]
fn a_seed_that_torch_would_cut_is_refused() {
    let mut recipe = recipe();
    recipe.noise = schema::recipe::Noise::TorchCpu;
    assert!(
        recipe
            .check()
            .expect_err("2^64-1")
            .to_string()
            .contains("2^32")
    );
    recipe.anchors[0].seed = Seed(7);
    recipe.check().expect("a small seed");
    assert!(recipe.check_for_sale().is_err(), "torch-cpu is not sold");
}

#[test]
fn a_seal_holds_for_its_own_material_only() {
    let (secret, salt) = (SecretKey::from_bytes([3; 32]), Salt([4; 32]));
    let bytes = recipe().to_bytes().expect("a valid recipe");
    let anchors = [anchor()];
    let material = Material {
        origin: ORIGIN,
        recipe: &bytes,
        anchors: &anchors,
        label_version: 1,
        licences: &[Licence::Standard],
    };
    let sealed = seal(&material, &salt, &secret).expect("valid material");
    check(&material, &salt, &secret.public(), &sealed).expect("its own seal");
    let other = Material {
        licences: &[Licence::Cc0],
        ..material
    };
    assert!(
        check(&other, &salt, &secret.public(), &sealed).is_err(),
        "other terms"
    );
    assert!(
        check(&material, &Salt([5; 32]), &secret.public(), &sealed).is_err(),
        "another salt"
    );
    assert!(
        check(
            &material,
            &salt,
            &SecretKey::from_bytes([9; 32]).public(),
            &sealed
        )
        .is_err(),
        "another key"
    );
    for origin in ["", "a b", "a+b", "a\nb", "a\u{a0}b"] {
        let odd = Material { origin, ..material };
        let error = seal(&odd, &salt, &secret).expect_err("no log is named so");
        assert_eq!(error.place(), "origin", "{origin:?}");
    }
    let doubled = Material {
        licences: &[Licence::Standard, Licence::Cc0, Licence::Standard],
        ..material
    };
    let error = seal(&doubled, &salt, &secret).expect_err("one licence twice");
    assert_eq!(error.place(), "licences");
}

#[test]
fn a_time_shift_of_nothing_or_without_measure_is_refused() {
    for (shift_milli, allowed) in [(0, false), (1, true), (100_000, true), (100_001, false)] {
        let mut shifted = recipe();
        shifted.scheduler = Scheduler::FlowEuler { shift_milli };
        assert_eq!(shifted.check().is_ok(), allowed, "{shift_milli}");
    }
}

#[test]
fn a_bundle_reads_back_equal_and_a_foreign_envelope_field_is_tolerated_outside_only() {
    let (secret, salt) = (SecretKey::from_bytes([3; 32]), Salt([4; 32]));
    let bytes = recipe().to_bytes().expect("a valid recipe");
    let anchors = [anchor()];
    let material = Material {
        origin: ORIGIN,
        recipe: &bytes,
        anchors: &anchors,
        label_version: 1,
        licences: &[Licence::Standard],
    };
    let sealed = seal(&material, &salt, &secret).expect("valid material");
    let encode = |leaf: &Leaf| schema::bundle::LoggedLeaf::new(leaf, String::new()).leaf;
    let mut bundle = Bundle::new(
        ORIGIN.into(),
        Some("key".into()),
        secret.public(),
        SealedPart {
            leaf: encode(&sealed.leaf),
            proof: None,
        },
        SealedListing {
            statement: sealed.listing.clone(),
            leaf: encode(&sealed.listing_leaf),
            proof: None,
        },
    );
    bundle.owner = Some(OwnerPart {
        salt: String::new(),
        recipe: String::new(),
        licence: None,
        pictures: None,
    });
    let written = bundle.to_bytes().expect("parsed parts");
    assert_eq!(Bundle::parse(&written).expect("its own bytes"), bundle);
    let text = String::from_utf8(written).expect("JSON is UTF-8");
    assert!(
        Bundle::parse(
            text.replace("\"origin\"", "\"oddity\":1,\"origin\"")
                .as_bytes()
        )
        .is_err()
    );
    let named = format!("\"origin\":\"{ORIGIN}\"");
    let renamed = text.replace(&named, "\"origin\":\"x \\u001b[2J\"");
    assert_ne!(renamed, text);
    let error = Bundle::parse(renamed.as_bytes()).expect_err("no log is named so");
    assert_eq!(error.place(), "bundle.origin");
    let envelope = serde_json::to_string(&sealed.listing)
        .expect("plain data")
        .replacen('{', "{\"extra\":1,", 1);
    serde_json::from_str::<schema::statement::Envelope>(&envelope)
        .expect("DSSE readers ignore unknown envelope fields");
}

#[test]
fn a_key_file_opens_with_its_passphrase_only() {
    let secret = SecretKey::from_bytes([8; 32]);
    let file =
        KeyFile::seal(&secret, &Passphrase::new("correct horse"), &[1; 40]).expect("long enough");
    let file = KeyFile::parse(&file.to_bytes().expect("plain data")).expect("its own bytes");
    assert_eq!(
        file.open(&Passphrase::new("correct horse"))
            .expect("the passphrase")
            .public(),
        secret.public()
    );
    assert!(file.open(&Passphrase::new("correct house")).is_err());
    assert!(KeyFile::seal(&secret, &Passphrase::new("short"), &[1; 40]).is_err());
}

#[test]
fn what_editors_put_around_a_document_is_no_part_of_it() {
    let secret = SecretKey::from_bytes([8; 32]);
    let file = KeyFile::seal(&secret, &Passphrase::new("correct horse"), &[1; 40]).expect("sealed");
    let bytes = file.to_bytes().expect("plain data");
    for (before, after) in [
        ("", "\n"),
        ("", "\r\n"),
        ("\u{feff}", ""),
        ("\u{feff}", "\r\n"),
    ] {
        let around = [before.as_bytes(), &bytes, after.as_bytes()].concat();
        assert_eq!(schema::canonical::body(&around), bytes);
        assert!(KeyFile::parse(&around).is_ok(), "{before:?} {after:?}");
    }
    for more in ["\n\n", " ", "\r\n\r\n"] {
        let around = [&bytes[..], more.as_bytes()].concat();
        assert!(KeyFile::parse(&around).is_err(), "{more:?}");
    }
}

#[test]
fn amounts_are_read_as_people_type_them() {
    for (text, minor) in [
        ("4", 400),
        ("4.5", 450),
        ("4,50", 450),
        ("0", 0),
        ("12.34", 1234),
    ] {
        assert_eq!(Money::parse_usd(text, "price").expect(text).minor, minor);
    }
    for text in ["", "-1", "1.234", "1e3", "abc", "1.", " ", "99999999"] {
        assert!(
            Money::parse_usd(text, "price").is_err() || text == "1.",
            "{text:?} was accepted"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_flipped_bit_of_a_leaf_is_refused(byte in 0usize..130, bit in 0u8..8) {
        let secret = SecretKey::from_bytes([3; 32]);
        let mut bytes = Leaf::sign(ORIGIN, LeafKind::SealedRecipe, Digest([7; 32]), &secret).to_bytes();
        bytes[byte] ^= 1 << bit;
        let accepted = Leaf::parse(&bytes).is_ok_and(|leaf| leaf.verify(ORIGIN, &secret.public()).is_ok());
        prop_assert!(!accepted);
    }

    #[test]
    fn any_flipped_bit_of_a_recipe_breaks_its_commitment(at in 0usize..10_000, bit in 0u8..8) {
        let bytes = recipe().to_bytes().expect("a valid recipe");
        let (key, salt) = (SecretKey::from_bytes([3; 32]).public(), Salt([4; 32]));
        let commitment = schema::commitment::commit(&salt, &key, &bytes, &[anchor().pixels.blake3]).expect("one anchor");
        let mut changed = bytes.clone();
        let at = at % changed.len();
        changed[at] ^= 1 << bit;
        prop_assert!(schema::commitment::open(&commitment, &salt, &key, &changed, &[anchor().pixels.blake3]).is_err());
    }

    #[test]
    fn a_mistyped_key_is_refused(at in 0usize..67, replacement in "[a-z0-9]") {
        let text = SecretKey::from_bytes([3; 32]).public().to_string();
        let mut changed = text.clone();
        let at = at % changed.len();
        changed.replace_range(at..=at, &replacement);
        prop_assume!(changed != text);
        prop_assert!(schema::key::PublicKey::parse(&changed).is_err());
    }

    #[test]
    fn no_text_makes_a_template_panic(text in "\\PC{0,60}") {
        let _outcome = Template::parse(&text, "template");
    }

    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _outcomes = (Recipe::parse(&bytes).is_ok(), Bundle::parse(&bytes).is_ok(), KeyFile::parse(&bytes).is_ok(), Leaf::parse(&bytes).is_ok());
    }

    #[test]
    fn refund_parts_never_shrink_and_always_add_up(tax in 0i64..5000, payee in 0i64..50_000, share in 0i64..20_000, discount in 0i64..=100, steps in proptest::collection::vec(0i64..5000, 1..20)) {
        let whole = Parts { tax, payee, share, promotion: (payee + share) * discount / 100 };
        let (mut refunded, mut before) = (0, whole.refunded(0));
        for step in steps {
            refunded = (refunded + step).min(whole.cash());
            let now = whole.refunded(refunded);
            prop_assert_eq!(now.cash(), refunded);
            for (now, before, whole) in [
                (now.tax, before.tax, whole.tax),
                (now.payee, before.payee, whole.payee),
                (now.share, before.share, whole.share),
                (now.promotion, before.promotion, whole.promotion),
            ] {
                prop_assert!(before <= now && now <= whole);
            }
            before = now;
        }
        prop_assert_eq!(whole.refunded(whole.cash()), whole);
    }

    #[test]
    fn a_split_is_exact_and_no_part_is_a_cent_off(amount in 0i64..1_000_000, weights in proptest::collection::vec(0i64..100_000, 1..12)) {
        let parts = allocate(amount, &weights);
        prop_assert_eq!(parts.iter().sum::<i64>(), amount);
        let whole: i64 = weights.iter().sum();
        for (part, weight) in parts.iter().zip(&weights) {
            let exact = amount * weight;
            prop_assert!(whole == 0 || (part * whole - exact).abs() < whole);
        }
    }
}

/// A recipe whose one variable is a choice between `texts`.
fn choosing(template: &str, texts: &[String]) -> Recipe {
    let mut recipe = recipe();
    let choices = texts.iter().enumerate().map(|(index, text)| Choice {
        label: index.to_string(),
        text: text.clone(),
    });
    recipe.template = template.into();
    recipe.variables = BTreeMap::from([(
        "a".into(),
        Variable::Choice {
            choices: choices.collect(),
            default: "0".into(),
        },
    )]);
    recipe.anchors[0].values = recipe.default_values();
    recipe
}

fn broken_rule(recipe: &Recipe) -> String {
    let error = recipe.check().expect_err("past a bound");
    assert!(
        error.to_string().len() < 300,
        "an error repeats no text: {error}"
    );
    error
        .broken_rule()
        .map(|(name, _)| name)
        .unwrap_or_default()
        .into()
}

#[test]
fn every_text_of_a_recipe_has_a_bound_that_is_checked_before_any_work() {
    use schema::template::{MAX_CHOICE_BYTES, MAX_PROMPT_BYTES, MAX_TEMPLATE_BYTES};
    let long = |bytes: usize| "x".repeat(bytes);
    let two = |text: String| vec![text, "y".to_owned()];
    assert!(
        choosing("{a}", &two(long(MAX_CHOICE_BYTES)))
            .check()
            .is_ok()
    );
    assert_eq!(
        broken_rule(&choosing("{a}", &two(long(MAX_CHOICE_BYTES + 1)))),
        "variable-long"
    );
    assert_eq!(
        broken_rule(&choosing("{a}", &two(long(80_000)))),
        "variables-bytes"
    );
    assert_eq!(
        broken_rule(&choosing("{a}", &vec!["x".to_owned(); 65])),
        "variable-choices"
    );
    assert_eq!(
        broken_rule(&choosing("{a}", &vec![long(4000); 20])),
        "variables-bytes"
    );
    let full = "{a}".repeat(MAX_PROMPT_BYTES / 1000);
    assert!(choosing(&full, &two(long(1000))).check().is_ok());
    // 1,333 slots of 4,000 bytes would be five megabytes for each picture.
    let slots = "{a}".repeat(MAX_TEMPLATE_BYTES / 3);
    assert_eq!(
        broken_rule(&choosing(&slots, &two(long(4000)))),
        "prompt-bytes"
    );
    let mut recipe = recipe();
    recipe.negative = Some(long(MAX_TEMPLATE_BYTES + 1));
    assert_eq!(broken_rule(&recipe), "bytes");
    recipe.negative = None;
    recipe.anchors[0]
        .values
        .insert("thing".into(), long(80_000));
    assert_eq!(broken_rule(&recipe), "value-length");
    recipe.anchors[0]
        .values
        .insert("thing".into(), "fox".into());
    recipe.anchors[0]
        .values
        .insert("count".into(), long(80_000));
    assert_eq!(broken_rule(&recipe), "value-number");
    recipe.anchors[0].values.insert("count".into(), "3".into());
    recipe.anchors[0].values.insert(long(80_000), "3".into());
    assert_eq!(broken_rule(&recipe), "value-unknown");
}

#[test]
fn a_refusal_names_the_template_that_broke_the_rule() {
    let mut recipe = recipe();
    recipe.negative = Some("a {nope}".into());
    assert_eq!(recipe.check().expect_err("no variable").place(), "negative");
    recipe.negative = Some("{".into());
    assert_eq!(recipe.check().expect_err("a brace").place(), "negative");
}

#[test]
fn a_recipe_for_sale_has_no_seed_that_could_be_found_by_trying() {
    let with = |seeds: &[u64]| {
        let mut recipe = recipe();
        let anchor = recipe.anchors[0].clone();
        recipe.anchors = seeds
            .iter()
            .map(|seed| Anchor {
                seed: Seed(*seed),
                ..anchor.clone()
            })
            .collect();
        recipe.check_seeds_for_sale()
    };
    let (a, b) = (0x9b1f_3c55_0d6e_7a21, 0x21c7_e0f4_83b9_115d);
    assert!(with(&[a]).is_ok() && with(&[a, b]).is_ok());
    for (why, seeds) in [
        ("small", vec![3]),
        ("small beside a large one", vec![a, u64::from(u32::MAX)]),
        ("equal", vec![a, b, a]),
        ("in sequence", vec![a, a + 1]),
        ("in sequence, downwards", vec![b, b - 7]),
        ("by equal steps", vec![a, a + (1 << 40), a + (2 << 40)]),
    ] {
        let error = with(&seeds).expect_err(why);
        assert!(
            !seeds
                .iter()
                .any(|seed| error.to_string().contains(&seed.to_string())),
            "{error}"
        );
    }
}

#[test]
fn a_title_shows_something_and_turns_nothing() {
    use schema::listing::{parse_description, parse_price, parse_title};
    let rule = |error: schema::Error| error.broken_rule().map(|(name, _)| name);
    for (title, expected) in [
        ("\u{200b}\u{200b}", "unseen"),
        ("\u{ad}\u{ad}", "unseen"),
        ("\u{3164}\u{3164}", "unseen"),
        ("\u{202e}eelppa eerF", "turning"),
        ("a\nb", "control"),
        ("a", "length"),
    ] {
        let error = parse_title(title).expect_err("refused");
        assert_eq!(rule(error), Some(expected), "{title:?}");
    }
    for title in ["熊猫", "Größe 3", "👩\u{200d}🚀 ❤\u{fe0f}", "العربية"] {
        assert!(parse_title(title).is_ok(), "{title:?}");
    }
    let turned = parse_description("fine\n\u{2066}not").expect_err("refused");
    assert_eq!(rule(turned), Some("turning"));
    for (price, expected) in [
        ("0.10", Some("price-low")),
        ("5000.01", Some("price-high")),
        ("abc", Some("amount")),
    ] {
        assert_eq!(parse_price(price).map_err(rule), Err(expected), "{price}");
    }
    assert!(parse_price("0").is_ok() && parse_price("5000").is_ok());
}
