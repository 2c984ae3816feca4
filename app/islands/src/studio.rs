//! The studio's interactive pieces: progress of a picture, and sealing with the creator's key.

use crate::browser;
use crate::keys::{Note, signing_panel, stored_key};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use leptos::prelude::*;
use schema::commitment::Salt;
use schema::sealing::{Material, SealMaterial, seal};
use serde::{Deserialize, Serialize};

/// Asks `url` for `{step, steps, done}` until it is done, then loads the page again, unless somebody has typed something that would be lost.
#[island]
pub fn LiveProgress(url: String, label: String, step: i64, steps: i64) -> impl IntoView {
    let now = RwSignal::new(step);
    let of = RwSignal::new(steps);
    Effect::new(move |_| {
        browser::poll(url.clone(), move |value| {
            if let Some(step) = value["step"].as_i64() {
                now.set(step);
            }
            if let Some(steps) = value["steps"].as_i64() {
                of.set(steps);
            }
            if value["done"].as_bool() == Some(true) {
                browser::reload_unless_typed();
                return false;
            }
            true
        });
    });
    view! {
        <span class="progress" role="status">
            <progress max=move || of.get().to_string() value=move || now.get().to_string()></progress>
            <span>{label} " " {move || now.get()} "/" {move || of.get()}</span>
        </span>
    }
}

/// Copies a text to the clipboard and says so.
#[island]
pub fn CopyButton(text: String, label: String, done: String) -> impl IntoView {
    let shown = RwSignal::new(label);
    let copy = move |_| {
        browser::copy(&text);
        shown.set(done.clone());
    };
    view! { <button type="button" class="button button--small" on:click=copy>{move || shown.get()}</button> }
}

/// Buttons that add a phrase to the end of a text field, or take it out again.
#[island]
pub fn PhraseChips(target: String, phrases: Vec<String>) -> impl IntoView {
    let chips = phrases.clone().into_iter().map(|phrase| {
        let (target, all, mine) = (target.clone(), phrases.clone(), phrase.clone());
        let press = move |_| {
            browser::edit(&target, |text| with_phrase(text, &mine, &all));
        };
        view! { <button type="button" class="chip" on:click=press>{phrase}</button> }
    });
    view! { <span class="chips">{chips.collect_view()}</span> }
}

/// A prompt that ends in `phrase` instead of any other of the phrases; one that ends in it already loses it. What stands before
/// is the creator's and stays as it was typed.
fn with_phrase(text: &str, phrase: &str, all: &[String]) -> String {
    let text = text.trim_end();
    let commas = [',', '，'];
    let start = text.rfind(commas).unwrap_or(0);
    let last = text[start..].trim_start_matches(commas).trim();
    let kept = if all.iter().any(|known| known == last) {
        text[..start].trim_end()
    } else {
        text
    };
    match (last == phrase, kept) {
        (true, kept) => kept.to_owned(),
        (false, "") => phrase.to_owned(),
        (false, kept) => format!("{kept}, {phrase}"),
    }
}

#[cfg(test)]
mod tests {
    use crate::studio::with_phrase;

    #[test]
    fn a_style_is_added_exchanged_and_taken_out_and_the_rest_stays_as_typed() {
        let all = ["3d风格".to_owned(), "扁平风格".to_owned()];
        let press = |text: &str, phrase: &str| with_phrase(text, phrase, &all);
        assert_eq!(press("红，绿,, 蓝", "3d风格"), "红，绿,, 蓝, 3d风格");
        assert_eq!(press("猫，3d风格", "扁平风格"), "猫, 扁平风格");
        assert_eq!(press("猫, 3d风格", "3d风格"), "猫");
        assert_eq!(press("", "3d风格"), "3d风格");
        assert_eq!(press("3d风格", "3d风格"), "");
    }
}

/// Finished texts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SealTexts {
    pub passphrase: String,
    pub sign: String,
    pub working: String,
    pub wrong: String,
    pub no_key: String,
    pub unregistered: String,
    pub failed: String,
}

/// Unlocks the key, seals, fills the plain form `seal-form` and submits it. The secret key never leaves this function.
#[island]
pub fn SealPanel(material: SealMaterial, texts: SealTexts) -> impl IntoView {
    let passphrase = RwSignal::new(String::new());
    let message = RwSignal::new(Note::default());
    let label = (texts.passphrase.clone(), texts.sign.clone());
    let state = StoredValue::new((material, texts));
    let sign = move || {
        message.set(Note::working(state.with_value(|(_, t)| t.working.clone())));
        browser::later(move || {
            let outcome = state.with_value(|(material, texts)| {
                seal_in_browser(material, texts, &passphrase.get_untracked())
            });
            match outcome {
                Ok(fields) => browser::submit("seal-form", &fields),
                Err(text) => message.set(Note::failed(text)),
            }
        });
    };
    signing_panel("seal", label, passphrase, message, sign)
}

type Fields = [(&'static str, String); 5];

fn seal_in_browser(
    material: &SealMaterial,
    texts: &SealTexts,
    passphrase: &str,
) -> Result<Fields, String> {
    let file = stored_key().ok_or_else(|| texts.no_key.clone())?;
    if !material.registered.contains(&file.public.to_string()) {
        return Err(texts.unregistered.clone());
    }
    let secret = file
        .open(&browser::passphrase(passphrase))
        .map_err(|_| texts.wrong.clone())?;
    let recipe = STANDARD
        .decode(&material.recipe)
        .map_err(|_| texts.failed.clone())?;
    let salt = Salt(browser::random().ok_or_else(|| texts.failed.clone())?);
    let whole = Material {
        origin: &material.origin,
        recipe: &recipe,
        anchors: &material.anchors,
        label_version: material.label_version,
        licences: &material.licences,
    };
    let sealed =
        seal(&whole, &salt, &secret).map_err(|error| format!("{} ({error})", texts.failed))?;
    Ok([
        ("salt", hex::encode(salt.0)),
        ("key", secret.public().to_string()),
        ("leaf", hex::encode(sealed.leaf.to_bytes())),
        ("listing_leaf", hex::encode(sealed.listing_leaf.to_bytes())),
        (
            "statement",
            serde_json::to_string(&sealed.listing).unwrap_or_default(),
        ),
    ])
}
