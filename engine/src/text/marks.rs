//! What means something within a prompt besides brackets: numbers, keywords, and names in angle brackets.
//!
//! The one rule: each is looked for in one pass, whatever the prompt.

use crate::error::{Error, ErrorKind};

/// The largest weight that may be written.
pub const MAX_WEIGHT: f64 = 100.0;

/// The number in `:1.3)` and the length of all of it, if `rest` begins so.
pub(super) fn explicit(rest: &str) -> Option<(&str, usize)> {
    let inner = rest[1..].trim_start();
    let unsigned = inner.strip_prefix(['+', '-']).unwrap_or(inner);
    let tail = unsigned.trim_start_matches(|it: char| it == '.' || it.is_ascii_digit());
    let after = tail.trim_start().strip_prefix(')')?;
    let number = &inner[..inner.len() - tail.len()];
    (tail.len() < unsigned.len()).then_some((number, rest.len() - after.len()))
}

pub(super) fn weight(number: &str) -> Result<f64, Error> {
    let shown: String = number.chars().take(20).collect();
    match number.parse::<f64>() {
        Ok(weight) if weight.abs() <= MAX_WEIGHT => Ok(weight),
        Ok(_) => {
            let what = format!("the weight {shown}, beyond {MAX_WEIGHT},");
            Err(not_offered(&what, r"write \( for a bracket that is text"))
        }
        Err(_) => {
            let message = format!("the prompt's weight {shown:?} is no number");
            Err(Error::new(ErrorKind::Malformed, message))
        }
    }
}

/// When to change words: a step or a part of all steps.
pub(super) fn is_number(text: &str) -> bool {
    let text = text.trim();
    text.parse::<f64>().is_ok() && text.ends_with(|it: char| it == '.' || it.is_ascii_digit())
}

/// Refuses what means something wherever it stands.
pub(super) fn refuse_words(prompt: &str) -> Result<(), Error> {
    let is_word = |it: char| it.is_alphanumeric() || it == '_';
    for word in ["AND", "BREAK"] {
        for (at, _) in prompt.match_indices(word) {
            if !prompt[..at].ends_with(is_word) && !prompt[at + word.len()..].starts_with(is_word) {
                return Err(not_offered(
                    &format!("the keyword {word}"),
                    "write it small for the word",
                ));
            }
        }
    }
    // Looked for once, so that a prompt of nothing but beginnings costs no more than another.
    let last = prompt.rfind('>').unwrap_or(0);
    for (at, _) in prompt.match_indices('<') {
        let inner = &prompt[at + 1..];
        let tail = inner.trim_start_matches(is_word);
        let name: String = inner[..inner.len() - tail.len()].chars().take(20).collect();
        let is_closed = tail.starts_with(':')
            && !tail.starts_with(":>")
            && at < last
            && last > prompt.len() - tail.len();
        if !name.is_empty() && is_closed {
            return Err(not_offered(&format!("<{name}:…>"), "leave it out"));
        }
    }
    Ok(())
}

pub(super) fn not_offered(what: &str, help: &str) -> Error {
    let message = format!("the prompt has {what} which is not offered: {help}");
    Error::new(ErrorKind::NotOffered, message)
}
