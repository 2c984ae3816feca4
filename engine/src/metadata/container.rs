//! Texts out of picture files: what kind of file it is, and every text in it under the name that its format gives it.
//!
//! The one rule: no size that a file names is believed; what was read before a fault is kept, and the fault is named.

use super::found::{MAX_NAME, bounded};
use super::remark::{Fault, Remark};
use super::{exif, jpeg, png, webp};
use crate::error::{Error, ErrorKind};

/// The largest file that is looked at.
pub const MAX_FILE: usize = 64 * 1024 * 1024;
/// The largest chunk, and the most that one unpacks to.
pub const MAX_TEXT: usize = 1024 * 1024;
/// The most texts of one file that are looked at, read or not: each may cost as much as the largest.
const MAX_TEXTS: usize = 64;
/// The most bytes of all texts of one file.
const MAX_TOTAL: usize = 4 * MAX_TEXT;

/// Where EXIF holds a comment; no keyword of PNG begins so.
pub(super) const USER_COMMENT: &str = "EXIF UserComment";
/// The keyword of XMP in PNG, used for all formats.
pub(super) const XMP: &str = "XML:com.adobe.xmp";
/// A JPEG comment without a keyword of its own.
pub(super) const COMMENT: &str = "JPEG comment";

/// Texts of a file by keyword, in their order, and what could not be read.
#[derive(Debug, Default)]
pub(super) struct Texts {
    pub(super) all: Vec<(String, String)>,
    pub(super) faults: Vec<Remark>,
    total: usize,
    looked_at: usize,
}

impl Texts {
    /// Whether one more text is looked at; asked before anything is unpacked.
    pub(super) fn admits(&mut self, place: &str) -> bool {
        self.looked_at = self.looked_at.saturating_add(1);
        let admitted = self.looked_at <= MAX_TEXTS;
        if !admitted {
            self.fault(place, Fault::TooMany);
        }
        admitted
    }

    /// Keeps a text, within bounds.
    pub(super) fn keep(&mut self, keyword: &str, text: String) {
        self.total = self.total.saturating_add(text.len());
        if self.total > MAX_TOTAL {
            return self.fault(keyword, Fault::TooMany);
        }
        self.all.push((bounded(keyword, MAX_NAME).to_owned(), text));
    }

    /// Names a part that was not read.
    pub(super) fn fault(&mut self, place: &str, fault: Fault) {
        let place = bounded(place, MAX_NAME).to_owned();
        let remark = Remark::Damaged { place, fault };
        if self.faults.len() < MAX_TEXTS && !self.faults.contains(&remark) {
            self.faults.push(remark);
        }
    }

    /// The first text of a keyword.
    pub(super) fn get(&self, keyword: &str) -> Option<&str> {
        let found = self.all.iter().find(|(known, _)| known == keyword);
        found.map(|(_, text)| text.as_str())
    }
}

/// Reads every text of a PNG, JPEG or WebP file.
///
/// # Errors
/// `ErrorKind::Malformed` for a file that is none of these, or is larger than [`MAX_FILE`].
pub(super) fn texts(bytes: &[u8]) -> Result<Texts, Error> {
    if bytes.len() > MAX_FILE {
        let message = format!("the file is larger than {} MiB", MAX_FILE >> 20);
        return Err(Error::new(ErrorKind::Malformed, message));
    }
    let mut texts = Texts::default();
    if let Some(chunks) = bytes.strip_prefix(&png::SIGNATURE) {
        png::read(chunks, &mut texts);
    } else if let Some(segments) = bytes.strip_prefix(&jpeg::SIGNATURE) {
        jpeg::read(segments, &mut texts);
    } else if let Some(chunks) = webp::chunks_of(bytes) {
        webp::read(chunks, &mut texts);
    } else {
        let message = "the file is neither PNG nor JPEG nor WebP";
        return Err(Error::new(ErrorKind::Malformed, message));
    }
    Ok(texts)
}

/// EXIF, with or without the words before it.
pub(super) fn exif(bytes: &[u8], texts: &mut Texts) {
    exif::read(bytes.strip_prefix(b"Exif\0\0").unwrap_or(bytes), texts);
}

/// UTF-8 where the bytes are that, Latin-1 otherwise: PNG asks for Latin-1, programs in C write UTF-8 all the same.
pub(super) fn latin_or_utf8(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// The bytes of so many at a place, if they are there.
pub(super) fn slice(bytes: &[u8], at: usize, length: usize) -> Option<&[u8]> {
    bytes.get(at..at.checked_add(length)?)
}
