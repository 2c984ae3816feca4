//! SQL of creators' keys and their ends.

use super::Key;
use base::db::{self, Tx, execute, fetch, statements};

statements! {
    INSERT_KEY = "insert into creator_key (key_hash, person_id, public_key, created_ms) values ($1, $2, $3, $4)
        on conflict (key_hash) do update set key_hash = excluded.key_hash returning person_id";
    LIST_KEYS = "select creator_key.key_hash, creator_key.public_key, creator_key.created_ms, key_end.reason, key_end.authority, key_end.successor, key_end.leaf_hash as end_leaf_hash
        from creator_key left join key_end on key_end.key_hash = creator_key.key_hash where person_id = $1 order by creator_key.created_ms desc, creator_key.key_hash";
    FIND_KEY = "select creator_key.key_hash, creator_key.public_key, creator_key.created_ms, key_end.reason, key_end.authority, key_end.successor, key_end.leaf_hash as end_leaf_hash
        from creator_key left join key_end on key_end.key_hash = creator_key.key_hash where creator_key.key_hash = $1";
    FIND_KEY_OWNER = "select person_id from creator_key where key_hash = $1";
    HOLD_KEY = "update creator_key set created_ms = created_ms where key_hash = $1";
    LIST_ALL_KEYS = "select person_id, public_key from creator_key order by key_hash";
    HAS_ENDED = "select key_hash from key_end where key_hash = $1";
    INSERT_KEY_END = "insert into key_end (key_hash, leaf_hash, reason, authority, successor, created_ms) values ($1, $2, $3, $4, $5, $6)
        on conflict (key_hash) do nothing";
}

pub(super) async fn insert_key(
    tx: &mut Tx,
    hash: &str,
    person: &str,
    key: &str,
    now_ms: i64,
) -> db::Result<String> {
    fetch!(
        tx,
        fetch_one,
        (String,),
        INSERT_KEY,
        hash,
        person,
        key,
        now_ms
    )
    .map(|row| row.0)
}

pub(super) async fn list_keys(tx: &mut Tx, person: &str) -> db::Result<Vec<Key>> {
    fetch!(tx, fetch_all, Key, LIST_KEYS, person)
}

pub(super) async fn find_key(tx: &mut Tx, hash: &str) -> db::Result<Option<Key>> {
    fetch!(tx, fetch_optional, Key, FIND_KEY, hash)
}

pub(super) async fn find_key_owner(tx: &mut Tx, hash: &str) -> db::Result<Option<String>> {
    fetch!(tx, fetch_optional, (String,), FIND_KEY_OWNER, hash).map(|row| row.map(|row| row.0))
}

/// Whether the key is registered; its row is held until the transaction is over.
pub(super) async fn hold_key(tx: &mut Tx, hash: &str) -> db::Result<bool> {
    execute!(tx, HOLD_KEY, hash).map(|rows| rows > 0)
}

pub(super) async fn list_all_keys(tx: &mut Tx) -> db::Result<Vec<(String, String)>> {
    fetch!(tx, fetch_all, (String, String), LIST_ALL_KEYS)
}

pub(super) async fn has_ended(tx: &mut Tx, hash: &str) -> db::Result<bool> {
    fetch!(tx, fetch_optional, (String,), HAS_ENDED, hash).map(|row| row.is_some())
}

/// Notes a key's end; `false` when it has ended already.
pub(super) async fn insert_key_end(
    tx: &mut Tx,
    hash: &str,
    leaf_hash: &str,
    reason: &str,
    authority: &str,
    successor: Option<String>,
    now_ms: i64,
) -> db::Result<bool> {
    execute!(
        tx,
        INSERT_KEY_END,
        hash,
        leaf_hash,
        reason,
        authority,
        successor,
        now_ms
    )
    .map(|rows| rows == 1)
}
