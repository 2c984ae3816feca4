//! Full verification of a log from its public files alone: entries hash to tiles, tiles to their parents, all to the root.
//!
//! The one rule: memory does not grow with the log. An audit holds one right edge, and that edge is also what it goes on from.

use crate::checkpoint::Checkpoint;
use crate::edge::Edge;
use crate::error::{Error, ErrorKind};
use crate::tile::{self, TileReader, WIDTH};
use crate::tree::{Hash, leaf_hash};

fn corrupt(message: String) -> Error {
    Error::new(ErrorKind::Corrupt, message)
}

/// Compares a stored tile with the hashes that the entries lead to.
fn compare(
    reader: &dyn TileReader,
    level: u32,
    index: u64,
    expected: &[Hash],
) -> Result<(), Error> {
    let width = expected.len() as u64;
    if tile::read(reader, level, index, width)? == expected {
        return Ok(());
    }
    let path = tile::path(level, index, width);
    Err(corrupt(if level == 0 {
        format!("{path} does not hash its entries")
    } else {
        format!("{path} does not hold the roots of the level below")
    }))
}

/// Hears each bundle's first new index, its new entries, and the edge behind them.
pub type Visit<'a> = &'a mut dyn FnMut(u64, &[Vec<u8>], &Edge);

/// Reads every entry and tile of the tree that `checkpoint` names, from where `known` ends.
///
/// `known` is the edge of a tree that was audited before, or `Edge::default()`.
///
/// # Errors
/// `ErrorKind::Corrupt` naming the first object that does not fit, or what the reader says.
pub fn audit(
    reader: &dyn TileReader,
    checkpoint: &Checkpoint,
    known: Edge,
    visit: Visit<'_>,
) -> Result<Edge, Error> {
    let edge = rebuild(reader, checkpoint.size, known, visit)?;
    if edge.root() == checkpoint.root {
        Ok(edge)
    } else {
        Err(corrupt(
            "the entries do not lead to the checkpoint's root".into(),
        ))
    }
}

/// As [`audit`], for a tree of `size` entries whose root nobody named: every tile is what its entries lead to.
///
/// # Errors
/// As [`audit`].
pub fn rebuild(
    reader: &dyn TileReader,
    size: u64,
    known: Edge,
    visit: Visit<'_>,
) -> Result<Edge, Error> {
    let mut edge = known;
    if edge.size() > size {
        return Err(corrupt(format!(
            "{} entries were audited before, and the checkpoint has only {size}",
            edge.size()
        )));
    }
    while edge.size() < size {
        let index = edge.size() / WIDTH;
        let width = tile::width_at(0, index, size);
        let path = tile::entries_path(index, width);
        // The log may have grown past it, and have removed what its full bundle replaced.
        let entries = tile::read_entries(reader, index, width)?;
        let first = edge.size();
        let skipped = usize::try_from(first % WIDTH).unwrap_or(usize::MAX);
        let hashes: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        if skipped > 0 && hashes[..skipped] != edge.levels()[0] {
            return Err(corrupt(format!(
                "{path} changed entries that were audited before"
            )));
        }
        for hash in &hashes[skipped..] {
            for full in edge.push(*hash) {
                compare(reader, full.level, full.index, &full.hashes)?;
            }
        }
        visit(first, &entries[skipped..], &edge);
    }
    for (level, hashes) in (0..).zip(edge.levels()) {
        if !hashes.is_empty() {
            compare(reader, level, tile::count_at(level, size) / WIDTH, hashes)?;
        }
    }
    Ok(edge)
}
