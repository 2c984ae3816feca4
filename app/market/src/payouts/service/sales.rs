//! A creator's sales: the list, its filter, and the same list as a file.

use super::super::store;
pub use super::super::store::Sale;
use crate::orders::release_ms;
use base::clock::DAY_MS;
use base::db::{self, Tx};
use money::books::service as books;
use schema::id::LineId;
use schema::money::decimal;

impl Sale {
    /// When the hold ends, while there is one.
    #[must_use]
    pub fn release_ms(&self) -> Option<i64> {
        (self.state == "held").then(|| release_ms(self.paid_ms, self.opened_ms))
    }

    /// What is left of our fee after what went back: with the creator's rest and what was refunded it adds up to the price. A refund that
    /// we bore altogether leaves none.
    #[must_use]
    pub fn share_rest(&self) -> i64 {
        let payee_rest = self.payee_minor - self.payee_borne_minor;
        (self.price_minor - self.refunded_minor - payee_rest).clamp(0, self.share_minor)
    }
}

/// Where a sale's money may lie, in the order of the filter.
pub const SALE_STATES: [&str; 7] = [
    "held",
    "frozen",
    "available",
    "transit",
    "transferred",
    "refunded",
    "none",
];
/// Days that the filter offers; 0 is all.
pub const PERIODS: [i64; 4] = [30, 90, 365, 0];

/// Which sales a creator wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SaleFilter {
    /// A name of [`SALE_STATES`], or nothing for all.
    pub state: String,
    /// Back from now; 0 is all.
    pub days: i64,
}

impl SaleFilter {
    /// Where its time begins.
    #[must_use]
    pub(super) fn since_ms(&self, now_ms: i64) -> i64 {
        match self.days {
            0 => 0,
            days => now_ms - days * DAY_MS,
        }
    }

    /// Reads a filter; what is not offered is refused, never taken for "all".
    #[must_use]
    pub fn parse(state: &str, days: &str) -> Option<Self> {
        let days = match days {
            "" => 0,
            text => text.parse().ok().filter(|days| PERIODS.contains(days))?,
        };
        let known = state.is_empty() || SALE_STATES.contains(&state);
        known.then(|| Self {
            state: state.into(),
            days,
        })
    }
}

/// A creator's sales, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list_sales(
    tx: &mut Tx,
    person: &str,
    filter: &SaleFilter,
    now_ms: i64,
    limit: i64,
) -> db::Result<Vec<Sale>> {
    let since = filter.since_ms(now_ms);
    store::list_sales(tx, person, since, &filter.state, limit).await
}

/// One sale of a creator's own.
///
/// # Errors
/// When the database fails.
pub async fn find_sale(tx: &mut Tx, person: &str, id: &LineId) -> db::Result<Option<Sale>> {
    store::find_sale(tx, person, id).await
}

/// Writes sales as CSV. A title that a spreadsheet would take for a formula is written as text.
///
/// # Errors
/// When writing fails.
pub fn write_sales(out: impl std::io::Write, sales: &[Sale]) -> csv::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record([
        "line",
        "paid",
        "title",
        "listing",
        "currency",
        "price",
        "fee_basis_points",
        "fee_fixed",
        "fee",
        "yours",
        "refunded",
        "state",
        "held_until",
    ])?;
    for sale in sales {
        let title = as_text(&sale.title);
        writer.write_record([
            sale.id.to_string(),
            schema::time::utc(sale.paid_ms),
            title,
            sale.slug.clone(),
            books::CURRENCY.into(),
            decimal(sale.price_minor),
            sale.share_bp.to_string(),
            decimal(sale.share_fixed_minor),
            decimal(sale.share_rest()),
            decimal(sale.payee_minor - sale.payee_borne_minor),
            decimal(sale.refunded_minor),
            sale.state.clone(),
            sale.release_ms().map(schema::time::utc).unwrap_or_default(),
        ])?;
    }
    writer.flush()?;
    Ok(())
}

/// A text that no spreadsheet takes for a formula.
#[must_use]
pub(super) fn as_text(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}
