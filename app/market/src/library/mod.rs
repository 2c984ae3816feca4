//! What a buyer owns: the opened recipe, the bundle, the pictures, and the proof that it reproduces.
//!
//! The one rule: only the owner of a line opens its bundle, every opening is written down, and a re-run of ours that does not
//! give the sealed pixels is refunded at our cost, unasked.

pub mod figures;
pub mod jobs;
pub mod reruns;
pub mod service;
pub mod shelf;
mod state;
mod store;
#[cfg(test)]
mod tests;

pub use state::RunState;
#[cfg(any(test, feature = "testing"))]
pub use store::ALL as STATEMENTS;

/// Regenerates what somebody owns.
pub const REPRODUCE: &str = base::jobs::turns::PICTURE_KINDS[2];
