//! Disputes: what a buyer's bank takes back, what is frozen meanwhile, and who bears a loss.
//!
//! The one rule: facts only move forward, and amounts come from what the provider's balance did. A lost dispute is the seller's,
//! unless it was fraud, an upheld claim, or the money had been refunded before.

pub use super::store::Dispute;
use super::{DisputeState, LossBearer, store};
use crate::facts;
use crate::orders::{self, Earning, Line, LineChange, LineState, OrderState};
use base::db::{self, Tx};
use money::Error;
use money::books::Booking;
use money::books::service::{self as books, AccountKind, Entry, posting};
use money::provider::outbound::{self, Plan};
use money::provider::{Dispute as Fact, DisputeStatus, Parameters};
use schema::id::OrderId;

impl Dispute {
    /// Whether it can still be answered.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state.is_open()
    }
}

/// The dispute of an order for which a bank holds money.
///
/// # Errors
/// When the database fails.
pub async fn find_withdrawn(tx: &mut Tx, order: &OrderId) -> db::Result<Option<Dispute>> {
    store::find_withdrawn(tx, order).await
}

/// Acts on a dispute as the provider knows it now, in any order and as often as it is told.
///
/// # Errors
/// When its order is not known yet, or the books refuse.
pub async fn note(tx: &mut Booking, fact: &Fact, provider: &str, now_ms: i64) -> Result<(), Error> {
    let order = orders::find_order_of_charge(tx, &fact.charge)
        .await?
        .filter(|order| order.state == OrderState::Paid)
        .ok_or_else(|| {
            Error::Internal(format!(
                "the charge {} of the dispute {} belongs to no paid order",
                fact.charge, fact.id
            ))
        })?;
    let lines = orders::list_lines(tx, &order.id).await?;
    let bearer = if fact.reason == "fraudulent" {
        LossBearer::Platform
    } else {
        LossBearer::Seller
    };
    store::insert_dispute(tx, fact, &order.id, bearer, now_ms).await?;
    let dispute = store::get_dispute(tx, &fact.id).await?;
    if !dispute.is_open() {
        return Ok(());
    }
    store::set_dispute_due(tx, &fact.id, fact.due_ms).await?;
    if fact.withdrawn_minor > 0 && dispute.state == DisputeState::Inquiry {
        withdraw(tx, fact, provider, now_ms).await?;
    }
    freeze(tx, &dispute, &lines, fact, now_ms).await?;
    let dispute = store::get_dispute(tx, &fact.id).await?;
    match fact.status {
        DisputeStatus::Won => win(tx, &dispute, fact, provider, now_ms).await,
        DisputeStatus::Lost => lose(tx, &dispute, now_ms).await,
        DisputeStatus::Closed if dispute.state == DisputeState::Inquiry => {
            unfreeze(tx, &dispute, now_ms).await?;
            store::end_dispute(tx, &dispute, DisputeState::Closed, now_ms).await?;
            Ok(())
        }
        _ => Ok(()),
    }
}

async fn post(
    tx: &mut Booking,
    dispute: &str,
    fact: &str,
    kind: &'static str,
    postings: Vec<books::Posting>,
    now_ms: i64,
) -> Result<(), Error> {
    let entry = Entry {
        key: format!("dispute:{dispute}:{fact}"),
        kind,
        source: dispute.into(),
        occurred_ms: now_ms,
        postings,
    };
    books::post(tx, &entry).await?;
    Ok(())
}

async fn withdraw(tx: &mut Booking, fact: &Fact, provider: &str, now_ms: i64) -> Result<(), Error> {
    store::set_dispute_withdrawn(tx, &fact.id, fact.withdrawn_minor, fact.fee_minor).await?;
    let postings = vec![
        posting(
            AccountKind::DisputeHeld,
            "platform",
            fact.withdrawn_minor,
            None,
        ),
        posting(
            AccountKind::ExpenseDisputes,
            "platform",
            fact.fee_minor,
            None,
        ),
        posting(
            AccountKind::ProcessorAvailable,
            provider,
            -fact.withdrawn_minor - fact.fee_minor,
            None,
        ),
    ];
    post(
        tx,
        &fact.id,
        "withdrawn",
        "dispute withdrawn",
        postings,
        now_ms,
    )
    .await
}

/// Freezes what lies with us of the order's lines, and asks back what was sent on when the bank took money.
async fn freeze(
    tx: &mut Booking,
    dispute: &Dispute,
    lines: &[Line],
    fact: &Fact,
    now_ms: i64,
) -> Result<(), Error> {
    // What cost the buyer nothing is not disputed.
    let disputed = lines
        .iter()
        .filter(|line| line.state == LineState::Owned && line.parts().cash() > 0);
    // At most what the transfer brought and was not asked back yet; a dispute that is over asks for nothing.
    let undecided = fact.withdrawn_minor > 0
        && matches!(
            fact.status,
            DisputeStatus::NeedsResponse | DisputeStatus::UnderReview
        );
    for line in disputed {
        let rest = line.payee_rest() - line.frozen_minor;
        if undecided && line.earning == Earning::Transferred {
            outbound::plan_reversal(tx, &line.id, &line.payee_id, line.payee_rest(), now_ms)
                .await?;
        }
        orders::set_line_dispute(tx, &line.id, Some(&dispute.id)).await?;
        let (from, rest) = match line.earning {
            Earning::Held => (AccountKind::SellerHeld, rest),
            // Some of what was released may have covered what they owed.
            Earning::Available => {
                let released =
                    books::balance(tx, AccountKind::SellerAvailable, &line.payee_id).await?;
                (AccountKind::SellerAvailable, rest.min(released))
            }
            _ => continue,
        };
        if rest <= 0 {
            continue;
        }
        let frozen = line.frozen_minor + rest;
        set_frozen(tx, line, frozen).await?;
        let postings = vec![
            posting(from, &line.payee_id, rest, Some(line.id.as_str())),
            posting(
                AccountKind::SellerFrozen,
                &line.payee_id,
                -rest,
                Some(line.id.as_str()),
            ),
        ];
        // A refund that was undone meanwhile leaves more to freeze than the first time.
        let times = store::count_frozen(tx, &dispute.id).await?;
        let key = format!("frozen:{}:{times}", line.id);
        post(tx, &dispute.id, &key, "dispute frozen", postings, now_ms).await?;
    }
    Ok(())
}

/// Notes what is frozen of a line.
///
/// # Errors
/// When the line changed meanwhile: whoever called reads it anew and tries again.
pub async fn set_frozen(tx: &mut Tx, line: &Line, frozen_minor: i64) -> Result<(), Error> {
    if orders::freeze_line(tx, line, frozen_minor).await? {
        return Ok(());
    }
    Err(Error::Internal(format!(
        "the line {} changed while it was frozen",
        line.id
    )))
}

/// Lets go what is frozen: held again where it was held, else available.
async fn unfreeze(tx: &mut Booking, dispute: &Dispute, now_ms: i64) -> Result<(), Error> {
    for line in orders::list_disputed(tx, &dispute.id).await? {
        let frozen = line.frozen_minor;
        set_frozen(tx, &line, 0).await?;
        orders::set_line_dispute(tx, &line.id, None).await?;
        let to = match line.earning {
            Earning::Held => posting(
                AccountKind::SellerHeld,
                &line.payee_id,
                -frozen,
                Some(line.id.as_str()),
            ),
            _ => posting(AccountKind::SellerAvailable, &line.payee_id, -frozen, None),
        };
        let from = posting(
            AccountKind::SellerFrozen,
            &line.payee_id,
            frozen,
            Some(line.id.as_str()),
        );
        let key = format!("unfrozen:{}", line.id);
        post(
            tx,
            &dispute.id,
            &key,
            "dispute released",
            vec![from, to],
            now_ms,
        )
        .await?;
    }
    Ok(())
}

async fn win(
    tx: &mut Booking,
    dispute: &Dispute,
    fact: &Fact,
    provider: &str,
    now_ms: i64,
) -> Result<(), Error> {
    if dispute.state == DisputeState::Withdrawn {
        if fact.reinstated_minor < dispute.amount_minor {
            return Err(Error::Internal(format!(
                "the dispute {} is won and {} of {} came back",
                dispute.id, fact.reinstated_minor, dispute.amount_minor
            )));
        }
        let back = fact.reinstated_minor + fact.fee_back_minor;
        let postings = vec![
            posting(AccountKind::ProcessorAvailable, provider, back, None),
            posting(
                AccountKind::DisputeHeld,
                "platform",
                -dispute.amount_minor,
                None,
            ),
            posting(
                AccountKind::ExpenseDisputes,
                "platform",
                -fact.fee_back_minor,
                None,
            ),
            // More than was taken: nobody knows why yet.
            posting(
                AccountKind::Suspense,
                "platform",
                dispute.amount_minor - fact.reinstated_minor,
                None,
            ),
        ];
        post(tx, &dispute.id, "won", "dispute won", postings, now_ms).await?;
    }
    unfreeze(tx, dispute, now_ms).await?;
    store::end_dispute(tx, dispute, DisputeState::Won, now_ms).await?;
    Ok(())
}

/// Whoever bears it, the buyer has the money back and loses access.
async fn lose(tx: &mut Booking, dispute: &Dispute, now_ms: i64) -> Result<(), Error> {
    let mut left = if dispute.state == DisputeState::Withdrawn {
        dispute.amount_minor
    } else {
        0
    };
    let mut postings = Vec::new();
    if dispute.bearer == LossBearer::Platform {
        unfreeze(tx, dispute, now_ms).await?;
        for line in orders::list_lines(tx, &dispute.purchase_id).await? {
            if line.state == LineState::Owned && line.parts().cash() > 0 {
                orders::end_ownership(tx, &line.id, "dispute-lost").await?;
                tell_lost(tx, &line).await?;
            }
        }
    } else {
        for line in orders::list_disputed(tx, &dispute.id).await? {
            let so_far = line.refunded_cash();
            let cash = (line.parts().cash() - so_far).min(left);
            left -= cash;
            postings.extend(lose_line(tx, &line, cash, now_ms).await?);
            tell_lost(tx, &line).await?;
        }
    }
    postings.push(posting(AccountKind::LossDisputes, "platform", left, None));
    postings.push(posting(AccountKind::DisputeHeld, "platform", -left, None));
    post(tx, &dispute.id, "lost", "dispute lost", postings, now_ms).await?;
    if dispute.bearer == LossBearer::Seller {
        // Of a dispute over a part of the order something may still be frozen.
        unfreeze(tx, dispute, now_ms).await?;
    }
    store::end_dispute(tx, dispute, DisputeState::Lost, now_ms).await?;
    Ok(())
}

async fn tell_lost(tx: &mut Tx, line: &Line) -> db::Result<()> {
    let lost = facts::Fact::Lost {
        listing: line.listing_id.clone(),
        line: line.id.clone(),
    };
    facts::tell(tx, &lost).await
}

/// A line's part of a lost dispute, as a refund that the bank made.
async fn lose_line(
    tx: &mut Tx,
    line: &Line,
    cash: i64,
    now_ms: i64,
) -> Result<Vec<books::Posting>, Error> {
    let so_far = line.refunded_cash();
    let after = line.parts().refunded(so_far + cash);
    let delta = after.less(line.refunded_parts());
    let frozen = line.frozen_minor.min(delta.payee);
    let borne = line.payee_borne_minor + delta.payee;
    let whole = so_far + cash == line.parts().cash();
    let change = LineChange {
        state: if whole {
            LineState::Refunded
        } else {
            line.state
        },
        earning: if borne == line.payee_minor {
            Earning::Reversed
        } else {
            line.earning
        },
        refunded: after,
        payee_borne_minor: borne,
        frozen_minor: line.frozen_minor - frozen,
        reason: Some("dispute-lost"),
        now_ms,
    };
    if !orders::change_line(tx, line, &change).await? {
        return Err(Error::Internal(format!(
            "the line {} changed while its dispute was lost",
            line.id
        )));
    }
    let payee = line.payee_id.as_str();
    let on = |kind, owner: &str, amount| posting(kind, owner, amount, Some(line.id.as_str()));
    Ok(vec![
        on(AccountKind::SellerFrozen, payee, frozen),
        on(AccountKind::SellerReceivable, payee, delta.payee - frozen),
        on(AccountKind::RevenueShare, "platform", delta.share),
        on(AccountKind::TaxPayable, "platform", delta.tax),
        on(AccountKind::ExpensePromotion, "platform", -delta.promotion),
        on(AccountKind::DisputeHeld, "platform", -delta.cash()),
    ])
}

/// Gives a dispute up at our cost: a claim was upheld while the bank held the money.
///
/// # Errors
/// When the database fails.
pub async fn accept(tx: &mut Tx, dispute: &Dispute, now_ms: i64) -> Result<(), Error> {
    if !store::set_dispute_bearer(tx, &dispute.id, LossBearer::Platform).await? {
        return Ok(());
    }
    call(
        tx,
        dispute,
        outbound::OperationKind::Acceptance,
        None,
        now_ms,
    )
    .await
}

/// Plans the answer to a dispute. `false` when it was answered, or is over.
///
/// # Errors
/// When the database fails.
pub async fn submit(
    tx: &mut Tx,
    dispute: &Dispute,
    text: &str,
    now_ms: i64,
) -> Result<bool, Error> {
    if !store::set_dispute_evidence(tx, &dispute.id, text, now_ms).await? {
        return Ok(false);
    }
    call(
        tx,
        dispute,
        outbound::OperationKind::Evidence,
        Some(text),
        now_ms,
    )
    .await?;
    Ok(true)
}

async fn call(
    tx: &mut Tx,
    dispute: &Dispute,
    kind: outbound::OperationKind,
    text: Option<&str>,
    now_ms: i64,
) -> Result<(), Error> {
    let order = orders::get_order(tx, &dispute.purchase_id).await?;
    let plan = Plan {
        kind,
        line: None,
        payee: None,
        amount_minor: dispute.amount_minor,
        parameters: Parameters {
            target: dispute.id.clone(),
            order: Some(order.id.to_string()),
            text: text.map(Into::into),
            ..Parameters::default()
        },
        decision: None,
        provider: &order.provider,
        now_ms,
    };
    outbound::plan(tx, &plan).await?;
    Ok(())
}

/// Books money that a seller gave back for a disputed line: frozen while the dispute is open, the seller's once it was won, and what
/// they owed once it was lost.
///
/// # Errors
/// When the database fails.
pub async fn place_of_reversal(tx: &mut Tx, line: &Line) -> Result<Option<Dispute>, Error> {
    match &line.dispute_id {
        Some(id) => Ok(Some(store::get_dispute(tx, id).await?).filter(Dispute::is_open)),
        None => Ok(None),
    }
}

/// Every dispute, open ones first.
///
/// # Errors
/// When the database fails.
pub async fn list(tx: &mut Tx, limit: i64) -> db::Result<Vec<Dispute>> {
    store::list_disputes(tx, limit).await
}

/// A dispute.
///
/// # Errors
/// [`Error::NotFound`] when there is none.
pub async fn get(tx: &mut Tx, id: &str) -> Result<Dispute, Error> {
    match store::get_dispute(tx, id).await {
        Ok(dispute) => Ok(dispute),
        Err(error) if error.is_missing() => Err(Error::NotFound),
        Err(error) => Err(error.into()),
    }
}

/// The disputes about a creator's sales, open and decided, with the line's title.
///
/// # Errors
/// When the database fails.
pub async fn list_of_creator(tx: &mut Tx, creator: &str) -> db::Result<Vec<(Dispute, Line)>> {
    let mut found = Vec::new();
    for line in orders::list_disputed_of_creator(tx, creator).await? {
        for dispute in store::list_disputes_of_order(tx, &line.purchase_id).await? {
            found.push((dispute, line.clone()));
        }
    }
    Ok(found)
}

/// Open disputes whose time to answer ends before `before_ms` and that nobody answered.
///
/// # Errors
/// When the database fails.
pub async fn list_due(tx: &mut Tx, before_ms: i64) -> db::Result<Vec<Dispute>> {
    store::list_due_disputes(tx, before_ms).await
}
