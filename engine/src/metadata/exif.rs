//! The texts of EXIF: the comment of a user, and what programs hide in the names of camera and maker.
//!
//! The one rule: offsets are followed twice at most, from the head and to one more directory, so nothing can go in circles. A crate would
//! read hundreds of tags in order to give us these; the whole reader is shorter than its glue would be.

use super::container::{Texts, USER_COMMENT, latin_or_utf8, slice};
use super::remark::Fault;

/// The most entries of a directory.
const MAX_ENTRIES: usize = 512;
/// Where the first directory names the second.
const EXIF_DIRECTORY: u16 = 0x8769;
const COMMENT: u16 = 0x9286;
/// A text of 8-bit characters, and bytes without a meaning.
const TEXT: u16 = 2;
const BYTES: u16 = 7;

/// The bytes of a TIFF and how it orders them.
#[derive(Clone, Copy)]
struct Tiff<'a> {
    bytes: &'a [u8],
    little: bool,
}

/// An entry of a directory.
struct Entry<'a> {
    tag: u16,
    kind: u16,
    /// The four bytes that are the value, or say where it lies.
    value: [u8; 4],
    data: Option<&'a [u8]>,
}

impl<'a> Tiff<'a> {
    fn short(self, at: usize) -> Option<u16> {
        let bytes = slice(self.bytes, at, 2)?.try_into().ok()?;
        Some(match self.little {
            true => u16::from_le_bytes(bytes),
            false => u16::from_be_bytes(bytes),
        })
    }

    fn long(self, bytes: [u8; 4]) -> usize {
        let value = match self.little {
            true => u32::from_le_bytes(bytes),
            false => u32::from_be_bytes(bytes),
        };
        usize::try_from(value).unwrap_or(usize::MAX)
    }

    fn long_at(self, at: usize) -> Option<usize> {
        Some(self.long(slice(self.bytes, at, 4)?.try_into().ok()?))
    }

    fn entry(self, at: usize) -> Option<Entry<'a>> {
        let (tag, kind) = (self.short(at)?, self.short(at + 2)?);
        let count = self.long_at(at + 4)?;
        let value = slice(self.bytes, at + 8, 4)?.try_into().ok()?;
        let data = match (kind, count) {
            (TEXT | BYTES, 0..=4) => slice(self.bytes, at + 8, count),
            (TEXT | BYTES, _) => slice(self.bytes, self.long(value), count),
            _ => None,
        };
        Some(Entry {
            tag,
            kind,
            value,
            data,
        })
    }

    /// The entries of a directory, up to the first that the file does not hold.
    fn entries(self, at: usize, texts: &mut Texts) -> Vec<Entry<'a>> {
        let count = match self.short(at).map(usize::from) {
            Some(count @ 0..=MAX_ENTRIES) => count,
            Some(_) => {
                texts.fault("EXIF", Fault::TooMany);
                return Vec::new();
            }
            None => {
                texts.fault("EXIF", Fault::Truncated);
                return Vec::new();
            }
        };
        let entries: Vec<_> = (0..count)
            .map_while(|index| self.entry(at.checked_add(2 + index * 12)?))
            .collect();
        if entries.len() < count {
            texts.fault("EXIF", Fault::Truncated);
        }
        entries
    }
}

/// Reads a TIFF's texts.
pub(super) fn read(bytes: &[u8], texts: &mut Texts) {
    let little = match bytes.get(..4) {
        Some(b"II*\0") => true,
        Some(b"MM\0*") => false,
        _ => return texts.fault("EXIF", Fault::Unreadable),
    };
    let tiff = Tiff { bytes, little };
    let Some(first) = tiff.long_at(4) else {
        return texts.fault("EXIF", Fault::Truncated);
    };
    let mut second = None;
    for entry in tiff.entries(first, texts) {
        match entry.tag {
            EXIF_DIRECTORY => second = Some(tiff.long(entry.value)),
            _ => take(tiff, &entry, texts),
        }
    }
    if let Some(second) = second {
        for entry in tiff.entries(second, texts) {
            take(tiff, &entry, texts);
        }
    }
}

fn take(tiff: Tiff<'_>, entry: &Entry<'_>, texts: &mut Texts) {
    // ComfyUI writes its graph as camera model and counts down from the maker for all else.
    let named = matches!(entry.tag, 0x0100..=0x0110) && entry.kind == TEXT;
    if entry.tag != COMMENT && !named {
        return;
    }
    let place = format!("EXIF {:04x}", entry.tag);
    if !texts.admits(&place) {
        return;
    }
    let Some(data) = entry.data else {
        return texts.fault(&place, Fault::Truncated);
    };
    if entry.tag == COMMENT {
        return match comment(data, tiff.little) {
            Some(text) => texts.keep(USER_COMMENT, text),
            None => texts.fault(USER_COMMENT, Fault::Unreadable),
        };
    }
    let end = data.iter().position(|byte| *byte == 0);
    let text = latin_or_utf8(data.get(..end.unwrap_or(data.len())).unwrap_or_default());
    match text.split_once(':') {
        Some((keyword @ ("prompt" | "workflow"), graph)) => texts.keep(keyword, graph.to_owned()),
        _ => texts.keep(&place, text),
    }
}

/// Eight bytes name the alphabet. JIS is refused: nobody of whom we know writes it.
fn comment(data: &[u8], little: bool) -> Option<String> {
    let (alphabet, text) = data.split_first_chunk::<8>()?;
    match alphabet {
        b"UNICODE\0" => utf16(text, little),
        b"ASCII\0\0\0" | [0, 0, 0, 0, 0, 0, 0, 0] => {
            let text = std::str::from_utf8(text).ok()?;
            Some(text.trim_end_matches('\0').to_owned())
        }
        _ => None,
    }
}

/// UTF-16 by its mark, else in the order in which more letters are Latin: some programs write one order whatever the file has.
fn utf16(bytes: &[u8], little: bool) -> Option<String> {
    let (units, odd) = bytes.as_chunks::<2>();
    if !odd.is_empty() && odd != [0] {
        return None;
    }
    let latin = |at: usize| {
        let high = units.iter().filter(|unit| unit.get(at) == Some(&0));
        high.count()
    };
    let little = match units.first() {
        Some([0xff, 0xfe]) => true,
        Some([0xfe, 0xff]) => false,
        _ => match latin(0).cmp(&latin(1)) {
            std::cmp::Ordering::Less => true,
            std::cmp::Ordering::Greater => false,
            std::cmp::Ordering::Equal => little,
        },
    };
    let units = units.iter().map(|unit| match little {
        true => u16::from_le_bytes(*unit),
        false => u16::from_be_bytes(*unit),
    });
    let text: Result<String, _> = char::decode_utf16(units).collect();
    let text = text.ok()?;
    let text = text.trim_start_matches('\u{feff}').trim_end_matches('\0');
    Some(text.to_owned())
}
