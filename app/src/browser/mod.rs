//! What islands ask of the browser. The server's build has the same functions, which do nothing: event handlers are compiled
//! there, but never run.

#[cfg(not(feature = "hydrate"))]
mod absent;
#[cfg(feature = "hydrate")]
mod real;

#[cfg(not(feature = "hydrate"))]
pub use absent::*;
#[cfg(feature = "hydrate")]
pub use real::*;

/// Where the browser keeps a person's encrypted key.
pub const KEY_SLOT: &str = "seedmark-key";
