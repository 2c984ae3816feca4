//! The line of `Key: value` pairs that ends what A1111 and those who write like it leave.
//!
//! The one rule: a key is two or more letters, digits, blanks, `-` or `/`; a value ends at a comma unless it is quoted or bracketed.

use super::found::bounded;
use serde_json::{Deserializer, Value};

/// A last line with fewer pairs belongs to the prompt.
pub(super) const FEWEST: usize = 3;
/// The most pairs of one line.
const MOST: usize = 512;
/// The longest value in quotes or brackets, in bytes; a longer one ends at its first comma.
const LONGEST: usize = 512 * 1024;

/// What stands before the pairs, and the pairs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) prompt: String,
    pub(super) negative: String,
    pub(super) pairs: Vec<(String, String)>,
}

impl Parts {
    /// The last value of a key, as Python's dictionaries keep it.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        let found = self.pairs.iter().rfind(|(known, _)| known == key);
        found.map(|(_, value)| value.as_str())
    }
}

/// Begins the negative prompt, at the start of a line.
pub(super) const NEGATIVE: &str = "Negative prompt:";

/// Takes a text apart: prompt, negative prompt, pairs.
pub(super) fn parts(text: &str) -> Parts {
    let text = text.trim();
    let (before, last) = text.rsplit_once('\n').unwrap_or(("", text));
    let pairs = pairs(last);
    let (before, pairs) = match pairs.len() {
        FEWEST.. => (before, pairs),
        _ => (text, Vec::new()),
    };
    let begin = match before.strip_prefix(NEGATIVE) {
        Some(_) => Some(0),
        None => before.find(&format!("\n{NEGATIVE}")).map(|at| at + 1),
    };
    let (prompt, negative) = before.split_at(begin.unwrap_or(before.len()));
    let negative = negative.strip_prefix(NEGATIVE).unwrap_or_default();
    Parts {
        prompt: prompt.trim().to_owned(),
        negative: negative.trim().to_owned(),
        pairs,
    }
}

fn is_key(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | ' ' | '-' | '/')
}

/// Whether a key can be read back.
pub(super) fn is_whole_key(key: &str) -> bool {
    let mut letters = key.chars();
    let first = letters
        .next()
        .is_some_and(|c| c.is_alphanumeric() || c == '_');
    first && key.trim() == key && key.chars().count() > 1 && key.chars().all(is_key)
}

/// The pairs of a line; what is none is passed over.
pub(super) fn pairs(line: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = line;
    while found.len() < MOST
        && let Some((before, behind)) = rest.split_once(':')
    {
        let letters = before.trim_end_matches(is_key).len();
        let key = before.get(letters..).unwrap_or_default();
        // The first of a key is a letter.
        let key = key.trim_start_matches([' ', '-', '/']);
        let key = key.trim_end();
        rest = match is_whole_key(key) {
            true => {
                let (value, after) = value(behind);
                found.push((key.to_owned(), value));
                after
            }
            false => behind,
        };
    }
    found
}

/// A value and what stands behind its comma.
fn value(text: &str) -> (String, &str) {
    let text = text.trim_start();
    let whole = match text.chars().next() {
        Some('"' | '{') => json(text),
        Some('[') => json(text).or_else(|| list(text)),
        _ => None,
    };
    whole.unwrap_or_else(|| {
        let (value, after) = text.split_once(',').unwrap_or((text, ""));
        (value.trim().to_owned(), after)
    })
}

/// A quoted text, or an object as civitai and stable-diffusion.cpp put it, commas and all.
fn json(text: &str) -> Option<(String, &str)> {
    let mut values = Deserializer::from_str(bounded(text, LONGEST)).into_iter::<Value>();
    let value = values.next()?.ok()?;
    let (whole, behind) = text.split_at_checked(values.byte_offset())?;
    let value = match value {
        Value::String(value) => value,
        _ => whole.to_owned(),
    };
    Some((value, end(behind)?))
}

/// A list in brackets, which need be none of JSON: `[7, 8, 9, ]`.
fn list(text: &str) -> Option<(String, &str)> {
    let (value, behind) = text.split_at_checked(text.find(']')? + 1)?;
    Some((value.to_owned(), end(behind)?))
}

/// What stands behind the comma, if a value ends here.
fn end(text: &str) -> Option<&str> {
    let text = text.trim_start();
    text.strip_prefix(',').or(text.is_empty().then_some(""))
}

/// A value as it is written: quoted where a reader would mistake it.
pub(super) fn quoted(value: &str) -> String {
    let plain = value.trim() == value
        && !value.is_empty()
        && !value.starts_with(['"', '[', '{'])
        && !value.contains([',', ':'])
        && !value.chars().any(char::is_control);
    match plain {
        true => value.to_owned(),
        // Escapes of JSON leave the text on one line.
        false => Value::from(value).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Vec<(String, String)> {
        pairs(line)
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn values_end_at_commas_unless_they_are_quoted_or_bracketed() {
        let line = r#"Steps: 20, Lora hashes: "a: 12, b: \"3\"", Skip layers: [7, 8, ], Hashes: {"model": "ab, c"}, Size: 5x6"#;
        assert_eq!(
            read(line),
            [
                pair("Steps", "20"),
                pair("Lora hashes", "a: 12, b: \"3\""),
                pair("Skip layers", "[7, 8, ]"),
                pair("Hashes", r#"{"model": "ab, c"}"#),
                pair("Size", "5x6"),
            ]
        );
    }

    #[test]
    fn lists_of_json_hold_commas_and_brackets() {
        let line = r#"Civitai resources: [{"type":"lora","of":[1,2]}, {"b": "]"}], Size: 5x6"#;
        let value = r#"[{"type":"lora","of":[1,2]}, {"b": "]"}]"#;
        assert_eq!(
            read(line),
            [pair("Civitai resources", value), pair("Size", "5x6")]
        );
    }

    #[test]
    fn broken_quotes_and_brackets_are_plain_values() {
        assert_eq!(
            read("Ab: \"x, Cd: [1, Ef: {2"),
            [pair("Ab", "\"x"), pair("Cd", "[1"), pair("Ef", "{2"),]
        );
        assert_eq!(read("A: 1, :, ::, ,,"), []);
        let deep = format!("Ab: {}", "{\"a\":".repeat(5000));
        assert_eq!(read(&deep).len(), 1);
    }

    #[test]
    fn two_pairs_are_a_part_of_the_prompt_and_three_are_none() {
        let text = "a cat\nSteps: 3, Seed: 4";
        assert_eq!(parts(text).prompt, text);
        let text = "a cat\nSteps: 3, Seed: 4, Size: 5x6";
        assert_eq!(parts(text).prompt, "a cat");
        assert_eq!(parts(text).get("Seed"), Some("4"));
    }

    #[test]
    fn lines_of_steps_inside_the_prompt_stay_there() {
        let text = "Steps: 1, Seed: 2, Size: 3x4\ncat\nNegative prompt: dog\nSteps: 9, a: b, cc: d\nSteps: 20, Seed: 1, Model: m";
        let parts = parts(text);
        assert_eq!(parts.prompt, "Steps: 1, Seed: 2, Size: 3x4\ncat");
        assert_eq!(parts.negative, "dog\nSteps: 9, a: b, cc: d");
        assert_eq!(parts.get("Steps"), Some("20"));
    }
}
