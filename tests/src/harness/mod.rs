//! Servers, clients and browsers for tests.

pub(crate) mod browser;
pub(crate) mod client;
pub(crate) mod server;
