//! People: sign up, sign in, sessions, and the pages of creators' public keys.
//!
//! Passwords are kept as Argon2id hashes, sessions as digests of their cookie. A creator's secret key is made in the browser
//! and stays there; only the public half comes here, with a signature that shows that its owner holds the other.

pub mod guest;
pub mod password;
pub mod service;
mod store;
#[cfg(test)]
mod tests;
#[cfg(any(test, feature = "testing"))]
pub use store::ALL as STATEMENTS;
