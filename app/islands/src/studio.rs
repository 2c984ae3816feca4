//! The studio's interactive pieces as the server draws them: progress of a picture, and sealing with the creator's key;
//! `wake/studio.rs` makes them work.
//!
//! The one rule: what stands here before a script ran is true already.

use crate::frame::{frame, signing_panel};
use leptos::prelude::*;
use schema::sealing::SealMaterial;
use serde::Serialize;

#[derive(Serialize)]
struct LiveProgressData {
    url: String,
}

/// Asks `url` for `{line, step, steps, done}` until it is done, then loads the page again, unless somebody has typed something that would be lost.
#[component]
pub fn LiveProgress(url: String, line: String, step: i64, steps: i64) -> impl IntoView {
    let inside = view! {
        <span class="progress" role="status">
            <progress max=steps.to_string() value=step.to_string()></progress>
            <span>{line}</span>
        </span>
    };
    frame("LiveProgress", &LiveProgressData { url }, inside)
}

#[derive(Serialize)]
struct CopyButtonData {
    text: String,
    done: String,
}

/// Copies a text to the clipboard and says so.
#[component]
pub fn CopyButton(text: String, label: String, done: String) -> impl IntoView {
    let inside = view! { <button type="button" class="button button--small">{label}</button> };
    frame("CopyButton", &CopyButtonData { text, done }, inside)
}

#[derive(Serialize)]
struct PhraseChipsData {
    target: String,
    phrases: Vec<String>,
}

/// Buttons that add a phrase to the end of a text field, or take it out again.
#[component]
pub fn PhraseChips(target: String, phrases: Vec<String>) -> impl IntoView {
    let chips = phrases.iter().cloned().map(|phrase| {
        view! { <button type="button" class="chip">{phrase}</button> }
    });
    let inside = view! { <span class="chips">{chips.collect_view()}</span> };
    frame("PhraseChips", &PhraseChipsData { target, phrases }, inside)
}

/// Finished texts.
#[derive(Clone, Debug, Serialize)]
pub struct SealTexts {
    pub passphrase: String,
    pub sign: String,
    pub working: String,
    pub wrong: String,
    pub no_key: String,
    pub unregistered: String,
    pub failed: String,
}

#[derive(Serialize)]
struct SealPanelData<'a> {
    #[serde(flatten)]
    texts: &'a SealTexts,
    /// JSON in JSON: the browser's half reads it with the types of `schema`, the rest without.
    material: String,
}

/// Unlocks the key, seals, fills the plain form `seal-form` and submits it.
#[component]
pub fn SealPanel(material: SealMaterial, texts: SealTexts) -> impl IntoView {
    let props = SealPanelData {
        texts: &texts,
        material: serde_json::to_string(&material).unwrap_or_default(),
    };
    let panel = signing_panel("seal", &texts.passphrase, &texts.sign);
    frame("SealPanel", &props, panel)
}
