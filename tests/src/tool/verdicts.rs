//! Exit codes: a verdict survives whatever becomes of the output, and results that cannot be written are an error.

use super::{Sealed, forged, run, sealed};
use crate::harness::server::{Database, Server, program};
use ledger::writer::{FileLock, Folder, Log, Parts};
use schema::key::SecretKey;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// What becomes of standard output.
#[derive(Clone, Copy, Debug)]
enum Reader {
    /// It takes everything.
    Stays,
    /// It has left before the first line.
    Left,
    /// It is a full disk.
    Full,
}

impl Reader {
    const ALL: [Self; 3] = [Self::Stays, Self::Left, Self::Full];

    fn stdio(self) -> Stdio {
        match self {
            Self::Stays => Stdio::null(),
            Self::Left => {
                let (reader, writer) = std::io::pipe().expect("a pipe");
                drop(reader);
                writer.into()
            }
            Self::Full => full(),
        }
    }
}

fn full() -> Stdio {
    let full = OpenOptions::new().write(true).open("/dev/full");
    full.expect("/dev/full").into()
}

fn ends(mut command: Command, reader: Reader) -> Output {
    let child = command
        .stdout(reader.stdio())
        .stderr(Stdio::piped())
        .spawn();
    let output = child.expect("a program").wait_with_output();
    output.expect("an output")
}

/// Each command ends with `code`, and with 2 where everything held and could not be told.
fn check(commands: &[Vec<String>], home: &Path, code: i32) {
    for arguments in commands {
        for reader in Reader::ALL {
            let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let output = ends(run(&words, home), reader);
            let expected = match (code, reader) {
                (0, Reader::Full) => 2,
                _ => code,
            };
            let told = String::from_utf8_lossy(&output.stderr);
            let place = format!("{arguments:?} {reader:?}: {told}");
            assert_eq!(output.status.code(), Some(expected), "{place}");
            let lost = told.contains("cannot be written");
            assert!(
                code != 0 || lost == matches!(reader, Reader::Full),
                "{place}"
            );
        }
    }
}

fn words(text: &str, places: &[(&str, &Path)]) -> Vec<String> {
    let fill = |word: &str| {
        let found = places.iter().find(|(name, _)| *name == word);
        found.map_or(word.to_owned(), |(_, path)| path.display().to_string())
    };
    text.split(' ').map(fill).collect()
}

#[test]
fn a_verdict_survives_a_reader_that_left_and_a_full_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let Sealed { key, bundle, .. } = sealed(folder.path());
    let bad = forged(&bundle);
    let good = [
        "verify GOOD",
        "verify GOOD --json",
        "reproduce GOOD",
        "reproduce GOOD --json",
        "model check --pictures 1",
        "--help",
        "generate --help",
        "--version",
    ];
    let places = [("GOOD", &*bundle), ("BAD", &*bad), ("KEY", &*key)];
    let commands = |texts: &[&str]| -> Vec<Vec<String>> {
        texts.iter().map(|text| words(text, &places)).collect()
    };
    check(&commands(&good), folder.path(), 0);
    let bad = [
        "verify BAD",
        "verify BAD --json",
        "reproduce BAD",
        "reproduce BAD --json",
        // A key is no bundle.
        "verify KEY",
        "verify KEY --json",
    ];
    check(&commands(&bad), folder.path(), 1);
}

const ORIGIN: &str = "log.test.example/tool";

/// A log of 300 entries, and its key.
fn log(place: &Path) -> String {
    let secret = || SecretKey::from_bytes([5; 32]);
    let lock = FileLock::new(place).expect("the lock");
    let storage = || Box::new(Folder::new(place).expect("a folder"));
    Log::create(ORIGIN, &secret(), storage().as_ref(), &lock).expect("a fresh log");
    let parts = Parts {
        storage: storage(),
        lock: Box::new(lock),
        cosigner: None,
    };
    let mut log = Log::open(ORIGIN, secret(), parts).expect("the log");
    let entries: Vec<Vec<u8>> = (0..300).map(|n: u32| n.to_be_bytes().to_vec()).collect();
    log.append(&entries).expect("appended");
    log.verifier().to_string()
}

fn flip(path: &Path) {
    let mut bytes = std::fs::read(path).expect("a tile");
    let at = bytes.len() - 1;
    bytes[at] ^= 1;
    std::fs::remove_file(path).expect("removed");
    std::fs::write(path, bytes).expect("written");
}

#[test]
fn a_damaged_log_is_a_failed_check_and_a_wrong_index_a_wrong_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("log");
    let key = log(&place);
    let texts = [
        "log audit LOG --key VKEY",
        "log audit LOG --key VKEY --json",
        "log get LOG --key VKEY --index 299",
        "log prove LOG --key VKEY --index 7",
        "log tail LOG --key VKEY",
        "log tail LOG --key VKEY --json -n 300",
    ];
    let vkey = PathBuf::from(&key);
    let places = [("LOG", &*place), ("VKEY", &*vkey)];
    let commands: Vec<_> = texts.iter().map(|text| words(text, &places)).collect();
    check(&commands, folder.path(), 0);
    let state = folder.path().join("state");
    let state = state.display().to_string();
    let monitor = words("log monitor LOG --key VKEY --once --state", &places);
    check(&[[&monitor[..], &[state]].concat()], folder.path(), 0);
    let outside = words("log get LOG --key VKEY --index 300", &places);
    check_codes(&outside, folder.path(), 2);
    // A key that was copied with what stands around it is the same key.
    let copied = PathBuf::from(format!("{key} \r"));
    let copied = words(texts[0], &[("LOG", &*place), ("VKEY", &*copied)]);
    check_codes(&copied, folder.path(), 0);

    for damaged in ["tile/entries/001.p/44", "tile/0/001.p/44"] {
        flip(&place.join(damaged));
    }
    check(&commands, folder.path(), 1);
}

#[test]
fn what_runs_for_ever_ends_when_nobody_can_read_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("log");
    let key = log(&place);
    let (place, state) = (
        place.display().to_string(),
        folder.path().join("state").display().to_string(),
    );
    let tail = ["log", "tail", &place, "--key", &key, "--follow"];
    let monitor = ["log", "monitor", &place, "--key", &key, "--state", &state];
    for arguments in [&tail[..], &monitor] {
        for (reader, code) in [(Reader::Left, 0), (Reader::Full, 2)] {
            // The watch has something to say each time.
            let _first = std::fs::remove_file(&state);
            let output = ends(run(arguments, folder.path()), reader);
            assert_eq!(output.status.code(), Some(code), "{arguments:?} {reader:?}");
        }
    }
}

#[test]
fn the_tile_that_is_missing_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("log");
    let key = log(&place);
    std::fs::remove_file(place.join("tile/0/001.p/44")).expect("removed");
    let place = place.display().to_string();
    let arguments = ["log", "audit", &place, "--key", &key];
    let output = run(&arguments, folder.path()).output().expect("the tool");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("tile/0/001.p/44 is missing"), "{said}");
}

#[test]
fn a_tile_without_end_is_a_damaged_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("log");
    let key = log(&place);
    let tile = place.join("tile/entries/000");
    std::fs::remove_file(&tile).expect("removed");
    std::os::unix::fs::symlink("/dev/zero", &tile).expect("a link");
    let place = place.display().to_string();
    let arguments = ["log", "get", &place, "--key", &key, "--index", "3"];
    check_codes(&arguments.map(str::to_owned), folder.path(), 1);
}

fn check_codes(arguments: &[String], home: &Path, code: i32) {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = run(&words, home).output().expect("the tool");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
}

#[test]
fn an_error_is_an_object_where_json_was_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    for (arguments, code) in [
        (&["verify", "/nowhere", "--json"][..], 2),
        (&["verify", "--json", "--oops"][..], 2),
        (&["model", "info", "--json", "--model", "/nowhere"][..], 3),
    ] {
        let output = run(arguments, folder.path()).output().expect("the tool");
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(said["exit"], code, "{arguments:?}");
        assert!(said["error"].as_str().is_some_and(|text| !text.is_empty()));
        assert!(!output.stderr.is_empty(), "people are told as well");
    }
}

#[test]
fn an_administrators_results_are_written_or_their_loss_is_an_error() {
    let mut server = Server::start(Database::Sqlite);
    server.stop();
    let data = server.folder.path().display().to_string();
    let command = |arguments: &[&str]| {
        let mut command = Command::new(program("seedmark-server"));
        command.args(arguments).args(["--data", &data]);
        command
    };
    for reader in Reader::ALL {
        let exported = ends(command(&["books", "export", "years"]), reader);
        let told = String::from_utf8_lossy(&exported.stderr).into_owned();
        let expected = if matches!(reader, Reader::Full) { 2 } else { 0 };
        assert_eq!(exported.status.code(), Some(expected), "{reader:?}: {told}");
        assert_eq!(told.is_empty(), expected == 0, "{reader:?}: {told}");
        let helped = Command::new(program("seedmark-server"))
            .arg("--help")
            .stdout(reader.stdio())
            .status();
        assert_eq!(helped.expect("help").code(), Some(expected), "{reader:?}");
    }
    let place = server.folder.path().join("report.csv");
    std::fs::write(&place, "what stood here before").expect("written");
    let place = place.display().to_string();
    for (out, expected) in [
        (place.as_str(), 0),
        (data.as_str(), 1),
        ("/nowhere/x.csv", 1),
    ] {
        let exported = command(&["books", "export", "--out", out]).output();
        let exported = exported.expect("the server program");
        assert_eq!(exported.status.code(), Some(expected), "{out}");
    }
    let report = std::fs::read_to_string(&place).expect("the report");
    assert!(!report.contains("before"), "{report}");
    let audited = command(&["books", "audit"]).stderr(full()).status();
    assert_eq!(audited.expect("audited").code(), Some(0), "the log is full");
}
