//! The parts of pages that work in the browser: keys, the studio's progress, proofs.
//!
//! The one rule: this is the browser library, whole. What it names must build for WebAssembly, and no private key leaves it unencrypted.

#![recursion_limit = "256"]

pub mod browser;
pub mod keys;
pub mod proofs;
pub mod studio;

/// The browser's entry: makes the islands' functions known; `boot.js` then calls one for each island on the page.
#[cfg(target_arch = "wasm32")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
}
