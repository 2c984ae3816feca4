//! Full verification of a log from its public files alone: entries hash to tiles, tiles to their parents, all to the root.

use crate::checkpoint::Checkpoint;
use crate::error::{Error, Kind};
use crate::tile::{self, TileReader, WIDTH};
use crate::tree::{Hash, leaf_hash, root_of};

fn corrupt(message: String) -> Error {
    Error::new(Kind::Corrupt, message)
}

/// Reads every entry and tile of the tree that `checkpoint` names; `progress` hears how many entries are done.
///
/// # Errors
/// `Kind::Corrupt` naming the first object that does not fit, or what the reader says.
pub fn audit(
    reader: &dyn TileReader,
    checkpoint: &Checkpoint,
    progress: &mut dyn FnMut(u64),
) -> Result<(), Error> {
    let size = checkpoint.size;
    let mut hashes = Vec::new();
    for index in 0..size.div_ceil(WIDTH) {
        let width = tile::width_at(0, index, size);
        let path = tile::entries_path(index, width);
        let entries = tile::parse_bundle(&reader.read_tile(&path)?, width, &path)?;
        let path = tile::path(0, index, width);
        let stored = tile::parse(&reader.read_tile(&path)?, width, &path)?;
        if !entries
            .iter()
            .map(|entry| leaf_hash(entry))
            .eq(stored.iter().copied())
        {
            return Err(corrupt(format!("{path} does not hash its entries")));
        }
        hashes.extend(stored);
        progress(hashes.len() as u64);
    }
    let mut below: Vec<Hash> = hashes.clone();
    for level in (1..).take_while(|level| tile::count_at(*level, size) > 0) {
        let roots: Vec<Hash> = below.chunks_exact(WIDTH as usize).map(root_of).collect();
        for (index, expected) in (0..).zip(roots.chunks(WIDTH as usize)) {
            let path = tile::path(level, index, expected.len() as u64);
            if tile::parse(&reader.read_tile(&path)?, expected.len() as u64, &path)? != expected {
                return Err(corrupt(format!(
                    "{path} does not hold the roots of the level below"
                )));
            }
        }
        below = roots;
    }
    if root_of(&hashes) == checkpoint.root {
        Ok(())
    } else {
        Err(corrupt(
            "the entries do not lead to the checkpoint's root".into(),
        ))
    }
}
