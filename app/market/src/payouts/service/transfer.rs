//! Transfers of released money, and taking them back.

use super::Payee;
use crate::orders::{self, Earning, EarningLine};
use money::Error;
use money::books::Booking;
use money::books::service::{self as books, AccountKind, Entry, posting};
use money::provider::Parameters;
use money::provider::outbound::{self, Ended, Operation, OperationKind, Plan};

/// Plans one transfer, of a line or of a balance that belongs to none.
///
/// # Errors
/// When the books refuse.
pub(super) async fn plan(
    tx: &mut Booking,
    line: Option<&EarningLine>,
    payee: &Payee,
    amount: i64,
    decision: &str,
    provider: &str,
    now_ms: i64,
) -> Result<(), Error> {
    let (kind, transit, entry_kind) = match payee.is_manual() {
        true => (
            OperationKind::Manual,
            AccountKind::TransitManual,
            "manual planned",
        ),
        false => (
            OperationKind::Transfer,
            AccountKind::TransitTransfer,
            "transfer planned",
        ),
    };
    let person = payee.person_id.as_str();
    let line_id = line.map(|line| line.id.as_str());
    let plan = Plan {
        kind,
        line: line_id,
        payee: Some(person),
        amount_minor: amount,
        parameters: Parameters {
            target: payee.provider_account.clone(),
            order: line.map(|line| line.order_id.to_string()),
            charge: line.and_then(|line| line.charge_id.clone()),
            ..Parameters::default()
        },
        decision: Some(decision),
        provider: if payee.is_manual() {
            super::manual::NAME
        } else {
            provider
        },
        now_ms,
    };
    let op = outbound::plan(tx, &plan).await?;
    let entry = Entry {
        key: format!("op:{op}:planned"),
        kind: entry_kind,
        source: op,
        occurred_ms: now_ms,
        postings: vec![
            posting(AccountKind::SellerAvailable, person, amount, line_id),
            posting(transit, person, -amount, line_id),
        ],
    };
    books::post(tx, &entry).await?;
    Ok(())
}

/// Books how a transfer's call ended, in the transaction that notes it.
///
/// # Errors
/// When the books refuse.
pub async fn note_transfer(
    tx: &mut Booking,
    op: &Operation,
    ended: &Ended,
    now_ms: i64,
) -> Result<(), Error> {
    let payee = op.payee.as_deref().unwrap_or_default();
    let line = op.order_line.as_deref();
    let on = |kind, owner: &str, amount| posting(kind, owner, amount, line);
    let (fact, kind, to, postings) = match ended {
        Ended::Ok(_) => (
            "ok",
            "transfer ok",
            Earning::Transferred,
            vec![
                on(AccountKind::TransitTransfer, payee, op.amount),
                on(AccountKind::ProcessorAvailable, &op.provider, -op.amount),
                on(AccountKind::ConnectedBalance, payee, op.amount),
                on(AccountKind::ConnectedFunded, payee, -op.amount),
            ],
        ),
        Ended::Rejected(_) => (
            "rejected",
            "transfer rejected",
            Earning::Available,
            vec![
                on(AccountKind::TransitTransfer, payee, op.amount),
                on(AccountKind::SellerAvailable, payee, -op.amount),
            ],
        ),
    };
    let entry = Entry {
        key: format!("op:{}:{fact}", op.id),
        kind,
        source: op.id.clone(),
        occurred_ms: now_ms,
        postings,
    };
    books::post(tx, &entry).await?;
    if let Some(line) = op.line() {
        // A line that was refunded meanwhile stays reversed.
        orders::move_earning(tx, &line, Earning::Transit, to).await?;
    }
    Ok(())
}
