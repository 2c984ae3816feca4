//! What lowers a price: coupons and sets; and the end of open orders that hold what changed.
//!
//! The one rule: a cart is priced once, when its order is placed; nothing later asks about coupons or sets.

pub mod coupon;
pub mod ending;
mod priced;
pub mod sets;
mod state;
mod store;

pub use priced::{CartLine, PricedLine};
pub use state::SetState;
#[cfg(any(test, feature = "testing"))]
pub use store::ALL as STATEMENTS;
pub use store::{find_coupon, list_live_of_set, list_set_prices};
