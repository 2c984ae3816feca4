//! A creator's money as pages: sales, payouts, statements, bank details.
//!
//! The one rule: everybody sees their own money alone.

mod chart;
pub mod http;
mod page;
