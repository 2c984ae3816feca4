//! The website: pages and routes by feature, and the server that brings them.
//!
//! The one rule: a page asks the rules and shows what they say; no rule and no SQL stands here.

// Short view types keep builds quick, but leptos' macros still nest deeply.
#![recursion_limit = "256"]

pub mod address;
pub mod browse;
pub mod catalog;
pub mod checkout;
pub mod config;
pub mod feeds;
pub mod library;
pub mod moderation;
pub mod operator;
pub mod payouts;
pub mod people;
pub mod studio;
pub mod ui;
pub mod verify;
pub mod web;
pub mod webhook;
