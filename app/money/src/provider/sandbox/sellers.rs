//! Sellers at the sandbox: accounts with requirements, transfers, reversals, and payouts that arrive, fail or come back.

use super::super::{Account, Call, CallOutcome};
use super::cards::bank_failure;
use super::{Movement, ROUND, event, store};
use base::clock::DAY_MS;
use base::db::{self, Db, Tx};
use base::random;

/// A payout reaches the bank after this long.
const ARRIVAL_MS: i64 = 2 * DAY_MS;

pub(super) async fn open_account(
    db: &Db,
    person: &str,
    country: &str,
) -> db::Result<CallOutcome<String>> {
    let mut tx = db.write().await?;
    let fresh = format!("acct-{}", random::id());
    store::insert_account(&mut tx, &fresh, person, country).await?;
    let id = store::get_account(&mut tx, person).await?;
    tx.commit().await?;
    Ok(CallOutcome::Done(id))
}

/// What a seller answers on the provider's page.
#[derive(Clone, Copy, Debug)]
pub struct Onboarding<'a> {
    pub holder: &'a str,
    pub bank: &'a str,
}

/// Takes a seller's answers. Returns what is still required.
///
/// # Errors
/// When the database fails.
pub async fn onboard(
    db: &Db,
    account: &str,
    answers: Onboarding<'_>,
    now_ms: i64,
) -> db::Result<Option<&'static str>> {
    let (holder, bank) = (answers.holder.trim(), answers.bank.trim());
    let required = if holder.is_empty() || holder.eq_ignore_ascii_case("reject me") {
        Some("holder")
    } else if bank.len() != 12
        || !bank.bytes().all(|b| b.is_ascii_digit())
        || !bank.starts_with("000")
    {
        Some("bank")
    } else {
        None
    };
    // Only the last digits are kept, as a statement would show them.
    let tail = bank.get(bank.len().saturating_sub(4)..).unwrap_or_default();
    let mut tx = db.write().await?;
    store::update_account(&mut tx, account, holder, tail, required, bank_failure(bank)).await?;
    event(&mut tx, "account.updated", account, Some(account), now_ms).await?;
    tx.commit().await?;
    Ok(required)
}

pub(super) async fn find(tx: &mut Tx, id: &str) -> db::Result<Option<Account>> {
    let found = store::find_account(tx, id).await?;
    Ok(found.map(|(ready, requirement, blocked)| Account {
        id: id.to_owned(),
        ready: ready && !blocked,
        requirements: match (ready, requirement) {
            (_, Some(requirement)) => vec![requirement],
            (false, None) => vec!["holder".into(), "bank".into()],
            (true, None) => Vec::new(),
        },
        disabled: blocked.then(|| "bank_rejected".into()),
    }))
}

pub(super) async fn transfer(db: &Db, call: &Call) -> db::Result<CallOutcome> {
    let mut tx = db.write().await?;
    let account = &call.parameters.target;
    if store::has_entry(&mut tx, &call.key).await? {
        return Ok(CallOutcome::Done(call.key.clone()));
    }
    if !store::account_ready(&mut tx, account).await? {
        return Ok(CallOutcome::Rejected("transfers_not_allowed".into()));
    }
    move_money(&mut tx, call, account, "transfer", call.amount_minor).await?;
    tx.commit().await?;
    Ok(CallOutcome::Done(call.key.clone()))
}

pub(super) async fn reverse(db: &Db, call: &Call) -> db::Result<CallOutcome> {
    let mut tx = db.write().await?;
    if store::has_entry(&mut tx, &call.key).await? {
        return Ok(CallOutcome::Done(call.key.clone()));
    }
    let Some(account) = store::find_transfer_account(&mut tx, &call.parameters.target).await?
    else {
        return Ok(CallOutcome::Rejected("no_such_transfer".into()));
    };
    // Only what still lies there can be taken back.
    if store::balance(&mut tx, &account).await? < call.amount_minor {
        return Ok(CallOutcome::Rejected("balance_insufficient".into()));
    }
    move_money(&mut tx, call, &account, "reversal", -call.amount_minor).await?;
    tx.commit().await?;
    Ok(CallOutcome::Done(call.key.clone()))
}

async fn move_money(
    tx: &mut Tx,
    call: &Call,
    account: &str,
    kind: &str,
    to_account_minor: i64,
) -> db::Result<()> {
    for (owner, amount_minor) in [("platform", -to_account_minor), (account, to_account_minor)] {
        let movement = Movement {
            key: &call.key,
            account: owner,
            kind,
            amount_minor,
            reference: account,
            operation: Some(&call.operation),
            now_ms: call.now_ms,
        };
        store::insert_entry(tx, &movement).await?;
    }
    Ok(())
}

/// Moves payouts on, so many of each kind; returns how many.
pub(super) async fn tick(tx: &mut Tx, now_ms: i64) -> db::Result<usize> {
    let payable = store::list_payable_accounts(tx, ROUND).await?;
    let mut found = payable.len();
    for (account, balance) in payable {
        let id = format!("po-{}", random::id());
        store::insert_payout(tx, &id, &account, balance, now_ms + ARRIVAL_MS, now_ms).await?;
        let movement = Movement {
            key: &format!("payout:{id}"),
            account: &account,
            kind: "payout",
            amount_minor: -balance,
            reference: &id,
            operation: None,
            now_ms,
        };
        store::insert_entry(tx, &movement).await?;
        event(tx, "payout.created", &id, Some(&account), now_ms).await?;
    }
    let arrived = store::list_arrived(tx, now_ms, ROUND).await?;
    found += arrived.len();
    for (id, account, bank) in arrived {
        match bank {
            Some(code) if !code.starts_with("late:") => {
                fail(tx, &id, &account, &code, now_ms).await?;
            }
            _ => {
                store::set_payout_paid(tx, &id).await?;
                event(tx, "payout.paid", &id, Some(&account), now_ms).await?;
            }
        }
    }
    let returned = store::list_returned(tx, now_ms - DAY_MS, ROUND).await?;
    found += returned.len();
    for (id, account, code) in returned {
        let code = code.trim_start_matches("late:").to_owned();
        fail(tx, &id, &account, &code, now_ms).await?;
    }
    Ok(found)
}

/// The bank sent a payout back: the money lies with the provider again, and nothing leaves before the bank is changed.
async fn fail(tx: &mut Tx, id: &str, account: &str, code: &str, now_ms: i64) -> db::Result<()> {
    let (amount_minor, _) = store::get_payout_amount(tx, id).await?;
    store::set_payout_failed(tx, id, code).await?;
    store::block_account(tx, account).await?;
    let movement = Movement {
        key: &format!("payout-failure:{id}"),
        account,
        kind: "payout_failure",
        amount_minor,
        reference: id,
        operation: None,
        now_ms,
    };
    store::insert_entry(tx, &movement).await?;
    event(tx, "payout.failed", id, Some(account), now_ms).await?;
    event(tx, "account.updated", account, Some(account), now_ms).await
}
