//! Carts and payment. One charge for a cart of several sellers; free orders touch no provider.
//!
//! The one rule: nothing is fulfilled by a redirect. The provider's event is stored first, and a job that asks the provider
//! for the facts books the sale and hands over what was bought, in one transaction.

pub mod service;
mod store;
#[cfg(any(test, feature = "testing"))]
pub use store::ALL as STATEMENTS;
