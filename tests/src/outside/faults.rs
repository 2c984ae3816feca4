//! A log whose file system calls fail or end the process, one after another, by strace: nothing acknowledged is ever lost,
//! doubled or moved, and the log opens again.

use crate::harness::server::program;
use ledger::checkpoint::Checkpoint;
use ledger::edge::Edge;
use ledger::note::Verifier;
use ledger::tile::{self, TileReader as _};
use ledger::writer::Folder;
use schema::key::SecretKey;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Every call by which an append reaches the disk or the names on it.
const CALLS: [&str; 12] = [
    "openat", "read", "write", "close", "fsync", "rename", "mkdir", "unlink", "chmod", "fchmod",
    "statx", "flock",
];

/// What is appended under faults: over a tile's edge, in two batches.
const INPUT: &str = "a\nb\nc\n\nd\ne\nf\n";

fn feed(mut command: Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a program");
    // A program that was killed reads nothing any more.
    let _closed = child
        .stdin
        .take()
        .expect("an input")
        .write_all(input.as_bytes());
    child.wait_with_output().expect("an output")
}

fn append(folder: &Path) -> Command {
    let mut command = Command::new(program("examples/append"));
    command.arg(folder);
    command
}

/// A log of 254 entries.
fn prepared(folder: &Path) {
    let lines: String = (0..254).map(|index| format!("old {index}\n")).collect();
    let output = feed(append(folder), &lines);
    assert!(output.status.success(), "{output:?}");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

/// The log's entries, after a full audit of its files against its signed checkpoint.
fn audited(folder: &Path) -> Vec<String> {
    let log = Verifier::new(
        "log.example/append",
        SecretKey::from_bytes([5; 32]).public(),
    );
    let text = std::fs::read_to_string(folder.join("checkpoint")).expect("a checkpoint");
    let checkpoint = Checkpoint::open(&text, &log.expect("a name")).expect("a signature");
    let (files, mut entries) = (Folder::new(folder).expect("a folder"), Vec::new());
    ledger::audit::audit(&files, &checkpoint, Edge::default(), &mut |_, bundle, _| {
        entries.extend(
            bundle
                .iter()
                .map(|entry| String::from_utf8_lossy(entry).into_owned()),
        );
    })
    .expect("every file fits");
    assert!(
        files.read_tile(&tile::path(0, 0, 256)).is_ok() == (checkpoint.size >= 256),
        "full tiles are served once they are full"
    );
    entries
}

/// How often each call is made from the moment on that the log is open and its input is read.
fn counted(base: &Path, scratch: &Path) -> BTreeMap<&'static str, (usize, usize)> {
    let folder = scratch.join("counted");
    copy(base, &folder);
    let trace = scratch.join("trace");
    let mut command = Command::new("strace");
    command
        .args(["-qq", "-f", "-o"])
        .arg(&trace)
        .args(["-e", &format!("trace={}", CALLS.join(","))])
        .arg(program("examples/append"))
        .arg(&folder);
    let output = feed(command, INPUT);
    assert!(output.status.success(), "strace: {output:?}");
    let trace = std::fs::read_to_string(trace).expect("a trace");
    let mut counts = BTreeMap::new();
    let mut open = false;
    for line in trace.lines() {
        let line = line
            .split_once(' ')
            .map_or(line, |(_, call)| call.trim_start());
        let name = line.split('(').next().unwrap_or_default();
        open |= line.starts_with("read(0,");
        if let Some(call) = CALLS.iter().find(|call| **call == name) {
            let (before, after) = counts.entry(*call).or_insert((0, 0));
            *(if open { after } else { before }) += 1;
        }
    }
    counts
}

#[test]
fn no_failing_or_deadly_system_call_loses_doubles_or_moves_an_acknowledged_entry() {
    let scratch = tempfile::tempdir().expect("a folder");
    let base = scratch.path().join("base");
    prepared(&base);
    let expected = |count: usize| -> Vec<String> {
        let old = (0..254).map(|index| format!("old {index}"));
        let new = INPUT.lines().filter(|line| !line.is_empty());
        old.chain(new.map(str::to_owned)).take(count).collect()
    };
    let (mut points, mut failed, mut killed) = (0, 0, 0);
    for (call, (before, after)) in counted(&base, scratch.path()) {
        for number in before + 1..=before + after {
            for fault in ["error=EIO", "error=ENOSPC", "signal=SIGKILL"] {
                points += 1;
                let folder = scratch.path().join("tried");
                copy(&base, &folder);
                let mut command = Command::new("strace");
                command
                    .args(["-qq", "-f", "-o", "/dev/null"])
                    .args(["-e", &format!("trace={call}")])
                    .args(["-e", &format!("inject={call}:{fault}:when={number}")])
                    .arg(program("examples/append"))
                    .arg(&folder);
                let output = feed(command, INPUT);
                failed += usize::from(!output.status.success());
                killed += usize::from(output.status.code().is_none_or(|code| code == 137));
                let acknowledged = 254 + String::from_utf8_lossy(&output.stdout).lines().count();
                // Opening again finishes what was begun.
                let healed = feed(append(&folder), "");
                assert!(
                    healed.status.success(),
                    "{call} {number} {fault}: {}",
                    String::from_utf8_lossy(&healed.stderr)
                );
                let entries = audited(&folder);
                assert!(
                    entries.len() >= acknowledged && [254, 257, 260].contains(&entries.len()),
                    "{call} {number} {fault}: {acknowledged} acknowledged, {} there",
                    entries.len()
                );
                assert_eq!(entries, expected(entries.len()), "{call} {number} {fault}");
                std::fs::remove_dir_all(&folder).expect("removed");
            }
        }
    }
    println!("{points} fault points, {failed} ended the program, {killed} by a kill");
    assert!(
        points > 100 && failed > 50 && killed > 30,
        "{points} {failed} {killed}"
    );
}
