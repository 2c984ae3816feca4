//! The command line tool as its users run it: from any folder, in any locale, and looking for a seed.

mod files;
mod foreign;
mod own;
mod prompts;
mod providers;
mod terminal;
mod verdicts;

use crate::harness::server::{program, seedmark, text as text_of};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schema::bundle::Bundle;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The tool with a passphrase, ready to run; `home` holds its configuration.
fn run(arguments: &[&str], home: &Path) -> Command {
    let mut command = Command::new(program("seedmark"));
    command
        .args(arguments)
        .env("XDG_CONFIG_HOME", home)
        .env("SEEDMARK_PASSPHRASE", "correct horse");
    command
}

/// A recipe of one small picture, sealed and not logged.
struct Sealed {
    key: PathBuf,
    recipe: PathBuf,
    bundle: PathBuf,
}

fn sealed(folder: &Path) -> Sealed {
    let at = |name: &str| folder.join(name);
    let (key, recipe, bundle) = (at("ada.key"), at("apple.json"), at("apple.seedmark"));
    let text = |path: &Path| path.display().to_string();
    let picture = ["generate", "--prompt", "red apple", "--steps", "1", "--out"];
    for arguments in [
        vec!["keygen", "--out", &text(&key)],
        [
            &picture[..],
            &[&text(&at("apple.png")), "--save-recipe", &text(&recipe)],
        ]
        .concat(),
        vec![
            "seal",
            "--recipe",
            &text(&recipe),
            "--key",
            &text(&key),
            "--origin",
            "log.test.example/tool",
            "--out",
            &text(&bundle),
        ],
    ] {
        let output = run(&arguments, folder).output().expect("the tool");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {told}");
    }
    Sealed {
        key,
        recipe,
        bundle,
    }
}

/// A copy of a bundle with one bit of its leaf's signature turned.
fn forged(bundle: &Path) -> PathBuf {
    let mut read = Bundle::parse(&std::fs::read(bundle).expect("a file")).expect("a bundle");
    let mut leaf = STANDARD.decode(&read.sealed.leaf).expect("base64");
    leaf[70] ^= 1;
    read.sealed.leaf = STANDARD.encode(leaf);
    let path = bundle.with_extension("forged");
    std::fs::write(&path, read.to_bytes().expect("a bundle")).expect("written");
    path
}

fn json(output: &std::process::Output) -> Value {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn the_working_folder_and_the_locale_change_no_pixel() {
    let folder = tempfile::tempdir().expect("a folder");
    let make = |place: &Path, locale: &str, threads: &str| {
        let output = Command::new(program("seedmark"))
            .args([
                "generate",
                "--prompt",
                "INDIGO Işık 熊猫, 3d style",
                "--seed",
                "7",
            ])
            .args([
                "--steps",
                "2",
                "--guidance",
                "2.5",
                "--json",
                "--out",
                "made.png",
            ])
            .current_dir(place)
            .env("LC_ALL", locale)
            .env("LANG", locale)
            .env("OMP_NUM_THREADS", threads)
            .env("TZ", "Pacific/Kiritimati")
            .output()
            .expect("the tool");
        let pictures = json(&output);
        pictures["pictures"][0]["blake3"]
            .as_str()
            .expect("a digest")
            .to_owned()
    };
    let deep = folder.path().join("a folder/with 空格");
    std::fs::create_dir_all(&deep).expect("a deep folder");
    let first = make(folder.path(), "C", "1");
    for (place, locale, threads) in [
        (folder.path(), "tr_TR.UTF-8", "8"),
        (&deep, "de_DE.UTF-8", "2"),
        (&deep, "zh_CN.GB18030", "1"),
    ] {
        assert_eq!(make(place, locale, threads), first, "{locale}");
    }
}

#[test]
fn a_seed_from_the_contact_sheet_makes_its_picture_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let common = [
        "generate",
        "--prompt",
        "red apple, 3d style",
        "--steps",
        "2",
        "--json",
    ];
    let sheet = seedmark(
        &[&common[..], &["--explore", "3", "--out", &at("sheet.png")]].concat(),
        folder.path(),
    );
    let sheet = json(&sheet);
    let seeds = sheet["pictures"].as_array().expect("pictures");
    assert_eq!(seeds.len(), 3);
    let seed = seeds[2]["seed"].as_str().expect("a seed");
    let alone = seedmark(
        &[&common[..], &["--seed", seed, "--out", &at("one.png")]].concat(),
        folder.path(),
    );
    assert_eq!(json(&alone)["pictures"][0]["blake3"], seeds[2]["blake3"]);
    let size = |name: &str| {
        let bytes = std::fs::read(at(name)).expect("a PNG");
        // IHDR: width and height, big-endian, at byte 16.
        [&bytes[16..20], &bytes[20..24]].map(|side| {
            side.iter()
                .fold(0u32, |sum, byte| sum << 8 | u32::from(*byte))
        })
    };
    let [side, _] = size("one.png");
    assert_eq!(size("sheet.png"), [2 * side, 2 * side]);
}

#[test]
fn a_size_that_the_model_does_not_offer_is_refused_with_those_it_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("x.png").to_string_lossy().into_owned();
    let output = seedmark(
        &[
            "generate", "--prompt", "apple", "--size", "99x99", "--out", &out,
        ],
        folder.path(),
    );
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(
        told.contains("99×99") && told.contains("it makes"),
        "{told}"
    );
}
