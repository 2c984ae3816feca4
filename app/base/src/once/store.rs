//! SQL of form answers.

use crate::db::{self, Tx, execute, fetch, statements};

statements! {
    INSERT_ANSWER = "insert into form_answer (owner, route, form_key, location, created_ms) values ($1, $2, $3, $4, $5)
        on conflict (owner, route, form_key) do nothing";
    CLAIM = "insert into form_answer (owner, route, form_key, location, content, created_ms) values ($1, $2, $3, '', $4, $5)
        on conflict (owner, route, form_key) do nothing";
    FIND_CLAIM = "select location, content from form_answer where owner = $1 and route = $2 and form_key = $3";
    ANSWER = "update form_answer set location = $4 where owner = $1 and route = $2 and form_key = $3 and location = ''";
    RELEASE = "delete from form_answer where owner = $1 and route = $2 and form_key = $3 and location = ''";
    FORGET = "delete from form_answer where created_ms < $1";
    FIND_ANSWER = "select location from form_answer where owner = $1 and route = $2 and form_key = $3";
}

pub(super) async fn insert_answer(
    tx: &mut Tx,
    owner: &str,
    route: &str,
    key: &str,
    location: &str,
    now_ms: i64,
) -> db::Result<bool> {
    execute!(tx, INSERT_ANSWER, owner, route, key, location, now_ms).map(|rows| rows == 1)
}

pub(super) async fn find_answer(
    tx: &mut Tx,
    owner: &str,
    route: &str,
    key: &str,
) -> db::Result<Option<String>> {
    Ok(fetch!(
        tx,
        fetch_optional,
        (String,),
        FIND_ANSWER,
        owner,
        route,
        key
    )?
    .map(|row| row.0))
}

pub(super) async fn claim(
    tx: &mut Tx,
    owner: &str,
    route: &str,
    key: &str,
    content: &str,
    now_ms: i64,
) -> db::Result<bool> {
    execute!(tx, CLAIM, owner, route, key, content, now_ms).map(|rows| rows == 1)
}

/// Where a claimed form led, empty while it is at work, and the digest of its content.
pub(super) async fn find_claim(
    tx: &mut Tx,
    owner: &str,
    route: &str,
    key: &str,
) -> db::Result<Option<(String, String)>> {
    fetch!(
        tx,
        fetch_optional,
        (String, String),
        FIND_CLAIM,
        owner,
        route,
        key
    )
}

pub(super) async fn answer(
    tx: &mut Tx,
    owner: &str,
    route: &str,
    key: &str,
    location: &str,
) -> db::Result<()> {
    execute!(tx, ANSWER, owner, route, key, location).map(|_| ())
}

pub(super) async fn release(tx: &mut Tx, owner: &str, route: &str, key: &str) -> db::Result<()> {
    execute!(tx, RELEASE, owner, route, key).map(|_| ())
}

pub(super) async fn forget(tx: &mut Tx, before_ms: i64) -> db::Result<()> {
    execute!(tx, FORGET, before_ms).map(|_| ())
}
