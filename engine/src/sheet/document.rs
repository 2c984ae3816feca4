//! A sheet as PDF: the same places as [`super::raster`], lines as lines, and each picture once, however often it is shown.
//!
//! The one rule: no font is named and no picture is left to a reader to enlarge, so that paper shows what the layout says.

use super::layout::{self, Area, Cut, Page};
use super::raster::rim;
use super::{DOTS_PER_INCH, Sheet, font};
use crate::error::Error;
use crate::label::notice::{self, Spot};
use crate::picture::Picture;
use pdf_writer::types::Predictor;
use pdf_writer::{Content, Filter, Finish as _, Name, Pdf, Rect, Ref, TextStr};
use std::collections::BTreeMap;

/// Points to a dot.
const POINT: f32 = 72.0 / DOTS_PER_INCH as f32;
/// How far the handles of a quarter of a circle reach, as a part of its radius.
const HANDLE: f32 = 0.552_284_8;
const GREY: f32 = 150.0 / 255.0;

/// A picture at the size at which its file holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Shown {
    picture: usize,
    times: u32,
    mirrored: bool,
    /// Where its label stands.
    spot: Spot,
}

/// Every page of a sheet in one file.
///
/// # Errors
/// When a picture cannot be encoded, which a consistent one never causes.
pub fn pdf(sheet: &Sheet<'_>, title: &str) -> Result<Vec<u8>, Error> {
    let sizes: Vec<_> = sheet.pictures.iter().map(|p| (p.width, p.height)).collect();
    let pages = layout::pages(sheet.paper, sheet.preset, &sizes, sheet.caption);
    let mut next = 1;
    let mut fresh = || {
        next += 1;
        Ref::new(next - 1)
    };
    let (catalog, tree, info, packet) = (fresh(), fresh(), fresh(), fresh());
    let mut images: BTreeMap<Shown, (Ref, String)> = BTreeMap::new();
    for piece in pages.iter().flat_map(|page| &page.pieces) {
        let number = images.len();
        images
            .entry(shown(piece, sheet))
            .or_insert_with(|| (fresh(), format!("P{number}")));
    }
    let lines: Vec<(Ref, String)> = pages
        .first()
        .map_or(&[][..], |page| &page.caption)
        .iter()
        .enumerate()
        .map(|(number, _)| (fresh(), format!("L{number}")))
        .collect();
    let places: Vec<(Ref, Ref)> = pages.iter().map(|_| (fresh(), fresh())).collect();

    let mut pdf = Pdf::new();
    let mut root = pdf.catalog(catalog);
    root.pages(tree).metadata(packet);
    // A reader that fits the page to the paper would change every size.
    root.viewer_preferences()
        .pair(Name(b"PrintScaling"), Name(b"None"));
    root.finish();
    pdf.document_info(info).title(TextStr(title));
    pdf.metadata(packet, sheet.xmp.as_bytes());
    pdf.pages(tree)
        .kids(places.iter().map(|(page, _)| *page))
        .count(i32::try_from(pages.len()).unwrap_or(1));
    for (shown, (place, _)) in &images {
        image(&mut pdf, *place, &labelled(sheet, shown))?;
    }
    if let Some(first) = pages.first() {
        for (line, (place, _)) in first.caption.iter().zip(&lines) {
            mask(&mut pdf, *place, &line.text);
        }
    }
    for (page, (place, drawing)) in pages.iter().zip(&places) {
        pdf.stream(*drawing, &draw(page, sheet, &images, &lines).finish());
        let mut written = pdf.page(*place);
        written
            .parent(tree)
            .media_box(Rect::new(
                0.0,
                0.0,
                page.width as f32 * POINT,
                page.height as f32 * POINT,
            ))
            .contents(*drawing);
        let mut resources = written.resources();
        let mut objects = resources.x_objects();
        for (place, name) in images.values().chain(&lines) {
            objects.pair(Name(name.as_bytes()), *place);
        }
        objects.finish();
        resources.finish();
        written.finish();
    }
    Ok(pdf.finish())
}

/// What is made smaller is left to whoever prints it: no dot of it is lost here.
fn shown(piece: &layout::Piece, sheet: &Sheet<'_>) -> Shown {
    let own = sheet.pictures[piece.picture].width.max(1);
    Shown {
        picture: piece.picture,
        times: (piece.place.width / own).max(1),
        mirrored: piece.mirrored,
        spot: piece.spot(),
    }
}

/// A picture as large as it is shown, with its label; mirrored with it.
fn labelled(sheet: &Sheet<'_>, shown: &Shown) -> Picture {
    let mut large = sheet.pictures[shown.picture].enlarged(shown.times);
    if let Some(words) = sheet.notice {
        notice::draw(&mut large, words, shown.spot);
    }
    if shown.mirrored {
        mirror(&mut large);
    }
    large
}

fn mirror(picture: &mut Picture) {
    for line in picture.samples.chunks_exact_mut(picture.width as usize * 3) {
        line.reverse();
        // Colours were turned round with the pixels.
        for pixel in line.chunks_exact_mut(3) {
            pixel.reverse();
        }
    }
}

fn draw(
    page: &Page,
    sheet: &Sheet<'_>,
    images: &BTreeMap<Shown, (Ref, String)>,
    lines: &[(Ref, String)],
) -> Content {
    let mut content = Content::new();
    let height = page.height;
    let place = |area: Area| {
        (
            area.x as f32 * POINT,
            (height - area.y - area.height) as f32 * POINT,
            area.width as f32 * POINT,
            area.height as f32 * POINT,
        )
    };
    let show = |content: &mut Content, area: Area, name: &str| {
        let (x, y, width, tall) = place(area);
        content.save_state();
        content.transform([width, 0.0, 0.0, tall, x, y]);
        content.x_object(Name(name.as_bytes()));
        content.restore_state();
    };
    for piece in &page.pieces {
        let [red, green, blue] = rim(&sheet.pictures[piece.picture]);
        let part = |sample: u8| f32::from(sample) / 255.0;
        content.set_fill_rgb(part(red), part(green), part(blue));
        let (x, y, width, tall) = place(piece.ground);
        content.rect(x, y, width, tall);
        content.fill_nonzero();
        if let Some((_, name)) = images.get(&shown(piece, sheet)) {
            show(&mut content, piece.place, name);
        }
        content.set_fill_gray(GREY);
        content.set_stroke_gray(GREY);
        match piece.by {
            Cut::Marks => {}
            Cut::Outline => {
                for side in layout::outline(piece.cut) {
                    let (x, y, width, tall) = place(side);
                    content.rect(x, y, width, tall);
                }
                content.fill_nonzero();
            }
            Cut::Circle => circle(&mut content, place(piece.cut)),
        }
    }
    content.set_fill_gray(0.0);
    for mark in &page.marks {
        let (x, y, width, tall) = place(*mark);
        content.rect(x, y, width, tall);
    }
    if !page.marks.is_empty() {
        content.fill_nonzero();
    }
    for (line, (_, name)) in page.caption.iter().zip(lines) {
        let area = Area {
            x: line.x,
            y: line.y,
            width: font::width(&line.text),
            height: font::HEIGHT * font::TIMES,
        };
        show(&mut content, area, name);
    }
    content
}

fn circle(content: &mut Content, (x, y, width, _): (f32, f32, f32, f32)) {
    let radius = width / 2.0;
    let (cx, cy, h) = (x + radius, y + radius, radius * HANDLE);
    content.set_line_width(2.0 * POINT);
    content.move_to(cx + radius, cy);
    content.cubic_to(cx + radius, cy + h, cx + h, cy + radius, cx, cy + radius);
    content.cubic_to(cx - h, cy + radius, cx - radius, cy + h, cx - radius, cy);
    content.cubic_to(cx - radius, cy - h, cx - h, cy - radius, cx, cy - radius);
    content.cubic_to(cx + h, cy - radius, cx + radius, cy - h, cx + radius, cy);
    content.close_and_stroke();
}

/// PDF reads the compressed rows of a PNG as they are.
fn image(pdf: &mut Pdf, place: Ref, picture: &Picture) -> Result<(), Error> {
    let rows = compressed_rows(&picture.to_png(None)?);
    let (width, height) = (whole(picture.width), whole(picture.height));
    let mut image = pdf.image_xobject(place, &rows);
    image.filter(Filter::FlateDecode);
    image
        .decode_parms()
        .predictor(Predictor::PngOptimum)
        .colors(3)
        .bits_per_component(8)
        .columns(width);
    image.width(width).height(height).bits_per_component(8);
    image.color_space().device_rgb();
    Ok(())
}

/// A line of the caption as a stencil.
fn mask(pdf: &mut Pdf, place: Ref, text: &str) {
    let rows = font::rows(text);
    let width = rows.first().map_or(0, Vec::len);
    let mut bits = Vec::new();
    for row in &rows {
        for eight in row.chunks(8) {
            // A bit that is not set is painted.
            let byte = (0..8).fold(0u8, |byte, at| {
                byte << 1 | u8::from(!eight.get(at).copied().unwrap_or(false))
            });
            bits.push(byte);
        }
    }
    let mut image = pdf.image_xobject(place, &bits);
    image.image_mask(true).bits_per_component(1);
    image
        .width(i32::try_from(width).unwrap_or(1))
        .height(whole(font::HEIGHT));
}

fn whole(side: u32) -> i32 {
    i32::try_from(side).unwrap_or(i32::MAX)
}

/// The contents of a PNG's `IDAT` chunks. The file is our own.
fn compressed_rows(png: &[u8]) -> Vec<u8> {
    let mut rows = Vec::new();
    let mut rest = png.get(8..).unwrap_or_default();
    while let Some((head, behind)) = rest.split_first_chunk::<8>() {
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let Some(body) = behind.get(..length) else {
            break;
        };
        if &head[4..] == b"IDAT" {
            rows.extend_from_slice(body);
        }
        rest = behind.get(length + 4..).unwrap_or_default();
    }
    rows
}
