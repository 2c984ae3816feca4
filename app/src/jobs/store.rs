//! SQL of the job table.

use super::Job;
use crate::db::{self, Tx, execute, fetch, statements};

statements! {
    INSERT = "insert into job (id, kind, unique_key, payload, state, run_at_ms, attempts, created_ms)
        values ($1, $2, $3, $4, 'waiting', $5, 0, $6)
        on conflict (unique_key) where finished_ms is null do nothing";
    /// Due and free, or claimed by a worker whose lease ran out. `$2` is `,kind,kind,`: the same text serves both databases.
    CLAIM_SQLITE = "update job set state = 'running', lease_owner = $1, lease_until_ms = $4, attempts = attempts + 1
        where id = (select id from job
            where finished_ms is null and run_at_ms <= $3 and (lease_until_ms is null or lease_until_ms < $3)
                and instr($2, ',' || kind || ',') > 0
            order by run_at_ms, id limit 1)
        returning id, kind, payload, attempts, lease_owner";
    EXTEND = "update job set lease_until_ms = $4 where id = $1 and lease_owner = $2 and attempts = $3 and finished_ms is null";
    DONE = "update job set state = 'done', finished_ms = $4, lease_until_ms = null, last_error = null
        where id = $1 and lease_owner = $2 and attempts = $3 and finished_ms is null";
    POSTPONE = "update job set state = 'waiting', run_at_ms = $4, lease_until_ms = null, attempts = attempts - 1
        where id = $1 and lease_owner = $2 and attempts = $3 and finished_ms is null";
    RETRY = "update job set state = 'waiting', run_at_ms = $4, lease_until_ms = null, last_error = $5
        where id = $1 and lease_owner = $2 and attempts = $3 and finished_ms is null";
    BURY = "update job set state = 'dead', finished_ms = $4, lease_until_ms = null, last_error = $5
        where id = $1 and lease_owner = $2 and attempts = $3 and finished_ms is null";
    COUNTS = "select count(*) filter (where finished_ms is null), count(*) filter (where state = 'dead') from job";
}

/// PostgreSQL locks the row that it picks, or two workers would pick one.
const CLAIM_POSTGRES: &str = "update job set state = 'running', lease_owner = $1, lease_until_ms = $4, attempts = attempts + 1
    where id = (select id from job
        where finished_ms is null and run_at_ms <= $3 and (lease_until_ms is null or lease_until_ms < $3)
            and position(',' || kind || ',' in $2) > 0
        order by run_at_ms, id limit 1 for update skip locked)
    returning id, kind, payload, attempts, lease_owner";

pub(super) async fn insert(
    tx: &mut Tx,
    id: &str,
    kind: &str,
    unique_key: &str,
    payload: &str,
    run_at_ms: i64,
    now_ms: i64,
) -> db::Result<()> {
    execute!(tx, INSERT, id, kind, unique_key, payload, run_at_ms, now_ms).map(|_| ())
}

pub(super) async fn claim(
    tx: &mut Tx,
    owner: &str,
    kinds: &str,
    now_ms: i64,
    lease_until_ms: i64,
) -> db::Result<Option<Job>> {
    let sql = if tx.is_postgres() {
        CLAIM_POSTGRES
    } else {
        CLAIM_SQLITE
    };
    fetch!(
        tx,
        fetch_optional,
        Job,
        sql,
        owner,
        kinds,
        now_ms,
        lease_until_ms
    )
}

pub(super) async fn extend(tx: &mut Tx, job: &Job, lease_until_ms: i64) -> db::Result<bool> {
    execute!(
        tx,
        EXTEND,
        &job.id,
        &job.lease_owner,
        job.attempts,
        lease_until_ms
    )
    .map(|rows| rows == 1)
}

pub(super) async fn done(tx: &mut Tx, job: &Job, now_ms: i64) -> db::Result<()> {
    execute!(tx, DONE, &job.id, &job.lease_owner, job.attempts, now_ms).map(|_| ())
}

pub(super) async fn postpone(tx: &mut Tx, job: &Job, run_at_ms: i64) -> db::Result<()> {
    execute!(
        tx,
        POSTPONE,
        &job.id,
        &job.lease_owner,
        job.attempts,
        run_at_ms
    )
    .map(|_| ())
}

pub(super) async fn retry(tx: &mut Tx, job: &Job, error: &str, run_at_ms: i64) -> db::Result<()> {
    execute!(
        tx,
        RETRY,
        &job.id,
        &job.lease_owner,
        job.attempts,
        run_at_ms,
        error
    )
    .map(|_| ())
}

pub(super) async fn bury(tx: &mut Tx, job: &Job, error: &str, now_ms: i64) -> db::Result<()> {
    execute!(
        tx,
        BURY,
        &job.id,
        &job.lease_owner,
        job.attempts,
        now_ms,
        error
    )
    .map(|_| ())
}

pub(super) async fn counts(tx: &mut Tx) -> db::Result<(i64, i64)> {
    fetch!(tx, fetch_one, (i64, i64), COUNTS)
}
