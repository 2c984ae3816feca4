//! Posting, balances and the audit.

pub use super::entry::{AccountKind, Entry, Posting, posting};
pub use super::store::{Day, Movement, Unexplained};
use super::{Booking, store};
use base::db::{self, Tx};
use base::random;
use schema::digest::Digest;
use std::collections::BTreeMap;
use thiserror::Error as ThisError;

/// The one settlement currency.
pub const CURRENCY: &str = "USD";

/// Why an entry was not booked.
#[derive(Debug, ThisError)]
pub enum Error {
    /// The database failed or refused (a floor, the zero sum).
    #[error(transparent)]
    Store(#[from] db::Error),
    /// The same fact was booked before with other postings.
    #[error("the entry {0} was booked before with other postings")]
    Conflict(String),
}

/// Books a fact once. Returns `false` when it was booked before.
///
/// # Errors
/// [`Error::Conflict`] when the same key names another fact; [`Error::Store`] when a floor or the zero sum is broken, and
/// then nothing of the transaction may be committed.
pub async fn post(tx: &mut Booking, entry: &Entry) -> Result<bool, Error> {
    let postings: Vec<&Posting> = entry
        .postings
        .iter()
        .filter(|posting| posting.amount != 0)
        .collect();
    if postings.is_empty() {
        return Ok(false);
    }
    let fingerprint = fingerprint(&postings);
    let id = random::id();
    let recorded_ms = random::real_now_ms();
    if !store::insert_journal(tx, &id, entry, &fingerprint, recorded_ms).await? {
        let booked = store::find_fingerprint(tx, &entry.key).await?;
        return if booked.as_deref() == Some(&fingerprint) {
            Ok(false)
        } else {
            Err(Error::Conflict(entry.key.clone()))
        };
    }
    // One update per account.
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    let mut accounts = Vec::new();
    for posting in &postings {
        let kind = posting.kind;
        let account = store::ensure_account(
            tx,
            &random::id(),
            kind.name(),
            &posting.owner,
            CURRENCY,
            kind.normal(),
            kind.floor(),
        )
        .await?;
        *sums.entry(account.clone()).or_default() += posting.amount;
        accounts.push(account);
    }
    for (account, sum) in &sums {
        store::add(tx, account, *sum).await?;
    }
    for (index, (posting, account)) in (0..).zip(postings.iter().zip(&accounts)) {
        store::insert_posting(
            tx,
            &id,
            index,
            account,
            CURRENCY,
            posting.amount,
            posting.line.as_deref(),
        )
        .await?;
    }
    store::insert_seal(tx, &id).await?;
    Ok(true)
}

fn fingerprint(postings: &[&Posting]) -> String {
    let rows: Vec<String> = postings
        .iter()
        .map(|posting| {
            format!(
                "{}|{}|{}|{}",
                posting.kind.name(),
                posting.owner,
                posting.amount,
                posting.line.as_deref().unwrap_or("")
            )
        })
        .collect();
    Digest::sha256(rows.join("\n").as_bytes()).hex()
}

/// Whether a fact was booked.
///
/// # Errors
/// When the database fails.
pub async fn is_booked(tx: &mut Tx, key: &str) -> db::Result<bool> {
    Ok(store::find_fingerprint(tx, key).await?.is_some())
}

/// What the books say that each object of a provider did to the platform's balance there: the object's id (a charge, a refund, a
/// transfer, a dispute) and the sum.
///
/// # Errors
/// When the database fails.
pub async fn processor_sums(tx: &mut Tx, provider: &str) -> db::Result<Vec<(String, i64)>> {
    store::processor_sums(tx, provider).await
}

/// What lies in suspense until a person says what it was.
///
/// # Errors
/// When the database fails.
pub async fn suspense(tx: &mut Tx, provider: &str) -> db::Result<Vec<Unexplained>> {
    store::list_suspense(tx, provider).await
}

/// The balance of an account on its normal side; 0 when nothing was ever posted.
///
/// # Errors
/// When the database fails.
pub async fn balance(tx: &mut Tx, kind: AccountKind, owner: &str) -> db::Result<i64> {
    Ok(kind.normal() * store::posted(tx, kind.name(), owner, CURRENCY).await?)
}

/// A seller's money, as their page shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SellerBalances {
    /// Earned, not yet released.
    pub held: i64,
    /// Released, waiting for the next payout.
    pub available: i64,
    /// On its way to the provider account, or lying there until the bank has it.
    pub in_transit: i64,
    /// At the bank.
    pub paid: i64,
    /// Owed to us, covered by the next earnings.
    pub owed: i64,
    /// Held back by disputes.
    pub frozen: i64,
}

/// Reads a seller's balances from the books alone.
///
/// # Errors
/// When the database fails.
pub async fn seller_balances(tx: &mut Tx, person: &str) -> db::Result<SellerBalances> {
    Ok(SellerBalances {
        held: balance(tx, AccountKind::SellerHeld, person).await?,
        available: balance(tx, AccountKind::SellerAvailable, person).await?,
        frozen: balance(tx, AccountKind::SellerFrozen, person).await?,
        in_transit: balance(tx, AccountKind::TransitTransfer, person).await?
            + balance(tx, AccountKind::TransitManual, person).await?
            + balance(tx, AccountKind::ConnectedBalance, person).await?,
        paid: balance(tx, AccountKind::ConnectedPaidOut, person).await?
            + store::paid_by_hand(tx, person).await?,
        owed: balance(tx, AccountKind::SellerReceivable, person).await?,
    })
}

/// What moved on a seller's accounts, by day, oldest first: held, available, on the way to the provider and there, and at the bank.
///
/// # Errors
/// When the database fails.
pub async fn days(tx: &mut Tx, person: &str) -> db::Result<Vec<Day>> {
    store::days(tx, person).await
}

/// The newest movements of a person's accounts.
///
/// # Errors
/// When the database fails.
pub async fn movements(tx: &mut Tx, person: &str, limit: i64) -> db::Result<Vec<Movement>> {
    store::movements(tx, person, limit).await
}

/// Re-derives every balance from postings, and holds lines, calls to the provider and payees against them.
///
/// # Errors
/// The outer error when the database fails; the inner text names the first difference.
pub async fn audit(tx: &mut Tx) -> db::Result<Result<i64, String>> {
    if let Some((journal, sum)) = store::find_unbalanced(tx).await? {
        return Ok(Err(format!("the entry {journal} adds up to {sum}")));
    }
    if let Some(journal) = store::find_unsealed(tx).await? {
        return Ok(Err(format!("the entry {journal} is not sealed")));
    }
    if let Some((kind, owner, posted, derived)) = store::find_drift(tx).await? {
        return Ok(Err(format!(
            "the account {kind} of {owner} says {posted}, its postings {derived}"
        )));
    }
    if let Some((kind, owner, by)) = store::find_day_drift(tx).await? {
        return Ok(Err(format!(
            "a day of the account {kind} of {owner} and its postings differ by {by}"
        )));
    }
    if let Some((kind, owner, balance)) = store::find_below_floor(tx).await? {
        return Ok(Err(format!(
            "the account {kind} of {owner} is at {balance}, below its floor"
        )));
    }
    if let Err(why) = audit_lines(tx).await? {
        return Ok(Err(why));
    }
    if let Some((kind, owner, booked, open)) = store::find_transit_drift(tx).await? {
        return Ok(Err(format!(
            "the account {kind} of {owner} holds {booked}, the calls on their way are over {open}"
        )));
    }
    if let Some((owner, sum)) = store::find_connected_drift(tx).await? {
        return Ok(Err(format!(
            "what reached the provider account of {owner} and what lies or left there differ by {sum}"
        )));
    }
    if let Some((owner, paid, earned)) = store::find_overpaid_payee(tx).await? {
        return Ok(Err(format!("{owner} was paid {paid} and earned {earned}")));
    }
    Ok(Ok(store::count(tx).await?))
}

/// What lines say of themselves, against what was booked for them.
async fn audit_lines(tx: &mut Tx) -> db::Result<Result<(), String>> {
    if let Some((line, says, booked)) = store::find_refund_drift(tx).await? {
        return Ok(Err(format!(
            "the line {line} says {says} was refunded, the books {booked}"
        )));
    }
    if let Some((line, earning, held)) = store::find_held_drift(tx).await? {
        return Ok(Err(format!(
            "the line {line} is {earning:?} and {held} is held for it"
        )));
    }
    if let Some((line, says, booked)) = store::find_frozen_drift(tx).await? {
        return Ok(Err(format!(
            "the line {line} says {says} is frozen, the books {booked}"
        )));
    }
    if let Some((dispute, state, held)) = store::find_dispute_drift(tx).await? {
        return Ok(Err(format!(
            "the dispute {dispute} is {state:?} and {held} is held for it"
        )));
    }
    if let Some((line, part, moved)) = store::find_overpaid_line(tx).await? {
        return Ok(Err(format!(
            "{moved} was transferred for the line {line}, the payee's part is {part}"
        )));
    }
    Ok(Ok(()))
}
