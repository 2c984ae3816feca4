//! Noting where logged leaves stand: their indices, and the public checkpoint that dates them.
//!
//! The one rule: a batch is noted in one short transaction that only writes; what must be worked out for it was worked out before.
//! Noting it twice changes nothing, so whatever failed is done again from where the database says.

use super::intake::Settled;
use super::store;
use crate::log::keys::ends::{self, Search};
use base::db::{self, Db};
use base::random::real_now_ms;
use ledger::tile::WIDTH;
use ledger::tree::leaf_hash;
use ledger::writer::Log;
use schema::digest::Digest;
use schema::key_event::KeyEndStatement;
use schema::leaf::{Leaf, LeafKind};
use std::collections::HashMap;
use thiserror::Error as ThisError;

/// Why leaves were not noted.
#[derive(Debug, ThisError)]
pub(super) enum Error {
    /// A file of the log.
    #[error(transparent)]
    Log(#[from] ledger::Error),
    /// The database.
    #[error(transparent)]
    Store(#[from] db::Error),
}

impl Error {
    /// Whether log and database say two things, so that trying again is of no use.
    pub(super) fn is_contradiction(&self) -> bool {
        match self {
            Self::Log(error) => error.kind() != ledger::ErrorKind::Storage,
            Self::Store(error) => error.violation().is_some(),
        }
    }
}

/// A leaf and its place.
pub(super) struct Noted {
    bytes: Vec<u8>,
    hash: String,
    pub(super) index: i64,
}

impl Noted {
    pub(super) fn new(bytes: Vec<u8>, index: i64) -> Self {
        let hash = hex::encode(leaf_hash(&bytes));
        Self { bytes, hash, index }
    }

    fn key_event(&self) -> Option<Leaf> {
        let leaf = Leaf::parse(&self.bytes).ok();
        leaf.filter(|leaf| leaf.kind == LeafKind::KeyEvent)
    }
}

/// Which key each logged end is about, by the digest of its leaf.
type Ends = HashMap<Digest, KeyEndStatement>;

/// Notes leaves that this database queued, and tells who waits for them.
pub(super) async fn note_queued(
    db: &Db,
    origin: &str,
    noted: &[Noted],
    public: Option<&str>,
    settled: &Settled,
) -> Result<(), Error> {
    write(db, origin, noted, public, &Ends::new()).await?;
    tell(settled, noted);
    Ok(())
}

/// Notes every leaf of the tree that has no index yet, a bundle at a time. Returns whether there was any.
pub(super) async fn catch_up(
    db: &Db,
    origin: &str,
    log: &Log,
    settled: &Settled,
) -> Result<bool, Error> {
    let first = next(db, origin).await?;
    if first >= log.size() {
        return Ok(false);
    }
    let ends = find_ends(db, origin, log, first).await?;
    let mut index = first;
    while index < log.size() {
        let noted = bundle(log, index)?;
        write(db, origin, &noted, log.public(), &ends).await?;
        tell(settled, &noted);
        index += noted.len() as u64;
    }
    Ok(true)
}

async fn next(db: &Db, origin: &str) -> db::Result<u64> {
    let mut tx = db.read().await?;
    let next = store::next_index(&mut tx, origin).await?;
    Ok(u64::try_from(next).unwrap_or(0))
}

/// The leaves from `index` to the end of its bundle.
fn bundle(log: &Log, index: u64) -> Result<Vec<Noted>, ledger::Error> {
    let entries = log.bundle(index / WIDTH)?;
    let skipped = usize::try_from(index % WIDTH).unwrap_or(usize::MAX);
    // A tree has fewer entries than 2^63.
    let indices = i64::try_from(index).unwrap_or(i64::MAX)..;
    let rest = entries.into_iter().skip(skipped).zip(indices);
    Ok(rest
        .map(|(bytes, index)| Noted::new(bytes, index))
        .collect())
}

fn tell(settled: &Settled, noted: &[Noted]) {
    let indices: Vec<(String, i64)> = noted
        .iter()
        .map(|leaf| (hex::encode(&leaf.bytes), leaf.index))
        .collect();
    settled.tell(&indices);
}

/// The ends of keys that only the log knows, all of them before the first transaction that writes: what is worked out here may take
/// seconds, and nobody waits for it.
async fn find_ends(db: &Db, origin: &str, log: &Log, first: u64) -> Result<Ends, Error> {
    let (mut unknown, mut index) = (Vec::new(), first);
    while index < log.size() {
        let noted = bundle(log, index)?;
        index += noted.len() as u64;
        let events: Vec<&Noted> = noted
            .iter()
            .filter(|leaf| leaf.key_event().is_some())
            .collect();
        if events.is_empty() {
            continue;
        }
        let mut tx = db.read().await?;
        for leaf in events {
            if store::find_leaf(&mut tx, &leaf.hash).await?.is_none() {
                unknown.extend(leaf.key_event());
            }
        }
    }
    if unknown.is_empty() {
        return Ok(Ends::new());
    }
    let keys = {
        let mut tx = db.read().await?;
        ends::list_keys(&mut tx).await?
    };
    let found = Search::new(&keys).find(&unknown);
    if found.ends.len() < unknown.len() {
        tracing::error!(
            origin,
            found = found.ends.len(),
            logged = unknown.len(),
            "the log ends keys that this database does not know"
        );
    }
    Ok(found.ends)
}

/// Notes where leaves stand, and the public checkpoint that first covers them: it dates them.
async fn write(
    db: &Db,
    origin: &str,
    noted: &[Noted],
    public: Option<&str>,
    ends: &Ends,
) -> db::Result<()> {
    let mut tx = db.write().await?;
    for Noted { bytes, hash, index } in noted {
        if store::set_index(&mut tx, origin, hash, *index).await? {
            continue;
        }
        // The log knows more than a database that was put back: a fact that comes again must still find its first index.
        let Ok(leaf) = Leaf::parse(bytes) else {
            continue;
        };
        store::insert_logged(&mut tx, origin, &leaf, *index, real_now_ms()).await?;
        if let Some(statement) = ends.get(&leaf.digest) {
            ends::restore(&mut tx, statement, hash).await?;
        }
    }
    let size = public.and_then(|note| note.lines().nth(1)?.parse::<i64>().ok());
    if let (Some(size), Some(note), Some(first)) = (size, public, noted.first()) {
        store::insert_public(&mut tx, origin, size, note, real_now_ms(), first.index).await?;
    }
    tx.commit().await
}
