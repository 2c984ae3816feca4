//! What a sheet looks like, dot by dot, and that both files show the same.

use super::layout::{Area, Cut, Page, fitted, pages};
use super::{DOTS_PER_INCH, Paper, Preset, Sheet, document, dots, font, raster};
use crate::label::notice::Words;
use crate::picture::Picture;

/// A picture of one colour with a frame of another, so that every dot tells where it is from.
fn framed(side: u32, ground: [u8; 3], inner: [u8; 3]) -> Picture {
    let mut samples = Vec::new();
    for y in 0..side {
        for x in 0..side {
            let edge = x == 0 || y == 0 || x + 1 == side || y + 1 == side;
            samples.extend(if edge { ground } else { inner });
        }
    }
    Picture {
        width: side,
        height: side,
        samples,
    }
}

#[test]
fn a_label_at_the_edge_changes_nothing_of_what_the_ground_continues_as() {
    let mut picture = framed(32, [250, 251, 252], BLUE);
    assert_eq!(raster::rim(&picture), [250, 251, 252]);
    // Over a third of two sides.
    for y in 27..32 {
        for x in 20..32 {
            let at = (y * 32 + x) * 3;
            picture.samples[at..at + 3].copy_from_slice(&[60, 60, 60]);
        }
    }
    assert_eq!(raster::rim(&picture), [250, 251, 252]);
}

const RED: [u8; 3] = [200, 10, 10];
const BLUE: [u8; 3] = [10, 20, 200];
const XMP: &str = "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"/>";

fn sheet<'a>(paper: Paper, preset: Preset, pictures: &'a [Picture]) -> Sheet<'a> {
    Sheet {
        paper,
        preset,
        pictures,
        notice: None,
        caption: "made with the recipe “Red fox”, own values",
        xmp: XMP,
    }
}

/// Reads a PNG of a sheet, and how many dots it says an inch has.
fn read(bytes: &[u8]) -> (Picture, u32) {
    let picture = Picture::from_png(bytes).expect("a PNG");
    let at = bytes
        .windows(4)
        .position(|part| part == b"pHYs")
        .expect("its size on paper");
    let number = u32::from_be_bytes(bytes[at + 4..at + 8].try_into().expect("four bytes"));
    (picture, (number * 254 + 5_000) / 10_000)
}

fn dot(picture: &Picture, x: u32, y: u32) -> [u8; 3] {
    let at = ((y * picture.width + x) * 3) as usize;
    picture.samples[at..at + 3].try_into().expect("three")
}

fn every_page() -> impl Iterator<Item = (Paper, Preset, usize, Page)> {
    let counts = [1, 4, 16];
    Paper::ALL.into_iter().flat_map(move |paper| {
        Preset::ALL.into_iter().flat_map(move |preset| {
            counts.into_iter().flat_map(move |count| {
                let sizes = vec![(128, 128); count];
                let made = pages(paper, preset, &sizes, "caption");
                made.into_iter()
                    .map(move |page| (paper, preset, count, page))
            })
        })
    })
}

fn apart(a: Area, b: Area) -> bool {
    a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y
}

#[test]
fn no_piece_lies_on_another_on_the_caption_or_where_a_printer_cannot_reach() {
    let margin = dots(50);
    for (paper, preset, count, page) in every_page() {
        let place = format!("{paper:?} {preset:?} {count}");
        let line = &page.caption[0];
        for (number, piece) in page.pieces.iter().enumerate() {
            let ground = piece.ground;
            let inside = ground.x >= margin
                && ground.y >= margin
                && ground.x + ground.width <= page.width - margin
                && ground.y + ground.height <= line.y;
            assert!(inside, "{place}: {ground:?}");
            for other in &page.pieces[number + 1..] {
                assert!(apart(ground, other.ground), "{place}: {ground:?}");
            }
            let (outer, inner) = (piece.cut, piece.place);
            let within = inner.x >= outer.x
                && inner.y >= outer.y
                && inner.x + inner.width <= outer.x + outer.width
                && inner.y + inner.height <= outer.y + outer.height;
            assert!(within, "{place}: {piece:?}");
        }
    }
}

#[test]
fn a_preset_has_the_size_that_its_name_says() {
    let of = |paper, preset, count: usize| {
        let sizes = vec![(128, 128); count];
        let made = pages(paper, preset, &sizes, "");
        let first = &made[0];
        let side = first.pieces[0].cut.width * 254 / DOTS_PER_INCH;
        (made.len(), first.pieces.len(), (side + 5) / 10)
    };
    assert_eq!(of(Paper::A4, Preset::Sticker, 4), (1, 12, 50));
    assert_eq!(of(Paper::A4, Preset::Sticker, 16), (2, 12, 50));
    assert_eq!(of(Paper::A4, Preset::Badge32, 16), (1, 35, 32));
    assert_eq!(of(Paper::A4, Preset::Badge58, 1), (1, 12, 58));
    assert_eq!(of(Paper::Square, Preset::Sticker, 1), (1, 9, 50));
    assert_eq!(of(Paper::A4, Preset::Shirt, 3), (3, 1, 200));
    // Ten sizes of each picture.
    let (count, pieces, first) = of(Paper::A4, Preset::Nails, 2);
    assert_eq!((count, pieces % 10, first), (1, 0, 16));
}

#[test]
fn pictures_come_round_until_the_page_is_full_and_in_their_order() {
    let sizes = vec![(128, 128); 5];
    let made = pages(Paper::A4, Preset::Sticker, &sizes, "");
    let order: Vec<usize> = made[0].pieces.iter().map(|piece| piece.picture).collect();
    assert_eq!(order, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]);
    let sizes = vec![(128, 128); 16];
    let made = pages(Paper::A4, Preset::Sticker, &sizes, "");
    let order: Vec<usize> = made[1].pieces.iter().map(|piece| piece.picture).collect();
    assert_eq!(order, [12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn a_small_picture_is_enlarged_by_whole_numbers_alone() {
    for (paper, preset, count, page) in every_page() {
        for piece in page.pieces {
            let place = format!("{paper:?} {preset:?} {count}: {piece:?}");
            if piece.place.width >= 128 {
                assert_eq!(piece.place.width % 128, 0, "{place}");
            }
            assert_eq!(piece.place.width, piece.place.height, "{place}");
        }
    }
    assert_eq!(fitted((128, 96), 300), (256, 192));
    assert_eq!(fitted((128, 96), 64), (64, 48));
    assert_eq!(fitted((4096, 1), 64), (64, 1));
}

#[test]
fn each_pixel_of_a_sticker_is_a_square_and_its_ground_goes_on_beyond_the_cut() {
    let pictures = [framed(128, RED, BLUE)];
    let sheet = sheet(Paper::A4, Preset::Sticker, &pictures);
    let bytes = raster::png(&sheet, 0).expect("a page").expect("the first");
    let (page, inch) = read(&bytes);
    assert_eq!(inch, DOTS_PER_INCH);
    assert_eq!((page.width, page.height), (2480, 3508));
    let laid = pages(Paper::A4, Preset::Sticker, &[(128, 128)], "");
    let piece = laid[0].pieces[0];
    let times = piece.place.width / 128;
    assert_eq!(times, 4);
    let (x, y) = (piece.place.x, piece.place.y);
    for (across, down, colour) in [
        (0, 0, RED),
        (times - 1, times - 1, RED),
        (times, times, BLUE),
        (times - 1, times, RED),
        (64 * times, 64 * times, BLUE),
    ] {
        assert_eq!(dot(&page, x + across, y + down), colour, "{across} {down}");
    }
    // The rim of the picture is its ground, as far as the bleed and no further.
    let ground = piece.ground;
    assert_eq!(dot(&page, ground.x, ground.y), RED);
    assert_eq!(dot(&page, ground.x - 1, ground.y - 1), [255; 3]);
    // A mark stands on the line of the cut, outside of what is coloured.
    let mark = dot(&page, piece.cut.x, ground.y - 2);
    assert_eq!(mark, [0; 3]);
    assert_eq!(dot(&page, piece.cut.x + 10, ground.y - 2), [255; 3]);
    let no_more = raster::png(&sheet, 1).expect("an answer");
    assert!(no_more.is_none());
}

#[test]
fn a_badge_has_a_ring_on_its_cut_and_a_mirrored_shirt_is_mirrored() {
    let mut picture = framed(128, [255; 3], [255; 3]);
    // One dark pixel at the left.
    let at = (64 * 128 + 2) * 3;
    picture.samples[at..at + 3].copy_from_slice(&[0; 3]);
    let pictures = [picture];
    let round = sheet(Paper::A4, Preset::Badge58, &pictures);
    let (page, _) = read(&raster::png(&round, 0).expect("a page").expect("the first"));
    let piece = pages(Paper::A4, Preset::Badge58, &[(128, 128)], "")[0].pieces[0];
    assert_eq!(piece.by, Cut::Circle);
    let middle = piece.cut.y + piece.cut.height / 2;
    assert_ne!(dot(&page, piece.cut.x, middle), [255; 3]);
    assert_eq!(dot(&page, piece.cut.x + 8, middle), [255; 3]);

    let dark = |preset| {
        let shirt = sheet(Paper::A4, preset, &pictures);
        let (page, _) = read(&raster::png(&shirt, 0).expect("a page").expect("the first"));
        let piece = pages(Paper::A4, preset, &[(128, 128)], "")[0].pieces[0];
        let (times, y) = (piece.place.width / 128, piece.place.y);
        let row = (0..128).map(|x| dot(&page, piece.place.x + x * times, y + 64 * times));
        row.into_iter().position(|colour| colour == [0; 3])
    };
    assert_eq!(dark(Preset::Shirt), Some(2));
    assert_eq!(dark(Preset::ShirtMirrored), Some(125));
}

#[test]
fn a_label_is_drawn_at_the_size_of_the_paper_and_stays_within_what_is_cut() {
    let pictures = [framed(128, [255; 3], [255; 3])];
    let drawn = |preset, notice| {
        let sheet = Sheet {
            notice,
            ..sheet(Paper::A4, preset, &pictures)
        };
        let bytes = raster::png(&sheet, 0).expect("a page").expect("the first");
        read(&bytes).0
    };
    for preset in Preset::ALL {
        let piece = pages(Paper::A4, preset, &[(128, 128)], "")[0].pieces[0];
        let (bare, labelled) = (drawn(preset, None), drawn(preset, Some(Words::German)));
        let (place, cut) = (piece.place, piece.cut);
        let mut covered = Vec::new();
        for y in cut.y..cut.y + cut.height {
            for x in cut.x..cut.x + cut.width {
                if dot(&bare, x, y) != dot(&labelled, x, y) {
                    covered.push((x, y));
                }
            }
        }
        let rows: std::collections::BTreeSet<u32> = covered.iter().map(|(_, y)| *y).collect();
        let least = place.height.div_ceil(20);
        assert!(rows.len() as u32 > least, "{preset:?}: {}", rows.len());
        // Dots, not the squares that pixels became.
        if place.width >= 4 * 128 {
            let odd = covered.iter().filter(|(x, _)| (x - place.x) % 4 != 0);
            assert!(odd.count() > covered.len() / 2);
            let (first, _) = covered[0];
            assert!(first >= place.x);
        }
        let middle = (cut.x + cut.width / 2, cut.y + cut.height / 2);
        let radius = cut.width / 2;
        for (x, y) in &covered {
            if piece.by == Cut::Circle {
                let (dx, dy) = (x.abs_diff(middle.0), y.abs_diff(middle.1));
                assert!(dx * dx + dy * dy <= radius * radius, "{preset:?}: lost");
            }
        }
        let left = covered.iter().filter(|(x, _)| *x < middle.0).count();
        match preset {
            Preset::ShirtMirrored => assert_eq!(left, covered.len()),
            Preset::Badge32 | Preset::Badge58 => {
                assert!(left.abs_diff(covered.len() / 2) < covered.len() / 10);
            }
            _ => assert_eq!(left, 0, "{preset:?}"),
        }
    }
}

#[test]
fn what_is_made_smaller_is_the_mean_of_what_it_covers() {
    let mut samples = Vec::new();
    for y in 0..4u8 {
        for x in 0..4u8 {
            samples.extend([x * 10, y * 10, 100]);
        }
    }
    let picture = Picture {
        width: 4,
        height: 4,
        samples,
    };
    let half = raster::smaller(&picture, 2, 2);
    assert_eq!(half.samples[..3], [5, 5, 100]);
    assert_eq!(half.samples[9..], [25, 25, 100]);
    // By three quarters: a pixel takes part of its neighbour.
    let odd = raster::smaller(&picture, 3, 3);
    assert_eq!(odd.samples[..3], [3, 3, 100]);
    let plain = framed(128, RED, RED);
    assert!(
        raster::smaller(&plain, 83, 83)
            .samples
            .chunks(3)
            .all(|p| p == RED)
    );
}

#[test]
fn a_caption_fits_its_lines_in_every_script_and_says_when_it_is_cut() {
    let room = 2291;
    let long = "a patient fox on a very small planet ".repeat(20);
    for text in [
        "short",
        &long,
        &"一只耐心的狐狸住在一颗很小很小的星球上".repeat(20),
        &"x".repeat(2_000),
        "",
    ] {
        let lines = font::wrapped(text, room, 3);
        assert!(lines.len() <= 3);
        for line in &lines {
            assert!(font::width(line) <= room, "{line}");
        }
        let whole = lines.concat().replace(' ', "") == text.replace(' ', "");
        let said = lines.last().is_some_and(|line| line.ends_with('…'));
        assert!(whole != said, "{text}: {lines:?}");
    }
    assert_eq!(font::wrapped("one two", 100, 3), ["one", "two"]);
    assert!(
        font::rows("生").iter().flatten().any(|ink| *ink),
        "it has letters for Chinese"
    );
}

#[test]
fn a_document_holds_each_picture_once_at_its_size_and_names_no_font() {
    let pictures = [framed(128, RED, BLUE), framed(128, BLUE, RED)];
    let sheet = sheet(Paper::A4, Preset::Sticker, &pictures);
    let bytes = document::pdf(&sheet, "Red fox").expect("a document");
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.starts_with("%PDF-"));
    assert_eq!(text.matches("/Predictor 15").count(), 2);
    assert!(
        !text.contains("/Font"),
        "a print shop refuses what it lacks"
    );
    assert!(text.contains("/PrintScaling /None") && text.contains(XMP));
    // 210 × 297 mm in points, to a thousandth.
    assert!(text.contains("/MediaBox [0 0 595.2 841.92"), "{text:.800}");
    assert_eq!(bytes, document::pdf(&sheet, "Red fox").expect("the same"));
}
