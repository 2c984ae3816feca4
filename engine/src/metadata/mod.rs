//! Generation settings that A1111, ComfyUI, InvokeAI, stable-diffusion.cpp and this program leave in PNG, JPEG and WebP files.
//!
//! The one rule: a file is a stranger's text. Nothing in it is fetched, run or believed for its size, and what comes of it is a draft: others'
//! tables of noise differ, so no import is ever called exact. Start with [`read`]; [`a1111_text`] and [`with_text`] go the other way.

mod a1111;
mod comfyui;
mod container;
mod draft;
mod exif;
mod found;
mod graph;
mod invokeai;
mod jpeg;

mod pairs;
mod png;
mod remark;
mod sampler;
mod sd_cpp;
mod seedmark;
mod syntax;
mod walk;
mod webp;

#[cfg(test)]
mod tests;

pub use a1111::a1111_text;
pub use container::{MAX_FILE, MAX_TEXT};
pub use draft::{SAMPLERS, of_recipe, sampler_title, scheduler_for};
pub use found::{Choice, Found, MAX_LISTED, MAX_NAME, MAX_PROMPT, MAX_VALUE, NoiseSource, Program};
pub use png::with_text;
pub use remark::{Fault, Remark, Syntax};
pub use sampler::{Sampler, is_offered};

use crate::error::{Error, ErrorKind};
use crate::json;
use container::{COMMENT, Texts, USER_COMMENT, XMP};
use serde_json::Value;

/// The keyword under which A1111 and stable-diffusion.cpp write, and [`with_text`] is to be called with.
pub const PARAMETERS: &str = "parameters";
/// EXIF's description of a picture, where some programs put what A1111 puts into the comment.
const DESCRIPTION: &str = "EXIF 010e";

/// Reads the settings in a PNG, JPEG or WebP file. None for a file without any. What could not be read is among the remarks as long as
/// something was.
///
/// # Errors
/// `ErrorKind::Malformed` for a file that is none of these, is too large, or holds nothing readable although something is there.
pub fn read(bytes: &[u8]) -> Result<Option<Found>, Error> {
    read_file(bytes, None)
}

/// The same for a graph of several samplers ([`Found::choices`]), of which the one at `node` made the picture.
///
/// # Errors
/// As [`read`], and for a node that is no sampler of the graph.
pub fn read_choice(bytes: &[u8], node: &str) -> Result<Option<Found>, Error> {
    read_file(bytes, Some(node))
}

/// Reads settings that somebody copied as text: A1111's form, stable-diffusion.cpp's, or a graph of ComfyUI. Any other text is a prompt.
///
/// # Errors
/// `ErrorKind::Malformed` for a text over 1 MiB, and for a graph without a sampler.
pub fn read_text(text: &str) -> Result<Option<Found>, Error> {
    if text.len() > MAX_TEXT {
        let message = "the text is larger than 1 MiB";
        return Err(Error::new(ErrorKind::Malformed, message));
    }
    if text.trim().is_empty() {
        return Ok(None);
    }
    match json::parse(text) {
        Some(document) if comfyui::is_graph(&document) => comfyui::read(&document, None).map(Some),
        _ => Ok(sd_cpp::read(text).or_else(|| Some(a1111::read(text)))),
    }
}

fn read_file(bytes: &[u8], node: Option<&str>) -> Result<Option<Found>, Error> {
    let texts = container::texts(bytes)?;
    let found = match node {
        Some(node) => graph(&texts, Some(node)),
        None => any(&texts),
    };
    let faults = texts.faults.into_iter();
    match (found, faults.as_slice()) {
        (Some(Ok(mut found)), _) => {
            faults.for_each(|fault| found.say(fault));
            Ok(Some(found))
        }
        (Some(Err(error)), _) => Err(error),
        (None, [Remark::Damaged { place, fault }, ..]) => {
            let message = format!("{place}: {}", told(*fault));
            Err(Error::new(ErrorKind::Malformed, message))
        }
        (None, _) => Ok(None),
    }
}

fn told(fault: Fault) -> &'static str {
    match fault {
        Fault::Truncated => "the file ends inside of it",
        Fault::WrongChecksum => "its checksum is that of other bytes",
        Fault::TooLarge => "it is larger than what is read",
        Fault::Unreadable => "it is not built as its format says",
        Fault::TooMany => "there are more parts than are read",
    }
}

/// The first that can be read. An error of one is told when no other can.
fn any(texts: &Texts) -> Option<Result<Found, Error>> {
    let mut failed = None;
    let readers = [
        invokeai,
        parameters,
        |texts: &Texts| graph(texts, None),
        label,
    ];
    for reader in readers {
        match reader(texts) {
            Some(Ok(found)) => return Some(Ok(found)),
            Some(Err(error)) => failed = failed.or(Some(error)),
            None => {}
        }
    }
    failed.map(Err)
}

fn invokeai(texts: &Texts) -> Option<Result<Found, Error>> {
    let text = texts.get("invokeai_metadata")?;
    let found = json::parse(text).and_then(|document| invokeai::read(&document));
    let wrong = || {
        Error::new(
            ErrorKind::Malformed,
            "invokeai_metadata: this is no JSON object",
        )
    };
    Some(found.ok_or_else(wrong))
}

fn parameters(texts: &Texts) -> Option<Result<Found, Error>> {
    let packet = texts.get(XMP).and_then(seedmark::parameters);
    if let Some(text) = texts.get(PARAMETERS).or(packet.as_deref()) {
        // Programs that are not known here write JSON under this name.
        let known = !text.trim_start().starts_with('{') || json::parse(text).is_none();
        return known.then(|| Ok(sd_cpp::read(text).unwrap_or_else(|| a1111::read(text))));
    }
    let unnamed = [USER_COMMENT, DESCRIPTION, COMMENT];
    let mut unnamed = unnamed.into_iter().filter_map(|keyword| texts.get(keyword));
    let text = unnamed.find(|text| a1111::is_likely(text))?;
    Some(Ok(sd_cpp::read(text).unwrap_or_else(|| a1111::read(text))))
}

fn graph(texts: &Texts, node: Option<&str>) -> Option<Result<Found, Error>> {
    let comment = texts
        .get(USER_COMMENT)
        .filter(|text| text.trim_start().starts_with('{'));
    let text = texts.get("prompt").or(comment)?;
    let document = json::parse(text);
    // Some savers put every chunk into one object.
    let inside = document
        .as_ref()
        .and_then(|document| match document.get("prompt") {
            Some(Value::String(text)) => json::parse(text),
            Some(graph @ Value::Object(nodes)) if !nodes.contains_key("class_type") => {
                Some(graph.clone())
            }
            _ => None,
        });
    let wrong = || Error::new(ErrorKind::Malformed, "prompt: this is no JSON");
    let document = inside.or(document).ok_or_else(wrong);
    Some(document.and_then(|document| comfyui::read(&document, node)))
}

fn label(texts: &Texts) -> Option<Result<Found, Error>> {
    texts.get(XMP).and_then(seedmark::read).map(Ok)
}
