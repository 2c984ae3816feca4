//! The sandbox payment provider: test cards, its own books, and events, as a real provider would have them.
//!
//! The one rule: it shares no code and no table with our books, or one bug would hide in both. Every call is one
//! transaction of its own and honours its idempotency key. No card number is stored.

mod store;
#[cfg(test)]
pub(crate) use store::ALL as STATEMENTS;

use crate::clock::DAY_MS;
use crate::db::{self, Db, Tx};
use crate::{jobs, random};

/// Funds of a payment become available after this long.
const AVAILABLE_MS: i64 = 2 * DAY_MS;
/// A payout reaches the bank after this long.
const ARRIVAL_MS: i64 = 2 * DAY_MS;

/// What a call to a provider came to. `Unknown` must be looked up before it is tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done, with the provider's reference.
    Done(String),
    /// Definitely not done.
    Rejected(String),
    /// Perhaps done.
    Unknown,
}

/// A payment as the provider knows it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Payment {
    pub id: String,
    pub order_id: String,
    pub amount_minor: i64,
    pub state: String,
    pub card_last4: Option<String>,
    pub decline_code: Option<String>,
    pub fee_minor: i64,
    pub available_ms: Option<i64>,
}

/// What a test card does (Stripe's own test numbers, so that the same journeys run there).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Card {
    Pays,
    AsksFirst,
    Declined(&'static str),
    Unknown,
}

/// Looks a card number up; spaces do not count.
#[must_use]
pub fn card(number: &str) -> Card {
    let digits: String = number
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .collect();
    match digits.as_str() {
        "4242424242424242" => Card::Pays,
        "4000002500003155" => Card::AsksFirst,
        "4000000000000002" => Card::Declined("generic_decline"),
        "4000000000009995" => Card::Declined("insufficient_funds"),
        "4000000000009987" => Card::Declined("lost_card"),
        "4000000000000069" => Card::Declined("expired_card"),
        "4000000000000119" => Card::Declined("processing_error"),
        "4242424242424241" => Card::Declined("incorrect_number"),
        _ => Card::Unknown,
    }
}

/// The provider's fee: 2.9% and 30 cents.
#[must_use]
pub fn fee(amount_minor: i64) -> i64 {
    (amount_minor * 29 + 500) / 1000 + 30
}

/// Opens a payment for an order, or returns the one that is open.
///
/// # Errors
/// When the database fails.
pub async fn open(db: &Db, order: &str, amount_minor: i64, now_ms: i64) -> db::Result<String> {
    let mut tx = db.write().await?;
    store::insert_payment(
        &mut tx,
        &random::id(),
        order,
        amount_minor,
        fee(amount_minor),
        now_ms,
    )
    .await?;
    let payment = store::find_by_order(&mut tx, order).await?;
    tx.commit().await?;
    Ok(payment)
}

/// A payment.
///
/// # Errors
/// When the database fails.
pub async fn find(tx: &mut Tx, id: &str) -> db::Result<Option<Payment>> {
    store::find_payment(tx, id).await
}

/// Charges a card. Returns the payment as it is afterwards.
///
/// # Errors
/// When there is no such payment or the database fails.
pub async fn charge(db: &Db, id: &str, number: &str, now_ms: i64) -> db::Result<Option<Payment>> {
    let mut tx = db.write().await?;
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let last4 = digits
        .get(digits.len().saturating_sub(4)..)
        .unwrap_or_default()
        .to_owned();
    match card(number) {
        Card::Pays => pay(&mut tx, id, &last4, now_ms).await?,
        Card::AsksFirst => store::set_confirming(&mut tx, id, &last4).await?,
        Card::Declined(code) => store::decline(&mut tx, id, &last4, code).await?,
        Card::Unknown => store::decline(&mut tx, id, &last4, "unknown_card").await?,
    }
    let payment = store::find_payment(&mut tx, id).await?;
    tx.commit().await?;
    Ok(payment)
}

/// The cardholder's answer to the bank's question.
///
/// # Errors
/// When the database fails.
pub async fn confirm(db: &Db, id: &str, agreed: bool, now_ms: i64) -> db::Result<Option<Payment>> {
    let mut tx = db.write().await?;
    let payment = store::find_payment(&mut tx, id).await?;
    if let Some(payment) = payment.filter(|payment| payment.state == "confirming") {
        if agreed {
            pay(
                &mut tx,
                id,
                payment.card_last4.as_deref().unwrap_or_default(),
                now_ms,
            )
            .await?;
        } else {
            store::decline(
                &mut tx,
                id,
                payment.card_last4.as_deref().unwrap_or_default(),
                "authentication_failed",
            )
            .await?;
        }
    }
    let payment = store::find_payment(&mut tx, id).await?;
    tx.commit().await?;
    Ok(payment)
}

async fn pay(tx: &mut Tx, id: &str, last4: &str, now_ms: i64) -> db::Result<()> {
    if !store::set_paid(tx, id, last4, now_ms + AVAILABLE_MS).await? {
        return Ok(());
    }
    if let Some(payment) = store::find_payment(tx, id).await? {
        let entry = |kind: &'static str| format!("{kind}:{id}");
        store::insert_entry(
            tx,
            &random::id(),
            &entry("charge"),
            "platform",
            "charge",
            payment.amount_minor,
            id,
            now_ms,
        )
        .await?;
        store::insert_entry(
            tx,
            &random::id(),
            &entry("fee"),
            "platform",
            "fee",
            -payment.fee_minor,
            id,
            now_ms,
        )
        .await?;
    }
    event(tx, "payment.paid", id, now_ms).await
}

/// Stores an event in the inbox and wakes the job that reads it, as a webhook's receiver would.
async fn event(tx: &mut Tx, kind: &str, object: &str, now_ms: i64) -> db::Result<()> {
    let id = format!("{kind}:{object}");
    if store::insert_event(tx, &id, kind, object, now_ms, random::real_now_ms()).await? {
        jobs::enqueue(tx, super::jobs::EVENT, &format!("event:{id}"), &id).await?;
    }
    Ok(())
}

/// Gives money back to a card. The same key never pays twice.
///
/// # Errors
/// When the database fails: the caller cannot know whether it was done.
pub async fn refund(
    db: &Db,
    payment: &str,
    amount_minor: i64,
    key: &str,
    now_ms: i64,
) -> db::Result<Outcome> {
    let mut tx = db.write().await?;
    let Some(paid) = store::find_payment(&mut tx, payment)
        .await?
        .filter(|payment| payment.state == "paid")
    else {
        return Ok(Outcome::Rejected("no_such_charge".into()));
    };
    let outcome = if store::has_entry(&mut tx, key).await? {
        Outcome::Done(key.into())
    } else if store::refunded(&mut tx, payment).await? + amount_minor > paid.amount_minor {
        Outcome::Rejected("charge_already_refunded".into())
    } else {
        store::insert_entry(
            &mut tx,
            &random::id(),
            key,
            "platform",
            "refund",
            -amount_minor,
            payment,
            now_ms,
        )
        .await?;
        Outcome::Done(key.into())
    };
    tx.commit().await?;
    Ok(outcome)
}

/// Moves money to a seller's account. The same key never moves it twice.
///
/// # Errors
/// When the database fails: the caller cannot know whether it was done.
pub async fn transfer(
    db: &Db,
    account: &str,
    amount_minor: i64,
    key: &str,
    now_ms: i64,
) -> db::Result<Outcome> {
    let mut tx = db.write().await?;
    let outcome = if store::has_entry(&mut tx, key).await? {
        Outcome::Done(key.into())
    } else if !store::account_ready(&mut tx, account).await? {
        Outcome::Rejected("transfers_not_allowed".into())
    } else {
        store::insert_entry(
            &mut tx,
            &random::id(),
            key,
            "platform",
            "transfer",
            -amount_minor,
            account,
            now_ms,
        )
        .await?;
        store::insert_entry(
            &mut tx,
            &random::id(),
            key,
            account,
            "transfer",
            amount_minor,
            account,
            now_ms,
        )
        .await?;
        Outcome::Done(key.into())
    };
    tx.commit().await?;
    Ok(outcome)
}

/// Opens a seller's account, or returns the one there is.
///
/// # Errors
/// When the database fails.
pub async fn open_account(tx: &mut Tx, person: &str) -> db::Result<String> {
    store::insert_account(tx, &format!("acct-{}", random::id()), person).await?;
    store::get_account(tx, person).await
}

/// What the provider asks of a seller, and their answers. Returns what is still required.
///
/// # Errors
/// When the database fails.
pub async fn onboard(
    tx: &mut Tx,
    account: &str,
    holder: &str,
    bank: &str,
) -> db::Result<Option<&'static str>> {
    let digits = bank.trim();
    let required = if holder.trim().is_empty() || holder.trim().eq_ignore_ascii_case("reject me") {
        Some("holder")
    } else if digits.len() != 12
        || !digits.bytes().all(|b| b.is_ascii_digit())
        || !digits.starts_with("000")
    {
        Some("bank")
    } else {
        None
    };
    // Only the last digits are kept, as a statement would show them.
    let tail = digits
        .get(digits.len().saturating_sub(4)..)
        .unwrap_or_default();
    store::update_account(tx, account, holder.trim(), tail, required).await?;
    Ok(required)
}

/// Lets time pass at the provider: funds become available, payouts leave and arrive.
///
/// # Errors
/// When the database fails.
pub async fn tick(db: &Db, now_ms: i64) -> db::Result<()> {
    let mut tx = db.write().await?;
    for payment in store::list_becoming_available(&mut tx, now_ms).await? {
        event(&mut tx, "payment.available", &payment, now_ms).await?;
        store::set_available(&mut tx, &payment).await?;
    }
    for (account, balance) in store::list_account_balances(&mut tx).await? {
        let id = random::id();
        store::insert_payout(&mut tx, &id, &account, balance, now_ms + ARRIVAL_MS, now_ms).await?;
        store::insert_entry(
            &mut tx,
            &random::id(),
            &format!("payout:{id}"),
            &account,
            "payout",
            -balance,
            &id,
            now_ms,
        )
        .await?;
    }
    for payout in store::list_arrived(&mut tx, now_ms).await? {
        store::set_payout_paid(&mut tx, &payout).await?;
        event(&mut tx, "payout.paid", &payout, now_ms).await?;
    }
    tx.commit().await
}

/// A payout's account and amount.
///
/// # Errors
/// When there is none or the database fails.
pub async fn get_payout(tx: &mut Tx, id: &str) -> db::Result<(String, i64)> {
    store::get_payout(tx, id).await
}

/// The platform's balance at the provider, pending and available together.
///
/// # Errors
/// When the database fails.
pub async fn platform_balance(tx: &mut Tx) -> db::Result<i64> {
    store::balance(tx, "platform").await
}

/// What lies in a seller's account and what its bank received.
///
/// # Errors
/// When the database fails.
pub async fn account_totals(tx: &mut Tx, account: &str) -> db::Result<(i64, i64)> {
    store::account_totals(tx, account).await
}
