//! People: sign up, sign in, sessions, and the pages of creators' public keys.
//!
//! Passwords are kept as Argon2id hashes, sessions as digests of their cookie. A creator's secret key is made in the browser
//! and stays there; only the public half comes here, with a signature that shows that its owner holds the other.

pub mod island;

#[cfg(feature = "ssr")]
pub mod guest;
#[cfg(feature = "ssr")]
pub mod http;
#[cfg(feature = "ssr")]
mod page;
#[cfg(feature = "ssr")]
pub mod password;
#[cfg(feature = "ssr")]
pub mod service;
#[cfg(feature = "ssr")]
mod store;
#[cfg(all(test, feature = "ssr"))]
mod tests;
#[cfg(all(test, feature = "ssr"))]
pub(crate) use store::ALL as STATEMENTS;
