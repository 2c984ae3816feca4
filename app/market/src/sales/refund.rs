//! Refunds: whole or in part, on request, for cause, by the creator's choice; and what happens when the provider refuses one.
//!
//! The one rule: refund or dispute, never both. While a bank holds the money, an upheld claim gives the dispute up instead: that
//! pays the buyer.

use super::{dispute, store};
use crate::facts::{self, Fact};
use crate::orders::{self, Earning, Line, LineChange, LineState, Order, OrderState, RETURN_MS};
use base::db::Tx;
use money::Error;
use money::books::Booking;
use money::books::service::{self as books, AccountKind, Entry, posting};
use money::provider::outbound::{self, Ended, Operation, OperationState, Plan};
use money::provider::{Parameters, Refund};
use schema::id::{LineId, ListingId};
use schema::money::Parts;
use serde::{Deserialize, Serialize};

/// Who bears a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearer {
    /// The buyer returned it unopened, or the creator chose to: the creator's part goes back.
    Creator,
    /// It did not reproduce on our own re-run: the promise costs us, the creator keeps the share.
    Platform,
}

/// Where the payee's part of a refund was taken from, and what the line was before: enough to put it back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Taken {
    tax: i64,
    payee: i64,
    share: i64,
    promotion: i64,
    frozen: i64,
    held: i64,
    available: i64,
    receivable: i64,
    /// By the platform in the payee's stead.
    expense: i64,
    state: Option<LineState>,
    earning: Option<Earning>,
}

/// Plans the refund of everything that is left of a line, and ends the ownership. `false` when the line is not owned any more, or
/// its order is not paid.
///
/// # Errors
/// [`Error::Refused`] while a bank holds the money and the creator would bear it; otherwise when the books refuse.
pub async fn plan_refund(
    tx: &mut Booking,
    line: &Line,
    bearer: Bearer,
    reason: &str,
    now_ms: i64,
) -> Result<bool, Error> {
    plan(tx, line, None, bearer, reason, now_ms).await
}

/// Plans the refund of a part; the buyer keeps what they bought. An amount that leaves nothing is a whole refund.
///
/// # Errors
/// [`Error::Refused`] for an amount that is not there, and as [`plan_refund`].
pub async fn plan_part(
    tx: &mut Booking,
    line: &Line,
    cash_minor: i64,
    bearer: Bearer,
    reason: &str,
    now_ms: i64,
) -> Result<bool, Error> {
    let rest = line.parts().cash() - line.refunded_cash();
    if cash_minor <= 0 || cash_minor > rest {
        return Err(Error::Refused("refund-amount"));
    }
    let part = (cash_minor < rest).then_some(cash_minor);
    plan(tx, line, part, bearer, reason, now_ms).await
}

async fn plan(
    tx: &mut Booking,
    line: &Line,
    part: Option<i64>,
    bearer: Bearer,
    reason: &str,
    now_ms: i64,
) -> Result<bool, Error> {
    // Before the payment is booked there is nothing to give back: a refund then would leave the sale's earnings with nobody.
    let order = orders::get_order(tx, &line.purchase_id).await?;
    let over = matches!(line.state, LineState::Refunded | LineState::Cancelled);
    if order.state != OrderState::Paid || over || (part.is_some() && line.state != LineState::Owned)
    {
        return Ok(false);
    }
    if let Some(open) = dispute::find_withdrawn(tx, &order.id).await? {
        if bearer == Bearer::Creator {
            return Err(Error::Refused("refund-disputed"));
        }
        dispute::accept(tx, &open, now_ms).await?;
        return Ok(true);
    }
    let whole = line.parts();
    let after = match part {
        Some(cash) => whole.refunded(line.refunded_cash() + cash),
        None => whole,
    };
    let delta = after.less(line.refunded_parts());
    let available = books::balance(tx, AccountKind::SellerAvailable, &line.payee_id).await?;
    let taken = take(line, bearer, delta, available);
    let borne = line.payee_borne_minor + taken.payee - taken.expense;
    let gone = borne == line.payee_minor && line.earning != Earning::None;
    let change = LineChange {
        state: if part.is_none() {
            LineState::Refunded
        } else {
            line.state
        },
        earning: if gone {
            Earning::Reversed
        } else {
            line.earning
        },
        refunded: after,
        payee_borne_minor: borne,
        frozen_minor: line.frozen_minor - taken.frozen,
        reason: Some(reason),
        now_ms,
    };
    if !orders::change_line(tx, line, &change).await? {
        return Ok(false);
    }
    if part.is_none() {
        let refunded = Fact::Refunded {
            listing: line.listing_id.clone(),
            line: line.id.clone(),
        };
        facts::tell(tx, &refunded).await?;
    }
    if whole == Parts::default() {
        return Ok(true);
    }
    book(tx, line, &order, &taken, delta, now_ms).await?;
    // What lies with the seller already is asked back; where that is refused, later earnings cover it.
    if taken.receivable > 0 && line.earning == Earning::Transferred {
        outbound::plan_reversal(tx, &line.id, &line.payee_id, taken.receivable, now_ms).await?;
    }
    Ok(true)
}

/// The payee's part is taken from where it lies; when it left already, they owe it.
fn take(line: &Line, bearer: Bearer, delta: Parts, available_minor: i64) -> Taken {
    let mut taken = Taken {
        tax: delta.tax,
        payee: delta.payee,
        share: delta.share,
        promotion: delta.promotion,
        state: Some(line.state),
        earning: Some(line.earning),
        ..Taken::default()
    };
    if bearer == Bearer::Platform {
        taken.expense = delta.payee;
        return taken;
    }
    taken.frozen = line.frozen_minor.min(delta.payee);
    let rest = delta.payee - taken.frozen;
    match line.earning {
        Earning::Held => taken.held = rest,
        // Some of what was released may have covered what they owed.
        Earning::Available => {
            taken.available = rest.min(available_minor);
            taken.receivable = rest - taken.available;
        }
        _ => taken.receivable = rest,
    }
    taken
}

async fn book(
    tx: &mut Booking,
    line: &Line,
    order: &Order,
    taken: &Taken,
    delta: Parts,
    now_ms: i64,
) -> Result<(), Error> {
    let payee = line.payee_id.as_str();
    let on = |kind, owner: &str, amount| posting(kind, owner, amount, Some(line.id.as_str()));
    let mut postings = vec![
        on(AccountKind::SellerFrozen, payee, taken.frozen),
        on(AccountKind::SellerHeld, payee, taken.held),
        on(AccountKind::SellerAvailable, payee, taken.available),
        on(AccountKind::SellerReceivable, payee, taken.receivable),
        on(AccountKind::ExpenseRefunds, "platform", taken.expense),
        on(AccountKind::RevenueShare, "platform", delta.share),
        on(AccountKind::TaxPayable, "platform", delta.tax),
        on(AccountKind::ExpensePromotion, "platform", -delta.promotion),
    ];
    let cash = delta.cash();
    if cash == 0 {
        let entry = Entry {
            key: format!("undo:{}", line.id),
            kind: "refund free",
            source: line.id.to_string(),
            occurred_ms: now_ms,
            postings,
        };
        books::post(tx, &entry).await?;
        return Ok(());
    }
    let charge = order.charge().ok_or_else(|| {
        Error::Internal(format!("the order {} was paid without a payment", order.id))
    })?;
    let parameters = Parameters {
        target: charge.into(),
        order: Some(order.id.to_string()),
        undo: Some(serde_json::to_string(taken).unwrap_or_default()),
        ..Parameters::default()
    };
    let plan = Plan {
        kind: outbound::OperationKind::Refund,
        line: Some(line.id.as_str()),
        payee: Some(payee),
        amount_minor: cash,
        parameters,
        decision: None,
        provider: &order.provider,
        now_ms,
    };
    let op = outbound::plan(tx, &plan).await?;
    postings.push(on(AccountKind::TransitRefund, &order.provider, -cash));
    let entry = Entry {
        key: format!("op:{op}:planned"),
        kind: "refund planned",
        source: op,
        occurred_ms: now_ms,
        postings,
    };
    books::post(tx, &entry).await?;
    Ok(())
}

/// Books how a refund's call ended, in the transaction that notes it.
///
/// # Errors
/// When the books refuse.
pub async fn note(
    tx: &mut Booking,
    op: &Operation,
    ended: &Ended,
    now_ms: i64,
) -> Result<(), Error> {
    let line = op.order_line.as_deref();
    let (fact, kind, postings) = match ended {
        Ended::Ok(_) => (
            "ok",
            "refund ok",
            vec![
                posting(AccountKind::TransitRefund, &op.provider, op.amount, line),
                posting(
                    AccountKind::ProcessorAvailable,
                    &op.provider,
                    -op.amount,
                    line,
                ),
            ],
        ),
        Ended::Rejected(_) => ("rejected", "refund rejected", undo(tx, op, now_ms).await?),
    };
    let entry = Entry {
        key: format!("op:{}:{fact}", op.id),
        kind,
        source: op.id.clone(),
        occurred_ms: now_ms,
        postings,
    };
    books::post(tx, &entry).await?;
    Ok(())
}

/// Puts back what a refused refund took: the buyer owns it again, and the seller's part is held again. What a seller owed for it is
/// owed no more; when it was covered meanwhile, they get it back.
async fn undo(tx: &mut Tx, op: &Operation, now_ms: i64) -> Result<Vec<books::Posting>, Error> {
    let parameters = op.parsed();
    let taken: Option<Taken> = parameters
        .undo
        .as_deref()
        .and_then(|text| serde_json::from_str(text).ok());
    let (Some(taken), Some(line)) = (taken, op.line()) else {
        return Err(Error::Internal(format!(
            "the refund {} does not say what it took",
            op.id
        )));
    };
    let line = orders::get_line(tx, &line).await?;
    let owed = books::balance(tx, AccountKind::SellerReceivable, &line.payee_id).await?;
    let forgiven = taken.receivable.min(owed);
    let back = taken.held + taken.available + taken.frozen;
    // Held again where the whole part was held; what was sent on or released meanwhile is not of this line any more.
    let earning = match (line.earning, taken.earning) {
        (Earning::Reversed, Some(Earning::Transit)) => Earning::Transferred,
        (Earning::Reversed, Some(before)) => before,
        (now, _) => now,
    };
    let held = if earning == Earning::Held { back } else { 0 };
    let borne = taken.payee - taken.expense;
    let refunded = Parts {
        tax: line.refunded_tax_minor - taken.tax,
        payee: line.refunded_minor - taken.payee - taken.share,
        share: 0,
        promotion: line.refunded_promotion_minor - taken.promotion,
    };
    let owned_again = orders::count_owned(tx, &line.buyer_id, &line.listing_id).await? == 0;
    let change = LineChange {
        // Who bought it anew meanwhile owns that one.
        state: match (line.state, taken.state) {
            (LineState::Refunded, Some(LineState::Owned)) if owned_again => LineState::Owned,
            (now, _) => now,
        },
        earning,
        refunded,
        payee_borne_minor: line.payee_borne_minor - borne,
        frozen_minor: line.frozen_minor,
        reason: None,
        now_ms,
    };
    if !orders::change_line(tx, &line, &change).await? {
        return Err(Error::Internal(format!(
            "the line {} changed while its refund was undone",
            line.id
        )));
    }
    if change.state != line.state {
        let restored = Fact::Restored {
            listing: line.listing_id.clone(),
            line: line.id.clone(),
        };
        facts::tell(tx, &restored).await?;
    }
    let payee = line.payee_id.as_str();
    let on = |kind, owner: &str, amount| posting(kind, owner, amount, Some(line.id.as_str()));
    Ok(vec![
        on(AccountKind::TransitRefund, &op.provider, op.amount),
        on(AccountKind::SellerHeld, payee, -held),
        on(AccountKind::SellerReceivable, payee, -forgiven),
        posting(
            AccountKind::SellerAvailable,
            payee,
            forgiven - taken.receivable - (back - held),
            None,
        ),
        on(AccountKind::ExpenseRefunds, "platform", -taken.expense),
        on(AccountKind::RevenueShare, "platform", -taken.share),
        on(AccountKind::TaxPayable, "platform", -taken.tax),
        on(AccountKind::ExpensePromotion, "platform", taken.promotion),
    ])
}

/// Acts on a refund as the provider knows it: one that was sent and came back is owed to its buyer.
///
/// # Errors
/// When it is none of ours, or the books refuse.
pub async fn note_fact(tx: &mut Booking, refund: &Refund, now_ms: i64) -> Result<(), Error> {
    let Some(id) = &refund.operation else {
        return Err(Error::Internal(format!(
            "the refund {} was not made by this shop: book it by hand",
            refund.id
        )));
    };
    let op = outbound::get(tx, id).await?;
    if !refund.failed {
        return Ok(());
    }
    if op.state != OperationState::Ok {
        return Err(Error::Internal(format!(
            "the refund {} came back before its call ended",
            refund.id
        )));
    }
    let line = op.order_line.as_deref();
    let entry = Entry {
        key: format!("op:{}:failed", op.id),
        kind: "refund failed",
        source: op.id.clone(),
        occurred_ms: now_ms,
        postings: vec![
            posting(
                AccountKind::ProcessorAvailable,
                &op.provider,
                op.amount,
                line,
            ),
            posting(AccountKind::RefundOwed, "platform", -op.amount, line),
        ],
    };
    books::post(tx, &entry).await?;
    Ok(())
}

/// Books that a person paid a refund that had come back, by bank transfer. `false` when it is not owed, or was paid.
///
/// # Errors
/// When there is no such operation or the books refuse.
pub async fn pay_owed(tx: &mut Booking, operation: &str, now_ms: i64) -> Result<bool, Error> {
    let op = outbound::get(tx, operation).await?;
    if !books::is_booked(tx, &format!("op:{}:failed", op.id)).await? {
        return Ok(false);
    }
    let line = op.order_line.as_deref();
    let entry = Entry {
        key: format!("op:{}:by-hand", op.id),
        kind: "refund by hand",
        source: format!("hand:{}", op.id),
        occurred_ms: now_ms,
        postings: vec![
            posting(AccountKind::RefundOwed, "platform", op.amount, line),
            posting(AccountKind::BankOperating, "platform", -op.amount, line),
        ],
    };
    Ok(books::post(tx, &entry).await?)
}

/// Refunds that came back and are still owed.
///
/// # Errors
/// When the database fails.
pub async fn list_owed(tx: &mut Tx) -> Result<Vec<Operation>, Error> {
    let mut owed = Vec::new();
    for id in store::list_failed_refunds(tx).await? {
        owed.push(outbound::get(tx, &id).await?);
    }
    Ok(owed)
}

/// Plans a refused refund anew, for whoever bore it before. `false` when there is nothing left to refund.
///
/// # Errors
/// [`Error::NotFound`] for anything but a refused refund, [`Error::Refused`] while a bank holds the money.
pub async fn plan_again(tx: &mut Booking, operation: &str, now_ms: i64) -> Result<bool, Error> {
    let op = match outbound::get(tx, operation).await {
        Ok(op)
            if op.parsed_kind() == Some(outbound::OperationKind::Refund)
                && op.state == OperationState::Rejected =>
        {
            op
        }
        Ok(_) => return Err(Error::NotFound),
        Err(error) if error.is_missing() => return Err(Error::NotFound),
        Err(error) => return Err(error.into()),
    };
    let taken: Option<Taken> = op
        .parsed()
        .undo
        .as_deref()
        .and_then(|text| serde_json::from_str(text).ok());
    let by_platform = taken.is_some_and(|taken| taken.expense > 0);
    let bearer = if by_platform {
        Bearer::Platform
    } else {
        Bearer::Creator
    };
    let line = find_line(tx, &op.line().ok_or(Error::NotFound)?).await?;
    let rest = line.parts().cash() - line.refunded_cash();
    let part = (op.amount < rest).then_some(op.amount);
    plan(tx, &line, part, bearer, "planned-again", now_ms).await
}

/// A buyer's own cancellation of an unopened line within the time of return.
///
/// # Errors
/// [`Error::Refused`] when it was opened or the time is over.
pub async fn cancel_unopened(
    tx: &mut Booking,
    buyer: &str,
    line_id: &LineId,
    now_ms: i64,
) -> Result<(), Error> {
    let line = find_line(tx, line_id).await?;
    if line.buyer_id != buyer {
        return Err(Error::NotFound);
    }
    if line.opened_ms.is_some() {
        return Err(Error::Refused("refund-opened"));
    }
    // Nothing is there to give back, and what lies open to everybody is not taken and returned for its leaf in the log.
    if line.parts().cash() == 0 {
        return Err(Error::Refused("refund-free"));
    }
    if line.paid_ms.is_none_or(|paid| paid + RETURN_MS < now_ms) {
        return Err(Error::Refused("refund-late"));
    }
    if !plan_refund(tx, &line, Bearer::Creator, "unopened", now_ms).await? {
        return Err(Error::Refused("refund-done"));
    }
    Ok(())
}

/// A creator gives a buyer money back, all or a part; opened or not, at any time.
///
/// # Errors
/// [`Error::NotFound`] for another's sale, [`Error::Refused`] for an amount that is not there.
pub async fn give_back(
    tx: &mut Booking,
    creator: &str,
    line_id: &LineId,
    cash_minor: i64,
    now_ms: i64,
) -> Result<(), Error> {
    let line = find_line(tx, line_id).await?;
    if line.payee_id != creator {
        return Err(Error::NotFound);
    }
    if !plan_part(tx, &line, cash_minor, Bearer::Creator, "by-creator", now_ms).await? {
        return Err(Error::Refused("refund-done"));
    }
    Ok(())
}

async fn find_line(tx: &mut Tx, id: &LineId) -> Result<Line, Error> {
    orders::get_line(tx, id).await.map_err(|error| {
        if error.is_missing() {
            Error::NotFound
        } else {
            error.into()
        }
    })
}

/// Refunds every owner of a listing at our cost: it was withdrawn for cause. Returns how many.
///
/// # Errors
/// When the books refuse.
pub async fn refund_owners(
    tx: &mut Booking,
    listing: &ListingId,
    reason: &str,
    now_ms: i64,
) -> Result<usize, Error> {
    let mut planned = 0;
    for line in orders::list_owned_of_listing(tx, listing).await? {
        planned += usize::from(plan_refund(tx, &line, Bearer::Platform, reason, now_ms).await?);
    }
    Ok(planned)
}
