//! The visitor's own check and the owner's signature under an outcome, as the server draws them; `wake/proofs.rs` makes them work.
//!
//! The one rule: what the check shows is computed in the browser. Page and program still come from the shop; a file that is checked
//! offline with a tool from elsewhere trusts it less, and the text says so.

use crate::frame::{frame, signing_panel};
use ledger::evidence::Evidence;
use leptos::prelude::*;
use serde::Serialize;

/// Finished texts.
#[derive(Clone, Debug, Serialize)]
pub struct CheckTexts {
    pub waiting: String,
    pub holds: String,
    pub broken: String,
    /// The names of the checks, as [`ledger::evidence::Check`] orders them.
    pub names: [String; 5],
}

#[derive(Serialize)]
struct ProofCheckData<'a> {
    #[serde(flatten)]
    texts: &'a CheckTexts,
    #[serde(flatten)]
    evidence: Evidence,
}

/// Runs the checks once the page is alive.
#[component]
pub fn ProofCheck(evidence: Evidence, texts: CheckTexts) -> impl IntoView {
    let props = ProofCheckData {
        texts: &texts,
        evidence,
    };
    let inside = view! {
        <div id="own-check" class="own-check" data-state="waiting">
            <p role="status"><span class="checks__mark" aria-hidden="true">"…"</span> <span>{texts.waiting.clone()}</span></p>
            <ul class="checks"></ul>
        </div>
    };
    frame("ProofCheck", &props, inside)
}

/// Finished texts.
#[derive(Clone, Debug, Serialize)]
pub struct AttestTexts {
    pub passphrase: String,
    pub sign: String,
    pub working: String,
    pub wrong: String,
    pub no_key: String,
    pub failed: String,
}

#[derive(Serialize)]
struct AttestPanelData<'a> {
    #[serde(flatten)]
    texts: &'a AttestTexts,
    statement: String,
    origin: String,
    licence: String,
    salt: String,
}

/// Signs the outcome of a run with the owner's key and submits the plain form `attest-form`.
#[component]
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
    let props = AttestPanelData {
        texts: &texts,
        statement,
        origin,
        licence,
        salt,
    };
    let panel = signing_panel("attest", &texts.passphrase, &texts.sign);
    frame("AttestPanel", &props, panel)
}
