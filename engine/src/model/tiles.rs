//! Where tiles lie, as `AutoencoderKL.enable_vae_tiling` of diffusers lays them: a quarter of one over the next, those at the right and the
//! lower edge as small as what is left.
//!
//! The one rule: norms and attention go over all of a tile, so its shape is a part of the computation, and every shape that occurs has graphs
//! of its own.

use super::manifest::{Manifest, Parts, Size, within, wrong};
use super::{GRAPH, MANIFEST};
use crate::error::{Error, ErrorKind};
use schema::pixels::MAX_SIDE;
use std::collections::BTreeSet;
use std::ops::Range;

/// A tile begins three quarters of one behind the last.
const QUARTERS: u32 = 4;
/// The most sizes of tiles of a model.
const MAX_TILES: usize = 8;

/// From one tile to the next.
pub(crate) fn stride(tile: u32) -> u32 {
    tile / QUARTERS * (QUARTERS - 1)
}

/// Where tiles lie along one side.
pub(crate) fn spans(side: u32, tile: u32) -> Vec<Range<u32>> {
    let starts = (0..side).step_by(stride(tile).max(1) as usize);
    starts
        .map(|start| start..(start + tile).min(side))
        .collect()
}

/// Every shape that occurs, once.
pub(crate) fn shapes(size: Size, tile: u32) -> BTreeSet<Size> {
    let mut found = BTreeSet::new();
    for across in spans(size.width, tile) {
        for down in spans(size.height, tile) {
            found.insert(Size {
                width: across.len() as u32,
                height: down.len() as u32,
            });
        }
    }
    found
}

/// Whether a picture is more than one tile, which alone is worth the name.
pub(crate) fn takes(size: Size, tile: u32) -> bool {
    size.width.max(size.height) > tile
}

/// Refuses a tile whose quarters are no whole cells of the latent.
///
/// # Errors
/// `ErrorKind::NotOffered` with the number that it must be a multiple of.
pub(crate) fn check_side(tile: u32, factor: u32) -> Result<(), Error> {
    let quarters = factor * QUARTERS;
    if tile.is_multiple_of(quarters) && tile > 0 {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::NotOffered,
        format!(
            "a tile of {tile} is no multiple of {quarters}, four cells of the latent: a quarter of it lies over the next"
        ),
    ))
}

/// The name of a component's graph for one size.
pub(crate) fn sized(component: &str, size: Size) -> String {
    format!("{component}.{}x{}", size.width, size.height)
}

/// The part that makes pictures of latents.
pub(crate) const DECODER: &str = "vae_decoder";

impl Manifest {
    fn lists(&self, size: Size) -> bool {
        let name = format!("{}{GRAPH}", sized(DECODER, size));
        self.files.iter().any(|file| file.name == name)
    }

    /// Whether pictures of a size can be made at once, without tiles.
    #[must_use]
    pub fn decodes_whole(&self, size: Size) -> bool {
        match &self.parts {
            Parts::Flow(_) => true,
            Parts::Stable(_) => self.lists(size),
        }
    }

    /// The tiles in which pictures of a size can be made, the largest first.
    #[must_use]
    pub fn tiles_of(&self, size: Size) -> Vec<u32> {
        let fitting = self.tiles.iter().filter(|tile| takes(size, **tile));
        fitting.rev().copied().collect()
    }

    /// The command that adds it elsewhere to the same digest, from the same export (`FOLDER`) and LoRAs; nothing for the model inside the program.
    #[must_use]
    pub fn add_command(&self) -> Option<String> {
        if self.source.is_empty() {
            return None;
        }
        let mut sizes = self.sizes.clone();
        sizes.sort();
        let whole = sizes.iter().all(|size| self.decodes_whole(*size));
        let sizes = sizes
            .iter()
            .map(|size| format!(" --size {}x{}", size.width, size.height));
        let tiles = self.tiles.iter().map(|tile| format!(" --tile {tile}"));
        let alone = (!whole).then(|| " --tiles-only".to_owned());
        let loras = self.merged.iter().map(|merged| {
            let (whole, part) = (merged.weight_milli / 1000, merged.weight_milli.abs() % 1000);
            let sign = if merged.weight_milli < 0 && whole == 0 {
                "-"
            } else {
                ""
            };
            format!(
                " --lora {:?}",
                format!("{}:{sign}{whole}.{part:03}", merged.name)
            )
        });
        let wishes: String = sizes.chain(tiles).chain(alone).chain(loras).collect();
        Some(format!("seedmark model add FOLDER{wishes}"))
    }

    /// The tile that a recipe of a size names when nobody chose one: none where the picture can be made at once, else the largest.
    #[must_use]
    pub fn usual_tile(&self, size: Size) -> Option<u32> {
        match self.decodes_whole(size) {
            true => None,
            false => self.tiles_of(size).first().copied(),
        }
    }

    /// Refuses a tile that the model does not offer for a size, and a picture at once where it offers tiles alone.
    ///
    /// # Errors
    /// `ErrorKind::NotOffered`, naming what is offered.
    pub(crate) fn check_tile(&self, size: Size, tile: Option<u32>) -> Result<(), Error> {
        let offered = self.tiles_of(size);
        let holds = match tile {
            Some(tile) => offered.contains(&tile),
            None => self.decodes_whole(size),
        };
        if holds {
            return Ok(());
        }
        let offered: Vec<String> = offered.iter().map(ToString::to_string).collect();
        let offered = match &offered[..] {
            [] => "at once alone; tiles are made for a model when it is added (`--tile`)".into(),
            sides => format!("in tiles of {}", sides.join(" or ")),
        };
        let asked = tile.map_or("at once".into(), |tile| format!("in tiles of {tile}"));
        Err(Error::new(
            ErrorKind::NotOffered,
            format!("tile: this model does not make {size} {asked}, but {offered}"),
        ))
    }

    /// The largest picture, or part of one, that the decoder has in hand at once, in pixels.
    pub(super) fn largest_decoded(&self) -> u64 {
        let pixels = |size: Size| u64::from(size.width) * u64::from(size.height);
        let sizes = self.sizes.iter().map(|size| {
            let tile = self.usual_tile(*size).unwrap_or(u32::MAX);
            pixels(Size {
                width: size.width.min(tile),
                height: size.height.min(tile),
            })
        });
        sizes.max().unwrap_or(0)
    }

    /// Checks the tiles, and that every picture can be made in one way at least.
    ///
    /// # Errors
    /// `ErrorKind::Malformed` for a number; `ErrorKind::Missing` naming a graph that is not listed.
    pub(crate) fn check_tiles(&self) -> Result<(), Error> {
        if self.tiles.len() > MAX_TILES || !self.tiles.is_sorted_by(|a, b| a < b) {
            return Err(wrong(&format!(
                "tiles: up to {MAX_TILES}, in their order, each once"
            )));
        }
        for tile in &self.tiles {
            within("tiles", *tile, self.latent_factor, MAX_SIDE)?;
            check_side(*tile, self.latent_factor).map_err(|error| wrong(&error.to_string()))?;
            if !self.sizes.iter().any(|size| takes(*size, *tile)) {
                return Err(wrong(&format!("tiles: no size is larger than {tile}")));
            }
        }
        for size in &self.sizes {
            let tiles = self.tiles_of(*size);
            let mut wanted: BTreeSet<Size> =
                tiles.iter().flat_map(|tile| shapes(*size, *tile)).collect();
            if tiles.is_empty() {
                wanted.insert(*size);
            }
            if let Some(shape) = wanted.into_iter().find(|shape| !self.lists(*shape)) {
                return Err(Error::new(
                    ErrorKind::Missing,
                    format!("{MANIFEST} lists no {}{GRAPH}", sized(DECODER, shape)),
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(size: (u32, u32), tile: u32) -> Vec<(u32, u32)> {
        let (width, height) = size;
        let found = shapes(Size { width, height }, tile);
        found.iter().map(|size| (size.width, size.height)).collect()
    }

    #[test]
    fn tiles_begin_three_quarters_behind_each_other_and_end_with_the_picture() {
        assert_eq!(spans(1024, 512), [0..512, 384..896, 768..1024]);
        // One more begins wherever anything is left of the picture.
        assert_eq!(spans(512, 512), [0..512, 384..512]);
        assert_eq!(spans(64, 32), [0..32, 24..56, 48..64]);
        assert_eq!(spans(50, 32), [0..32, 24..50, 48..50]);
    }

    #[test]
    fn every_shape_of_a_tile_is_known_before_a_picture_is_made() {
        assert_eq!(
            of((1024, 1024), 512),
            [(256, 256), (256, 512), (512, 256), (512, 512)]
        );
        assert_eq!(of((48, 32), 32), [(24, 8), (24, 32), (32, 8), (32, 32)]);
        assert!(!takes(
            Size {
                width: 32,
                height: 32
            },
            32
        ));
    }

    #[test]
    fn a_tile_whose_quarter_is_no_whole_cell_is_refused_with_the_multiple() {
        assert!(check_side(512, 8).is_ok());
        for tile in [0, 500, 528] {
            let error = check_side(tile, 8).expect_err("no quarter");
            assert!(error.to_string().contains("no multiple of 32"), "{error}");
        }
    }
}
