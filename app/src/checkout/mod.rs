//! Carts and payment. One charge for a cart of several sellers; free orders touch no provider.
//!
//! The one rule: nothing is fulfilled by a redirect. The provider's event is stored first, and a job that asks the provider
//! for the facts books the sale and hands over what was bought, in one transaction.

mod coupon_page;
pub mod http;
mod invoice;
mod page;
mod sandbox_page;
pub mod service;
mod set_page;
mod store;
#[cfg(test)]
pub(crate) mod tests;
#[cfg(test)]
pub(crate) mod walk;
#[cfg(test)]
pub(crate) use store::ALL as STATEMENTS;
