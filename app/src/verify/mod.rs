//! The public log's place in the shop: leaves are queued with the change that makes them, sequenced by one task, and shown
//! on proof pages with all that a stranger needs to check them offline.
//!
//! The one rule: a leaf is only called logged once a signed checkpoint that covers it is durable and public.

pub mod attest;
#[cfg(feature = "ssr")]
pub mod http;
pub mod intake;
mod page;
mod sequencer;
pub mod service;
mod store;
#[cfg(test)]
pub(crate) use store::ALL as STATEMENTS;

pub use sequencer::Sequencer;
