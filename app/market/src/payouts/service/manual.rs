//! Payouts that a person makes at a bank, for countries that no provider reaches.
//!
//! The one rule: whoever enters a large payout is not the one who confirms it, and each state is left once.

use super::super::store;
use super::countries::{BY_HAND, REACHED};
use super::{BankPayout, BankPayoutState};
use crate::orders::{self, Earning};
use crate::people::service as people;
use base::db::Tx;
use base::random;
use base::vault::Vault;
use money::Error;
use money::books::Booking;
use money::books::service::{self as books, AccountKind, Entry, posting};
use money::provider::outbound::{self, OperationState};
use schema::money::decimal;

/// The name of this provider.
pub const NAME: &str = "manual";
/// From here on two persons are needed, in minor units.
pub const TWO_PERSONS_MINOR: i64 = 50_000;
/// Longest text of bank details.
const DETAILS_CHARS: usize = 600;

/// Takes a creator's bank details; they lie in the vault.
///
/// # Errors
/// [`Error::Refused`] for no or too long a text, and for a country that the provider reaches or where nobody pays.
pub async fn set_details(
    tx: &mut Booking,
    vault: &Vault,
    (person, was_proven): (&str, bool),
    country: &str,
    details: &str,
    now_ms: i64,
) -> Result<(), Error> {
    let details = details.trim();
    if details.chars().count() < 10 || details.chars().count() > DETAILS_CHARS {
        return Err(Error::Refused("bank-details"));
    }
    if REACHED.contains(&country) {
        return Err(Error::Refused("country-reached"));
    }
    if !BY_HAND.contains(&country) {
        return Err(Error::Refused("country-unsupported"));
    }
    // Under the lock under which an account changes hands: who asked may not be who has it now.
    if people::is_proven(tx, person).await? != was_proven {
        return Err(Error::Refused("account-changed"));
    }
    let id = random::id();
    vault.put(tx, &id, details.as_bytes(), now_ms).await?;
    store::upsert_payee(tx, person, person, NAME, country, now_ms).await?;
    store::set_details(tx, person, &id).await?;
    store::end_pause(tx, person, "bank_rejected").await?;
    Ok(())
}

/// Opens a payout of a run; its operations are planned beside it.
pub(super) async fn open(
    tx: &mut Tx,
    decision: &str,
    person: &str,
    amount_minor: i64,
    now_ms: i64,
) -> Result<(), Error> {
    store::insert_manual_payout(tx, decision, person, amount_minor, now_ms).await?;
    Ok(())
}

/// What became of a payout by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Paid,
    Returned,
    Cancelled,
}

impl Fate {
    /// How the payout stands then.
    fn state(self) -> BankPayoutState {
        match self {
            Self::Paid => BankPayoutState::Paid,
            Self::Returned => BankPayoutState::Returned,
            Self::Cancelled => BankPayoutState::Cancelled,
        }
    }

    /// How each of its operations stood, and stands then.
    fn step(self) -> (OperationState, OperationState) {
        match self {
            Self::Paid => (OperationState::Planned, OperationState::Ok),
            Self::Returned => (OperationState::Ok, OperationState::Rejected),
            Self::Cancelled => (OperationState::Planned, OperationState::Rejected),
        }
    }

    /// Where the earning of each line was, and is then.
    fn earning(self) -> (Earning, Earning) {
        match self {
            Self::Paid => (Earning::Transit, Earning::Transferred),
            Self::Returned => (Earning::Transferred, Earning::Available),
            Self::Cancelled => (Earning::Transit, Earning::Available),
        }
    }

    /// What the books call it, in the keys of entries.
    fn fact(self) -> &'static str {
        match self {
            Self::Paid => "ok",
            Self::Returned => "returned",
            Self::Cancelled => "cancelled",
        }
    }

    /// The kind of its entries.
    fn kind(self) -> &'static str {
        match self {
            Self::Paid => "manual paid",
            Self::Returned => "manual returned",
            Self::Cancelled => "manual cancelled",
        }
    }

    /// Which account an operation's amount leaves, and which takes it.
    fn accounts(self) -> (AccountKind, AccountKind) {
        match self {
            Self::Paid => (AccountKind::TransitManual, AccountKind::BankOperating),
            Self::Returned => (AccountKind::BankOperating, AccountKind::SellerAvailable),
            Self::Cancelled => (AccountKind::TransitManual, AccountKind::SellerAvailable),
        }
    }
}

async fn get(tx: &mut Tx, id: &str) -> Result<BankPayout, Error> {
    let found = store::find_payout(tx, id).await?;
    found
        .filter(|payout| payout.provider == NAME)
        .ok_or(Error::NotFound)
}

/// Enters the bank's reference of a payout that was made. From [`TWO_PERSONS_MINOR`] on another operator has to enter the same
/// again. Returns whether it is booked now.
///
/// # Errors
/// [`Error::Refused`] when it is not open, the reference is empty or another, or the same person enters it twice.
pub async fn enter(
    tx: &mut Booking,
    id: &str,
    operator: &str,
    reference: &str,
    now_ms: i64,
) -> Result<bool, Error> {
    let payout = get(tx, id).await?;
    let reference = reference.trim();
    if reference.is_empty() || reference.chars().count() > 100 {
        return Err(Error::Refused("reference"));
    }
    if payout.state != BankPayoutState::Pending {
        return Err(Error::Refused("payout-over"));
    }
    if payout.amount_minor >= TWO_PERSONS_MINOR {
        match (&payout.entered_by, &payout.reference) {
            (None, _) | (_, None) => {
                store::enter_payout(tx, id, reference, operator).await?;
                return Ok(false);
            }
            (Some(first), _) if first == operator => return Err(Error::Refused("second-person")),
            (_, Some(known)) if known != reference => {
                return Err(Error::Refused("reference-differs"));
            }
            _ => {}
        }
    }
    store::confirm_payout(tx, id, reference, operator).await?;
    settle(tx, &payout, Fate::Paid, reference, now_ms).await?;
    Ok(true)
}

/// Takes a payout back that was not made.
///
/// # Errors
/// [`Error::Refused`] when it is not open.
pub async fn cancel(tx: &mut Booking, id: &str, now_ms: i64) -> Result<(), Error> {
    let payout = get(tx, id).await?;
    if payout.state != BankPayoutState::Pending {
        return Err(Error::Refused("payout-over"));
    }
    settle(tx, &payout, Fate::Cancelled, "cancelled", now_ms).await
}

/// A payout that was made came back from the bank: the money is the creator's again, and waits for other details.
///
/// # Errors
/// [`Error::Refused`] when it was not paid.
pub async fn returned(tx: &mut Booking, id: &str, now_ms: i64) -> Result<(), Error> {
    let payout = get(tx, id).await?;
    if payout.state != BankPayoutState::Paid {
        return Err(Error::Refused("payout-over"));
    }
    store::pause(tx, &payout.person_id, "bank_rejected").await?;
    settle(tx, &payout, Fate::Returned, "returned", now_ms).await
}

async fn settle(
    tx: &mut Booking,
    payout: &BankPayout,
    fate: Fate,
    reference: &str,
    now_ms: i64,
) -> Result<(), Error> {
    if !store::move_payout(tx, payout, fate.state()).await? {
        return Err(Error::Refused("payout-over"));
    }
    let person = payout.person_id.as_str();
    let (from, to) = fate.step();
    let (before, after) = fate.earning();
    let (taken, given) = fate.accounts();
    for op in outbound::list_of_decision(tx, &payout.id).await? {
        if !outbound::finish_by_hand(tx, &op, from, to, reference, now_ms).await? {
            continue;
        }
        let line = op.order_line.as_deref();
        let on = |kind, amount| posting(kind, person, amount, line);
        let postings = vec![on(taken, op.amount), on(given, -op.amount)];
        let entry = Entry {
            key: format!("op:{}:{}", op.id, fate.fact()),
            kind: fate.kind(),
            source: op.id.clone(),
            occurred_ms: now_ms,
            postings,
        };
        books::post(tx, &entry).await?;
        if let Some(line) = op.line() {
            orders::move_earning(tx, &line, before, after).await?;
        }
    }
    Ok(())
}

/// A payout that waits for a person, with where its money goes.
pub struct Waiting {
    pub payout: BankPayout,
    pub handle: String,
    pub country: String,
    /// Opened from the vault, which keeps a record of it.
    pub details: String,
}

/// Payouts by hand that are open or were made lately, and their creators' handles.
///
/// # Errors
/// When the database fails.
pub async fn list(tx: &mut Tx, limit: i64) -> Result<Vec<(BankPayout, String)>, Error> {
    Ok(store::list_manual(tx, limit).await?)
}

/// The open payouts with their bank details, for the bank's batch. Every opening is logged.
///
/// # Errors
/// When the vault or the database fails.
pub async fn batch(
    tx: &mut Tx,
    vault: &Vault,
    operator: &str,
    now_ms: i64,
) -> Result<Vec<Waiting>, Error> {
    let mut waiting = Vec::new();
    for (payout, handle) in store::list_manual(tx, 1000).await? {
        if payout.state != BankPayoutState::Pending {
            continue;
        }
        let payee = store::find_payee(tx, &payout.person_id).await?;
        let Some((payee, secret)) = payee.and_then(|payee| {
            let secret = payee.details_secret_id.clone()?;
            Some((payee, secret))
        }) else {
            continue;
        };
        let plain = vault
            .open(tx, &secret, operator, "payout batch", now_ms)
            .await
            .map_err(|error| Error::Internal(error.to_string()))?;
        waiting.push(Waiting {
            payout,
            handle,
            country: payee.country,
            details: String::from_utf8_lossy(&plain).into_owned(),
        });
    }
    Ok(waiting)
}

/// Writes a batch as CSV. What a spreadsheet would take for a formula is written as text.
///
/// # Errors
/// When writing fails.
pub fn write_batch(out: impl std::io::Write, waiting: &[Waiting]) -> csv::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record([
        "payout", "creator", "country", "currency", "amount", "details",
    ])?;
    for row in waiting {
        writer.write_record([
            row.payout.id.clone(),
            row.handle.clone(),
            row.country.clone(),
            books::CURRENCY.into(),
            decimal(row.payout.amount_minor),
            super::sales::as_text(&row.details),
        ])?;
    }
    writer.flush()?;
    Ok(())
}
