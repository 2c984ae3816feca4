//! Taking over what a log's files hold, when its lock store was put back to an older moment.
//!
//! The one rule: a tile was only ever written for a checkpoint that the lock store held, so every whole tree that the files hold was
//! signed before. Ed25519 signs alike each time: what is signed here again is what the lost lock store held.

use super::{
    CHECKPOINT, Files, LockStore, Log, Storage, apply, corrupt, reach, read_public, staging,
};
use crate::audit::rebuild;
use crate::checkpoint::Checkpoint;
use crate::edge::Edge;
use crate::error::{Error, ErrorKind};
use crate::note::Verifier;
use crate::proof;
use crate::tile::{self, WIDTH};
use schema::key::SecretKey;

impl Log {
    /// Lets a lock store that was put back to an older moment take over what the log's files hold: the largest tree of which every
    /// entry and tile is there, after each was read, and only if it extends what the lock store and the public checkpoint say.
    /// A batch that was being written is finished from its staging object. Returns the sizes before and after.
    ///
    /// A checkpoint that the lost lock store had signed, and of which no tile was written yet, stays unknown; nobody else ever saw it.
    ///
    /// # Errors
    /// `ErrorKind::Missing` without a lock record, `ErrorKind::Exists` when there is nothing newer to take over, `ErrorKind::Corrupt` naming what
    /// does not fit; nothing is signed then.
    pub fn adopt(
        origin: &str,
        secret: &SecretKey,
        storage: &dyn Storage,
        lock: &dyn LockStore,
    ) -> Result<(u64, u64), Error> {
        let verifier = Verifier::new(origin, secret.public())?;
        let known = lock.load(origin)?.ok_or_else(|| {
            Error::new(
                ErrorKind::Missing,
                format!("the lock store knows no log {origin}"),
            )
        })?;
        let old = Checkpoint::open(&known, &verifier)?;
        let public = read_public(storage)?
            .map(|text| Checkpoint::open(&text, &verifier))
            .transpose()
            .map_err(|error| corrupt(format!("{CHECKPOINT}: {error}")))?;
        finish_batches(storage, old.size)?;
        let (entries, hashes) = reach::ends(storage, old.size)?;
        let claimed = public.as_ref().map_or(0, |public| public.size);
        let size = entries.max(hashes).max(claimed);
        if size <= old.size {
            return Err(Error::new(
                ErrorKind::Exists,
                format!(
                    "the files hold {} entries, and so many the lock store knows: there is nothing newer to adopt",
                    old.size
                ),
            ));
        }
        let files = Files(storage);
        let edge = rebuild(&files, size, Edge::default(), &mut |_, _, _| ())?;
        let newest = Checkpoint {
            origin: origin.into(),
            size,
            root: edge.root(),
        };
        for (whose, earlier) in [
            ("lock store's", Some(&old)),
            ("public checkpoint's", public.as_ref()),
        ] {
            let Some(earlier) = earlier.filter(|earlier| earlier.size > 0) else {
                continue;
            };
            let proof = match earlier.size == size {
                true => Vec::new(),
                false => proof::consistency(&files, earlier.size, size)?,
            };
            let (size, root) = (newest.size, &newest.root);
            proof::verify_consistency(earlier.size, &earlier.root, size, root, &proof).map_err(|_| {
                corrupt(format!(
                    "the {size} entries in the files do not extend the {whose} {}: these are two histories",
                    earlier.size
                ))
            })?;
        }
        lock.swap(origin, &known, &newest.sign(secret)?)?;
        Ok((old.size, size))
    }
}

/// Writes the missing tiles of every batch beyond `size` of which a tile is there already: its checkpoint was swapped in. One of which
/// none is there, or other bytes, was perhaps never signed, and is left alone.
fn finish_batches(storage: &dyn Storage, size: u64) -> Result<(), Error> {
    let mut staged: Vec<(u64, String)> = storage
        .list("staging")?
        .into_iter()
        .filter_map(|name| Some((name.split_once('-')?.0.parse().ok()?, name)))
        .filter(|(end, _)| *end > size)
        .collect();
    staged.sort();
    for (_, name) in staged {
        let bytes = storage
            .read(&format!("staging/{name}"))?
            .unwrap_or_default();
        // A damaged one is of no use; whether it is needed, the tiles will say.
        let Ok(uploads) = staging::parse(&bytes) else {
            continue;
        };
        let (mut begun, mut other) = (false, false);
        for upload in &uploads {
            match storage.read(&upload.path)? {
                Some(found) if found == upload.bytes => begun |= is_beyond(&upload.path, size),
                Some(_) => other = true,
                None => {}
            }
        }
        if begun && !other {
            apply(storage, &uploads, true)?;
        }
    }
    Ok(())
}

/// Whether an object belongs to a tree of more than `size` entries only.
fn is_beyond(path: &str, size: u64) -> bool {
    let (level, index, width) = match tile::parse_path(path) {
        Some(tile::Place::Hashes {
            level,
            index,
            width,
        }) => (level, index, width),
        Some(tile::Place::Entries { index, width }) => (0, index, width),
        None => return false,
    };
    index * WIDTH + width > tile::count_at(level, size)
}
