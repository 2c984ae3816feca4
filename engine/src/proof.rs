//! Fixed recipes whose digests are published with the embedded model, so that any two machines can be compared.
//!
//! The one rule: the list never changes for a model; a new model brings a new list of digests. The first four are the short form.

use crate::error::{Error, ErrorKind};
use crate::model::{Model, Size};
use crate::picture::Picture;
use crate::pipeline::{Options, Request, Start};
use schema::digest::Digest;
use schema::recipe::{Noise, Profile, Scheduler};
use std::sync::Arc;

/// How many recipes there are.
pub const COUNT: usize = 32;
/// How many of them the short form takes.
pub const SHORT: usize = 4;

const PUBLISHED: &str = include_str!("../model/digests.txt");

/// Prompts in three languages, of one token to many; three of them with a negative prompt.
const PROMPTS: [(&str, Option<&str>); COUNT] = [
    ("red apple, 3d style", None),
    ("猫脸, 扁平风格", None),
    ("zweimal Rakete, Noto-Stil", None),
    ("a blue fox on a yellow background", Some("cat")),
    ("fire", None),
    ("", None),
    ("grinning face, fluent style", None),
    ("snowman, flat style", Some("")),
    ("三个苹果, 3d风格", None),
    ("Fahrrad auf gelbem Hintergrund", None),
    ("flag: germany, twemoji style", None),
    ("face with tears of joy, 3d style", None),
    ("cat next to rocket, 3d style", None),
    ("熊猫", None),
    ("house with garden, noto style", Some("snow, night")),
    ("dragon, fluent style", None),
    ("hamburger, flat style", None),
    ("guitar on a blue background, twemoji style", None),
    ("Ünïcödé Straße 𝒜 ☃", None),
    ("thumbs up: medium skin tone, 3d style", None),
    ("smiling cat with heart-eyes", None),
    ("红色背景上的火箭, 流畅风格", None),
    ("Sonnenblume neben Pizza", None),
    ("clown face, noto style", None),
    ("purple octopus, fluent style", None),
    ("雪人和企鹅, 3d风格", None),
    ("four strawberries", None),
    ("dunkle Wolke mit Regen, flacher Stil", None),
    ("robot, twemoji style", None),
    ("green heart, 3d style", None),
    ("一个蓝色的汉堡", None),
    ("Kaktus in Rosa, 3D-Stil", None),
];

/// The fixed recipes for a model; every noise, several guidances, step counts and, where there is one, shifts take part.
///
/// # Errors
/// When the model offers no size.
pub fn requests(model: &Model) -> Result<Vec<Request>, Error> {
    let size = model
        .manifest
        .sizes
        .first()
        .ok_or_else(|| Error::new(ErrorKind::NotOffered, "the model offers no size"))?;
    let request = |(number, (prompt, negative)): (u64, &(&str, Option<&str>))| Request {
        model: model.digest,
        profile: Profile::Portable1,
        prompt: (*prompt).to_owned(),
        negative: negative
            .filter(|_| model.manifest.takes_negative())
            .map(str::to_owned),
        // Beyond 32 bits only for philox; the others refuse it.
        seed: if number % 8 < 6 {
            number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
        } else {
            number * 1_000_003
        },
        noise: match number % 8 {
            6 => Noise::TorchCpu,
            7 => Noise::Numpy,
            _ => Noise::Philox,
        },
        scheduler: match model.manifest.scheduler {
            Scheduler::FlowEuler { .. } => Scheduler::FlowEuler {
                shift_milli: if number % 5 == 4 { 2000 } else { 1000 },
            },
            other => other,
        },
        steps: match number {
            0..4 => 2,
            12 => model.manifest.steps,
            _ => 3 + (number % 3) as u32,
        },
        guidance_milli: [3000, 1000, 4500, 2250][(number % 4) as usize],
        width: size.width,
        height: size.height,
        options: Options {
            tile: model.manifest.usual_tile(*size),
            ..Options::default()
        },
        start: model.manifest.paints_into().then(|| start(*size)),
    };
    Ok((0..).zip(&PROMPTS).map(request).collect())
}

/// A picture of gradients whose right half is painted anew, for a model that paints into one.
fn start(size: Size) -> Start {
    let (width, height) = (size.width, size.height);
    let picture = |pixel: &dyn Fn(u32, u32) -> [u8; 3]| {
        let samples = (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y)));
        Arc::new(Picture {
            width,
            height,
            samples: samples.collect(),
        })
    };
    Start {
        picture: picture(&|x, y| [(x % 256) as u8, (y % 256) as u8, ((x + y) % 256) as u8]),
        strength_milli: 1000,
        mask: Some(picture(&|x, _| [if x >= width / 2 { 255 } else { 0 }; 3])),
    }
}

/// The published BLAKE3 pixel digests of [`requests`], when they were taken with this model.
///
/// # Errors
/// `ErrorKind::Missing` when none are published for the model; `ErrorKind::Malformed` when the list cannot be read.
pub fn published(model: &Model) -> Result<Vec<Digest>, Error> {
    let mut lines = PUBLISHED.lines();
    let of = lines.next().unwrap_or_default();
    if of != model.digest.to_string() {
        return Err(Error::new(
            ErrorKind::Missing,
            format!("no digests are published for the model {}", model.digest),
        ));
    }
    lines
        .map(|line| {
            Digest::parse(line, "digests.txt")
                .map_err(|error| Error::new(ErrorKind::Malformed, error.to_string()))
        })
        .collect()
}
