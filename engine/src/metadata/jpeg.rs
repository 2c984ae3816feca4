//! Texts of JPEG files: EXIF, XMP and comments, from the start to the first scan.
//!
//! The one rule: markers are followed by the lengths that they name only as far as the file goes.

use super::container::{COMMENT, Texts, XMP, exif, latin_or_utf8};
use super::remark::Fault;

/// How every JPEG begins.
pub(super) const SIGNATURE: [u8; 2] = [0xff, 0xd8];
/// The most segments before the first scan.
const MAX_SEGMENTS: usize = 4096;
const XMP_BEGINS: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
/// stable-diffusion.cpp begins its comment so, and pads it.
const KEYWORD: &[u8] = b"parameters\0";

/// Reads what stands behind the signature.
pub(super) fn read(bytes: &[u8], texts: &mut Texts) {
    let mut rest = bytes;
    for _ in 0..MAX_SEGMENTS {
        let marker = match rest {
            // Any number of bytes 0xff may stand before a marker.
            [0xff, 0xff, ..] => {
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            [0xff, marker, ..] => *marker,
            [] | [_] => return texts.fault("JPEG", Fault::Truncated),
            _ => return texts.fault("JPEG", Fault::Unreadable),
        };
        let behind = rest.get(2..).unwrap_or_default();
        match marker {
            // The end, and the first scan: texts stand before it.
            0xd9 | 0xda => return,
            // Markers without a length.
            0x01 | 0xd0..=0xd7 => rest = behind,
            _ => {
                let Some((data, after)) = segment(behind) else {
                    return texts.fault(&format!("JPEG segment {marker:02x}"), Fault::Truncated);
                };
                take(marker, data, texts);
                rest = after;
            }
        }
    }
    texts.fault("JPEG", Fault::TooMany);
}

fn segment(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)).checked_sub(2)?)
}

fn take(marker: u8, data: &[u8], texts: &mut Texts) {
    if !matches!(marker, 0xe1 | 0xfe) || !texts.admits(&format!("JPEG segment {marker:02x}")) {
        return;
    }
    match marker {
        0xe1 if data.starts_with(b"Exif\0\0") => exif(data, texts),
        0xe1 => {
            if let Some(packet) = data.strip_prefix(XMP_BEGINS) {
                texts.keep(XMP, latin_or_utf8(packet));
            }
        }
        0xfe => match data.strip_prefix(KEYWORD) {
            Some(text) => {
                let end = text.iter().position(|byte| *byte == 0);
                let text = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
                texts.keep("parameters", latin_or_utf8(text));
            }
            None => texts.keep(COMMENT, latin_or_utf8(data)),
        },
        _ => {}
    }
}
