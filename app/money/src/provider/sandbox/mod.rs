//! The sandbox payment provider: test cards, its own books, and events, as a real provider would have them.
//!
//! The one rule: it shares no code and no table with our books, or one bug would hide in both. Every call is one
//! transaction of its own and honours its idempotency key. No card number is stored.

mod cards;
mod disputes;
mod sellers;
mod state;
mod store;
#[cfg(any(test, feature = "testing"))]
pub use store::ALL as STATEMENTS;

pub use cards::{Card, TAX_RATES, card};
pub use sellers::{Onboarding, onboard};
pub use state::RecordState;

use super::inbox::{self, Event};
use super::{
    Account, Answer, Balance, Call, CallOutcome, Cause, Checkout, Dispute, Opened, Payment,
    PaymentProvider, PaymentState, Payout, PayoutProvider, PayoutState, Refund, Transaction,
    Unanswered, tax,
};
use async_trait::async_trait;
use base::clock::DAY_MS;
use base::db::{self, Db, Tx};
use base::random;
use cards::After;
use state::RefundState;

/// The name of this provider, and the owner of its accounts in the books.
pub const NAME: &str = "sandbox";
/// Funds of a payment become available after this long.
const AVAILABLE_MS: i64 = 2 * DAY_MS;

/// The provider behind its interface.
#[derive(Clone)]
pub struct Sandbox {
    pub db: Db,
}

/// A payment as the sandbox keeps it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Record {
    pub id: String,
    pub order_id: String,
    /// Tax aside.
    pub amount_minor: i64,
    #[sqlx(try_from = "String")]
    pub state: RecordState,
    pub card: Option<String>,
    pub card_last4: Option<String>,
    pub decline_code: Option<String>,
    pub fee_minor: i64,
    pub available_ms: Option<i64>,
    pub country: Option<String>,
    pub tax_minor: i64,
    /// Tax on each line, separated by commas.
    pub taxes: String,
    /// The amount of each line, separated by commas.
    pub lines: String,
    pub return_url: String,
}

fn numbers(text: &str) -> Vec<i64> {
    text.split(',')
        .filter_map(|part| part.parse().ok())
        .collect()
}

fn joined(numbers: &[i64]) -> String {
    let texts: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    texts.join(",")
}

impl Record {
    /// Tax on each line for a buyer in a country.
    #[must_use]
    pub fn taxes_in(&self, country: &str) -> Vec<i64> {
        let Some(rate) = tax::find(TAX_RATES, country) else {
            return Vec::new();
        };
        let lines = numbers(&self.lines).into_iter();
        lines.map(|line| rate.on(line)).collect()
    }

    fn into_payment(self) -> Payment {
        let state = match self.state {
            RecordState::Paid => PaymentState::Paid,
            RecordState::Expired => PaymentState::Expired,
            RecordState::Open | RecordState::Confirming => PaymentState::Open,
        };
        let paid = state == PaymentState::Paid;
        let country = self.country.as_deref();
        let rate = country.and_then(|country| tax::find(TAX_RATES, country));
        Payment {
            charge: paid.then(|| self.id.clone()),
            id: self.id,
            order: self.order_id,
            state,
            amount_minor: self.amount_minor + self.tax_minor,
            currency: "usd".into(),
            taxes: numbers(&self.taxes),
            tax_minor: self.tax_minor,
            fee_minor: paid.then_some(self.fee_minor),
            available: paid && self.available_ms.is_none(),
            card_last4: self.card_last4,
            decline_code: self.decline_code,
            tax_basis_points: rate.map(|rate| rate.basis_points),
            country: self.country,
        }
    }
}

/// The provider's fee: 2.9% and 30 cents.
#[must_use]
pub fn fee(amount_minor: i64) -> i64 {
    (amount_minor * 29 + 500) / 1000 + 30
}

/// A payment as the sandbox keeps it, for its own pages.
///
/// # Errors
/// When the database fails.
pub async fn find(tx: &mut Tx, id: &str) -> db::Result<Option<Record>> {
    store::find_payment(tx, id).await
}

/// Charges a card for a buyer in a country. Returns the payment as it is afterwards.
///
/// # Errors
/// When there is no such payment or the database fails.
pub async fn charge(
    db: &Db,
    id: &str,
    number: &str,
    country: &str,
    now_ms: i64,
) -> db::Result<Option<Record>> {
    let mut tx = db.write().await?;
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let last4 = digits
        .get(digits.len().saturating_sub(4)..)
        .unwrap_or_default()
        .to_owned();
    if let Some(record) = store::find_payment(&mut tx, id).await?
        && record.state.is_payable()
    {
        let taxes = record.taxes_in(country);
        let tax: i64 = taxes.iter().sum();
        let total = record.amount_minor + tax;
        store::set_buyer(&mut tx, id, country, tax, &joined(&taxes), fee(total)).await?;
    }
    match card(number) {
        Card::Pays(after) => pay(&mut tx, id, &last4, after, now_ms).await?,
        Card::AsksFirst => store::set_confirming(&mut tx, id, &last4, "asks").await?,
        Card::AsksAndDeclines => {
            store::set_confirming(&mut tx, id, &last4, "asks_declines").await?
        }
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
pub async fn confirm(db: &Db, id: &str, agreed: bool, now_ms: i64) -> db::Result<Option<Record>> {
    let mut tx = db.write().await?;
    let payment = store::find_payment(&mut tx, id).await?;
    if let Some(payment) = payment.filter(|payment| payment.state == RecordState::Confirming) {
        let last4 = payment.card_last4.as_deref().unwrap_or_default();
        match (agreed, payment.card.as_deref()) {
            (true, Some("asks_declines")) => {
                store::decline(&mut tx, id, last4, "generic_decline").await?;
            }
            (true, _) => pay(&mut tx, id, last4, After::Nothing, now_ms).await?,
            (false, _) => store::decline(&mut tx, id, last4, "authentication_failed").await?,
        }
    }
    let payment = store::find_payment(&mut tx, id).await?;
    tx.commit().await?;
    Ok(payment)
}

/// Lets a cardholder's bank dispute a paid payment now; `inquiry` asks first, without money moving. Nothing for one that is disputed.
///
/// # Errors
/// When the database fails.
pub async fn dispute(
    db: &Db,
    id: &str,
    reason: &str,
    inquiry: bool,
    now_ms: i64,
) -> db::Result<bool> {
    let mut tx = db.write().await?;
    let paid = store::find_payment(&mut tx, id)
        .await?
        .filter(|payment| payment.state == RecordState::Paid);
    let Some(paid) = paid else {
        return Ok(false);
    };
    if store::count_disputes(&mut tx, id).await? > 0 {
        return Ok(false);
    }
    disputes::open(&mut tx, &paid, reason, inquiry, now_ms).await?;
    tx.commit().await?;
    Ok(true)
}

/// A movement of an account's balance.
struct Movement<'a> {
    key: &'a str,
    account: &'a str,
    kind: &'a str,
    amount_minor: i64,
    /// The object behind it.
    reference: &'a str,
    operation: Option<&'a str>,
    now_ms: i64,
}

async fn pay(tx: &mut Tx, id: &str, last4: &str, after: After, now_ms: i64) -> db::Result<()> {
    let available = (after != After::Available).then_some(now_ms + AVAILABLE_MS);
    let behaviour = match after {
        After::RefundPends => Some("refund_pends"),
        After::RefundFails => Some("refund_fails"),
        _ => None,
    };
    if !store::set_paid(tx, id, last4, available, behaviour).await? {
        return Ok(());
    }
    let Some(payment) = store::find_payment(tx, id).await? else {
        return Ok(());
    };
    let total = payment.amount_minor + payment.tax_minor;
    for (kind, amount_minor) in [("charge", total), ("fee", -payment.fee_minor)] {
        let movement = Movement {
            key: &format!("{kind}:{id}"),
            account: "platform",
            kind,
            amount_minor,
            reference: id,
            operation: None,
            now_ms,
        };
        store::insert_entry(tx, &movement).await?;
    }
    event(tx, "checkout.session.completed", id, None, now_ms).await?;
    match after {
        After::Dispute(reason) => disputes::open(tx, &payment, reason, false, now_ms).await?,
        After::Inquiry => disputes::open(tx, &payment, "general", true, now_ms).await?,
        After::Warning => event(tx, "radar.early_fraud_warning.created", id, None, now_ms).await?,
        After::Available => event(tx, "payment.available", id, None, now_ms).await?,
        After::Nothing | After::RefundPends | After::RefundFails => {}
    }
    Ok(())
}

/// Stores an event in the inbox and wakes the job that reads it, as a webhook's receiver would.
async fn event(
    tx: &mut Tx,
    kind: &str,
    object: &str,
    account: Option<&str>,
    now_ms: i64,
) -> db::Result<()> {
    let event = Event {
        // An object may be updated many times; what happens to it once has one event.
        id: match kind {
            "account.updated" | "charge.dispute.updated" | "refund.updated" => {
                format!("{kind}:{object}:{}", random::id())
            }
            _ => format!("{kind}:{object}"),
        },
        kind: kind.into(),
        object: object.into(),
        account: account.map(Into::into),
        api_version: None,
        livemode: false,
        created_ms: now_ms,
        body: None,
    };
    inbox::receive(tx, NAME, &event).await.map(drop)
}

/// So much of a kind is moved on in one transaction.
const ROUND: i64 = 100;

/// Lets time pass at the provider: funds become available, refunds and disputes end, payouts leave, arrive and come back.
///
/// # Errors
/// When the database fails.
pub async fn tick(db: &Db, now_ms: i64) -> db::Result<()> {
    let mut tx = db.write().await?;
    disputes::tick(&mut tx, now_ms).await?;
    tx.commit().await?;
    // Each round moves something on for good, so that the next one finds less. A transaction of its own for each: on SQLite
    // everybody else's writes wait for it.
    loop {
        let mut tx = db.write().await?;
        let mut found = 0;
        for payment in store::list_becoming_available(&mut tx, now_ms, ROUND).await? {
            event(&mut tx, "payment.available", &payment, None, now_ms).await?;
            store::set_available(&mut tx, &payment).await?;
            found += 1;
        }
        found += settle_refunds(&mut tx, now_ms).await?;
        found += sellers::tick(&mut tx, now_ms).await?;
        tx.commit().await?;
        if found == 0 {
            return Ok(());
        }
    }
}

async fn settle_refunds(tx: &mut Tx, now_ms: i64) -> db::Result<usize> {
    let pending = store::list_pending_refunds(tx, ROUND).await?;
    let found = pending.len();
    for (id, card, amount_minor) in pending {
        if card.as_deref() == Some("refund_fails") {
            store::set_refund(tx, &id, RefundState::Failed).await?;
            let movement = Movement {
                key: &format!("failure:{id}"),
                account: "platform",
                kind: "refund_failure",
                amount_minor,
                reference: &id,
                operation: None,
                now_ms,
            };
            store::insert_entry(tx, &movement).await?;
            event(tx, "refund.failed", &id, None, now_ms).await?;
        } else {
            store::set_refund(tx, &id, RefundState::Succeeded).await?;
            event(tx, "refund.updated", &id, None, now_ms).await?;
        }
    }
    Ok(found)
}

async fn refund(db: &Db, call: &Call) -> db::Result<CallOutcome> {
    let mut tx = db.write().await?;
    let target = &call.parameters.target;
    let Some(paid) = store::find_payment(&mut tx, target)
        .await?
        .filter(|payment| payment.state == RecordState::Paid)
    else {
        return Ok(CallOutcome::Rejected("no_such_charge".into()));
    };
    if store::has_entry(&mut tx, &call.key).await? {
        return Ok(CallOutcome::Done(call.key.clone()));
    }
    if store::count_open_disputes(&mut tx, target).await? > 0 {
        return Ok(CallOutcome::Rejected("charge_disputed".into()));
    }
    if store::refunded(&mut tx, target).await? + call.amount_minor
        > paid.amount_minor + paid.tax_minor
    {
        return Ok(CallOutcome::Rejected("charge_already_refunded".into()));
    }
    // Those that are to fail, or to wait, are settled by the next tick.
    let waits = matches!(paid.card.as_deref(), Some("refund_pends" | "refund_fails"));
    let state = if waits {
        RefundState::Pending
    } else {
        RefundState::Succeeded
    };
    store::insert_refund(
        &mut tx,
        &call.key,
        target,
        &call.operation,
        call.amount_minor,
        state,
    )
    .await?;
    let movement = Movement {
        key: &call.key,
        account: "platform",
        kind: "refund",
        amount_minor: -call.amount_minor,
        reference: target,
        operation: Some(&call.operation),
        now_ms: call.now_ms,
    };
    store::insert_entry(&mut tx, &movement).await?;
    tx.commit().await?;
    Ok(CallOutcome::Done(call.key.clone()))
}

fn unanswered(error: db::Error) -> Unanswered {
    Unanswered(error.to_string())
}

/// A database that fails leaves the caller not knowing.
fn outcome<T>(result: db::Result<CallOutcome<T>>) -> CallOutcome<T> {
    result.unwrap_or_else(|error| CallOutcome::Unknown(error.to_string()))
}

impl Sandbox {
    async fn open(&self, checkout: &Checkout) -> db::Result<CallOutcome<Opened>> {
        let mut tx = self.db.write().await?;
        let lines: Vec<i64> = checkout
            .lines
            .iter()
            .map(|line| line.amount_minor)
            .collect();
        let amount = checkout.amount_minor();
        store::insert_payment(
            &mut tx,
            &random::id(),
            &checkout.order,
            amount,
            fee(amount),
            &joined(&lines),
            &checkout.return_url,
            checkout.now_ms,
        )
        .await?;
        let id = store::find_by_order(&mut tx, &checkout.order).await?;
        tx.commit().await?;
        let url = format!("/sandbox/payments/{id}");
        Ok(CallOutcome::Done(Opened { id, url }))
    }

    async fn expire(&self, id: &str) -> db::Result<CallOutcome<()>> {
        let mut tx = self.db.write().await?;
        let expired = store::expire(&mut tx, id).await?;
        if expired {
            let now = random::real_now_ms();
            event(&mut tx, "checkout.session.expired", id, None, now).await?;
        }
        let found = store::find_payment(&mut tx, id).await?;
        tx.commit().await?;
        Ok(match found.map(|payment| payment.state) {
            Some(RecordState::Expired) => CallOutcome::Done(()),
            _ => CallOutcome::Rejected("checkout_complete".into()),
        })
    }
}

#[async_trait]
impl PaymentProvider for Sandbox {
    fn name(&self) -> &'static str {
        NAME
    }

    fn moves_real_money(&self) -> bool {
        false
    }

    fn tax_rates(&self) -> &'static [tax::Taxed] {
        TAX_RATES
    }

    async fn open_checkout(&self, checkout: &Checkout) -> CallOutcome<Opened> {
        outcome(self.open(checkout).await)
    }

    async fn expire_checkout(&self, id: &str) -> CallOutcome<()> {
        outcome(self.expire(id).await)
    }

    async fn find_payment(&self, id: &str) -> Answer<Option<Payment>> {
        let mut tx = self.db.read().await.map_err(unanswered)?;
        let found = store::find_payment(&mut tx, id).await.map_err(unanswered)?;
        Ok(found.map(Record::into_payment))
    }

    async fn refund(&self, call: &Call) -> CallOutcome {
        outcome(refund(&self.db, call).await)
    }

    async fn find_refund(&self, call: &Call) -> Answer<Option<String>> {
        self.find_entry(call, "refund").await
    }

    async fn get_refund(&self, id: &str) -> Answer<Option<Refund>> {
        let mut tx = self.db.read().await.map_err(unanswered)?;
        store::find_refund(&mut tx, id).await.map_err(unanswered)
    }

    async fn get_dispute(&self, id: &str) -> Answer<Option<Dispute>> {
        let mut tx = self.db.read().await.map_err(unanswered)?;
        disputes::find(&mut tx, id).await.map_err(unanswered)
    }

    async fn get_fraud_warning(&self, id: &str) -> Answer<Option<String>> {
        // The sandbox names the charge itself.
        Ok(Some(id.to_owned()))
    }

    async fn submit_evidence(&self, call: &Call) -> CallOutcome {
        outcome(disputes::answer(&self.db, call).await)
    }

    async fn accept_dispute(&self, call: &Call) -> CallOutcome {
        outcome(disputes::accept(&self.db, call).await)
    }

    async fn balance(&self) -> Answer<Balance> {
        let mut tx = self.db.read().await.map_err(unanswered)?;
        let pending_minor = store::pending(&mut tx).await.map_err(unanswered)?;
        let all = store::platform_balance(&mut tx).await.map_err(unanswered)?;
        Ok(Balance {
            pending_minor,
            available_minor: all - pending_minor,
        })
    }

    async fn transactions(&self, since_ms: i64) -> Answer<Vec<Transaction>> {
        let mut tx = self.db.read().await.map_err(unanswered)?;
        let rows = store::list_transactions(&mut tx, since_ms).await;
        let rows = rows.map_err(unanswered)?.into_iter();
        let transactions = rows.map(|(id, kind, net_minor, source, created_ms)| Transaction {
            id,
            kind,
            cause: Cause::Followed,
            net_minor,
            source,
            created_ms,
        });
        Ok(transactions.collect())
    }

    /// Events go into the inbox in the transaction of what they tell of, so none is ever missing there.
    async fn events(&self, _since_ms: i64) -> Answer<Vec<Event>> {
        Ok(Vec::new())
    }
}

impl Sandbox {
    async fn find_entry(&self, call: &Call, kind: &str) -> Answer<Option<String>> {
        let mut tx = self.db.read().await.map_err(unanswered)?;
        let found = store::find_entry_of(&mut tx, &call.operation, kind).await;
        found.map_err(unanswered)
    }
}

#[async_trait]
impl PayoutProvider for Sandbox {
    async fn open_account(&self, person: &str, _email: &str, country: &str) -> CallOutcome<String> {
        outcome(sellers::open_account(&self.db, person, country).await)
    }

    async fn onboarding_url(&self, _account: &str, _return_url: &str) -> Answer<String> {
        Ok("/sandbox/onboarding".into())
    }

    /// What the platform earns stays in the sandbox.
    async fn get_own_payout(&self, _id: &str) -> Answer<Option<PayoutState>> {
        Ok(None)
    }

    async fn get_account(&self, id: &str) -> Answer<Option<Account>> {
        let mut tx = self.db.read().await.map_err(unanswered)?;
        sellers::find(&mut tx, id).await.map_err(unanswered)
    }

    async fn transfer(&self, call: &Call) -> CallOutcome {
        outcome(sellers::transfer(&self.db, call).await)
    }

    async fn find_transfer(&self, call: &Call) -> Answer<Option<String>> {
        self.find_entry(call, "transfer").await
    }

    async fn reverse(&self, call: &Call) -> CallOutcome {
        outcome(sellers::reverse(&self.db, call).await)
    }

    async fn find_reversal(&self, call: &Call) -> Answer<Option<String>> {
        self.find_entry(call, "reversal").await
    }

    async fn get_payout(&self, _account: &str, id: &str) -> Answer<Option<Payout>> {
        let mut tx = self.db.read().await.map_err(unanswered)?;
        store::find_payout(&mut tx, id).await.map_err(unanswered)
    }

    async fn list_payouts(&self, account: &str) -> Answer<Vec<Payout>> {
        let mut tx = self.db.read().await.map_err(unanswered)?;
        let mut payouts = Vec::new();
        for id in store::list_payouts(&mut tx, account)
            .await
            .map_err(unanswered)?
        {
            payouts.extend(store::find_payout(&mut tx, &id).await.map_err(unanswered)?);
        }
        Ok(payouts)
    }
}
