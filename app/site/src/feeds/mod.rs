//! What programs read of the shop: Atom feeds of every list, the map of the site, and a page for language models.
//!
//! The one rule: a feed is the list that people see at the same address, newest first; what is withdrawn is in none of them.

mod atom;
pub mod http;
mod sitemap;
#[cfg(test)]
mod tests;
