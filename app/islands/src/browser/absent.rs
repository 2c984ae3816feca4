//! The server's side of [`super`]: the same names, no browser.

use schema::passphrase::Passphrase;
use serde_json::Value;

/// No randomness is drawn for a browser here.
#[must_use]
pub fn random<const N: usize>() -> Option<[u8; N]> {
    None
}

/// No time is asked for here.
#[must_use]
pub fn now_seconds() -> u64 {
    0
}

/// Nothing is typed here.
#[must_use]
pub fn passphrase(typed: &str) -> Passphrase {
    Passphrase::new(typed)
}

/// Nothing is stored here.
#[must_use]
pub fn load(_slot: &str) -> Option<String> {
    None
}

/// Nothing is stored here.
#[must_use]
pub fn save(_slot: &str, _text: &str) -> bool {
    false
}

/// Nothing is downloaded here.
pub fn download(_name: &str, _text: &str) {}

/// Nothing is copied here.
pub fn copy(_text: &str) {}

/// Nothing is edited here.
pub fn edit(_field: &str, _change: impl FnOnce(&str) -> String) {}

/// Nothing is chosen here.
#[must_use]
pub fn value(_field: &str) -> Option<String> {
    None
}

/// Nothing is submitted here.
pub fn submit(_form: &str, _fields: &[(&str, String)]) {}

/// Nothing is polled here.
pub fn poll(_url: String, _each: impl FnMut(Value) -> bool + 'static) {}

/// Nothing is reloaded here.
pub fn reload() {}

/// Nothing is reloaded here.
pub fn reload_unless_typed() {}

/// Nothing is scheduled here.
pub fn later(_work: impl FnOnce() + 'static) {}

/// No file is chosen here.
pub fn read_file(_input: &str, _then: impl FnOnce(String) + 'static) {}
