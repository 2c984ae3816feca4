//! The parts of pages that work in the browser: keys, the studio's progress, proofs.
//!
//! The one rule: the server draws, the browser wakes what was drawn. What the browser's half names must build for WebAssembly and
//! stays small: no leptos there. No private key leaves it unencrypted.

pub mod phrases;

#[cfg(not(target_arch = "wasm32"))]
mod frame;
#[cfg(not(target_arch = "wasm32"))]
pub mod keys;
#[cfg(not(target_arch = "wasm32"))]
pub mod proofs;
#[cfg(not(target_arch = "wasm32"))]
pub mod studio;

#[cfg(target_arch = "wasm32")]
mod browser;
#[cfg(target_arch = "wasm32")]
mod wake;

/// The browser's entry, which `boot.js` calls once.
///
/// # Errors
/// Names what the page lacks: then page and library come from different builds.
#[cfg(target_arch = "wasm32")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn start() -> Result<(), wasm_bindgen::JsValue> {
    console_error_panic_hook::set_once();
    wake::start()
}
