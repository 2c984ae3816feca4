//! JSON as Python writes it.
//!
//! The one rule: what JSON has no word for (`NaN`, `Infinity`) becomes null, outside of texts alone.

use serde_json::Value;

/// Python's words for what is no number.
const WORDS: [&str; 3] = ["-Infinity", "Infinity", "NaN"];

/// Reads a document.
pub(crate) fn parse(text: &str) -> Option<Value> {
    let text = text.trim_matches(['\0', ' ', '\n', '\r', '\t']);
    let plain = serde_json::from_str(text).ok();
    plain.or_else(|| serde_json::from_str(&without_words(text)?).ok())
}

/// The same with nulls, if there was anything to replace.
fn without_words(text: &str) -> Option<String> {
    let mut found = false;
    let mut written = String::with_capacity(text.len());
    // Texts and what stands between them by turns; an escaped quote ends none.
    let (mut inside, mut escaped, mut begin) = (false, false, 0);
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if inside => escaped = true,
            '"' => {
                let part = text.get(begin..at)?;
                found |= write(part, inside, &mut written);
                (inside, begin) = (!inside, at);
            }
            _ => {}
        }
    }
    found |= write(text.get(begin..)?, inside, &mut written);
    found.then_some(written)
}

fn write(part: &str, inside: bool, written: &mut String) -> bool {
    let replaced = (!inside).then(|| {
        WORDS
            .iter()
            .fold(part.to_owned(), |part, word| part.replace(word, "null"))
    });
    let changed = replaced.as_deref().is_some_and(|replaced| replaced != part);
    written.push_str(replaced.as_deref().unwrap_or(part));
    changed
}

/// A value as a pair's text; whole numbers lose their point.
pub(crate) fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(match number.as_f64() {
            Some(whole) if number.is_f64() && whole.fract() == 0.0 && whole.abs() < 1e15 => {
                format!("{whole:.0}")
            }
            _ => number.to_string(),
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_python_are_null_outside_of_texts_alone() {
        let text =
            r#"{"a": NaN, "NaN": [-Infinity, Infinity, 1.5], "b": "NaN \" NaN \\", "c": "é"}"#;
        let value = parse(text).expect("a document");
        let expected = serde_json::json!({
            "a": null, "NaN": [null, null, 1.5], "b": "NaN \" NaN \\", "c": "é"
        });
        assert_eq!(value, expected);
        assert_eq!(parse("{\"a\": nan}"), None);
        assert_eq!(parse("\"NaN"), None);
        assert_eq!(parse(&"[".repeat(100_000)), None);
    }

    #[test]
    fn whole_numbers_lose_their_point_and_large_ones_no_digit() {
        let texts = |text: &str| parse(text).as_ref().and_then(plain);
        assert_eq!(texts("20.0").as_deref(), Some("20"));
        assert_eq!(texts("7.5").as_deref(), Some("7.5"));
        assert_eq!(
            texts("18446744073709551615").as_deref(),
            Some("18446744073709551615")
        );
        assert_eq!(texts("[]"), None);
    }
}
