//! From an exact picture to a file: smaller or in whole multiples, with its notice, as WebP or PNG.
//!
//! The one rule: nothing is written into the file but pixels and the label's XMP packet.

use base::lang::Lang;
use engine::label::{
    self,
    notice::{self, Spot, Words},
};
use engine::picture::Picture;
use webp::{Encoder, WebPConfig};

/// A format of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// A third of a PNG, and less; every browser since 2020 shows it.
    WebP,
    /// For everybody else.
    Png,
}

impl Format {
    /// The end of a file's name.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::WebP => "webp",
            Self::Png => "png",
        }
    }

    /// The media type.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::WebP => "image/webp",
            Self::Png => "image/png",
        }
    }
}

/// At this quality the eye sees no difference, and a card weighs a few kilobytes.
const QUALITY: f32 = 90.0;

/// The file. `content` names the picture in its metadata, `side` is the longer side of the copy.
pub(super) fn make(
    exact: &[u8],
    content: &str,
    side: u32,
    lang: Lang,
    format: Format,
) -> Result<Vec<u8>, String> {
    let exact = Picture::from_png(exact).map_err(|error| error.to_string())?;
    let mut copy = scale(&exact, side);
    // Whole multiples hide the same pixels, whichever of them somebody has.
    let longest = exact.width.max(exact.height);
    let times = if side.is_multiple_of(longest) {
        side / longest
    } else {
        1
    };
    notice::draw_multiple(&mut copy, times.max(1), Words::of(lang.tag()), Spot::Corner);
    let xmp = label::xmp("SEEDMARK", content);
    match format {
        Format::Png => copy.to_png(Some(&xmp)).map_err(|error| error.to_string()),
        Format::WebP => Ok(with_xmp(&to_webp(&copy)?, copy.width, copy.height, &xmp)),
    }
}

/// The same as PNG for a page that is only its reader's.
pub(super) fn labelled(exact: &[u8], content: &str, lang: Lang) -> Result<Vec<u8>, String> {
    let exact = Picture::from_png(exact).map_err(|error| error.to_string())?;
    notice::for_page(&exact, Words::of(lang.tag()))
        .to_png(Some(&label::xmp("SEEDMARK", content)))
        .map_err(|error| error.to_string())
}

/// Whole multiples repeat each pixel; what becomes smaller takes the mean of what lies below each pixel.
pub(super) fn scale(picture: &Picture, side: u32) -> Picture {
    let longest = picture.width.max(picture.height);
    let scaled =
        |length: u32| u32::try_from(u64::from(length) * u64::from(side) / u64::from(longest));
    let size = |length: u32| scaled(length).unwrap_or(1).max(1);
    let (width, height) = (size(picture.width), size(picture.height));
    let mut samples = Vec::with_capacity((width * height * 3) as usize);
    let span = |at: u32, from: u32, to: u32| {
        let begin = at * from / to;
        begin..((at + 1) * from / to).max(begin + 1)
    };
    for y in 0..height {
        let rows = span(y, picture.height, height);
        for x in 0..width {
            let columns = span(x, picture.width, width);
            let count = (rows.len() * columns.len()) as u32;
            for channel in 0..3 {
                let sum: u32 = rows
                    .clone()
                    .flat_map(|row| {
                        columns
                            .clone()
                            .map(move |column| (row * picture.width + column) * 3 + channel)
                    })
                    .map(|at| u32::from(picture.samples[at as usize]))
                    .sum();
                samples.push(u8::try_from((sum + count / 2) / count).unwrap_or(u8::MAX));
            }
        }
    }
    Picture {
        width,
        height,
        samples,
    }
}

/// The smaller of both kinds: flat pictures are smaller without loss, painted ones with a little.
fn to_webp(picture: &Picture) -> Result<Vec<u8>, String> {
    fn failed(error: impl std::fmt::Debug) -> String {
        format!("WebP: {error:?}")
    }
    let encoder = Encoder::from_rgb(&picture.samples, picture.width, picture.height);
    let mut config = WebPConfig::new().map_err(failed)?;
    config.quality = QUALITY;
    config.method = 4;
    // Colour is kept at half the size; this keeps edges between colours sharp all the same.
    config.use_sharp_yuv = 1;
    let lossy = encoder.encode_advanced(&config).map_err(failed)?;
    config.lossless = 1;
    config.quality = 60.0;
    let lossless = encoder.encode_advanced(&config).map_err(failed)?;
    Ok(match lossless.len() <= lossy.len() {
        true => lossless.to_vec(),
        false => lossy.to_vec(),
    })
}

/// A plain WebP file with an XMP packet behind its picture, in the container that the format has for that.
fn with_xmp(plain: &[u8], width: u32, height: u32, xmp: &str) -> Vec<u8> {
    const HAS_XMP: u8 = 0b100;
    let picture = plain.get(12..).unwrap_or_default();
    let mut chunks = Vec::with_capacity(plain.len() + xmp.len() + 64);
    let mut extended = vec![HAS_XMP, 0, 0, 0];
    extended.extend(&(width - 1).to_le_bytes()[..3]);
    extended.extend(&(height - 1).to_le_bytes()[..3]);
    chunk(&mut chunks, *b"VP8X", &extended);
    chunks.extend(picture);
    chunk(&mut chunks, *b"XMP ", xmp.as_bytes());
    let mut file = Vec::with_capacity(chunks.len() + 12);
    file.extend(b"RIFF");
    file.extend((chunks.len() as u32 + 4).to_le_bytes());
    file.extend(b"WEBP");
    file.extend(chunks);
    file
}

fn chunk(out: &mut Vec<u8>, name: [u8; 4], bytes: &[u8]) {
    out.extend(name);
    out.extend((bytes.len() as u32).to_le_bytes());
    out.extend(bytes);
    if !bytes.len().is_multiple_of(2) {
        out.push(0);
    }
}
