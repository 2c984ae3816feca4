//! A cart's lines with what each costs, before an order is made of them.

use crate::catalog::ListingState;
use schema::id::{ListingId, VersionId};

/// A line of a cart.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct CartLine {
    #[sqlx(try_from = "String")]
    pub id: ListingId,
    pub slug: String,
    pub title: String,
    pub price_minor: i64,
    pub licence: String,
    #[sqlx(try_from = "String")]
    pub state: ListingState,
    pub person_id: String,
    pub handle: String,
    #[sqlx(try_from = "String")]
    pub version_id: VersionId,
    /// The model that the version needs.
    pub model: String,
    pub blob: String,
    /// The set that it was put in with.
    pub set_id: Option<String>,
    pub set_title: Option<String>,
    pub set_price_minor: Option<i64>,
}

/// A line with what it costs now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PricedLine {
    pub line: CartLine,
    /// What its creator sells it for, after the set's price and the creator's coupon.
    pub price_minor: i64,
    /// What of that the platform pays.
    pub promotion_minor: i64,
}

impl PricedLine {
    /// What the buyer pays for it, tax aside.
    #[must_use]
    pub fn cash(&self) -> i64 {
        self.price_minor - self.promotion_minor
    }
}
