//! Rules of holds, onboarding, payouts and what comes back, one file for each.

pub mod account;
pub mod manual;
pub mod own;
pub mod reconciliation;
pub mod sales;
pub mod sweep;
pub mod transfer;

pub use account::{note_account, note_payout, onboard, start_onboarding};
pub use reconciliation::{PAUSES, Reconciliation, reconcile, reconcile_settled};
pub use sales::{PERIODS, SALE_STATES, Sale, SaleFilter, find_sale, list_sales, write_sales};
pub use sweep::{Decision, plan as plan_sweep, release, sweep};
pub use transfer::{note_transfer, plan_reversal};

use super::store;
use crate::books::service as books;
use crate::checkout::service as checkout;
use crate::clock::DAY_MS;
use crate::db::{self, Tx};
use crate::provider::Unanswered;
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
    /// No such payout, or somebody else's.
    #[error("not found")]
    NotFound,
    /// Not possible as things are, and why, as a code.
    #[error("not possible: {0}")]
    Refused(&'static str),
    /// The provider did not answer, or refused.
    #[error("the payout provider: {0}")]
    Provider(String),
    /// The books refused.
    #[error(transparent)]
    Books(#[from] books::Error),
    /// The vault failed.
    #[error("{0}")]
    Internal(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] db::Error),
}

impl From<Unanswered> for Error {
    fn from(error: Unanswered) -> Self {
        Self::Provider(error.to_string())
    }
}

impl From<Error> for crate::web::error::AppError {
    fn from(error: Error) -> Self {
        use schema::failure::{Code, FieldError};
        match error {
            Error::NotFound => Self::new(Code::NotFound),
            Error::Refused(code) => Self::conflict(FieldError::new("payout", code)),
            Error::Provider(cause) => Self::unavailable(cause),
            Error::Store(error) => error.into(),
            Error::Books(error) => error.into(),
            other => Self::internal(other),
        }
    }
}

fn release_ms(paid_ms: i64, opened_ms: Option<i64>) -> i64 {
    match opened_ms {
        Some(opened) => opened + HOLD_MS,
        None => paid_ms + checkout::RETURN_MS,
    }
}

/// Where a creator's money goes, and what stands in its way.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Payee {
    pub person_id: String,
    /// The account at the provider; the person's own id where a person pays by hand.
    pub provider_account: String,
    pub ready: bool,
    /// `manual`, or a provider's name.
    pub provider: String,
    pub country: String,
    /// What the provider still asks for, one name a line.
    pub requirements: String,
    pub disabled: Option<String>,
    /// A blocker by name.
    pub paused: Option<String>,
    pub details_secret_id: Option<String>,
}

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

/// A payout to a creator's bank.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct BankPayout {
    pub id: String,
    pub person_id: String,
    pub provider: String,
    pub amount_minor: i64,
    pub state: String,
    pub failure: Option<String>,
    pub created_ms: i64,
    pub arrives_ms: Option<i64>,
    pub reference: Option<String>,
    pub entered_by: Option<String>,
    pub confirmed_by: Option<String>,
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
/// So many payouts stand on the page.
const PAYOUTS_SHOWN: i64 = 12;

/// A line of a payout's statement.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Transfer {
    /// Absent for money that belongs to no single sale: a balance that came back.
    pub title: Option<String>,
    pub paid_ms: Option<i64>,
    pub price_minor: Option<i64>,
    pub share_minor: Option<i64>,
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
        filter,
        decisions: store::list_decisions(tx, person, DECISIONS_SHOWN).await?,
        payee: store::find_payee(tx, person).await?,
        payouts: store::list_payouts(tx, person, PAYOUTS_SHOWN).await?,
        movements: books::movements(tx, person, 40).await?,
        next: sweep::plan_for(tx, person, minimum_minor, now_ms).await?,
    })
}
