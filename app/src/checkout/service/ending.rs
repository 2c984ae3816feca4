//! The end of orders that nobody paid: because of time, because a newer order takes their place, or because what they hold changed.
//!
//! The one rule: whoever changes what an order may hold ends the open orders that hold it, in the same transaction. A payment that
//! arrives all the same is booked and goes straight back ([`super::sale::fulfil`]), so that nothing depends on being first.

use super::super::{coupon, store};
use super::{Error, Till};
use crate::db::{self, Tx};
use crate::provider::Outcome;

/// What open orders are looked for by.
#[derive(Clone, Copy, Debug)]
pub enum Holding<'a> {
    /// Made of this cart.
    Cart(&'a str),
    /// With a line of this listing.
    Listing(&'a str),
    /// With a line that was bought in this set.
    Set(&'a str),
    /// With a use of this coupon.
    Coupon(&'a str),
    /// With a use of this coupon by this buyer.
    CouponOf(&'a str, &'a str),
}

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
pub async fn end_order(tx: &mut Tx, order: &str, reason: EndReason) -> db::Result<bool> {
    let ended = store::cancel_order(tx, order, reason.code()).await?;
    if ended {
        coupon::release(tx, order).await?;
    }
    Ok(ended)
}

/// Closes the checkouts of orders that ended meanwhile, so that nobody pays what would only go back. One that was paid a moment ago
/// stays, and its event says so. Returns how many were closed.
///
/// # Errors
/// When the database fails.
pub async fn close_ended(till: &Till) -> Result<usize, Error> {
    let mut tx = till.db.read().await?;
    let unclosed = store::list_unclosed(&mut tx).await?;
    drop(tx);
    let mut closed = 0;
    for (order, payment) in unclosed {
        if till.provider.expire_checkout(&payment).await != Outcome::Done(()) {
            continue;
        }
        let mut tx = till.db.write().await?;
        store::note_closed(&mut tx, &order, &payment).await?;
        tx.commit().await?;
        closed += 1;
    }
    Ok(closed)
}
