//! The visitor's own check: the browser recomputes what the server says about a leaf, from the leaf, the proof and the keys alone.
//!
//! The one rule: what is shown here was computed here. Page and program still come from the shop; a file that is checked offline
//! with a tool from elsewhere trusts it less, and the text says so.

use crate::browser;
use crate::keys::{Note, signing_panel, stored_key};
use ledger::evidence::{Evidence, check};
use leptos::prelude::*;
use schema::attestation::Attestation;
use schema::key::SecretKey;
use schema::statement::ReproductionStatement;
use serde::{Deserialize, Serialize};

/// Finished texts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckTexts {
    pub waiting: String,
    pub holds: String,
    pub broken: String,
    /// The names of the checks, as [`Check`] orders them.
    pub names: [String; 5],
}

/// Runs the checks once the page is alive.
#[island]
pub fn ProofCheck(evidence: Evidence, texts: CheckTexts) -> impl IntoView {
    let results = RwSignal::new(None);
    Effect::new(move |_| results.set(Some(check(&evidence, browser::now_seconds()))));
    let t = StoredValue::new(texts);
    let state = move || match results.get() {
        None => "waiting",
        Some(results) if results.iter().all(|(_, result)| result.is_ok()) => "holds",
        Some(_) => "broken",
    };
    let line = move || {
        t.with_value(|t| match state() {
            "waiting" => t.waiting.clone(),
            "holds" => t.holds.clone(),
            _ => t.broken.clone(),
        })
    };
    let mark = move || match state() {
        "waiting" => "…",
        "holds" => "✓",
        _ => "✗",
    };
    let rows = move || {
        // The server's list above says the same; only what does not hold is worth a second one.
        let Some(results) = results
            .get()
            .filter(|results| results.iter().any(|(_, result)| result.is_err()))
        else {
            return Vec::new();
        };
        let names = t.with_value(|t| t.names.clone());
        results
            .into_iter()
            .map(|(check, result)| {
                let name = names[check as usize].clone();
                let bad = result.is_err();
                let mark = if bad { "✗" } else { "✓" };
                view! { <li class:checks__bad=bad><span class="checks__mark" aria-hidden="true">{mark}</span><strong>{name}</strong><span>{result.err()}</span></li> }
            })
            .collect_view()
    };
    view! {
        <div id="own-check" class="own-check" data-state=state>
            <p role="status"><span class="checks__mark" aria-hidden="true">{mark}</span> {line}</p>
            <ul class="checks">{rows}</ul>
        </div>
    }
}

/// Finished texts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AttestTexts {
    pub passphrase: String,
    pub sign: String,
    pub working: String,
    pub wrong: String,
    pub no_key: String,
    pub failed: String,
}

/// Signs the outcome of a run with the owner's key and submits the plain form `attest-form`. The secret key never leaves this
/// function.
#[island]
pub fn AttestPanel(
    /// The statement's JSON.
    statement: String,
    origin: String,
    /// The licence document's exact bytes, base64.
    licence: String,
    /// Its salt, base64.
    salt: String,
    texts: AttestTexts,
) -> impl IntoView {
    let passphrase = RwSignal::new(String::new());
    let message = RwSignal::new(Note::default());
    let labels = (texts.passphrase.clone(), texts.sign.clone());
    let state = StoredValue::new((statement, origin, licence, salt, texts));
    let press = move || {
        message.set(Note::working(state.with_value(|(.., t)| t.working.clone())));
        browser::later(move || {
            let signed = state.with_value(|(statement, origin, licence, salt, texts)| {
                let file = stored_key().ok_or_else(|| texts.no_key.clone())?;
                let secret = file
                    .open(&browser::passphrase(&passphrase.get_untracked()))
                    .map_err(|_| texts.wrong.clone())?;
                sign(statement, origin, &secret, licence, salt)
                    .map_err(|error| format!("{} ({error})", texts.failed))
            });
            match signed {
                Ok(text) => browser::submit("attest-form", &[("attestation", text)]),
                Err(text) => message.set(Note::failed(text)),
            }
        });
    };
    signing_panel("attest", labels, passphrase, message, press)
}

fn sign(
    statement: &str,
    origin: &str,
    secret: &SecretKey,
    licence: &str,
    salt: &str,
) -> Result<String, schema::Error> {
    let malformed =
        |what: String| schema::Error::new(schema::ErrorKind::Malformed, "statement", what);
    let statement: ReproductionStatement =
        serde_json::from_str(statement).map_err(|error| malformed(error.to_string()))?;
    let signed = Attestation::sign(&statement, origin, secret, licence.into(), salt.into())?;
    String::from_utf8(signed.to_bytes()?).map_err(|error| malformed(error.to_string()))
}
