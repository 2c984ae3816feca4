//! SQL of the rate limits.

use crate::db::{self, Tx, execute, fetch, statements};

statements! {
    COUNT = "insert into rate (subject, window_ms, count) values ($1, $2, $3)
        on conflict (subject, window_ms) do update set count = rate.count + $3 returning count";
    FORGET = "delete from rate where window_ms < $1";
}

pub(super) async fn count(
    tx: &mut Tx,
    subject: &str,
    window_ms: i64,
    uses: i64,
) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), COUNT, subject, window_ms, uses).map(|row| row.0)
}

pub(super) async fn forget(tx: &mut Tx, before_ms: i64) -> db::Result<()> {
    execute!(tx, FORGET, before_ms).map(|_| ())
}
