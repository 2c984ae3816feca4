//! The end of orders that nobody paid: because of time, because a newer order takes their place, or because what they hold changed.
//!
//! The one rule: whoever changes what an order may hold ends the open orders that hold it, in the same transaction. A payment that
//! arrives all the same is booked and goes straight back , so that nothing depends on being first.

use super::store;
pub use super::store::Holding;
use crate::orders;
use base::db::{self, Tx};
use schema::id::OrderId;

/// Why an order ended; its code is kept with the order and told to the buyer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// A newer order of the same cart took its place.
    Superseded,
    /// Nobody paid it for a day.
    Unpaid,
    /// Something in it is not for sale any more.
    Withdrawn,
    /// Its coupon or set ended.
    OfferEnded,
    /// Its buyer does not want it any more.
    GivenUp,
    /// Its buyer got something in it by another order meanwhile.
    Owned,
}

impl EndReason {
    /// The code in the database and in the names of texts.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Superseded => "superseded",
            Self::Unpaid => "unpaid",
            Self::Withdrawn => "withdrawn",
            Self::OfferEnded => "offer-ended",
            Self::GivenUp => "given-up",
            Self::Owned => "owned",
        }
    }
}

/// Ends the open orders that hold something and gives their coupons' uses back. Returns how many ended.
///
/// # Errors
/// When the database fails.
pub async fn end_open(tx: &mut Tx, what: Holding<'_>, reason: EndReason) -> db::Result<usize> {
    let mut ended = 0;
    for order in store::list_open_of(tx, what).await? {
        ended += usize::from(end_order(tx, &order, reason).await?);
    }
    Ok(ended)
}

/// Ends one order; `false` when it is not open any more.
///
/// # Errors
/// When the database fails.
pub async fn end_order(tx: &mut Tx, order: &OrderId, reason: EndReason) -> db::Result<bool> {
    let ended = orders::cancel_order(tx, order, reason.code()).await?;
    if ended {
        release(tx, order).await?;
    }
    Ok(ended)
}

/// Gives an order's use back.
async fn release(tx: &mut Tx, order: &OrderId) -> db::Result<()> {
    for coupon in store::release_coupon_use(tx, order).await? {
        store::give_coupon_use(tx, &coupon).await?;
    }
    Ok(())
}
