//! SQL of form answers.

use crate::db::{self, Tx, execute, fetch, statements};

statements! {
    INSERT_ANSWER = "insert into form_answer (owner, route, form_key, location, created_ms) values ($1, $2, $3, $4, $5)
        on conflict (owner, route, form_key) do nothing";
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
