//! What holds the features together: state, one visit's context, errors, middleware, the route table, background work.
//!
//! The one rule: `web` knows every feature; a feature names `web` for [`state`], [`visit`] and [`error`] only.

mod answer;
mod arrival;
mod error;
pub mod forms;
pub mod layers;
pub mod listener;
pub mod router;
pub mod server;
pub mod state;
mod subscribers;
pub mod work;
