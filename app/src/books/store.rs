//! SQL of the books.

use super::service::{Entry, Movement};
use crate::db::{self, Tx, execute, fetch, statements};

statements! {
    INSERT_JOURNAL = "insert into journal (id, idem_key, fingerprint, kind, source, occurred_ms, recorded_ms)
        values ($1, $2, $3, $4, $5, $6, $7) on conflict (idem_key) do nothing";
    FIND_FINGERPRINT = "select fingerprint from journal where idem_key = $1";
    INSERT_ACCOUNT = "insert into account (id, kind, owner, currency, normal, floor) values ($1, $2, $3, $4, $5, $6)
        on conflict (kind, owner, currency) do nothing";
    FIND_ACCOUNT = "select id from account where kind = $1 and owner = $2 and currency = $3";
    ADD = "update account set posted = posted + $2 where id = $1";
    INSERT_POSTING = "insert into posting (journal_id, idx, account_id, currency, amount, order_line) values ($1, $2, $3, $4, $5, $6)";
    INSERT_SEAL = "insert into seal (journal_id) values ($1)";
    POSTED = "select posted from account where kind = $1 and owner = $2 and currency = $3";
    MOVEMENTS = "select journal.kind, account.kind as account, posting.amount * account.normal as amount, posting.order_line, journal.occurred_ms
        from posting
        join journal on journal.id = posting.journal_id
        join account on account.id = posting.account_id
        where account.owner = $1
        order by journal.occurred_ms desc, journal.id desc, posting.idx
        limit $2";
    FIND_UNBALANCED = "select journal_id, cast(sum(amount) as bigint) from posting group by journal_id, currency
        having sum(amount) <> 0 order by journal_id limit 1";
    FIND_UNSEALED = "select id from journal where not exists (select 1 from seal where seal.journal_id = journal.id) order by id limit 1";
    FIND_DRIFT = "select account.kind, account.owner, account.posted, cast(coalesce(sum(posting.amount), 0) as bigint)
        from account left join posting on posting.account_id = account.id
        group by account.id, account.kind, account.owner, account.posted
        having account.posted <> coalesce(sum(posting.amount), 0)
        order by account.kind, account.owner limit 1";
    COUNT = "select count(*) from journal";
}

pub(super) async fn insert_journal(
    tx: &mut Tx,
    id: &str,
    entry: &Entry,
    fingerprint: &str,
    recorded_ms: i64,
) -> db::Result<bool> {
    let rows = execute!(
        tx,
        INSERT_JOURNAL,
        id,
        &entry.key,
        fingerprint,
        entry.kind,
        &entry.source,
        entry.occurred_ms,
        recorded_ms
    )?;
    Ok(rows == 1)
}

pub(super) async fn find_fingerprint(tx: &mut Tx, key: &str) -> db::Result<Option<String>> {
    Ok(fetch!(tx, fetch_optional, (String,), FIND_FINGERPRINT, key)?.map(|row| row.0))
}

pub(super) async fn ensure_account(
    tx: &mut Tx,
    id: &str,
    kind: &str,
    owner: &str,
    currency: &str,
    normal: i64,
    floor: Option<i64>,
) -> db::Result<String> {
    execute!(tx, INSERT_ACCOUNT, id, kind, owner, currency, normal, floor)?;
    fetch!(
        tx,
        fetch_one,
        (String,),
        FIND_ACCOUNT,
        kind,
        owner,
        currency
    )
    .map(|row| row.0)
}

pub(super) async fn add(tx: &mut Tx, account: &str, amount: i64) -> db::Result<()> {
    execute!(tx, ADD, account, amount).map(|_| ())
}

pub(super) async fn insert_posting(
    tx: &mut Tx,
    journal: &str,
    idx: i64,
    account: &str,
    currency: &str,
    amount: i64,
    line: Option<&str>,
) -> db::Result<()> {
    execute!(
        tx,
        INSERT_POSTING,
        journal,
        idx,
        account,
        currency,
        amount,
        line
    )
    .map(|_| ())
}

pub(super) async fn insert_seal(tx: &mut Tx, journal: &str) -> db::Result<()> {
    execute!(tx, INSERT_SEAL, journal).map(|_| ())
}

pub(super) async fn posted(
    tx: &mut Tx,
    kind: &str,
    owner: &str,
    currency: &str,
) -> db::Result<i64> {
    Ok(fetch!(tx, fetch_optional, (i64,), POSTED, kind, owner, currency)?.map_or(0, |row| row.0))
}

pub(super) async fn movements(tx: &mut Tx, owner: &str, limit: i64) -> db::Result<Vec<Movement>> {
    fetch!(tx, fetch_all, Movement, MOVEMENTS, owner, limit)
}

pub(super) async fn find_unbalanced(tx: &mut Tx) -> db::Result<Option<(String, i64)>> {
    fetch!(tx, fetch_optional, (String, i64), FIND_UNBALANCED)
}

pub(super) async fn find_unsealed(tx: &mut Tx) -> db::Result<Option<String>> {
    Ok(fetch!(tx, fetch_optional, (String,), FIND_UNSEALED)?.map(|row| row.0))
}

pub(super) async fn find_drift(tx: &mut Tx) -> db::Result<Option<(String, String, i64, i64)>> {
    fetch!(tx, fetch_optional, (String, String, i64, i64), FIND_DRIFT)
}

pub(super) async fn count(tx: &mut Tx) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), COUNT).map(|row| row.0)
}
