//! SQL of the job table.

use super::{Job, Trouble};
use crate::db::bells::Made;
use crate::db::{self, Tx, execute, fetch, statements};

/// Which workers take a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// Quick work, with workers of its own: a sale never waits for a picture.
    Quick,
    /// Whatever makes pictures; as many workers as engines.
    Pictures,
}

/// How a kind stands.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Recurring {
    pub kind: String,
    /// When it is due, real time.
    pub next_ms: i64,
    pub started_ms: Option<i64>,
    pub finished_ms: Option<i64>,
    /// Why the last run failed.
    pub last_error: Option<String>,
}

statements! {
    INSERT = "insert into job (id, kind, unique_key, payload, state, run_at_ms, attempts, created_ms, queue, class, turn, cost, share, model)
        values ($1, $2, $3, $4, 'waiting', $5, 0, $6, $7, $8, $9, $10, $11, $12)
        on conflict (unique_key) where finished_ms is null do nothing";
    /// Due and free, or claimed by a worker whose lease ran out; the first of its queue by class and turn. `$5` is `,kind,kind,`: the
    /// same text serves both databases.
    CLAIM_SQLITE = "update job set state = 'running', lease_owner = $1, lease_until_ms = $4, attempts = attempts + 1
        where id = (select id from job
            where finished_ms is null and queue = $2 and run_at_ms <= $3 and (lease_until_ms is null or lease_until_ms < $3)
                and instr($5, ',' || kind || ',') > 0
            order by class, turn, run_at_ms, id limit 1)
        returning id, kind, payload, attempts, lease_owner";
    /// PostgreSQL locks the row that it picks, or two workers would pick one.
    CLAIM_POSTGRES = "update job set state = 'running', lease_owner = $1, lease_until_ms = $4, attempts = attempts + 1
        where id = (select id from job
            where finished_ms is null and queue = $2 and run_at_ms <= $3 and (lease_until_ms is null or lease_until_ms < $3)
                and position(',' || kind || ',' in $5) > 0
            order by class, turn, run_at_ms, id limit 1 for update skip locked)
        returning id, kind, payload, attempts, lease_owner";
    /// The first of one model that is due and free. `$4` is `,kind,kind,`.
    FIND_HEAD = "select class, turn, run_at_ms, id from job
        where finished_ms is null and queue = $1 and model = $2 and run_at_ms <= $3 and (lease_until_ms is null or lease_until_ms < $3)
            and $4 like '%,' || kind || ',%'
        order by class, turn, run_at_ms, id limit 1";
    /// Waits for whoever takes it at the same time, and then takes nothing.
    TAKE = "update job set state = 'running', lease_owner = $2, lease_until_ms = $4, attempts = attempts + 1, eta_ms = null
        where id = $1 and finished_ms is null and run_at_ms <= $3 and (lease_until_ms is null or lease_until_ms < $3)
        returning id, kind, payload, attempts, lease_owner";
    COUNT_HELD = "select count(*) from job where id = $1 and lease_owner = $2 and attempts = $3 and finished_ms is null";
    SET_ETA = "update job set eta_ms = $4 where id = $1 and lease_owner = $2 and attempts = $3 and finished_ms is null";
    SEND_ON = "update job set state = 'waiting', model = $4, lease_until_ms = null, eta_ms = null, attempts = attempts - 1
        where id = $1 and lease_owner = $2 and attempts = $3 and finished_ms is null";
    EXTEND = "update job set lease_until_ms = $4 where id = $1 and lease_owner = $2 and attempts = $3 and finished_ms is null";
    DONE = "update job set state = 'done', finished_ms = $4, lease_until_ms = null, last_error = null
        where id = $1 and lease_owner = $2 and attempts = $3 and finished_ms is null";
    POSTPONE = "update job set state = 'waiting', run_at_ms = $4, lease_until_ms = null, eta_ms = null, attempts = attempts - 1
        where id = $1 and lease_owner = $2 and attempts = $3 and finished_ms is null";
    RETRY = "update job set state = 'waiting', run_at_ms = $4, lease_until_ms = null, eta_ms = null, last_error = $5
        where id = $1 and lease_owner = $2 and attempts = $3 and finished_ms is null";
    BURY = "update job set state = 'dead', finished_ms = $4, lease_until_ms = null, last_error = $5
        where id = $1 and lease_owner = $2 and attempts = $3 and finished_ms is null";
    LEAST_TURN = "select turn from job where finished_ms is null and queue = 'pictures' and class = $1 order by turn limit 1";
    LEAST_TURN_OF = "select turn from job where finished_ms is null and queue = 'pictures' and model = $1 and class = $2 order by turn limit 1";
    LAST_TURN = "select turn from job where finished_ms is null and share = $1 and class = $2 order by turn desc limit 1";
    COUNT_SHARE = "select count(*) from job where finished_ms is null and share = $1 and class = $2";
    /// Whoever makes it learns that the lease is lost, and stops.
    CANCEL = "update job set state = 'done', finished_ms = $2, lease_until_ms = null, eta_ms = null
        where unique_key = $1 and finished_ms is null";
    FIND_STANDING = "select class, turn, cost, model, lease_until_ms, eta_ms from job where unique_key = $1 and finished_ms is null";
    COST_AHEAD = "select cast(coalesce(sum(cost), 0) as bigint) from (select cost from job
        where finished_ms is null and queue = 'pictures' and model = $1 and (class, turn) < ($2, $3)
        order by class, turn limit 5000) before";
    LIST_MODELS_ASKED = "select distinct model from job where finished_ms is null and queue = 'pictures' and model > $1 order by model limit 100";
    COUNT_OF_MODEL = "select count(*) from (select 1 from job where finished_ms is null and queue = 'pictures' and model = $1 limit 10000) open";
    LIST_STRANDED = "select id, kind, payload, attempts, coalesce(lease_owner, '') as lease_owner from job
        where finished_ms is null and queue = 'pictures' and model = $1 and created_ms <= $2 and (lease_until_ms is null or lease_until_ms < $3)
        order by class, turn, run_at_ms, id limit 100";
    END = "update job set state = 'done', finished_ms = $2, lease_until_ms = null, eta_ms = null
        where id = $1 and finished_ms is null and (lease_until_ms is null or lease_until_ms < $2)";
    /// The first entry of the quick queue's part of the index: there time is the only order.
    OLDEST_DUE = "select min(run_at_ms) from job where finished_ms is null and queue = 'quick' and class = 0 and turn = 0 and run_at_ms <= $1";
    /// Two counts, each of an index that holds nothing else: what is done is never touched.
    COUNTS = "select (select count(*) from job where finished_ms is null), (select count(*) from job where state = 'dead')";
    LIST_TROUBLE = "select id, kind, payload, state, attempts, run_at_ms, last_error from job
        where state = 'dead' or (finished_ms is null and last_error is not null)
        order by created_ms desc, id desc limit $1";
    // Not while another job of its key waits: that one does the same work.
    REVIVE = "update job set state = 'waiting', finished_ms = null, attempts = 0, run_at_ms = $2
        where id = $1 and state = 'dead'
            and not exists (select 1 from job other where other.unique_key = job.unique_key and other.finished_ms is null)";
    /// A part at a time: the first sweep of an old shop finds all that it ever did.
    FORGET_DONE = "delete from job where id in (select id from job where state = 'done' and finished_ms < $1 order by finished_ms limit 100)";
    INSERT_RECURRING = "insert into recurring (kind, next_ms) values ($1, $2) on conflict (kind) do nothing";
    /// Sooner, never later: at the start of a process, after a failure, and when a run was cut off.
    HASTEN_RECURRING = "update recurring set next_ms = $2
        where kind = $1 and next_ms > $2 and ($3 or started_ms > coalesce(finished_ms, 0))";
    DUE_RECURRING = "select kind from recurring where next_ms <= $1 order by next_ms, kind";
    TAKE_RECURRING = "update recurring set next_ms = $3, started_ms = $2 where kind = $1 and next_ms <= $2";
    FINISH_RECURRING = "update recurring set finished_ms = $3, last_error = $2 where kind = $1";
    BEAT = "insert into worker (id, engines, started_ms, seen_ms) values ($1, $2, $3, $3)
        on conflict (id) do update set seen_ms = excluded.seen_ms";
    HOLD = "insert into worker_model (model, worker_id) values ($1, $2) on conflict (model, worker_id) do nothing";
    KNOW = "insert into model (digest, name, held_ms) values ($1, $2, $3)
        on conflict (digest) do update set name = excluded.name, held_ms = excluded.held_ms";
    NOTE_MODEL = "insert into model (digest, name, held_ms) values ($1, '', 0) on conflict (digest) do nothing";
    LEAVE_MODELS = "delete from worker_model where worker_id = $1";
    LEAVE = "delete from worker where id = $1";
    FORGET_WORKER_MODELS = "delete from worker_model where worker_id in (select id from worker where seen_ms < $1)";
    FORGET_WORKERS = "delete from worker where seen_ms < $1";
    COUNT_ENGINES = "select cast(coalesce(sum(worker.engines), 0) as bigint) from worker_model
        join worker on worker.id = worker_model.worker_id where worker_model.model = $1 and worker.seen_ms > $2";
    LIST_HELD = "select distinct worker_model.model from worker_model
        join worker on worker.id = worker_model.worker_id where worker.seen_ms > $1 order by worker_model.model";
    /// Models for which the same machines work.
    LIST_BESIDE = "select distinct other.model from worker_model
        join worker on worker.id = worker_model.worker_id and worker.seen_ms > $2
        join worker_model other on other.worker_id = worker.id
        where worker_model.model = $1 order by other.model";
    LIST_MODELS = "select digest, name, held_ms, (select count(*) from worker_model join worker on worker.id = worker_model.worker_id
                where worker_model.model = model.digest and worker.seen_ms > $1) as workers
        from model order by digest limit 200";
    FIND_MODEL = "select digest, name, held_ms, (select count(*) from worker_model join worker on worker.id = worker_model.worker_id
                where worker_model.model = model.digest and worker.seen_ms > $2) as workers
        from model where digest = $1";
    LIST_RECURRING = "select kind, next_ms, started_ms, finished_ms, last_error from recurring order by kind";
}

/// Where a job stands among the others.
pub(super) struct Place<'a> {
    pub(super) queue: &'static str,
    pub(super) class: i64,
    pub(super) turn: i64,
    pub(super) cost: i64,
    pub(super) share: Option<&'a str>,
    /// Empty for what every machine can do.
    pub(super) model: &'a str,
}

impl Place<'_> {
    /// By time alone.
    pub(super) fn quick() -> Self {
        Self {
            queue: Queue::Quick.name(),
            class: 0,
            turn: 0,
            cost: 0,
            share: None,
            model: "",
        }
    }
}

/// The first job of one model: its place, and its id.
pub(super) type Head = (i64, i64, i64, String);

/// A job that is not over, as the database has it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct StandingRow {
    pub(super) class: i64,
    pub(super) turn: i64,
    pub(super) cost: i64,
    pub(super) model: String,
    pub(super) lease_until_ms: Option<i64>,
    pub(super) eta_ms: Option<i64>,
}

/// A model that a machine held once, or that a recipe names.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct KnownModel {
    pub digest: String,
    /// For people; empty where no machine ever said it.
    pub name: String,
    /// When a machine last held it, real time.
    pub held_ms: i64,
    /// How many machines hold it now.
    pub workers: i64,
}

pub(super) async fn forget_done(tx: &mut Tx, before_ms: i64) -> db::Result<()> {
    execute!(tx, FORGET_DONE, before_ms).map(|_| ())
}

#[allow(clippy::too_many_arguments, reason = "one row")]
pub(super) async fn insert(
    tx: &mut Tx,
    id: &str,
    kind: &str,
    unique_key: &str,
    payload: &str,
    run_at_ms: i64,
    now_ms: i64,
    place: &Place<'_>,
) -> db::Result<()> {
    tx.ring_on_commit(Made::Job);
    execute!(
        tx,
        INSERT,
        id,
        kind,
        unique_key,
        payload,
        run_at_ms,
        now_ms,
        place.queue,
        place.class,
        place.turn,
        place.cost,
        place.share,
        place.model
    )
    .map(|_| ())
}

pub(super) async fn least_turn(tx: &mut Tx, class: i64) -> db::Result<Option<i64>> {
    Ok(fetch!(tx, fetch_optional, (i64,), LEAST_TURN, class)?.map(|row| row.0))
}

pub(super) async fn last_turn(tx: &mut Tx, share: &str, class: i64) -> db::Result<Option<i64>> {
    Ok(fetch!(tx, fetch_optional, (i64,), LAST_TURN, share, class)?.map(|row| row.0))
}

pub(super) async fn count_share(tx: &mut Tx, share: &str, class: i64) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), COUNT_SHARE, share, class).map(|row| row.0)
}

pub(super) async fn cancel(tx: &mut Tx, unique_key: &str, now_ms: i64) -> db::Result<bool> {
    execute!(tx, CANCEL, unique_key, now_ms).map(|rows| rows == 1)
}

pub(super) async fn least_turn_of(tx: &mut Tx, model: &str, class: i64) -> db::Result<Option<i64>> {
    let row = fetch!(tx, fetch_optional, (i64,), LEAST_TURN_OF, model, class)?;
    Ok(row.map(|row| row.0))
}

pub(super) async fn find_standing(
    tx: &mut Tx,
    unique_key: &str,
) -> db::Result<Option<StandingRow>> {
    fetch!(tx, fetch_optional, StandingRow, FIND_STANDING, unique_key)
}

pub(super) async fn cost_ahead(tx: &mut Tx, model: &str, class: i64, turn: i64) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), COST_AHEAD, model, class, turn).map(|row| row.0)
}

pub(super) async fn find_head(
    tx: &mut Tx,
    queue: &str,
    model: &str,
    now_ms: i64,
    kinds: &str,
) -> db::Result<Option<Head>> {
    fetch!(
        tx,
        fetch_optional,
        Head,
        FIND_HEAD,
        queue,
        model,
        now_ms,
        kinds
    )
}

pub(super) async fn take(
    tx: &mut Tx,
    id: &str,
    owner: &str,
    now_ms: i64,
    lease_until_ms: i64,
) -> db::Result<Option<Job>> {
    fetch!(
        tx,
        fetch_optional,
        Job,
        TAKE,
        id,
        owner,
        now_ms,
        lease_until_ms
    )
}

pub(super) async fn is_held(tx: &mut Tx, job: &Job) -> db::Result<bool> {
    let row = fetch!(
        tx,
        fetch_one,
        (i64,),
        COUNT_HELD,
        &job.id,
        &job.lease_owner,
        job.attempts
    )?;
    Ok(row.0 > 0)
}

pub(super) async fn set_eta(tx: &mut Tx, job: &Job, eta_ms: Option<i64>) -> db::Result<()> {
    execute!(tx, SET_ETA, &job.id, &job.lease_owner, job.attempts, eta_ms).map(|_| ())
}

pub(super) async fn send_on(tx: &mut Tx, job: &Job, model: &str) -> db::Result<()> {
    tx.ring_on_commit(Made::Job);
    execute!(tx, SEND_ON, &job.id, &job.lease_owner, job.attempts, model).map(|_| ())
}

/// Models that open jobs need, behind one.
pub(super) async fn list_models_asked(tx: &mut Tx, after: &str) -> db::Result<Vec<String>> {
    let rows = fetch!(tx, fetch_all, (String,), LIST_MODELS_ASKED, after)?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

pub(super) async fn count_of_model(tx: &mut Tx, model: &str) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), COUNT_OF_MODEL, model).map(|row| row.0)
}

/// Free jobs of a model that were asked for by then.
pub(super) async fn list_stranded(
    tx: &mut Tx,
    model: &str,
    asked_ms: i64,
    now_ms: i64,
) -> db::Result<Vec<Job>> {
    fetch!(tx, fetch_all, Job, LIST_STRANDED, model, asked_ms, now_ms)
}

pub(super) async fn end(tx: &mut Tx, id: &str, now_ms: i64) -> db::Result<bool> {
    execute!(tx, END, id, now_ms).map(|rows| rows == 1)
}

pub(super) async fn beat(tx: &mut Tx, id: &str, engines: i64, now_ms: i64) -> db::Result<()> {
    execute!(tx, BEAT, id, engines, now_ms).map(|_| ())
}

pub(super) async fn hold(
    tx: &mut Tx,
    worker: &str,
    model: &str,
    name: &str,
    now_ms: i64,
) -> db::Result<()> {
    execute!(tx, HOLD, model, worker)?;
    execute!(tx, KNOW, model, name, now_ms).map(|_| ())
}

pub(super) async fn note_model(tx: &mut Tx, model: &str) -> db::Result<()> {
    execute!(tx, NOTE_MODEL, model).map(|_| ())
}

pub(super) async fn leave(tx: &mut Tx, worker: &str) -> db::Result<()> {
    execute!(tx, LEAVE_MODELS, worker)?;
    execute!(tx, LEAVE, worker).map(|_| ())
}

pub(super) async fn forget_workers(tx: &mut Tx, before_ms: i64) -> db::Result<()> {
    execute!(tx, FORGET_WORKER_MODELS, before_ms)?;
    execute!(tx, FORGET_WORKERS, before_ms).map(|_| ())
}

pub(super) async fn count_engines(tx: &mut Tx, model: &str, since_ms: i64) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), COUNT_ENGINES, model, since_ms).map(|row| row.0)
}

pub(super) async fn list_held(tx: &mut Tx, since_ms: i64) -> db::Result<Vec<String>> {
    let rows = fetch!(tx, fetch_all, (String,), LIST_HELD, since_ms)?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

pub(super) async fn list_beside(
    tx: &mut Tx,
    model: &str,
    since_ms: i64,
) -> db::Result<Vec<String>> {
    let rows = fetch!(tx, fetch_all, (String,), LIST_BESIDE, model, since_ms)?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

pub(super) async fn list_models(tx: &mut Tx, since_ms: i64) -> db::Result<Vec<KnownModel>> {
    fetch!(tx, fetch_all, KnownModel, LIST_MODELS, since_ms)
}

pub(super) async fn find_model(
    tx: &mut Tx,
    model: &str,
    since_ms: i64,
) -> db::Result<Option<KnownModel>> {
    fetch!(tx, fetch_optional, KnownModel, FIND_MODEL, model, since_ms)
}

pub(super) async fn claim(
    tx: &mut Tx,
    owner: &str,
    queue: &str,
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
        queue,
        now_ms,
        lease_until_ms,
        kinds
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

pub(super) async fn list_trouble(tx: &mut Tx, limit: i64) -> db::Result<Vec<Trouble>> {
    fetch!(tx, fetch_all, Trouble, LIST_TROUBLE, limit)
}

pub(super) async fn revive(tx: &mut Tx, id: &str, now_ms: i64) -> db::Result<bool> {
    tx.ring_on_commit(Made::Job);
    execute!(tx, REVIVE, id, now_ms).map(|rows| rows == 1)
}

pub(super) async fn insert_recurring(tx: &mut Tx, kind: &str, next_ms: i64) -> db::Result<()> {
    execute!(tx, INSERT_RECURRING, kind, next_ms).map(|_| ())
}

pub(super) async fn hasten_recurring(
    tx: &mut Tx,
    kind: &str,
    next_ms: i64,
    always: bool,
) -> db::Result<()> {
    execute!(tx, HASTEN_RECURRING, kind, next_ms, always).map(|_| ())
}

pub(super) async fn due_recurring(tx: &mut Tx, now_ms: i64) -> db::Result<Vec<String>> {
    let rows = fetch!(tx, fetch_all, (String,), DUE_RECURRING, now_ms)?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

pub(super) async fn take_recurring(
    tx: &mut Tx,
    kind: &str,
    now_ms: i64,
    next_ms: i64,
) -> db::Result<bool> {
    execute!(tx, TAKE_RECURRING, kind, now_ms, next_ms).map(|rows| rows == 1)
}

pub(super) async fn finish_recurring(
    tx: &mut Tx,
    kind: &str,
    error: Option<&str>,
    now_ms: i64,
) -> db::Result<()> {
    execute!(tx, FINISH_RECURRING, kind, error, now_ms).map(|_| ())
}

pub(super) async fn list_recurring(tx: &mut Tx) -> db::Result<Vec<Recurring>> {
    fetch!(tx, fetch_all, Recurring, LIST_RECURRING)
}

pub(super) async fn oldest_due_ms(tx: &mut Tx, now_ms: i64) -> db::Result<Option<i64>> {
    fetch!(tx, fetch_one, (Option<i64>,), OLDEST_DUE, now_ms).map(|row| row.0)
}
