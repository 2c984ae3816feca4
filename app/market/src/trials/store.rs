//! SQL of tries.

use crate::own::OwnState;
use base::db::{self, Tx, execute, fetch, statements};
use schema::id::{ListingId, TrialId, VersionId};

/// One try.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Trial {
    #[sqlx(try_from = "String")]
    pub id: TrialId,
    #[sqlx(try_from = "String")]
    pub listing_id: ListingId,
    #[sqlx(try_from = "String")]
    pub version_id: VersionId,
    pub who: String,
    /// A keyed digest of the block of addresses that it came from.
    pub block: String,
    pub form_key: String,
    /// Public labels by variable, JSON.
    pub chosen: String,
    /// Whose words the label has.
    pub lang: String,
    #[sqlx(try_from = "String")]
    pub state: OwnState,
    pub step: i64,
    pub steps: i64,
    /// The small labelled copy, until it is let go.
    pub blob: Option<String>,
    /// Why it was not made: a text's name, where that is known.
    pub error: Option<String>,
    pub created_ms: i64,
}

statements! {
    INSERT = "insert into trial (id, listing_id, version_id, who, block, form_key, chosen, lang, state, step, steps, created_ms)
        values ($1, $2, $3, $4, $5, $6, $7, $8, 'waiting', 0, $9, $10)";
    FIND = "select id, listing_id, version_id, who, block, form_key, chosen, lang, state, step, steps, blob, error, created_ms from trial where id = $1";
    FIND_BY_KEY = "select id, listing_id, version_id, who, block, form_key, chosen, lang, state, step, steps, blob, error, created_ms from trial
        where listing_id = $1 and form_key = $2";
    LIST = "select id, listing_id, version_id, who, block, form_key, chosen, lang, state, step, steps, blob, error, created_ms from trial
        where listing_id = $1 and who = $2 order by created_ms desc, id desc limit 12";
    COUNT = "select count(*) from trial where listing_id = $1 and who = $2 and state <> 'failed'";
    COUNT_OPEN = "select count(*) from trial where state in ('waiting', 'running')";
    COUNT_OPEN_OF = "select count(*) from trial where block = $1 and state in ('waiting', 'running')";
    SET_STEP = "update trial set state = 'running', step = $2 where id = $1 and state in ('waiting', 'running')";
    FAIL = "update trial set state = 'failed', error = $2 where id = $1 and state in ('waiting', 'running')";
    FINISH = "update trial set state = $2, step = $3, blob = $4 where id = $1 and state in ('waiting', 'running')";
    /// A part at a time.
    LET_GO = "update trial set blob = null where id in (select id from trial where blob is not null and created_ms < $1 order by created_ms limit 200)";
    FORGET = "delete from trial where id in (select id from trial where created_ms < $1 order by created_ms limit 200)";
    SET_TRIAL = "update listing set trial = $3 where id = $1 and person_id = $2";
}

pub(super) async fn insert(tx: &mut Tx, trial: &Trial) -> db::Result<()> {
    execute!(
        tx,
        INSERT,
        trial.id.as_str(),
        trial.listing_id.as_str(),
        trial.version_id.as_str(),
        &trial.who,
        &trial.block,
        &trial.form_key,
        &trial.chosen,
        &trial.lang,
        trial.steps,
        trial.created_ms
    )
    .map(|_| ())
}

pub(super) async fn find(tx: &mut Tx, id: &TrialId) -> db::Result<Option<Trial>> {
    fetch!(tx, fetch_optional, Trial, FIND, id.as_str())
}

pub(super) async fn find_by_key(
    tx: &mut Tx,
    listing: &ListingId,
    form_key: &str,
) -> db::Result<Option<Trial>> {
    fetch!(
        tx,
        fetch_optional,
        Trial,
        FIND_BY_KEY,
        listing.as_str(),
        form_key
    )
}

pub(super) async fn list(tx: &mut Tx, listing: &ListingId, who: &str) -> db::Result<Vec<Trial>> {
    fetch!(tx, fetch_all, Trial, LIST, listing.as_str(), who)
}

pub(super) async fn count(tx: &mut Tx, listing: &ListingId, who: &str) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), COUNT, listing.as_str(), who).map(|row| row.0)
}

pub(super) async fn count_open(tx: &mut Tx) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), COUNT_OPEN).map(|row| row.0)
}

pub(super) async fn count_open_of(tx: &mut Tx, block: &str) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), COUNT_OPEN_OF, block).map(|row| row.0)
}

pub(super) async fn set_step(tx: &mut Tx, id: &TrialId, step: i64) -> db::Result<()> {
    execute!(tx, SET_STEP, id.as_str(), step).map(|_| ())
}

pub(super) async fn finish(
    tx: &mut Tx,
    trial: &Trial,
    state: OwnState,
    step: i64,
    blob: Option<&str>,
) -> db::Result<()> {
    let (from, to) = (trial.state.name(), state.name());
    if !trial.state.may_become(state) {
        let id = &trial.id;
        return Err(db::Error::impossible(format!(
            "the trial {id} from {from} to {to}"
        )));
    }
    execute!(tx, FINISH, trial.id.as_str(), to, step, blob).map(|_| ())
}

/// Notes why a try was not made; one that is over stays as it is.
pub(super) async fn fail(tx: &mut Tx, trial: &Trial, why: Option<&str>) -> db::Result<()> {
    execute!(tx, FAIL, trial.id.as_str(), why).map(|_| ())
}

pub(super) async fn let_go(tx: &mut Tx, before_ms: i64) -> db::Result<()> {
    execute!(tx, LET_GO, before_ms).map(|_| ())
}

pub(super) async fn forget(tx: &mut Tx, before_ms: i64) -> db::Result<()> {
    execute!(tx, FORGET, before_ms).map(|_| ())
}

pub(super) async fn set_trial(
    tx: &mut Tx,
    listing: &ListingId,
    person: &str,
    on: bool,
) -> db::Result<bool> {
    execute!(tx, SET_TRIAL, listing.as_str(), person, on).map(|rows| rows == 1)
}
