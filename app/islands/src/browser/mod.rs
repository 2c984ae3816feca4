//! What islands ask of the browser. The server's build has the same functions, which do nothing: event handlers are compiled
//! there, but never run.

#[cfg(not(target_arch = "wasm32"))]
mod absent;
#[cfg(target_arch = "wasm32")]
mod real;

#[cfg(not(target_arch = "wasm32"))]
pub use absent::*;
#[cfg(target_arch = "wasm32")]
pub use real::*;

/// Where the browser keeps a person's encrypted key.
pub const KEY_SLOT: &str = "seedmark-key";
