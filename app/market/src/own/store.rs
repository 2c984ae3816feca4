//! SQL of owners' runs, of acknowledgements, and of what was taken without a label.

use super::OwnState;
use base::db::{self, Tx, execute, fetch, statements};
use schema::id::{OwnRunId, VersionId};

/// A wish of an owner.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct OwnRun {
    #[sqlx(try_from = "String")]
    pub id: OwnRunId,
    pub person_id: String,
    /// The line or the listing by whose right it is made.
    pub holding_id: String,
    #[sqlx(try_from = "String")]
    pub version_id: VersionId,
    pub secret_id: String,
    /// Sampling steps of one picture.
    pub steps: i64,
    pub created_ms: i64,
}

/// One picture of it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct OwnPicture {
    pub idx: i64,
    #[sqlx(try_from = "String")]
    pub state: OwnState,
    pub step: i64,
    pub error: Option<String>,
    /// The exact file.
    pub blob: Option<String>,
    /// The sealed picture with the same values and the same seed.
    pub anchor: Option<i64>,
    /// Whether its pixels are those of the sealed one.
    pub is_equal: Option<bool>,
}

impl OwnPicture {
    /// The sealed picture that this one is, bit for bit.
    #[must_use]
    pub fn sealed(&self) -> Option<i64> {
        self.anchor.filter(|_| self.is_equal == Some(true))
    }
}

statements! {
    INSERT_RUN = "insert into own_run (id, person_id, holding_id, version_id, secret_id, steps, created_ms) values ($1, $2, $3, $4, $5, $6, $7)";
    INSERT_PICTURE = "insert into own_picture (run_id, idx, state, step, anchor) values ($1, $2, 'waiting', 0, $3)";
    FIND_RUN = "select id, person_id, holding_id, version_id, secret_id, steps, created_ms from own_run where id = $1";
    LIST_RUNS = "select id, person_id, holding_id, version_id, secret_id, steps, created_ms from own_run
        where holding_id = $1 and (created_ms, id) < ($2, $3) order by created_ms desc, id desc limit $4";
    COUNT_RUNS = "select count(*) from own_run where holding_id = $1";
    /// The oldest of which no picture is under way.
    LIST_OLDEST = "select id, person_id, holding_id, version_id, secret_id, steps, created_ms from own_run
        where holding_id = $1
            and not exists (select 1 from own_picture where own_picture.run_id = own_run.id and own_picture.state in ('waiting', 'running'))
        order by created_ms, id limit $2";
    LIST_PICTURES = "select idx, state, step, error, blob, anchor, is_equal from own_picture where run_id = $1 order by idx";
    FIND_PICTURE = "select idx, state, step, error, blob, anchor, is_equal from own_picture where run_id = $1 and idx = $2";
    SET_STEP = "update own_picture set state = 'running', step = $3 where run_id = $1 and idx = $2 and state in ('waiting', 'running')";
    FINISH_PICTURE = "update own_picture set state = $3, step = $4, blob = $5, is_equal = $6, error = $7
        where run_id = $1 and idx = $2 and state in ('waiting', 'running')";
    DELETE_PICTURES = "delete from own_picture where run_id = $1";
    DELETE_RUN = "delete from own_run where id = $1";
    INSERT_ACKNOWLEDGEMENT = "insert into acknowledgement (id, person_id, holding_id, wording, language, acknowledged_ms) values ($1, $2, $3, $4, $5, $6)";
    FIND_ACKNOWLEDGEMENT = "select id from acknowledgement
        where person_id = $1 and holding_id = $2 and wording = $3 and acknowledged_ms >= $4 order by acknowledged_ms desc limit 1";
    INSERT_DOWNLOAD = "insert into unlabelled_download (id, acknowledgement_id, what, created_ms) values ($1, $2, $3, $4)";
    FORGET_DOWNLOADS = "delete from unlabelled_download where id in (select id from unlabelled_download where created_ms < $1 order by created_ms limit 500)";
    FORGET_ACKNOWLEDGEMENTS = "delete from acknowledgement where id in (select id from acknowledgement where acknowledged_ms < $1
            and not exists (select 1 from unlabelled_download where unlabelled_download.acknowledgement_id = acknowledgement.id)
        order by acknowledged_ms limit 500)";
}

pub(super) async fn insert_run(tx: &mut Tx, run: &OwnRun) -> db::Result<()> {
    execute!(
        tx,
        INSERT_RUN,
        run.id.as_str(),
        &run.person_id,
        &run.holding_id,
        run.version_id.as_str(),
        &run.secret_id,
        run.steps,
        run.created_ms
    )
    .map(|_| ())
}

pub(super) async fn insert_picture(
    tx: &mut Tx,
    run: &OwnRunId,
    index: i64,
    anchor: Option<i64>,
) -> db::Result<()> {
    execute!(tx, INSERT_PICTURE, run.as_str(), index, anchor).map(|_| ())
}

pub(super) async fn find_run(tx: &mut Tx, id: &OwnRunId) -> db::Result<Option<OwnRun>> {
    fetch!(tx, fetch_optional, OwnRun, FIND_RUN, id.as_str())
}

pub(super) async fn list_runs(
    tx: &mut Tx,
    holding: &str,
    (before_ms, before): (i64, &str),
    limit: i64,
) -> db::Result<Vec<OwnRun>> {
    fetch!(
        tx, fetch_all, OwnRun, LIST_RUNS, holding, before_ms, before, limit
    )
}

pub(super) async fn count_runs(tx: &mut Tx, holding: &str) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), COUNT_RUNS, holding).map(|row| row.0)
}

pub(super) async fn list_oldest(tx: &mut Tx, holding: &str, limit: i64) -> db::Result<Vec<OwnRun>> {
    fetch!(tx, fetch_all, OwnRun, LIST_OLDEST, holding, limit)
}

pub(super) async fn list_pictures(tx: &mut Tx, run: &OwnRunId) -> db::Result<Vec<OwnPicture>> {
    fetch!(tx, fetch_all, OwnPicture, LIST_PICTURES, run.as_str())
}

pub(super) async fn find_picture(
    tx: &mut Tx,
    run: &OwnRunId,
    index: i64,
) -> db::Result<Option<OwnPicture>> {
    fetch!(
        tx,
        fetch_optional,
        OwnPicture,
        FIND_PICTURE,
        run.as_str(),
        index
    )
}

pub(super) async fn set_step(tx: &mut Tx, run: &OwnRunId, index: i64, step: i64) -> db::Result<()> {
    execute!(tx, SET_STEP, run.as_str(), index, step).map(|_| ())
}

/// How a picture ended.
pub(super) struct Ended<'a> {
    pub(super) state: OwnState,
    pub(super) step: i64,
    pub(super) blob: Option<&'a str>,
    pub(super) is_equal: Option<bool>,
    pub(super) error: Option<&'a str>,
}

/// Ends a picture as long as it is not over. `false` when something else came first, or the run is gone.
pub(super) async fn finish_picture(
    tx: &mut Tx,
    run: &OwnRunId,
    picture: &OwnPicture,
    ended: &Ended<'_>,
) -> db::Result<bool> {
    let (from, to) = (picture.state, ended.state);
    if !from.may_become(to) {
        return Err(db::Error::impossible(format!(
            "the picture {} of the own run {run} from {} to {}",
            picture.idx,
            from.name(),
            to.name()
        )));
    }
    execute!(
        tx,
        FINISH_PICTURE,
        run.as_str(),
        picture.idx,
        to.name(),
        ended.step,
        ended.blob,
        ended.is_equal,
        ended.error
    )
    .map(|rows| rows == 1)
}

pub(super) async fn delete_run(tx: &mut Tx, run: &OwnRunId) -> db::Result<()> {
    execute!(tx, DELETE_PICTURES, run.as_str())?;
    execute!(tx, DELETE_RUN, run.as_str()).map(|_| ())
}

pub(super) async fn insert_acknowledgement(
    tx: &mut Tx,
    id: &str,
    person: &str,
    holding: &str,
    (wording, language): (i64, &str),
    now_ms: i64,
) -> db::Result<()> {
    execute!(
        tx,
        INSERT_ACKNOWLEDGEMENT,
        id,
        person,
        holding,
        wording,
        language,
        now_ms
    )
    .map(|_| ())
}

pub(super) async fn find_acknowledgement(
    tx: &mut Tx,
    person: &str,
    holding: &str,
    wording: i64,
    since_ms: i64,
) -> db::Result<Option<String>> {
    let found = fetch!(
        tx,
        fetch_optional,
        (String,),
        FIND_ACKNOWLEDGEMENT,
        person,
        holding,
        wording,
        since_ms
    );
    Ok(found?.map(|row| row.0))
}

pub(super) async fn insert_download(
    tx: &mut Tx,
    id: &str,
    acknowledgement: &str,
    what: &str,
    now_ms: i64,
) -> db::Result<()> {
    execute!(tx, INSERT_DOWNLOAD, id, acknowledgement, what, now_ms).map(|_| ())
}

pub(super) async fn forget_downloads(tx: &mut Tx, before_ms: i64) -> db::Result<()> {
    execute!(tx, FORGET_DOWNLOADS, before_ms).map(|_| ())
}

pub(super) async fn forget_acknowledgements(tx: &mut Tx, before_ms: i64) -> db::Result<()> {
    execute!(tx, FORGET_ACKNOWLEDGEMENTS, before_ms).map(|_| ())
}
