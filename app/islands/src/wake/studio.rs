//! The studio's interactive pieces: progress of a picture, phrases, and sealing with the creator's key.
//!
//! The one rule: a secret key never leaves these functions.

use super::keys::stored_key;
use super::panel::Panel;
use crate::browser::{self, Island, listen, set_text};
use crate::phrases::with_phrase;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schema::canonical;
use schema::commitment::Salt;
use schema::passphrase::Passphrase;
use schema::sealing::{Material, SealMaterial, seal};
use std::rc::Rc;
use wasm_bindgen::JsValue;

/// Asks until it is done, then loads the page again.
pub(super) fn live_progress(island: &Island) -> Result<(), JsValue> {
    let url = island.text("url")?;
    let (bar, line) = (island.find("progress")?, island.find("progress + span")?);
    browser::poll(url, move |answer| {
        for (name, place) in [("step", "value"), ("steps", "max")] {
            if let Some(count) = answer.count(name) {
                bar.set_attribute(place, &count.to_string())
                    .unwrap_or_default();
            }
        }
        if let Some(told) = answer.text("line") {
            set_text(&line, &told);
        }
        if answer.is_done() {
            browser::reload_unless_typed();
        }
        !answer.is_done()
    });
    Ok(())
}

/// Copies a text and says so.
pub(super) fn copy_button(island: &Island) -> Result<(), JsValue> {
    let [text, done] = island.all(["text", "done"])?;
    let button = island.find("button")?;
    listen(&button.clone(), "click", move |_| {
        browser::copy(&text);
        set_text(&button, &done);
    })
}

/// Adds a phrase to the end of a text field, or takes it out again.
pub(super) fn phrase_chips(island: &Island) -> Result<(), JsValue> {
    let target = Rc::new(island.text("target")?);
    let all = Rc::new(island.texts("phrases")?);
    for (index, chip) in island.find_all("button")?.into_iter().enumerate() {
        let (target, all) = (Rc::clone(&target), Rc::clone(&all));
        listen(&chip, "click", move |_| {
            if let Some(phrase) = all.get(index) {
                browser::edit(&target, |text| with_phrase(text, phrase, &all));
            }
        })?;
    }
    Ok(())
}

/// What [`seal_in_browser`] says when it cannot.
struct SealTexts {
    no_key: String,
    unregistered: String,
    wrong: String,
    failed: String,
}

/// Unlocks the key, seals, fills the plain form `seal-form` and submits it.
pub(super) fn seal_panel(island: &Island) -> Result<(), JsValue> {
    let names = ["no_key", "unregistered", "wrong", "failed"];
    let [no_key, unregistered, wrong, failed] = island.all(names)?;
    let texts = SealTexts {
        no_key,
        unregistered,
        wrong,
        failed,
    };
    let material: SealMaterial = canonical::read(&island.text("material")?, "material")
        .map_err(|error| JsValue::from(error.to_string()))?;
    Panel::wake(island, move |passphrase| {
        let fields = seal_in_browser(&material, &texts, passphrase)?;
        browser::submit("seal-form", &fields);
        Ok(())
    })?;
    Ok(())
}

type Fields = [(&'static str, String); 5];

fn seal_in_browser(
    material: &SealMaterial,
    texts: &SealTexts,
    passphrase: &Passphrase,
) -> Result<Fields, String> {
    let file = stored_key().ok_or_else(|| texts.no_key.clone())?;
    if !material.registered.contains(&file.public.to_string()) {
        return Err(texts.unregistered.clone());
    }
    let secret = file.open(passphrase).map_err(|_| texts.wrong.clone())?;
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
        ("statement", sealed.listing.json().unwrap_or_default()),
    ])
}
