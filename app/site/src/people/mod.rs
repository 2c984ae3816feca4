//! People's pages: sign up, sign in, keys, who may come in.
//!
//! The one rule: a form that touches keys or money asks for the password again, as `web::forms` says.

pub mod http;
mod page;
