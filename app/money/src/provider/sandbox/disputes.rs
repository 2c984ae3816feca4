//! Disputes at the sandbox: opened by the card, answered by words, decided by the clock.
//!
//! The one rule: `winning_evidence`, `losing_evidence` and `escalate_inquiry_evidence` inside the answer decide, as at Stripe's own
//! sandbox; an answer with none of them loses, and a question of the bank is then dropped.

use super::super::{Call, CallOutcome, Dispute, DisputeStatus};
use super::{Movement, Record, event, store};
use base::clock::DAY_MS;
use base::db::{self, Db, Tx};
use base::random;

/// What a dispute costs, whoever wins.
const FEE_MINOR: i64 = 1500;
/// Time to answer.
const ANSWER_MS: i64 = 9 * DAY_MS;

pub(super) async fn open(
    tx: &mut Tx,
    payment: &Record,
    reason: &str,
    inquiry: bool,
    now_ms: i64,
) -> db::Result<()> {
    let id = format!("dp-{}", random::id());
    let amount = payment.amount_minor + payment.tax_minor;
    let state = if inquiry {
        DisputeStatus::Inquiry
    } else {
        DisputeStatus::NeedsResponse
    };
    store::insert_dispute(
        tx,
        &id,
        &payment.id,
        amount,
        reason,
        state,
        now_ms + ANSWER_MS,
    )
    .await?;
    event(tx, "charge.dispute.created", &id, None, now_ms).await?;
    if inquiry {
        return Ok(());
    }
    withdraw(tx, &id, amount, now_ms).await
}

async fn withdraw(tx: &mut Tx, id: &str, amount: i64, now_ms: i64) -> db::Result<()> {
    store::set_dispute_fee(tx, id, FEE_MINOR).await?;
    for (kind, amount_minor) in [("dispute", -amount), ("dispute_fee", -FEE_MINOR)] {
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
    event(tx, "charge.dispute.funds_withdrawn", id, None, now_ms).await
}

pub(super) async fn answer(db: &Db, call: &Call) -> db::Result<CallOutcome> {
    let mut tx = db.write().await?;
    let text = call.parameters.text.as_deref().unwrap_or_default();
    let id = &call.parameters.target;
    let taken = store::set_dispute_evidence(&mut tx, id, text).await?;
    if taken {
        event(&mut tx, "charge.dispute.updated", id, None, call.now_ms).await?;
    }
    let known = store::find_dispute(&mut tx, id).await?;
    tx.commit().await?;
    // The same answer twice, also after the bank decided on it, is one answer.
    Ok(match known {
        Some(row) if taken || row.evidence.as_deref() == Some(text) => {
            CallOutcome::Done(id.clone())
        }
        Some(_) => CallOutcome::Rejected("dispute_closed".into()),
        None => CallOutcome::Rejected("no_such_dispute".into()),
    })
}

pub(super) async fn accept(db: &Db, call: &Call) -> db::Result<CallOutcome> {
    let mut tx = db.write().await?;
    let id = &call.parameters.target;
    let Some(row) = store::find_dispute(&mut tx, id).await? else {
        return Ok(CallOutcome::Rejected("no_such_dispute".into()));
    };
    match row.state {
        DisputeStatus::NeedsResponse | DisputeStatus::UnderReview => {
            store::set_dispute(&mut tx, id, DisputeStatus::Lost).await?;
            event(&mut tx, "charge.dispute.closed", id, None, call.now_ms).await?;
        }
        DisputeStatus::Lost => {}
        DisputeStatus::Inquiry | DisputeStatus::Closed | DisputeStatus::Won => {
            return Ok(CallOutcome::Rejected("dispute_not_open".into()));
        }
    }
    tx.commit().await?;
    Ok(CallOutcome::Done(id.clone()))
}

pub(super) async fn tick(tx: &mut Tx, now_ms: i64) -> db::Result<()> {
    for row in store::list_open_disputes(tx).await? {
        let evidence = row.evidence.as_deref();
        let says = |word: &str| evidence.is_some_and(|text| text.contains(word));
        let due = row.due_ms <= now_ms;
        match row.state {
            DisputeStatus::Inquiry if says("escalate_inquiry_evidence") => {
                store::escalate_dispute(tx, &row.id, now_ms + ANSWER_MS).await?;
                withdraw(tx, &row.id, row.amount_minor, now_ms).await?;
            }
            DisputeStatus::Inquiry if evidence.is_some() || due => {
                end(tx, &row.id, DisputeStatus::Closed, now_ms).await?;
            }
            DisputeStatus::UnderReview if says("winning_evidence") => {
                let movement = Movement {
                    key: &format!("reinstated:{}", row.id),
                    account: "platform",
                    kind: "dispute_reversal",
                    amount_minor: row.amount_minor,
                    reference: &row.id,
                    operation: None,
                    now_ms,
                };
                store::insert_entry(tx, &movement).await?;
                event(tx, "charge.dispute.funds_reinstated", &row.id, None, now_ms).await?;
                end(tx, &row.id, DisputeStatus::Won, now_ms).await?;
            }
            DisputeStatus::UnderReview => {
                end(tx, &row.id, DisputeStatus::Lost, now_ms).await?;
            }
            DisputeStatus::NeedsResponse if due => {
                end(tx, &row.id, DisputeStatus::Lost, now_ms).await?;
            }
            _ => {}
        }
    }
    Ok(())
}

async fn end(tx: &mut Tx, id: &str, state: DisputeStatus, now_ms: i64) -> db::Result<()> {
    store::set_dispute(tx, id, state).await?;
    event(tx, "charge.dispute.closed", id, None, now_ms).await
}

pub(super) async fn find(tx: &mut Tx, id: &str) -> db::Result<Option<Dispute>> {
    let Some(row) = store::find_dispute(tx, id).await? else {
        return Ok(None);
    };
    let (withdrawn_minor, reinstated_minor) = store::dispute_sums(tx, id).await?;
    Ok(Some(Dispute {
        status: row.state,
        id: row.id,
        charge: row.payment_id,
        amount_minor: row.amount_minor,
        reason: row.reason,
        withdrawn_minor,
        fee_minor: if withdrawn_minor > 0 {
            row.fee_minor
        } else {
            0
        },
        reinstated_minor,
        fee_back_minor: 0,
        due_ms: Some(row.due_ms),
    }))
}
