//! Copies: their size, their notice, what is written into them, and whose they are.

use super::copy::{self, Format, scale};
use super::place::{Place, Shape, is_shown};
use super::{Pictures, Wanted};
use crate::catalog::service::Viewer;
use crate::testing::{Bought, Listing, Person, Version, named};
use base::db::execute;
use base::lang::Lang;
use base::media::Media;
use base::testing::databases;
use engine::picture::Picture;
use schema::id::VersionId;

fn painted(width: u32, height: u32) -> Picture {
    let samples = (0..width * height * 3).map(|at| ((at * 7919) % 251) as u8);
    Picture {
        width,
        height,
        samples: samples.collect(),
    }
}

/// Names of a WebP file's chunks, and the packet among them.
fn chunks(file: &[u8]) -> (Vec<String>, String) {
    assert_eq!((&file[..4], &file[8..12]), (&b"RIFF"[..], &b"WEBP"[..]));
    let length = u32::from_le_bytes(file[4..8].try_into().expect("four bytes")) as usize;
    assert_eq!(length + 8, file.len());
    let (mut at, mut names, mut packet) = (12, Vec::new(), String::new());
    while at < file.len() {
        let name = String::from_utf8_lossy(&file[at..at + 4]).into_owned();
        let size =
            u32::from_le_bytes(file[at + 4..at + 8].try_into().expect("four bytes")) as usize;
        if name == "XMP " {
            packet = String::from_utf8_lossy(&file[at + 8..at + 8 + size]).into_owned();
        }
        names.push(name);
        at += 8 + size + size % 2;
    }
    (names, packet)
}

#[test]
fn a_small_picture_is_shown_in_whole_multiples_and_a_large_one_is_made_smaller() {
    for (place, size, shown, sides) in [
        (Place::Card, (128, 128), (128, 128), vec![128, 256, 384]),
        (Place::Card, (256, 256), (128, 128), vec![128, 256, 256]),
        (Place::Card, (512, 256), (128, 64), vec![128, 256, 384]),
        (Place::Line, (128, 128), (64, 64), vec![64, 128, 128]),
        (Place::Stage, (128, 128), (384, 384), vec![384, 768]),
        (Place::Stage, (256, 256), (512, 512), vec![512, 1024]),
        (Place::Stage, (96, 64), (288, 192), vec![288, 576]),
        (Place::Zoom, (128, 128), (1024, 1024), vec![1024]),
    ] {
        let shape = Shape::of(place, size.0, size.1);
        assert_eq!((shape.width, shape.height), shown, "{place:?} {size:?}");
        assert_eq!(shape.sides, sides, "{place:?} {size:?}");
        for side in sides {
            assert!(is_shown(size.0, size.1, side));
        }
        assert!(!is_shown(size.0, size.1, 130));
    }
}

#[test]
fn a_multiple_repeats_each_pixel_and_half_the_size_is_their_mean() {
    let picture = painted(5, 4);
    let doubled = scale(&picture, 10);
    assert_eq!((doubled.width, doubled.height), (10, 8));
    for (x, y) in [(0, 0), (9, 7), (4, 3)] {
        let from = ((y / 2 * 5 + x / 2) * 3) as usize;
        let to = ((y * 10 + x) * 3) as usize;
        assert_eq!(doubled.samples[to..to + 3], picture.samples[from..from + 3]);
    }
    assert_eq!(scale(&doubled, 5), picture);
}

#[test]
fn a_copy_holds_pixels_and_the_label_and_no_other_text() {
    let exact = painted(128, 128).to_png(None).expect("a PNG");
    let make = |format| copy::make(&exact, "leaf-0", 256, Lang::De, format).expect("a copy");
    let (names, packet) = chunks(&make(Format::WebP));
    assert_eq!(names[0], "VP8X");
    assert!(names[1] == "VP8 " || names[1] == "VP8L", "{names:?}");
    assert_eq!(names[2..], ["XMP "]);
    for said in ["trainedAlgorithmicMedia", "TC260:AIGC", "leaf-0"] {
        assert!(packet.contains(said), "{packet}");
    }
    let png = make(Format::Png);
    let shown = Picture::from_png(&png).expect("a PNG");
    assert_eq!((shown.width, shown.height), (256, 256));
    let texts = |name: &[u8]| png.windows(4).filter(|four| *four == name).count();
    assert_eq!((texts(b"iTXt"), texts(b"tEXt"), texts(b"zTXt")), (1, 0, 0));
}

#[tokio::test]
async fn only_public_pictures_are_copied_and_only_in_sizes_that_a_place_shows() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = Media::folder(folder.path()).expect("files");
    let exact = painted(128, 128).to_png(None).expect("a PNG");
    let blob = files.put(exact.clone()).await.expect("a name");
    for test in databases().await {
        let mut tx = test.db.write().await.expect("a transaction");
        let ada = Person::named("ada").insert(&mut tx).await;
        let version = Version::new().id("fox").anchors(2);
        Listing::of(&ada).version(version).insert(&mut tx).await;
        let sql = "update anchor set blob = $1, width = 128, height = 128 where idx = 0";
        execute!(&mut tx, sql, &blob).expect("its exact file");
        tx.commit().await.expect("a commit");
        let pictures = Pictures::default();
        let fox = named::<VersionId>("fox");
        let wanted = |labelled: String, side| Wanted {
            labelled,
            side,
            lang: Lang::Zh,
            format: Format::WebP,
        };
        let labelled = |index| format!("{fox} {index} labelled");
        let look = async |wanted, viewer| {
            let found = pictures.find(&test.db, &files, wanted, viewer).await?;
            Ok::<_, super::Error>(found.map(|found| found.copy))
        };
        let find = async |wanted| look(wanted, Viewer::Anybody).await;
        let copy = find(wanted(labelled(0), 256)).await.expect("an answer");
        let copy = copy.expect("a copy");
        assert!(copy.bytes.len() <= 12 * 1024 && copy.bytes.starts_with(b"RIFF"));
        let again = find(wanted(labelled(0), 256)).await.expect("an answer");
        assert!(std::sync::Arc::ptr_eq(&copy, &again.expect("a copy")));
        // The exact file has no address, and neither has a size that nothing shows.
        for (name, side) in [(blob.clone(), 256), (labelled(0), 200), (labelled(7), 256)] {
            let none = find(wanted(name.clone(), side)).await.expect("an answer");
            assert!(none.is_none(), "{name} {side}");
        }
        // A row whose file is gone is an error, and one picture that is broken leaves the others alone.
        assert!(find(wanted(labelled(1), 1)).await.is_err() || !is_shown(1, 1, 1));
        assert!(
            find(wanted(labelled(0), 128))
                .await
                .expect("an answer")
                .is_some()
        );
        let mut tx = test.db.write().await.expect("a transaction");
        let bea = Person::named("bea").insert(&mut tx).await;
        Person::named("cy").insert(&mut tx).await;
        Bought::by(&bea, "fox").insert(&mut tx).await;
        execute!(&mut tx, "update listing set state = 'withdrawn'").expect("it is withdrawn");
        tx.commit().await.expect("a commit");
        for (viewer, sees) in [
            (Viewer::Anybody, false),
            (Viewer::Person("cy"), false),
            (Viewer::Person("ada"), true),
            (Viewer::Person("bea"), true),
            (Viewer::Operator, true),
        ] {
            let found = look(wanted(labelled(0), 256), viewer).await;
            let found = found.expect("an answer").is_some();
            assert_eq!(found, sees, "{viewer:?}: what is kept is not shown to all");
        }
    }
}
