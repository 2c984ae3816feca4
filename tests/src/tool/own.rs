//! An owner at home: pictures with their own values out of a `.seedmark` file, and print sheets.

use super::{json, run, text_of};
use schema::bundle::Bundle;
use schema::recipe::{Anchor, ModelDigest, Recipe, Scheduler, Seed};
use schema::template::{Choice, Values, Variable};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;

const TEMPLATE: &str = "{n} {dish} on a {colour} plate";
const SEED: u64 = 9_876_543_210_123_456_789;

fn recipe(model: ModelDigest) -> Recipe {
    let scheduler = Scheduler::FlowEuler { shift_milli: 3000 };
    let mut recipe = Recipe::new(model, TEMPLATE.into(), scheduler, 1, 1000, (128, 128));
    let choice = |label: &str, text: &str| Choice {
        label: label.into(),
        text: text.into(),
    };
    recipe.variables = BTreeMap::from([
        (
            "colour".into(),
            Variable::Choice {
                choices: vec![choice("red", "crimson"), choice("blue", "azure")],
                default: "red".into(),
            },
        ),
        (
            "dish".into(),
            Variable::Text {
                max_characters: 120,
                default: "cake".into(),
            },
        ),
        (
            "n".into(),
            Variable::Number {
                minimum: 1,
                maximum: 5,
                step: 2,
                default: 1,
            },
        ),
    ]);
    let defaults: Values = recipe
        .variables
        .iter()
        .map(|(name, variable)| (name.clone(), variable.default_value()))
        .collect();
    recipe.anchors = [SEED, SEED / 3]
        .map(|seed| Anchor {
            values: defaults.clone(),
            seed: Seed(seed),
        })
        .into();
    recipe
}

struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    /// A folder with `menu.seedmark`, and what anybody may have of it as `public.seedmark`.
    fn new() -> Self {
        let home = Self {
            folder: tempfile::tempdir().expect("a folder"),
        };
        let model = json(&home.tool(&["model", "info", "--json"]));
        let digest = model["digest"].as_str().or(model["model"].as_str());
        let digest = ModelDigest::parse(digest.expect("a digest")).expect("a digest");
        let bytes = recipe(digest).to_bytes().expect("a recipe");
        std::fs::write(home.at("menu.json"), bytes).expect("written");
        for arguments in [
            &["keygen", "--out", "ada.key"][..],
            &[
                "seal",
                "--recipe",
                "menu.json",
                "--key",
                "ada.key",
                "--origin",
                "log.test.example/tool",
                "--out",
                "menu.seedmark",
            ],
        ] {
            let output = home.tool(arguments);
            assert!(output.status.success(), "{}", told(&output));
        }
        let mut bundle = home.bundle("menu.seedmark");
        bundle.owner = None;
        let public = bundle.to_bytes().expect("a bundle");
        std::fs::write(home.at("public.seedmark"), public).expect("written");
        home
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn bundle(&self, name: &str) -> Bundle {
        let bytes = std::fs::read(self.at(name)).expect("a file");
        Bundle::parse(&bytes).expect("a bundle")
    }

    fn tool(&self, arguments: &[&str]) -> Output {
        let mut command = run(arguments, self.folder.path());
        command.current_dir(self.folder.path());
        command.output().expect("the tool")
    }

    fn make(&self, arguments: &[&str]) -> Output {
        let begin = ["generate", "--bundle", "menu.seedmark"];
        self.tool(&[&begin, arguments].concat())
    }
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Width and height of a PNG.
fn size(path: &Path) -> [u32; 2] {
    let bytes = std::fs::read(path).expect("a PNG");
    [&bytes[16..20], &bytes[20..24]]
        .map(|side| side.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
}

#[test]
fn what_does_not_fit_is_named_with_its_slot_and_what_that_takes() {
    let home = Home::new();
    let long = format!("dish={}", "x".repeat(121));
    let wordy = format!("dish={}", "zq ".repeat(38));
    for (arguments, expected) in [
        (
            &["--set", "colour=pink"][..],
            "colour=pink: takes one of: red, blue",
        ),
        (
            &["--set", "sauce=red"],
            "no such slot; its slots are colour, dish, n",
        ),
        (&["--set", &long], "up to 120 characters"),
        (
            &["--set", "n=2"],
            "a whole number from 1 to 5 in steps of 2",
        ),
        (&["--set", "n=-1"], "a whole number from 1 to 5"),
        (&["--set", "dish"], "is not SLOT=VALUE"),
        (&["--set", "n=1", "--set", "n=3"], "is given twice"),
        (&["--set", &wordy], "use fewer words for dish"),
        (&["--seed", "sealed:3"], "sealed:1 to sealed:2"),
        (
            &["--seed", "sealed", "--count", "2"],
            "a sealed seed makes one picture",
        ),
        (
            &["--seed", "-1"],
            "is new, sealed, sealed:N or a whole number",
        ),
        (
            &["--seed", "18446744073709551616"],
            "a whole number from 0 to",
        ),
        (&["--out", "-"], "into a folder"),
        (&["--out", "menu.json"], "is no folder"),
    ] {
        let output = home.make(arguments);
        let why = told(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {why}");
        assert!(why.contains(expected), "{arguments:?}: {why}");
        assert!(why.len() < 400, "what is long is not repeated: {why}");
    }
    for (arguments, expected) in [
        (&["--count", "17"][..], "17"),
        (&["--sheet", "poster"], "sticker"),
        (&["--prompt", "an apple"], "cannot be used with"),
    ] {
        let output = home.make(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(told(&output).contains(expected), "{}", told(&output));
    }
    let left = std::fs::read_dir(home.folder.path()).expect("a folder");
    let made = left
        .flatten()
        .filter(|file| file.path().extension().is_some_and(|e| e == "png"));
    assert_eq!(made.count(), 0, "nothing was made");
}

#[test]
fn anybody_sees_the_slots_and_only_an_owner_makes_pictures() {
    let home = Home::new();
    for file in ["menu.seedmark", "public.seedmark"] {
        let output = home.tool(&["generate", "--bundle", file, "--slots"]);
        let shown = text_of(&output);
        for part in [
            "colour",
            "one of: red, blue",
            "up to 120 characters",
            "steps of 2",
        ] {
            assert!(shown.contains(part), "{file}: {shown}");
        }
        assert!(
            !shown.contains("crimson") && !shown.contains("plate"),
            "{shown}"
        );
    }
    let slots = json(&home.make(&["--slots", "--json"]));
    assert_eq!(slots["slots"]["n"]["maximum"], 5);
    let output = home.tool(&["generate", "--bundle", "public.seedmark"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(told(&output).contains("public bundle"), "{}", told(&output));
    // A file whose seal does not hold makes nothing, as it is reproduced by nobody.
    let forged = super::forged(&home.at("menu.seedmark"));
    let forged = forged.display().to_string();
    let output = home.tool(&["generate", "--bundle", &forged]);
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    let output = home.tool(&["generate", "--bundle", "ada.key"]);
    assert_eq!(output.status.code(), Some(1), "a key is no bundle");
}

#[test]
fn own_pictures_are_named_for_the_file_and_tell_neither_prompt_nor_value_nor_seed() {
    let home = Home::new();
    let make = || {
        let arguments = ["--set", "dish=pizza", "--count", "2", "--json"];
        json(&home.make(&arguments))
    };
    let (first, second) = (make(), make());
    let files = |made: &Value| -> Vec<String> {
        let pictures = made["pictures"].as_array().expect("pictures").iter();
        let files = pictures.map(|row| row["file"].as_str().expect("a file").to_owned());
        files
            .map(|file| file.trim_start_matches("./").to_owned())
            .collect()
    };
    assert_eq!(
        files(&first),
        ["menu-own-1-labelled.png", "menu-own-2-labelled.png"]
    );
    // What was made before is not replaced.
    assert_eq!(
        files(&second),
        ["menu-own-3-labelled.png", "menu-own-4-labelled.png"]
    );
    for (row, file) in first["pictures"]
        .as_array()
        .expect("pictures")
        .iter()
        .zip(files(&first))
    {
        let bytes = std::fs::read(home.at(&file)).expect("a PNG");
        let inside = String::from_utf8_lossy(&bytes);
        assert!(inside.contains("recipe “menu”, own values; not the sealed picture"));
        assert!(inside.contains("trainedAlgorithmicMedia"));
        let seed = row["seed"].as_str().expect("a seed");
        for secret in ["plate", "pizza", "crimson", seed] {
            assert!(
                !inside.contains(secret) && !file.contains(secret),
                "{secret}"
            );
        }
        assert!(row["sealed"].is_null() && row["differs_from"].is_null());
    }
    // The same seed without a label is the exact picture.
    let seed = first["pictures"][0]["seed"].as_str().expect("a seed");
    let arguments = [
        "--set",
        "dish=pizza",
        "--seed",
        seed,
        "--unlabelled",
        "--json",
    ];
    let output = home.make(&arguments);
    assert!(
        told(&output).contains("label them yourself"),
        "{}",
        told(&output)
    );
    let bare = json(&output);
    assert_eq!(
        bare["pictures"][0]["blake3"],
        first["pictures"][0]["blake3"]
    );
    assert_eq!(files(&bare), ["menu-own-5.png"]);
    let read = |name: &str| std::fs::read(home.at(name)).expect("a PNG");
    assert_ne!(read("menu-own-5.png"), read("menu-own-1-labelled.png"));
}

#[test]
fn values_and_seed_of_a_sealed_picture_are_compared_with_it() {
    let home = Home::new();
    let sealed = home.make(&["--seed", "sealed:2"]);
    assert!(sealed.status.success(), "{}", told(&sealed));
    let shown = text_of(&sealed);
    assert!(shown.contains("equal to sealed picture 2"), "{shown}");
    assert!(home.at("menu-sealed-2-labelled.png").is_file(), "{shown}");
    // With another value it is not that picture.
    let other = json(&home.make(&["--seed", "sealed", "--set", "colour=blue", "--json"]));
    assert!(other["pictures"][0]["sealed"].is_null(), "{other}");
    let typed = json(&home.make(&["--seed", &SEED.to_string(), "--json"]));
    assert_eq!(
        typed["pictures"][0]["sealed"], 1,
        "however the seed is named"
    );
}

#[test]
fn a_choice_is_known_in_any_case_and_a_label_speaks_the_language_that_was_asked_for() {
    let home = Home::new();
    let seed = SEED.to_string();
    let make = |colour: &str, label: &str, folder: &str| {
        let arguments = [
            "--seed", &seed, "--set", colour, "--label", label, "--out", folder, "--json",
        ];
        let made = json(&home.make(&arguments));
        let file = std::fs::read(home.at(&format!("{folder}/menu-own-1-labelled.png")));
        (
            made["pictures"][0]["blake3"].to_string(),
            file.expect("a PNG"),
        )
    };
    let (exact, english) = make("colour=blue", "en", "one");
    let (typed, same) = make("colour=BLUE", "en", "two");
    assert_eq!((&typed, &same), (&exact, &english));
    let (pixels, chinese) = make("colour=Blue", "zh", "three");
    assert_eq!(pixels, exact, "the label is no part of what is compared");
    assert_ne!(chinese, english);
    let refused = home.make(&["--label", "en", "--unlabelled"]);
    assert_eq!(refused.status.code(), Some(2), "{}", told(&refused));
}

#[test]
fn a_print_sheet_has_its_size_and_is_made_of_what_was_made_before_as_well() {
    let home = Home::new();
    let made = json(&home.make(&[
        "--count", "2", "--sheet", "badge-58", "--json", "--out", "out",
    ]));
    let sheets: Vec<&str> = made["sheets"]
        .as_array()
        .expect("sheets")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(sheets.len(), 2, "{made}");
    assert!(
        sheets[0].ends_with("menu-own-1-labelled-badge-58.pdf"),
        "{made}"
    );
    let document = std::fs::read(home.at(sheets[0])).expect("a PDF");
    assert!(document.starts_with(b"%PDF-"));
    assert_eq!(size(&home.at(sheets[1])), [2480, 3508]);
    let again = home.tool(&[
        "sheet",
        "out/menu-own-2-labelled.png",
        "out/menu-own-1-labelled.png",
        "--preset",
        "sticker",
        "--paper",
        "square",
        "--out",
        "square.png",
    ]);
    assert!(again.status.success(), "{}", told(&again));
    assert_eq!(size(&home.at("square.png")), [2480, 2480]);
    let inside = std::fs::read(home.at("square.png")).expect("a PNG");
    assert!(String::from_utf8_lossy(&inside).contains("not the sealed picture"));
    for (arguments, expected) in [
        (
            &["sheet", "menu.json", "--preset", "nails", "--out", "x.pdf"][..],
            "PNG",
        ),
        (
            &["sheet", "none.png", "--preset", "nails", "--out", "x.pdf"],
            "cannot read",
        ),
        (
            &["sheet", "square.png", "--preset", "nails", "--out", "x.jpg"],
            ".pdf or a .png",
        ),
        (
            &[
                "sheet",
                "square.png",
                "--preset",
                "nails",
                "--out",
                "menu.json",
            ],
            ".pdf or a .png",
        ),
    ] {
        let output = home.tool(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(told(&output).contains(expected), "{}", told(&output));
    }
    // Somebody's other file under that name stays.
    std::fs::write(home.at("notes.pdf"), "not a document").expect("written");
    let output = home.tool(&[
        "sheet",
        "square.png",
        "--preset",
        "nails",
        "--out",
        "notes.pdf",
    ]);
    assert_eq!(output.status.code(), Some(2));
    assert!(told(&output).contains("it is no PDF"), "{}", told(&output));
}
