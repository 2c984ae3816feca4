//! Removing partial tiles that a full one replaced (C2SP tlog-tiles: a log may delete them once the full tile is available).
//!
//! The one rule: a partial tile stays as long as its full tile does not stand; its tree was signed, and readers may ask for it.

use super::{Log, reach};
use crate::error::Error;
use crate::tile::{self, WIDTH};

impl Log {
    /// Looks at up to `most` full tiles and removes the partial ones that they replaced. Returns whether there are more to look at:
    /// each tile is looked at once while the log is open.
    ///
    /// # Errors
    /// `ErrorKind::Storage`; the same tile is looked at again by the next call.
    pub fn tidy(&mut self, most: usize) -> Result<bool, Error> {
        let size = self.size();
        let levels = (0..).take_while(|level| tile::count_at(*level, size) > 0);
        let depth = 1 + levels.count();
        self.tidied.resize(depth, 0);
        let mut rest = most;
        for row in 0..depth {
            // Row 0 are the bundles, which are as many as the tiles of level 0.
            let level = u32::try_from(row.saturating_sub(1)).unwrap_or(u32::MAX);
            let full = tile::count_at(level, size) / WIDTH;
            while self.tidied[row] < full {
                if rest == 0 {
                    return Ok(true);
                }
                rest -= 1;
                let index = self.tidied[row];
                self.clear(&match row {
                    0 => tile::entries_path(index, WIDTH),
                    _ => tile::path(level, index, WIDTH),
                })?;
                self.tidied[row] += 1;
            }
        }
        Ok(false)
    }

    /// Removes the partial tiles beside the full one at `whole`, if it is there.
    fn clear(&self, whole: &str) -> Result<(), Error> {
        let storage = self.parts.storage.as_ref();
        let widths = reach::partial_widths(storage, whole)?;
        if widths.is_empty() || storage.read(whole)?.is_none() {
            return Ok(());
        }
        for width in widths {
            storage.remove(&format!("{whole}.p/{width}"))?;
        }
        Ok(())
    }
}
