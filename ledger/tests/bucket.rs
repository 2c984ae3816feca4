//! A log in a bucket: the same tree as in a folder, and the same refusals.

#![cfg(feature = "bucket")]

use ledger::ErrorKind;
use ledger::audit::audit;
use ledger::checkpoint::Checkpoint;
use ledger::edge::Edge;
use ledger::tile::TileReader as _;
use ledger::writer::{Bucket, FileLock, Folder, Log, Parts, Storage};
use object_store::ObjectStore;
use object_store::memory::InMemory;
use schema::key::SecretKey;
use std::sync::Arc;

const ORIGIN: &str = "log.example/bucket";

fn secret() -> SecretKey {
    SecretKey::from_bytes([5; 32])
}

#[test]
fn a_bucket_holds_the_files_that_a_folder_holds() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let bucket = || Bucket::new(store.clone(), "logs/one", runtime.handle().clone());
    let (locks, plain) = (
        tempfile::tempdir().expect("a folder"),
        tempfile::tempdir().expect("a folder"),
    );
    let folder = || Folder::new(plain.path()).expect("a folder");
    let write = |storage: Box<dyn Storage>, lock: &str| {
        let lock = FileLock::new(&locks.path().join(lock)).expect("a lock");
        Log::create(ORIGIN, &secret(), storage.as_ref(), &lock).expect("a fresh log");
        let parts = Parts {
            storage,
            lock: Box::new(lock),
            cosigner: None,
        };
        let mut log = Log::open(ORIGIN, secret(), parts).expect("the log");
        for batch in [3_u32, 253, 400] {
            let first = log.size();
            let entries: Vec<Vec<u8>> = (0..batch)
                .map(|n| format!("{first} {n}").into_bytes())
                .collect();
            assert_eq!(log.append(&entries).expect("appended"), first);
        }
        log.verifier().clone()
    };
    let verifier = write(Box::new(bucket()), "a");
    write(Box::new(folder()), "b");
    for path in [
        "checkpoint",
        "tile/0/000",
        "tile/0/002.p/144",
        "tile/1/000.p/2",
        "tile/entries/001",
    ] {
        assert_eq!(
            bucket().read_tile(path).expect("in the bucket"),
            folder().read_tile(path).expect("in the folder"),
            "{path}"
        );
    }
    let text = String::from_utf8(bucket().read_tile("checkpoint").expect("one")).expect("text");
    let checkpoint = Checkpoint::open(&text, &verifier).expect("a signature");
    audit(&bucket(), &checkpoint, Edge::default(), &mut |_, _, _| ()).expect("sound");
    let changed = bucket()
        .write_once("tile/0/000", b"other")
        .expect_err("another tile");
    assert_eq!(changed.kind(), ErrorKind::Corrupt);
    let same = bucket().read_tile("tile/0/000").expect("a tile");
    bucket()
        .write_once("tile/0/000", &same)
        .expect("equal bytes are nothing new");
    assert_eq!(
        bucket().read_tile("nothing").expect_err("nothing").kind(),
        ErrorKind::Missing
    );
    bucket()
        .remove("nothing")
        .expect("a missing object is fine");
}
