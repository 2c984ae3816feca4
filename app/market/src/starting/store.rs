//! SQL of the files that recipes begin with.

use base::db::{self, Tx, execute, fetch, statements};

statements! {
    INSERT = "insert into starting_file (owner_id, blob, created_ms) values ($1, $2, $3) on conflict (owner_id, blob) do nothing";
    COUNT = "select count(*) from starting_file where owner_id = $1";
    DELETE = "delete from starting_file where owner_id = $1";
}

pub(super) async fn insert(tx: &mut Tx, owner: &str, blob: &str, now_ms: i64) -> db::Result<()> {
    execute!(tx, INSERT, owner, blob, now_ms).map(|_| ())
}

pub(super) async fn count(tx: &mut Tx, owner: &str) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), COUNT, owner).map(|row| row.0)
}

pub(super) async fn delete(tx: &mut Tx, owner: &str) -> db::Result<()> {
    execute!(tx, DELETE, owner).map(|_| ())
}
