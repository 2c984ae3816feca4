//! Events of a provider: stored before they are answered, read once, in any order.
//!
//! The one rule: an event only says that something changed. Whoever acts on it fetches the object as it is now, moves state
//! forward, and books by fact; what cannot be read is quarantined for a person, never lost.

pub use super::state::EventState;
pub use super::store::{Event, EventRow};
use super::{Provider, store};
use base::clock::DAY_MS;
use base::db::{self, Db, Tx, read_number, write_setting};
use base::{jobs, random};

/// Reads one event of the inbox.
pub const READ: &str = "checkout-event";
/// After so many failures an event waits for a person.
const MAX_ATTEMPTS: i64 = 8;
/// Bodies are personal data: ids stay, bodies go.
const BODY_LIFE_MS: i64 = 90 * DAY_MS;
/// So many bodies are erased in one transaction.
const BODIES_ERASED: i64 = 2_000;
/// The sweeper looks back further than the newest event that it saw itself: an older one may be listed late. What webhooks brought
/// meanwhile says nothing of what they did not.
const SWEEP_OVERLAP_MS: i64 = 2 * DAY_MS;

/// What an event is about, by the provider's name of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    Payment,
    Charge,
    Refund,
    Dispute,
    FraudWarning,
    Account,
    Payout,
    /// Funds became available.
    Funds,
    /// Stored, and nothing to do.
    Other,
}

/// The topic of an event's name. Names of the sandbox are Stripe's.
#[must_use]
pub fn topic(kind: &str) -> Topic {
    match kind {
        "payment.paid" | "checkout.session.completed" | "checkout.session.expired" => {
            Topic::Payment
        }
        "checkout.session.async_payment_succeeded" | "checkout.session.async_payment_failed" => {
            Topic::Payment
        }
        "charge.updated" => Topic::Charge,
        "refund.created" | "refund.updated" | "refund.failed" => Topic::Refund,
        "radar.early_fraud_warning.created" => Topic::FraudWarning,
        "payment.available" | "balance.available" => Topic::Funds,
        "account.updated" | "capability.updated" | "account.application.deauthorized" => {
            Topic::Account
        }
        "account.external_account.updated" => Topic::Account,
        _ if kind.starts_with("charge.dispute.") => Topic::Dispute,
        _ if kind.starts_with("payout.") => Topic::Payout,
        _ => Topic::Other,
    }
}

/// Stores an event and the job that reads it, in the caller's transaction. `false` when it was there.
///
/// # Errors
/// When the database fails.
pub async fn receive(tx: &mut Tx, provider: &str, event: &Event) -> db::Result<bool> {
    let known = topic(&event.kind) != Topic::Other;
    let state = if known {
        EventState::Received
    } else {
        EventState::Ignored
    };
    let new = store::insert_event(tx, event, provider, state, random::real_now_ms()).await?;
    if new && known {
        enqueue(tx, &event.id).await?;
    }
    Ok(new)
}

/// Stores an event that nothing is to be done about (a test event at a live endpoint).
///
/// # Errors
/// When the database fails.
pub async fn ignore(tx: &mut Tx, provider: &str, event: &Event) -> db::Result<bool> {
    let state = EventState::Ignored;
    store::insert_event(tx, event, provider, state, random::real_now_ms()).await
}

async fn enqueue(tx: &mut Tx, id: &str) -> db::Result<()> {
    jobs::enqueue(tx, READ, &format!("event:{id}"), id).await
}

/// An event.
///
/// # Errors
/// When there is none or the database fails.
pub async fn get(tx: &mut Tx, id: &str) -> db::Result<EventRow> {
    store::get_event(tx, id).await
}

/// Notes in the transaction of its effect that an event was read. `false` when another was first: undo then.
///
/// # Errors
/// When the database fails.
pub async fn done(tx: &mut Tx, id: &str, known: bool) -> db::Result<bool> {
    let state = if known {
        EventState::Done
    } else {
        EventState::Ignored
    };
    store::set_event(tx, id, state).await
}

/// Notes that an event could not be read; often enough, and it waits for a person.
///
/// # Errors
/// When the database fails.
pub async fn failed(db: &Db, id: &str, error: &str, now_ms: i64) -> db::Result<()> {
    let mut tx = db.write().await?;
    store::fail_event(&mut tx, id, error, MAX_ATTEMPTS, now_ms).await?;
    tx.commit().await
}

/// Reads an event again, whatever became of it: facts are booked once.
///
/// # Errors
/// When the database fails.
pub async fn replay(tx: &mut Tx, id: &str) -> db::Result<bool> {
    let found = store::replay_event(tx, id).await?;
    if found {
        enqueue(tx, id).await?;
    }
    Ok(found)
}

/// Fetches what the provider sent lately and puts into the inbox what is not there; returns how many were lost.
///
/// # Errors
/// When the provider does not answer or the database fails.
pub async fn sweep(db: &Db, provider: &dyn Provider) -> anyhow::Result<usize> {
    let cursor = format!("events_swept_ms:{}", provider.name());
    let swept = read_number(&mut db.read().await?, &cursor).await?;
    let mut until = swept;
    let mut lost = 0;
    for event in provider.events((swept - SWEEP_OVERLAP_MS).max(0)).await? {
        until = until.max(event.created_ms);
        let mut tx = db.write().await?;
        lost += usize::from(receive(&mut tx, provider.name(), &event).await?);
        tx.commit().await?;
    }
    let mut tx = db.write().await?;
    write_setting(&mut tx, &cursor, &until.to_string()).await?;
    tx.commit().await?;
    Ok(lost)
}

/// Erases bodies that are older than ninety days.
///
/// # Errors
/// When the database fails.
pub async fn erase_bodies(tx: &mut Tx, now_ms: i64) -> db::Result<u64> {
    store::erase_bodies(tx, now_ms - BODY_LIFE_MS, BODIES_ERASED).await
}

/// The newest events, all, of one state, or `quarantined`.
///
/// # Errors
/// When the database fails.
pub async fn list(tx: &mut Tx, state: &str, limit: i64) -> db::Result<Vec<EventRow>> {
    store::list_events(tx, state, limit).await
}

/// Events that wait for a person.
///
/// # Errors
/// When the database fails.
pub async fn count_quarantined(tx: &mut Tx) -> db::Result<i64> {
    store::count_quarantined(tx).await
}

/// Whether an event is not read yet, and does not wait for a person.
///
/// # Errors
/// When the database fails.
pub async fn has_unread(tx: &mut Tx) -> db::Result<bool> {
    store::has_unread(tx).await
}
