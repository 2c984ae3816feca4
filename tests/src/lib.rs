//! Black-box tests: the real server over HTTP, in a real browser, and against other people's programs.
//!
//! The one rule: nothing here links the server; it is started as its users start it. `cargo xtask test` builds what is needed
//! and says where; each test has a server and data folder of its own.

#![cfg(test)]

mod harness;
mod http;
mod journeys;
mod outside;
mod tool;
