//! SQL of the sandbox provider's own books.

use super::state::RefundState;
use super::{Movement, Record};
use crate::provider::{DisputeStatus, Payout, PayoutState, Refund};
use base::db::{self, Tx, execute, fetch, statements};
use base::random;

/// A dispute as the sandbox keeps it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct DisputeRow {
    pub(super) id: String,
    pub(super) payment_id: String,
    pub(super) amount_minor: i64,
    pub(super) fee_minor: i64,
    pub(super) reason: String,
    #[sqlx(try_from = "String")]
    pub(super) state: DisputeStatus,
    pub(super) evidence: Option<String>,
    pub(super) due_ms: i64,
}

/// A refund as the sandbox keeps it.
#[derive(sqlx::FromRow)]
struct RefundRow {
    id: String,
    operation: String,
    amount_minor: i64,
    #[sqlx(try_from = "String")]
    state: RefundState,
}

/// A payout as the sandbox keeps it.
#[derive(sqlx::FromRow)]
struct PayoutRow {
    id: String,
    account: String,
    amount_minor: i64,
    #[sqlx(try_from = "String")]
    state: PayoutState,
    failure: Option<String>,
    arrives_ms: i64,
}

statements! {
    INSERT_PAYMENT = "insert into sandbox_payment (id, order_id, amount_minor, state, fee_minor, lines, return_url, created_ms) values ($1, $2, $3, 'open', $4, $5, $6, $7)
        on conflict (order_id) where state in ('open', 'confirming', 'paid') do nothing";
    FIND_BY_ORDER = "select id from sandbox_payment where order_id = $1 and state in ('open', 'confirming', 'paid')";
    FIND_PAYMENT = "select id, order_id, amount_minor, state, card, card_last4, decline_code, fee_minor, available_ms, country, tax_minor, taxes, lines, return_url
        from sandbox_payment where id = $1";
    SET_BUYER = "update sandbox_payment set country = $2, tax_minor = $3, taxes = $4, fee_minor = $5 where id = $1 and state in ('open', 'confirming')";
    SET_PAID = "update sandbox_payment set state = 'paid', card_last4 = $2, decline_code = null, available_ms = $3, card = $4
        where id = $1 and state in ('open', 'confirming')";
    SET_CONFIRMING = "update sandbox_payment set state = 'confirming', card_last4 = $2, decline_code = null, card = $3 where id = $1 and state = 'open'";
    DECLINE = "update sandbox_payment set state = 'open', card_last4 = $2, decline_code = $3 where id = $1 and state in ('open', 'confirming')";
    EXPIRE = "update sandbox_payment set state = 'expired' where id = $1 and state in ('open', 'confirming')";
    INSERT_ENTRY = "insert into sandbox_entry (id, idem_key, account, kind, amount_minor, ref, operation, created_ms) values ($1, $2, $3, $4, $5, $6, $7, $8)";
    HAS_ENTRY = "select count(*) from sandbox_entry where idem_key = $1";
    FIND_ENTRY_OF = "select idem_key from sandbox_entry where operation = $1 and kind = $2 limit 1";
    ADD_TO_BALANCE = "update sandbox_account set balance_minor = balance_minor + $2 where id = $1";
    REFUNDED = "select cast(coalesce(-sum(amount_minor), 0) as bigint) from sandbox_entry where kind = 'refund' and ref = $1";
    BALANCE = "select balance_minor from sandbox_account where id = $1";
    PLATFORM_BALANCE = "select cast(coalesce(sum(amount_minor), 0) as bigint) from sandbox_entry where account = 'platform'";
    PENDING = "select cast(coalesce(sum(amount_minor + tax_minor - fee_minor), 0) as bigint) from sandbox_payment where state = 'paid' and available_ms is not null";
    LIST_TRANSACTIONS = "select id, kind, amount_minor, case when kind in ('refund', 'transfer', 'reversal') then idem_key else ref end, created_ms
        from sandbox_entry where account = 'platform' and created_ms >= $1 order by created_ms, id";
    INSERT_REFUND = "insert into sandbox_refund (id, payment_id, operation, amount_minor, state) values ($1, $2, $3, $4, $5)";
    FIND_REFUND = "select id, operation, amount_minor, state from sandbox_refund where id = $1";
    LIST_PENDING_REFUNDS = "select sandbox_refund.id, sandbox_payment.card, sandbox_refund.amount_minor from sandbox_refund
        join sandbox_payment on sandbox_payment.id = sandbox_refund.payment_id where sandbox_refund.state = 'pending' order by sandbox_refund.id limit $1";
    SET_REFUND = "update sandbox_refund set state = $2 where id = $1";
    INSERT_DISPUTE = "insert into sandbox_dispute (id, payment_id, amount_minor, fee_minor, reason, state, due_ms) values ($1, $2, $3, 0, $4, $5, $6)";
    FIND_DISPUTE = "select id, payment_id, amount_minor, fee_minor, reason, state, evidence, due_ms from sandbox_dispute where id = $1";
    LIST_OPEN_DISPUTES = "select id, payment_id, amount_minor, fee_minor, reason, state, evidence, due_ms from sandbox_dispute
        where state in ('inquiry', 'needs_response', 'under_review') order by id";
    COUNT_OPEN_DISPUTES = "select count(*) from sandbox_dispute where payment_id = $1 and state in ('needs_response', 'under_review')";
    COUNT_DISPUTES = "select count(*) from sandbox_dispute where payment_id = $1";
    SET_DISPUTE = "update sandbox_dispute set state = $2 where id = $1";
    SET_DISPUTE_FEE = "update sandbox_dispute set fee_minor = $2 where id = $1";
    ESCALATE_DISPUTE = "update sandbox_dispute set state = 'needs_response', evidence = null, due_ms = $2 where id = $1";
    SET_DISPUTE_EVIDENCE = "update sandbox_dispute set evidence = $2, state = case when state = 'inquiry' then 'inquiry' else 'under_review' end
        where id = $1 and state in ('inquiry', 'needs_response')";
    DISPUTE_SUMS = "select cast(coalesce(-sum(case when kind = 'dispute' then amount_minor else 0 end), 0) as bigint),
            cast(coalesce(sum(case when kind = 'dispute_reversal' then amount_minor else 0 end), 0) as bigint)
        from sandbox_entry where ref = $1 and account = 'platform'";
    GET_ACCOUNT = "select id from sandbox_account where person_id = $1";
    FIND_ACCOUNT = "select ready, requirement, blocked from sandbox_account where id = $1";
    INSERT_ACCOUNT = "insert into sandbox_account (id, person_id, ready, country) values ($1, $2, false, $3)
        on conflict (person_id) do nothing";
    UPDATE_ACCOUNT = "update sandbox_account set holder = $2, bank = $3, requirement = $4, ready = $5, bank_failure = $6, blocked = false where id = $1";
    BLOCK_ACCOUNT = "update sandbox_account set blocked = true where id = $1";
    ACCOUNT_READY = "select count(*) from sandbox_account where id = $1 and ready";
    FIND_TRANSFER_ACCOUNT = "select account from sandbox_entry where idem_key = $1 and kind = 'transfer' and account <> 'platform'";
    LIST_BECOMING_AVAILABLE = "select id from sandbox_payment where state = 'paid' and available_ms <= $1 order by available_ms, id limit $2";
    SET_AVAILABLE = "update sandbox_payment set available_ms = null where id = $1";
    LIST_PAYABLE_ACCOUNTS = "select id, balance_minor from sandbox_account where balance_minor > 0 and not blocked order by id limit $1";
    INSERT_PAYOUT = "insert into sandbox_payout (id, account, amount_minor, state, arrives_ms, created_ms) values ($1, $2, $3, 'pending', $4, $5)";
    LIST_ARRIVED = "select sandbox_payout.id, sandbox_payout.account, sandbox_account.bank_failure from sandbox_payout
        join sandbox_account on sandbox_account.id = sandbox_payout.account
        where sandbox_payout.state = 'pending' and sandbox_payout.arrives_ms <= $1 order by sandbox_payout.arrives_ms, sandbox_payout.id limit $2";
    /// `cross join` keeps SQLite to the order: from the few accounts that are closed to their payouts.
    LIST_RETURNED = "select sandbox_payout.id, sandbox_payout.account, sandbox_account.bank_failure from sandbox_account cross join sandbox_payout
        where sandbox_account.bank_failure = 'late:account_closed' and sandbox_payout.account = sandbox_account.id and sandbox_payout.state = 'paid' and sandbox_payout.arrives_ms <= $1 order by sandbox_payout.id limit $2";
    SET_PAYOUT_PAID = "update sandbox_payout set state = 'paid' where id = $1";
    SET_PAYOUT_FAILED = "update sandbox_payout set state = 'failed', failure = $2 where id = $1";
    GET_PAYOUT_AMOUNT = "select amount_minor, arrives_ms from sandbox_payout where id = $1";
    LIST_PAYOUTS = "select id from sandbox_payout where account = $1 order by created_ms desc, id desc limit 100";
    FIND_PAYOUT = "select id, account, amount_minor, state, failure, arrives_ms from sandbox_payout where id = $1";
}

#[allow(clippy::too_many_arguments, reason = "one bind per column")]
pub(super) async fn insert_payment(
    tx: &mut Tx,
    id: &str,
    order: &str,
    amount: i64,
    fee: i64,
    lines: &str,
    return_url: &str,
    now_ms: i64,
) -> db::Result<()> {
    execute!(
        tx,
        INSERT_PAYMENT,
        id,
        order,
        amount,
        fee,
        lines,
        return_url,
        now_ms
    )
    .map(|_| ())
}

pub(super) async fn find_by_order(tx: &mut Tx, order: &str) -> db::Result<String> {
    fetch!(tx, fetch_one, (String,), FIND_BY_ORDER, order).map(|row| row.0)
}

pub(super) async fn find_payment(tx: &mut Tx, id: &str) -> db::Result<Option<Record>> {
    fetch!(tx, fetch_optional, Record, FIND_PAYMENT, id)
}

pub(super) async fn set_buyer(
    tx: &mut Tx,
    id: &str,
    country: &str,
    tax: i64,
    taxes: &str,
    fee: i64,
) -> db::Result<()> {
    execute!(tx, SET_BUYER, id, country, tax, taxes, fee).map(|_| ())
}

pub(super) async fn set_paid(
    tx: &mut Tx,
    id: &str,
    last4: &str,
    available_ms: Option<i64>,
    card: Option<&str>,
) -> db::Result<bool> {
    execute!(tx, SET_PAID, id, last4, available_ms, card).map(|rows| rows == 1)
}

pub(super) async fn set_confirming(
    tx: &mut Tx,
    id: &str,
    last4: &str,
    card: &str,
) -> db::Result<()> {
    execute!(tx, SET_CONFIRMING, id, last4, card).map(|_| ())
}

pub(super) async fn decline(tx: &mut Tx, id: &str, last4: &str, code: &str) -> db::Result<()> {
    execute!(tx, DECLINE, id, last4, code).map(|_| ())
}

pub(super) async fn expire(tx: &mut Tx, id: &str) -> db::Result<bool> {
    execute!(tx, EXPIRE, id).map(|rows| rows == 1)
}

/// Notes a movement, and what lies on a seller's account after it. The platform's own balance is added up when it is asked for: a row
/// that every sale changed would make them wait for each other.
pub(super) async fn insert_entry(tx: &mut Tx, movement: &Movement<'_>) -> db::Result<()> {
    if movement.account != "platform" {
        execute!(tx, ADD_TO_BALANCE, movement.account, movement.amount_minor)?;
    }
    execute!(
        tx,
        INSERT_ENTRY,
        random::id(),
        movement.key,
        movement.account,
        movement.kind,
        movement.amount_minor,
        movement.reference,
        movement.operation,
        movement.now_ms
    )
    .map(|_| ())
}

pub(super) async fn has_entry(tx: &mut Tx, key: &str) -> db::Result<bool> {
    fetch!(tx, fetch_one, (i64,), HAS_ENTRY, key).map(|row| row.0 > 0)
}

pub(super) async fn find_entry_of(
    tx: &mut Tx,
    operation: &str,
    kind: &str,
) -> db::Result<Option<String>> {
    let row = fetch!(
        tx,
        fetch_optional,
        (String,),
        FIND_ENTRY_OF,
        operation,
        kind
    )?;
    Ok(row.map(|row| row.0))
}

pub(super) async fn refunded(tx: &mut Tx, payment: &str) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), REFUNDED, payment).map(|row| row.0)
}

pub(super) async fn balance(tx: &mut Tx, account: &str) -> db::Result<i64> {
    let row = fetch!(tx, fetch_optional, (i64,), BALANCE, account)?;
    Ok(row.map_or(0, |row| row.0))
}

pub(super) async fn platform_balance(tx: &mut Tx) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), PLATFORM_BALANCE).map(|row| row.0)
}

pub(super) async fn pending(tx: &mut Tx) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), PENDING).map(|row| row.0)
}

type TransactionRow = (String, String, i64, String, i64);

pub(super) async fn list_transactions(
    tx: &mut Tx,
    since_ms: i64,
) -> db::Result<Vec<TransactionRow>> {
    fetch!(tx, fetch_all, TransactionRow, LIST_TRANSACTIONS, since_ms)
}

pub(super) async fn insert_refund(
    tx: &mut Tx,
    id: &str,
    payment: &str,
    operation: &str,
    amount: i64,
    state: RefundState,
) -> db::Result<()> {
    let state = state.name();
    execute!(tx, INSERT_REFUND, id, payment, operation, amount, state).map(|_| ())
}

pub(super) async fn find_refund(tx: &mut Tx, id: &str) -> db::Result<Option<Refund>> {
    let row = fetch!(tx, fetch_optional, RefundRow, FIND_REFUND, id)?;
    Ok(row.map(|row| Refund {
        id: row.id,
        operation: Some(row.operation),
        amount_minor: row.amount_minor,
        failed: row.state == RefundState::Failed,
    }))
}

pub(super) async fn list_pending_refunds(
    tx: &mut Tx,
    limit: i64,
) -> db::Result<Vec<(String, Option<String>, i64)>> {
    fetch!(
        tx,
        fetch_all,
        (String, Option<String>, i64),
        LIST_PENDING_REFUNDS,
        limit
    )
}

pub(super) async fn set_refund(tx: &mut Tx, id: &str, state: RefundState) -> db::Result<()> {
    execute!(tx, SET_REFUND, id, state.name()).map(|_| ())
}

pub(super) async fn insert_dispute(
    tx: &mut Tx,
    id: &str,
    payment: &str,
    amount: i64,
    reason: &str,
    state: DisputeStatus,
    due_ms: i64,
) -> db::Result<()> {
    execute!(
        tx,
        INSERT_DISPUTE,
        id,
        payment,
        amount,
        reason,
        state.name(),
        due_ms
    )
    .map(|_| ())
}

pub(super) async fn find_dispute(tx: &mut Tx, id: &str) -> db::Result<Option<DisputeRow>> {
    fetch!(tx, fetch_optional, DisputeRow, FIND_DISPUTE, id)
}

pub(super) async fn list_open_disputes(tx: &mut Tx) -> db::Result<Vec<DisputeRow>> {
    fetch!(tx, fetch_all, DisputeRow, LIST_OPEN_DISPUTES)
}

pub(super) async fn count_open_disputes(tx: &mut Tx, payment: &str) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), COUNT_OPEN_DISPUTES, payment).map(|row| row.0)
}

pub(super) async fn count_disputes(tx: &mut Tx, payment: &str) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), COUNT_DISPUTES, payment).map(|row| row.0)
}

pub(super) async fn set_dispute(tx: &mut Tx, id: &str, state: DisputeStatus) -> db::Result<()> {
    execute!(tx, SET_DISPUTE, id, state.name()).map(|_| ())
}

pub(super) async fn set_dispute_fee(tx: &mut Tx, id: &str, fee: i64) -> db::Result<()> {
    execute!(tx, SET_DISPUTE_FEE, id, fee).map(|_| ())
}

pub(super) async fn escalate_dispute(tx: &mut Tx, id: &str, due_ms: i64) -> db::Result<()> {
    execute!(tx, ESCALATE_DISPUTE, id, due_ms).map(|_| ())
}

pub(super) async fn set_dispute_evidence(tx: &mut Tx, id: &str, text: &str) -> db::Result<bool> {
    execute!(tx, SET_DISPUTE_EVIDENCE, id, text).map(|rows| rows == 1)
}

pub(super) async fn dispute_sums(tx: &mut Tx, id: &str) -> db::Result<(i64, i64)> {
    fetch!(tx, fetch_one, (i64, i64), DISPUTE_SUMS, id)
}

pub(super) async fn get_account(tx: &mut Tx, person: &str) -> db::Result<String> {
    fetch!(tx, fetch_one, (String,), GET_ACCOUNT, person).map(|row| row.0)
}

pub(super) async fn find_account(
    tx: &mut Tx,
    id: &str,
) -> db::Result<Option<(bool, Option<String>, bool)>> {
    fetch!(
        tx,
        fetch_optional,
        (bool, Option<String>, bool),
        FIND_ACCOUNT,
        id
    )
}

pub(super) async fn insert_account(
    tx: &mut Tx,
    id: &str,
    person: &str,
    country: &str,
) -> db::Result<()> {
    execute!(tx, INSERT_ACCOUNT, id, person, country).map(|_| ())
}

pub(super) async fn update_account(
    tx: &mut Tx,
    id: &str,
    holder: &str,
    bank: &str,
    required: Option<&str>,
    failure: Option<&str>,
) -> db::Result<()> {
    execute!(
        tx,
        UPDATE_ACCOUNT,
        id,
        holder,
        bank,
        required,
        required.is_none(),
        failure
    )
    .map(|_| ())
}

pub(super) async fn block_account(tx: &mut Tx, id: &str) -> db::Result<()> {
    execute!(tx, BLOCK_ACCOUNT, id).map(|_| ())
}

pub(super) async fn account_ready(tx: &mut Tx, id: &str) -> db::Result<bool> {
    fetch!(tx, fetch_one, (i64,), ACCOUNT_READY, id).map(|row| row.0 > 0)
}

pub(super) async fn find_transfer_account(
    tx: &mut Tx,
    transfer: &str,
) -> db::Result<Option<String>> {
    let row = fetch!(
        tx,
        fetch_optional,
        (String,),
        FIND_TRANSFER_ACCOUNT,
        transfer
    )?;
    Ok(row.map(|row| row.0))
}

pub(super) async fn list_becoming_available(
    tx: &mut Tx,
    now_ms: i64,
    limit: i64,
) -> db::Result<Vec<String>> {
    let sql = LIST_BECOMING_AVAILABLE;
    let rows = fetch!(tx, fetch_all, (String,), sql, now_ms, limit)?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

pub(super) async fn set_available(tx: &mut Tx, id: &str) -> db::Result<()> {
    execute!(tx, SET_AVAILABLE, id).map(|_| ())
}

pub(super) async fn list_payable_accounts(
    tx: &mut Tx,
    limit: i64,
) -> db::Result<Vec<(String, i64)>> {
    fetch!(tx, fetch_all, (String, i64), LIST_PAYABLE_ACCOUNTS, limit)
}

pub(super) async fn insert_payout(
    tx: &mut Tx,
    id: &str,
    account: &str,
    amount: i64,
    arrives_ms: i64,
    now_ms: i64,
) -> db::Result<()> {
    execute!(tx, INSERT_PAYOUT, id, account, amount, arrives_ms, now_ms).map(|_| ())
}

type Arrival = (String, String, Option<String>);

pub(super) async fn list_arrived(tx: &mut Tx, now_ms: i64, limit: i64) -> db::Result<Vec<Arrival>> {
    fetch!(tx, fetch_all, Arrival, LIST_ARRIVED, now_ms, limit)
}

pub(super) async fn list_returned(
    tx: &mut Tx,
    arrived_before_ms: i64,
    limit: i64,
) -> db::Result<Vec<(String, String, String)>> {
    fetch!(
        tx,
        fetch_all,
        (String, String, String),
        LIST_RETURNED,
        arrived_before_ms,
        limit
    )
}

pub(super) async fn set_payout_paid(tx: &mut Tx, id: &str) -> db::Result<()> {
    execute!(tx, SET_PAYOUT_PAID, id).map(|_| ())
}

pub(super) async fn set_payout_failed(tx: &mut Tx, id: &str, code: &str) -> db::Result<()> {
    execute!(tx, SET_PAYOUT_FAILED, id, code).map(|_| ())
}

pub(super) async fn get_payout_amount(tx: &mut Tx, id: &str) -> db::Result<(i64, i64)> {
    fetch!(tx, fetch_one, (i64, i64), GET_PAYOUT_AMOUNT, id)
}

pub(super) async fn list_payouts(tx: &mut Tx, account: &str) -> db::Result<Vec<String>> {
    let rows = fetch!(tx, fetch_all, (String,), LIST_PAYOUTS, account)?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

pub(super) async fn find_payout(tx: &mut Tx, id: &str) -> db::Result<Option<Payout>> {
    let row = fetch!(tx, fetch_optional, PayoutRow, FIND_PAYOUT, id)?;
    Ok(row.map(|row| Payout {
        id: row.id,
        account: row.account,
        amount_minor: row.amount_minor,
        state: row.state,
        failure: row.failure,
        arrives_ms: row.arrives_ms,
    }))
}
