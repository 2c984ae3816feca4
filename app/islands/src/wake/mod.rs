//! Wakes what the server drew: finds the islands of a page and gives each its handlers.
//!
//! The one rule: markup is the server's. A name, prop or element that is not there is an error, because it means that page and
//! library come from different builds.

mod keys;
mod panel;
mod proofs;
mod studio;

use crate::browser::{self, Island};
use wasm_bindgen::JsValue;

/// Wakes every island of the page, in the order in which they stand there.
pub(crate) fn start() -> Result<(), JsValue> {
    for (name, root) in browser::islands()? {
        let island = Island::of(root)?;
        match name.as_str() {
            "AttestPanel" => proofs::attest_panel(&island)?,
            "CopyButton" => studio::copy_button(&island)?,
            "KeyEnd" => keys::key_end(&island)?,
            "KeyMaker" => keys::key_maker(&island)?,
            "LiveProgress" => studio::live_progress(&island)?,
            "PhraseChips" => studio::phrase_chips(&island)?,
            "ProofCheck" => proofs::proof_check(&island)?,
            "SealPanel" => studio::seal_panel(&island)?,
            _ => {
                return Err(
                    js_sys::Error::new(&format!("no function for the island {name}")).into(),
                );
            }
        }
    }
    Ok(())
}
