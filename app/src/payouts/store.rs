//! SQL of payees, earnings and payout decisions.

use super::service::{Decision, EarningLine, Sale, Transfer};
use crate::db::{self, Tx, execute, fetch, statements};

macro_rules! earnings {
    ($where:literal) => {
        concat!(
            "select purchase_line.id, purchase_line.payee_id, purchase_line.payee_minor, coalesce(purchase_line.paid_ms, 0) as paid_ms,
                purchase_line.opened_ms
            from purchase_line
            where ",
            $where
        )
    };
}

statements! {
    LIST_BY_EARNING = earnings!("purchase_line.earning = $1 order by purchase_line.id");
    LIST_OF_PAYEE = earnings!("purchase_line.payee_id = $1 and purchase_line.earning = $2 order by purchase_line.id");
    LIST_SALES = "select purchase_line.id, purchase_line.paid_ms, listing.title, listing.slug, purchase_line.price_minor, purchase_line.share_bp,
            purchase_line.share_fixed_minor, purchase_line.share_minor, purchase_line.payee_minor, purchase_line.refunded_minor, purchase_line.opened_ms,
            case when purchase_line.state = 'refunded' then 'refunded' else purchase_line.earning end as state
        from purchase_line join listing on listing.id = purchase_line.listing_id
        where purchase_line.payee_id = $1 and purchase_line.paid_ms >= $2
            and ($3 = '' or $3 = case when purchase_line.state = 'refunded' then 'refunded' else purchase_line.earning end)
        order by purchase_line.paid_ms desc, purchase_line.id limit $4";
    LIST_PAYEES = "select distinct payee_id from purchase_line where earning in ('held', 'available') order by payee_id";
    MOVE_EARNING = "update purchase_line set earning = $3 where id = $1 and earning = $2";
    UPSERT_PAYEE = "insert into payee (person_id, provider_account, ready, created_ms) values ($1, $2, $3, $4)
        on conflict (person_id) do update set provider_account = excluded.provider_account, ready = excluded.ready";
    FIND_ACCOUNT = "select provider_account, ready from payee where person_id = $1";
    LIST_ACCOUNTS = "select person_id, provider_account from payee order by person_id";
    GET_PERSON = "select person_id from payee where provider_account = $1";
    INSERT_DECISION = "insert into payout_decision (id, person_id, decided_ms, amount_minor, outcome, until_ms) values ($1, $2, $3, $4, $5, $6)";
    LIST_DECISIONS = "select id, decided_ms, amount_minor, outcome, until_ms from payout_decision where person_id = $1 order by decided_ms desc, id desc limit $2";
    FIND_DECISION = "select id, decided_ms, amount_minor, outcome, until_ms from payout_decision where person_id = $1 and id = $2";
    LIST_TRANSFERS = "select listing.title, coalesce(purchase_line.paid_ms, 0) as paid_ms, purchase_line.price_minor, purchase_line.share_minor, outbound_op.amount, outbound_op.state
        from outbound_op
        join purchase_line on purchase_line.id = outbound_op.order_line
        join listing on listing.id = purchase_line.listing_id
        where outbound_op.decision_id = $1 and outbound_op.kind = 'transfer'
        order by purchase_line.paid_ms, outbound_op.id";
    LAST_PAID = "select max(decided_ms) from payout_decision where person_id = $1 and outcome = 'paid'";
    FIRST_EARNED = "select min(paid_ms) from purchase_line where payee_id = $1";
}

pub(super) async fn list_by_earning(tx: &mut Tx, earning: &str) -> db::Result<Vec<EarningLine>> {
    fetch!(tx, fetch_all, EarningLine, LIST_BY_EARNING, earning)
}

pub(super) async fn list_of_payee(
    tx: &mut Tx,
    payee: &str,
    earning: &str,
) -> db::Result<Vec<EarningLine>> {
    fetch!(tx, fetch_all, EarningLine, LIST_OF_PAYEE, payee, earning)
}

pub(super) async fn list_sales(
    tx: &mut Tx,
    payee: &str,
    since_ms: i64,
    state: &str,
    limit: i64,
) -> db::Result<Vec<Sale>> {
    fetch!(
        tx, fetch_all, Sale, LIST_SALES, payee, since_ms, state, limit
    )
}

pub(super) async fn list_payees_with_earnings(tx: &mut Tx) -> db::Result<Vec<String>> {
    Ok(fetch!(tx, fetch_all, (String,), LIST_PAYEES)?
        .into_iter()
        .map(|row| row.0)
        .collect())
}

pub(super) async fn move_earning(
    tx: &mut Tx,
    line: &str,
    from: &str,
    to: &str,
) -> db::Result<bool> {
    execute!(tx, MOVE_EARNING, line, from, to).map(|rows| rows == 1)
}

pub(super) async fn upsert_payee(
    tx: &mut Tx,
    person: &str,
    account: &str,
    ready: bool,
    now_ms: i64,
) -> db::Result<()> {
    execute!(tx, UPSERT_PAYEE, person, account, ready, now_ms).map(|_| ())
}

pub(super) async fn find_account(tx: &mut Tx, person: &str) -> db::Result<Option<(String, bool)>> {
    fetch!(tx, fetch_optional, (String, bool), FIND_ACCOUNT, person)
}

pub(super) async fn find_ready_account(tx: &mut Tx, person: &str) -> db::Result<Option<String>> {
    Ok(find_account(tx, person)
        .await?
        .filter(|(_, ready)| *ready)
        .map(|(account, _)| account))
}

pub(super) async fn list_accounts(tx: &mut Tx) -> db::Result<Vec<(String, String)>> {
    fetch!(tx, fetch_all, (String, String), LIST_ACCOUNTS)
}

pub(super) async fn get_person_of_account(tx: &mut Tx, account: &str) -> db::Result<String> {
    fetch!(tx, fetch_one, (String,), GET_PERSON, account).map(|row| row.0)
}

pub(super) async fn insert_decision(
    tx: &mut Tx,
    id: &str,
    person: &str,
    now_ms: i64,
    amount: i64,
    outcome: &str,
    until_ms: Option<i64>,
) -> db::Result<()> {
    execute!(
        tx,
        INSERT_DECISION,
        id,
        person,
        now_ms,
        amount,
        outcome,
        until_ms
    )
    .map(|_| ())
}

pub(super) async fn list_decisions(
    tx: &mut Tx,
    person: &str,
    limit: i64,
) -> db::Result<Vec<Decision>> {
    fetch!(tx, fetch_all, Decision, LIST_DECISIONS, person, limit)
}

pub(super) async fn find_decision(
    tx: &mut Tx,
    person: &str,
    id: &str,
) -> db::Result<Option<Decision>> {
    fetch!(tx, fetch_optional, Decision, FIND_DECISION, person, id)
}

pub(super) async fn list_transfers(tx: &mut Tx, decision: &str) -> db::Result<Vec<Transfer>> {
    fetch!(tx, fetch_all, Transfer, LIST_TRANSFERS, decision)
}

pub(super) async fn last_paid_ms(tx: &mut Tx, person: &str) -> db::Result<Option<i64>> {
    fetch!(tx, fetch_one, (Option<i64>,), LAST_PAID, person).map(|row| row.0)
}

pub(super) async fn first_earned_ms(tx: &mut Tx, person: &str) -> db::Result<Option<i64>> {
    fetch!(tx, fetch_one, (Option<i64>,), FIRST_EARNED, person).map(|row| row.0)
}
