//! Tests that walk through several rooms, on both databases.

mod books;
mod offers;
mod plans;
mod races;
mod returns;
mod sales;
mod statements;
mod strangers;
mod stripe;
mod versions;
mod walk;
