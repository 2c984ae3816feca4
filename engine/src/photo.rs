//! A picture as people bring it: PNG, JPEG or WebP, of any size, with or without transparency.
//!
//! The one rule: it is bounded before it is decoded, and decoded once: what a recipe begins with is our own PNG of the result, because two decoders
//! need not agree on a JPEG.

use crate::error::{Error, ErrorKind};
use crate::model::Size;
use crate::picture::Picture;
use image::imageops::{self, FilterType};
use image::{DynamicImage, GrayImage, ImageDecoder as _, ImageReader, Limits, RgbaImage};
use std::io::Cursor;

/// The largest file.
pub const MAX_BYTES: usize = 24 * 1024 * 1024;
/// The longest side, in pixels.
const MAX_SIDE: u32 = 8192;
/// What a decoder may take, and the most pixels that are looked at.
const MAX_DECODED_BYTES: u64 = 4 * 4096 * 4096;
/// Below it, a pixel counts as a hole.
const HALF: u8 = 128;

/// A decoded picture, upright.
pub struct Photo(RgbaImage);

impl Photo {
    /// Decodes a file and turns it as its camera says.
    ///
    /// # Errors
    /// `ErrorKind::Malformed` when it is too large, or no PNG, JPEG or WebP.
    pub fn read(file: &[u8]) -> Result<Self, Error> {
        let refused = |why: String| Error::new(ErrorKind::Malformed, why);
        if file.len() > MAX_BYTES {
            let megabytes = MAX_BYTES / 1024 / 1024;
            return Err(refused(format!("the picture is over {megabytes} MB")));
        }
        let unreadable =
            |error: image::ImageError| refused(format!("the picture cannot be read: {error}"));
        let mut reader = ImageReader::new(Cursor::new(file))
            .with_guessed_format()
            .map_err(|error| refused(format!("the picture cannot be read: {error}")))?;
        let mut limits = Limits::default();
        limits.max_image_width = Some(MAX_SIDE);
        limits.max_image_height = Some(MAX_SIDE);
        limits.max_alloc = Some(MAX_DECODED_BYTES);
        reader.limits(limits);
        let mut decoder = reader.into_decoder().map_err(unreadable)?;
        let (width, height) = decoder.dimensions();
        if u64::from(width) * u64::from(height) * 4 > MAX_DECODED_BYTES {
            return Err(refused(format!(
                "the picture has {width}×{height} pixels; 4096×4096 are read at most"
            )));
        }
        let turned = decoder.orientation().map_err(unreadable)?;
        let mut decoded = DynamicImage::from_decoder(decoder).map_err(unreadable)?;
        decoded.apply_orientation(turned);
        Ok(Self(decoded.into_rgba8()))
    }

    /// What is transparent lies on white.
    #[must_use]
    pub fn on_white(&self) -> Picture {
        let over = |value: u8, alpha: u8| {
            let alpha = u32::from(alpha);
            // At most 255.
            ((u32::from(value) * alpha + 255 * (255 - alpha) + 127) / 255) as u8
        };
        let mut samples = Vec::with_capacity(self.0.len() / 4 * 3);
        for pixel in self.0.pixels() {
            samples.extend([0, 1, 2].map(|channel| over(pixel[channel], pixel[3])));
        }
        let (width, height) = self.0.dimensions();
        Picture {
            width,
            height,
            samples,
        }
    }

    /// On white, scaled until it covers a size and cut about its middle; one of that very size stays as it is, pixel for pixel.
    #[must_use]
    pub fn fitted(&self, size: Size) -> Picture {
        let whole = self.on_white();
        let pixels = image::RgbImage::from_raw(whole.width, whole.height, whole.samples);
        let pixels = DynamicImage::from(pixels.unwrap_or_default());
        let fitted = fit(pixels, size, FilterType::Lanczos3).into_rgb8();
        Picture {
            width: size.width,
            height: size.height,
            samples: fitted.into_raw(),
        }
    }

    /// White where the picture has holes, black elsewhere; nothing for a picture without.
    #[must_use]
    pub fn holes(&self, size: Size) -> Option<Picture> {
        if self
            .0
            .as_raw()
            .chunks_exact(4)
            .all(|pixel| pixel[3] >= HALF)
        {
            return None;
        }
        let hole = |alpha: u8| if alpha < HALF { 255 } else { 0 };
        let holes = self.0.pixels().map(|pixel| hole(pixel[3]));
        let mask = self.black_and_white(holes.collect(), size);
        mask.samples.contains(&255).then_some(mask)
    }

    /// White where the picture is bright, black elsewhere.
    #[must_use]
    pub fn bright(&self, size: Size) -> Picture {
        let whole = self.on_white();
        let bright = |pixel: &[u8]| {
            let sum: u32 = pixel.iter().copied().map(u32::from).sum();
            if sum >= 3 * u32::from(HALF) { 255 } else { 0 }
        };
        let values = whole.samples.chunks_exact(3).map(bright).collect();
        self.black_and_white(values, size)
    }

    fn black_and_white(&self, values: Vec<u8>, size: Size) -> Picture {
        let (width, height) = self.0.dimensions();
        let pixels = GrayImage::from_raw(width, height, values).unwrap_or_default();
        let fitted = fit(pixels.into(), size, FilterType::Nearest).into_luma8();
        let samples = fitted.into_raw().into_iter().flat_map(|value| [value; 3]);
        Picture {
            width: size.width,
            height: size.height,
            samples: samples.collect(),
        }
    }
}

fn fit(pixels: DynamicImage, size: Size, filter: FilterType) -> DynamicImage {
    if (pixels.width(), pixels.height()) == (size.width, size.height) {
        return pixels;
    }
    // The part of the shape that is wanted, about the middle; then one filter, so that nothing is scaled twice.
    let (width, height) = (u64::from(pixels.width()), u64::from(pixels.height()));
    let (wide, high) = (u64::from(size.width), u64::from(size.height));
    let across = (height * wide / high.max(1)).clamp(1, width) as u32;
    let down = (width * high / wide.max(1)).clamp(1, height) as u32;
    let left = (pixels.width() - across) / 2;
    let top = (pixels.height() - down) / 2;
    let part = imageops::crop_imm(&pixels, left, top, across, down).to_image();
    DynamicImage::from(part).resize_exact(size.width, size.height, filter)
}

#[cfg(test)]
mod tests {
    use super::Photo;
    use crate::model::Size;
    use crate::picture::Picture;
    use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
    use std::io::Cursor;

    fn file(pixels: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        pixels.write_to(&mut file, format).expect("a file");
        file.into_inner()
    }

    /// Left half red, right half blue; the lower right quarter is a hole.
    fn flag(width: u32, height: u32) -> RgbaImage {
        RgbaImage::from_fn(width, height, |x, y| {
            match (x < width / 2, y < height / 2) {
                (true, _) => Rgba([255, 0, 0, 255]),
                (false, true) => Rgba([0, 0, 255, 255]),
                (false, false) => Rgba([0, 0, 255, 0]),
            }
        })
    }

    const SMALL: Size = Size {
        width: 8,
        height: 8,
    };

    #[test]
    fn a_picture_of_the_wanted_size_stays_as_it_is() {
        let samples: Vec<u8> = (0..8 * 8 * 3).map(|at| (at * 37 % 251) as u8).collect();
        let picture = Picture {
            width: 8,
            height: 8,
            samples,
        };
        let photo = Photo::read(&picture.to_png(None).expect("a file")).expect("a photo");
        assert_eq!(photo.fitted(SMALL), picture);
        assert!(photo.holes(SMALL).is_none());
    }

    #[test]
    fn another_shape_is_cut_about_its_middle_and_holes_are_where_they_were() {
        let photo = file(&flag(64, 32).into(), ImageFormat::Png);
        let photo = Photo::read(&photo).expect("a photo");
        let fitted = photo.fitted(SMALL);
        assert_eq!(&fitted.samples[..3], &[255, 0, 0]);
        assert_eq!(&fitted.samples[7 * 3..8 * 3], &[0, 0, 255]);
        let holes = photo.holes(SMALL).expect("a hole");
        let white = holes.samples.iter().filter(|value| **value == 255).count();
        assert_eq!(white, 4 * 4 * 3);
        assert_eq!(holes.samples.last(), Some(&255));
    }

    #[test]
    fn a_mask_may_be_grey() {
        let grey =
            image::GrayImage::from_fn(16, 16, |x, _| image::Luma([if x < 8 { 20 } else { 200 }]));
        let photo = Photo::read(&file(&grey.into(), ImageFormat::Png)).expect("a photo");
        let mask = photo.bright(SMALL);
        assert_eq!(&mask.samples[..3], &[0, 0, 0]);
        assert_eq!(&mask.samples[7 * 3..8 * 3], &[255, 255, 255]);
    }

    #[test]
    fn jpeg_and_webp_are_read_and_what_is_no_picture_says_so() {
        let flat = DynamicImage::from(DynamicImage::from(flag(32, 32)).into_rgb8());
        for format in [ImageFormat::Jpeg, ImageFormat::WebP] {
            let photo = Photo::read(&file(&flat, format)).expect("a photo");
            let fitted = photo.fitted(SMALL);
            assert!(
                fitted.samples[0] > 200 && fitted.samples[2] < 60,
                "{format:?}"
            );
        }
        let error = Photo::read(b"not a picture").err().expect("refused");
        assert!(error.to_string().contains("cannot be read"), "{error}");
        let whole = file(&flat, ImageFormat::Png);
        assert!(Photo::read(&whole[..whole.len() / 2]).is_err());
    }

    #[test]
    fn a_file_that_claims_more_than_may_be_decoded_is_refused_before_it_is() {
        let mut file = file(&DynamicImage::from(flag(8, 8)), ImageFormat::Png);
        // Width and height stand behind signature and IHDR; the checksum is made anew.
        file[16..24].copy_from_slice(&[0, 0, 0x1f, 0xff, 0, 0, 0x1f, 0xff]);
        let sum = {
            let mut sum = flate2::Crc::new();
            sum.update(&file[12..29]);
            sum.sum()
        };
        file[29..33].copy_from_slice(&sum.to_be_bytes());
        let error = Photo::read(&file).err().expect("refused");
        assert!(error.to_string().contains("picture"), "{error}");
    }
}
