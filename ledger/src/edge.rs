//! The right edge of a tree: the hashes of each level's partial tile, all that is needed to append to it or to know its root.
//!
//! The one rule: `levels[l]` holds exactly `count_at(l, size) % 256` hashes, always.

use crate::checkpoint::Checkpoint;
use crate::error::{Error, ErrorKind};
use crate::tile::{self, TileReader, WIDTH};
use crate::tree::{Hash, empty_root, node_hash, root_of};

/// A tile that became full.
pub struct FullTile {
    /// Its level.
    pub level: u32,
    /// Its index on that level.
    pub index: u64,
    /// Its 256 hashes.
    pub hashes: Vec<Hash>,
}

/// The right edge of a tree of `size` entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    levels: Vec<Vec<Hash>>,
}

impl Edge {
    /// The edge of a tree of `size` entries from its partial tiles, the lowest level first.
    ///
    /// # Errors
    /// `ErrorKind::Corrupt` when a level does not hold as many hashes as the size says.
    pub fn new(size: u64, levels: Vec<Vec<Hash>>) -> Result<Self, Error> {
        let fits = |(level, hashes): (u32, &Vec<Hash>)| {
            tile::count_at(level, size) % WIDTH == hashes.len() as u64
        };
        let depth = (0..).take_while(|level| tile::count_at(*level, size) > 0);
        if depth.count() == levels.len() && (0..).zip(&levels).all(fits) {
            Ok(Self { size, levels })
        } else {
            Err(Error::new(
                ErrorKind::Corrupt,
                format!("the right edge does not belong to a tree of {size} entries"),
            ))
        }
    }

    /// Reads the edge of the tree that `checkpoint` names, and checks that it leads to the root.
    ///
    /// # Errors
    /// `ErrorKind::Corrupt` when it does not, else what the reader says.
    pub fn read(reader: &dyn TileReader, checkpoint: &Checkpoint) -> Result<Self, Error> {
        let (size, mut levels) = (checkpoint.size, Vec::new());
        for level in (0..).take_while(|level| tile::count_at(*level, size) > 0) {
            let index = tile::count_at(level, size) / WIDTH;
            levels.push(match tile::width_at(level, index, size) {
                0 => Vec::new(),
                width => tile::read(reader, level, index, width)?,
            });
        }
        let edge = Self::new(size, levels)?;
        if edge.root() == checkpoint.root {
            Ok(edge)
        } else {
            Err(Error::new(
                ErrorKind::Corrupt,
                format!(
                    "the log's right edge does not lead to the root of its checkpoint of {size} entries"
                ),
            ))
        }
    }

    /// Entries of the tree.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The hashes of each level's partial tile, the lowest level first.
    #[must_use]
    pub fn levels(&self) -> &[Vec<Hash>] {
        &self.levels
    }

    /// Appends a leaf hash and returns the tiles that it fills, the lowest level first.
    pub fn push(&mut self, leaf: Hash) -> Vec<FullTile> {
        let (mut full, mut carry, mut level) = (Vec::new(), Some(leaf), 0_u32);
        self.size += 1;
        while let Some(hash) = carry.take() {
            if self.levels.len() == level as usize {
                self.levels.push(Vec::new());
            }
            let hashes = &mut self.levels[level as usize];
            hashes.push(hash);
            if hashes.len() as u64 == WIDTH {
                let hashes = std::mem::take(hashes);
                carry = Some(root_of(&hashes));
                let index = tile::count_at(level, self.size) / WIDTH - 1;
                full.push(FullTile {
                    level,
                    index,
                    hashes,
                });
                level += 1;
            }
        }
        full
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut root: Option<Hash> = None;
        for hashes in &self.levels {
            let mut end = hashes.len();
            while end > 0 {
                let count = 1 << end.trailing_zeros();
                let peak = root_of(&hashes[end - count..end]);
                root = Some(root.map_or(peak, |right| node_hash(&peak, &right)));
                end -= count;
            }
        }
        root.unwrap_or_else(empty_root)
    }
}
