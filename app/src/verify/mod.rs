//! The public log's place in the shop: leaves are queued with the change that makes them, sequenced by one task, and shown
//! on proof pages with all that a stranger needs to check them offline.
//!
//! The one rule: a leaf is only called logged once a signed checkpoint that covers it is durable and public.

pub mod evidence;
pub mod island;

#[cfg(feature = "ssr")]
pub mod attest;
#[cfg(feature = "ssr")]
pub mod http;
#[cfg(feature = "ssr")]
pub mod intake;
#[cfg(feature = "ssr")]
mod lock;
#[cfg(feature = "ssr")]
mod note;
#[cfg(feature = "ssr")]
mod page;
#[cfg(feature = "ssr")]
pub mod priority;
#[cfg(feature = "ssr")]
mod sequencer;
#[cfg(feature = "ssr")]
pub mod service;
#[cfg(feature = "ssr")]
pub mod status;
#[cfg(feature = "ssr")]
mod store;
#[cfg(all(test, feature = "ssr"))]
mod tests;
#[cfg(all(test, feature = "ssr"))]
pub(crate) use store::ALL as STATEMENTS;

#[cfg(feature = "ssr")]
pub use lock::adopt;
#[cfg(feature = "ssr")]
pub(crate) use page::{check_texts, since};
#[cfg(feature = "ssr")]
pub use sequencer::Sequencer;
