//! Execution providers from the command line: what is native says so, is near at best, and is sold by nobody.

use super::{run, sealed};
use serde_json::Value;
use std::path::Path;
use std::process::Output;

fn ran(arguments: &[&str], home: &Path) -> Output {
    run(arguments, home).output().expect("the tool")
}

fn told(output: &Output) -> String {
    let (out, error) = (&output.stdout, &output.stderr);
    String::from_utf8_lossy(&[&out[..], &error[..]].concat()).into_owned()
}

#[test]
fn a_bundle_that_a_provider_reproduces_is_near_and_is_neither_exact_nor_published() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path();
    let seal = sealed(home);
    let text = |path: &Path| path.display().to_string();
    let (bundle, picture) = (text(&seal.bundle), text(&home.join("apple.png")));
    let known = ["reproduce", &bundle, "--ep", "cpu", "--sealed", &picture];
    for words in [&known[..], &known[..4]] {
        let output = ran(words, home);
        assert_eq!(output.status.code(), Some(4), "{}", told(&output));
        let said = told(&output);
        assert!(said.contains("no proof of equal bits"), "{said}");
        assert!(!said.contains("exact") && !said.contains("equal, bit for bit"));
    }
    let output = ran(&[&known[..], &["--json"]].concat(), home);
    let value: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(value["outcome"], "near");
    assert_eq!(value["environment"]["profile"], "native");
    assert_eq!(value["published"], Value::Null);
    let key = text(&seal.key);
    let shop = ["--attest", "http://127.0.0.1:1", "--key", &key];
    let output = ran(&[&known[..], &shop].concat(), home);
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    assert!(told(&output).contains("only equal bits are attested"));
}

#[test]
fn a_picture_that_was_not_sealed_is_no_reference() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path();
    let seal = sealed(home);
    let other = home.join("other.png").display().to_string();
    let made = [
        "generate", "--prompt", "pear", "--steps", "1", "--out", &other,
    ];
    assert!(ran(&made, home).status.success());
    let bundle = seal.bundle.display().to_string();
    let output = ran(
        &["reproduce", &bundle, "--ep", "cpu", "--sealed", &other],
        home,
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(told(&output).contains("is none of the sealed pictures"));
}

#[test]
fn a_recipe_of_a_provider_says_native_and_cannot_be_sealed() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path();
    let seal = sealed(home);
    let text = |name: &str| home.join(name).display().to_string();
    let (picture, recipe, bundle) = (text("pear.png"), text("pear.json"), text("pear.seedmark"));
    for native in [["--ep", "cpu"], ["--profile", "native"]] {
        let made = ["generate", "--prompt", "pear", "--steps", "1", "--out"];
        let kept = [&picture, "--save-recipe", &recipe];
        let output = ran(&[&made[..], &kept, &native].concat(), home);
        assert!(output.status.success(), "{}", told(&output));
        assert!(told(&output).contains("not for sale"));
        let written = std::fs::read_to_string(&recipe).expect("a recipe");
        assert!(written.contains("\"profile\":\"native\""), "{written}");
    }
    let key = seal.key.display().to_string();
    let words = [
        "seal",
        "--recipe",
        &recipe,
        "--key",
        &key,
        "--origin",
        "log.test.example/tool",
        "--out",
        &bundle,
    ];
    let output = ran(&words, home);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        told(&output).contains("only portable-1"),
        "{}",
        told(&output)
    );
}

#[test]
fn a_provider_that_is_not_there_ends_the_command_and_makes_no_picture() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path();
    let picture = home.join("pear.png");
    let path = picture.display().to_string();
    let made = [
        "generate", "--prompt", "pear", "--steps", "1", "--out", &path,
    ];
    for (name, code, part) in [
        ("acl", 3, "is not in this library"),
        ("gpu", 2, "is no execution provider"),
    ] {
        let named = ran(&[&made[..], &["--ep", name]].concat(), home);
        let mut command = run(&made, home);
        let set = command.env("SEEDMARK_EP", name).output().expect("the tool");
        for output in [named, set] {
            assert_eq!(output.status.code(), Some(code), "{}", told(&output));
            assert!(told(&output).contains(part), "{}", told(&output));
            assert!(!picture.exists());
        }
    }
    // The profile is stated: the variable counts for nothing.
    let mut command = run(&[&made[..], &["--profile", "portable-1"]].concat(), home);
    let output = command
        .env("SEEDMARK_EP", "acl")
        .output()
        .expect("the tool");
    assert!(output.status.success(), "{}", told(&output));
}
