//! The log under other people's programs: witnesses and verifiers by AICS, the Go team's note and tlog packages.

use super::python;
use crate::harness::client::Client;
use crate::harness::server::{Database, Server, program, root, seedmark, target, text};
use crate::harness::{PATIENCE, is_so, until, until_blocking};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ledger::client::Witnesses;
use ledger::policy::Policy;
use ledger::proof::consistency;
use ledger::tree::leaf_hash;
use ledger::writer::{Cosigner, FileLock, Folder, Log, Parts};
use ledger::{Error, ErrorKind};
use schema::key::SecretKey;
use schema::passphrase::Passphrase;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

const ORIGIN: &str = "log.test.example/outside";

fn secret() -> SecretKey {
    SecretKey::from_bytes([5; 32])
}

fn log_key() -> String {
    ledger::note::Verifier::new(ORIGIN, secret().public())
        .expect("a name")
        .to_string()
}

/// A program that answers on a port of its own; killed when dropped.
struct Running {
    child: Child,
    url: String,
    key: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// `seedmark witness`, following the test's log.
fn our_witness(folder: &Path) -> Running {
    our_witness_at(folder, "127.0.0.1:0", &[]).expect("our witness")
}

/// The same on a port of one's choice and with more arguments; what it says when it does not start.
fn our_witness_at(folder: &Path, listen: &str, more: &[&str]) -> Result<Running, String> {
    let mut child = Command::new(program("seedmark"))
        .args(["witness", "--name", "ours.example", "--listen", listen])
        .args(["--json", "--log", &log_key()])
        .args(more)
        .arg("--data")
        .arg(folder.join("ours"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("our witness");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("an output"))
        .read_line(&mut line)
        .expect("a first line");
    let told = serde_json::from_str::<serde_json::Value>(&line);
    let told = told.ok().filter(|told| told["listen"].is_string());
    let Some(told) = told else {
        let ended = child.wait_with_output().expect("reaped");
        assert!(!ended.status.success(), "it ended well: {line}");
        return Err(line + &String::from_utf8_lossy(&ended.stderr));
    };
    Ok(Running {
        child,
        url: format!("http://{}", told["listen"].as_str().expect("an address")),
        key: told["verifier"].as_str().expect("a key").into(),
    })
}

fn done(output: Output) -> String {
    assert!(
        output.status.success(),
        "{}{}",
        text(&output),
        String::from_utf8_lossy(&output.stderr)
    );
    text(&output).trim().to_owned()
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// aics-witness, following the test's log.
fn their_witness(folder: &Path) -> Running {
    let (place, address) = (folder.join("theirs"), format!("127.0.0.1:{}", free_port()));
    std::fs::create_dir_all(&place).expect("a folder");
    let run = |arguments: &[&str]| {
        let mut command = python();
        command
            .args(["-m", "aics_witness"])
            .args(arguments)
            .current_dir(&place);
        command
    };
    let config = ["--config", "witness.json"];
    let told = run(&["init", "--name", "theirs.example", "--listen", &address])
        .args(config)
        .output();
    let told = done(told.expect("aics-witness"));
    let key = told
        .split_whitespace()
        .find(|word| word.starts_with("theirs.example+"))
        .unwrap_or_else(|| panic!("a key in {told}"))
        .to_owned();
    let added = run(&["add-log", "--origin", ORIGIN, "--vkey", &log_key()])
        .args(config)
        .output();
    done(added.expect("aics-witness"));
    let child = run(&["serve"])
        .args(config)
        .stderr(Stdio::null())
        .spawn()
        .expect("aics-witness serves");
    Running {
        child,
        url: format!("http://{address}"),
        key,
    }
}

/// The lock on a folder. A program that another test starts at this moment holds every open file until it becomes that program,
/// so a lock that was just given back may be taken for a few milliseconds more.
fn lock(folder: &Path) -> Result<FileLock, Error> {
    until_blocking(PATIENCE, || match FileLock::new(folder) {
        Err(error) if error.to_string().contains("another process") => Err(error.to_string()),
        taken => Ok(taken),
    })
}

fn open(folder: &Path, policy: &Policy) -> Result<Log, Error> {
    let lock = lock(folder)?;
    let storage = Folder::new(folder)?;
    if !folder.join("checkpoint").exists() {
        Log::create(ORIGIN, &secret(), &storage, &lock)?;
    }
    let witnesses = Witnesses::new(policy.clone(), Duration::from_secs(10));
    let cosigner: Box<dyn Cosigner> = Box::new(witnesses);
    let parts = Parts {
        storage: Box::new(storage),
        lock: Box::new(lock),
        cosigner: Some(cosigner),
    };
    Log::open(ORIGIN, secret(), parts)
}

/// 130 bytes, as our leaves are.
fn entry(index: u64) -> Vec<u8> {
    let mut bytes = vec![7; 130];
    bytes[..8].copy_from_slice(&index.to_be_bytes());
    bytes
}

fn entries(range: std::ops::Range<u64>) -> Vec<Vec<u8>> {
    range.map(entry).collect()
}

/// Appends until the witnesses are there: a program that was just started needs a moment before it listens.
fn append(log: &mut Log, batch: &[Vec<u8>]) {
    let size = log.size();
    until_blocking(PATIENCE, || {
        let settled = if log.size() == size {
            log.append(batch).map(drop)
        } else {
            log.settle()
        };
        match settled {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::Unsettled => Err(error.to_string()),
            Err(error) => panic!("{error}"),
        }
    });
}

/// A log of 801 entries that both witnesses cosigned, in three steps.
struct Witnessed {
    folder: tempfile::TempDir,
    ours: Running,
    theirs: Running,
    policy: PathBuf,
    old_checkpoint: PathBuf,
}

fn witnessed() -> Witnessed {
    let folder = tempfile::tempdir().expect("a folder");
    let (ours, theirs) = (our_witness(folder.path()), their_witness(folder.path()));
    let text = format!(
        "log {}\nwitness ours {} {}\nwitness theirs {} {}\ngroup both all ours theirs\nquorum both\n",
        log_key(),
        ours.key,
        ours.url,
        theirs.key,
        theirs.url
    );
    let policy = folder.path().join("policy");
    std::fs::write(&policy, &text).expect("a policy");
    let place = folder.path().join("log");
    let mut log = open(&place, &Policy::parse(&text).expect("a policy")).expect("a log");
    append(&mut log, &entries(0..300));
    let old_checkpoint = folder.path().join("checkpoint.300");
    std::fs::copy(place.join("checkpoint"), &old_checkpoint).expect("a copy");
    append(&mut log, &entries(300..301));
    append(&mut log, &entries(301..801));
    Witnessed {
        folder,
        ours,
        theirs,
        policy,
        old_checkpoint,
    }
}

#[test]
fn two_makers_witnesses_cosign_one_log_and_three_makers_verifiers_accept_it() {
    let test = witnessed();
    let (folder, place) = (test.folder.path(), test.folder.path().join("log"));
    let at = |name: &str| folder.join(name).to_string_lossy().into_owned();
    std::fs::write(at("entry"), entry(299)).expect("an entry");
    let quorum = |command: &mut Command| {
        command
            .args(["--log-key", &log_key(), "--origin", ORIGIN, "--quorum", "2"])
            .args([
                "--witness-key",
                &test.ours.key,
                "--witness-key",
                &test.theirs.key,
            ])
            .arg("--tiles")
            .arg(&place);
    };
    let mut inclusion = python();
    inclusion.args(["-m", "aics_tlog", "verify-inclusion", "--index", "299"]);
    inclusion.args(["--leaf", &at("entry")]);
    quorum(&mut inclusion);
    done(inclusion.output().expect("aics-tlog"));
    let mut growth = python();
    growth.args(["-m", "aics_tlog", "verify-consistency", "--old-checkpoint"]);
    growth.arg(&test.old_checkpoint);
    quorum(&mut growth);
    done(growth.output().expect("aics-tlog"));

    let source = place.to_string_lossy().into_owned();
    let policy = test.policy.to_string_lossy().into_owned();
    let proved = seedmark(
        &[
            "log", "prove", &source, "--policy", &policy, "--index", "299",
        ],
        folder,
    );
    std::fs::write(at("proof"), format!("{}\n", done(proved))).expect("a proof");
    let old_root = ledger::tree::root_of(
        &entries(0..300)
            .iter()
            .map(|entry| leaf_hash(entry))
            .collect::<Vec<_>>(),
    );
    let hashes = consistency(&Folder::new(&place).expect("a folder"), 300, 801).expect("hashes");
    let mut go = Command::new("go");
    go.args([
        "run",
        "check.go",
        &log_key(),
        &at("proof"),
        &at("entry"),
        "300",
    ])
    .arg(STANDARD.encode(old_root))
    .args(hashes.iter().map(|hash| STANDARD.encode(hash)))
    .current_dir(root().join("tests/outside"))
    .env("GO111MODULE", "off")
    .env("GOPATH", "/usr/share/gocode")
    .env("GOCACHE", target().join("outside/go"));
    let told = done(go.output().expect("go: run `cargo xtask test outside`"));
    assert!(
        told.starts_with("801 ") && told.ends_with("2 unknown signatures"),
        "{told}"
    );

    let audited = done(seedmark(
        &["log", "audit", &source, "--policy", &policy],
        folder,
    ));
    assert!(
        audited.contains("801 entries") && audited.contains("cosigned by ours, theirs"),
        "{audited}"
    );
}

#[test]
fn a_log_that_was_put_back_or_forked_is_stopped_by_witnesses_of_either_make() {
    let test = witnessed();
    for name in ["ours", "theirs"] {
        let running = if name == "ours" {
            &test.ours
        } else {
            &test.theirs
        };
        let text = format!(
            "log {}\nwitness {name} {} {}\nquorum {name}\n",
            log_key(),
            running.key,
            running.url
        );
        let policy = Policy::parse(&text).expect("a policy");
        let fresh = test.folder.path().join(format!("again-{name}"));
        let mut log = match open(&fresh, &policy) {
            // A witness that knows 801 entries stops even the empty log.
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Fatal, "{error}");
                assert!(error.to_string().contains("older state"), "{error}");
                let lonely = Policy::parse(&format!("log {}\nquorum none\n", log_key()));
                open(&fresh, &lonely.expect("a policy")).expect("a log without witnesses")
            }
            Ok(_) => panic!("{name} cosigned a log that was put back"),
        };
        log.append(&entries(1..900)).expect("another history");
        drop(log);
        let error = open(&fresh, &policy).err().expect("a fork");
        assert_eq!(error.kind(), ErrorKind::Fatal, "{error}");
        assert!(error.to_string().contains("another history"), "{error}");
    }
}

#[test]
fn a_witness_that_lost_its_memory_does_not_start_and_counts_no_more_after_any_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = our_witness(folder.path());
    let (url, key) = (first.url.clone(), first.key.clone());
    let text = format!("log {}\nwitness ours {key} {url}\nquorum ours\n", log_key());
    let policy = Policy::parse(&text).expect("a policy");
    let place = folder.path().join("log");
    let mut log = open(&place, &policy).expect("a log");
    append(&mut log, &entries(0..3));
    append(&mut log, &entries(3..9));
    drop((log, first));

    let listen = url.trim_start_matches("http://");
    let start = |more: &[&str]| our_witness_at(folder.path(), listen, more);
    let ours = folder.path().join("ours");
    let states = std::fs::read_dir(&ours).expect("a folder");
    let state = states
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.extension().is_some_and(|end| end == "checkpoint"))
        .expect("a state");
    let whole = std::fs::read(&state).expect("a state");
    std::fs::write(&state, &whole[..50]).expect("truncated");
    let refused = start(&[]).err().expect("a refusal");
    assert!(
        refused.contains("is damaged") && refused.contains("--begin-anew"),
        "{refused}"
    );
    std::fs::remove_file(&state).expect("removed");
    let refused = start(&[]).err().expect("a refusal");
    assert!(refused.contains("is missing"), "{refused}");
    std::fs::write(&state, &whole).expect("put back");
    let refused = start(&["--begin-anew", ORIGIN]).err().expect("a refusal");
    assert!(refused.contains("is whole"), "{refused}");
    drop(start(&[]).expect("it is whole again"));

    // Its owner lets it begin anew; the log, started again, knows better.
    std::fs::remove_file(&state).expect("removed");
    let _second = start(&["--begin-anew", ORIGIN]).expect("anew");
    let mut log = open(&place, &policy).expect("a log");
    for _ in 0..2 {
        let error = match log.size() {
            9 => log.append(&entries(9..10)).expect_err("it counts no more"),
            _ => log.settle().expect_err("it counts no more"),
        };
        assert_eq!(error.kind(), ErrorKind::Unsettled, "{error}");
        assert!(error.to_string().contains("lost its memory"), "{error}");
        drop(log);
        log = open(&place, &policy).expect("it opens and waits");
    }
}

#[test]
fn bits_that_rotted_in_what_was_audited_before_are_found_by_the_next_audit() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("log");
    let lonely = Policy::parse(&format!("log {}\nquorum none\n", log_key())).expect("a policy");
    let mut log = open(&place, &lonely).expect("a log");
    log.append(&entries(0..600)).expect("a batch");
    let (source, key) = (place.to_string_lossy().into_owned(), log_key());
    let state = folder.path().join("a.state").to_string_lossy().into_owned();
    let audit = |more: &[&str]| {
        let mut arguments = vec!["log", "audit", &source, "--key", &key, "--state", &state];
        arguments.extend(more);
        seedmark(&arguments, folder.path())
    };
    assert!(done(audit(&[])).contains("every entry and tile fits"));
    log.append(&entries(600..610)).expect("a batch");
    let told: serde_json::Value = serde_json::from_str(&done(audit(&["--json"]))).expect("JSON");
    assert_eq!(
        (&told["audited_from"], &told["read_again"]),
        (&600.into(), &512.into())
    );
    for path in ["tile/entries/001", "tile/0/000"] {
        let path = place.join(path);
        let whole = std::fs::read(&path).expect("an object");
        let mut rotten = whole.clone();
        rotten[1000] ^= 1;
        let put = |bytes: &[u8]| {
            std::fs::remove_file(&path).expect("removed");
            std::fs::write(&path, bytes).expect("written");
        };
        put(&rotten);
        for more in [&[][..], &["--full"]] {
            let found = audit(more);
            assert_eq!(found.status.code(), Some(1), "{}", text(&found));
            assert!(text(&found).contains("does not hold"), "{}", text(&found));
        }
        put(&whole);
        done(audit(&["--full"]));
    }
    std::fs::remove_file(place.join("tile/entries/000")).expect("removed");
    let found = text(&audit(&[]));
    assert!(found.contains("tile/entries/000"), "{found}");
}

#[test]
fn our_witness_answers_another_makers_client() {
    let test = witnessed();
    let fresh = our_witness(&test.folder.path().join("second"));
    let place = test.folder.path().join("log");
    let newest = place.join("checkpoint");
    let fed = python()
        .arg(root().join("tests/outside/feed.py"))
        .arg(&place)
        .args([&fresh.url, &fresh.key, &log_key()])
        .args([&test.old_checkpoint, &newest, &newest, &test.old_checkpoint])
        .output();
    assert_eq!(
        done(fed.expect("python")),
        "cosigned 300 1\ncosigned 801 1\ncosigned 801 1\nrefused 300 WitnessAhead"
    );
}

#[test]
fn a_monitor_follows_a_log_and_tells_a_rewrite_from_an_outage() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("log");
    let lonely = Policy::parse(&format!("log {}\nquorum none\n", log_key())).expect("a policy");
    let mut log = open(&place, &lonely).expect("a log");
    log.append(&entries(0..300)).expect("a batch");
    let (source, state) = (
        place.to_string_lossy().into_owned(),
        folder
            .path()
            .join("seen.state")
            .to_string_lossy()
            .into_owned(),
    );
    let key = log_key();
    let look = || {
        let arguments = [
            "log", "monitor", &source, "--key", &key, "--state", &state, "--once",
        ];
        seedmark(&arguments, folder.path())
    };
    assert!(done(look()).contains("300 new, consistent"));
    assert!(done(look()).contains("nothing new"));
    log.append(&entries(300..500)).expect("a batch");
    assert!(done(look()).contains("200 new, consistent"));
    drop(log);
    std::fs::rename(&place, folder.path().join("gone")).expect("an outage");
    std::fs::create_dir(&place).expect("an empty folder");
    let outage = look();
    assert_eq!(outage.status.code(), Some(2), "{}", text(&outage));
    std::fs::remove_dir_all(&place).expect("removed");
    let mut fork = open(&place, &lonely).expect("another log");
    fork.append(&entries(7..600)).expect("another history");
    let rewritten = look();
    assert_eq!(rewritten.status.code(), Some(1), "{}", text(&rewritten));
    assert!(
        text(&rewritten).contains("INCONSISTENT"),
        "{}",
        text(&rewritten)
    );
    let evidence = std::fs::read_dir(folder.path())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.to_string_lossy().contains("seen.state.evidence-593-"))
        .expect("evidence");
    let evidence = std::fs::read_to_string(evidence).expect("text");
    assert!(
        evidence.contains("\n500\n") && evidence.contains("\n593\n"),
        "{evidence}"
    );
}

/// `seedmark witness` for a shop's log, and what it says of itself.
fn shop_witness(folder: &Path, log_key: &str, listen: &str) -> (Child, serde_json::Value) {
    let mut child = Command::new(program("seedmark"))
        .args(["witness", "--name", "w.example", "--json"])
        .args(["--listen", listen, "--log", log_key, "--data"])
        .arg(folder.join("witness"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("a witness");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("an output"))
        .read_line(&mut line)
        .expect("a first line");
    (child, serde_json::from_str(&line).expect("JSON"))
}

/// Makes a key file and registers the key.
async fn register_key(member: &Client, file: &Path) {
    let path = file.to_string_lossy().into_owned();
    let home = file.parent().expect("a folder");
    done(seedmark(&["keygen", "--out", &path], home));
    let account = member.get("/account").await;
    let person = account.find("person(?:&quot;|\"):(?:&quot;|\")([0-9a-f-]{36})");
    let vkey = member.get("/log/vkey").await.body;
    let (origin, _) = vkey.split_once('+').expect("a verifier key");
    let secret = schema::key_file::KeyFile::parse(&std::fs::read(file).expect("a key file"))
        .and_then(|file| file.open(&Passphrase::new("correct horse")))
        .expect("a key");
    let message = schema::key::registration_message(origin, &person);
    let (key, proof) = (
        secret.public().to_string(),
        hex::encode(secret.sign(&message)),
    );
    let fields = [("key", &*key), ("signature", &*proof)];
    assert_eq!(member.post("/account/keys", &fields).await.status, 303);
}

/// `seedmark key end`.
async fn end_by_tool(server: &Server, file: &Path) -> Output {
    let vkey = Client::new(server.url("")).get("/log/vkey").await.body;
    let (origin, _) = vkey.split_once('+').expect("a verifier key");
    let (path, shop) = (file.to_string_lossy(), server.url(""));
    let end = [
        "key", "end", "--key", &path, "--shop", &shop, "--origin", origin, "--json",
    ];
    seedmark(&end, file.parent().expect("a folder"))
}

/// Registers a fresh key and ends it with the command line tool: the shortest way to a new leaf of the shop's log. Returns its hash.
async fn end_a_key(server: &Server, member: &Client, file: &Path) -> String {
    register_key(member, file).await;
    let told: serde_json::Value =
        serde_json::from_str(&done(end_by_tool(server, file).await)).expect("an answer");
    assert!(
        !end_by_tool(server, file).await.status.success(),
        "a key ends once: the second time it is refused"
    );
    told["leaf_hash"].as_str().expect("a leaf").to_owned()
}

/// The dated proof of a leaf, once it is public.
async fn proof_of(visitor: &Client, leaf: &str) -> ledger::proof::TlogProof {
    until(PATIENCE, async || {
        let answer = visitor.get(&format!("/proofs/{leaf}/proof")).await;
        is_so(
            answer.status == 200,
            format!("{leaf} is not public: {}", answer.body),
        )?;
        Ok(ledger::proof::TlogProof::parse(&answer.body).expect("a proof"))
    })
    .await
}

/// The shop's log grows under its witness, and stands still without it.
async fn grow(server: &Server, folder: &Path, policy: &str, witness: &mut Child, listen: &str) {
    let policy = Policy::parse(policy).expect("a policy");
    let log_key = policy.logs()[0].verifier.to_string();
    let member = Client::member(server.url(""), "ada").await;
    let first = end_a_key(server, &member, &folder.join("first.key")).await;
    let dated = proof_of(&member, &first).await;
    let settlement = policy
        .settle(&dated.checkpoint, u64::MAX)
        .expect("it is cosigned");
    let settled = settlement.settled_seconds.expect("the witness's time");
    witness.kill().expect("killed");
    witness.wait().expect("reaped");
    let second = end_a_key(server, &member, &folder.join("second.key")).await;
    let unseen = member.get(&format!("/proofs/{second}/proof")).await;
    assert_eq!(unseen.status, 503, "nobody has seen it: {}", unseen.body);
    let (again, _) = shop_witness(folder, &log_key, listen);
    *witness = again;
    let later = proof_of(&member, &second).await;
    let settlement = policy
        .settle(&later.checkpoint, u64::MAX)
        .expect("it is cosigned");
    assert!(later.index > dated.index && settlement.settled_seconds >= Some(settled));
    // A leaf keeps the checkpoint that dated it, however the log grows.
    assert_eq!(proof_of(&member, &first).await.checkpoint, dated.checkpoint);
}

#[tokio::test]
async fn a_shop_whose_log_is_witnessed_shows_only_what_the_witness_saw() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = Server::start(Database::Sqlite);
    let key = Client::new(server.url("")).get("/log/vkey").await.body;
    let (mut child, told) = shop_witness(folder.path(), key.trim(), "127.0.0.1:0");
    let text = format!(
        "log {}\nwitness w {} http://{}\nquorum w\n",
        key.trim(),
        told["verifier"].as_str().expect("a key"),
        told["listen"].as_str().expect("an address")
    );
    let policy = folder.path().join("policy");
    std::fs::write(&policy, &text).expect("a policy");
    server.set("SEEDMARK_WITNESS_POLICY", &policy.to_string_lossy());
    server.kill_and_restart();
    let policy = policy.to_string_lossy().into_owned();
    let listen = told["listen"].as_str().expect("an address");
    grow(&server, folder.path(), &text, &mut child, listen).await;
    let audit = |url: &str, trust: [&str; 2]| {
        done(seedmark(
            &["log", "audit", url, trust[0], trust[1]],
            folder.path(),
        ))
    };
    // The checkpoint that was public before is cosigned before anything else happens.
    let told = audit(&server.url("/log"), ["--policy", &policy]);
    assert!(told.contains("cosigned by w"), "{told}");
    let alone = audit(&server.url("/log"), ["--key", key.trim()]);
    assert!(
        !alone.contains("cosigned"),
        "a key alone claims no more than it checked: {alone}"
    );
    child.kill().expect("killed");
    child.wait().expect("reaped");
    server.kill_and_restart();
    let told = audit(&server.url("/log"), ["--policy", &policy]);
    assert!(
        told.contains("cosigned by w"),
        "what was settled stays: {told}"
    );
    let other = text.replace("quorum w", "quorum none");
    std::fs::write(folder.path().join("none"), other).expect("a policy");
    let refused = server.refuses_to_start_with(
        "SEEDMARK_WITNESS_POLICY",
        &folder.path().join("none").to_string_lossy(),
    );
    assert!(refused.contains("quorum none"), "{refused}");
}

#[test]
fn a_key_that_began_a_log_never_begins_another() {
    let mut server = Server::start(Database::Sqlite);
    let folder = server.folder.path().to_owned();
    // A restart on the same data is no beginning.
    server.kill_and_restart();
    server.stop();
    std::fs::remove_dir_all(folder.join("log")).expect("the folder is lost");
    for entry in std::fs::read_dir(&folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            std::fs::remove_file(path).expect("the database is lost");
        }
    }
    let refused = server.refuses_to_start_with("SEEDMARK_LOG", "warn");
    assert!(refused.contains("its key was used before"), "{refused}");
}

/// The database goes back to a copy, the log's folder does not.
#[tokio::test]
async fn a_database_that_was_put_back_goes_on_from_the_newer_log() {
    let mut server = Server::start(Database::Sqlite);
    let home = tempfile::tempdir().expect("a folder");
    let member = Client::member(server.url(""), "ada").await;
    let first = end_a_key(&server, &member, &home.path().join("first.key")).await;
    let dated = proof_of(&member, &first).await;
    let stolen = home.path().join("stolen.key");
    register_key(&member, &stolen).await;
    server.stop();
    let names = ["seedmark.sqlite", "seedmark.sqlite-wal"];
    let data = server.folder.path().to_owned();
    for name in names {
        let copied = std::fs::copy(data.join(name), home.path().join(name));
        assert!(copied.is_ok() || name.ends_with("wal"), "{name}");
    }
    server.start_again();
    let member = Client::new(server.url(""));
    let again = Client::member(server.url(""), "eve").await;
    let second = end_a_key(&server, &again, &home.path().join("second.key")).await;
    done(end_by_tool(&server, &stolen).await);
    let later = proof_of(&member, &second).await;
    let refused = server.command(&["adopt-log"]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success(), "nothing is newer: {told}");
    server.stop();
    for name in [names[0], names[1], "seedmark.sqlite-shm"] {
        let _absent = std::fs::remove_file(data.join(name));
    }
    for name in names.iter().filter(|name| home.path().join(name).is_file()) {
        std::fs::copy(home.path().join(name), data.join(name)).expect("put back");
    }
    let refused = server.refuses_to_start_with("SEEDMARK_LOG", "warn");
    assert!(refused.contains("one of them was put back"), "{refused}");
    let adopted = server.command(&["adopt-log"]);
    let told = String::from_utf8_lossy(&adopted.stderr).into_owned();
    assert!(adopted.status.success(), "{told}");
    server.start_again();
    let member = Client::new(server.url(""));
    assert_eq!(proof_of(&member, &first).await.index, dated.index);
    // The account that sent it is lost, the leaf is not.
    assert_eq!(proof_of(&member, &second).await.index, later.index);
    // A key that ended since the copy stays ended: the log says so.
    let again = end_by_tool(&server, &stolen).await;
    let told = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(told.contains("ended already"), "{told}");
    let third = Client::member(server.url(""), "eve").await;
    let third = end_a_key(&server, &third, &home.path().join("third.key")).await;
    assert_eq!(proof_of(&member, &third).await.index, later.index + 2);
}
