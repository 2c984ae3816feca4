//! The public log's place in the shop: leaves are queued with the change that makes them, and sequenced by one task.
//!
//! The one rule: a leaf is only called logged once a signed checkpoint that covers it is durable and public.

pub mod intake;
pub mod keys;
mod lock;
mod note;
mod sequencer;
pub mod service;
pub mod status;
mod store;
#[cfg(test)]
mod tests;
#[cfg(any(test, feature = "testing"))]
pub use store::ALL as STATEMENTS;

pub use lock::adopt;
pub use sequencer::Sequencer;
