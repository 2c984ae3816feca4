//! Pictures in memory: 8-bit RGB, their digest, and PNG files.

use crate::error::{Error, ErrorKind};
use schema::pixels::{MAX_SIDE, PixelDigest};

/// An 8-bit RGB picture, row by row from the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// `width × height × 3` samples.
    pub samples: Vec<u8>,
}

impl Picture {
    /// Each pixel as a square of so many.
    #[must_use]
    pub fn enlarged(&self, times: u32) -> Self {
        let mut samples =
            Vec::with_capacity(self.samples.len() * (times as usize) * (times as usize));
        for line in self.samples.chunks_exact(self.width as usize * 3) {
            let mut wide = Vec::with_capacity(line.len() * times as usize);
            for pixel in line.chunks_exact(3) {
                for _ in 0..times {
                    wide.extend_from_slice(pixel);
                }
            }
            for _ in 0..times {
                samples.extend_from_slice(&wide);
            }
        }
        Self {
            width: self.width * times,
            height: self.height * times,
            samples,
        }
    }

    /// Rounds a decoder's output (channels first, about −1 to 1) to 8 bits: `v = x·0.5 + 0.5`, clamped, ties to even.
    ///
    /// # Errors
    /// `ErrorKind::NotFinite` when a value is NaN or infinite.
    pub fn from_decoder(width: u32, height: u32, values: &[f32]) -> Result<Self, Error> {
        let plane = width as usize * height as usize;
        if values.len() != plane * 3 {
            return Err(Error::new(
                ErrorKind::Runtime,
                format!(
                    "the decoder made {} values, {} belong",
                    values.len(),
                    plane * 3
                ),
            ));
        }
        if values.iter().any(|value| !value.is_finite()) {
            return Err(Error::new(
                ErrorKind::NotFinite,
                "the decoder made a value that is not a number",
            ));
        }
        let mut samples = Vec::with_capacity(plane * 3);
        for at in 0..plane {
            for channel in 0..3 {
                let value = (values[channel * plane + at] * 0.5 + 0.5).clamp(0.0, 1.0);
                samples.push((value * 255.0).round_ties_even() as u8);
            }
        }
        Ok(Self {
            width,
            height,
            samples,
        })
    }

    /// As an encoder reads it: channels first, `2·v/255 − 1`.
    #[must_use]
    pub fn to_encoder(&self) -> Vec<f32> {
        let channel = |channel: usize| {
            let samples = self.samples.iter().skip(channel).step_by(3);
            samples.map(|value| 2.0 * (f32::from(*value) / 255.0) - 1.0)
        };
        (0..3).flat_map(channel).collect()
    }

    /// The pixel digest.
    ///
    /// # Errors
    /// Never for a picture of consistent size.
    pub fn digest(&self) -> Result<PixelDigest, Error> {
        Ok(PixelDigest::of(self.width, self.height, 3, &self.samples)?)
    }

    /// A plain PNG, with `xmp` as the only metadata when given.
    ///
    /// # Errors
    /// When the encoder refuses, which a consistent picture never causes.
    pub fn to_png(&self, xmp: Option<&str>) -> Result<Vec<u8>, Error> {
        let failed =
            |error: png::EncodingError| Error::new(ErrorKind::Malformed, format!("PNG: {error}"));
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        if let Some(xmp) = xmp {
            encoder
                .add_itxt_chunk("XML:com.adobe.xmp".into(), xmp.into())
                .map_err(failed)?;
        }
        let mut writer = encoder.write_header().map_err(failed)?;
        writer.write_image_data(&self.samples).map_err(failed)?;
        writer.finish().map_err(failed)?;
        Ok(bytes)
    }

    /// Reads an 8-bit RGB PNG; gamma, profiles and text are ignored, other colour types refused.
    ///
    /// # Errors
    /// `ErrorKind::Malformed` with the reason.
    pub fn from_png(bytes: &[u8]) -> Result<Self, Error> {
        let failed =
            |error: png::DecodingError| Error::new(ErrorKind::Malformed, format!("PNG: {error}"));
        let limits = png::Limits {
            bytes: 128 * 1024 * 1024,
        };
        let mut reader = png::Decoder::new_with_limits(std::io::Cursor::new(bytes), limits)
            .read_info()
            .map_err(failed)?;
        let info = reader.info();
        let (width, height) = (info.width, info.height);
        if (info.color_type, info.bit_depth) != (png::ColorType::Rgb, png::BitDepth::Eight) {
            return Err(Error::new(
                ErrorKind::Malformed,
                "PNG: only 8-bit RGB without transparency is read",
            ));
        }
        if width > MAX_SIDE || height > MAX_SIDE {
            return Err(Error::new(
                ErrorKind::Malformed,
                format!("PNG: {width}×{height} is over {MAX_SIDE} a side"),
            ));
        }
        let mut samples = vec![0; width as usize * height as usize * 3];
        reader.next_frame(&mut samples).map_err(failed)?;
        Ok(Self {
            width,
            height,
            samples,
        })
    }
}
