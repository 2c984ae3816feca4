//! Calls that move money: planned with the entry that needs them, sent, then ok, rejected or unknown.
//!
//! The one rule: "sent" is committed before the call, so that a process that dies leaves a question and never a forgotten payment.
//! An unknown outcome is asked for with the same key, later looked up at the provider, and sent anew only when it is not there.

pub use super::operation::{Operation, OperationKind, Plan};
pub use super::state::OperationState;
use super::{Answer, CallOutcome, Parameters, Provider, store};
use base::clock::{DAY_MS, HOUR_MS, MINUTE_MS};
use base::db::{self, Db, Tx};
use base::{jobs, random};
use schema::id::LineId;

/// Sends one operation.
pub const SEND: &str = "checkout-operation";

/// Providers forget keys after a day: past this the same key might act anew.
const KEY_LIFE_MS: i64 = DAY_MS - 4 * HOUR_MS;
/// A list may not show an object at once: "not there" counts only so long after the last call.
const SETTLED_MS: i64 = 15 * MINUTE_MS;
/// A saved 500 answers the same for a day: after so many the provider's list is asked.
const SAME_KEY_TRIES: i64 = 3;

/// Writes an operation and the job that sends it into the caller's transaction; returns its id. The caller books it there, too.
///
/// # Errors
/// When the database fails.
pub async fn plan(tx: &mut Tx, plan: &Plan<'_>) -> db::Result<String> {
    let op = Operation {
        id: random::id(),
        kind: plan.kind.name().into(),
        order_line: plan.line.map(Into::into),
        payee: plan.payee.map(Into::into),
        amount: plan.amount_minor,
        // A struct of strings always serialises.
        parameters: serde_json::to_string(&plan.parameters).unwrap_or_default(),
        generation: 1,
        state: OperationState::Planned,
        provider_ref: None,
        error_code: None,
        last_error: None,
        attempts: 0,
        first_sent_ms: None,
        sent_ms: None,
        created_ms: plan.now_ms,
        decision_id: plan.decision.map(Into::into),
        provider: plan.provider.into(),
    };
    store::insert_op(tx, &op).await?;
    if plan.kind != OperationKind::Manual {
        jobs::enqueue(tx, SEND, &format!("op:{}", op.id), &op.id).await?;
    }
    Ok(op.id)
}

/// How an operation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Done; the provider's reference.
    Ok(String),
    /// Refused for good; the provider's code.
    Rejected(String),
}

/// What sending came to.
#[derive(Debug)]
pub enum Sent {
    /// It was over before.
    Over,
    /// It ended; the caller books that together with [`finish`].
    Ended(Box<Operation>, Ended),
    /// Not known yet: look again after so many milliseconds.
    Later(i64),
    /// The provider refuses our key: a person is needed.
    Denied(String),
}

/// Sends an operation, or finds out how an earlier call ended. No transaction may be open meanwhile. `now_ms` is real time: keys live
/// at the provider by its clock; `business_ms` is what the call itself is dated with.
///
/// # Errors
/// When the database fails.
pub async fn send(
    db: &Db,
    provider: &dyn Provider,
    id: &str,
    now_ms: i64,
    business_ms: i64,
) -> db::Result<Sent> {
    let mut tx = db.read().await?;
    let before = store::get_op(&mut tx, id).await?;
    drop(tx);
    if !before.is_open() {
        return Ok(Sent::Over);
    }
    if before.provider != provider.name() {
        return Ok(Sent::Denied(format!(
            "the operation belongs to {}, this server speaks to {}",
            before.provider,
            provider.name()
        )));
    }
    let mut op = before;
    let asked_before = op.state != OperationState::Planned && op.first_sent_ms.is_some();
    let key_is_old = op
        .first_sent_ms
        .is_some_and(|first| now_ms - first > KEY_LIFE_MS);
    if asked_before && (key_is_old || op.attempts >= SAME_KEY_TRIES) {
        match look_up(provider, &op, business_ms).await {
            Ok(Some(reference)) => return Ok(Sent::Ended(Box::new(op), Ended::Ok(reference))),
            Ok(None) if key_is_old => {
                let last = op.sent_ms.unwrap_or(now_ms);
                if now_ms - last < SETTLED_MS {
                    return Ok(Sent::Later(SETTLED_MS - (now_ms - last)));
                }
                let mut tx = db.write().await?;
                let moved = store::next_generation(&mut tx, &op).await?;
                tx.commit().await?;
                if !moved {
                    return Ok(Sent::Later(MINUTE_MS));
                }
            }
            // Not there, and the key still holds: the same key may be sent again without harm.
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(operation.id = %op.id, error = %error, "cannot look an operation up");
                return Ok(Sent::Later(MINUTE_MS));
            }
        }
    }
    let mut tx = db.write().await?;
    // Noted and committed before the call: a process that dies now leaves "sent".
    if !store::set_op_sent(&mut tx, id, now_ms).await? {
        return Ok(Sent::Over);
    }
    op = store::get_op(&mut tx, id).await?;
    tx.commit().await?;
    let outcome = call(provider, &op, business_ms).await;
    settle(db, provider, op, outcome, business_ms).await
}

async fn settle(
    db: &Db,
    provider: &dyn Provider,
    op: Operation,
    outcome: CallOutcome,
    business_ms: i64,
) -> db::Result<Sent> {
    let (state, error, sent) = match outcome {
        CallOutcome::Done(reference) => {
            return Ok(Sent::Ended(Box::new(op), Ended::Ok(reference)));
        }
        // Perhaps our own earlier call: only the provider's list tells.
        CallOutcome::Rejected(code) if code == "charge_already_refunded" => {
            match look_up(provider, &op, business_ms).await {
                Ok(Some(reference)) => return Ok(Sent::Ended(Box::new(op), Ended::Ok(reference))),
                Ok(None) => return Ok(Sent::Ended(Box::new(op), Ended::Rejected(code))),
                Err(error) => {
                    let later = Sent::Later(MINUTE_MS);
                    (OperationState::Unknown, error.to_string(), later)
                }
            }
        }
        CallOutcome::Rejected(code) => return Ok(Sent::Ended(Box::new(op), Ended::Rejected(code))),
        CallOutcome::Later(why) => {
            let later = Sent::Later(delay(op.attempts));
            (OperationState::Sent, why, later)
        }
        CallOutcome::Denied(why) => (OperationState::Planned, why.clone(), Sent::Denied(why)),
        CallOutcome::Unknown(why) => {
            let later = Sent::Later(delay(op.attempts));
            (OperationState::Unknown, why, later)
        }
    };
    let mut tx = db.write().await?;
    store::set_op_state(&mut tx, &op, state, Some(&error)).await?;
    tx.commit().await?;
    Ok(sent)
}

/// 5 s, 30 s, 2 min, 10 min, then hourly.
fn delay(attempts: i64) -> i64 {
    match attempts {
        ..=1 => 5_000,
        2 => 30_000,
        3 => 2 * MINUTE_MS,
        4 => 10 * MINUTE_MS,
        _ => HOUR_MS,
    }
}

async fn call(provider: &dyn Provider, op: &Operation, business_ms: i64) -> CallOutcome {
    let call = op.call(business_ms);
    match op.parsed_kind() {
        Some(OperationKind::Refund) => provider.refund(&call).await,
        Some(OperationKind::Transfer) => provider.transfer(&call).await,
        Some(OperationKind::Reversal) => provider.reverse(&call).await,
        Some(OperationKind::Evidence) => provider.submit_evidence(&call).await,
        Some(OperationKind::Acceptance) => provider.accept_dispute(&call).await,
        Some(OperationKind::Manual) | None => {
            CallOutcome::Denied(format!("nobody sends a {}", op.kind))
        }
    }
}

async fn look_up(
    provider: &dyn Provider,
    op: &Operation,
    business_ms: i64,
) -> Answer<Option<String>> {
    let call = op.call(business_ms);
    match op.parsed_kind() {
        Some(OperationKind::Refund) => provider.find_refund(&call).await,
        Some(OperationKind::Transfer) => provider.find_transfer(&call).await,
        Some(OperationKind::Reversal) => provider.find_reversal(&call).await,
        // Sent twice these change nothing.
        _ => Ok(None),
    }
}

/// Notes an end in the transaction that books it. `false` when it was noted before: book nothing then.
///
/// # Errors
/// When the database fails.
pub async fn finish(tx: &mut Tx, op: &Operation, ended: &Ended, now_ms: i64) -> db::Result<bool> {
    match ended {
        Ended::Ok(reference) => {
            store::finish_op(
                tx,
                &op.id,
                OperationState::Ok,
                Some(reference),
                None,
                now_ms,
            )
            .await
        }
        Ended::Rejected(code) => {
            store::finish_op(
                tx,
                &op.id,
                OperationState::Rejected,
                None,
                Some(code),
                now_ms,
            )
            .await
        }
    }
}

/// Notes what a person did by hand: an operation that stood at `from` is now `state`.
///
/// # Errors
/// When the database fails.
pub async fn finish_by_hand(
    tx: &mut Tx,
    op: &Operation,
    from: OperationState,
    state: OperationState,
    reference: &str,
    now_ms: i64,
) -> db::Result<bool> {
    store::finish_by_hand(tx, &op.id, from, state, reference, now_ms).await
}

/// An operation.
///
/// # Errors
/// When there is none or the database fails.
pub async fn get(tx: &mut Tx, id: &str) -> db::Result<Operation> {
    store::get_op(tx, id).await
}

/// The newest operations, all or of one state.
///
/// # Errors
/// When the database fails.
pub async fn list(tx: &mut Tx, state: &str, limit: i64) -> db::Result<Vec<Operation>> {
    store::list_ops(tx, state, limit).await
}

/// The operations that carry out a decision.
///
/// # Errors
/// When the database fails.
pub async fn list_of_decision(tx: &mut Tx, decision: &str) -> db::Result<Vec<Operation>> {
    store::list_of_decision(tx, decision).await
}

/// The transfer that took a line's money to its seller.
///
/// # Errors
/// When the database fails.
pub async fn find_transfer(tx: &mut Tx, line: &str) -> db::Result<Option<Operation>> {
    store::find_transfer(tx, line).await
}

/// The operation that a provider's object is of.
///
/// # Errors
/// When the database fails.
pub async fn find_of_ref(
    tx: &mut Tx,
    kind: OperationKind,
    reference: &str,
) -> db::Result<Option<Operation>> {
    store::find_op_of_ref(tx, kind.name(), reference).await
}

/// What is on its way for a payee, in one kind of call.
///
/// # Errors
/// When the database fails.
pub async fn open_minor(tx: &mut Tx, payee: &str, kind: OperationKind) -> db::Result<i64> {
    store::open_sum(tx, payee, kind.name()).await
}

/// What was, or is being, taken back of a line's transfer.
///
/// # Errors
/// When the database fails.
pub async fn reversed_minor(tx: &mut Tx, line: &str) -> db::Result<i64> {
    store::reversed_sum(tx, line).await
}

/// Whether the outcome of a call that was sent is not known yet.
///
/// # Errors
/// When the database fails.
pub async fn has_sent(tx: &mut Tx) -> db::Result<bool> {
    store::has_sent(tx).await
}

/// Asks a transfer's money back, at most what it brought. Posts nothing: where the provider refuses, what is owed stays owed.
///
/// # Errors
/// When the database fails.
pub async fn plan_reversal(
    tx: &mut Tx,
    line: &LineId,
    payee: &str,
    amount_minor: i64,
    now_ms: i64,
) -> db::Result<()> {
    let line = line.as_str();
    let Some(transfer) = find_transfer(tx, line).await? else {
        return Ok(());
    };
    let left = transfer.amount - reversed_minor(tx, line).await?;
    let amount_minor = amount_minor.min(left);
    let (Some(reference), true) = (transfer.provider_ref, amount_minor > 0) else {
        return Ok(());
    };
    let plan = Plan {
        kind: OperationKind::Reversal,
        line: Some(line),
        payee: Some(payee),
        amount_minor,
        parameters: Parameters {
            target: reference,
            ..Parameters::default()
        },
        decision: None,
        provider: &transfer.provider,
        now_ms,
    };
    self::plan(tx, &plan).await.map(|_| ())
}
