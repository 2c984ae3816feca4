//! What two programs or two releases of Seedmark must agree on: formats, digests, signatures, names.
//!
//! The one rule: bytes that were hashed or signed are kept and compared as received; nothing here re-serialises them.
//! No I/O, no clock, no randomness (callers pass it in), no floats, so the same code runs in the server, the CLI and a browser.
//! Start with [`recipe`] (what is sold), then [`commitment`] and [`leaf`] (how it is sealed), then [`bundle`] (what an owner holds).

pub mod attestation;
pub mod bundle;
pub mod canonical;
pub mod commitment;
pub mod digest;
pub mod error;
pub mod failure;
pub mod id;
pub mod invisible;
pub mod key;
pub mod key_event;
pub mod key_file;
pub mod leaf;
pub mod licence;
pub mod listing;
pub mod migrations;
pub mod money;
pub mod passphrase;
pub mod pixels;
pub mod recipe;
pub mod scheduler;
pub mod sealing;
pub mod statement;
#[cfg(not(target_family = "wasm"))]
pub mod tags;
pub mod template;
pub mod time;

pub use error::{Error, ErrorKind};
