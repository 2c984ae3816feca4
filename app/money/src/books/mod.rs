//! The books: double entry in minor units. Every movement of money is one journal entry whose postings add up to zero.
//!
//! The one rule: an entry's key names the fact, not the message, so that a fact is booked once however often it is told.
//! Debit is positive, credit negative. Accounts with a floor can never go below it; the database refuses.

mod booking;
mod entry;
pub mod service;
mod store;

pub use booking::{Booking, begin};
#[cfg(any(test, feature = "testing"))]
pub use store::ALL as STATEMENTS;
