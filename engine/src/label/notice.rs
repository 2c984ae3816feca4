//! The visible notice in a reader's language, drawn into a copy at the size of that copy.
//!
//! The one rule: its capitals are at least 5% of the shorter side high, as GB 45438-2025 asks, and never too small to be read.

use crate::picture::Picture;
use std::collections::HashMap;
use std::sync::LazyLock;

/// The words of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    /// "AI-generated".
    English,
    /// "KI-generiert".
    German,
    /// "AI 生成".
    Chinese,
}

impl Words {
    /// For readers of a language by its tag; English for one that has none.
    #[must_use]
    pub fn of(tag: &str) -> Self {
        match tag.get(..2) {
            Some("de") => Self::German,
            Some("zh") => Self::Chinese,
            _ => Self::English,
        }
    }

    fn drawn(self) -> &'static Drawn {
        &DRAWN[match self {
            Self::English => "en",
            Self::German => "de",
            Self::Chinese => "zh",
        }]
    }

    /// Two letters, where there is no room for more. To Chinese readers they alone say too little.
    fn short(self) -> &'static Drawn {
        match self {
            Self::English => &DRAWN["en-short"],
            Self::German => &DRAWN["de-short"],
            Self::Chinese => self.drawn(),
        }
    }

    /// How high these words' capitals are beside those of a notice: Chinese letters are denser.
    fn capitals(self, of_all: u32) -> u32 {
        match self {
            Self::English | Self::German => of_all,
            Self::Chinese => (of_all * 5).div_ceil(4),
        }
    }

    const ALL: [Self; 3] = [Self::English, Self::German, Self::Chinese];
}

/// The lowest capitals that can be read, in pixels.
const LEGIBLE: u32 = 7;

/// Where on a copy it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Spot {
    /// In the bottom right corner.
    Corner,
    /// In the middle of the bottom: of what is cut round, the corners are lost.
    Bottom,
}

/// A notice as it was drawn once, in levels of coverage; its capitals are as high as [`CAPITALS`]. Instrument Sans (condensed) and Noto Sans CJK SC.
struct Drawn {
    width: u32,
    height: u32,
    coverage: Vec<u8>,
}

const CAPITALS: u32 = 48;

static DRAWN: LazyLock<HashMap<&str, Drawn>> = LazyLock::new(|| {
    let files: [(&str, &[u8]); 5] = [
        ("en", include_bytes!("notice/en.png")),
        ("de", include_bytes!("notice/de.png")),
        ("zh", include_bytes!("notice/zh.png")),
        ("en-short", include_bytes!("notice/en-short.png")),
        ("de-short", include_bytes!("notice/de-short.png")),
    ];
    files
        .into_iter()
        .map(|(name, bytes)| (name, Drawn::read(bytes)))
        .collect()
});

impl Drawn {
    /// Reads one of our own files.
    fn read(bytes: &[u8]) -> Self {
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
            .read_info()
            .expect("a notice is a PNG");
        let (width, height) = (reader.info().width, reader.info().height);
        let mut coverage = vec![0; (width * height) as usize];
        reader
            .next_frame(&mut coverage)
            .expect("a notice has eight bits of grey");
        Self {
            width,
            height,
            coverage,
        }
    }

    /// Across and down with capitals so high.
    fn size(&self, capitals: u32) -> (u32, u32) {
        let scaled = |side: u32| (side * capitals).div_ceil(CAPITALS);
        (scaled(self.width), scaled(self.height))
    }

    /// The mean of what a pixel of the notice covers when its capitals are `capitals` high, 0 to 255.
    fn at(&self, x: u32, y: u32, capitals: u32) -> u32 {
        let span = |at: u32, end: u32| {
            let from = at * CAPITALS / capitals;
            let to = ((at + 1) * CAPITALS).div_ceil(capitals);
            from.min(end - 1)..to.clamp(from.min(end - 1) + 1, end)
        };
        let (rows, columns) = (span(y, self.height), span(x, self.width));
        let count = (rows.len() * columns.len()) as u32;
        let sum: u32 = rows
            .flat_map(|row| columns.clone().map(move |column| row * self.width + column))
            .map(|at| u32::from(self.coverage[at as usize]))
            .sum();
        sum / count
    }
}

/// A notice in its place on a copy of one size. Its box is as large in every language, and lies on the same part of a picture in every
/// whole multiple of it: whoever has all copies sees no more of what is below than whoever has one.
pub struct Placed {
    drawn: &'static Drawn,
    /// How high the capitals of these words are.
    capitals: u32,
    /// The box, and how round its corners are.
    left: u32,
    top: u32,
    width: u32,
    height: u32,
    radius: u32,
    /// What of the box is on the copy.
    shown_width: u32,
}

impl Placed {
    /// Where it lies on a copy that is so wide and so high.
    #[must_use]
    pub fn on(size: (u32, u32), words: Words, spot: Spot) -> Self {
        Self::on_multiple(size, 1, words, spot)
    }

    /// The same on a copy that is so many times as large as a picture of this size.
    #[must_use]
    pub fn on_multiple((across, down): (u32, u32), times: u32, words: Words, spot: Spot) -> Self {
        let short = across.min(down);
        let capitals = short.div_ceil(20).max(LEGIBLE);
        let (padding, margin) = (capitals.div_ceil(2), (short / 48).max(1));
        let room = match spot {
            Spot::Corner => across * 2 / 3,
            Spot::Bottom => across / 2,
        };
        // As large as the largest words are.
        let largest = |drawn: fn(Words) -> &'static Drawn| {
            let sizes = Words::ALL.map(|one| drawn(one).size(one.capitals(capitals)));
            let widest = sizes.iter().map(|(width, _)| *width).max().unwrap_or(0);
            let tallest = sizes.iter().map(|(_, height)| *height).max().unwrap_or(0);
            (widest + 2 * padding, tallest + 2 * padding)
        };
        let long = largest(Words::drawn);
        let ((width, height), drawn) = match long.0 + 2 * margin <= room {
            true => (long, words.drawn()),
            false => (largest(Words::short), words.short()),
        };
        let free = across.saturating_sub(width);
        let left = match spot {
            Spot::Corner => free.saturating_sub(margin),
            Spot::Bottom => free / 2,
        };
        Self {
            drawn,
            capitals: words.capitals(capitals) * times,
            left: left * times,
            top: down.saturating_sub(height + margin) * times,
            width: width * times,
            height: height * times,
            radius: padding * times,
            shown_width: width.min(across - left) * times,
        }
    }

    /// The columns that it covers in a row, or `None` where it covers nothing.
    #[must_use]
    pub fn columns(&self, y: u32) -> Option<std::ops::Range<u32>> {
        let covered = (self.top..self.top + self.height).contains(&y);
        covered.then_some(self.left..self.left + self.shown_width)
    }

    /// Draws over one pixel of what it covers: nothing of it is left but at the round corners.
    pub fn over(&self, x: u32, y: u32, pixel: &mut [u8]) {
        let (x, y) = (x - self.left, y - self.top);
        let ground = corner((x, y), (self.width, self.height), self.radius);
        blend(pixel, 22, ground);
        let (text_width, text_height) = self.drawn.size(self.capitals);
        let inside = |at: u32, box_side: u32, side: u32| {
            at.checked_sub(box_side.saturating_sub(side) / 2)
                .filter(|at| *at < side)
        };
        if let (Some(x), Some(y)) = (
            inside(x, self.width, text_width),
            inside(y, self.height, text_height),
        ) {
            blend(pixel, 255, self.drawn.at(x, y, self.capitals));
        }
    }
}

/// Draws the notice into a copy.
pub fn draw(picture: &mut Picture, words: Words, spot: Spot) {
    draw_multiple(picture, 1, words, spot);
}

/// A copy for a page, with its notice: small ones twice as large, so that it can be read.
#[must_use]
pub fn for_page(picture: &Picture, words: Words) -> Picture {
    let times = match picture.width.max(picture.height) <= 256 {
        true => 2,
        false => 1,
    };
    let mut copy = picture.enlarged(times);
    draw_multiple(&mut copy, times, words, Spot::Corner);
    copy
}

/// Draws it into a copy that is so many times as large as its picture.
pub fn draw_multiple(copy: &mut Picture, times: u32, words: Words, spot: Spot) {
    let size = (copy.width / times, copy.height / times);
    let placed = Placed::on_multiple(size, times, words, spot);
    for y in 0..copy.height {
        for x in placed.columns(y).into_iter().flatten() {
            let at = ((y * copy.width + x) * 3) as usize;
            placed.over(x, y, &mut copy.samples[at..at + 3]);
        }
    }
}

/// Coverage of a box with round corners, 0 to 255, by sixteen points in each pixel.
fn corner((x, y): (u32, u32), (width, height): (u32, u32), radius: u32) -> u32 {
    let beyond = |at: u32, side: u32| {
        // In eighths of a pixel, from the straight part of the side.
        let (low, high) = (radius * 8, (side - radius.min(side)) * 8);
        if at < low {
            low - at
        } else {
            at.saturating_sub(high)
        }
    };
    let inside = |sub: u32| {
        let (dx, dy) = (
            beyond(x * 8 + 1 + 2 * (sub % 4), width),
            beyond(y * 8 + 1 + 2 * (sub / 4), height),
        );
        dx * dx + dy * dy <= radius * radius * 64
    };
    (0..16).filter(|sub| inside(*sub)).count() as u32 * 255 / 16
}

fn blend(samples: &mut [u8], level: u32, coverage: u32) {
    for sample in samples {
        let mixed = (u32::from(*sample) * (255 - coverage) + level * coverage + 127) / 255;
        *sample = u8::try_from(mixed).unwrap_or(u8::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::{Placed, Spot, Words, draw, draw_multiple};
    use crate::picture::Picture;

    #[test]
    fn the_notice_is_five_hundredths_high_in_every_language_and_leaves_the_picture_alone() {
        for words in [Words::English, Words::German, Words::Chinese] {
            for (side, spot) in [64, 128, 256, 384, 1024]
                .into_iter()
                .flat_map(|side| [(side, Spot::Corner), (side, Spot::Bottom)])
            {
                let case = format!("{words:?} {side} {spot:?}");
                let mut copy = Picture {
                    width: side,
                    height: side,
                    samples: vec![255; (side * side * 3) as usize],
                };
                draw(&mut copy, words, spot);
                let at = |x: u32, y: u32| copy.samples[((y * side + x) * 3) as usize];
                let rows = (0..side).filter(|y| (0..side).any(|x| at(x, *y) < 200));
                let rows = rows.count() as u32;
                let capitals = side.div_ceil(20).max(7);
                assert!(rows >= 2 * capitals.div_ceil(2) + capitals, "{case}");
                assert!(rows <= side / 3, "{case}: {rows}");
                // Letters are light on dark.
                let bright = (side * 3 / 4..side)
                    .any(|y| (side / 4..side - 4).any(|x| at(x, y) > 235 && at(x - 1, y) < 235));
                assert!(bright, "{case}: nothing can be read");
                assert!((0..side / 2).all(|y| (0..side).all(|x| at(x, y) == 255)));
                if spot == Spot::Bottom && side > 64 {
                    // What a circle leaves of a square of 85% of its width.
                    let radius = i64::from(side) * 10 / 17;
                    let middle = i64::from(side) / 2;
                    let lost = |x: u32, y: u32| {
                        let (dx, dy) = (i64::from(x) - middle, i64::from(y) - middle);
                        dx * dx + dy * dy > radius * radius && at(x, y) < 255
                    };
                    assert!(!(0..side).any(|y| (0..side).any(|x| lost(x, y))), "{case}");
                }
            }
        }
    }

    #[test]
    fn all_copies_of_a_picture_in_every_language_hide_the_same_part_of_it() {
        let side = 128;
        let noise = |salt: u32| Picture {
            width: side,
            height: side,
            samples: (0..side * side * 3)
                .map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8 ^ salt as u8)
                .collect(),
        };
        let (one, mut other) = (noise(0), noise(0));
        let strange = noise(0x5a);
        let placed = Placed::on((side, side), Words::English, Spot::Corner);
        // All that the box covers, but for its round corners.
        let round = placed.radius;
        for y in placed.top..placed.top + placed.height {
            for x in placed.left + round..placed.left + placed.width - round {
                let at = ((y * side + x) * 3) as usize;
                other.samples[at..at + 3].copy_from_slice(&strange.samples[at..at + 3]);
            }
        }
        assert_ne!(one, other);
        for words in Words::ALL {
            for times in [1, 2, 3, 6, 8] {
                let copy = |picture: &Picture| {
                    let mut copy = picture.enlarged(times);
                    draw_multiple(&mut copy, times, words, Spot::Corner);
                    copy
                };
                assert!(copy(&one) == copy(&other), "{words:?} × {times}");
            }
        }
    }

    #[test]
    fn a_copy_that_is_smaller_than_its_notice_is_covered_and_no_more() {
        for (width, height) in [(1, 1), (9, 30), (30, 9), (3, 400)] {
            for words in [Words::English, Words::Chinese] {
                let samples = vec![255; width * height * 3];
                let (width, height) = (width as u32, height as u32);
                let mut copy = Picture {
                    width,
                    height,
                    samples,
                };
                draw(&mut copy, words, Spot::Corner);
                draw(&mut copy, words, Spot::Bottom);
                // Of a single pixel it covers the round corner, which is nothing.
                let changed = copy.samples != vec![255; copy.samples.len()];
                assert_eq!(changed, width > 1, "{width} × {height}");
            }
        }
    }
}
