//! Reads JSON text.
//!
//! The one rule: what is no JSON is malformed; what is JSON but never canonical (`null`, fractions, a key twice) is named as such.

use super::{Found, Key, Value, exact};
use crate::error::ErrorKind;
use std::collections::BTreeMap;

/// Deeper documents could exhaust the stack.
const MAX_DEPTH: usize = 127;

/// Reads a whole text.
pub(super) fn document(text: &str) -> Found<Value> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    reader.space();
    if reader.at == text.len() {
        Ok(value)
    } else {
        never("has text after its end".into())
    }
}

fn never<T>(what: String) -> Found<T> {
    Err((ErrorKind::NotCanonical, what))
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn malformed<T>(&self, expected: &str) -> Found<T> {
        let message = format!("expected {expected} at byte {}", self.at + 1);
        Err((ErrorKind::Malformed, message))
    }

    fn space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.rest().starts_with(word);
        if found {
            self.at += word.len();
        }
        found
    }

    /// After white space.
    fn next(&mut self, word: &str) -> bool {
        self.space();
        self.take(word)
    }

    fn value(&mut self, depth: usize) -> Found<Value> {
        self.space();
        match self.rest().as_bytes().first() {
            Some(b'{' | b'[') if depth >= MAX_DEPTH => self.malformed("less depth"),
            Some(b'{') => self.map(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => {
                let text = self.string()?;
                if text.contains('\0') {
                    return never("text holds a NUL character".into());
                }
                Ok(Value::Text(text))
            }
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ if self.take("true") => Ok(Value::Bool(true)),
            _ if self.take("false") => Ok(Value::Bool(false)),
            _ if self.take("null") => never("null is not allowed; leave the field out".into()),
            _ => self.malformed("a value"),
        }
    }

    fn list(&mut self, depth: usize) -> Found<Value> {
        self.at += 1;
        let mut items = Vec::new();
        if self.next("]") {
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.next("]") {
                return Ok(Value::List(items));
            }
            if !self.take(",") {
                return self.malformed("a comma or a bracket");
            }
        }
    }

    fn map(&mut self, depth: usize) -> Found<Value> {
        self.at += 1;
        let mut map = BTreeMap::new();
        if self.next("}") {
            return Ok(Value::Map(map));
        }
        loop {
            self.space();
            let key = self.string()?;
            if !self.next(":") {
                return self.malformed("a colon");
            }
            let value = self.value(depth + 1)?;
            if map.insert(Key(key.clone()), value).is_some() {
                return never(format!("the key {key:?} appears twice"));
            }
            if self.next("}") {
                return Ok(Value::Map(map));
            }
            if !self.take(",") {
                return self.malformed("a comma or a brace");
            }
        }
    }

    fn digits(&mut self) -> usize {
        let rest = self.rest();
        let count = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        self.at += count;
        count
    }

    fn number(&mut self) -> Found<Value> {
        let start = self.at;
        let negative = self.take("-");
        let zero = self.rest().starts_with('0');
        let digits = self.digits();
        if digits == 0 || (zero && digits > 1) {
            return self.malformed("a number");
        }
        let end = self.at;
        if self.take(".") && self.digits() == 0 {
            return self.malformed("a digit");
        }
        if self.take("e") || self.take("E") {
            let _sign = self.take("+") || self.take("-");
            if self.digits() == 0 {
                return self.malformed("a digit");
            }
        }
        let text = &self.text[start..self.at];
        if self.at != end || (negative && zero) {
            return never(format!(
                "number {text} is not a plain integer; write fractions as thousandths or strings"
            ));
        }
        match text.parse().map_err(|_| text).map(exact) {
            Ok(Ok(integer)) => Ok(Value::Integer(integer)),
            Ok(Err(message)) => never(message),
            Err(text) => never(format!("integer {text} is beyond 2^53-1")),
        }
    }

    fn string(&mut self) -> Found<String> {
        if !self.take("\"") {
            return self.malformed("a text");
        }
        let mut out = String::new();
        loop {
            let rest = self.rest();
            let plain = rest.find(|c| c == '"' || c == '\\' || c < ' ');
            let Some(plain) = plain else {
                return self.malformed("the end of a text");
            };
            out.push_str(&rest[..plain]);
            self.at += plain;
            if self.take("\"") {
                return Ok(out);
            }
            if !self.take("\\") {
                return self.malformed("no control character");
            }
            let letter = self.rest().as_bytes().first().copied();
            self.at += 1;
            out.push(match letter {
                Some(b'"') => '"',
                Some(b'\\') => '\\',
                Some(b'/') => '/',
                Some(b'b') => '\u{8}',
                Some(b'f') => '\u{c}',
                Some(b'n') => '\n',
                Some(b'r') => '\r',
                Some(b't') => '\t',
                Some(b'u') => self.escaped()?,
                _ => return self.malformed("an escape"),
            });
        }
    }

    /// What stands after `\u`, with the second half of a pair.
    fn escaped(&mut self) -> Found<char> {
        let first = self.unit()?;
        let code = if (0xd800..0xdc00).contains(&first) {
            if !self.take("\\u") {
                return self.malformed("the second half of a character");
            }
            let second = self.unit()?.wrapping_sub(0xdc00);
            if second > 0x3ff {
                return self.malformed("the second half of a character");
            }
            0x1_0000 + ((first - 0xd800) << 10) + second
        } else {
            first
        };
        char::from_u32(code).map_or_else(|| self.malformed("a character"), Ok)
    }

    fn unit(&mut self) -> Found<u32> {
        let mut unit = 0;
        for _ in 0..4 {
            let byte = self.rest().as_bytes().first().copied().unwrap_or_default();
            let Some(digit) = char::from(byte).to_digit(16) else {
                return self.malformed("four hex digits");
            };
            unit = unit * 16 + digit;
            self.at += 1;
        }
        Ok(unit)
    }
}
