//! What holds the features together: state, one visit's context, errors, middleware, the route table, background work.
//!
//! The one rule: `web` knows every feature; a feature names `web` for [`state`], [`visit`] and [`error`] only.

pub mod assets;
pub mod error;
pub mod form;
pub mod forms;
pub mod layers;
pub mod listener;
pub mod router;
pub mod server;
pub mod state;
mod store;
pub mod visit;
pub mod work;

#[cfg(test)]
pub(crate) use store::ALL as STATEMENTS;
