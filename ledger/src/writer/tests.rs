//! The write path against an in-memory back end that fails at named points, with and without having stored.

use super::{Cosigner, LockStore, Log, Parts, Pool, Storage};
use crate::checkpoint::Checkpoint;
use crate::error::{Error, ErrorKind};
use crate::proof::{verify_consistency, verify_inclusion};
use crate::tile;
use crate::tree::{Hash, leaf_hash, root_of};
use schema::key::SecretKey;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const ORIGIN: &str = "log.test.example";

#[derive(Default)]
struct Inner {
    objects: BTreeMap<String, Vec<u8>>,
    lock: Option<String>,
    /// (prefix of the write's path, stored although it failed)
    fault: Option<(&'static str, bool)>,
}

/// Shared by storage and lock store, as a disk and a database survive a process.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Inner>>);

impl Memory {
    fn write(&self, path: &str, store: impl FnOnce(&mut Inner)) -> Result<(), Error> {
        let mut inner = self.0.lock().expect("no panic");
        match inner.fault {
            Some((prefix, persist)) if path.starts_with(prefix) => {
                if persist {
                    store(&mut inner);
                }
                Err(Error::new(ErrorKind::Storage, format!("{path}: injected")))
            }
            _ => {
                store(&mut inner);
                Ok(())
            }
        }
    }
    fn fail(&self, fault: Option<(&'static str, bool)>) {
        self.0.lock().expect("no panic").fault = fault;
    }
}

impl Storage for Memory {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.0.lock().expect("no panic").objects.get(path).cloned())
    }
    fn write_once(&self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        match self.read(path)? {
            Some(found) if found != bytes => Err(Error::new(
                ErrorKind::Corrupt,
                format!("{path} exists with other bytes"),
            )),
            _ => self.write(path, |inner| {
                drop(inner.objects.insert(path.into(), bytes.into()))
            }),
        }
    }
    fn replace(&self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        self.write(path, |inner| {
            drop(inner.objects.insert(path.into(), bytes.into()))
        })
    }
    fn remove(&self, path: &str) -> Result<(), Error> {
        self.0.lock().expect("no panic").objects.remove(path);
        Ok(())
    }
    fn list(&self, folder: &str) -> Result<Vec<String>, Error> {
        let inner = self.0.lock().expect("no panic");
        let below = |path: &String| {
            let name = path.strip_prefix(folder)?.strip_prefix('/')?;
            (!name.contains('/')).then(|| name.to_owned())
        };
        Ok(inner.objects.keys().filter_map(below).collect())
    }
}

impl LockStore for Memory {
    fn load(&self, _: &str) -> Result<Option<String>, Error> {
        Ok(self.0.lock().expect("no panic").lock.clone())
    }
    fn create(&self, _: &str, checkpoint: &str) -> Result<(), Error> {
        self.write("lock", |inner| inner.lock = Some(checkpoint.into()))
    }
    fn swap(&self, _: &str, old: &str, new: &str) -> Result<(), Error> {
        if self.load(ORIGIN)?.as_deref() != Some(old) {
            return Err(Error::new(ErrorKind::Storage, "moved on"));
        }
        self.write("lock", |inner| inner.lock = Some(new.into()))
    }
}

fn secret() -> SecretKey {
    SecretKey::from_bytes([5; 32])
}

fn open(memory: &Memory) -> Result<Log, Error> {
    Log::open(ORIGIN, secret(), parts(memory))
}

fn parts(memory: &Memory) -> Parts {
    Parts {
        storage: Box::new(memory.clone()),
        lock: Box::new(memory.clone()),
        cosigner: None,
    }
}

fn fresh() -> (Memory, Log) {
    let memory = Memory::default();
    Log::create(ORIGIN, &secret(), &memory, &memory).expect("an empty store");
    let log = open(&memory).expect("a fresh log");
    (memory, log)
}

fn entries(from: u64, count: u64) -> Vec<Vec<u8>> {
    (from..from + count)
        .map(|n| format!("entry {n}").into_bytes())
        .collect()
}

/// Every entry is there once and in order, every proof holds, and the tiles fit the checkpoint.
fn check(log: &Log, expected: &[Vec<u8>]) {
    log.audit().expect("a sound log");
    assert_eq!(log.size(), expected.len() as u64);
    let hashes: Vec<Hash> = expected.iter().map(|entry| leaf_hash(entry)).collect();
    let root = root_of(&hashes);
    assert_eq!(
        Checkpoint::open(log.checkpoint(), log.verifier())
            .expect("its own signature")
            .root,
        root
    );
    for index in [0, 1, 254, 255, 256, 257, expected.len() as u64 - 1] {
        if index < log.size() {
            assert_eq!(
                log.entry(index).expect("an entry"),
                expected[index as usize]
            );
            let proof = log.prove(index).expect("a proof");
            verify_inclusion(
                &hashes[index as usize],
                index,
                log.size(),
                &proof.hashes,
                &root,
            )
            .expect("a proof that holds");
        }
    }
}

#[test]
fn any_split_into_batches_gives_one_tree() {
    let all = entries(0, 700);
    let (_, mut whole) = fresh();
    whole.append(&all).expect("one batch");
    check(&whole, &all);
    let (memory, mut split) = fresh();
    for batch in all.chunks(37) {
        split.append(batch).expect("a batch");
    }
    check(&split, &all);
    assert_eq!(split.checkpoint(), whole.checkpoint());
    check(&open(&memory).expect("a log that opens again"), &all);
}

#[test]
fn every_tree_extends_every_earlier_one() {
    let all = entries(0, 530);
    let hashes: Vec<Hash> = all.iter().map(|entry| leaf_hash(entry)).collect();
    let (_, mut log) = fresh();
    log.append(&all).expect("a batch");
    let root = root_of(&hashes);
    for old in [1, 2, 3, 7, 8, 255, 256, 257, 511, 512, 513, 529, 530] {
        let proof = log.prove_consistency(old).expect("a proof");
        let old_root = root_of(&hashes[..old as usize]);
        verify_consistency(old, &old_root, 530, &root, &proof).expect("a proof that holds");
        if old < 530 {
            assert!(
                verify_consistency(old, &root, 530, &root, &proof).is_err(),
                "another old root"
            );
            let mut changed = proof.clone();
            changed[0][0] ^= 1;
            assert!(
                verify_consistency(old, &old_root, 530, &root, &changed).is_err(),
                "a changed proof"
            );
        }
    }
    assert!(log.prove_consistency(0).is_err());
}

#[test]
fn no_failure_at_any_write_loses_doubles_or_reorders_an_entry() {
    for point in [
        "staging",
        "lock",
        "tile/entries",
        "tile/0",
        "tile/1",
        "checkpoint",
    ] {
        for (persist, crash) in [(false, false), (false, true), (true, false), (true, true)] {
            let what = format!("{point} {persist} {crash}");
            let (memory, mut log) = fresh();
            let mut expected = entries(0, 254);
            log.append(&expected).expect("before the fault");
            memory.fail(Some((point, persist)));
            // Level 1 is first written when the tree reaches 256, which this batch does.
            let batch = entries(1000, 3);
            match log.append(&batch) {
                // A swap of which only the answer was lost is found in the lock store.
                Ok(first) => assert!(first == 254 && point == "lock" && persist, "{what}"),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Storage, "{what}: {error}");
                    let later = log.append(&entries(1010, 3)).expect_err("the same fault");
                    assert_eq!(later.kind(), ErrorKind::Storage, "{what}: {later}");
                }
            }
            memory.fail(None);
            let mut known = point != "staging";
            if crash {
                drop(log);
                log = open(&memory).expect("recovery");
                known &= persist || point != "lock";
            } else {
                log.settle().expect("it heals without a restart");
            }
            assert!(!log.is_unfinished(), "{what}");
            assert_eq!(log.size(), 254 + 3 * u64::from(known), "{what}");
            if known {
                expected.extend(batch);
            }
            let batch = entries(2000, 3);
            log.append(&batch).expect("after healing");
            expected.extend(batch);
            log.append(&entries(3000, 1)).expect("after healing");
            expected.extend(entries(3000, 1));
            check(&log, &expected);
            check(&open(&memory).expect("a log that opens again"), &expected);
        }
    }
}

#[test]
fn two_writers_cannot_both_go_on() {
    let (memory, mut first) = fresh();
    let mut second = open(&memory).expect("a second writer");
    first.append(&entries(0, 2)).expect("the first writer");
    assert_eq!(
        second
            .append(&entries(10, 2))
            .expect_err("the second writer")
            .kind(),
        ErrorKind::Fatal
    );
    check(&open(&memory).expect("an intact log"), &entries(0, 2));
}

#[test]
fn a_changed_object_is_refused_by_name_at_start() {
    for path in ["tile/0/000.p/3", "tile/entries/000.p/3", "checkpoint"] {
        let (memory, mut log) = fresh();
        log.append(&entries(0, 3)).expect("a batch");
        memory
            .0
            .lock()
            .expect("no panic")
            .objects
            .get_mut(path)
            .expect("an object")[20] ^= 1;
        let error = open(&memory).err().expect("a refusal");
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{path}");
    }
}

#[test]
fn a_log_that_was_put_back_is_refused() {
    let (memory, mut log) = fresh();
    log.append(&entries(0, 3)).expect("a batch");
    let old = memory.0.lock().expect("no panic").lock.clone();
    log.append(&entries(3, 3)).expect("a batch");
    memory.0.lock().expect("no panic").lock = old;
    assert!(
        open(&memory)
            .err()
            .expect("a refusal")
            .to_string()
            .contains("put back")
    );
}

#[test]
fn a_missing_lock_record_is_not_an_empty_log() {
    assert_eq!(
        open(&Memory::default()).err().expect("a refusal").kind(),
        ErrorKind::Missing
    );
}

#[test]
fn another_key_or_origin_is_refused() {
    let (memory, _log) = fresh();
    let with =
        |origin: &str, key: u8| Log::open(origin, SecretKey::from_bytes([key; 32]), parts(&memory));
    assert!(with(ORIGIN, 6).is_err());
    assert!(with("other.example", 5).is_err());
}

#[test]
fn a_folder_keeps_a_log_across_restarts_and_refuses_a_second_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let storage = || Box::new(super::Folder::new(folder.path()).expect("a folder"));
    let with = |lock| Parts {
        storage: storage(),
        lock: Box::new(lock),
        cosigner: None,
    };
    {
        let lock = super::FileLock::new(folder.path()).expect("the lock");
        assert!(
            super::FileLock::new(folder.path()).is_err(),
            "a second lock"
        );
        Log::create(ORIGIN, &secret(), storage().as_ref(), &lock).expect("an empty folder");
        let mut log = Log::open(ORIGIN, secret(), with(lock)).expect("a fresh log");
        log.append(&entries(0, 300)).expect("a batch");
    }
    let lock = super::FileLock::new(folder.path()).expect("the lock, free again");
    let mut log = Log::open(ORIGIN, secret(), with(lock)).expect("the log");
    log.append(&entries(300, 1)).expect("a batch");
    check(&log, &entries(0, 301));
    assert!(
        folder.path().join("tile/entries/000").is_file()
            && folder.path().join("tile/0/001.p/45").is_file()
    );
}

/// A cosigner that can be told how to fail.
#[derive(Clone)]
struct Panel(Arc<Mutex<Option<ErrorKind>>>);

impl Cosigner for Panel {
    fn is_settled(&self, checkpoint: &str) -> bool {
        checkpoint.contains("panel")
    }
    fn cosign(
        &self,
        signed: &str,
        prove: &dyn Fn(u64) -> Result<Vec<Hash>, Error>,
    ) -> Result<String, Error> {
        let empty = signed.contains("\n0\n");
        assert!(empty || prove(1).is_ok(), "a witness can be given a proof");
        match *self.0.lock().expect("no panic") {
            Some(kind) => Err(Error::new(kind, "the panel")),
            None => Ok(format!("{signed}\u{2014} panel AAAAAAA=\n")),
        }
    }
}

#[test]
fn a_leaf_is_answered_only_when_the_witnesses_have_seen_its_checkpoint() {
    let (memory, log) = fresh();
    drop(log);
    let mood = Arc::new(Mutex::new(None));
    let witnessed = || {
        let cosigner = Some(Box::new(Panel(mood.clone())) as Box<dyn Cosigner>);
        let parts = Parts {
            cosigner,
            ..parts(&memory)
        };
        Log::open(ORIGIN, secret(), parts)
    };
    let public = || {
        let bytes = memory.read("checkpoint").expect("a read").expect("one");
        String::from_utf8(bytes).expect("text")
    };
    *mood.lock().expect("no panic") = Some(ErrorKind::Unsettled);
    let refused = witnessed().err();
    assert!(refused.is_none(), "it opens: {refused:?}");
    *mood.lock().expect("no panic") = None;
    let mut log = witnessed().expect("a log");
    assert_eq!(log.append(&entries(0, 2)).expect("both"), 0);
    assert!(public().contains("panel") && public().contains("\n2\n"));
    *mood.lock().expect("no panic") = Some(ErrorKind::Unsettled);
    let waiting = log.append(&entries(2, 2)).expect_err("witnesses are away");
    assert_eq!(waiting.kind(), ErrorKind::Unsettled);
    assert!(public().contains("\n2\n"), "the old tree stays public");
    assert_eq!(
        log.append(&entries(4, 1)).expect_err("still").kind(),
        ErrorKind::Unsettled
    );
    assert_eq!(log.size(), 4, "nothing is piled on an unsettled tree");
    // A restart in between changes nothing.
    let mut log = witnessed().expect("a log that waits for its witnesses");
    assert_eq!(log.public(), None);
    *mood.lock().expect("no panic") = None;
    log.settle().expect("they are back");
    assert!(public().contains("panel") && public().contains("\n4\n"));
    check(&log, &entries(0, 4));
    *mood.lock().expect("no panic") = Some(ErrorKind::Fatal);
    assert_eq!(
        log.append(&entries(9, 1)).expect_err("a fork").kind(),
        ErrorKind::Fatal
    );
    assert_eq!(
        witnessed().err().expect("a refusal").kind(),
        ErrorKind::Fatal
    );
}

#[test]
fn a_pool_gives_equal_entries_of_many_threads_one_index_each() {
    let (_, log) = fresh();
    let pool = Pool::start(log, Duration::from_millis(1), 64).expect("a thread");
    let indices = Mutex::new(std::collections::HashMap::new());
    std::thread::scope(|scope| {
        for thread in 0..8_u64 {
            let (pool, indices) = (&pool, &indices);
            scope.spawn(move || {
                for entry in entries(thread * 100, 100) {
                    let receipt = loop {
                        match pool.submit(entry.clone()) {
                            Ok(receipt) => break receipt,
                            Err(error) => assert_eq!(error.kind(), ErrorKind::Busy),
                        }
                        std::thread::yield_now();
                    };
                    let place = receipt.wait(Duration::from_secs(60)).expect("an index");
                    let old = indices.lock().expect("no panic").insert(place.index, entry);
                    assert!(old.is_none(), "index {} given twice", place.index);
                }
            });
        }
    });
    let log = pool.stop().expect("the log");
    assert_eq!(log.size(), 800);
    for (index, entry) in indices.into_inner().expect("no panic") {
        assert_eq!(log.entry(index).expect("an entry"), entry);
    }
    let pool = Pool::start(log, Duration::from_millis(50), 64).expect("a thread");
    let receipts: Vec<_> = (0..20)
        .map(|_| pool.submit(b"the same".to_vec()).expect("room"))
        .collect();
    let places: Vec<_> = receipts
        .iter()
        .map(|receipt| receipt.wait(Duration::from_secs(60)).expect("an index"))
        .collect();
    assert!(places.iter().filter(|place| !place.repeated).count() < 20);
    drop(pool.stop().expect("the log"));
}

#[test]
fn a_full_pool_says_so_at_once_and_a_stopped_log_stops_its_pool() {
    let (memory, log) = fresh();
    let held = memory.0.lock().expect("no panic");
    let pool = Pool::start(log, Duration::ZERO, 1).expect("a thread");
    // The thread takes at most one entry and waits for the disk; one more may queue behind it.
    let taken: Vec<_> = entries(0, 4)
        .into_iter()
        .map(|entry| pool.submit(entry))
        .collect();
    assert!(taken.iter().filter(|result| result.is_ok()).count() <= 3);
    let busy = taken.iter().find_map(|result| result.as_ref().err());
    assert_eq!(busy.expect("one too many").kind(), ErrorKind::Busy);
    drop(held);
    for receipt in taken.into_iter().flatten() {
        receipt.wait(Duration::from_secs(60)).expect("an index");
    }
    memory.0.lock().expect("no panic").lock = Some("another writer's".into());
    let receipt = pool.submit(b"the last".to_vec()).expect("room");
    let error = receipt.wait(Duration::from_secs(60)).expect_err("a fault");
    assert_eq!(error.kind(), ErrorKind::Fatal);
    assert_eq!(pool.stop().err().expect("stopped").kind(), ErrorKind::Fatal);
}

#[test]
fn an_older_lock_store_adopts_a_newer_log_that_extends_it_and_nothing_else() {
    let (memory, mut log) = fresh();
    log.append(&entries(0, 3)).expect("three");
    let adopt = || Log::adopt(ORIGIN, &secret(), &memory, &memory);
    assert_eq!(adopt().expect_err("equal").kind(), ErrorKind::Exists);
    let older = memory.load(ORIGIN).expect("a lock").expect("a checkpoint");
    log.append(&entries(3, 300)).expect("over a tile's edge");
    drop(log);
    let put_back = |text: &str| memory.0.lock().expect("no panic").lock = Some(text.into());
    put_back(&older);
    assert_eq!(
        open(&memory).err().expect("refused").kind(),
        ErrorKind::Corrupt
    );
    // A flipped bit in what is to be adopted.
    let path = "tile/entries/000";
    let flip = || {
        let mut inner = memory.0.lock().expect("no panic");
        inner.objects.get_mut(path).expect("a bundle")[9] ^= 1;
    };
    flip();
    assert_eq!(adopt().expect_err("damaged").kind(), ErrorKind::Corrupt);
    flip();
    // A lock store of another history.
    let (other, mut forked) = fresh();
    forked.append(&entries(900, 2)).expect("two");
    put_back(&other.load(ORIGIN).expect("a lock").expect("a checkpoint"));
    assert_eq!(adopt().expect_err("a fork").kind(), ErrorKind::Corrupt);
    put_back(&older);
    // A batch whose tiles were written and whose checkpoint never became public.
    let beyond = "tile/entries/001.p/50";
    memory.write_once(beyond, b"x").expect("an object");
    assert_eq!(adopt().expect_err("beyond").kind(), ErrorKind::Corrupt);
    memory.remove(beyond).expect("removed");
    assert_eq!(adopt().expect("it extends"), (3, 303));
    let mut log = open(&memory).expect("it goes on");
    assert_eq!(log.append(&entries(303, 1)).expect("one more"), 303);
    check(&log, &entries(0, 304));
}

/// What lies on the disk, and what the lock store holds.
type Copied = (BTreeMap<String, Vec<u8>>, Option<String>);

fn copied(memory: &Memory) -> Copied {
    let inner = memory.0.lock().expect("no panic");
    (inner.objects.clone(), inner.lock.clone())
}

fn from_copy((objects, lock): Copied) -> Memory {
    let memory = Memory::default();
    {
        let mut inner = memory.0.lock().expect("no panic");
        (inner.objects, inner.lock) = (objects, lock);
    }
    memory
}

#[test]
fn a_backup_copied_over_a_newer_log_signs_nothing_and_the_newer_log_is_adopted() {
    // Within a bundle, to its edge, over it, and over several.
    for (old, new) in [
        (3, 10),
        (0, 10),
        (3, 256),
        (256, 257),
        (3, 300),
        (250, 1100),
    ] {
        let what = format!("{old} over {new}");
        let (memory, mut log) = fresh();
        log.append(&entries(0, old)).expect("the older part");
        let (older, older_lock) = copied(&memory);
        for first in (old..new).step_by(70) {
            let batch = entries(first, 70.min(new - first));
            log.append(&batch).expect("the newer part");
        }
        while log.tidy(3).expect("tidied") {}
        drop(log);
        let (newer, newer_lock) = copied(&memory);
        // `cp -a OLD/. NEWER/`: what is only in the newer copy stays.
        let mut mixed = newer.clone();
        mixed.extend(older.clone());
        let memory = from_copy((mixed.clone(), older_lock.clone()));
        let error = open(&memory).err().expect("a refusal");
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{what}");
        let told = error.to_string();
        assert!(
            told.contains("beyond") && told.contains("adopt-log"),
            "{what}: {told}"
        );
        assert_eq!(
            copied(&memory),
            (mixed, older_lock),
            "{what}: nothing was touched"
        );
        let adopted = Log::adopt(ORIGIN, &secret(), &memory, &memory).expect("adopted");
        assert_eq!(adopted, (old, new), "{what}");
        assert_eq!(
            copied(&memory).1,
            newer_lock,
            "{what}: what was signed before"
        );
        let mut log = open(&memory).expect("it opens again");
        log.append(&entries(new, 2)).expect("and goes on");
        check(&log, &entries(0, new + 2));
        // The other way round nothing can be recovered, and nothing is signed.
        if old > 0 {
            let memory = from_copy((older.clone(), newer_lock.clone()));
            let error = open(&memory).err().expect("a refusal");
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{what}");
            assert!(
                error
                    .to_string()
                    .contains("newest copy of the log's folder"),
                "{error}"
            );
            assert_eq!(copied(&memory), (older, newer_lock), "{what}");
        }
    }
}

#[test]
fn a_batch_that_was_being_written_is_finished_when_it_is_adopted() {
    for point in ["tile/entries/001", "tile/0", "tile/1"] {
        let (memory, mut log) = fresh();
        log.append(&entries(0, 3)).expect("the older part");
        let older_lock = copied(&memory).1;
        log.append(&entries(3, 250)).expect("the newer part");
        memory.fail(Some((point, false)));
        log.append(&entries(253, 10))
            .expect_err("cut off between two tiles");
        memory.fail(None);
        drop(log);
        memory.0.lock().expect("no panic").lock = older_lock;
        let adopted = Log::adopt(ORIGIN, &secret(), &memory, &memory).expect("adopted");
        assert_eq!(adopted, (3, 263), "{point}");
        check(&open(&memory).expect("it opens"), &entries(0, 263));
    }
    // Without what would finish it nothing is signed.
    let (memory, mut log) = fresh();
    log.append(&entries(0, 3)).expect("the older part");
    let older_lock = copied(&memory).1;
    memory.fail(Some(("tile/0", false)));
    log.append(&entries(3, 10)).expect_err("cut off");
    memory.fail(None);
    let staged = memory.list("staging").expect("a list");
    assert_eq!(staged.len(), 1, "{staged:?}");
    memory
        .remove(&format!("staging/{}", staged[0]))
        .expect("lost");
    memory
        .0
        .lock()
        .expect("no panic")
        .lock
        .clone_from(&older_lock);
    let error = Log::adopt(ORIGIN, &secret(), &memory, &memory).expect_err("a hole");
    assert!(error.to_string().contains("tile/0/000.p/13"), "{error}");
    assert_eq!(copied(&memory).1, older_lock);
}

#[test]
fn files_copied_over_an_open_log_are_found_before_the_next_signature() {
    let (memory, mut log) = fresh();
    log.append(&entries(0, 3)).expect("a batch");
    let (other, mut forked) = fresh();
    forked.append(&entries(500, 8)).expect("another history");
    let objects = copied(&other).0;
    let before = copied(&memory).1;
    memory.0.lock().expect("no panic").objects.extend(objects);
    let error = log.append(&entries(3, 5)).expect_err("other bytes");
    assert_eq!(error.kind(), ErrorKind::Fatal, "{error}");
    assert!(error.to_string().contains("nothing was signed"), "{error}");
    assert_eq!(copied(&memory).1, before);
}

#[test]
fn a_log_is_not_begun_over_the_files_of_another() {
    let (memory, mut log) = fresh();
    log.append(&entries(0, 3)).expect("a batch");
    drop(log);
    memory.remove("checkpoint").expect("removed");
    memory.0.lock().expect("no panic").lock = None;
    let error = Log::create(ORIGIN, &secret(), &memory, &memory).expect_err("its tiles lie there");
    assert!(
        error.to_string().contains("tile/entries/000.p/3"),
        "{error}"
    );
}

#[test]
fn partial_tiles_go_once_the_full_one_stands_and_every_reader_finds_what_it_asks_for() {
    let (memory, mut log) = fresh();
    let all = entries(0, 700);
    let mut proofs = Vec::new();
    for batch in all.chunks(37) {
        log.append(batch).expect("a batch");
        let checkpoint = Checkpoint::open(log.checkpoint(), log.verifier()).expect("its own");
        proofs.push((
            checkpoint,
            log.prove(log.size() - 1).expect("a proof").hashes,
        ));
    }
    let before = copied(&memory).0;
    let mut calls = 1;
    while log.tidy(2).expect("tidied") {
        calls += 1;
    }
    assert!(calls > 1, "it takes small steps");
    let left: Vec<String> = copied(&memory).0.into_keys().collect();
    let full = |path: &String| path.contains("000.p/") || path.contains("001.p/");
    let replaced = |path: &String| full(path) && !path.starts_with("tile/1");
    assert!(!left.iter().any(replaced), "{left:?}");
    // 700 entries: the third bundle and its tile are not full, nor is level 1.
    let kept = |path: &&String| path.contains("002.p/") || path.starts_with("tile/1/000.p/");
    assert_eq!(
        left.iter().filter(kept).count(),
        before.keys().filter(kept).count(),
        "what no full tile replaced stays"
    );
    for (path, bytes) in before.iter().filter(|(path, _)| path.starts_with("tile/")) {
        let served = tile::serve(&super::Files(&memory), path).expect("a read");
        assert_eq!(served.as_ref(), Some(bytes), "{path}");
    }
    assert_eq!(
        tile::serve(&super::Files(&memory), "tile/0/003.p/7").expect("a read"),
        None
    );
    for (checkpoint, hashes) in proofs {
        let index = checkpoint.size - 1;
        let again = crate::proof::inclusion(&super::Files(&memory), index, checkpoint.size);
        assert_eq!(again.expect("an older tree's proof"), hashes);
    }
    check(&log, &all);
    let mut log = open(&memory).expect("it opens again");
    assert!(!log.tidy(100).expect("nothing is left"));
    log.append(&entries(700, 70)).expect("over the next edge");
    while log.tidy(2).expect("tidied") {}
    assert!(!copied(&memory).0.keys().any(|path| path.contains("002.p/")));
    check(&log, &entries(0, 770));
}

#[test]
fn a_checkpoint_that_a_disk_or_a_hand_changed_is_told_of_and_written_again() {
    let (memory, mut log) = fresh();
    log.append(&entries(0, 3)).expect("a batch");
    assert_eq!(log.check_public().expect("a read"), None);
    let right = memory.read("checkpoint").expect("a read").expect("one");
    let older = copied(&fresh().0).0["checkpoint"].clone();
    for (wrong, word) in [(right[..40].to_vec(), "damaged"), (older, "another one")] {
        memory.replace("checkpoint", &wrong).expect("changed");
        let told = log.check_public().expect("a write").expect("a finding");
        assert!(told.contains(word), "{told}");
        assert_eq!(
            memory.read("checkpoint").expect("a read"),
            Some(right.clone())
        );
    }
    memory.remove("checkpoint").expect("removed");
    assert!(log.check_public().expect("a write").is_some());
    memory.fail(Some(("checkpoint", false)));
    memory.remove("checkpoint").expect("removed");
    assert_eq!(
        log.check_public().expect_err("a fault").kind(),
        ErrorKind::Storage
    );
    memory.fail(None);
    let (other, mut longer) = fresh();
    longer.append(&entries(0, 9)).expect("a longer log");
    let newer = other.read("checkpoint").expect("a read").expect("one");
    memory.replace("checkpoint", &newer).expect("changed");
    assert_eq!(
        log.check_public().expect_err("another writer").kind(),
        ErrorKind::Fatal
    );
}

/// A cosigner that remembers how often it was asked.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<u64>>);

impl Cosigner for Diary {
    fn is_settled(&self, _: &str) -> bool {
        true
    }
    fn cosign(
        &self,
        signed: &str,
        _: &dyn Fn(u64) -> Result<Vec<Hash>, Error>,
    ) -> Result<String, Error> {
        *self.0.lock().expect("no panic") += 1;
        Ok(signed.to_owned())
    }
    fn memory(&self) -> Option<String> {
        Some(self.0.lock().expect("no panic").to_string())
    }
    fn recall(&self, memory: &str) -> Result<(), Error> {
        let number = memory.parse();
        *self.0.lock().expect("no panic") =
            number.map_err(|_| Error::new(ErrorKind::Malformed, "no number"))?;
        Ok(())
    }
}

#[test]
fn what_witnesses_cosigned_outlives_the_process_and_is_noted_before_it_is_public() {
    let (memory, log) = fresh();
    drop(log);
    let with = |diary: &Diary| {
        let cosigner = Some(Box::new(diary.clone()) as Box<dyn Cosigner>);
        let parts = Parts {
            cosigner,
            ..parts(&memory)
        };
        Log::open(ORIGIN, secret(), parts)
    };
    let first = Diary::default();
    let mut log = with(&first).expect("a log");
    log.append(&entries(0, 2)).expect("a batch");
    memory.fail(Some(("witnesses", false)));
    let public = memory.read("checkpoint").expect("a read");
    let error = log.append(&entries(2, 2)).expect_err("it cannot be noted");
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert_eq!(
        memory.read("checkpoint").expect("a read"),
        public,
        "not public"
    );
    memory.fail(None);
    log.settle().expect("noted, then public");
    drop(log);
    let asked = *first.0.lock().expect("no panic");
    let second = Diary::default();
    drop(with(&second).expect("a log"));
    assert_eq!(*second.0.lock().expect("no panic"), asked);
    memory.replace("witnesses", b"nonsense").expect("changed");
    let error = with(&Diary::default()).err().expect("a refusal");
    assert!(error.to_string().starts_with("witnesses: "), "{error}");
}
