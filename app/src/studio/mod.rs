//! The studio: write a template, generate, choose anchors, seal in the browser, publish.
//!
//! The one rule: template, seeds and values lie encrypted, and a listing goes live only when the platform's own worker found
//! every digest equal and both leaves are in a signed checkpoint.

pub mod island;

#[cfg(feature = "ssr")]
mod check;
#[cfg(feature = "ssr")]
mod content;
#[cfg(feature = "ssr")]
mod error;
#[cfg(feature = "ssr")]
pub mod http;
#[cfg(feature = "ssr")]
pub mod jobs;
#[cfg(feature = "ssr")]
mod page;
#[cfg(feature = "ssr")]
pub mod queue;
#[cfg(feature = "ssr")]
pub mod service;
#[cfg(feature = "ssr")]
mod store;
#[cfg(feature = "ssr")]
mod variables;
#[cfg(all(test, feature = "ssr"))]
pub(crate) use store::ALL as STATEMENTS;

#[cfg(feature = "ssr")]
/// Makes one picture of a draft.
pub const GENERATE: &str = crate::jobs::turns::PICTURE_KINDS[0];
#[cfg(feature = "ssr")]
/// Regenerates every anchor of a sealed version and logs the outcome.
pub const CERTIFY: &str = crate::jobs::turns::PICTURE_KINDS[1];
