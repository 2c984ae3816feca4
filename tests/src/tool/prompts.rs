//! What people type: options that mean nothing beside others, values that begin with a dash, characters that nobody sees.

use super::{json, run};
use std::path::Path;
use std::process::Output;

fn generate(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = run(&["generate"], folder);
    command.args(arguments).current_dir(folder);
    command.output().expect("the tool")
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn options_that_a_recipe_decides_are_refused_beside_it() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("r.json"), "{}").expect("written");
    for option in [
        &["--seed", "99"][..],
        &["--steps", "3"],
        &["--guidance", "9"],
        &["--size", "64x64"],
        &["--negative", "cat"],
        &["--noise", "numpy"],
        &["--explore", "2"],
        &["--prompt", "cat"],
        &["--save-recipe", "s.json"],
    ] {
        let common = ["--recipe", "r.json", "--out", "out"];
        let output = generate(folder.path(), &[&common[..], option].concat());
        assert_eq!(output.status.code(), Some(2), "{option:?}");
        let told = told(&output);
        assert!(
            told.contains("cannot be used with") && told.contains(option[0]),
            "{told}"
        );
    }
}

#[test]
fn a_value_may_begin_with_a_dash_and_a_wrong_number_names_its_limits() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = generate(
        folder.path(),
        &[
            "--prompt",
            "-red apple",
            "--negative",
            "-blue",
            "--steps",
            "1",
            "--out",
            "a.png",
            "--json",
        ],
    );
    assert_eq!(json(&made)["pictures"][0]["prompt"], "-red apple");
    let long = "x".repeat(4001);
    for (option, value, says) in [
        ("--seed", "-1", "0 to 18446744073709551615"),
        (
            "--seed",
            "18446744073709551616",
            "0 to 18446744073709551615",
        ),
        ("--guidance", "-1", "from 0 to 30"),
        ("--guidance", "1.0001", "more than three decimals"),
        ("--guidance", "31", "the limit is 30"),
        ("--steps", "201", "1 to 200"),
        (
            "--negative",
            &long,
            "--negative: is 4001 bytes long, the limit is 4000",
        ),
    ] {
        let output = generate(
            folder.path(),
            &["--prompt", "apple", "--out", "b.png", option, value],
        );
        let told = told(&output);
        assert_eq!(output.status.code(), Some(2), "{option} {value}: {told}");
        assert!(told.contains(option) && told.contains(says), "{told}");
    }
}

#[test]
fn a_drawn_seed_fits_its_noise() {
    let folder = tempfile::tempdir().expect("a folder");
    for noise in ["torch-cpu", "numpy"] {
        let sheet = [
            "--prompt",
            "apple",
            "--steps",
            "1",
            "--explore",
            "4",
            "--json",
            "--out",
            "s.png",
        ];
        let made = json(&generate(
            folder.path(),
            &[&sheet[..], &["--noise", noise]].concat(),
        ));
        for row in made["pictures"].as_array().expect("pictures") {
            let seed: u64 = row["seed"]
                .as_str()
                .expect("a seed")
                .parse()
                .expect("a number");
            assert!(u32::try_from(seed).is_ok(), "{noise}: {seed}");
        }
    }
}

#[test]
fn what_changes_a_picture_unseen_or_changes_nothing_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let say = |more: &[&str]| {
        let common = ["--steps", "1", "--seed", "1", "--out", "a.png"];
        let output = generate(folder.path(), &[&common[..], more].concat());
        assert!(output.status.success(), "{more:?}: {}", told(&output));
        told(&output)
    };
    for (hidden, name) in [
        ("\u{200b}", "U+200B (zero-width character) at character 4"),
        ("\u{feff}", "U+FEFF (byte order mark) at character 4"),
        ("\u{ad}", "U+00AD (soft hyphen) at character 4"),
        ("\u{fe0f}", "U+FE0F (variation selector) at character 4"),
    ] {
        let prompt = format!("red{hidden} apple");
        let said = say(&["--prompt", &prompt]);
        assert!(
            said.contains("the prompt holds") && said.contains(name),
            "{said}"
        );
        let said = say(&["--prompt", "apple", "--negative", &prompt]);
        assert!(said.contains("the negative holds"), "{said}");
    }
    let said = say(&["--prompt", "apple", "--negative", "red", "--guidance", "1"]);
    assert!(said.contains("changes nothing"), "{said}");
    let said = say(&[
        "--prompt",
        "red  apple\u{a0}龙",
        "--negative",
        "red",
        "--guidance",
        "2",
    ]);
    assert_eq!(said, "");
}
