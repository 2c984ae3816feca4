//! The till's work: reading events of the inbox, and sending operations and booking how they ended.
//!
//! The one rule: the provider is asked with no transaction open, and what it says is booked in one.

use crate::orders::{self, OrderState};
use crate::payouts::service as payouts;
use crate::sales::{DisputeState, dispute, refund, sale};
use crate::till::Till;
use base::clock::HOUR_MS;
use base::db::Tx;
use base::jobs::Outcome as JobOutcome;
use base::random;
use money::Error;
use money::books::Booking;
use money::books::service::{self as books, AccountKind, Entry, posting};
use money::provider::inbox::{self, EventRow, EventState, Topic, topic};
use money::provider::outbound::{self, Ended, Operation, OperationKind, Sent};
use money::provider::{Account, Dispute, Payment, Payout, Refund};

/// What the provider says about an event's object now.
enum Fact {
    Payment(Payment),
    Refund(Refund),
    Dispute(Dispute),
    Fraud(String),
    Account(Account),
    Payout(Payout),
    Nothing,
}

fn gone(event: &EventRow) -> Error {
    Error::Internal(format!(
        "{} names {}, which the provider does not know",
        event.kind, event.object_id
    ))
}

async fn fetch(till: &Till, event: &EventRow) -> Result<Fact, Error> {
    let provider = &till.provider;
    let object = event.object_id.as_str();
    let fact = match topic(&event.kind) {
        Topic::Payment => provider.find_payment(object).await?.map(Fact::Payment),
        Topic::Charge | Topic::Funds => {
            let mut tx = till.db.read().await?;
            let payment = orders::find_payment_of_charge(&mut tx, object).await?;
            drop(tx);
            match payment {
                Some(payment) => provider.find_payment(&payment).await?.map(Fact::Payment),
                // Its checkout's own event fetches everything that is known by then.
                None => Some(Fact::Nothing),
            }
        }
        Topic::Refund => provider.get_refund(object).await?.map(Fact::Refund),
        Topic::Dispute => provider.get_dispute(object).await?.map(Fact::Dispute),
        Topic::FraudWarning => provider.get_fraud_warning(object).await?.map(Fact::Fraud),
        Topic::Account => {
            let account = event.account.as_deref().unwrap_or(object);
            provider.get_account(account).await?.map(Fact::Account)
        }
        Topic::Payout => match &event.account {
            Some(account) => provider
                .get_payout(account, object)
                .await?
                .map(Fact::Payout),
            // The platform's own payouts go to the operator's bank; the books see them in the balance.
            None => Some(Fact::Nothing),
        },
        Topic::Other => Some(Fact::Nothing),
    };
    fact.ok_or_else(|| gone(event))
}

/// Acts on one stored event: fetches the object as it is now, and books by fact. Twice does nothing more.
///
/// # Errors
/// When something is not as it should be; the event stays in the inbox and is tried again.
pub async fn event(till: &Till, id: &str, now_ms: i64) -> Result<(), Error> {
    let mut tx = till.db.read().await?;
    let event = inbox::get(&mut tx, id).await?;
    drop(tx);
    if event.state != EventState::Received {
        return Ok(());
    }
    let read = read(till, &event, now_ms).await;
    if let Err(error) = &read {
        inbox::failed(&till.db, id, &error.to_string(), random::real_now_ms()).await?;
    }
    read
}

async fn read(till: &Till, event: &EventRow, now_ms: i64) -> Result<(), Error> {
    let fact = fetch(till, event).await?;
    let mut tx = money::books::begin(&till.db).await?;
    let known = !matches!(fact, Fact::Nothing);
    book(till, &mut tx, event, fact, now_ms).await?;
    if inbox::done(&mut tx, &event.id, known).await? {
        tx.commit().await?;
    }
    Ok(())
}

async fn book(
    till: &Till,
    tx: &mut Booking,
    event: &EventRow,
    fact: Fact,
    now_ms: i64,
) -> Result<(), Error> {
    match fact {
        Fact::Payment(payment) => sale::note(till, tx, &payment, now_ms).await,
        Fact::Refund(refund) => refund::note_fact(tx, &refund, now_ms).await,
        Fact::Dispute(dispute) => dispute::note(tx, &dispute, till.provider.name(), now_ms).await,
        Fact::Fraud(charge) => refund_fraud(tx, &charge, now_ms).await,
        Fact::Account(account) => {
            let bank_changed = event.kind == "account.external_account.updated";
            payouts::note_account(tx, &account, bank_changed).await
        }
        Fact::Payout(payout) => {
            payouts::note_payout(tx, &payout, till.provider.name(), now_ms).await
        }
        Fact::Nothing => Ok(()),
    }
}

/// An early warning of fraud: giving the money back now, at our cost, is cheaper than the dispute that follows.
async fn refund_fraud(tx: &mut Booking, charge: &str, now_ms: i64) -> Result<(), Error> {
    let order = orders::find_order_of_charge(tx, charge)
        .await?
        .filter(|order| order.state == OrderState::Paid)
        .ok_or_else(|| Error::Internal(format!("no paid order has the charge {charge}")))?;
    for line in orders::list_lines(tx, &order.id).await? {
        refund::plan_refund(tx, &line, refund::Bearer::Platform, "fraud-warning", now_ms).await?;
    }
    Ok(())
}

/// Sends an operation, and books how it ended.
///
/// # Errors
/// When the database or the books fail; the job tries again.
pub async fn operation(till: &Till, id: &str, now_ms: i64) -> Result<JobOutcome, Error> {
    let real = random::real_now_ms();
    let sent = outbound::send(&till.db, till.provider.as_ref(), id, real, now_ms).await?;
    let (op, ended) = match sent {
        Sent::Over => return Ok(JobOutcome::Done),
        Sent::Later(delay_ms) => return Ok(JobOutcome::Later(delay_ms)),
        Sent::Denied(why) => {
            tracing::error!(operation.id = %id, why, "the payment provider refuses our key: nothing is sent before somebody looked");
            return Ok(JobOutcome::Later(HOUR_MS));
        }
        Sent::Ended(op, ended) => (op, ended),
    };
    let mut tx = money::books::begin(&till.db).await?;
    if outbound::finish(&mut tx, &op, &ended, now_ms).await? {
        book_end(&mut tx, &op, &ended, now_ms).await?;
    }
    tx.commit().await?;
    Ok(JobOutcome::Done)
}

async fn book_end(
    tx: &mut Booking,
    op: &Operation,
    ended: &Ended,
    now_ms: i64,
) -> Result<(), Error> {
    match op.parsed_kind() {
        Some(OperationKind::Refund) => refund::note(tx, op, ended, now_ms).await,
        Some(OperationKind::Transfer) => {
            payouts::note_transfer(tx, op, ended, now_ms).await?;
            ask_back(tx, op, ended, now_ms).await
        }
        Some(OperationKind::Reversal) => note_reversal(tx, op, ended, now_ms).await,
        // The dispute's own events say what came of them.
        Some(OperationKind::Evidence | OperationKind::Acceptance) => Ok(()),
        Some(OperationKind::Manual) | None => Err(Error::Internal(format!(
            "nobody books the end of a {}",
            op.kind
        ))),
    }
}

/// A transfer that arrived while a bank holds the buyer's money is asked back at once.
async fn ask_back(tx: &mut Tx, op: &Operation, ended: &Ended, now_ms: i64) -> Result<(), Error> {
    let (Ended::Ok(_), Some(line)) = (ended, op.line()) else {
        return Ok(());
    };
    let line = orders::get_line(tx, &line).await?;
    let Some(open) = dispute::place_of_reversal(tx, &line).await? else {
        return Ok(());
    };
    if open.state == DisputeState::Withdrawn {
        outbound::plan_reversal(tx, &line.id, &line.payee_id, line.payee_rest(), now_ms).await?;
    }
    Ok(())
}

/// Money that a seller gave back: frozen while its dispute is open, else against what they owe; what they do not owe any more is
/// theirs again. A reversal that the provider refuses posts nothing.
async fn note_reversal(
    tx: &mut Booking,
    op: &Operation,
    ended: &Ended,
    now_ms: i64,
) -> Result<(), Error> {
    let (Ended::Ok(_), Some(line), Some(payee)) = (ended, op.line(), &op.payee) else {
        return Ok(());
    };
    let line = orders::get_line(tx, &line).await?;
    let open = dispute::place_of_reversal(tx, &line).await?;
    let mut postings = vec![
        posting(
            AccountKind::ProcessorAvailable,
            &op.provider,
            op.amount,
            Some(line.id.as_str()),
        ),
        posting(
            AccountKind::ConnectedFunded,
            payee,
            op.amount,
            Some(line.id.as_str()),
        ),
        posting(
            AccountKind::ConnectedBalance,
            payee,
            -op.amount,
            Some(line.id.as_str()),
        ),
    ];
    if open.is_some() {
        let frozen = line.frozen_minor + op.amount;
        dispute::set_frozen(tx, &line, frozen).await?;
        postings.push(posting(
            AccountKind::SellerFrozen,
            payee,
            -op.amount,
            Some(line.id.as_str()),
        ));
    } else {
        let owed = books::balance(tx, AccountKind::SellerReceivable, payee).await?;
        let covered = owed.min(op.amount);
        postings.push(posting(
            AccountKind::SellerReceivable,
            payee,
            -covered,
            Some(line.id.as_str()),
        ));
        postings.push(posting(
            AccountKind::SellerAvailable,
            payee,
            covered - op.amount,
            None,
        ));
    }
    let entry = Entry {
        key: format!("op:{}:ok", op.id),
        kind: "reversal ok",
        source: op.id.clone(),
        occurred_ms: now_ms,
        postings,
    };
    books::post(tx, &entry).await?;
    Ok(())
}
