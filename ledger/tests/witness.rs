//! Cosignatures, policies and the witness protocol, against published vectors and its own rules.

use ledger::ErrorKind;
use ledger::checkpoint::Checkpoint;
use ledger::note::{Note, Signature, Verifier};
use ledger::policy::{MAX_AHEAD_SECONDS, Policy};
use ledger::proof::TlogProof;
use ledger::tree::{Hash, empty_root, leaf_hash, node_hash};
use ledger::witness::{Answer, Memory, Request, Witness, monitoring_name};
use ledger::{Error, cosignature};
use schema::key::SecretKey;
use std::collections::HashMap;

/// A day after the published proof.
const NOW: u64 = 1_796_083_200 + 24 * 60 * 60;
const PROOF: &str = include_str!("vectors/published.tlog-proof");
const LOG: &str = "log.seedmark.example+83256037+AfxRzY5iGKGjjaR+0AIw8FgIFu0TujMDrF3rkRVIkIAl";
const WITNESS: &str =
    "witness.seedmark.example+42c83eb2+BOwXK5OtXlY79JMscOEkUDTDVGfvLv1NZOv4GWg0Z+K/";

#[test]
fn the_published_cosignature_settles_the_published_proof() {
    let proof = TlogProof::parse(PROOF).expect("a proof");
    let policy = Policy::parse(&format!(
        "log {LOG} https://log.seedmark.example/\nwitness first {WITNESS}\nquorum first\n"
    ))
    .expect("a policy");
    let settled = policy.settle(&proof.checkpoint, NOW).expect("a quorum");
    assert_eq!(settled.settled_seconds, Some(1_796_083_200));
    assert_eq!(
        settled.to_string(),
        "2 entries, signed by log.seedmark.example, cosigned by first, settled 2026-12-01T00:00:00Z"
    );
    let changed = proof
        .checkpoint
        .replace("Qsg+sgAAAABrDg4A", "Qsg+sgAAAABrDg4B");
    let error = policy.settle(&changed, NOW).expect_err("another time");
    assert_eq!(error.kind(), ErrorKind::Forged, "{error}");
}

#[test]
fn a_cosignature_from_the_future_is_not_counted_and_is_warned_of() {
    let proof = TlogProof::parse(PROOF).expect("a proof");
    let policy = |quorum: &str| {
        let text = format!("log {LOG}\nwitness first {WITNESS}\nquorum {quorum}\n");
        Policy::parse(&text).expect("a policy")
    };
    let settle = |quorum, now| policy(quorum).settle(&proof.checkpoint, now);
    let signed = 1_796_083_200;
    assert!(settle("first", signed - MAX_AHEAD_SECONDS).is_ok());
    let early = signed - MAX_AHEAD_SECONDS - 1;
    let error = settle("first", early).expect_err("a time that has not come");
    assert_eq!(error.kind(), ErrorKind::Unsettled);
    assert!(
        error.to_string().contains("by first is dated 2026-12-01"),
        "{error}"
    );
    // Where nobody is asked for, nothing is dated by it either.
    let unasked = settle("none", early).expect("no quorum is asked for");
    assert_eq!(
        (unasked.cosigners.len(), unasked.settled_seconds),
        (0, None)
    );
    assert!(unasked.to_string().contains("warning"), "{unasked}");
}

#[test]
fn a_key_copied_with_white_space_and_a_policy_with_a_mark_are_read() {
    let policy = format!("\u{feff}log {LOG}\r\nwitness first {WITNESS}\r\nquorum first\r\n");
    assert!(Policy::parse(&policy).is_ok());
    for around in ["\r\n", " ", "\t"] {
        let key = format!("{around}{LOG}{around}");
        assert_eq!(Verifier::parse(&key).expect("a key").to_string(), LOG);
    }
}

#[test]
fn a_cosignature_signs_time_and_text() {
    let secret = SecretKey::from_bytes([9; 32]);
    let witness = Verifier::witness("w.example", secret.public()).expect("a name");
    let text = "log.example\n1\nbogI1aaBv6o3pVRMXs8gN1hNKHO/3u7lZ3DyZ4RD8Qk=\n";
    let line = cosignature::cosign(text, "w.example", &secret, 77).expect("a line");
    assert_eq!(
        cosignature::verify(text, &line, &witness).expect("it holds"),
        77
    );
    assert_eq!(Signature::parse(&line.to_string()).expect("a line"), line);
    let mut later = line.clone();
    later.bytes[7] += 1;
    assert!(
        cosignature::verify(text, &later, &witness).is_err(),
        "another time"
    );
    assert!(
        cosignature::verify(&text.replace('1', "2"), &line, &witness).is_err(),
        "another text"
    );
    assert_eq!(
        Verifier::parse(&witness.to_string()).expect("a key that reads back"),
        witness
    );
}

fn key(byte: u8) -> SecretKey {
    SecretKey::from_bytes([byte; 32])
}

fn witness_key(byte: u8) -> Verifier {
    Verifier::witness(&format!("w{byte}.example"), key(byte).public()).expect("a name")
}

fn signed(size: u64, root: Hash) -> String {
    let checkpoint = Checkpoint {
        origin: "log.example".into(),
        size,
        root,
    };
    checkpoint.sign(&key(1)).expect("a checkpoint")
}

fn cosigned_by(text: &str, cosigners: &[(u8, u64)]) -> String {
    let body = Note::parse(text).expect("a note").text.to_owned();
    let lines: String = cosigners
        .iter()
        .map(|(byte, time)| {
            let name = format!("w{byte}.example");
            let line = cosignature::cosign(&body, &name, &key(*byte), *time).expect("a line");
            format!("{line}\n")
        })
        .collect();
    format!("{text}{lines}")
}

fn log_key() -> Verifier {
    Verifier::new("log.example", key(1).public()).expect("a name")
}

#[test]
fn a_quorum_of_groups_is_settled_by_the_latest_witness_that_it_needs() {
    let policy = Policy::parse(&format!(
        "# who must agree\nlog {}\nwitness a\t{}\nwitness b {} https://b.example/\nwitness c {}\nwitness d {}\n\
         group outside 2 b c d\ngroup all all a outside\nquorum all\n",
        log_key(), witness_key(2), witness_key(3), witness_key(4), witness_key(5)
    ))
    .expect("a policy");
    let text = signed(1, leaf_hash(b"a"));
    for (cosigners, expected) in [
        (&[][..], None),
        (&[(2, 10)], None),
        (&[(2, 10), (3, 20)], None),
        (&[(3, 10), (4, 20), (5, 30)], None),
        (&[(2, 10), (3, 20), (4, 30)], Some(30)),
        (&[(2, 40), (3, 20), (4, 30)], Some(40)),
        (&[(2, 10), (3, 20), (4, 30), (5, 5)], Some(20)),
    ] {
        let text = cosigned_by(&text, cosigners);
        assert_eq!(
            policy
                .count(&text, NOW)
                .expect("lines that hold")
                .settled_seconds,
            expected
        );
        let error = policy.settle(&text, NOW).err().map(|error| error.kind());
        assert_eq!(error, expected.is_none().then_some(ErrorKind::Unsettled));
    }
    let strange = format!("{text}\u{2014} stranger.example AAAAAAAAAAAAAAAA\n");
    assert_eq!(
        policy
            .count(&strange, NOW)
            .expect("unknown lines are kept")
            .cosigners,
        []
    );
}

#[test]
fn a_policy_that_contradicts_itself_is_refused_with_its_line() {
    let (log, a, b) = (log_key(), witness_key(2), witness_key(3));
    let renamed = Verifier::witness("other.example", key(2).public()).expect("a name");
    let rotated = Verifier::new("log.example", key(9).public()).expect("a name");
    for (text, expected) in [
        (format!("log {log}\n"), "exactly one quorum"),
        (
            format!("log {log}\nquorum none\nquorum none\n"),
            "exactly one quorum",
        ),
        (format!("log {log}\nquorum a\nwitness a {a}\n"), "line 2"),
        (
            format!("log {log}\nwitness a {a}\nwitness a {b}\nquorum a\n"),
            "taken",
        ),
        (
            format!("log {log}\nwitness a {a}\nwitness b {a}\nquorum a\n"),
            "twice",
        ),
        (format!("log {log}\nlog {log}\nquorum none\n"), "twice"),
        (
            format!("log {log}\nwitness a {a}\nwitness b {renamed}\nquorum a\n"),
            "twice",
        ),
        (
            format!("log {log}\nlog {rotated}\nquorum none\n"),
            "another key",
        ),
        (format!("log {a}\nquorum none\n"), "not a log's"),
        (
            format!("log {log}\nwitness a {log}\nquorum a\n"),
            "not a witness's",
        ),
        (
            format!("log {log}\nwitness a {a}\ngroup g 2 a\nquorum g\n"),
            "cannot ask for 2",
        ),
        (
            format!("log {log}\nwitness a {a}\ngroup g 0 a\nquorum g\n"),
            "cannot ask for 0",
        ),
        (
            format!("log {log}\nwitness a {a}\ngroup g all a a\nquorum g\n"),
            "group already",
        ),
        (
            format!("log {log}\nwitness a {a}\ngroup g all a\ngroup h all a\nquorum g\n"),
            "group already",
        ),
        (
            format!("log {log}\nwitness none {a}\nquorum none\n"),
            "taken",
        ),
        (
            format!("log {log}\nmonitor {a}\nquorum none\n"),
            "not known",
        ),
    ] {
        let error = Policy::parse(&text).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[derive(Default)]
struct Notebook(HashMap<String, String>);

impl Memory for Notebook {
    fn load(&self, origin: &str) -> Result<Option<String>, Error> {
        Ok(self.0.get(origin).cloned())
    }
    fn store(&mut self, origin: &str, checkpoint: &str) -> Result<(), Error> {
        self.0.insert(origin.into(), checkpoint.into());
        Ok(())
    }
}

fn witness() -> Witness<Notebook> {
    Witness::new("w2.example", key(2), vec![log_key()], Notebook::default()).expect("a witness")
}

fn ask(witness: &mut Witness<Notebook>, old: u64, proof: &[Hash], checkpoint: &str) -> Answer {
    let request = Request {
        old,
        proof: proof.to_vec(),
        checkpoint: checkpoint.into(),
    };
    witness.answer(&request.to_text(), 1000).expect("a memory")
}

#[test]
fn a_witness_cosigns_only_what_extends_what_it_saw() {
    let mut witness = witness();
    let (a, b, c) = (leaf_hash(b"a"), leaf_hash(b"b"), leaf_hash(b"c"));
    let (one, two) = (signed(1, a), signed(2, node_hash(&a, &b)));
    let three = signed(3, node_hash(&node_hash(&a, &b), &c));
    let fork = signed(3, node_hash(&node_hash(&a, &c), &c));
    assert_eq!(ask(&mut witness, 2, &[], &two), Answer::Conflict(0));
    assert!(matches!(
        ask(&mut witness, 0, &[a], &two),
        Answer::Inconsistent(_)
    ));
    let Answer::Cosigned(line) = ask(&mut witness, 0, &[], &two) else {
        panic!("the first tree is cosigned")
    };
    let body = Note::parse(&two).expect("a note").text;
    assert_eq!(
        cosignature::verify(body, &line, witness.verifier()).expect("it holds"),
        1000
    );
    assert!(
        matches!(ask(&mut witness, 2, &[], &two), Answer::Cosigned(_)),
        "again"
    );
    assert_eq!(
        ask(&mut witness, 0, &[], &one),
        Answer::Conflict(2),
        "a rollback"
    );
    assert!(matches!(
        ask(&mut witness, 2, &[], &one),
        Answer::Malformed(_)
    ));
    assert_eq!(ask(&mut witness, 1, &[c], &three), Answer::Conflict(2));
    assert!(matches!(
        ask(&mut witness, 2, &[b], &three),
        Answer::Inconsistent(_)
    ));
    assert!(matches!(
        ask(&mut witness, 2, &[c], &fork),
        Answer::Inconsistent(_)
    ));
    assert!(matches!(
        ask(&mut witness, 2, &[c], &three),
        Answer::Cosigned(_)
    ));
    let other = signed(3, a);
    assert!(
        matches!(ask(&mut witness, 3, &[], &other), Answer::Inconsistent(_)),
        "two roots"
    );
    let latest = witness
        .latest(&monitoring_name("log.example"))
        .expect("a memory")
        .expect("a checkpoint");
    assert!(latest.starts_with("log.example\n3\n") && latest.contains("w2.example"));
    assert_eq!(
        witness.latest(&monitoring_name("log")).expect("a memory"),
        None
    );
}

#[test]
fn a_request_with_many_copies_of_one_line_does_not_stop_a_witness() {
    let mut witness = witness();
    let one = signed(1, leaf_hash(b"a"));
    let note = Note::parse(&one).expect("a note");
    let copies = format!(
        "{}\n{}",
        note.text,
        format!("{}\n", note.signatures[0]).repeat(64)
    );
    for _ in 0..3 {
        let old = witness
            .latest(&monitoring_name("log.example"))
            .expect("a memory")
            .map_or(0, |_| 1);
        assert_eq!(ask(&mut witness, old, &[], &copies).status(), 200);
    }
    let two = signed(2, node_hash(&leaf_hash(b"a"), &leaf_hash(b"b")));
    assert_eq!(ask(&mut witness, 1, &[leaf_hash(b"b")], &two).status(), 200);
}

#[test]
fn a_witness_refuses_strangers_and_broken_requests() {
    let mut witness = witness();
    let good = signed(1, leaf_hash(b"a"));
    let foreign = Checkpoint {
        origin: "log.example".into(),
        size: 1,
        root: leaf_hash(b"a"),
    };
    let foreign = foreign.sign(&key(8)).expect("a checkpoint");
    assert_eq!(ask(&mut witness, 0, &[], &foreign).status(), 403);
    let elsewhere = good.replace("log.example", "other.example");
    assert_eq!(ask(&mut witness, 0, &[], &elsewhere).status(), 404);
    let filled = signed(0, empty_root());
    assert_eq!(
        ask(&mut witness, 0, &[], &filled).status(),
        200,
        "the empty tree"
    );
    for body in [
        String::new(),
        good.clone(),
        format!("old 00\n\n{good}"),
        format!("old -1\n\n{good}"),
        format!("old 0\nAAAA\n\n{good}"),
        format!(
            "old 0\n{}\n{good}",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n".repeat(64)
        ),
        format!("old 9\n\n{good}"),
    ] {
        assert_eq!(
            witness.answer(&body, 1).expect("a memory").status(),
            400,
            "{body:?}"
        );
    }
}

#[test]
fn a_witness_whose_clock_went_back_signs_nothing() {
    let mut witness = witness();
    let request = Request {
        old: 0,
        proof: Vec::new(),
        checkpoint: signed(1, leaf_hash(b"a")),
    };
    witness.answer(&request.to_text(), 5000).expect("the first");
    let again = Request { old: 1, ..request };
    let error = witness
        .answer(&again.to_text(), 1400)
        .expect_err("an hour earlier");
    assert!(error.to_string().contains("clock"), "{error}");
    assert_eq!(
        witness
            .answer(&again.to_text(), 5000)
            .expect("healed")
            .status(),
        200
    );
}
