//! The visitor's own check: the browser recomputes what the server says about a leaf, from the leaf, the proof and the keys alone.
//!
//! The one rule: what is shown here was computed here. Page and program still come from the shop; a file that is checked offline
//! with a tool from elsewhere trusts it less, and the text says so.

use super::keys::stored_key;
use super::panel::Panel;
use crate::browser::{self, Island, element, set_text};
use js_sys::Reflect;
use ledger::evidence::{Evidence, Opening, check};
use schema::attestation::Attestation;
use schema::canonical;
use schema::key::SecretKey;
use schema::statement::ReproductionStatement;
use wasm_bindgen::JsValue;
use web_sys::Element;

fn evidence(island: &Island) -> Result<Evidence, JsValue> {
    let opening = island.optional("opening").map(|opening| {
        let part = |name: &str| Reflect::get(&opening, &name.into()).unwrap_or_default();
        let text = |name: &str| part(name).as_string().unwrap_or_default();
        Opening {
            recipe: text("recipe"),
            salt: text("salt"),
            pixels: browser::texts(&part("pixels")),
        }
    });
    Ok(Evidence {
        leaf: island.text("leaf")?,
        key: island.text("key")?,
        log_key: island.text("log_key")?,
        proof: island.text("proof")?,
        policy: island.optional("policy").and_then(|text| text.as_string()),
        opening,
    })
}

/// Runs the checks.
pub(super) fn proof_check(island: &Island) -> Result<(), JsValue> {
    let results = check(&evidence(island)?, browser::now_seconds());
    let holds = results.iter().all(|(_, result)| result.is_ok());
    let (state, mark) = if holds {
        ("holds", "✓")
    } else {
        ("broken", "✗")
    };
    let panel = island.find(".own-check")?;
    panel.set_attribute("data-state", state)?;
    set_text(&island.find("p > .checks__mark")?, mark);
    set_text(
        &island.find("p > .checks__mark + span")?,
        &island.text(state)?,
    );
    // The server's list above says the same; only what does not hold is worth a second one.
    if !holds {
        let (list, names) = (island.find("ul")?, island.texts("names")?);
        for (check, result) in results {
            let name = names.get(check as usize).map_or("", String::as_str);
            list.append_child(&*row(name, result.err())?)?;
        }
    }
    Ok(())
}

fn row(name: &str, error: Option<String>) -> Result<Element, JsValue> {
    let (class, sign) = match error {
        Some(_) => ("checks__bad", "✗"),
        None => ("", "✓"),
    };
    let mark = element("span", "checks__mark", sign)?;
    mark.set_attribute("aria-hidden", "true")?;
    let row = element("li", class, "")?;
    row.append_child(&mark)?;
    row.append_child(&*element("strong", "", name)?)?;
    row.append_child(&*element("span", "", &error.unwrap_or_default())?)?;
    Ok(row)
}

/// Signs the outcome of a run with the owner's key and submits the plain form `attest-form`. The secret key never leaves this
/// function.
pub(super) fn attest_panel(island: &Island) -> Result<(), JsValue> {
    let parts = ["statement", "origin", "licence", "salt"];
    let texts = ["no_key", "wrong", "failed"];
    let [statement, origin, licence, salt] = island.all(parts)?;
    let [no_key, wrong, failed] = island.all(texts)?;
    Panel::wake(island, move |passphrase| {
        let file = stored_key().ok_or_else(|| no_key.clone())?;
        let secret = file.open(passphrase).map_err(|_| wrong.clone())?;
        let signed = sign(&statement, &origin, &secret, &licence, &salt)
            .map_err(|error| format!("{failed} ({error})"))?;
        browser::submit("attest-form", &[("attestation", signed)]);
        Ok(())
    })?;
    Ok(())
}
fn sign(
    statement: &str,
    origin: &str,
    secret: &SecretKey,
    licence: &str,
    salt: &str,
) -> Result<String, schema::Error> {
    let statement: ReproductionStatement = canonical::read(statement, "statement")?;
    let signed = Attestation::sign(&statement, origin, secret, licence.into(), salt.into())?;
    let bytes = signed.to_bytes()?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
