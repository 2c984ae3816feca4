//! The platform's own movements at the provider: payouts to its own bank, the provider's fees, and what nobody can explain yet.
//!
//! The one rule: whatever changed the balance there is booked here once, by the id of the movement; what is not understood lies in
//! suspense, in sight, until a person says what it was.

use base::clock::DAY_MS;
use base::db::{Db, read_number, write_setting};
use money::Error;
use money::books::Booking;
use money::books::service::{self as books, AccountKind, Entry, posting};
use money::provider::{Cause, PayoutState, Provider, Transaction};

/// Looked at again: a payout may come back five business days later, a movement may be listed late.
const OVERLAP_MS: i64 = 14 * DAY_MS;

/// Reads the provider's movements and books those that no event of ours tells of. Returns how many were new.
///
/// # Errors
/// When the provider does not answer or the books refuse.
pub async fn book_own(db: &Db, provider: &dyn Provider, now_ms: i64) -> Result<usize, Error> {
    let cursor = format!("own_movements_ms:{}", provider.name());
    let read = read_number(&mut db.read().await?, &cursor).await?;
    let mut until = read;
    let mut new = 0;
    for transaction in provider.transactions((read - OVERLAP_MS).max(0)).await? {
        until = until.max(transaction.created_ms);
        if transaction.cause == Cause::Followed {
            continue;
        }
        let arrived = transaction.cause == Cause::OwnPayout
            && !books::is_booked(&mut db.read().await?, &arrival(&transaction)).await?
            && provider.get_own_payout(&transaction.source).await? == Some(PayoutState::Paid);
        let mut tx = money::books::begin(db).await?;
        new += usize::from(book(&mut tx, provider.name(), &transaction, arrived, now_ms).await?);
        tx.commit().await?;
    }
    let mut tx = db.write().await?;
    write_setting(&mut tx, &cursor, &until.to_string()).await?;
    tx.commit().await?;
    Ok(new)
}

/// The fact that a payout reached our bank.
fn arrival(transaction: &Transaction) -> String {
    format!("own-payout:{}:arrived", transaction.source)
}

async fn book(
    tx: &mut Booking,
    provider: &str,
    transaction: &Transaction,
    arrived: bool,
    now_ms: i64,
) -> Result<bool, Error> {
    let arrival = arrival(transaction);
    let (kind, other) = match transaction.cause {
        Cause::Followed => return Ok(false),
        Cause::OwnPayout => ("own payout sent", AccountKind::BankInTransit),
        // Where it comes back from: a bank that had it, or the way there.
        Cause::OwnPayoutBack if books::is_booked(tx, &arrival).await? => {
            ("own payout returned", AccountKind::BankOperating)
        }
        Cause::OwnPayoutBack => ("own payout returned", AccountKind::BankInTransit),
        Cause::Fee => ("provider fee", AccountKind::ExpenseProcessing),
        Cause::Unexplained => ("unexplained", AccountKind::Suspense),
    };
    let net = transaction.net_minor;
    let entry = |key: String, kind, postings| Entry {
        key,
        kind,
        source: transaction.source.clone(),
        occurred_ms: now_ms,
        postings,
    };
    let key = format!("txn:{}", transaction.id);
    let new = !books::is_booked(tx, &key).await?;
    if new {
        let postings = vec![
            posting(AccountKind::ProcessorAvailable, provider, net, None),
            posting(other, provider, -net, None),
        ];
        books::post(tx, &entry(key, kind, postings)).await?;
        if transaction.cause == Cause::Unexplained {
            tracing::error!(
                transaction.id = %transaction.id,
                transaction.kind = %transaction.kind,
                net,
                "the provider moved money that nobody can explain: see the reconciliation page"
            );
        }
    }
    if arrived {
        let postings = vec![
            posting(AccountKind::BankOperating, provider, -net, None),
            posting(AccountKind::BankInTransit, provider, net, None),
        ];
        books::post(tx, &entry(arrival, "own payout arrived", postings)).await?;
    }
    Ok(new)
}

/// A person says that a movement in suspense was the provider's cost (or gave some of it back). `false` when nothing of that name lies
/// there.
///
/// # Errors
/// When the books refuse.
pub async fn settle_suspense(
    tx: &mut Booking,
    provider: &str,
    source: &str,
    now_ms: i64,
) -> Result<bool, Error> {
    let all = books::suspense(tx, provider).await?;
    let Some(found) = all.into_iter().find(|found| found.source == source) else {
        return Ok(false);
    };
    let entry = Entry {
        key: format!("suspense:{source}:{}", found.occurred_ms),
        kind: "suspense settled",
        source: source.into(),
        occurred_ms: now_ms,
        postings: vec![
            posting(AccountKind::Suspense, provider, -found.amount, None),
            posting(AccountKind::ExpenseProcessing, provider, found.amount, None),
        ],
    };
    Ok(books::post(tx, &entry).await?)
}
