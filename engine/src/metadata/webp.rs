//! Texts of WebP files: the chunks `EXIF` and `XMP `.
//!
//! The one rule: a chunk that the file does not hold whole is not read.

use super::container::{MAX_TEXT, Texts, XMP, exif, latin_or_utf8};
use super::remark::Fault;

/// The most chunks of one file; a film has two for each of its pictures.
const MAX_CHUNKS: usize = 65_536;

/// What stands behind the head of a WebP file.
pub(super) fn chunks_of(bytes: &[u8]) -> Option<&[u8]> {
    let (head, rest) = bytes.split_first_chunk::<12>()?;
    (head.starts_with(b"RIFF") && head.ends_with(b"WEBP")).then_some(rest)
}

/// Reads the chunks; the length of the whole in the head is not needed.
pub(super) fn read(bytes: &[u8], texts: &mut Texts) {
    let mut rest = bytes;
    for _ in 0..MAX_CHUNKS {
        if rest.is_empty() {
            return;
        }
        let Some((kind, data, behind)) = next(rest) else {
            let kind = rest.get(..4).map(latin_or_utf8).unwrap_or_default();
            return texts.fault(format!("WebP {kind}").trim_end(), Fault::Truncated);
        };
        take(&kind, data, texts);
        rest = behind;
    }
    texts.fault("WebP", Fault::TooMany);
}

/// Kind, data, and what stands behind them; data of odd length are padded.
fn next(bytes: &[u8]) -> Option<([u8; 4], &[u8], &[u8])> {
    let (kind, rest) = bytes.split_first_chunk::<4>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (data, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    let behind = match data.len() % 2 {
        0 => rest,
        // The last chunk of some files lacks its padding.
        _ => rest.get(1..).unwrap_or_default(),
    };
    Some((*kind, data, behind))
}

fn take(kind: &[u8; 4], data: &[u8], texts: &mut Texts) {
    let place = format!("WebP {}", latin_or_utf8(kind));
    if !matches!(kind, b"EXIF" | b"XMP ") || !texts.admits(place.trim_end()) {
        return;
    }
    if data.len() > MAX_TEXT {
        return texts.fault(place.trim_end(), Fault::TooLarge);
    }
    match kind {
        b"EXIF" => exif(data, texts),
        _ => texts.keep(XMP, latin_or_utf8(data)),
    }
}
