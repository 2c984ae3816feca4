//! A log whose file system calls fail or end the process, one after another, by strace: nothing acknowledged is ever lost,
//! doubled or moved, and the log opens again.

use crate::harness::client::Client;
use crate::harness::server::{Database, Server, program};
use crate::harness::{PATIENCE, is_so, until, within};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ledger::checkpoint::Checkpoint;
use ledger::client::Remote;
use ledger::edge::Edge;
use ledger::note::Verifier;
use ledger::tile::{self, TileReader as _};
use ledger::writer::Folder;
use schema::key::SecretKey;
use schema::key_event::{KeyEnd, Reason};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

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
fn audited(folder: &Path, log: &Verifier) -> Vec<Vec<u8>> {
    let text = std::fs::read_to_string(folder.join("checkpoint")).expect("a checkpoint");
    let checkpoint = Checkpoint::open(&text, log).expect("a signature");
    let (files, mut entries) = (Folder::new(folder).expect("a folder"), Vec::new());
    ledger::audit::audit(&files, &checkpoint, Edge::default(), &mut |_, bundle, _| {
        entries.extend(bundle.iter().cloned());
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
    let log = Verifier::new(
        "log.example/append",
        SecretKey::from_bytes([5; 32]).public(),
    )
    .expect("a name");
    let expected = |count: usize| -> Vec<Vec<u8>> {
        let old = (0..254).map(|index| format!("old {index}"));
        let new = INPUT.lines().filter(|line| !line.is_empty());
        let lines = old.chain(new.map(str::to_owned)).take(count);
        lines.map(String::into_bytes).collect()
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
                let entries = audited(&folder, &log);
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

/// A shop's calls by which leaves reach its database and its log's files, how many of each are tried, and what happens to them.
const SHOP_FAULTS: [(&str, u32, &str); 11] = [
    ("fsync", 7, "signal=SIGKILL"),
    ("rename", 3, "signal=SIGKILL"),
    ("write", 4, "signal=SIGKILL"),
    ("openat", 3, "signal=SIGKILL"),
    ("fsync", 7, "error=EIO"),
    ("rename", 3, "error=EIO"),
    ("openat", 3, "error=EIO"),
    ("write", 2, "error=ENOSPC"),
    // Only a database in the same process makes these.
    ("pwrite64", 6, "signal=SIGKILL"),
    ("fdatasync", 4, "signal=SIGKILL"),
    ("fdatasync", 4, "error=EIO"),
];

/// Attaches strace to a running server; the fault waits for its call.
fn attach(server: &Server, call: &str, fault: &str, number: u32) -> Child {
    let mut strace = Command::new("strace")
        .args(["-f", "-o", "/dev/null", "-p", &server.process().to_string()])
        .args(["-e", &format!("trace={call}")])
        .args(["-e", &format!("inject={call}:{fault}:when={number}")])
        .stderr(Stdio::piped())
        .spawn()
        .expect("strace");
    let mut line = String::new();
    let errors = strace.stderr.as_mut().expect("its messages");
    BufReader::new(errors).read_line(&mut line).expect("a line");
    assert!(line.contains("attached"), "{line}");
    strace
}

/// Registers keys, each good for one leaf: its own end.
async fn registered(server: &Server, count: u8) -> Vec<SecretKey> {
    let member = Client::member(server.url(""), "ada").await;
    let account = member.get("/account").await;
    let person = account.find("person(?:&quot;|\"):(?:&quot;|\")([0-9a-f-]{36})");
    let vkey = member.get("/log/vkey").await.body;
    let (origin, _) = vkey.split_once('+').expect("a verifier key");
    let message = schema::key::registration_message(origin, &person);
    let mut keys = Vec::new();
    for number in 1..=count {
        let secret = SecretKey::from_bytes([number; 32]);
        let (key, proof) = (
            secret.public().to_string(),
            hex::encode(secret.sign(&message)),
        );
        let fields = [("key", &*key), ("signature", &*proof)];
        assert_eq!(member.post("/account/keys", &fields).await.status, 303);
        keys.push(secret);
    }
    keys
}

/// Sends two leaves under a fault; returns those that the shop took.
fn send(base: &str, origin: &str, keys: [SecretKey; 2]) -> Vec<Vec<u8>> {
    let send = |secret: SecretKey| {
        let (base, origin) = (base.to_owned(), origin.to_owned());
        std::thread::spawn(move || {
            let end = KeyEnd::sign(&origin, &secret, Reason::Routine, None).expect("an end");
            let shop = Remote::new(&base).expect("an address");
            let body = end.to_bytes().expect("bytes");
            let answer = shop.post("log/key-ends", &body);
            let leaf = STANDARD.decode(&end.leaf).expect("base64");
            answer
                .is_ok_and(|(status, _)| status == 200)
                .then_some(leaf)
        })
    };
    let sent = keys.map(send);
    sent.into_iter()
        .filter_map(|sent| sent.join().expect("no panic"))
        .collect()
}

async fn shop_under_faults(database: Database) {
    let mut server = Server::start(database);
    let faults: Vec<_> = SHOP_FAULTS
        .into_iter()
        .filter(|(call, ..)| {
            database == Database::Sqlite || !matches!(*call, "pwrite64" | "fdatasync")
        })
        .flat_map(|(call, count, fault)| (1..=count).map(move |number| (call, fault, number)))
        .collect();
    let count = u8::try_from(2 * faults.len()).expect("few");
    let mut keys = registered(&server, count).await.into_iter();
    let vkey = Client::new(server.url("")).get("/log/vkey").await.body;
    let log = Verifier::parse(vkey.trim()).expect("a verifier key");
    let folder = server.folder.path().join("log");
    let (mut taken, mut before) = (Vec::new(), Vec::new());
    let (mut killed, tried) = (0, faults.len());
    for (call, fault, number) in faults {
        let mut strace = attach(&server, call, fault, number);
        let pair = [keys.next().expect("a key"), keys.next().expect("a key")];
        let (base, origin) = (server.url(""), log.name().to_owned());
        let sent = tokio::task::spawn_blocking(move || send(&base, &origin, pair)).await;
        taken.extend(sent.expect("no panic"));
        // The sequencer works behind the answer: until it is done or dead.
        // Where the fault keeps it from both, it is stopped in the middle.
        let dying = RefCell::new(&mut server);
        let _stuck = within(Duration::from_secs(1), async || {
            let all = || {
                let entries = audited(&folder, &log);
                taken.iter().all(|leaf| entries.contains(leaf))
            };
            is_so(
                dying.borrow_mut().has_ended() || all(),
                "neither done nor dead",
            )
        })
        .await;
        killed += usize::from(server.has_ended());
        server.stop();
        strace.wait().expect("strace ends with what it traces");
        server.start_again();
        let entries = until(PATIENCE, async || {
            let entries = audited(&folder, &log);
            let lost = taken.iter().filter(|leaf| !entries.contains(leaf)).count();
            match lost {
                0 => Ok(entries),
                _ => Err(format!("{call} {number} {fault}: {lost} leaves are lost")),
            }
        })
        .await;
        assert!(
            entries.starts_with(&before),
            "{call} {number} {fault}: entries moved"
        );
        let distinct: BTreeSet<_> = entries.iter().collect();
        assert_eq!(
            distinct.len(),
            entries.len(),
            "{call} {number} {fault}: doubled"
        );
        before = entries;
    }
    println!(
        "{tried} fault points, {killed} ended the server, {} leaves taken",
        taken.len()
    );
    assert!(
        killed > 10 && taken.len() > tried / 2,
        "{killed} ended, {} taken",
        taken.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_fails_or_dies_at_its_writes_keeps_every_leaf_that_it_took_on_sqlite() {
    shop_under_faults(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_fails_or_dies_at_its_writes_keeps_every_leaf_that_it_took_on_postgres() {
    shop_under_faults(Database::Postgres).await;
}

/// What is in `from` over what is in `to`, as `cp -a FROM/. TO/` puts a backup back over a folder that was not emptied.
fn copy_over(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            std::fs::create_dir_all(&target).expect("a folder");
            copy_over(&entry.path(), &target);
            continue;
        }
        // Tiles are written read-only.
        let _absent = std::fs::remove_file(&target);
        std::fs::copy(entry.path(), target).expect("a copy");
    }
}

/// What the database's and the log's files hold, but for those that every start writes.
fn log_files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.join("log")];
    while let Some(place) = folders.pop() {
        for entry in std::fs::read_dir(&place).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = std::fs::read(&path).expect("a file");
                found.insert(path.to_string_lossy().into_owned(), bytes);
            }
        }
    }
    found
}

/// The sequencer works behind the answer.
async fn until_logged(data: &Path, log: &Verifier, leaves: &[Vec<u8>]) {
    until(PATIENCE, async || {
        let entries = audited(&data.join("log"), log);
        let all = leaves.iter().all(|leaf| entries.contains(leaf));
        is_so(all, "a leaf that was taken is not in the log")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_over_a_newer_shop_is_refused_before_a_signature_and_loses_no_leaf() {
    let mut server = Server::start(Database::Sqlite);
    let mut keys = registered(&server, 6).await.into_iter();
    let vkey = Client::new(server.url("")).get("/log/vkey").await.body;
    let log = Verifier::parse(vkey.trim()).expect("a verifier key");
    let (data, spare) = (
        server.folder.path().to_owned(),
        tempfile::tempdir().expect("a folder"),
    );
    let (older, newer) = (spare.path().join("older"), spare.path().join("newer"));
    let mut taken = Vec::new();
    for backup in [&older, &newer] {
        let pair = [keys.next().expect("a key"), keys.next().expect("a key")];
        let (base, origin) = (server.url(""), log.name().to_owned());
        let sent = tokio::task::spawn_blocking(move || send(&base, &origin, pair)).await;
        taken.extend(sent.expect("no panic"));
        until_logged(&data, &log, &taken).await;
        server.stop();
        copy(&data, backup);
        server.start_again();
    }
    assert_eq!(taken.len(), 4);
    server.stop();
    copy_over(&older, &data);
    let mixed = log_files(&data);
    let refused = server.refuses_to_start_with("SEEDMARK_LOG", "warn");
    assert!(
        refused.contains("lies beyond") && refused.contains("adopt-log"),
        "{refused}"
    );
    assert_eq!(log_files(&data), mixed, "nothing was written");
    let adopted = server.command(&["adopt-log"]);
    let told = String::from_utf8_lossy(&adopted.stderr).into_owned();
    assert!(adopted.status.success(), "{told}");
    server.start_again();
    until_logged(&data, &log, &taken).await;
    let entries = audited(&data.join("log"), &log);
    // It goes on: a key that the older copy knows ends behind what was taken over.
    let pair = [keys.next().expect("a key"), keys.next().expect("a key")];
    let (base, origin) = (server.url(""), log.name().to_owned());
    let sent = tokio::task::spawn_blocking(move || send(&base, &origin, pair)).await;
    let sent = sent.expect("no panic");
    assert_eq!(sent.len(), 2);
    until_logged(&data, &log, &sent).await;
    let after = audited(&data.join("log"), &log);
    assert!(after.starts_with(&entries) && after.len() == entries.len() + 2);
    // The other mix: an older folder beside a newer database is named, and nothing is made up for what it lacks.
    server.stop();
    std::fs::remove_dir_all(data.join("log")).expect("removed");
    copy(&older.join("log"), &data.join("log"));
    let refused = server.refuses_to_start_with("SEEDMARK_LOG", "warn");
    assert!(
        refused.contains("the files do not hold them") && refused.contains("newest copy"),
        "{refused}"
    );
}
