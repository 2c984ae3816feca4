//! SQL of what pictures take, and of what needs a model.

use base::db::{self, Tx, execute, fetch, statements};

/// What a picture of a model takes, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Pace {
    /// One step.
    pub step_us: i64,
    /// What comes before the first step, and what comes behind the last.
    pub rest_us: i64,
}

statements! {
    FIND_PACE = "select step_us, rest_us from pace where model = $1 and width = $2 and height = $3";
    FIND_ANY_PACE = "select width, height, step_us, rest_us from pace where model = $1 order by width, height limit 1";
    COUNT_PACES = "select count(*) from pace where model = $1";
    SET_PACE = "insert into pace (model, width, height, step_us, rest_us) values ($1, $2, $3, $4, $5)
        on conflict (model, width, height) do update set step_us = excluded.step_us, rest_us = excluded.rest_us";
    /// One lookup for each version, as long as it takes to find a thousand: nobody joins two whole tables for it.
    COUNT_LISTINGS = "select count(*) from (select 1 from version where version.model = $1 and version.state = 'live'
            and (select listing.state from listing where listing.id = version.listing_id and listing.version_id = version.id) = 'live'
        limit 1000) sold";
}

pub(super) async fn find_pace(
    tx: &mut Tx,
    model: &str,
    (width, height): (i64, i64),
) -> db::Result<Option<Pace>> {
    fetch!(tx, fetch_optional, Pace, FIND_PACE, model, width, height)
}

/// Width, height, and what it takes.
pub(super) async fn find_any_pace(
    tx: &mut Tx,
    model: &str,
) -> db::Result<Option<(i64, i64, i64, i64)>> {
    fetch!(
        tx,
        fetch_optional,
        (i64, i64, i64, i64),
        FIND_ANY_PACE,
        model
    )
}

pub(super) async fn is_measured(tx: &mut Tx, model: &str) -> db::Result<bool> {
    fetch!(tx, fetch_one, (i64,), COUNT_PACES, model).map(|row| row.0 > 0)
}

pub(super) async fn set_pace(
    tx: &mut Tx,
    model: &str,
    (width, height): (i64, i64),
    pace: Pace,
) -> db::Result<()> {
    let (step_us, rest_us) = (pace.step_us, pace.rest_us);
    execute!(tx, SET_PACE, model, width, height, step_us, rest_us).map(|_| ())
}

pub(super) async fn count_listings(tx: &mut Tx, model: &str) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), COUNT_LISTINGS, model).map(|row| row.0)
}
