//! Pictures that are taken tile by tile: cut, run, and faded into each other, as diffusers does it.
//!
//! The one rule: upper seams before left ones, and a tile fades into its neighbour as that one came out of its own seams; a tile is run
//! alone and its shape's graph is opened once, so the order of running changes no bit.

use crate::error::{Error, ErrorKind};
use crate::model::Size;
use crate::model::tiles::{spans, stride};
use std::ops::Range;

/// Values by channel, row and column.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Planes {
    pub(super) channels: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) values: Vec<f32>,
}

impl Planes {
    fn row(&self, channel: usize, y: usize) -> Range<usize> {
        let start = (channel * self.height + y) * self.width;
        start..start + self.width
    }

    fn cut(&self, rows: &Range<usize>, columns: &Range<usize>) -> Self {
        let mut values = Vec::with_capacity(self.channels * rows.len() * columns.len());
        for channel in 0..self.channels {
            for y in rows.clone() {
                let row = &self.values[self.row(channel, y)];
                values.extend_from_slice(&row[columns.clone()]);
            }
        }
        Self {
            channels: self.channels,
            height: rows.len(),
            width: columns.len(),
            values,
        }
    }

    /// Fades the lower rows of `above` into the upper ones of this.
    fn fade_down(&mut self, above: &Self, blend: usize) {
        let rows = blend.min(above.height).min(self.height);
        for channel in 0..self.channels {
            for y in 0..rows {
                let theirs = above.row(channel, above.height - rows + y);
                let own = self.row(channel, y);
                let pairs = self.values[own].iter_mut().zip(&above.values[theirs]);
                pairs.for_each(|(own, theirs)| fade(own, *theirs, y, rows));
            }
        }
    }

    /// Fades the right columns of `left` into the left ones of this.
    fn fade_right(&mut self, left: &Self, blend: usize) {
        let columns = blend.min(left.width).min(self.width);
        for channel in 0..self.channels {
            for y in 0..self.height {
                let theirs = left.row(channel, y).end - columns;
                let own = self.row(channel, y).start;
                for x in 0..columns {
                    fade(
                        &mut self.values[own + x],
                        left.values[theirs + x],
                        x,
                        columns,
                    );
                }
            }
        }
    }
}

fn fade(own: &mut f32, theirs: f32, at: usize, of: usize) {
    let share = at as f64 / of as f64;
    *own = theirs * (1.0 - share) as f32 + *own * share as f32;
}

/// The tiles of a picture, and what one pixel is in what goes in and what comes out.
pub(super) struct Tiling {
    pub(super) size: Size,
    pub(super) tile: u32,
    /// Pixels to one step of the input along a side.
    pub(super) of_input: u32,
    /// Pixels to one step of the output.
    pub(super) of_output: u32,
}

impl Tiling {
    /// Runs every tile, those of one shape after another so that one graph is open at a time, and joins what came out. `open` makes what runs
    /// the tiles of a shape.
    ///
    /// # Errors
    /// What `open` and what it made give; `ErrorKind::Runtime` for a tile of another shape than its own.
    pub(super) fn run<R>(
        &self,
        input: &Planes,
        open: &mut dyn FnMut(Size) -> Result<R, Error>,
    ) -> Result<Planes, Error>
    where
        R: FnMut(&Planes) -> Result<Planes, Error>,
    {
        let (down, across) = (
            spans(self.size.height, self.tile),
            spans(self.size.width, self.tile),
        );
        let steps = |span: &Range<u32>, pixels: u32| {
            (span.start / pixels) as usize..(span.end / pixels) as usize
        };
        let mut made: Vec<Option<Planes>> = vec![None; down.len() * across.len()];
        for shape in crate::model::tiles::shapes(self.size, self.tile) {
            let mut run = open(shape)?;
            for (i, rows) in down.iter().enumerate() {
                for (j, columns) in across.iter().enumerate() {
                    if rows.len() != shape.height as usize || columns.len() != shape.width as usize
                    {
                        continue;
                    }
                    let tile =
                        input.cut(&steps(rows, self.of_input), &steps(columns, self.of_input));
                    let out = run(&tile)?;
                    let wanted = (
                        steps(rows, self.of_output).len(),
                        steps(columns, self.of_output).len(),
                    );
                    if (out.height, out.width) != wanted {
                        return Err(Error::new(
                            ErrorKind::Runtime,
                            format!("a tile of {shape} came out {}×{}", out.width, out.height),
                        ));
                    }
                    made[i * across.len() + j] = Some(out);
                }
            }
        }
        let made: Vec<Planes> = made.into_iter().flatten().collect();
        Ok(self.joined(made, across.len()))
    }

    fn joined(&self, mut tiles: Vec<Planes>, across: usize) -> Planes {
        let kept = (stride(self.tile) / self.of_output) as usize;
        let blend = (self.tile / self.of_output) as usize - kept;
        let (height, width) = (
            (self.size.height / self.of_output) as usize,
            (self.size.width / self.of_output) as usize,
        );
        let channels = tiles.first().map_or(0, |tile| tile.channels);
        let mut whole = Planes {
            channels,
            height,
            width,
            values: vec![0.0; channels * height * width],
        };
        for at in 0..tiles.len() {
            let (before, rest) = tiles.split_at_mut(at);
            let (i, j) = (at / across, at % across);
            let tile = &mut rest[0];
            if i > 0 {
                tile.fade_down(&before[at - across], blend);
            }
            if j > 0 {
                tile.fade_right(&before[at - 1], blend);
            }
            let (top, left) = (i * kept, j * kept);
            let columns = kept.min(tile.width);
            for channel in 0..channels {
                for y in 0..kept.min(tile.height) {
                    let to = whole.row(channel, top + y).start + left;
                    let from = tile.row(channel, y).start;
                    whole.values[to..to + columns]
                        .copy_from_slice(&tile.values[from..from + columns]);
                }
            }
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(channels: usize, height: usize, width: usize) -> Planes {
        Planes {
            channels,
            height,
            width,
            values: (0..channels * height * width).map(|at| at as f32).collect(),
        }
    }

    fn tiling(width: u32, height: u32, tile: u32) -> Tiling {
        Tiling {
            size: Size { width, height },
            tile,
            of_input: 1,
            of_output: 1,
        }
    }

    #[test]
    fn tiles_that_agree_with_each_other_give_the_whole_again() {
        for (width, height) in [(40, 24), (17, 33), (16, 40), (50, 34)] {
            let whole = ramp(2, height as usize, width as usize);
            let found = tiling(width, height, 16)
                .run(&whole, &mut |_| Ok(|tile: &Planes| Ok(tile.clone())))
                .expect("joined");
            let off = found.values.iter().zip(&whole.values);
            let off = off.fold(0.0f32, |off, (a, b)| off.max((a - b).abs()));
            assert!(off <= 3e-4, "{width}×{height}: {off}");
        }
    }

    /// Two tiles of 16 that stand 12 apart: 0 fades into 100 over four columns.
    #[test]
    fn a_seam_fades_in_a_straight_line() {
        let mut number = 0.0;
        let found = tiling(24, 8, 16)
            .run(&ramp(1, 8, 24), &mut |_| {
                let mine = number;
                number += 100.0;
                Ok(move |tile: &Planes| {
                    Ok(Planes {
                        values: vec![mine; tile.values.len()],
                        ..tile.clone()
                    })
                })
            })
            .expect("joined");
        // The narrow tile's shape comes first: it is the 0, and stands on the right.
        let row = &found.values[..24];
        assert_eq!(row[..12], [100.0; 12]);
        assert_eq!(
            row[12..],
            [
                100.0, 75.0, 50.0, 25.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
            ]
        );
    }

    #[test]
    fn each_shape_is_opened_once() {
        let mut opened = Vec::new();
        let whole = ramp(1, 40, 40);
        let all = tiling(40, 40, 16).run(&whole, &mut |shape| {
            opened.push(shape);
            Ok(|tile: &Planes| Ok(tile.clone()))
        });
        all.expect("joined");
        assert_eq!(opened.len(), 4);
    }

    #[test]
    fn a_tile_that_comes_out_in_another_shape_is_an_error() {
        let found =
            tiling(24, 8, 16).run(&ramp(1, 8, 24), &mut |_| Ok(|_: &Planes| Ok(ramp(1, 2, 2))));
        assert!(
            found
                .expect_err("refused")
                .to_string()
                .contains("came out 2×2")
        );
    }
}
