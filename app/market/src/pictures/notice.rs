//! The visible notice in a reader's language, drawn into a copy at the size of that copy.
//!
//! The one rule: its capitals are at least 5% of the shorter side high, as GB 45438-2025 asks, and never too small to be read.

use base::lang::Lang;
use engine::picture::Picture;
use std::collections::HashMap;
use std::sync::LazyLock;

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

/// How high the capitals are on a copy whose shorter side is so long.
fn capitals(short: u32, lang: Lang) -> u32 {
    let legible = match lang {
        Lang::En | Lang::De => 7,
        // Chinese letters are a quarter higher than the capitals beside them, and denser.
        Lang::Zh => 8,
    };
    short.div_ceil(20).max(legible)
}

/// Draws the notice into the bottom right corner.
pub(super) fn draw(picture: &mut Picture, lang: Lang) {
    let short = picture.width.min(picture.height);
    let capitals = capitals(short, lang);
    let (padding, margin) = (capitals.div_ceil(2), (short / 48).max(1));
    let size = |drawn: &Drawn| {
        let scaled = |side: u32| (side * capitals).div_ceil(CAPITALS);
        (scaled(drawn.width), scaled(drawn.height))
    };
    let fits = |drawn: &&Drawn| size(drawn).0 + 2 * (padding + margin) <= picture.width * 2 / 3;
    let long = &DRAWN[lang.tag()];
    let short_name = match lang {
        Lang::De => "de-short",
        Lang::En | Lang::Zh => "en-short",
    };
    let drawn = [long].into_iter().find(fits).unwrap_or(match lang {
        // The two letters alone say too little there.
        Lang::Zh => long,
        _ => &DRAWN[short_name],
    });
    let (text_width, text_height) = size(drawn);
    let (width, height) = (text_width + 2 * padding, text_height + 2 * padding);
    let left = picture.width.saturating_sub(width + margin);
    let top = picture.height.saturating_sub(height + margin);
    for y in 0..height.min(picture.height - top) {
        for x in 0..width.min(picture.width - left) {
            let at = (((top + y) * picture.width + left + x) * 3) as usize;
            let ground = corner(x, y, width, height, padding) * 200 / 255;
            blend(&mut picture.samples[at..at + 3], 22, ground);
            if (padding..padding + text_width).contains(&x)
                && (padding..padding + text_height).contains(&y)
            {
                let letters = drawn.at(x - padding, y - padding, capitals);
                blend(&mut picture.samples[at..at + 3], 255, letters);
            }
        }
    }
}

/// Coverage of a box with round corners, 0 to 255, by sixteen points in each pixel.
fn corner(x: u32, y: u32, width: u32, height: u32, radius: u32) -> u32 {
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
