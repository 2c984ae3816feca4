//! Text chunks of PNG files: `tEXt`, `zTXt`, `iTXt`, EXIF, and ComfyUI's `comf`, before or behind the pixels; and one chunk written.
//!
//! The one rule: a text chunk is believed only with its checksum; pixels are never decoded.

use super::container::{MAX_TEXT, Texts, exif, latin_or_utf8};
use super::remark::Fault;
use crate::error::{Error, ErrorKind};
use flate2::Crc;
use flate2::read::ZlibDecoder;
use std::io::Read as _;

/// How every PNG begins.
pub(super) const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";
/// The most chunks of one file: what 64 MiB hold in pieces of 1 KiB.
const MAX_CHUNKS: usize = 65_536;
/// The longest keyword that PNG allows.
const MAX_KEYWORD: usize = 79;

/// One chunk.
struct Chunk<'a> {
    kind: [u8; 4],
    data: &'a [u8],
    sound: bool,
}

/// Reads the texts of what stands behind the signature.
pub(super) fn read(bytes: &[u8], texts: &mut Texts) {
    let mut rest = bytes;
    for _ in 0..MAX_CHUNKS {
        let Some((chunk, behind)) = next(rest) else {
            let place = match rest.get(4..8) {
                Some(kind) => format!("PNG {}", latin_or_utf8(kind)),
                None => "PNG".to_owned(),
            };
            return texts.fault(&place, Fault::Truncated);
        };
        if chunk.kind == *b"IEND" {
            return;
        }
        take(&chunk, texts);
        rest = behind;
    }
    texts.fault("PNG", Fault::TooMany);
}

/// The first chunk and what stands behind it; checksums of pixels are not computed.
fn next(bytes: &[u8]) -> Option<(Chunk<'_>, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (kind, rest) = rest.split_first_chunk::<4>()?;
    let (data, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    let (told, rest) = rest.split_first_chunk::<4>()?;
    let sound = data.len() > MAX_TEXT || !is_text(kind) || {
        let mut sum = Crc::new();
        sum.update(kind);
        sum.update(data);
        sum.sum() == u32::from_be_bytes(*told)
    };
    let chunk = Chunk {
        kind: *kind,
        data,
        sound,
    };
    Some((chunk, rest))
}

fn is_text(kind: &[u8; 4]) -> bool {
    matches!(kind, b"tEXt" | b"zTXt" | b"iTXt" | b"eXIf" | b"comf")
}

fn take(chunk: &Chunk<'_>, texts: &mut Texts) {
    if !is_text(&chunk.kind) {
        return;
    }
    let kind = latin_or_utf8(&chunk.kind);
    if !texts.admits(&format!("PNG {kind}")) {
        return;
    }
    let fault = if chunk.data.len() > MAX_TEXT {
        Some(Fault::TooLarge)
    } else if !chunk.sound {
        Some(Fault::WrongChecksum)
    } else {
        None
    };
    if let Some(fault) = fault {
        return texts.fault(&format!("PNG {kind}"), fault);
    }
    if chunk.kind == *b"eXIf" {
        return exif(chunk.data, texts);
    }
    let Some((keyword, text)) = split(chunk.data) else {
        return texts.fault(&format!("PNG {kind}"), Fault::Unreadable);
    };
    let keyword = latin_or_utf8(keyword);
    let read = match &chunk.kind {
        b"zTXt" => match text.split_first() {
            Some((0, packed)) => inflate(packed).map(|bytes| latin_or_utf8(&bytes)),
            _ => Err(Fault::Unreadable),
        },
        b"iTXt" => international(text),
        _ => Ok(latin_or_utf8(text)),
    };
    match read {
        Ok(text) => texts.keep(&keyword, text),
        Err(fault) => texts.fault(&format!("PNG {kind} {keyword}"), fault),
    }
}

/// What stands before and behind the first NUL.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|byte| *byte == 0)?;
    Some((bytes.get(..at)?, bytes.get(at + 1..)?))
}

/// Flag, method, language, translated keyword, text in UTF-8.
fn international(bytes: &[u8]) -> Result<String, Fault> {
    let fields = bytes.split_first_chunk::<2>().and_then(|(packed, rest)| {
        let (_language, rest) = split(rest)?;
        let (_translated, text) = split(rest)?;
        Some((*packed, text))
    });
    let text = match fields {
        Some(([0, _], text)) => text.to_vec(),
        Some(([1, 0], packed)) => inflate(packed)?,
        _ => return Err(Fault::Unreadable),
    };
    String::from_utf8(text).map_err(|_| Fault::Unreadable)
}

/// Unpacks at most [`MAX_TEXT`] bytes.
fn inflate(packed: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut text = Vec::new();
    let read = ZlibDecoder::new(packed)
        .take(MAX_TEXT as u64 + 1)
        .read_to_end(&mut text);
    match read {
        Ok(count) if count > MAX_TEXT => Err(Fault::TooLarge),
        Ok(_) => Ok(text),
        Err(_) => Err(Fault::Unreadable),
    }
}

/// The PNG with one more text behind its header: `tEXt` for ASCII, `iTXt` in UTF-8 for all else, so that no reader can mistake its letters.
///
/// # Errors
/// `ErrorKind::Malformed` for what is no PNG, a keyword that PNG does not allow, a NUL in the text, or a text over 1 MiB.
pub fn with_text(file: &[u8], keyword: &str, text: &str) -> Result<Vec<u8>, Error> {
    let wrong = |why: &str| Error::new(ErrorKind::Malformed, format!("PNG text: {why}"));
    let allowed = !keyword.is_empty()
        && keyword.len() <= MAX_KEYWORD
        && keyword.trim() == keyword
        && keyword.bytes().all(|byte| matches!(byte, 32..=126));
    if !allowed {
        return Err(wrong("the keyword is not allowed"));
    }
    if text.contains('\0') || text.len() >= MAX_TEXT - MAX_KEYWORD - 8 {
        return Err(wrong("it holds a NUL or is over 1 MiB"));
    }
    let header = file
        .strip_prefix(&SIGNATURE)
        .and_then(next)
        .filter(|(chunk, _)| chunk.kind == *b"IHDR");
    let Some((_, behind)) = header else {
        return Err(wrong("the file is no PNG"));
    };
    let mut chunk = Vec::with_capacity(text.len() + keyword.len() + 32);
    match text.is_ascii() {
        true => chunk.extend_from_slice(b"tEXt"),
        false => chunk.extend_from_slice(b"iTXt"),
    }
    chunk.extend_from_slice(keyword.as_bytes());
    chunk.push(0);
    if !text.is_ascii() {
        // Not packed, no language, no translated keyword.
        chunk.extend_from_slice(&[0, 0, 0, 0]);
    }
    chunk.extend_from_slice(text.as_bytes());
    let mut sum = Crc::new();
    sum.update(&chunk);
    let length = u32::try_from(chunk.len() - 4).map_err(|_| wrong("it is over 1 MiB"))?;
    let (before, _) = file.split_at(file.len() - behind.len());
    let mut written = Vec::with_capacity(file.len() + chunk.len() + 8);
    written.extend_from_slice(before);
    written.extend_from_slice(&length.to_be_bytes());
    written.extend_from_slice(&chunk);
    written.extend_from_slice(&sum.sum().to_be_bytes());
    written.extend_from_slice(behind);
    Ok(written)
}
