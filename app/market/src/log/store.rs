//! SQL of the log's database side and of public statements.

use base::db::bells::Made;
use base::db::{self, Tx, execute, fetch, statements};

/// A queued or logged leaf.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct LeafRow {
    pub leaf_hash: String,
    pub leaf: String,
    pub kind: i64,
    pub log_index: Option<i64>,
    pub queued_ms: i64,
}

/// A checkpoint as it became public.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct PublicCheckpoint {
    /// The signed note with its cosignatures.
    pub note: String,
    /// When, by our own clock.
    pub public_ms: i64,
    /// The first leaf that it made public.
    pub first_index: i64,
}

/// A public statement.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct StatementRow {
    pub leaf_hash: String,
    pub about_leaf_hash: String,
    pub predicate: String,
    pub envelope: String,
    pub public_key: String,
    pub outcome: Option<String>,
    pub environment: Option<String>,
    /// `platform`, or the order line of the owner who made it. Never shown.
    pub attester: Option<String>,
    pub created_ms: i64,
}

macro_rules! kept {
    ($rest:literal) => {
        concat!(
            "select leaf_hash, about_leaf_hash, predicate, envelope, public_key, outcome, environment, attester, created_ms
            from statement ",
            $rest
        )
    };
}

statements! {
    LOAD_CHECKPOINT = "select note from log_checkpoint where origin = $1";
    INSERT_CHECKPOINT = "insert into log_checkpoint (origin, note) values ($1, $2)";
    SWAP_CHECKPOINT = "update log_checkpoint set note = $3 where origin = $1 and note = $2";
    NEXT_INDEX = "select coalesce(max(log_index) + 1, 0) from log_leaf where origin = $1";
    SET_INDEX = "update log_leaf set log_index = $3 where leaf_hash = $2 and origin = $1 and (log_index is null or log_index = $3)";
    /// In the order of an index that holds only these. `is null` would lead SQLite to the unique index of places in the log, and to
    /// sorting the whole queue for each batch.
    LIST_PENDING = "select leaf from log_leaf where origin = $1 and coalesce(log_index, -1) = -1 order by queued_ms, kind, leaf_hash limit $2";
    INSERT_LOGGED = "insert into log_leaf (leaf_hash, origin, kind, digest, key_hash, leaf, queued_ms, log_index) values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict (origin, kind, digest, key_hash) do nothing";
    INSERT_PUBLIC = "insert into log_public (origin, size, note, public_ms, first_index) values ($1, $2, $3, $4, $5) on conflict (origin, size) do nothing";
    FIND_FIRST_PUBLIC = "select note, public_ms, first_index from log_public where origin = $1 and size > $2 order by size limit 1";
    INSERT_LEAF = "insert into log_leaf (leaf_hash, origin, kind, digest, key_hash, leaf, queued_ms) values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (origin, kind, digest, key_hash) do update set origin = excluded.origin returning leaf_hash, leaf, kind, log_index, queued_ms";
    FIND_LEAF = "select leaf_hash, leaf, kind, log_index, queued_ms from log_leaf where leaf_hash = $1";
    FIND_LEAF_BY_INDEX = "select leaf_hash, leaf, kind, log_index, queued_ms from log_leaf where origin = $1 and log_index = $2";
    FIND_LEAF_OF_FACT = "select leaf_hash, leaf, kind, log_index, queued_ms from log_leaf
        where origin = $1 and kind = $2 and digest = $3 and key_hash = $4";
    INSERT_STATEMENT = "insert into statement (leaf_hash, about_leaf_hash, predicate, envelope, public_key, outcome, environment, attester, created_ms)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (leaf_hash) do update set created_ms = excluded.created_ms";
    FIND_STATEMENT = kept!("where leaf_hash = $1");
    LIST_ABOUT = kept!("where about_leaf_hash = $1 and outcome is not null order by created_ms, leaf_hash");
    FIND_ABOUT = kept!("where about_leaf_hash = $1 and predicate = $2 order by created_ms, leaf_hash limit 1");
    INSERT_KEY = "insert into public_key (key_hash, public_key) values ($1, $2) on conflict (key_hash) do nothing";
    FIND_KEY = "select public_key from public_key where key_hash = $1";
}

pub(super) async fn load_checkpoint(tx: &mut Tx, origin: &str) -> db::Result<Option<String>> {
    Ok(fetch!(tx, fetch_optional, (String,), LOAD_CHECKPOINT, origin)?.map(|row| row.0))
}

pub(super) async fn insert_checkpoint(tx: &mut Tx, origin: &str, note: &str) -> db::Result<()> {
    execute!(tx, INSERT_CHECKPOINT, origin, note).map(|_| ())
}

pub(super) async fn swap_checkpoint(
    tx: &mut Tx,
    origin: &str,
    old: &str,
    new: &str,
) -> db::Result<bool> {
    execute!(tx, SWAP_CHECKPOINT, origin, old, new).map(|rows| rows == 1)
}

pub(super) async fn next_index(tx: &mut Tx, origin: &str) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), NEXT_INDEX, origin).map(|row| row.0)
}

/// Whether the leaf was there and had no index, or has this one.
pub(super) async fn set_index(
    tx: &mut Tx,
    origin: &str,
    leaf_hash: &str,
    index: i64,
) -> db::Result<bool> {
    execute!(tx, SET_INDEX, origin, leaf_hash, index).map(|rows| rows > 0)
}

/// A leaf that the log holds and this database did not know.
pub(super) async fn insert_logged(
    tx: &mut Tx,
    origin: &str,
    leaf: &schema::leaf::Leaf,
    index: i64,
    now_ms: i64,
) -> db::Result<()> {
    let (hash, digest, key_hash) = (leaf.hash().hex(), leaf.digest.hex(), leaf.key_hash.hex());
    let (kind, bytes) = (leaf.kind as i64, hex::encode(leaf.to_bytes()));
    execute!(
        tx,
        INSERT_LOGGED,
        hash,
        origin,
        kind,
        digest,
        key_hash,
        bytes,
        now_ms,
        index
    )
    .map(|_| ())
}

pub(super) async fn insert_public(
    tx: &mut Tx,
    origin: &str,
    size: i64,
    note: &str,
    now_ms: i64,
    first_index: i64,
) -> db::Result<()> {
    execute!(tx, INSERT_PUBLIC, origin, size, note, now_ms, first_index).map(|_| ())
}

/// The first public checkpoint known that covers the leaf at `index`.
pub(super) async fn find_first_public(
    tx: &mut Tx,
    origin: &str,
    index: i64,
) -> db::Result<Option<PublicCheckpoint>> {
    fetch!(
        tx,
        fetch_optional,
        PublicCheckpoint,
        FIND_FIRST_PUBLIC,
        origin,
        index
    )
}

pub(super) async fn list_pending(tx: &mut Tx, origin: &str, limit: i64) -> db::Result<Vec<String>> {
    Ok(
        fetch!(tx, fetch_all, (String,), LIST_PENDING, origin, limit)?
            .into_iter()
            .map(|row| row.0)
            .collect(),
    )
}

pub(super) async fn insert_leaf(
    tx: &mut Tx,
    origin: &str,
    leaf: &schema::leaf::Leaf,
    now_ms: i64,
) -> db::Result<LeafRow> {
    tx.ring_on_commit(Made::Leaf);
    let (hash, digest, key_hash) = (leaf.hash().hex(), leaf.digest.hex(), leaf.key_hash.hex());
    fetch!(
        tx,
        fetch_one,
        LeafRow,
        INSERT_LEAF,
        hash,
        origin,
        leaf.kind as i64,
        digest,
        key_hash,
        hex::encode(leaf.to_bytes()),
        now_ms
    )
}

pub(super) async fn find_leaf(tx: &mut Tx, hash: &str) -> db::Result<Option<LeafRow>> {
    fetch!(tx, fetch_optional, LeafRow, FIND_LEAF, hash)
}

pub(super) async fn find_leaf_by_index(
    tx: &mut Tx,
    origin: &str,
    index: i64,
) -> db::Result<Option<LeafRow>> {
    fetch!(
        tx,
        fetch_optional,
        LeafRow,
        FIND_LEAF_BY_INDEX,
        origin,
        index
    )
}

/// The leaf that states one fact, whoever's signature bytes came first.
pub(super) async fn find_leaf_of_fact(
    tx: &mut Tx,
    origin: &str,
    kind: i64,
    digest: &str,
    key_hash: &str,
) -> db::Result<Option<LeafRow>> {
    fetch!(
        tx,
        fetch_optional,
        LeafRow,
        FIND_LEAF_OF_FACT,
        origin,
        kind,
        digest,
        key_hash
    )
}

pub(super) async fn insert_statement(tx: &mut Tx, row: &StatementRow) -> db::Result<()> {
    execute!(
        tx,
        INSERT_STATEMENT,
        &row.leaf_hash,
        &row.about_leaf_hash,
        &row.predicate,
        &row.envelope,
        &row.public_key,
        &row.outcome,
        &row.environment,
        &row.attester,
        row.created_ms
    )
    .map(|_| ())
}

pub(super) async fn find_statement(
    tx: &mut Tx,
    leaf_hash: &str,
) -> db::Result<Option<StatementRow>> {
    fetch!(tx, fetch_optional, StatementRow, FIND_STATEMENT, leaf_hash)
}

pub(super) async fn list_about(tx: &mut Tx, leaf_hash: &str) -> db::Result<Vec<StatementRow>> {
    fetch!(tx, fetch_all, StatementRow, LIST_ABOUT, leaf_hash)
}

pub(super) async fn find_about(
    tx: &mut Tx,
    leaf_hash: &str,
    predicate: &str,
) -> db::Result<Option<StatementRow>> {
    fetch!(
        tx,
        fetch_optional,
        StatementRow,
        FIND_ABOUT,
        leaf_hash,
        predicate
    )
}

pub(super) async fn insert_key(tx: &mut Tx, hash: &str, key: &str) -> db::Result<()> {
    execute!(tx, INSERT_KEY, hash, key).map(|_| ())
}

pub(super) async fn find_key(tx: &mut Tx, hash: &str) -> db::Result<Option<String>> {
    Ok(fetch!(tx, fetch_optional, (String,), FIND_KEY, hash)?.map(|row| row.0))
}
