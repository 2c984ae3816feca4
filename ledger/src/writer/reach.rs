//! How far the files of a log reach, whatever a checkpoint says.
//!
//! The one rule: a tile is only ever written for a tree whose checkpoint the lock store holds. A tile beyond that checkpoint says
//! that the lock store was put back.

use super::Storage;
use crate::error::Error;
use crate::tile::{self, WIDTH};

/// Bundles, or the hash tiles of level 0: the two that grow with every entry.
type Place = fn(u64, u64) -> String;

fn leaf_tile(index: u64, width: u64) -> String {
    tile::path(0, index, width)
}

/// The widths of the partial objects beside the full one at `whole`.
pub(super) fn partial_widths(storage: &dyn Storage, whole: &str) -> Result<Vec<u64>, Error> {
    let names = storage.list(&format!("{whole}.p"))?;
    let width = |name: &String| name.parse().ok().filter(|width| (1..WIDTH).contains(width));
    Ok(names.iter().filter_map(width).collect())
}

/// The first object of a larger tree than one of `size` entries: a bundle or tile that is wider than the last one of that tree.
pub(super) fn beyond(storage: &dyn Storage, size: u64) -> Result<Option<String>, Error> {
    let index = size / WIDTH;
    for place in [tile::entries_path as Place, leaf_tile] {
        let whole = place(index, WIDTH);
        let widths = partial_widths(storage, &whole)?;
        if let Some(width) = widths
            .into_iter()
            .filter(|width| *width > size % WIDTH)
            .min()
        {
            return Ok(Some(place(index, width)));
        }
        if storage.read(&whole)?.is_some() {
            return Ok(Some(whole));
        }
    }
    Ok(None)
}

/// How many entries the bundles hold, and how many the hash tiles, from a tree of `size` entries on.
pub(super) fn ends(storage: &dyn Storage, size: u64) -> Result<(u64, u64), Error> {
    let end = |place: Place| {
        let mut index = size / WIDTH;
        while storage.read(&place(index, WIDTH))?.is_some() {
            index += 1;
        }
        let widths = partial_widths(storage, &place(index, WIDTH))?;
        Ok::<u64, Error>(index * WIDTH + widths.into_iter().max().unwrap_or(0))
    };
    Ok((end(tile::entries_path)?, end(leaf_tile)?))
}
