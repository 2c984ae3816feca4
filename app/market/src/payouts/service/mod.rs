//! Rules of holds, onboarding, payouts and what comes back, one file for each.

mod countries;
pub mod manual;
pub mod movements;
pub mod provider_account;
pub mod sales;
pub mod sweep;
pub mod transfer;

pub use provider_account::{note_account, note_payout, onboard, start_onboarding};
pub use sales::{PERIODS, SALE_STATES, Sale, SaleFilter, find_sale, list_sales, write_sales};
pub use sweep::{Decision, plan as plan_sweep, release, sweep};
pub use transfer::note_transfer;

pub use super::BankPayoutState;
use super::store;
pub use super::store::{BankPayout, Earner, Payee, Transfer};
use base::clock::DAY_MS;
use base::db::{self, Tx};
use money::Error;
use money::books::service as books;

/// The sweep pays a creator at most this often.
pub const WEEK_MS: i64 = 7 * DAY_MS;
/// Smaller sums are paid when so long has passed since the last payout.
pub const MONTH_MS: i64 = 30 * DAY_MS;

impl Payee {
    /// Whether a person pays them by hand.
    #[must_use]
    pub fn is_manual(&self) -> bool {
        self.provider == manual::NAME
    }

    /// What the provider still asks for.
    pub fn required(&self) -> impl Iterator<Item = &str> {
        self.requirements.lines().filter(|name| !name.is_empty())
    }
}

/// How a creator is paid.
///
/// # Errors
/// When the database fails.
pub async fn find_payee(tx: &mut Tx, person: &str) -> db::Result<Option<Payee>> {
    store::find_payee(tx, person).await
}

/// So many runs stand on the page.
const DECISIONS_SHOWN: i64 = 26;
/// So many sales stand on the page; the CSV has them all.
const SALES_SHOWN: i64 = 100;
/// Listings of which it is told what they brought.
const BEST_SHOWN: i64 = 8;
/// So many payouts stand on the page.
const PAYOUTS_SHOWN: i64 = 12;

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
    let Some(decision) = decision.filter(Decision::pays) else {
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
    /// What earned the most in the filter's time.
    pub best: Vec<Earner>,
    pub days: Vec<books::Day>,
    /// The newest first.
    pub decisions: Vec<Decision>,
    pub payee: Option<Payee>,
    pub payouts: Vec<BankPayout>,
    pub movements: Vec<books::Movement>,
    /// What the next run would do, if it came now.
    pub next: sweep::Planned,
}

/// Gathers a creator's money page.
///
/// # Errors
/// When the database fails.
pub async fn overview(
    tx: &mut Tx,
    person: &str,
    filter: SaleFilter,
    minimum_minor: i64,
    now_ms: i64,
) -> Result<Overview, Error> {
    Ok(Overview {
        days: books::days(tx, person).await?,
        balances: books::seller_balances(tx, person).await?,
        sales: list_sales(tx, person, &filter, now_ms, SALES_SHOWN).await?,
        best: store::list_best(tx, person, filter.since_ms(now_ms), BEST_SHOWN).await?,
        filter,
        decisions: store::list_decisions(tx, person, DECISIONS_SHOWN).await?,
        payee: store::find_payee(tx, person).await?,
        payouts: store::list_payouts(tx, person, PAYOUTS_SHOWN).await?,
        movements: books::movements(tx, person, 40).await?,
        next: sweep::plan_for(tx, person, minimum_minor, now_ms).await?,
    })
}
