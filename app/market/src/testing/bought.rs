//! A line that somebody bought, as it stands afterwards, for tests that are about nothing of the way there. Those that are let a
//! [`super::Shop`] sell it, with books and events.

use super::named;
use base::db::{Tx, execute, fetch};
use base::random;
use schema::id::VersionId;

/// A line that is paid for and owned, unless a test says otherwise.
pub(crate) struct Bought {
    buyer: String,
    version: VersionId,
    state: &'static str,
    paid_ms: i64,
}

impl Bought {
    /// `version` is the name of its id.
    pub(crate) fn by(buyer: &str, version: &str) -> Self {
        Self {
            buyer: buyer.into(),
            version: named(version),
            state: "owned",
            paid_ms: 1,
        }
    }

    pub(crate) fn refunded(mut self) -> Self {
        self.state = "refunded";
        self
    }

    /// In an order that nobody paid for yet.
    pub(crate) fn unpaid(mut self) -> Self {
        self.state = "open";
        self
    }

    pub(crate) fn paid(mut self, paid_ms: i64) -> Self {
        self.paid_ms = paid_ms;
        self
    }

    /// Writes the rows and returns the line's id.
    pub(crate) async fn insert(self, tx: &mut Tx) -> String {
        let sql = "select listing.id, listing.person_id, listing.price_minor from version
            join listing on listing.id = version.listing_id where version.id = $1";
        let (listing, payee, price_minor) = fetch!(
            tx,
            fetch_one,
            (String, String, i64),
            sql,
            self.version.as_str()
        )
        .expect("a version");
        let (order, line) = (random::id(), random::id());
        let sql = "insert into purchase (id, person_id, state, total_minor, currency, created_ms, paid_ms)
            values ($1, $2, $3, $4, 'USD', 1, $5)";
        let (state, paid_ms) = match self.state {
            "open" => ("open", None),
            _ => ("paid", Some(self.paid_ms)),
        };
        execute!(tx, sql, &order, &self.buyer, state, price_minor, paid_ms).expect("an order");
        let refunded_minor = match self.state {
            "refunded" => price_minor,
            _ => 0,
        };
        let sql = "insert into purchase_line (id, purchase_id, listing_id, version_id, buyer_id, payee_id, price_minor, share_bp, share_minor,
                payee_minor, licence, state, earning, created_ms, paid_ms, refunded_minor)
            values ($1, $2, $3, $4, $5, $6, $7, 0, 0, $7, 'standard-1', $8, 'none', 1, $9, $10)";
        execute!(
            tx,
            sql,
            &line,
            &order,
            &listing,
            self.version.as_str(),
            &self.buyer,
            &payee,
            price_minor,
            self.state,
            paid_ms,
            refunded_minor
        )
        .expect("a line");
        line
    }
}
