//! Prints of the model's own pictures: the sheets beside the embedded model.
//!
//! The one rule: a picture that was only saved anew is near itself and far from all others.

use search::Print;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

/// Prints that differ in more bits are of other pictures, as the index has it.
const NEAR: u32 = 14;
const SIDE: usize = 128;
/// Pictures of different things.
const DIFFERENT: usize = 144;

/// A picture of 8-bit RGB samples.
#[derive(Clone)]
struct Picture {
    side: usize,
    samples: Vec<u8>,
}

impl Picture {
    fn print(&self) -> Print {
        Print::of(self.side, self.side, &self.samples).expect("a print")
    }

    /// The same in another size, by the mean of what falls into a pixel.
    fn scaled(&self, side: usize) -> Self {
        let mut samples = Vec::with_capacity(side * side * 3);
        for y in 0..side {
            for x in 0..side {
                for channel in 0..3 {
                    let (from, to) = (
                        |at: usize| at * self.side / side,
                        |at: usize| ((at + 1) * self.side).div_ceil(side),
                    );
                    let (mut sum, mut count) = (0_usize, 0);
                    for row in from(y)..to(y) {
                        for column in from(x)..to(x) {
                            sum +=
                                usize::from(self.samples[(row * self.side + column) * 3 + channel]);
                            count += 1;
                        }
                    }
                    samples.push(u8::try_from(sum / count).expect("a mean of bytes"));
                }
            }
        }
        Self { side, samples }
    }

    /// With other samples, each of its own place.
    fn with(&self, change: impl Fn(usize, u8) -> i32) -> Self {
        let samples = self.samples.iter().enumerate();
        let samples = samples
            .map(|(at, sample)| u8::try_from(change(at, *sample).clamp(0, 255)).expect("clamped"));
        Self {
            side: self.side,
            samples: samples.collect(),
        }
    }
}

fn pictures() -> Vec<Picture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../engine/model/sheets");
    let mut pictures = Vec::new();
    for sheet in ["seen", "held_out", "composed", "multilingual"] {
        let file = File::open(folder.join(format!("{sheet}.png"))).expect("a sheet");
        let mut reader = png::Decoder::new(std::io::BufReader::new(file))
            .read_info()
            .expect("a picture");
        let mut samples = vec![0; reader.output_buffer_size().expect("a size")];
        let info = reader.next_frame(&mut samples).expect("samples");
        let (width, height) = (info.width as usize, info.height as usize);
        for top in (0..height).step_by(SIDE) {
            for left in (0..width).step_by(SIDE) {
                let lines = (top..top + SIDE).flat_map(|row| {
                    &samples[(row * width + left) * 3..(row * width + left + SIDE) * 3]
                });
                pictures.push(Picture {
                    side: SIDE,
                    samples: lines.copied().collect(),
                });
            }
        }
    }
    pictures
}

/// What a shop, a chat or a camera roll does to a picture.
fn copies(picture: &Picture) -> Vec<(&'static str, Picture)> {
    let noise = |at: usize| i32::try_from((at * 7919) % 13).expect("small") - 6;
    let labelled = |at: usize, sample: u8| {
        let (row, column) = (at / 3 / SIDE, at / 3 % SIDE);
        if row >= 109 && column >= 78 {
            40
        } else {
            i32::from(sample)
        }
    };
    vec![
        ("half the size", picture.scaled(64)),
        ("twice the size", picture.scaled(256)),
        ("an odd size", picture.scaled(97)),
        (
            "noise of lossy files",
            picture.with(|at, sample| i32::from(sample) + noise(at)),
        ),
        (
            "a little darker",
            picture.with(|_, sample| i32::from(sample) * 92 / 100),
        ),
        ("a label in the corner", picture.with(labelled)),
    ]
}

#[test]
fn a_picture_saved_anew_is_near_itself_and_far_from_all_others() {
    let pictures = pictures();
    let prints: Vec<Print> = pictures.iter().map(Picture::print).collect();
    // The last sheet shows the same things three times: prompts in three languages.
    let different = &prints[..DIFFERENT];
    let mut pairs = Vec::new();
    for (at, print) in different.iter().enumerate() {
        pairs.extend(
            different[at + 1..]
                .iter()
                .map(|other| print.distance(*other)),
        );
    }
    pairs.sort_unstable();
    println!(
        "{} pictures, the nearest of different ones {:?}",
        pictures.len(),
        &pairs[..12]
    );
    let mut by_kind: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for (picture, print) in pictures.iter().zip(&prints).step_by(3) {
        for (kind, copy) in copies(picture) {
            by_kind
                .entry(kind)
                .or_default()
                .push(print.distance(copy.print()));
        }
    }
    for (kind, distances) in &mut by_kind {
        distances.sort_unstable();
        let at = |share: usize| distances[(distances.len() - 1) * share / 100];
        println!(
            "{kind}: middle {}, 95 % {}, most {}",
            at(50),
            at(95),
            at(100)
        );
    }
    let copied: usize = by_kind.values().map(Vec::len).sum();
    for near in [8, NEAR, 20] {
        let missed = by_kind
            .values()
            .flatten()
            .filter(|distance| **distance > near)
            .count();
        let confused = pairs.iter().filter(|distance| **distance <= near).count();
        println!(
            "near {near}: {missed} of {} copies missed, {confused} of {} pairs taken for one",
            copied,
            pairs.len()
        );
        if near == NEAR {
            assert!(missed * 100 <= copied * 3, "{missed} copies are not found");
            assert!(
                confused * 3000 <= pairs.len(),
                "{confused} pairs are taken for one"
            );
        }
    }
}
