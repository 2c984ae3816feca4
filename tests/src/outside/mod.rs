//! Other people's programs over our bytes: PyPI's blake3, cryptography, and securesystemslib.

mod database;
mod disk;
mod faults;
mod log;
mod quiet;

use crate::harness::client::Client;
use crate::harness::server::{Database, Server, root, seedmark, target, text};
use std::path::Path;
use std::process::Command;

fn python() -> Command {
    let python = target().join("outside/bin/python");
    assert!(
        python.is_file(),
        "{} is missing: run `cargo xtask test outside`",
        python.display()
    );
    Command::new(python)
}

/// Seals with the tool and logs the leaves with the library, as a shop of somebody else's would.
fn logged_bundle(folder: &Path) -> std::path::PathBuf {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use ledger::writer::{FileLock, Folder, Log, Parts};
    use schema::bundle::Bundle;
    use schema::key::SecretKey;
    const ORIGIN: &str = "log.test.example/outside";
    let at = |name: &str| folder.join(name).to_string_lossy().into_owned();
    for arguments in [
        vec!["keygen", "--out", &at("ada.key")],
        vec![
            "generate",
            "--prompt",
            "red apple, 3d style",
            "--steps",
            "2",
            "--out",
            &at("apple.png"),
            "--save-recipe",
            &at("apple.json"),
        ],
        vec![
            "seal",
            "--recipe",
            &at("apple.json"),
            "--key",
            &at("ada.key"),
            "--origin",
            ORIGIN,
            "--out",
            &at("apple.seedmark"),
        ],
    ] {
        let output = seedmark(&arguments, folder);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let mut bundle =
        Bundle::parse(&std::fs::read(at("apple.seedmark")).expect("the bundle")).expect("a bundle");
    let (place, secret) = (folder.join("log"), || SecretKey::from_bytes([5; 32]));
    let lock = FileLock::new(&place).expect("the lock");
    let storage = || Box::new(Folder::new(&place).expect("a folder"));
    Log::create(ORIGIN, &secret(), storage().as_ref(), &lock).expect("a fresh log");
    let mut log = Log::open(
        ORIGIN,
        secret(),
        Parts {
            storage: storage(),
            lock: Box::new(lock),
            cosigner: None,
        },
    )
    .expect("the log");
    let mut entries: Vec<Vec<u8>> = (0..300).map(|n: u32| n.to_be_bytes().to_vec()).collect();
    entries.push(STANDARD.decode(&bundle.sealed.leaf).expect("base64"));
    entries.push(STANDARD.decode(&bundle.listing.leaf).expect("base64"));
    log.append(&entries).expect("appended");
    bundle.log_key = Some(log.verifier().to_string());
    bundle.sealed.proof = Some(log.prove(300).expect("a proof").to_text());
    bundle.listing.proof = Some(log.prove(301).expect("a proof").to_text());
    let file = folder.join("logged.seedmark");
    std::fs::write(&file, bundle.to_bytes().expect("parsed parts")).expect("written");
    file
}

#[test]
fn other_peoples_code_agrees_on_every_part_of_a_bundle() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = logged_bundle(folder.path());
    let ours = seedmark(&["verify", &file.to_string_lossy()], folder.path());
    assert!(ours.status.success(), "{}", text(&ours));
    let theirs = python()
        .arg(root().join("tests/outside/check_bundle.py"))
        .arg(&file)
        .output()
        .expect("python");
    assert!(
        theirs.status.success(),
        "{}",
        String::from_utf8_lossy(&theirs.stderr)
    );
    let audited = seedmark(
        &[
            "log",
            "audit",
            &folder.path().join("log").to_string_lossy(),
            "--key",
            &key_of(&file),
        ],
        folder.path(),
    );
    assert!(
        audited.status.success() && text(&audited).contains("302 entries"),
        "{}",
        text(&audited)
    );
}

/// The cases of RFC 8785's authors: what our documents may hold comes out as they say, and fractions, which they may not hold, are
/// refused.
#[test]
fn canonical_json_is_what_the_authors_of_its_standard_say() {
    let cases = target().join("outside/sources/rfc8785-0.1.4/test/assets");
    let read = |kind: &str, name: &str| {
        let path = cases.join(kind).join(name);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let mut refused = Vec::new();
    for name in [
        "arrays",
        "french",
        "structures",
        "unicode",
        "values",
        "weird",
    ] {
        let name = format!("{name}.json");
        let output = read("output", &name);
        let output = output.strip_suffix(b"\n").unwrap_or(&output);
        let input: serde_json::Value = serde_json::from_slice(&read("input", &name)).expect("JSON");
        let ours = schema::canonical::to_bytes(&input, "case").expect("a document");
        assert_eq!(
            String::from_utf8_lossy(&ours),
            String::from_utf8_lossy(output),
            "{name}"
        );
        if schema::canonical::parse_value(output, 4096, "case").is_err() {
            refused.push(name);
        }
    }
    assert_eq!(
        refused,
        ["arrays.json", "values.json"],
        "null and fractions"
    );
}

fn key_of(file: &Path) -> String {
    let bundle =
        schema::bundle::Bundle::parse(&std::fs::read(file).expect("the bundle")).expect("a bundle");
    bundle.log_key.expect("a logged bundle")
}

#[tokio::test]
async fn a_served_checkpoint_is_the_one_in_the_folder() {
    let server = Server::start(Database::Sqlite);
    let visitor = Client::new(server.url(""));
    let served = visitor.get("/log/checkpoint").await.body;
    let stored = std::fs::read_to_string(server.folder.path().join("log/checkpoint"))
        .expect("the checkpoint");
    assert_eq!(served, stored);
}

#[test]
fn a_seal_that_no_log_holds_fails_under_a_policy_and_is_called_unlogged_without_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = logged_bundle(folder.path());
    let unlogged = folder
        .path()
        .join("apple.seedmark")
        .to_string_lossy()
        .into_owned();
    let alone = seedmark(&["verify", &unlogged], folder.path());
    assert!(
        alone.status.success() && text(&alone).contains("no log holds this seal"),
        "{}",
        text(&alone)
    );
    let policy = folder.path().join("policy");
    std::fs::write(&policy, format!("log {}\nquorum none\n", key_of(&file))).expect("written");
    let judged = seedmark(
        &["verify", &unlogged, "--policy", &policy.to_string_lossy()],
        folder.path(),
    );
    assert_eq!(judged.status.code(), Some(1), "{}", text(&judged));
    assert!(text(&judged).contains("✗ checkpoint"), "{}", text(&judged));
}
