//! SQL of the library and of re-runs.

use super::RunState;
use crate::catalog::stretch::Stretch;
use crate::orders::{Line, LineState};
use base::db::{self, Tx, execute, fetch, statements};
use schema::id::{LineId, ListingId, RunId, VersionId};

/// A version that a release of the engine has not regenerated yet.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Due {
    #[sqlx(try_from = "String")]
    pub version_id: VersionId,
    pub model: String,
    pub width: i64,
    pub height: i64,
    pub steps: i64,
    pub anchors: i64,
}

/// A row of the library.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Owned {
    pub id: String,
    pub purchase_id: String,
    #[sqlx(try_from = "String")]
    pub state: LineState,
    pub paid_ms: Option<i64>,
    pub opened_ms: Option<i64>,
    pub price_minor: i64,
    pub title: String,
    pub slug: String,
    pub handle: String,
    pub blob: String,
    pub width: i64,
    pub height: i64,
    /// Whether the listing sells another version now.
    pub has_newer: bool,
}

/// A re-run on our worker.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Run {
    #[sqlx(try_from = "String")]
    pub id: RunId,
    pub line_id: Option<String>,
    #[sqlx(try_from = "String")]
    pub version_id: VersionId,
    pub person_id: Option<String>,
    #[sqlx(try_from = "String")]
    pub state: RunState,
    pub anchor: i64,
    pub step: i64,
    pub steps: i64,
    pub outcome: Option<String>,
    pub error: Option<String>,
    pub results: Option<String>,
    /// What it found, as a statement that its owner may sign, JSON.
    pub statement: Option<String>,
    pub created_ms: i64,
    pub finished_ms: Option<i64>,
}

statements! {
    LIST_OWNED = "select purchase_line.id, purchase_line.purchase_id, purchase_line.state, purchase_line.paid_ms, purchase_line.opened_ms, purchase_line.price_minor,
            listing.title, listing.slug, person.handle, anchor.labelled_blob as blob, anchor.width, anchor.height,
            (listing.state = 'live' and listing.version_id <> purchase_line.version_id) as has_newer
        from purchase_line
        join listing on listing.id = purchase_line.listing_id
        join person on person.id = listing.person_id
        join anchor on anchor.version_id = purchase_line.version_id and anchor.idx = 0
        where purchase_line.buyer_id = $1 and purchase_line.state in ('owned', 'refunded')
        order by purchase_line.paid_ms desc, purchase_line.id limit 5000";
    INSERT_RUN = "insert into run (id, line_id, version_id, person_id, state, anchor, step, steps, created_ms) values ($1, $2, $3, $4, 'waiting', 0, 0, $5, $6)";
    GET_RUN = "select id, line_id, version_id, person_id, state, anchor, step, steps, outcome, error, results, statement, created_ms, finished_ms from run where id = $1";
    LIST_RUNS = "select id, line_id, version_id, person_id, state, anchor, step, steps, outcome, error, results, statement, created_ms, finished_ms
        from run where line_id = $1 order by created_ms desc, id desc limit 20";
    LIST_DUE = "select version.id as version_id, version.model, version.width, version.height, version.steps, (select count(*) from anchor where anchor.version_id = version.id) as anchors
        from version
        join listing on listing.id = version.listing_id and listing.state = 'live'
        where version.state = 'live' and version.model = $3 and version.id > $4 and version.id <= $5
            and not exists (select 1 from statement where statement.about_leaf_hash = version.leaf_hash and statement.attester = 'platform'
                and substr(statement.environment, 1, length($1)) = $1)
            and not exists (select 1 from run where run.version_id = version.id and run.release = $1)
        order by version.id limit $2";
    COUNT_DUE = "select count(*),
            cast(coalesce(sum(case when exists (select 1 from statement where statement.about_leaf_hash = version.leaf_hash and statement.attester = 'platform'
                and substr(statement.environment, 1, length($1)) = $1) then 1 else 0 end), 0) as bigint)
        from version
        join listing on listing.id = version.listing_id and listing.state = 'live'
        where version.state = 'live' and version.model = $2 and version.id > $3 and version.id <= $4";
    COUNT_RERUNS_OPEN = "select count(*) from run where release = $1 and state in ('waiting', 'running')";
    /// By a person's own runs with us, and by what they published.
    COUNT_OUTCOMES = "with voice (buyer_id, outcome) as (
            select purchase_line.buyer_id, run.outcome from purchase_line
                join run on run.line_id = purchase_line.id and run.state = 'done'
                where purchase_line.listing_id = $1
            union all select purchase_line.buyer_id, statement.outcome from purchase_line
                join statement on statement.attester = purchase_line.id
                where purchase_line.listing_id = $1)
        select count(distinct case when outcome = 'exact' then buyer_id end), count(distinct case when outcome <> 'exact' then buyer_id end) from voice";
    INSERT_RERUN = "insert into run (id, version_id, state, anchor, step, steps, created_ms, release) values ($1, $2, 'waiting', 0, 0, $3, $4, $5)
        on conflict (version_id, release) where release is not null do nothing";
    SET_PROGRESS = "update run set state = 'running', anchor = $2, step = $3 where id = $1 and state in ('waiting', 'running')";
    INSERT_RUN_FILE = "insert into run_file (run_id, blob) values ($1, $2) on conflict (run_id, blob) do nothing";
    FINISH_RUN = "update run set state = $2, outcome = $3, error = $4, results = $5, finished_ms = $6, statement = $7, step = steps where id = $1 and state in ('waiting', 'running')";
}

pub(super) async fn list_owned(tx: &mut Tx, buyer: &str) -> db::Result<Vec<Owned>> {
    fetch!(tx, fetch_all, Owned, LIST_OWNED, buyer)
}

pub(super) async fn insert_run(
    tx: &mut Tx,
    id: &RunId,
    line: &Line,
    steps: i64,
    now_ms: i64,
) -> db::Result<()> {
    execute!(
        tx,
        INSERT_RUN,
        id.as_str(),
        line.id.as_str(),
        line.version_id.as_str(),
        &line.buyer_id,
        steps,
        now_ms
    )
    .map(|_| ())
}

pub(super) async fn get_run(tx: &mut Tx, id: &RunId) -> db::Result<Run> {
    fetch!(tx, fetch_one, Run, GET_RUN, id.as_str())
}

pub(super) async fn list_runs(tx: &mut Tx, line: &LineId) -> db::Result<Vec<Run>> {
    fetch!(tx, fetch_all, Run, LIST_RUNS, line.as_str())
}

/// For how many owners of a listing it reproduced, and for how many it did not.
pub(super) async fn count_outcomes(tx: &mut Tx, listing: &ListingId) -> db::Result<(i64, i64)> {
    fetch!(tx, fetch_one, (i64, i64), COUNT_OUTCOMES, listing.as_str())
}

pub(super) async fn set_progress(
    tx: &mut Tx,
    id: &RunId,
    anchor: i64,
    step: i64,
) -> db::Result<()> {
    execute!(tx, SET_PROGRESS, id.as_str(), anchor, step).map(|_| ())
}

/// Ends a run as long as it is not over. `false` when something else came first.
pub(super) async fn finish_run(
    tx: &mut Tx,
    run: &Run,
    state: RunState,
    outcome: Option<&str>,
    error: Option<&str>,
    results: Option<&str>,
    now_ms: i64,
    statement: Option<&str>,
) -> db::Result<bool> {
    let (sql, id) = (FINISH_RUN, run.id.as_str());
    let (from, to) = (run.state.name(), state.name());
    if !run.state.may_become(state) {
        return Err(db::Error::impossible(format!(
            "the run {id} from {from} to {to}"
        )));
    }
    execute!(tx, sql, id, to, outcome, error, results, now_ms, statement).map(|rows| rows == 1)
}

pub(super) async fn insert_run_file(tx: &mut Tx, run: &RunId, blob: &str) -> db::Result<()> {
    execute!(tx, INSERT_RUN_FILE, run.as_str(), blob).map(|_| ())
}

/// Versions on sale, of a stretch of all, that our own machine has not regenerated with a release of the engine, nor is about to.
pub(super) async fn list_due(
    tx: &mut Tx,
    release: &str,
    model: &str,
    limit: i64,
    stretch: &Stretch,
) -> db::Result<Vec<Due>> {
    fetch!(
        tx,
        fetch_all,
        Due,
        LIST_DUE,
        release,
        limit,
        model,
        &stretch.after,
        &stretch.until
    )
}

pub(super) async fn count_due(
    tx: &mut Tx,
    release: &str,
    model: &str,
    stretch: &Stretch,
) -> db::Result<(i64, i64)> {
    fetch!(
        tx,
        fetch_one,
        (i64, i64),
        COUNT_DUE,
        release,
        model,
        &stretch.after,
        &stretch.until
    )
}

pub(super) async fn count_reruns_open(tx: &mut Tx, release: &str) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), COUNT_RERUNS_OPEN, release).map(|row| row.0)
}

pub(super) async fn insert_rerun(
    tx: &mut Tx,
    id: &RunId,
    due: &Due,
    release: &str,
    now_ms: i64,
) -> db::Result<()> {
    let steps = due.steps * due.anchors;
    execute!(
        tx,
        INSERT_RERUN,
        id.as_str(),
        due.version_id.as_str(),
        steps,
        now_ms,
        release
    )
    .map(|_| ())
}
