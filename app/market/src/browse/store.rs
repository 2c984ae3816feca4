//! SQL of what the search index reads: listings on sale, whole, and which of them changed.

use crate::catalog::ListingState;
use base::db::{self, Tx, execute, fetch, statements};
use schema::id::ListingId;

/// A listing as the index takes it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Row {
    #[sqlx(try_from = "String")]
    pub(super) id: ListingId,
    #[sqlx(try_from = "String")]
    pub(super) state: ListingState,
    pub(super) version_id: String,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) handle: String,
    pub(super) category: String,
    pub(super) language: String,
    pub(super) price_minor: i64,
    pub(super) licence: String,
    pub(super) tags: String,
    pub(super) published_ms: i64,
    pub(super) sales: i64,
    pub(super) reproduced: i64,
    pub(super) trend: i64,
    pub(super) trial: bool,
    pub(super) model: String,
    pub(super) variables: String,
    pub(super) leaf_hash: String,
    pub(super) log_index: Option<i64>,
    pub(super) picture_prints: Option<String>,
}

/// A picture's digests.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Digests {
    pub(super) version_id: String,
    pub(super) pixel_blake3: String,
    pub(super) pixel_sha256: String,
}

/// A listing on the map of the site.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Mapped {
    pub slug: String,
    pub published_ms: i64,
    pub blob: String,
}

/// The ids of `$1`, which are written one behind the other, each with its place.
macro_rules! wanted {
    ($rest:literal) => {
        concat!(
            "with recursive wanted (place, id) as (
                select 0, substr(cast($1 as text), 1, 36)
                union all select place + 1, substr(cast($1 as text), (place + 1) * 36 + 1, 36) from wanted where (place + 1) * 36 < length(cast($1 as text)))
            ",
            $rest
        )
    };
}

statements! {
    /// `cross join` keeps SQLite to the order: the few that are asked for first.
    LIST_ROWS = wanted!("select listing.id, listing.state, version.id as version_id, listing.title, listing.description, person.handle, listing.category,
            listing.language, listing.price_minor, listing.licence, listing.tags, coalesce(listing.published_ms, 0) as published_ms, listing.sales,
            listing.reproduced, listing.trend, listing.trial, version.model, version.variables, version.leaf_hash, sealed.log_index, likeness.picture_prints
        from wanted
        cross join listing
        join person on person.id = listing.person_id
        join version on version.id = listing.version_id
        join log_leaf sealed on sealed.leaf_hash = version.leaf_hash
        left join likeness on likeness.version_id = version.id
        where listing.id = wanted.id
        order by wanted.place");
    LIST_DIGESTS = wanted!("select anchor.version_id, anchor.pixel_blake3, anchor.pixel_sha256 from wanted
        cross join listing
        join anchor on anchor.version_id = listing.version_id
        where listing.id = wanted.id
        order by wanted.place, anchor.idx");
    LIST_LIVE = "select id from listing where state = 'live' and id > $1 order by id limit $2";
    COUNT_LIVE = "select count(*) from listing where state = 'live'";
    LIST_CHANGES = "select seq, listing_id from listing_change where seq > $1 order by seq limit $2";
    LAST_CHANGE = "select seq from listing_change order by seq desc limit 1";
    LIST_MAPPED = "select listing.slug, coalesce(listing.published_ms, 0) as published_ms, anchor.labelled_blob as blob
        from listing join anchor on anchor.version_id = listing.version_id and anchor.idx = 0
        where listing.state = 'live' and listing.id > $1 order by listing.id limit $2";
    FIND_MAP_START = "select id from listing where state = 'live' and id > $1 order by id limit 1 offset $2";
    FIRST_CHANGE = "select seq from listing_change order by seq limit 1";
    FORGET_CHANGES = "delete from listing_change where seq <= $1";
}

/// Ids of one statement: it reads their text from the start for each of them.
const IDS_AT_ONCE: usize = 100;

/// Ids one behind the other, as statements take them.
fn written(ids: &[ListingId]) -> String {
    ids.iter().map(ListingId::as_str).collect()
}

/// What is known of listings; those that do not exist are missing.
pub(super) async fn list_rows(tx: &mut Tx, ids: &[ListingId]) -> db::Result<Vec<Row>> {
    let mut rows = Vec::with_capacity(ids.len());
    for ids in ids.chunks(IDS_AT_ONCE) {
        rows.extend(fetch!(tx, fetch_all, Row, LIST_ROWS, written(ids))?);
    }
    Ok(rows)
}

/// The digests of the pictures of the versions that listings sell.
pub(super) async fn list_digests(tx: &mut Tx, ids: &[ListingId]) -> db::Result<Vec<Digests>> {
    let mut digests = Vec::with_capacity(ids.len());
    for ids in ids.chunks(IDS_AT_ONCE) {
        digests.extend(fetch!(tx, fetch_all, Digests, LIST_DIGESTS, written(ids))?);
    }
    Ok(digests)
}

/// So many listings on sale behind one's id.
pub(super) async fn list_live(tx: &mut Tx, after: &str, limit: i64) -> db::Result<Vec<ListingId>> {
    db::read_ids(fetch!(tx, fetch_all, (String,), LIST_LIVE, after, limit)?)
}

/// How many are on sale.
pub(super) async fn count_live(tx: &mut Tx) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), COUNT_LIVE).map(|row| row.0)
}

/// What changed behind a place, in the order of the places.
pub(super) async fn list_changes(
    tx: &mut Tx,
    after: i64,
    limit: i64,
) -> db::Result<Vec<(i64, String)>> {
    fetch!(tx, fetch_all, (i64, String), LIST_CHANGES, after, limit)
}

/// The last place, or 0.
pub(super) async fn last_change(tx: &mut Tx) -> db::Result<i64> {
    let row = fetch!(tx, fetch_optional, (i64,), LAST_CHANGE)?;
    Ok(row.map_or(0, |row| row.0))
}

/// The first place that is kept, or 0.
pub(super) async fn first_change(tx: &mut Tx) -> db::Result<i64> {
    let row = fetch!(tx, fetch_optional, (i64,), FIRST_CHANGE)?;
    Ok(row.map_or(0, |row| row.0))
}

/// Forgets changes up to a place.
pub(super) async fn forget_changes(tx: &mut Tx, until: i64) -> db::Result<()> {
    execute!(tx, FORGET_CHANGES, until).map(|_| ())
}

/// Listings on sale behind an id, for the map of the site.
pub(super) async fn list_mapped(tx: &mut Tx, after: &str, limit: i64) -> db::Result<Vec<Mapped>> {
    fetch!(tx, fetch_all, Mapped, LIST_MAPPED, after, limit)
}

/// The id of the last of so many listings behind an id; nothing where there are fewer.
pub(super) async fn find_map_start(
    tx: &mut Tx,
    after: &str,
    listings: i64,
) -> db::Result<Option<String>> {
    let row = fetch!(
        tx,
        fetch_optional,
        (String,),
        FIND_MAP_START,
        after,
        listings - 1
    )?;
    Ok(row.map(|row| row.0))
}
