//! What brings the books and the world together: events of the provider, calls to it, and the comparison of both.
//!
//! The one rule: the provider is asked with no transaction open, and what it says is booked in one.

pub mod checks;
pub mod clockwork;
pub mod events;
pub mod evidence;
pub mod jobs;
pub mod reconciliation;

pub use reconciliation::{PAUSES, Reconciliation, reconcile, reconcile_settled};
