//! Rules of holds, onboarding and payouts.

use super::store;
use crate::books::service::{self as books, Entry, Kind, posting};
use crate::checkout::sandbox;
use crate::checkout::service as checkout;
use crate::clock::DAY_MS;
use crate::db::{self, Db, Tx};
use crate::random;
use schema::money::decimal;
use thiserror::Error as ThisError;

/// Earnings of an opened bundle are held so long.
pub const HOLD_MS: i64 = 7 * DAY_MS;
/// The sweep pays a creator at most this often.
pub const WEEK_MS: i64 = 7 * DAY_MS;
/// Smaller sums are paid when so long has passed since the last payout.
pub const MONTH_MS: i64 = 30 * DAY_MS;

/// What can go wrong with a payout.
#[derive(Debug, ThisError)]
pub enum Error {
    /// The books refused.
    #[error(transparent)]
    Books(#[from] books::Error),
    /// The till refused.
    #[error(transparent)]
    Checkout(#[from] checkout::Error),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] db::Error),
}

impl From<Error> for crate::web::error::AppError {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(error) => error.into(),
            other => Self::internal(other),
        }
    }
}

/// A line whose money the sweep looks at.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct EarningLine {
    pub id: String,
    pub payee_id: String,
    pub payee_minor: i64,
    pub paid_ms: i64,
    pub opened_ms: Option<i64>,
}

impl EarningLine {
    /// When the hold ends.
    #[must_use]
    pub fn release_ms(&self) -> i64 {
        release_ms(self.paid_ms, self.opened_ms)
    }
}

/// A sold line, as its creator's list shows it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Sale {
    pub id: String,
    pub paid_ms: i64,
    pub title: String,
    pub slug: String,
    pub price_minor: i64,
    pub share_bp: i64,
    pub share_fixed_minor: i64,
    pub share_minor: i64,
    pub payee_minor: i64,
    pub refunded_minor: i64,
    pub opened_ms: Option<i64>,
    /// Where the money lies, or `refunded`.
    pub state: String,
}

impl Sale {
    /// When the hold ends, while there is one.
    #[must_use]
    pub fn release_ms(&self) -> Option<i64> {
        (self.state == "held").then(|| release_ms(self.paid_ms, self.opened_ms))
    }
}

/// Where a sale's money may lie, in the order of the filter.
pub const SALE_STATES: [&str; 6] = [
    "held",
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
    let since = match filter.days {
        0 => 0,
        days => now_ms - days * DAY_MS,
    };
    store::list_sales(tx, person, since, &filter.state, limit).await
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
        let title = match sale.title.starts_with(['=', '+', '-', '@', '\t', '\r']) {
            true => format!("'{}", sale.title),
            false => sale.title.clone(),
        };
        writer.write_record([
            sale.id.clone(),
            schema::time::utc(sale.paid_ms),
            title,
            sale.slug.clone(),
            books::CURRENCY.into(),
            decimal(sale.price_minor),
            sale.share_bp.to_string(),
            decimal(sale.share_fixed_minor),
            decimal(sale.share_minor),
            decimal(sale.payee_minor),
            decimal(sale.refunded_minor),
            sale.state.clone(),
            sale.release_ms().map(schema::time::utc).unwrap_or_default(),
        ])?;
    }
    writer.flush()?;
    Ok(())
}

fn release_ms(paid_ms: i64, opened_ms: Option<i64>) -> i64 {
    match opened_ms {
        Some(opened) => opened + HOLD_MS,
        None => paid_ms + checkout::RETURN_MS,
    }
}

/// A decision of the sweep about one payee.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Decision {
    pub id: String,
    pub decided_ms: i64,
    pub amount_minor: i64,
    pub outcome: String,
    pub until_ms: Option<i64>,
}

/// Releases every held line whose time is over.
///
/// # Errors
/// When the books refuse.
pub async fn release(db: &Db, now_ms: i64) -> Result<usize, Error> {
    let mut tx = db.write().await?;
    let lines = store::list_by_earning(&mut tx, "held").await?;
    let due: Vec<EarningLine> = lines
        .into_iter()
        .filter(|line| line.release_ms() <= now_ms)
        .collect();
    for line in &due {
        // Two processes may look at once: whoever moves the line books it.
        if !store::move_earning(&mut tx, &line.id, "held", "available").await? {
            continue;
        }
        let postings = vec![
            posting(
                Kind::SellerHeld,
                &line.payee_id,
                line.payee_minor,
                Some(&line.id),
            ),
            posting(
                Kind::SellerAvailable,
                &line.payee_id,
                -line.payee_minor,
                Some(&line.id),
            ),
        ];
        let entry = Entry {
            key: format!("release:{}", line.id),
            kind: "release",
            source: line.id.clone(),
            occurred_ms: now_ms,
            postings,
        };
        books::post(&mut tx, &entry).await?;
    }
    tx.commit().await?;
    Ok(due.len())
}

/// Pays whoever is due, and writes down why nobody else is.
///
/// # Errors
/// When the books refuse; nothing of this sweep is done then.
pub async fn sweep(db: &Db, minimum_minor: i64, now_ms: i64) -> Result<usize, Error> {
    let mut tx = db.write().await?;
    let mut paid = 0;
    for payee in store::list_payees_with_earnings(&mut tx).await? {
        let lines: Vec<EarningLine> = store::list_of_payee(&mut tx, &payee, "available").await?;
        let available = books::balance(&mut tx, Kind::SellerAvailable, &payee).await?;
        let owed = books::balance(&mut tx, Kind::SellerReceivable, &payee).await?;
        let decision = random::id();
        let mut amount_minor = available;
        let (outcome, until) =
            decide(&mut tx, &payee, available, owed, minimum_minor, now_ms).await?;
        if outcome == "paid" {
            let account = store::find_ready_account(&mut tx, &payee)
                .await?
                .unwrap_or_default();
            // What was owed is netted by now.
            let mut rest = books::balance(&mut tx, Kind::SellerAvailable, &payee).await?;
            amount_minor = rest;
            for line in lines.iter().filter(|line| line.payee_minor > 0) {
                // A receivable that was netted leaves less than the lines say; the last line takes what is there.
                let amount = line.payee_minor.min(rest);
                if amount > 0
                    && store::move_earning(&mut tx, &line.id, "available", "transit").await?
                {
                    rest -= amount;
                    checkout::plan_transfer(
                        &mut tx, &line.id, &payee, &account, amount, &decision, now_ms,
                    )
                    .await?;
                }
            }
            paid += 1;
        }
        store::insert_decision(
            &mut tx,
            &decision,
            &payee,
            now_ms,
            amount_minor,
            outcome,
            until,
        )
        .await?;
    }
    tx.commit().await?;
    Ok(paid)
}

/// Nets what a creator owes, then names what stands in the way of a payout, if anything.
async fn decide(
    tx: &mut Tx,
    payee: &str,
    available: i64,
    owed: i64,
    minimum_minor: i64,
    now_ms: i64,
) -> Result<(&'static str, Option<i64>), Error> {
    let netted = owed.min(available);
    if netted > 0 {
        let postings = vec![
            posting(Kind::SellerAvailable, payee, netted, None),
            posting(Kind::SellerReceivable, payee, -netted, None),
        ];
        let key = format!("net:{payee}:{now_ms}");
        books::post(
            tx,
            &Entry {
                key: key.clone(),
                kind: "net",
                source: key,
                occurred_ms: now_ms,
                postings,
            },
        )
        .await?;
    }
    let payable = available - netted;
    if owed > netted {
        return Ok(("owes_us", None));
    }
    if payable == 0 {
        let next = store::list_of_payee(tx, payee, "held")
            .await?
            .iter()
            .map(EarningLine::release_ms)
            .min();
        return Ok((
            if next.is_some() {
                "hold_until"
            } else {
                "nothing_due"
            },
            next,
        ));
    }
    if store::find_ready_account(tx, payee).await?.is_none() {
        return Ok(("not_onboarded", None));
    }
    let last = store::last_paid_ms(tx, payee).await?;
    if let Some(last) = last.filter(|last| last + WEEK_MS > now_ms) {
        return Ok(("weekly", Some(last + WEEK_MS)));
    }
    if payable < minimum_minor {
        let since = match last {
            Some(last) => last,
            None => store::first_earned_ms(tx, payee).await?.unwrap_or(now_ms),
        };
        if since + MONTH_MS > now_ms {
            return Ok(("below_minimum", Some(since + MONTH_MS)));
        }
    }
    Ok(("paid", None))
}

/// Notes how a line's transfer ended.
///
/// # Errors
/// When the database fails.
pub async fn note_transfer(tx: &mut Tx, line: &str, done: bool) -> db::Result<()> {
    // A line that was refunded meanwhile stays reversed.
    let to = if done { "transferred" } else { "available" };
    store::move_earning(tx, line, "transit", to).await.map(drop)
}

/// Books a payout that reached the bank, as a memo of the seller's own account.
///
/// # Errors
/// When the books refuse.
pub async fn book_payout(tx: &mut Tx, payout: &str, now_ms: i64) -> Result<(), Error> {
    let (account, amount) = sandbox::get_payout(tx, payout).await?;
    let person = store::get_person_of_account(tx, &account).await?;
    let postings = vec![
        posting(Kind::ConnectedPaidOut, &person, amount, None),
        posting(Kind::ConnectedBalance, &person, -amount, None),
    ];
    books::post(
        tx,
        &Entry {
            key: format!("payout:{payout}:paid"),
            kind: "payout paid",
            source: payout.into(),
            occurred_ms: now_ms,
            postings,
        },
    )
    .await?;
    Ok(())
}

/// Whether a creator can be paid, and their account at the provider.
///
/// # Errors
/// When the database fails.
pub async fn find_account(tx: &mut Tx, person: &str) -> db::Result<Option<(String, bool)>> {
    store::find_account(tx, person).await
}

/// Takes a creator's answers to the provider and notes whether it is satisfied. Returns what is still required.
///
/// # Errors
/// When the database fails.
pub async fn onboard(
    db: &Db,
    person: &str,
    holder: &str,
    bank: &str,
    now_ms: i64,
) -> Result<Option<&'static str>, Error> {
    let mut tx = db.write().await?;
    let account = sandbox::open_account(&mut tx, person).await?;
    let required = sandbox::onboard(&mut tx, &account, holder, bank).await?;
    store::upsert_payee(&mut tx, person, &account, required.is_none(), now_ms).await?;
    tx.commit().await?;
    Ok(required)
}

/// So many runs stand on the page.
const DECISIONS_SHOWN: i64 = 26;
/// So many sales stand on the page; the CSV has them all.
const SALES_SHOWN: i64 = 100;

/// A line of a payout's statement.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Transfer {
    pub title: String,
    pub paid_ms: i64,
    pub price_minor: i64,
    pub share_minor: i64,
    pub amount: i64,
    /// How the call to the provider stands.
    pub state: String,
}

/// A payout and its lines.
pub struct Statement {
    pub decision: Decision,
    pub transfers: Vec<Transfer>,
}

/// The statement of a payout of one's own; `None` for another's, and for a run that paid nothing.
///
/// # Errors
/// When the database fails.
pub async fn find_statement(tx: &mut Tx, person: &str, id: &str) -> db::Result<Option<Statement>> {
    let decision = store::find_decision(tx, person, id).await?;
    let Some(decision) = decision.filter(|decision| decision.outcome == "paid") else {
        return Ok(None);
    };
    let transfers = store::list_transfers(tx, id).await?;
    Ok(Some(Statement {
        decision,
        transfers,
    }))
}

/// What a creator's money page shows.
pub struct Overview {
    pub balances: books::SellerBalances,
    pub sales: Vec<Sale>,
    pub filter: SaleFilter,
    pub days: Vec<books::Day>,
    /// The newest first.
    pub decisions: Vec<Decision>,
    pub ready: bool,
    pub movements: Vec<books::Movement>,
}

/// Gathers a creator's money page.
///
/// # Errors
/// When the database fails.
pub async fn overview(
    tx: &mut Tx,
    person: &str,
    filter: SaleFilter,
    now_ms: i64,
) -> Result<Overview, Error> {
    Ok(Overview {
        days: books::days(tx, person).await?,
        balances: books::seller_balances(tx, person).await?,
        sales: list_sales(tx, person, &filter, now_ms, SALES_SHOWN).await?,
        filter,
        decisions: store::list_decisions(tx, person, DECISIONS_SHOWN).await?,
        ready: store::find_ready_account(tx, person).await?.is_some(),
        movements: books::movements(tx, person, 40).await?,
    })
}

/// Compares our books with the provider's. The text names the first difference.
///
/// # Errors
/// When the database fails.
pub async fn reconcile(tx: &mut Tx) -> db::Result<Result<(), String>> {
    let ours = books::balance(tx, Kind::ProcessorPending, checkout::PROVIDER).await?
        + books::balance(tx, Kind::ProcessorAvailable, checkout::PROVIDER).await?;
    let theirs = sandbox::platform_balance(tx).await?;
    if ours != theirs {
        return Ok(Err(format!(
            "the books hold {ours} at the provider, the provider says {theirs}"
        )));
    }
    for (person, account) in store::list_accounts(tx).await? {
        let (pending, paid) = sandbox::account_totals(tx, &account).await?;
        let booked = books::balance(tx, Kind::ConnectedPaidOut, &person).await?;
        if booked > paid
            || booked + books::balance(tx, Kind::ConnectedBalance, &person).await? < pending + paid
        {
            return Ok(Err(format!(
                "the account {account} had {paid} paid out, the books say {booked}"
            )));
        }
    }
    Ok(Ok(()))
}
