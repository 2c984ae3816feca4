//! Random walks of the shop on Stripe; tests only.

mod tests;
