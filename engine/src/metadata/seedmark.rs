//! What this program's labelled files say of themselves: the code of their content, and a sentence about the picture.
//!
//! The one rule: a label holds no prompt, no seed and no value, so neither does what is read of it.

use super::found::{Found, MAX_NAME, MAX_VALUE, Program};
use crate::label;

/// How XMP of stable-diffusion.cpp holds its parameters.
const SD_CPP: (&str, &str) = ("<sdcpp:parameters>", "</sdcpp:parameters>");

/// Reads a packet of XMP, if a label of ours stands in it.
pub(super) fn read(packet: &str) -> Option<Found> {
    let aigc = label::between(packet, "<TC260:AIGC>", "</TC260:AIGC>")?;
    let document: serde_json::Value = serde_json::from_str(&aigc).ok()?;
    let text = |name: &str| document.get(name).and_then(serde_json::Value::as_str);
    if text("ContentProducer") != Some(label::PRODUCER) {
        return None;
    }
    let mut found = Found::new(Program::Seedmark);
    found.content = text("ProduceID").map(|code| found.text("ProduceID", code, MAX_NAME));
    let about = label::description(packet);
    found.description = about.map(|about| found.text("description", &about, MAX_VALUE));
    Some(found)
}

/// The parameters in a packet of stable-diffusion.cpp.
pub(super) fn parameters(packet: &str) -> Option<String> {
    label::between(packet, SD_CPP.0, SD_CPP.1)
}
