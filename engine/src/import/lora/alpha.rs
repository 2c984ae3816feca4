//! What peft notes in a file beside its tensors: alpha, for all layers of a part or for some.
//!
//! The one rule: a note that would change the product in another way is refused by its name; what has no say in the result is not looked at.

use super::keys::Part;
use super::wrong;
use crate::error::Error;
use crate::json;
use serde_json::Value;
use std::collections::BTreeMap;

/// Where diffusers puts peft's settings.
const NOTE: &str = "lora_adapter_metadata";
/// Settings that change the product, with the values under which they do not.
const OFF: [&str; 5] = [
    "use_dora",
    "use_rslora",
    "lora_bias",
    "fan_in_fan_out",
    "use_qalora",
];

/// The alphas of a file.
#[derive(Default)]
pub(super) struct Alphas(BTreeMap<Part, OfPart>);

struct OfPart {
    usual: Option<f64>,
    /// By how a layer's name ends.
    others: Vec<(String, f64)>,
}

impl Alphas {
    /// Reads the notes of `file`.
    ///
    /// # Errors
    /// `ErrorKind::Malformed`, naming the note.
    pub(super) fn of(file: &str, notes: &BTreeMap<String, String>) -> Result<Self, Error> {
        let Some(text) = notes.get(NOTE) else {
            return Ok(Self::default());
        };
        let told = json::parse(text).filter(Value::is_object);
        let told = told.ok_or_else(|| wrong(file, &format!("its note {NOTE} is no JSON")))?;
        let mut alphas = BTreeMap::new();
        for part in Part::ALL {
            let note = |name: &str| &told[format!("{}.{name}", part.folder())];
            let refused = |name: &str, what: &str| {
                let what = format!(
                    "its note {}.{name} is {}, {what}",
                    part.folder(),
                    note(name)
                );
                wrong(file, &what)
            };
            for name in OFF {
                if !matches!(note(name), Value::Null | Value::Bool(false)) {
                    return Err(refused(name, "which is not merged"));
                }
            }
            let usual = match note("lora_alpha") {
                Value::Null => None,
                value => Some(
                    value
                        .as_f64()
                        .ok_or_else(|| refused("lora_alpha", "which is no number"))?,
                ),
            };
            let patterns = match note("alpha_pattern") {
                Value::Null => None,
                value => Some(
                    value
                        .as_object()
                        .ok_or_else(|| refused("alpha_pattern", "which lists no layers"))?,
                ),
            };
            let mut others = Vec::new();
            for (pattern, value) in patterns.into_iter().flatten() {
                let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
                let value = value.as_f64().filter(|_| pattern.chars().all(plain));
                let value = value.ok_or_else(|| {
                    refused("alpha_pattern", "where names with numbers alone are read")
                })?;
                others.push((pattern.clone(), value));
            }
            alphas.insert(part, OfPart { usual, others });
        }
        Ok(Self(alphas))
    }

    /// What is noted of a layer; `None` when nothing is.
    ///
    /// # Errors
    /// When two patterns say two things.
    pub(super) fn alpha(&self, part: Part, layer: &str) -> Result<Option<f64>, String> {
        let Some(noted) = self.0.get(&part) else {
            return Ok(None);
        };
        let fits = |pattern: &str| {
            let before = layer.strip_suffix(pattern);
            before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
        };
        let mut fitting = noted.others.iter().filter(|(pattern, _)| fits(pattern));
        let Some((first, value)) = fitting.next() else {
            return Ok(noted.usual);
        };
        match fitting.find(|(_, other)| other != value) {
            None => Ok(Some(*value)),
            Some((second, _)) => Err(format!(
                "its alpha_pattern says two things of {layer:?}: {first:?} and {second:?}"
            )),
        }
    }
}
