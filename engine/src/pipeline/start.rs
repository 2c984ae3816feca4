//! What a run begins with: noise, a picture under noise, or a picture of which a part is painted anew.
//!
//! The one rule: draws come in one order: the picture's place in the latent, the noise, the masked picture's place, the steps.

use super::Request;
use crate::error::{Error, ErrorKind};
use crate::family::{Driver, Encoded};
use crate::picture::Picture;
use crate::rng::{self, Stream};
use crate::scheduler::Scheduler;
use schema::digest::Digest;
use schema::recipe::Init;
use std::sync::Arc;

/// The picture that a run begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The picture, of the recipe's size.
    pub picture: Arc<Picture>,
    /// How much of the run is made, in thousandths: at 1000 little is left of the picture.
    pub strength_milli: u32,
    /// White is painted anew, black stays.
    pub mask: Option<Arc<Picture>>,
}

/// Pictures by their digest, for recipes that begin with one.
#[derive(Clone, Debug, Default)]
pub struct Pictures(Vec<(Digest, Arc<Picture>)>);

impl Pictures {
    /// Reads PNG files.
    ///
    /// # Errors
    /// `ErrorKind::Malformed` when one is no 8-bit RGB PNG.
    pub fn of_files(files: &[Vec<u8>]) -> Result<Self, Error> {
        let mut pictures = Self::default();
        for file in files {
            pictures.add(Picture::from_png(file)?)?;
        }
        Ok(pictures)
    }

    /// Adds a picture.
    ///
    /// # Errors
    /// Never for a picture of consistent size.
    pub fn add(&mut self, picture: Picture) -> Result<Digest, Error> {
        let digest = picture.digest()?.blake3;
        self.0.push((digest, Arc::new(picture)));
        Ok(digest)
    }

    fn named(&self, digest: &Digest) -> Result<Arc<Picture>, Error> {
        let found = self.0.iter().find(|(known, _)| known == digest);
        found.map(|(_, picture)| picture.clone()).ok_or_else(|| {
            let message = format!("the recipe begins with the picture {digest}, which is not here");
            Error::new(ErrorKind::Missing, message)
        })
    }

    /// The PNG files of what a recipe begins with, as a bundle carries them.
    ///
    /// # Errors
    /// `ErrorKind::Missing` naming the digest of one that is not here.
    pub fn files(&self, init: &Init) -> Result<Vec<Vec<u8>>, Error> {
        let digests = std::iter::once(&init.pixels).chain(&init.mask);
        digests
            .map(|digest| self.named(digest)?.to_png(None))
            .collect()
    }

    /// What a recipe begins with.
    pub(super) fn start(&self, init: &Init) -> Result<Start, Error> {
        Ok(Start {
            picture: self.named(&init.pixels)?,
            strength_milli: init.strength_milli,
            mask: match &init.mask {
                Some(mask) => Some(self.named(mask)?),
                None => None,
            },
        })
    }
}

/// Where a run begins.
pub(super) struct Begun {
    pub(super) latent: Vec<f32>,
    pub(super) run: usize,
    pub(super) kept: Option<Kept>,
}

/// The part of a picture that stays, for a model that does not read masks.
pub(super) struct Kept {
    picture: Vec<f32>,
    noise: Vec<f32>,
    mask: Vec<f32>,
}

impl Kept {
    /// Puts what stays over what was made, under as much noise as the next run expects.
    pub(super) fn put_back(&self, scheduler: &dyn Scheduler, run: usize, latent: &mut [f32]) {
        let next = run + 1;
        let noised = match next < scheduler.timesteps().len() {
            true => scheduler.noised(next, &self.picture, &self.noise),
            false => self.picture.clone(),
        };
        for ((value, stays), mask) in latent.iter_mut().zip(noised).zip(&self.mask) {
            *value = (1.0 - mask) * stays + mask * *value;
        }
    }
}

/// A place in the latent that the encoder takes the picture for.
fn sampled(encoded: Encoded, stream: &mut Stream) -> Result<Vec<f32>, Error> {
    let Some(deviation) = encoded.deviation else {
        return Ok(encoded.mean);
    };
    let drawn = stream.draw(encoded.mean.len())?;
    let around = deviation.iter().zip(&drawn).map(|(d, noise)| d * noise);
    Ok(encoded
        .mean
        .iter()
        .zip(around)
        .map(|(mean, off)| mean + off)
        .collect())
}

pub(super) fn begin(
    request: &Request,
    driver: &mut dyn Driver,
    scheduler: &mut dyn Scheduler,
    shape: [usize; 3],
    stream: &mut Stream,
) -> Result<Begun, Error> {
    let size: usize = shape.iter().product();
    let Some(start) = &request.start else {
        let scale = scheduler.start_scale();
        let noise = noise(request, stream, size)?;
        return Ok(Begun {
            latent: noise.into_iter().map(|value| value * scale).collect(),
            run: 0,
            kept: None,
        });
    };
    if !driver.takes_pictures() {
        return Err(Error::new(
            ErrorKind::NotOffered,
            "image to image is not offered by this model: it has no encoder for pictures that could be made portable",
        ));
    }
    check_size("the starting picture", &start.picture, request)?;
    let (steps, strength) = (request.steps as usize, start.strength_milli as usize);
    let run = match driver.is_told_guidance() && scheduler.shorten(start.strength_milli)? {
        true => 0,
        false => {
            let made = (steps * strength / 1000).min(steps);
            if made == 0 {
                return Err(Error::new(
                    ErrorKind::NotOffered,
                    format!(
                        "a strength of {}.{:03} leaves none of {steps} steps: raise one of them",
                        strength / 1000,
                        strength % 1000
                    ),
                ));
            }
            scheduler.begin(steps - made)
        }
    };
    let whole = start.mask.is_some() && strength == 1000;
    let values = start.picture.to_encoder();
    // A model that reads the masked picture is not shown the whole one where nothing of it is left.
    let picture = match whole && driver.reads_masks() {
        true => Vec::new(),
        false => sampled(driver.encode(&values)?, stream)?,
    };
    let noise = noise(request, stream, size)?;
    let latent = match whole {
        true => {
            let scale = scheduler.start_scale();
            noise.iter().map(|value| value * scale).collect()
        }
        false => scheduler.noised(run, &picture, &noise),
    };
    let Some(mask) = &start.mask else {
        return Ok(Begun {
            latent,
            run,
            kept: None,
        });
    };
    check_size("the mask", mask, request)?;
    let cells = cells(mask, shape);
    let masked = sampled(driver.encode(&masked(values, mask))?, stream)?;
    let kept = match driver.reads_masks() {
        true => {
            driver.mask(&cells, &masked);
            None
        }
        false => Some(Kept {
            picture,
            noise,
            mask: cells.repeat(shape[0]),
        }),
    };
    Ok(Begun { latent, run, kept })
}

/// The starting noise, a second one mixed into it where the recipe says so.
fn noise(request: &Request, stream: &mut Stream, size: usize) -> Result<Vec<f32>, Error> {
    let first = stream.draw(size)?;
    let Some(variation) = request.options.variation else {
        return Ok(first);
    };
    let second = rng::normal(request.noise, variation.seed.0, size)?;
    let strength = (f64::from(variation.strength_milli) / 1000.0) as f32;
    Ok(rng::mixed(strength, &first, &second))
}

/// Whether a pixel is painted anew.
fn is_white(mask: &Picture, at: usize) -> bool {
    mask.samples.get(at * 3).is_some_and(|value| *value >= 128)
}

fn check_size(what: &str, picture: &Picture, request: &Request) -> Result<(), Error> {
    let (found, wanted) = (
        (picture.width, picture.height),
        (request.width, request.height),
    );
    if found == wanted {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::NotOffered,
        format!(
            "{what} is {}×{}; the recipe makes {}×{}",
            found.0, found.1, wanted.0, wanted.1
        ),
    ))
}

/// The mask by cell of the latent: that of the pixel at the cell's corner.
fn cells(mask: &Picture, [_, down, across]: [usize; 3]) -> Vec<f32> {
    let (width, height) = (mask.width as usize, mask.height as usize);
    let white = |cell: usize| {
        let (y, x) = (
            cell / across * height / down,
            cell % across * width / across,
        );
        f32::from(u8::from(is_white(mask, y * width + x)))
    };
    (0..down * across).map(white).collect()
}

/// An encoder's input without what is painted anew: the middle grey stands there.
fn masked(mut values: Vec<f32>, mask: &Picture) -> Vec<f32> {
    let plane = values.len() / 3;
    for (at, value) in values.iter_mut().enumerate() {
        if is_white(mask, at % plane.max(1)) {
            *value = 0.0;
        }
    }
    values
}
