//! Reading a log that is not trusted: every tile and bundle is checked against a signed checkpoint before it is handed out.
//!
//! The one rule: what this reader returns leads to the checkpoint's root, or it is an error that names the object. A full tile
//! is checked against its parent's hash, the parent against its own, up to the right edge, which folds to the root.

use crate::checkpoint::Checkpoint;
use crate::edge::Edge;
use crate::error::{Error, ErrorKind};
use crate::proof::{consistency, verify_consistency};
use crate::tile::{self, Place, TileReader, WIDTH};
use crate::tree::{Hash, empty_root, leaf_hash, root_of};
use std::collections::HashMap;
use std::sync::Mutex;

/// Checked tiles kept in memory, so that a proof's neighbours are read once. 8 MiB.
const CACHED_TILES: usize = 1024;

/// Checked full tiles, by level and index.
type Tiles = HashMap<(u32, u64), Vec<Hash>>;

/// A reader that verifies as it reads.
pub struct Verified<R> {
    inner: R,
    checkpoint: Checkpoint,
    edge: Edge,
    checked: Mutex<Tiles>,
}

impl<R: TileReader> Verified<R> {
    /// Reads the right edge and checks that it leads to the root.
    ///
    /// # Errors
    /// `ErrorKind::Forged` when it does not, else what the reader says.
    pub fn new(inner: R, checkpoint: Checkpoint) -> Result<Self, Error> {
        let edge = Edge::read(&inner, &checkpoint).map_err(untrue)?;
        Ok(Self {
            inner,
            checkpoint,
            edge,
            checked: Mutex::default(),
        })
    }

    /// The checkpoint that everything is checked against.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The hashes of a tile of this tree.
    fn tile(&self, level: u32, index: u64) -> Result<Vec<Hash>, Error> {
        let width = tile::width_at(level, index, self.checkpoint.size);
        if width == 0 {
            return Err(Error::new(
                ErrorKind::Missing,
                format!("{} is outside the tree", tile::path(level, index, WIDTH)),
            ));
        }
        if width < WIDTH {
            return Ok(self.edge.levels()[level as usize].clone());
        }
        if let Some(hashes) = self.cache()?.get(&(level, index)) {
            return Ok(hashes.clone());
        }
        let hashes = tile::read(&self.inner, level, index, width)?;
        let parent = self.tile(level + 1, index / WIDTH)?;
        if parent.get((index % WIDTH) as usize) != Some(&root_of(&hashes)) {
            return Err(Error::new(
                ErrorKind::Forged,
                format!(
                    "{} does not lead to the signed root",
                    tile::path(level, index, width)
                ),
            ));
        }
        let mut cache = self.cache()?;
        if cache.len() >= CACHED_TILES {
            cache.clear();
        }
        cache.insert((level, index), hashes.clone());
        Ok(hashes)
    }

    fn cache(&self) -> Result<std::sync::MutexGuard<'_, Tiles>, Error> {
        self.checked
            .lock()
            .map_err(|_| Error::new(ErrorKind::Storage, "an earlier read of this log panicked"))
    }

    /// The entries of a bundle.
    ///
    /// # Errors
    /// `ErrorKind::Forged` when they are not what the log signed, else what the reader says.
    pub fn entries(&self, index: u64) -> Result<Vec<Vec<u8>>, Error> {
        let width = tile::width_at(0, index, self.checkpoint.size);
        let hashes = self.tile(0, index)?;
        let path = tile::entries_path(index, width);
        let entries = tile::read_entries(&self.inner, index, width)?;
        if !entries
            .iter()
            .map(|entry| leaf_hash(entry))
            .eq(hashes.iter().copied())
        {
            return Err(Error::new(
                ErrorKind::Forged,
                format!("{path} does not hold the entries that the log signed"),
            ));
        }
        Ok(entries)
    }

    /// Whether this tree extends a tree of `size` entries with `root`: both may then be parts of one history.
    ///
    /// # Errors
    /// What the reader says.
    pub fn extends(&self, size: u64, root: &Hash) -> Result<bool, Error> {
        let Checkpoint {
            size: newest,
            root: newest_root,
            ..
        } = &self.checkpoint;
        if size == 0 || size > *newest {
            return Ok(size == 0 && *root == empty_root());
        }
        // Built from verified tiles, the proof leads to the signed root; only the old root can be wrong.
        let proof = consistency(self, size, *newest)?;
        Ok(verify_consistency(size, root, *newest, newest_root, &proof).is_ok())
    }

    /// One entry.
    ///
    /// # Errors
    /// `ErrorKind::Missing` outside the tree, else as [`Verified::entries`].
    pub fn entry(&self, index: u64) -> Result<Vec<u8>, Error> {
        if index >= self.checkpoint.size {
            return Err(Error::new(
                ErrorKind::Missing,
                format!(
                    "entry {index} is not in a log of {} entries",
                    self.checkpoint.size
                ),
            ));
        }
        Ok(self
            .entries(index / WIDTH)?
            .swap_remove((index % WIDTH) as usize))
    }
}

/// What contradicts a signed checkpoint is forged, however it came about: nobody can be asked here.
fn untrue(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Corrupt => Error::new(ErrorKind::Forged, error.to_string()),
        _ => error,
    }
}

impl<R: TileReader> TileReader for Verified<R> {
    fn read_tile(&self, path: &str) -> Result<Vec<u8>, Error> {
        match tile::parse_path(path) {
            Some(Place::Hashes {
                level,
                index,
                width,
            }) => {
                let mut hashes = self.tile(level, index)?;
                hashes.truncate(usize::try_from(width).unwrap_or(usize::MAX));
                Ok(hashes.concat())
            }
            Some(Place::Entries { index, .. }) => Ok(tile::bundle_bytes(&self.entries(index)?)),
            None => Err(Error::new(ErrorKind::Missing, format!("{path} is no tile"))),
        }
    }
}
