//! Writes JSON as RFC 8785 has it.
//!
//! The one rule: nothing here chooses; there is one way to write a value.

use super::Value;
use std::fmt::Write as _;

/// Appends a value.
pub(super) fn value(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Integer(integer) => out.push_str(&integer.to_string()),
        Value::Text(text) => string(text, out),
        Value::List(items) => {
            let mut before = '[';
            for item in items {
                out.push(before);
                before = ',';
                self::value(item, out);
            }
            out.push_str(if items.is_empty() { "[]" } else { "]" });
        }
        Value::Map(map) => {
            let mut before = '{';
            for (key, item) in map {
                out.push(before);
                before = ',';
                string(&key.0, out);
                out.push(':');
                self::value(item, out);
            }
            out.push_str(if map.is_empty() { "{}" } else { "}" });
        }
    }
}

fn string(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        let short = match character {
            '"' => '"',
            '\\' => '\\',
            '\u{8}' => 'b',
            '\u{c}' => 'f',
            '\n' => 'n',
            '\r' => 'r',
            '\t' => 't',
            '\0'..' ' => {
                // Writing to a text cannot fail.
                write!(out, "\\u{:04x}", u32::from(character)).unwrap_or_default();
                continue;
            }
            _ => {
                out.push(character);
                continue;
            }
        };
        out.push('\\');
        out.push(short);
    }
    out.push('"');
}
