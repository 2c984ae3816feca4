//! What is found, in a shop of some seventy listings.
//!
//! The one rule: a test is a sentence about what somebody who searches sees; the shop and the queries are files.

mod bounds;
mod catalogue;
mod changes;
mod filters;
mod helping;
mod pictures;
mod queries;
