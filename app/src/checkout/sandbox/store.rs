//! SQL of the sandbox provider's own books.

use super::Payment;
use crate::db::{self, Tx, execute, fetch, statements};

statements! {
    INSERT_PAYMENT = "insert into sandbox_payment (id, order_id, amount_minor, state, fee_minor, created_ms) values ($1, $2, $3, 'open', $4, $5)
        on conflict (order_id) where state in ('open', 'confirming', 'paid') do nothing";
    FIND_BY_ORDER = "select id from sandbox_payment where order_id = $1 and state in ('open', 'confirming', 'paid')";
    FIND_PAYMENT = "select id, order_id, amount_minor, state, card_last4, decline_code, fee_minor, available_ms from sandbox_payment where id = $1";
    SET_PAID = "update sandbox_payment set state = 'paid', card_last4 = $2, decline_code = null, available_ms = $3
        where id = $1 and state in ('open', 'confirming')";
    SET_CONFIRMING = "update sandbox_payment set state = 'confirming', card_last4 = $2, decline_code = null where id = $1 and state = 'open'";
    DECLINE = "update sandbox_payment set state = 'open', card_last4 = $2, decline_code = $3 where id = $1 and state in ('open', 'confirming')";
    INSERT_ENTRY = "insert into sandbox_entry (id, idem_key, account, kind, amount_minor, ref, created_ms) values ($1, $2, $3, $4, $5, $6, $7)";
    HAS_ENTRY = "select count(*) from sandbox_entry where idem_key = $1";
    REFUNDED = "select cast(coalesce(-sum(amount_minor), 0) as bigint) from sandbox_entry where kind = 'refund' and ref = $1";
    BALANCE = "select cast(coalesce(sum(amount_minor), 0) as bigint) from sandbox_entry where account = $1";
    INSERT_EVENT = "insert into provider_event (id, type, object_id, created_ms, received_ms, state) values ($1, $2, $3, $4, $5, 'received')
        on conflict (id) do nothing";
    FIND_ACCOUNT = "select id from sandbox_account where person_id = $1";
    INSERT_ACCOUNT = "insert into sandbox_account (id, person_id, ready) values ($1, $2, false)
        on conflict (person_id) do nothing";
    UPDATE_ACCOUNT = "update sandbox_account set holder = $2, bank = $3, requirement = $4, ready = $5 where id = $1";
    ACCOUNT_READY = "select count(*) from sandbox_account where id = $1 and ready";
    LIST_BECOMING_AVAILABLE = "select id from sandbox_payment where state = 'paid' and available_ms <= $1 order by id";
    SET_AVAILABLE = "update sandbox_payment set available_ms = null where id = $1";
    LIST_ACCOUNT_BALANCES = "select account, cast(sum(amount_minor) as bigint) from sandbox_entry where account <> 'platform'
        group by account having sum(amount_minor) > 0 order by account";
    INSERT_PAYOUT = "insert into sandbox_payout (id, account, amount_minor, state, arrives_ms, created_ms) values ($1, $2, $3, 'pending', $4, $5)";
    LIST_ARRIVED = "select id from sandbox_payout where state = 'pending' and arrives_ms <= $1 order by id";
    SET_PAYOUT_PAID = "update sandbox_payout set state = 'paid' where id = $1";
    GET_PAYOUT = "select account, amount_minor from sandbox_payout where id = $1";
    ACCOUNT_TOTALS = "select cast(coalesce(sum(case when state = 'pending' then amount_minor else 0 end), 0) as bigint),
            cast(coalesce(sum(case when state = 'paid' then amount_minor else 0 end), 0) as bigint)
        from sandbox_payout where account = $1";
}

pub(super) async fn insert_payment(
    tx: &mut Tx,
    id: &str,
    order: &str,
    amount: i64,
    fee: i64,
    now_ms: i64,
) -> db::Result<()> {
    execute!(tx, INSERT_PAYMENT, id, order, amount, fee, now_ms).map(|_| ())
}

pub(super) async fn find_by_order(tx: &mut Tx, order: &str) -> db::Result<String> {
    fetch!(tx, fetch_one, (String,), FIND_BY_ORDER, order).map(|row| row.0)
}

pub(super) async fn find_payment(tx: &mut Tx, id: &str) -> db::Result<Option<Payment>> {
    fetch!(tx, fetch_optional, Payment, FIND_PAYMENT, id)
}

pub(super) async fn set_paid(
    tx: &mut Tx,
    id: &str,
    last4: &str,
    available_ms: i64,
) -> db::Result<bool> {
    execute!(tx, SET_PAID, id, last4, available_ms).map(|rows| rows == 1)
}

pub(super) async fn set_confirming(tx: &mut Tx, id: &str, last4: &str) -> db::Result<()> {
    execute!(tx, SET_CONFIRMING, id, last4).map(|_| ())
}

pub(super) async fn decline(tx: &mut Tx, id: &str, last4: &str, code: &str) -> db::Result<()> {
    execute!(tx, DECLINE, id, last4, code).map(|_| ())
}

#[allow(clippy::too_many_arguments, reason = "one bind per column")]
pub(super) async fn insert_entry(
    tx: &mut Tx,
    id: &str,
    key: &str,
    account: &str,
    kind: &str,
    amount: i64,
    reference: &str,
    now_ms: i64,
) -> db::Result<()> {
    execute!(
        tx,
        INSERT_ENTRY,
        id,
        key,
        account,
        kind,
        amount,
        reference,
        now_ms
    )
    .map(|_| ())
}

pub(super) async fn has_entry(tx: &mut Tx, key: &str) -> db::Result<bool> {
    fetch!(tx, fetch_one, (i64,), HAS_ENTRY, key).map(|row| row.0 > 0)
}

pub(super) async fn refunded(tx: &mut Tx, payment: &str) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), REFUNDED, payment).map(|row| row.0)
}

pub(super) async fn balance(tx: &mut Tx, account: &str) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), BALANCE, account).map(|row| row.0)
}

pub(super) async fn insert_event(
    tx: &mut Tx,
    id: &str,
    kind: &str,
    object: &str,
    now_ms: i64,
    received_ms: i64,
) -> db::Result<bool> {
    execute!(tx, INSERT_EVENT, id, kind, object, now_ms, received_ms).map(|rows| rows == 1)
}

pub(super) async fn get_account(tx: &mut Tx, person: &str) -> db::Result<String> {
    fetch!(tx, fetch_one, (String,), FIND_ACCOUNT, person).map(|row| row.0)
}

pub(super) async fn insert_account(tx: &mut Tx, id: &str, person: &str) -> db::Result<()> {
    execute!(tx, INSERT_ACCOUNT, id, person).map(|_| ())
}

pub(super) async fn update_account(
    tx: &mut Tx,
    id: &str,
    holder: &str,
    bank: &str,
    required: Option<&str>,
) -> db::Result<()> {
    execute!(
        tx,
        UPDATE_ACCOUNT,
        id,
        holder,
        bank,
        required,
        required.is_none()
    )
    .map(|_| ())
}

pub(super) async fn account_ready(tx: &mut Tx, id: &str) -> db::Result<bool> {
    fetch!(tx, fetch_one, (i64,), ACCOUNT_READY, id).map(|row| row.0 > 0)
}

pub(super) async fn list_becoming_available(tx: &mut Tx, now_ms: i64) -> db::Result<Vec<String>> {
    Ok(
        fetch!(tx, fetch_all, (String,), LIST_BECOMING_AVAILABLE, now_ms)?
            .into_iter()
            .map(|row| row.0)
            .collect(),
    )
}

pub(super) async fn set_available(tx: &mut Tx, id: &str) -> db::Result<()> {
    execute!(tx, SET_AVAILABLE, id).map(|_| ())
}

pub(super) async fn list_account_balances(tx: &mut Tx) -> db::Result<Vec<(String, i64)>> {
    fetch!(tx, fetch_all, (String, i64), LIST_ACCOUNT_BALANCES)
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

pub(super) async fn list_arrived(tx: &mut Tx, now_ms: i64) -> db::Result<Vec<String>> {
    Ok(fetch!(tx, fetch_all, (String,), LIST_ARRIVED, now_ms)?
        .into_iter()
        .map(|row| row.0)
        .collect())
}

pub(super) async fn set_payout_paid(tx: &mut Tx, id: &str) -> db::Result<()> {
    execute!(tx, SET_PAYOUT_PAID, id).map(|_| ())
}

pub(super) async fn get_payout(tx: &mut Tx, id: &str) -> db::Result<(String, i64)> {
    fetch!(tx, fetch_one, (String, i64), GET_PAYOUT, id)
}

pub(super) async fn account_totals(tx: &mut Tx, account: &str) -> db::Result<(i64, i64)> {
    fetch!(tx, fetch_one, (i64, i64), ACCOUNT_TOTALS, account)
}
