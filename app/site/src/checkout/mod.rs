//! Cart, order and sandbox pages, coupons and sets, and the invoice as PDF.
//!
//! The one rule: a redirect from the provider fulfils nothing; it shows how the order stands.

mod coupon_page;
pub mod http;
mod invoice;
mod page;
mod sandbox_page;
mod set_page;
