//! The key maker, as the server draws it; `wake/keys.rs` makes it work.
//!
//! The one rule: nothing here handles a key. It is made in the browser, encrypted there, and never leaves unencrypted.

use crate::frame::{frame, message_line, signing_panel};
use leptos::prelude::*;
use serde::Serialize;

/// Finished texts, so that no Fluent is needed in the browser.
#[derive(Clone, Debug, Serialize)]
pub struct KeyTexts {
    pub passphrase: String,
    pub make: String,
    pub import: String,
    pub working: String,
    pub wrong: String,
    pub here: String,
    pub elsewhere: String,
    pub export: String,
    pub short: String,
}

#[derive(Serialize)]
struct KeyMakerData<'a> {
    #[serde(flatten)]
    texts: &'a KeyTexts,
    origin: String,
    person: String,
    registered: Vec<String>,
}

/// Makes or imports a key, keeps it encrypted in this browser, offers a backup, and registers the public half by submitting
/// the plain form `key-form`.
#[component]
pub fn KeyMaker(
    texts: KeyTexts,
    origin: String,
    person: String,
    registered: Vec<String>,
) -> impl IntoView {
    let props = KeyMakerData {
        texts: &texts,
        origin,
        person,
        registered,
    };
    let inside = view! {
        <div class="key-maker">
            <label class="field">
                <span>{texts.passphrase.clone()}</span>
                <input type="password" id="key-passphrase" autocomplete="new-password" minlength="8"/>
            </label>
            <p class="actions">
                <button type="button" class="button button--primary" id="key-make">{texts.make.clone()}</button>
                <button type="button" class="button" id="key-export">{texts.export.clone()}</button>
            </p>
            <label class="field">
                <span>{texts.import.clone()}</span>
                <input type="file" id="key-import" accept=".key,application/json"/>
            </label>
            {message_line()}
        </div>
    };
    frame("KeyMaker", &props, inside)
}

/// Finished texts.
#[derive(Clone, Debug, Serialize)]
pub struct KeyEndTexts {
    pub passphrase: String,
    pub sign: String,
    pub working: String,
    pub wrong: String,
    pub absent: String,
}

#[derive(Serialize)]
struct KeyEndData<'a> {
    #[serde(flatten)]
    texts: &'a KeyEndTexts,
    origin: String,
    key: String,
}

/// Ends a key on its own word: opens it in the browser, signs the statement and its leaf, and submits the plain form
/// `key-end-form`.
#[component]
pub fn KeyEnd(texts: KeyEndTexts, origin: String, key: String) -> impl IntoView {
    let props = KeyEndData {
        texts: &texts,
        origin,
        key,
    };
    let panel = signing_panel("key-end", &texts.passphrase, &texts.sign);
    frame("KeyEnd", &props, panel)
}
