//! Servers, clients and browsers for tests.

pub(crate) mod browser;
pub(crate) mod client;
mod postgres;
pub(crate) mod server;
mod wait;

pub(crate) use wait::{PATIENCE, is_so, until, until_blocking, within};
