//! SQL of the exports.

use base::clock::DAY_MS;
use base::db::{self, Tx, fetch, statements};

statements! {
    /// Free lines have no postings and stay out.
    LINES = "select purchase_line.id as line, person.handle, coalesce(payee.country, '') as country, coalesce(purchase.country, '') as buyer_country,
            listing.slug as listing, coalesce(purchase_line.paid_ms, 0) as sold_ms, journal.occurred_ms / $3 as day, account.kind as account, journal.kind,
            cast(sum(posting.amount) as bigint) as amount
        from posting
        join journal on journal.id = posting.journal_id and journal.occurred_ms >= $1 and journal.occurred_ms < $2
        join account on account.id = posting.account_id
        join purchase_line on purchase_line.id = posting.order_line
        join purchase on purchase.id = purchase_line.purchase_id
        join listing on listing.id = purchase_line.listing_id
        join person on person.id = purchase_line.payee_id and ($4 = '' or person.handle = $4)
        left join payee on payee.person_id = person.id
        group by purchase_line.id, person.handle, payee.country, purchase.country, listing.slug, purchase_line.paid_ms, journal.occurred_ms / $3, account.kind, journal.kind
        order by purchase_line.paid_ms, purchase_line.id, day, account.kind, journal.kind";
    PAID = "select '' as line, person.handle, coalesce(payee.country, '') as country, '' as buyer_country, '' as listing, cast(0 as bigint) as sold_ms,
            journal.occurred_ms / $3 as day, account.kind as account, journal.kind, cast(sum(posting.amount) as bigint) as amount
        from posting
        join journal on journal.id = posting.journal_id and journal.occurred_ms >= $1 and journal.occurred_ms < $2
        join account on account.id = posting.account_id and account.kind in ('connected:paid_out', 'bank:operating')
        join person on person.id = account.owner and ($4 = '' or person.handle = $4)
        left join payee on payee.person_id = person.id
        group by person.handle, payee.country, journal.occurred_ms / $3, account.kind, journal.kind
        order by person.handle, day, account.kind, journal.kind";
    JOURNAL = "select journal.id, journal.occurred_ms, journal.kind, journal.source, account.kind as account, account.owner, posting.amount,
            coalesce(posting.order_line, '') as line
        from posting
        join journal on journal.id = posting.journal_id and journal.occurred_ms >= $1 and journal.occurred_ms < $2
        join account on account.id = posting.account_id
        order by journal.occurred_ms, journal.id, posting.idx";
    BALANCES = "select account.kind as account, account.owner, cast(coalesce(sum(posting.amount), 0) as bigint) as amount
        from account
        join posting on posting.account_id = account.id
        join journal on journal.id = posting.journal_id and journal.occurred_ms < $1
        group by account.kind, account.owner
        having sum(posting.amount) <> 0
        order by account.kind, account.owner";
    SPAN = "select (select min(occurred_ms) from journal), (select max(occurred_ms) from journal)";
}

/// A sum of postings of one line (or of none), day, account and kind of entry.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Sum {
    pub(super) line: String,
    pub(super) handle: String,
    pub(super) country: String,
    pub(super) buyer_country: String,
    pub(super) listing: String,
    pub(super) sold_ms: i64,
    pub(super) day: i64,
    pub(super) account: String,
    pub(super) kind: String,
    pub(super) amount: i64,
}

#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct JournalRow {
    pub(super) id: String,
    pub(super) occurred_ms: i64,
    pub(super) kind: String,
    pub(super) source: String,
    pub(super) account: String,
    pub(super) owner: String,
    pub(super) amount: i64,
    pub(super) line: String,
}

/// Of one creator by handle, or of all for an empty one.
pub(super) async fn list_lines(
    tx: &mut Tx,
    (from_ms, to_ms): (i64, i64),
    creator: &str,
) -> db::Result<Vec<Sum>> {
    fetch!(tx, fetch_all, Sum, LINES, from_ms, to_ms, DAY_MS, creator)
}

/// Of one creator by handle, or of all for an empty one.
pub(super) async fn list_paid(
    tx: &mut Tx,
    (from_ms, to_ms): (i64, i64),
    creator: &str,
) -> db::Result<Vec<Sum>> {
    fetch!(tx, fetch_all, Sum, PAID, from_ms, to_ms, DAY_MS, creator)
}

pub(super) async fn list_journal(
    tx: &mut Tx,
    from_ms: i64,
    to_ms: i64,
) -> db::Result<Vec<JournalRow>> {
    fetch!(tx, fetch_all, JournalRow, JOURNAL, from_ms, to_ms)
}

pub(super) async fn list_balances(
    tx: &mut Tx,
    before_ms: i64,
) -> db::Result<Vec<(String, String, i64)>> {
    fetch!(tx, fetch_all, (String, String, i64), BALANCES, before_ms)
}

pub(super) async fn span(tx: &mut Tx) -> db::Result<(Option<i64>, Option<i64>)> {
    fetch!(tx, fetch_one, (Option<i64>, Option<i64>), SPAN)
}
