//! The sweep: holds that end, who is paid now, and a named reason for everybody who is not.
//!
//! The one rule: what is to be done is computed by [`plan_for`] alone, for the run, for the operator's dry run and for the creator's
//! page, so that all three say the same.

use super::super::store;
pub use super::super::store::Decision;
use super::{MONTH_MS, WEEK_MS, manual, transfer};
use crate::facts::{self, Fact};
use crate::orders::{self, Earning, EarningLine, HOLD_MS, RETURN_MS};
use base::db::{self, Db, Tx};
use base::random;
use money::Error;
use money::books::Booking;
use money::books::service::{self as books, AccountKind, Entry, posting};
use money::provider::outbound;

/// So many holds end in one transaction.
const ROUND: i64 = 200;

impl Decision {
    /// Whether money was sent.
    #[must_use]
    pub fn pays(&self) -> bool {
        matches!(self.outcome.as_str(), "paid" | "manual")
    }
}

/// What a run would do for one payee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    pub payee: String,
    /// Released money, before what is owed is taken off.
    pub available_minor: i64,
    /// What is owed and is covered by it.
    pub netted_minor: i64,
    /// `paid`, `manual`, or a blocker by name.
    pub outcome: &'static str,
    pub until_ms: Option<i64>,
}

impl Planned {
    /// What is left to pay.
    #[must_use]
    pub fn payable_minor(&self) -> i64 {
        self.available_minor - self.netted_minor
    }

    /// Whether money would be sent.
    #[must_use]
    pub fn pays(&self) -> bool {
        matches!(self.outcome, "paid" | "manual")
    }
}

/// Releases every held line whose time is over and which no dispute holds.
///
/// # Errors
/// When the books refuse.
pub async fn release(db: &Db, now_ms: i64) -> Result<usize, Error> {
    let mut released = 0;
    loop {
        let round = release_some(db, now_ms).await?;
        if round == 0 {
            return Ok(released);
        }
        released += round;
    }
}

/// Releases so many, in a transaction of its own: on SQLite everybody else's writes wait for it.
async fn release_some(db: &Db, now_ms: i64) -> Result<usize, Error> {
    let mut tx = money::books::begin(db).await?;
    let (opened, paid) = (now_ms - HOLD_MS, now_ms - RETURN_MS);
    let mut released = 0;
    for line in orders::list_released(&mut tx, opened, paid, ROUND).await? {
        // Two processes may look at once: whoever moves the line books it.
        if !orders::move_earning(&mut tx, &line.id, Earning::Held, Earning::Available).await? {
            continue;
        }
        let payee = line.payee_id.as_str();
        let entry = Entry {
            // A line that was frozen and let go is released again.
            key: match store::count_releases(&mut tx, line.id.as_str()).await? {
                0 => format!("release:{}", line.id),
                before => format!("release:{}:{}", line.id, before + 1),
            },
            kind: "release",
            source: line.id.to_string(),
            occurred_ms: now_ms,
            postings: vec![
                posting(
                    AccountKind::SellerHeld,
                    payee,
                    line.rest_minor,
                    Some(line.id.as_str()),
                ),
                posting(
                    AccountKind::SellerAvailable,
                    payee,
                    -line.rest_minor,
                    Some(line.id.as_str()),
                ),
            ],
        };
        books::post(&mut tx, &entry).await?;
        released += 1;
    }
    tx.commit().await?;
    Ok(released)
}

/// What a run would do now, for every payee with earnings: a dry run.
///
/// # Errors
/// When the database fails.
pub async fn plan(tx: &mut Tx, minimum_minor: i64, now_ms: i64) -> Result<Vec<Planned>, Error> {
    let mut planned = Vec::new();
    for payee in store::list_payees_with_earnings(tx).await? {
        planned.push(plan_for(tx, &payee, minimum_minor, now_ms).await?);
    }
    Ok(planned)
}

/// What a run would do for one payee now.
///
/// # Errors
/// When the database fails.
pub async fn plan_for(
    tx: &mut Tx,
    payee: &str,
    minimum_minor: i64,
    now_ms: i64,
) -> Result<Planned, Error> {
    let available_minor = books::balance(tx, AccountKind::SellerAvailable, payee).await?;
    // What is being asked back from their account is not taken twice.
    let asked = outbound::open_minor(tx, payee, outbound::OperationKind::Reversal).await?;
    let receivable = books::balance(tx, AccountKind::SellerReceivable, payee).await?;
    let owed = (receivable - asked).max(0);
    let netted_minor = owed.min(available_minor);
    let (outcome, until_ms) = decide(
        tx,
        payee,
        available_minor - netted_minor,
        owed > netted_minor,
        minimum_minor,
        now_ms,
    )
    .await?;
    Ok(Planned {
        payee: payee.into(),
        available_minor,
        netted_minor,
        outcome,
        until_ms,
    })
}

async fn decide(
    tx: &mut Tx,
    payee: &str,
    payable: i64,
    owes: bool,
    minimum_minor: i64,
    now_ms: i64,
) -> Result<(&'static str, Option<i64>), Error> {
    if owes {
        return Ok(("owes_us", None));
    }
    if payable == 0 {
        let next = orders::next_held(tx, payee).await?;
        let next = next.iter().map(EarningLine::release_ms).min();
        let frozen = books::balance(tx, AccountKind::SellerFrozen, payee).await?;
        return Ok(match next {
            Some(until) => ("hold_until", Some(until)),
            None if frozen > 0 => ("disputed", None),
            None => ("nothing_due", None),
        });
    }
    let Some(account) = store::find_payee(tx, payee).await? else {
        return Ok(("not_onboarded", None));
    };
    match account.paused.as_deref() {
        Some("bank_rejected") => return Ok(("bank_rejected", None)),
        Some("paused_by_seller") => return Ok(("paused_by_seller", None)),
        Some(_) => return Ok(("paused_by_us", None)),
        None => {}
    }
    if !account.ready {
        let blocker = match (account.required().next(), &account.disabled) {
            (Some(_), _) => "requirements_due",
            (None, Some(_)) => "payouts_disabled",
            (None, None) => "not_onboarded",
        };
        return Ok((blocker, None));
    }
    let last = store::last_paid_ms(tx, payee).await?;
    if let Some(last) = last.filter(|last| last + WEEK_MS > now_ms) {
        return Ok(("weekly", Some(last + WEEK_MS)));
    }
    if payable < minimum_minor {
        let since = match last {
            Some(last) => last,
            None => orders::first_earned_ms(tx, payee).await?.unwrap_or(now_ms),
        };
        if since + MONTH_MS > now_ms {
            return Ok(("below_minimum", Some(since + MONTH_MS)));
        }
    }
    Ok((
        if account.is_manual() {
            "manual"
        } else {
            "paid"
        },
        None,
    ))
}

/// Pays whoever is due, and writes down why nobody else is, once for as long as it stays the reason. Returns how many are paid.
///
/// # Errors
/// When the books refuse; nothing of this sweep is done then.
pub async fn sweep(
    db: &Db,
    provider: &str,
    minimum_minor: i64,
    now_ms: i64,
) -> Result<usize, Error> {
    let mut tx = money::books::begin(db).await?;
    let mut paid = 0;
    for planned in plan(&mut tx, minimum_minor, now_ms).await? {
        let decision = random::id();
        net(&mut tx, &planned, &decision, now_ms).await?;
        let amount_minor = planned.payable_minor();
        if planned.pays() {
            pay(&mut tx, &planned, &decision, provider, now_ms).await?;
            paid += 1;
            let paid_out = Fact::PaidOut {
                payee: planned.payee.clone(),
                decision: decision.clone(),
            };
            facts::tell(&mut tx, &paid_out).await?;
        } else if planned.netted_minor == 0 && is_said_already(&mut tx, &planned).await? {
            continue;
        }
        store::insert_decision(
            &mut tx,
            &decision,
            &planned.payee,
            now_ms,
            amount_minor,
            planned.outcome,
            planned.until_ms,
        )
        .await?;
    }
    tx.commit().await?;
    Ok(paid)
}

/// Whether the last run said the same: a run comes every hour, and the answer stays for weeks.
async fn is_said_already(tx: &mut Tx, planned: &Planned) -> db::Result<bool> {
    let last = store::list_decisions(tx, &planned.payee, 1).await?;
    Ok(last.first().is_some_and(|last| {
        (last.outcome.as_str(), last.amount_minor, last.until_ms)
            == (planned.outcome, planned.payable_minor(), planned.until_ms)
    }))
}

/// Covers what a creator owes from what was released.
async fn net(
    tx: &mut Booking,
    planned: &Planned,
    decision: &str,
    now_ms: i64,
) -> Result<(), books::Error> {
    let (payee, netted) = (planned.payee.as_str(), planned.netted_minor);
    let entry = Entry {
        key: format!("net:{decision}"),
        kind: "net",
        source: decision.into(),
        occurred_ms: now_ms,
        postings: vec![
            posting(AccountKind::SellerAvailable, payee, netted, None),
            posting(AccountKind::SellerReceivable, payee, -netted, None),
        ],
    };
    books::post(tx, &entry).await.map(drop)
}

async fn pay(
    tx: &mut Booking,
    planned: &Planned,
    decision: &str,
    provider: &str,
    now_ms: i64,
) -> Result<(), Error> {
    let payee = planned.payee.as_str();
    let account = store::find_payee(tx, payee).await?.ok_or(Error::NotFound)?;
    if account.is_manual() {
        manual::open(tx, decision, payee, planned.payable_minor(), now_ms).await?;
    }
    let mut rest = planned.payable_minor();
    for line in orders::list_available(tx, payee).await? {
        // What was netted leaves less than the lines say; the last of them take what is there.
        let amount = line.rest_minor.min(rest);
        if amount > 0
            && orders::move_earning(tx, &line.id, Earning::Available, Earning::Transit).await?
        {
            rest -= amount;
            transfer::plan(
                tx,
                Some(&line),
                &account,
                amount,
                decision,
                provider,
                now_ms,
            )
            .await?;
        }
    }
    // Money of no single line: what was netted and came back, or was let go by a dispute.
    if rest > 0 {
        transfer::plan(tx, None, &account, rest, decision, provider, now_ms).await?;
    }
    Ok(())
}

/// The newest decisions about everybody.
///
/// # Errors
/// When the database fails.
pub async fn list_recent(tx: &mut Tx, limit: i64) -> db::Result<Vec<(Decision, String)>> {
    store::list_recent_decisions(tx, limit).await
}
