//! A page as PNG, row by row: a whole page is 26 MB, a row is 7 kB.
//!
//! The one rule: nothing is smoothed that is enlarged; what is made smaller is the mean of what it covers.

use super::font;
use super::layout::{self, Area, Cut, Page, Piece};
use super::{DOTS_PER_INCH, Sheet};
use crate::error::{Error, ErrorKind};
use crate::label::notice::Placed;
use crate::picture::Picture;
use std::io::Write as _;

const WHITE: [u8; 3] = [255; 3];
const INK: [u8; 3] = [0; 3];
/// Where a cut goes through something coloured.
const GREY: [u8; 3] = [150; 3];

/// One page of a sheet, or `None` when it has no such page.
///
/// # Errors
/// When the encoder refuses, which a consistent sheet never causes.
pub fn png(sheet: &Sheet<'_>, number: usize) -> Result<Option<Vec<u8>>, Error> {
    let sizes: Vec<_> = sheet.pictures.iter().map(|p| (p.width, p.height)).collect();
    let mut pages = layout::pages(sheet.paper, sheet.preset, &sizes, sheet.caption);
    if number >= pages.len() {
        return Ok(None);
    }
    let page = pages.swap_remove(number);
    draw(sheet, &page).map(Some)
}

fn draw(sheet: &Sheet<'_>, page: &Page) -> Result<Vec<u8>, Error> {
    let failed =
        |error: png::EncodingError| Error::new(ErrorKind::Malformed, format!("PNG: {error}"));
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, page.width, page.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    // Dots to a metre, so that it is printed at its size.
    let per_metre = DOTS_PER_INCH * 10_000 / 254;
    encoder.set_pixel_dims(Some(png::PixelDimensions {
        xppu: per_metre,
        yppu: per_metre,
        unit: png::Unit::Meter,
    }));
    encoder
        .add_itxt_chunk("XML:com.adobe.xmp".into(), sheet.xmp.into())
        .map_err(failed)?;
    let drawn: Vec<Drawn> = page.pieces.iter().map(|p| Drawn::of(p, sheet)).collect();
    let letters: Vec<_> = page
        .caption
        .iter()
        .map(|line| (line, font::rows(&line.text)))
        .collect();
    let mut writer = encoder.write_header().map_err(failed)?;
    let mut stream = writer.stream_writer().map_err(failed)?;
    let mut row = vec![0; page.width as usize * 3];
    for y in 0..page.height {
        row.fill(255);
        for piece in &drawn {
            piece.draw(&mut row, y);
        }
        for mark in &page.marks {
            paint(&mut row, y, *mark, INK);
        }
        for (line, dots) in &letters {
            let Some(dots) = y
                .checked_sub(line.y)
                .and_then(|down| dots.get((down / font::TIMES) as usize))
            else {
                continue;
            };
            for (x, _) in (0u32..).zip(dots).filter(|(_, ink)| **ink) {
                let from = line.x + x * font::TIMES;
                span(&mut row, from, from + font::TIMES, INK);
            }
        }
        stream.write_all(&row).map_err(|error| {
            Error::new(
                ErrorKind::Malformed,
                format!("PNG: a row cannot be written: {error}"),
            )
        })?;
    }
    stream.finish().map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(bytes)
}

/// Fills part of a row.
fn span(row: &mut [u8], from: u32, to: u32, colour: [u8; 3]) {
    let (from, to) = (from as usize * 3, (to as usize * 3).min(row.len()));
    if let Some(part) = row.get_mut(from..to) {
        for pixel in part.chunks_exact_mut(3) {
            pixel.copy_from_slice(&colour);
        }
    }
}

fn paint(row: &mut [u8], y: u32, area: Area, colour: [u8; 3]) {
    if (area.y..area.y + area.height).contains(&y) {
        span(row, area.x, area.x + area.width, colour);
    }
}

/// A piece with the pixels that it is drawn with.
struct Drawn<'a> {
    piece: &'a Piece,
    ground: [u8; 3],
    /// The picture as it is, or made smaller; then one of its pixels is one dot.
    picture: std::borrow::Cow<'a, Picture>,
    times: u32,
    notice: Option<Placed>,
}

impl<'a> Drawn<'a> {
    fn of(piece: &'a Piece, sheet: &'a Sheet<'_>) -> Self {
        let picture = &sheet.pictures[piece.picture];
        let ground = rim(picture);
        let times = piece.place.width / picture.width.max(1);
        let picture = match times {
            0 => std::borrow::Cow::Owned(smaller(picture, piece.place.width, piece.place.height)),
            _ => std::borrow::Cow::Borrowed(picture),
        };
        let times = times.max(1);
        let size = (picture.width * times, picture.height * times);
        Self {
            piece,
            ground,
            picture,
            times,
            notice: sheet
                .notice
                .map(|words| Placed::on(size, words, piece.spot())),
        }
    }

    /// The label over the row of the picture that was drawn, mirrored with it.
    fn draw_notice(&self, row: &mut [u8], down: u32) {
        let (Some(notice), place) = (&self.notice, self.piece.place) else {
            return;
        };
        for x in notice.columns(down).into_iter().flatten() {
            let column = match self.piece.mirrored {
                true => place.width - 1 - x,
                false => x,
            };
            let at = (place.x + column) as usize * 3;
            if let Some(dot) = row.get_mut(at..at + 3) {
                notice.over(x, down, dot);
            }
        }
    }

    fn draw(&self, row: &mut [u8], y: u32) {
        let (piece, place) = (self.piece, self.piece.place);
        if piece.ground != piece.cut || piece.by == Cut::Outline || self.ground != WHITE {
            paint(row, y, piece.ground, self.ground);
        }
        let line = y
            .checked_sub(place.y)
            .map(|down| (down / self.times) as usize);
        let width = self.picture.width as usize * 3;
        let line = line.and_then(|line| self.picture.samples.get(line * width..(line + 1) * width));
        if let Some(line) = line {
            for (column, pixel) in (0u32..).zip(line.chunks_exact(3)) {
                let column = match piece.mirrored {
                    true => self.picture.width - 1 - column,
                    false => column,
                };
                let from = place.x + column * self.times;
                span(row, from, from + self.times, [pixel[0], pixel[1], pixel[2]]);
            }
            self.draw_notice(row, y - place.y);
        }
        match piece.by {
            Cut::Marks => {}
            Cut::Outline => {
                for side in layout::outline(piece.cut) {
                    paint(row, y, side, GREY);
                }
            }
            Cut::Circle => circle(row, y, piece.cut),
        }
    }
}

/// A ring of two dots along the edge of a circle.
fn circle(row: &mut [u8], y: u32, cut: Area) {
    let radius = i64::from(cut.width) / 2;
    let (centre_x, centre_y) = (i64::from(cut.x) + radius, i64::from(cut.y) + radius);
    let down = i64::from(y) - centre_y;
    let reach = |radius: i64| {
        let square = radius * radius - down * down;
        u64::try_from(square)
            .ok()
            .and_then(|square| i64::try_from(square.isqrt()).ok())
    };
    let Some(outer) = reach(radius + 1) else {
        return;
    };
    let inner = reach(radius - 1).unwrap_or(-1);
    let at = |x: i64| u32::try_from(centre_x + x).unwrap_or(0);
    span(row, at(-outer), at(-inner), GREY);
    span(row, at(inner + 1), at(outer + 1), GREY);
}

/// The middle of a picture's outermost pixels: what its ground continues as. A label at the edge, or what reaches it, changes nothing while
/// most of the edge is ground.
#[must_use]
pub(super) fn rim(picture: &Picture) -> [u8; 3] {
    let (width, height) = (picture.width as usize, picture.height as usize);
    let mut edge: [Vec<u8>; 3] = Default::default();
    for y in 0..height {
        for x in 0..width {
            if y == 0 || x == 0 || y + 1 == height || x + 1 == width {
                let at = (y * width + x) * 3;
                for (list, sample) in edge.iter_mut().zip(&picture.samples[at..at + 3]) {
                    list.push(*sample);
                }
            }
        }
    }
    edge.map(|mut list| {
        list.sort_unstable();
        list.get(list.len() / 2).copied().unwrap_or(u8::MAX)
    })
}

/// A picture made smaller: each pixel the mean of the area that it covers, in whole numbers.
#[must_use]
pub fn smaller(picture: &Picture, width: u32, height: u32) -> Picture {
    let (old_width, old_height) = (u64::from(picture.width), u64::from(picture.height));
    let (new_width, new_height) = (u64::from(width), u64::from(height));
    let mut samples = Vec::with_capacity(width as usize * height as usize * 3);
    for y in 0..new_height {
        for x in 0..new_width {
            let mut sums = [0u64; 3];
            for (row, tall) in covered(y, old_height, new_height) {
                for (column, wide) in covered(x, old_width, new_width) {
                    let at = usize::try_from((row * old_width + column) * 3).unwrap_or(0);
                    for (sum, sample) in sums.iter_mut().zip(&picture.samples[at..at + 3]) {
                        *sum += u64::from(*sample) * tall * wide;
                    }
                }
            }
            // A new pixel is as large as an old one times `old / new`; in these units its area is that of all old pixels together.
            let area = old_width * old_height;
            samples
                .extend(sums.map(|sum| u8::try_from((sum + area / 2) / area).unwrap_or(u8::MAX)));
        }
    }
    Picture {
        width,
        height,
        samples,
    }
}

/// Which old pixels a new one covers along one side, each with how much of it, in parts of which an old pixel has `new`.
fn covered(at: u64, old: u64, new: u64) -> impl Iterator<Item = (u64, u64)> + Clone {
    let (from, to) = (at * old, (at + 1) * old);
    (from / new..to.div_ceil(new)).map(move |pixel| {
        let (begin, end) = (pixel * new, (pixel + 1) * new);
        (pixel, end.min(to) - begin.max(from))
    })
}
