//! Rules of carts and of what visitors bought, one file for each.

pub mod cart;
pub mod visitors;

pub use cart::{
    Seen, add_to_cart, count_cart, is_in_cart, list_cart, open_payment, place, remove_from_cart,
};
