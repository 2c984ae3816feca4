//! SQL of browse and listing pages.

use super::filter::{Filter, Sort};
use super::{ListingState, VersionState};
use base::db::{self, Tx, execute, fetch, statements};
use schema::id::{ListingId, VersionId};

/// One anchor.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Anchor {
    pub idx: i64,
    pub blob: String,
    pub labelled_blob: String,
    pub pixel_blake3: String,
    pub pixel_sha256: String,
    pub width: i64,
    pub height: i64,
}

/// One card.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Card {
    #[sqlx(try_from = "String")]
    pub id: ListingId,
    pub slug: String,
    pub title: String,
    pub handle: String,
    pub price_minor: i64,
    pub sales: i64,
    pub published_ms: i64,
    pub blob: String,
    pub width: i64,
    pub height: i64,
    pub variables: String,
}

/// A listing with the version that it shows and sells: the newest that is live, and before any is, the one that is on its way.
///
/// What somebody bought, or what a leaf names, may be an older version: that is a [`SealedVersion`].
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Listing {
    #[sqlx(try_from = "String")]
    pub id: ListingId,
    pub slug: String,
    pub person_id: String,
    pub handle: String,
    pub title: String,
    pub description: String,
    pub category: String,
    pub language: String,
    pub price_minor: i64,
    pub licence: String,
    #[sqlx(try_from = "String")]
    pub state: ListingState,
    pub published_ms: Option<i64>,
    pub sales: i64,
    #[sqlx(try_from = "String")]
    pub version_id: VersionId,
    #[sqlx(try_from = "String")]
    pub version_state: VersionState,
    pub version_error: Option<String>,
    pub secret_id: String,
    pub model: String,
    pub profile: String,
    pub scheduler: String,
    pub steps: i64,
    pub width: i64,
    pub height: i64,
    pub variables: String,
    pub creator_key: String,
    pub leaf_hash: String,
    pub listing_leaf_hash: String,
    pub listing_statement: String,
    pub certification_leaf_hash: Option<String>,
    pub sealed_index: Option<i64>,
    pub listing_index: Option<i64>,
}

/// One sealed version, whichever was asked for, and the listing that it belongs to.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct SealedVersion {
    #[sqlx(flatten)]
    listing: Listing,
}

impl std::ops::Deref for SealedVersion {
    type Target = Listing;

    fn deref(&self) -> &Listing {
        &self.listing
    }
}

/// Columns and joins of a card; the filter's parts are switched off by empty or null binds, so that one text serves all.
macro_rules! cards {
    ($keyset:literal, $order:literal) => {
        concat!(
            "select listing.id, listing.slug, listing.title, person.handle, listing.price_minor, listing.sales,
                coalesce(listing.published_ms, 0) as published_ms, anchor.labelled_blob as blob, anchor.width, anchor.height, version.variables
            from listing
            join person on person.id = listing.person_id
            join version on version.id = listing.version_id
            join anchor on anchor.version_id = version.id and anchor.idx = 0
            where listing.state = 'live'
                and ($1 = '' or listing.category = $1)
                and ($2 = '' or version.model = $2)
                and (cast($3 as bigint) is null or listing.price_minor <= $3)
                and ($4 = '' or replace(lower(listing.title || ' ' || listing.tags), $4, '') <> lower(listing.title || ' ' || listing.tags))
                and ",
            $keyset,
            " order by ",
            $order,
            " limit $7"
        )
    };
}

macro_rules! listing {
    ($version:literal, $where:literal) => {
        concat!(
            "select listing.id, listing.slug, listing.person_id, person.handle, listing.title, listing.description, listing.category,
                listing.language, listing.price_minor, listing.licence, listing.state, listing.published_ms, listing.sales,
                version.id as version_id, version.state as version_state, version.error as version_error, version.secret_id, version.model,
                version.profile, version.scheduler, version.steps, version.width, version.height, version.variables, version.creator_key,
                version.leaf_hash, version.listing_leaf_hash, version.listing_statement, version.certification_leaf_hash,
                sealed.log_index as sealed_index, listed.log_index as listing_index
            from listing
            join person on person.id = listing.person_id
            join version on ",
            $version,
            "
            join log_leaf sealed on sealed.leaf_hash = version.leaf_hash
            join log_leaf listed on listed.leaf_hash = version.listing_leaf_hash
            where ",
            $where
        )
    };
}

statements! {
    LIST_NEWEST = cards!("(cast($5 as bigint) is null or (listing.published_ms, listing.id) < ($5, $6))", "listing.published_ms desc, listing.id desc");
    LIST_PRICE_UP = cards!("(cast($5 as bigint) is null or (listing.price_minor, listing.id) > ($5, $6))", "listing.price_minor, listing.id");
    LIST_PRICE_DOWN = cards!("(cast($5 as bigint) is null or (listing.price_minor, listing.id) < ($5, $6))", "listing.price_minor desc, listing.id desc");
    LIST_SALES = cards!("(cast($5 as bigint) is null or (listing.sales, listing.id) < ($5, $6))", "listing.sales desc, listing.id desc");
    COUNT = "select count(*) from listing
        join version on version.id = listing.version_id
        where listing.state = 'live'
            and ($1 = '' or listing.category = $1)
            and ($2 = '' or version.model = $2)
            and (cast($3 as bigint) is null or listing.price_minor <= $3)
            and ($4 = '' or replace(lower(listing.title || ' ' || listing.tags), $4, '') <> lower(listing.title || ' ' || listing.tags))";
    FIND = listing!("version.id = listing.version_id", "listing.slug = $1");
    GET = listing!("version.id = listing.version_id", "listing.id = $1");
    GET_VERSION = listing!("version.listing_id = listing.id", "version.id = $1");
    FIND_BY_LEAF = listing!("version.listing_id = listing.id", "version.leaf_hash = $1");
    FIND_STRETCH_END = "select id from version where id > $1 order by id limit 1 offset $2";
    LIST_ANCHORS = "select idx, blob, labelled_blob, pixel_blake3, pixel_sha256, width, height from anchor where version_id = $1 order by idx";
    IS_PUBLIC_BLOB = "select count(*) from anchor where labelled_blob = $1";
    SUSPEND = "update listing set state = 'failed' where id = $1 and version_id = $2 and state = 'live'";
    WITHDRAW = "update listing set state = 'withdrawn' where id = $1 and state in ('live', 'failed')";
    HOLD = "update listing set state = state where id = $1";
    HOLD_LIVE = "update listing set state = state where id = $1 and state = 'live'";
    SET_SALES = "update listing set sales = $2 where id = $1";
}

pub(super) async fn list(tx: &mut Tx, filter: &Filter, limit: i64) -> db::Result<Vec<Card>> {
    let sql = match filter.sort {
        Sort::Newest => LIST_NEWEST,
        Sort::PriceUp => LIST_PRICE_UP,
        Sort::PriceDown => LIST_PRICE_DOWN,
        Sort::BestSelling => LIST_SALES,
    };
    let (category, max) = binds(filter);
    let (key, id) = filter
        .after
        .as_ref()
        .map_or((None, ""), |(key, id)| (Some(*key), id.as_str()));
    fetch!(
        tx,
        fetch_all,
        Card,
        sql,
        category,
        &filter.model,
        max,
        &filter.query,
        key,
        id,
        limit
    )
}

fn binds(filter: &Filter) -> (&'static str, Option<i64>) {
    let max = if filter.free {
        Some(0)
    } else {
        filter.max_price_minor
    };
    (
        filter.category.map_or("", schema::listing::Category::id),
        max,
    )
}

pub(super) async fn count(tx: &mut Tx, filter: &Filter) -> db::Result<i64> {
    let (category, max) = binds(filter);
    fetch!(
        tx,
        fetch_one,
        (i64,),
        COUNT,
        category,
        &filter.model,
        max,
        &filter.query
    )
    .map(|row| row.0)
}

pub(super) async fn find(tx: &mut Tx, slug: &str) -> db::Result<Option<Listing>> {
    fetch!(tx, fetch_optional, Listing, FIND, slug)
}

pub(super) async fn get(tx: &mut Tx, id: &ListingId) -> db::Result<Listing> {
    fetch!(tx, fetch_one, Listing, GET, id.as_str())
}

pub(super) async fn get_version(tx: &mut Tx, version: &VersionId) -> db::Result<SealedVersion> {
    fetch!(tx, fetch_one, SealedVersion, GET_VERSION, version.as_str())
}

pub(super) async fn find_by_leaf(
    tx: &mut Tx,
    leaf_hash: &str,
) -> db::Result<Option<SealedVersion>> {
    fetch!(tx, fetch_optional, SealedVersion, FIND_BY_LEAF, leaf_hash)
}

pub(super) async fn list_anchors(tx: &mut Tx, version: &VersionId) -> db::Result<Vec<Anchor>> {
    fetch!(tx, fetch_all, Anchor, LIST_ANCHORS, version.as_str())
}

/// The last id of so many versions behind one; `None` when there are fewer.
pub(super) async fn find_stretch_end(
    tx: &mut Tx,
    after: &str,
    versions: i64,
) -> db::Result<Option<String>> {
    let row = fetch!(
        tx,
        fetch_optional,
        (String,),
        FIND_STRETCH_END,
        after,
        versions - 1
    )?;
    Ok(row.map(|row| row.0))
}

pub(super) async fn hold(tx: &mut Tx, listing: &ListingId) -> db::Result<()> {
    execute!(tx, HOLD, listing.as_str()).map(|_| ())
}

pub(super) async fn hold_live(tx: &mut Tx, listing: &ListingId) -> db::Result<bool> {
    execute!(tx, HOLD_LIVE, listing.as_str()).map(|rows| rows == 1)
}

pub(super) async fn set_sales(tx: &mut Tx, listing: &ListingId, owners: i64) -> db::Result<()> {
    execute!(tx, SET_SALES, listing.as_str(), owners).map(|_| ())
}

pub(super) async fn is_public_blob(tx: &mut Tx, blob: &str) -> db::Result<bool> {
    fetch!(tx, fetch_one, (i64,), IS_PUBLIC_BLOB, blob).map(|row| row.0 > 0)
}

pub(super) async fn suspend(
    tx: &mut Tx,
    listing: &ListingId,
    version: &VersionId,
) -> db::Result<bool> {
    execute!(tx, SUSPEND, listing.as_str(), version.as_str()).map(|rows| rows == 1)
}

pub(super) async fn withdraw(tx: &mut Tx, listing: &ListingId) -> db::Result<bool> {
    execute!(tx, WITHDRAW, listing.as_str()).map(|rows| rows == 1)
}
