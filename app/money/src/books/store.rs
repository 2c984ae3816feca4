//! SQL of the books.

use super::entry::Entry;
use base::db::{self, Tx, execute, fetch, statements};

/// What moved on a seller's account on one day, on its normal side.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Day {
    /// Days since 1970, business time.
    pub day: i64,
    /// Account kind.
    pub account: String,
    /// Minor units.
    pub amount: i64,
}

/// One booked movement of a seller's accounts.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Movement {
    /// Kind of the entry.
    pub kind: String,
    /// Account kind.
    pub account: String,
    /// Minor units on the account's normal side.
    pub amount: i64,
    /// The order line.
    pub order_line: Option<String>,
    /// Business time.
    pub occurred_ms: i64,
}

/// A movement at the provider that nobody could explain yet.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Unexplained {
    /// The provider's object.
    pub source: String,
    pub occurred_ms: i64,
    /// Minor units, debit positive: what the provider took.
    pub amount: i64,
}

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
    /// The newest of each account are read and no more, however many there are: ids of entries ascend.
    MOVEMENTS = "select journal.kind, account.kind as account, posting.amount * account.normal as amount, posting.order_line, journal.occurred_ms
        from account
        join posting on posting.account_id = account.id
            and posting.journal_id >= (select min(newest.journal_id) from (select other.journal_id from posting other
                where other.account_id = account.id order by other.journal_id desc limit $2) newest)
        join journal on journal.id = posting.journal_id
        where account.owner = $1
        order by journal.occurred_ms desc, journal.id desc, posting.idx
        limit $2";
    // What a person paid out by hand leaves our bank: a credit there, and the creator's.
    DAYS = "select account_day.day, account.kind as account,
            case when account.kind = 'bank:operating' then -account_day.amount else account_day.amount * account.normal end as amount
        from account
        join account_day on account_day.account_id = account.id
        where account.owner = $1 and account.kind in ('seller:held', 'seller:frozen', 'seller:available', 'transit:transfer', 'transit:manual', 'connected:balance', 'connected:paid_out', 'bank:operating')
        order by account_day.day, account.kind";
    FIND_UNBALANCED = "select journal_id, cast(sum(amount) as bigint) from posting group by journal_id, currency
        having sum(amount) <> 0 order by journal_id limit 1";
    FIND_UNSEALED = "select id from journal where not exists (select 1 from seal where seal.journal_id = journal.id) order by id limit 1";
    FIND_DRIFT = "select account.kind, account.owner, account.posted, cast(coalesce(sum(posting.amount), 0) as bigint)
        from account left join posting on posting.account_id = account.id
        group by account.id, account.kind, account.owner, account.posted
        having account.posted <> coalesce(sum(posting.amount), 0)
        order by account.kind, account.owner limit 1";
    FIND_DAY_DRIFT = "select account.kind, account.owner, cast(sum(moved.amount) as bigint)
        from (select account_id, day, amount from account_day
            union all select posting.account_id, journal.occurred_ms / $1, -posting.amount from posting
            join journal on journal.id = posting.journal_id) moved
        join account on account.id = moved.account_id
        group by account.kind, account.owner, moved.day
        having sum(moved.amount) <> 0 order by account.kind, account.owner limit 1";
    FIND_BELOW_FLOOR = "select kind, owner, normal * posted from account where floor is not null and normal * posted < floor order by kind, owner limit 1";
    // What was booked as going back to the buyer, against what the line says. A lost dispute of the seller's is one way back.
    FIND_REFUND_DRIFT = "select purchase_line.id, purchase_line.refunded_minor + purchase_line.refunded_tax_minor - purchase_line.refunded_promotion_minor,
            cast(coalesce(sum(booked.amount), 0) as bigint)
        from purchase_line
        left join (select posting.order_line, -posting.amount as amount from posting
            join account on account.id = posting.account_id and account.kind in ('transit:refund', 'dispute:held')
            join journal on journal.id = posting.journal_id and journal.kind in ('refund planned', 'refund rejected', 'dispute lost')
            where posting.order_line is not null) booked on booked.order_line = purchase_line.id
        group by purchase_line.id, purchase_line.refunded_minor, purchase_line.refunded_tax_minor, purchase_line.refunded_promotion_minor
        having purchase_line.refunded_minor + purchase_line.refunded_tax_minor - purchase_line.refunded_promotion_minor <> coalesce(sum(booked.amount), 0)
        order by purchase_line.id limit 1";
    // A line's earnings lie in one place: what is not held any more has left nothing there.
    FIND_HELD_DRIFT = "select purchase_line.id, purchase_line.earning, cast(coalesce(sum(-held.amount), 0) as bigint)
        from purchase_line
        left join (select posting.order_line, posting.amount from posting
            join account on account.id = posting.account_id and account.kind = 'seller:held') held on held.order_line = purchase_line.id
        group by purchase_line.id, purchase_line.earning, purchase_line.payee_minor, purchase_line.payee_borne_minor, purchase_line.frozen_minor
        having coalesce(sum(-held.amount), 0) <>
            case when purchase_line.earning = 'held' then purchase_line.payee_minor - purchase_line.payee_borne_minor - purchase_line.frozen_minor else 0 end
        order by purchase_line.id limit 1";
    FIND_FROZEN_DRIFT = "select purchase_line.id, purchase_line.frozen_minor, cast(coalesce(sum(-frozen.amount), 0) as bigint)
        from purchase_line
        left join (select posting.order_line, posting.amount from posting
            join account on account.id = posting.account_id and account.kind = 'seller:frozen') frozen on frozen.order_line = purchase_line.id
        group by purchase_line.id, purchase_line.frozen_minor
        having coalesce(sum(-frozen.amount), 0) <> purchase_line.frozen_minor order by purchase_line.id limit 1";
    // What a bank took lies with its dispute until that is decided.
    FIND_DISPUTE_DRIFT = "select dispute.id, dispute.state, cast(coalesce(sum(held.amount), 0) as bigint)
        from dispute
        left join (select journal.source, posting.amount from posting
            join account on account.id = posting.account_id and account.kind = 'dispute:held'
            join journal on journal.id = posting.journal_id) held on held.source = dispute.id
        group by dispute.id, dispute.state, dispute.amount_minor
        having coalesce(sum(held.amount), 0) <> case when dispute.state = 'withdrawn' then dispute.amount_minor else 0 end
        order by dispute.id limit 1";
    FIND_OVERPAID_LINE = "select purchase_line.id, purchase_line.payee_minor, cast(sum(moved.amount) as bigint)
        from purchase_line
        join (select posting.order_line, posting.amount from posting
            join account on account.id = posting.account_id and account.kind = 'seller:available'
            join journal on journal.id = posting.journal_id
                and journal.kind in ('transfer planned', 'transfer rejected', 'manual planned', 'manual cancelled', 'manual returned')) moved
            on moved.order_line = purchase_line.id
        group by purchase_line.id, purchase_line.payee_minor
        having sum(moved.amount) > purchase_line.payee_minor order by purchase_line.id limit 1";
    // Money in transit is the sum of calls whose outcome is not known.
    FIND_TRANSIT_DRIFT = "select account.kind, account.owner, -account.posted, cast(coalesce(sum(op.amount), 0) as bigint)
        from account
        left join outbound_op op on op.state in ('planned', 'sent', 'unknown') and (
            (account.kind = 'transit:transfer' and op.kind = 'transfer' and op.payee = account.owner)
            or (account.kind = 'transit:manual' and op.kind = 'manual' and op.payee = account.owner)
            or (account.kind = 'transit:refund' and op.kind = 'refund' and op.provider = account.owner))
        where account.kind in ('transit:transfer', 'transit:refund', 'transit:manual')
        group by account.id, account.kind, account.owner, account.posted
        having -account.posted <> coalesce(sum(op.amount), 0) order by account.kind, account.owner limit 1";
    PAID_BY_HAND = "select cast(coalesce(-sum(posted), 0) as bigint) from account where kind = 'bank:operating' and owner = $1";
    PROCESSOR_SUMS = "select coalesce(op.provider_ref, journal.source) as object, cast(sum(posting.amount) as bigint) as amount
        from posting
        join account on account.id = posting.account_id and account.kind in ('processor:pending', 'processor:available') and account.owner = $1
        join journal on journal.id = posting.journal_id
        left join outbound_op op on op.id = journal.source
        group by coalesce(op.provider_ref, journal.source) order by 1";
    FIND_CONNECTED_DRIFT = "select owner, cast(sum(posted) as bigint) from account where kind in ('connected:balance', 'connected:paid_out', 'connected:funded')
        group by owner having sum(posted) <> 0 order by owner limit 1";
    // Through the provider and by hand together.
    FIND_OVERPAID_PAYEE = "select paid.owner, paid.amount, cast(coalesce(earned.amount, 0) as bigint)
        from (select account.owner, cast(-sum(account.posted) as bigint) as amount from account
            where account.kind = 'connected:funded'
                or (account.kind = 'bank:operating' and exists (select 1 from person where person.id = account.owner))
            group by account.owner) paid
        left join (select purchase_line.payee_id, -sum(posting.amount) as amount from posting
            join purchase_line on purchase_line.id = posting.order_line
            join account on account.id = posting.account_id and account.kind = 'seller:held'
            join journal on journal.id = posting.journal_id and journal.kind = 'sale'
            group by purchase_line.payee_id) earned on earned.payee_id = paid.owner
        where paid.amount > coalesce(earned.amount, 0) order by paid.owner limit 1";
    LIST_SUSPENSE = "select journal.source, max(journal.occurred_ms) as occurred_ms, cast(sum(posting.amount) as bigint) as amount from posting
        join account on account.id = posting.account_id and account.kind = 'suspense' and account.owner = $1
        join journal on journal.id = posting.journal_id
        group by journal.source having sum(posting.amount) <> 0
        order by max(journal.occurred_ms) desc, journal.source";
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

pub(super) async fn days(tx: &mut Tx, person: &str) -> db::Result<Vec<Day>> {
    fetch!(tx, fetch_all, Day, DAYS, person)
}

pub(super) async fn find_day_drift(tx: &mut Tx) -> Difference<String> {
    let day_ms = base::clock::DAY_MS;
    fetch!(
        tx,
        fetch_optional,
        (String, String, i64),
        FIND_DAY_DRIFT,
        day_ms
    )
}

type Difference<A> = db::Result<Option<(String, A, i64)>>;

pub(super) async fn find_below_floor(tx: &mut Tx) -> Difference<String> {
    fetch!(tx, fetch_optional, (String, String, i64), FIND_BELOW_FLOOR)
}

pub(super) async fn find_refund_drift(tx: &mut Tx) -> Difference<i64> {
    fetch!(tx, fetch_optional, (String, i64, i64), FIND_REFUND_DRIFT)
}

pub(super) async fn find_held_drift(tx: &mut Tx) -> Difference<String> {
    fetch!(tx, fetch_optional, (String, String, i64), FIND_HELD_DRIFT)
}

pub(super) async fn find_frozen_drift(tx: &mut Tx) -> Difference<i64> {
    fetch!(tx, fetch_optional, (String, i64, i64), FIND_FROZEN_DRIFT)
}

pub(super) async fn find_dispute_drift(tx: &mut Tx) -> Difference<String> {
    fetch!(
        tx,
        fetch_optional,
        (String, String, i64),
        FIND_DISPUTE_DRIFT
    )
}

pub(super) async fn paid_by_hand(tx: &mut Tx, person: &str) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), PAID_BY_HAND, person).map(|row| row.0)
}

pub(super) async fn processor_sums(tx: &mut Tx, provider: &str) -> db::Result<Vec<(String, i64)>> {
    fetch!(tx, fetch_all, (String, i64), PROCESSOR_SUMS, provider)
}

pub(super) async fn find_overpaid_line(tx: &mut Tx) -> Difference<i64> {
    fetch!(tx, fetch_optional, (String, i64, i64), FIND_OVERPAID_LINE)
}

pub(super) async fn find_transit_drift(
    tx: &mut Tx,
) -> db::Result<Option<(String, String, i64, i64)>> {
    fetch!(
        tx,
        fetch_optional,
        (String, String, i64, i64),
        FIND_TRANSIT_DRIFT
    )
}

pub(super) async fn find_connected_drift(tx: &mut Tx) -> db::Result<Option<(String, i64)>> {
    fetch!(tx, fetch_optional, (String, i64), FIND_CONNECTED_DRIFT)
}

pub(super) async fn find_overpaid_payee(tx: &mut Tx) -> Difference<i64> {
    fetch!(tx, fetch_optional, (String, i64, i64), FIND_OVERPAID_PAYEE)
}

pub(super) async fn list_suspense(tx: &mut Tx, provider: &str) -> db::Result<Vec<Unexplained>> {
    fetch!(tx, fetch_all, Unexplained, LIST_SUSPENSE, provider)
}
