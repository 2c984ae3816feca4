//! SQL of the vault.

use crate::db::{self, Tx, execute, fetch, statements};

statements! {
    /// A new secret, or the new text of one that its owner edited.
    UPSERT = "insert into secret (id, wrapped_key, ciphertext, created_ms) values ($1, $2, $3, $4)
        on conflict (id) do update set wrapped_key = excluded.wrapped_key, ciphertext = excluded.ciphertext";
    FIND = "select wrapped_key, ciphertext from secret where id = $1 and wrapped_key <> ''";
    ERASE = "update secret set wrapped_key = '', ciphertext = '' where id = $1";
    LIST_OPENINGS = "select reason, opened_ms from secret_opening where secret_id = $1 and actor = $2 order by opened_ms, id";
    /// Once an hour for the same actor and reason: who loads a page again opens nothing new.
    NOTE_OPENING = "insert into secret_opening (id, secret_id, actor, reason, opened_ms)
        select cast($1 as text), cast($2 as text), cast($3 as text), cast($4 as text), cast($5 as bigint)
        where not exists (select 1 from secret_opening
            where secret_id = $2 and actor = $3 and reason = $4 and opened_ms > cast($5 as bigint) - 3600000 and opened_ms <= cast($5 as bigint))";
}

pub(super) async fn upsert(
    tx: &mut Tx,
    id: &str,
    wrapped: &str,
    ciphertext: &str,
    now_ms: i64,
) -> db::Result<()> {
    execute!(tx, UPSERT, id, wrapped, ciphertext, now_ms).map(|_| ())
}

pub(super) async fn find(tx: &mut Tx, id: &str) -> db::Result<Option<(String, String)>> {
    fetch!(tx, fetch_optional, (String, String), FIND, id)
}

pub(super) async fn erase(tx: &mut Tx, id: &str) -> db::Result<()> {
    execute!(tx, ERASE, id).map(|_| ())
}

pub(super) async fn list_openings(
    tx: &mut Tx,
    secret: &str,
    actor: &str,
) -> db::Result<Vec<(String, i64)>> {
    fetch!(tx, fetch_all, (String, i64), LIST_OPENINGS, secret, actor)
}

pub(super) async fn note_opening(
    tx: &mut Tx,
    id: &str,
    secret: &str,
    actor: &str,
    reason: &str,
    now_ms: i64,
) -> db::Result<()> {
    execute!(tx, NOTE_OPENING, id, secret, actor, reason, now_ms).map(|_| ())
}
