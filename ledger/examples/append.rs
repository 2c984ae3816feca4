//! Appends the lines of its input to a log in a folder, and prints each line's index once it is public.
//!
//! `printf 'one\ntwo\n' | cargo run -p seedmark-ledger --features writer --example append -- FOLDER`
//! An empty line ends a batch; lines of one batch become public together.

use ledger::writer::{FileLock, Folder, Log, Parts};
use ledger::{Error, ErrorKind};
use schema::key::SecretKey;
use std::io::Read as _;
use std::path::Path;

const ORIGIN: &str = "log.example/append";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("name a folder")?;
    let folder = Path::new(&folder);
    // A real log keeps its key elsewhere; whoever has it can sign a second history.
    let secret = || SecretKey::from_bytes([5; 32]);
    let (storage, lock) = (Folder::new(folder)?, FileLock::new(folder)?);
    match Log::create(ORIGIN, &secret(), &storage, &lock) {
        Err(error) if error.kind() != ErrorKind::Exists => return Err(error.into()),
        _ => {}
    }
    let parts = Parts {
        storage: Box::new(storage),
        lock: Box::new(lock),
        cosigner: None,
    };
    let mut log = Log::open(ORIGIN, secret(), parts)?;
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input)?;
    for batch in input.split("\n\n") {
        let entries: Vec<Vec<u8>> = batch.lines().map(|line| line.as_bytes().to_vec()).collect();
        for (index, entry) in (append(&mut log, &entries)?..).zip(batch.lines()) {
            println!("{index} {entry}");
        }
    }
    Ok(())
}

/// Appends once, however often the disk refuses: after an error that is not fatal the log settles what it began, and its size says
/// whether that was this batch.
fn append(log: &mut Log, entries: &[Vec<u8>]) -> Result<u64, Error> {
    let first = log.size();
    let mut result = log.append(entries);
    for _ in 0..3 {
        match result {
            Err(error) if error.kind() != ErrorKind::Storage => return Err(error),
            Ok(first) => {
                let _later = log.tidy(8);
                return Ok(first);
            }
            Err(_) => {
                result = log.settle().and_then(|()| match log.size() > first {
                    true => Ok(first),
                    false => log.append(entries),
                });
            }
        }
    }
    result
}
