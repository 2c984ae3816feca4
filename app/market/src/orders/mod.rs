//! Orders and their lines: what was bought, by whom, for how much, and what became of it.
//!
//! The one rule: nobody else changes an order or a line. Whoever sells, refunds, pays out or hands over asks here; lists of other rooms may
//! join them.

mod state;
mod store;

pub use state::{Earning, LineState, OrderState};
#[cfg(any(test, feature = "testing"))]
pub use store::ALL as STATEMENTS;
pub use store::*;

use base::clock::DAY_MS;
use base::db::{self, Tx};
use money::Error;
use schema::id::{LineId, ListingId, OrderId, VersionId};
use schema::money::{FeeSchedule, Parts};

/// An unopened bundle can go back for so long, and its earning is held as long.
pub const RETURN_MS: i64 = 14 * DAY_MS;
/// Earnings of an opened bundle are held so long.
pub const HOLD_MS: i64 = 7 * DAY_MS;
/// Why a line was refunded: our own machine did not regenerate its pictures.
pub const DOES_NOT_REPRODUCE: &str = "does-not-reproduce";

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Order {
    #[sqlx(try_from = "String")]
    pub id: OrderId,
    pub person_id: String,
    #[sqlx(try_from = "String")]
    pub state: OrderState,
    /// What is to be paid, tax aside.
    pub total_minor: i64,
    pub tax_minor: i64,
    pub discount_minor: i64,
    pub coupon_id: Option<String>,
    pub provider: String,
    pub payment_id: Option<String>,
    pub charge_id: Option<String>,
    pub card_last4: Option<String>,
    /// Where the buyer's address is, once it is paid.
    pub country: Option<String>,
    /// The rate of its tax, where it is one and known: 1,900 is 19%.
    pub tax_basis_points: Option<i64>,
    pub attempts: i64,
    pub invoice_number: Option<i64>,
    pub created_ms: i64,
    pub paid_ms: Option<i64>,
    /// The cart that it was made of.
    pub cart: Option<String>,
    /// Placed with an e-mail address alone.
    pub by_visitor: bool,
    /// Why it ended unpaid.
    pub end_reason: Option<String>,
}

/// Who asks for an order: somebody signed in, or the browser whose cart it was made of.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    pub person: Option<&'a str>,
    pub cart: Option<&'a str>,
    pub now_ms: i64,
}

/// A visitor's browser shows the orders of its cart for so long.
const VISITOR_MS: i64 = DAY_MS;

impl Asker<'_> {
    /// Whether an order may be shown to, and paid by, whoever asks.
    #[must_use]
    pub fn may_see(&self, order: &Order) -> bool {
        let own = self.person.is_some_and(|person| person == order.person_id);
        let placed_here = order.by_visitor
            && order.cart.is_some()
            && self.cart == order.cart.as_deref()
            && self.now_ms - order.created_ms < VISITOR_MS;
        own || placed_here
    }
}

impl Order {
    /// What refunds name at the provider.
    #[must_use]
    pub fn charge(&self) -> Option<&str> {
        self.charge_id.as_deref().or(self.payment_id.as_deref())
    }
}

/// A line of an order.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Line {
    #[sqlx(try_from = "String")]
    pub id: LineId,
    #[sqlx(try_from = "String")]
    pub purchase_id: OrderId,
    #[sqlx(try_from = "String")]
    pub listing_id: ListingId,
    #[sqlx(try_from = "String")]
    pub version_id: VersionId,
    pub buyer_id: String,
    pub payee_id: String,
    /// What the listing cost before a discount.
    pub list_minor: i64,
    /// What its creator sold it for.
    pub price_minor: i64,
    pub share_minor: i64,
    pub payee_minor: i64,
    /// What of it the platform paid in the buyer's stead.
    pub promotion_minor: i64,
    pub tax_minor: i64,
    pub licence: String,
    #[sqlx(try_from = "String")]
    pub state: LineState,
    #[sqlx(try_from = "String")]
    pub earning: Earning,
    pub paid_ms: Option<i64>,
    pub opened_ms: Option<i64>,
    /// What of the price went back.
    pub refunded_minor: i64,
    pub refunded_tax_minor: i64,
    pub refunded_promotion_minor: i64,
    /// How much of the payee's part the payee bore.
    pub payee_borne_minor: i64,
    pub frozen_minor: i64,
    pub dispute_id: Option<String>,
    pub refund_reason: Option<String>,
    pub licence_secret_id: Option<String>,
    pub licence_leaf_hash: Option<String>,
    pub title: String,
    pub slug: String,
}

impl Line {
    /// What its money consists of.
    #[must_use]
    pub fn parts(&self) -> Parts {
        Parts {
            tax: self.tax_minor,
            payee: self.payee_minor,
            share: self.share_minor,
            promotion: self.promotion_minor,
        }
    }

    /// What went back to the buyer so far.
    #[must_use]
    pub fn refunded_cash(&self) -> i64 {
        self.refunded_minor + self.refunded_tax_minor - self.refunded_promotion_minor
    }

    /// What has gone back of each part so far. Nothing of a line that cost the buyer nothing, which has no cash to count by.
    #[must_use]
    pub fn refunded_parts(&self) -> Parts {
        match self.refunded_cash() {
            0 => Parts::default(),
            cash => self.parts().refunded(cash),
        }
    }

    /// For whoever only typed an address: that a line went straight back because the address's owner has it already, or made it, would
    /// tell a stranger so. It looks as any other.
    fn hide_what_its_owner_has(&mut self) {
        let reason = self.refund_reason.as_deref();
        if self.state == LineState::Refunded && matches!(reason, Some("duplicate" | "own")) {
            self.state = LineState::Owned;
            self.refund_reason = None;
            (self.refunded_minor, self.refunded_tax_minor) = (0, 0);
            self.refunded_promotion_minor = 0;
        }
    }

    /// What the payee still has of it, wherever it lies.
    #[must_use]
    pub fn payee_rest(&self) -> i64 {
        self.payee_minor - self.payee_borne_minor
    }
}

/// A buyer's own order with its lines.
///
/// # Errors
/// [`Error::NotFound`] also for somebody else's.
pub async fn get_own(tx: &mut Tx, buyer: &str, id: &OrderId) -> Result<(Order, Vec<Line>), Error> {
    let asker = Asker {
        person: Some(buyer),
        cart: None,
        now_ms: 0,
    };
    show(tx, asker, id).await
}

/// An order of whoever asks, with its lines.
///
/// # Errors
/// [`Error::NotFound`] also for somebody else's.
pub async fn show(
    tx: &mut Tx,
    asker: Asker<'_>,
    id: &OrderId,
) -> Result<(Order, Vec<Line>), Error> {
    let order = match store::get_order(tx, id).await {
        Ok(order) if asker.may_see(&order) => order,
        Ok(_) => return Err(Error::NotFound),
        Err(error) if error.is_missing() => return Err(Error::NotFound),
        Err(error) => return Err(error.into()),
    };
    let mut lines = store::list_lines(tx, id).await?;
    if asker.person != Some(&order.person_id) {
        lines.iter_mut().for_each(Line::hide_what_its_owner_has);
    }
    Ok((order, lines))
}

/// The open orders of whoever asks, newest first: the way back to a payment that was left.
///
/// # Errors
/// When the database fails.
pub async fn list_open(tx: &mut Tx, asker: Asker<'_>) -> db::Result<Vec<Order>> {
    let mut orders = match (asker.person, asker.cart) {
        (Some(person), _) => store::list_open_of_buyer(tx, person).await?,
        (None, Some(cart)) => store::list_open_of_visitor(tx, cart).await?,
        (None, None) => Vec::new(),
    };
    orders.retain(|order| asker.may_see(order));
    Ok(orders)
}

/// Who bought an order.
///
/// # Errors
/// When there is none or the database fails.
pub async fn buyer_of(tx: &mut Tx, order: &OrderId) -> db::Result<String> {
    Ok(store::get_order(tx, order).await?.person_id)
}

/// What an order is made with.
pub struct NewOrder {
    pub id: OrderId,
    pub buyer: String,
    pub total_minor: i64,
    pub discount_minor: i64,
    pub coupon: Option<String>,
    pub provider: &'static str,
    pub now_ms: i64,
    /// The cart that it is made of; empty where there is none.
    pub cart: Option<String>,
    pub by_visitor: bool,
}

/// What a refund, or its undoing, makes of a line.
pub struct LineChange<'a> {
    pub state: LineState,
    pub earning: Earning,
    /// What went back of each part so far; payee and share together are what went back of the price.
    pub refunded: Parts,
    pub payee_borne_minor: i64,
    pub frozen_minor: i64,
    pub reason: Option<&'a str>,
    pub now_ms: i64,
}

/// A line as an order is placed with it.
pub struct NewLine<'a> {
    pub id: &'a LineId,
    pub listing: &'a ListingId,
    pub version: &'a VersionId,
    pub payee: &'a str,
    /// What the listing cost before a discount.
    pub list_minor: i64,
    /// What its creator sells it for.
    pub price_minor: i64,
    /// What of it the platform pays in the buyer's stead.
    pub promotion_minor: i64,
    pub licence: &'a str,
    pub set: Option<&'a str>,
    pub fee: FeeSchedule,
}

/// A line whose money the sweep looks at.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct EarningLine {
    #[sqlx(try_from = "String")]
    pub id: LineId,
    pub payee_id: String,
    /// What the payee still has of it.
    pub rest_minor: i64,
    pub paid_ms: i64,
    pub opened_ms: Option<i64>,
    #[sqlx(try_from = "String")]
    pub order_id: OrderId,
    /// What a transfer names as its source.
    pub charge_id: Option<String>,
}

impl EarningLine {
    /// When the hold ends.
    #[must_use]
    pub fn release_ms(&self) -> i64 {
        release_ms(self.paid_ms, self.opened_ms)
    }
}

/// When an earning's hold ends.
#[must_use]
pub fn release_ms(paid_ms: i64, opened_ms: Option<i64>) -> i64 {
    match opened_ms {
        Some(opened) => opened + HOLD_MS,
        None => paid_ms + RETURN_MS,
    }
}
