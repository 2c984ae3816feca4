//! SQL of browse and listing pages.

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

/// What a public copy of a picture is made from.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct PublicPicture {
    /// The exact file, which stays here.
    pub blob: String,
    pub idx: i64,
    pub width: i64,
    pub height: i64,
    pub leaf_hash: String,
    /// Whether only some may see it still.
    pub withdrawn: bool,
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
    /// Owners for whom a run was exact.
    pub reproduced: i64,
    pub published_ms: i64,
    pub blob: String,
    pub width: i64,
    pub height: i64,
    pub variables: String,
    /// Labelled copies of its other previews, three at most.
    pub second_blob: Option<String>,
    pub third_blob: Option<String>,
    pub fourth_blob: Option<String>,
    /// What of the title fits a question, in bytes.
    #[sqlx(skip)]
    pub marks: Vec<std::ops::Range<usize>>,
}

/// A creator with something on sale.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Creator {
    pub id: String,
    pub handle: String,
    pub created_ms: i64,
    /// How many listings are on sale.
    pub listings: i64,
    /// How often owners regenerated one of them.
    pub reproduced: i64,
}

/// A listing whose picture was regenerated, and how.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Proven {
    pub created_ms: i64,
    pub environment: Option<String>,
    /// `platform`, or an owner's line.
    pub attester: Option<String>,
    pub sealed_ms: i64,
    pub leaf_hash: String,
    pub slug: String,
    pub title: String,
    pub language: String,
    pub handle: String,
    pub blob: String,
    pub width: i64,
    pub height: i64,
    pub pixel_blake3: String,
}

/// One version in a listing's history.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct VersionEntry {
    #[sqlx(try_from = "String")]
    pub id: VersionId,
    pub leaf_hash: String,
    #[sqlx(try_from = "String")]
    pub state: VersionState,
    pub created_ms: i64,
    pub log_index: Option<i64>,
}

/// What owners made of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// How many own it.
    pub sales: i64,
    /// Owners for whom a run was exact.
    pub reproduced: i64,
    /// Owners for whom one was not.
    pub differed: i64,
    /// Orders by how much is going on; no number to show.
    pub trend: i64,
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
    /// Whether visitors may try it.
    pub trial: bool,
    /// Owners for whom a run was exact.
    pub reproduced: i64,
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

/// Columns and joins of a card.
macro_rules! cards {
    ($before:literal, $from:literal, $rest:literal) => {
        concat!(
            $before,
            "select listing.id, listing.slug, listing.title, person.handle, listing.price_minor, listing.sales, listing.reproduced,
                coalesce(listing.published_ms, 0) as published_ms, anchor.labelled_blob as blob, anchor.width, anchor.height, version.variables,
                (select other.labelled_blob from anchor other where other.version_id = version.id and other.idx = 1) as second_blob,
                (select other.labelled_blob from anchor other where other.version_id = version.id and other.idx = 2) as third_blob,
                (select other.labelled_blob from anchor other where other.version_id = version.id and other.idx = 3) as fourth_blob
            from ",
            $from,
            "
            join person on person.id = listing.person_id
            join version on version.id = listing.version_id
            join anchor on anchor.version_id = version.id and anchor.idx = 0
            where listing.state = 'live' ",
            $rest
        )
    };
}

macro_rules! listing {
    ($version:literal, $where:literal) => {
        concat!(
            "select listing.id, listing.slug, listing.person_id, person.handle, listing.title, listing.description, listing.category,
                listing.language, listing.price_minor, listing.licence, listing.state, listing.published_ms, listing.sales, listing.reproduced, listing.trial,
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
    /// Of ids that are written one behind the other. `cross join` keeps SQLite to the order: the few that are asked for first.
    LIST_CARDS = cards!("with recursive wanted (place, id) as (
            select 0, substr(cast($1 as text), 1, 36)
            union all select place + 1, substr(cast($1 as text), (place + 1) * 36 + 1, 36) from wanted where (place + 1) * 36 < length(cast($1 as text)))
        ", "wanted cross join listing", "and listing.id = wanted.id order by wanted.place");
    LIST_NEWEST = cards!("", "listing", "order by listing.published_ms desc, listing.id desc limit $1");
    LIST_REPRODUCED = cards!("", "listing", "and listing.reproduced > 0 order by listing.reproduced desc, listing.id desc limit $1");
    LIST_FREE = cards!("", "listing", "and listing.price_minor = 0 order by listing.id desc limit $1");
    LIST_CHEAP = cards!("", "listing", "and listing.price_minor > 0 and listing.price_minor < $1 order by listing.price_minor, listing.id limit $2");
    LIST_OF_CREATOR = cards!("", "listing", "and listing.person_id = $1 and listing.id <> $2
        order by listing.published_ms desc, listing.id desc limit $3");
    LIST_LIKE = cards!("", "listing", "and listing.category = $1 and listing.id <> $2 and listing.person_id <> $3
        order by listing.published_ms desc, listing.id desc limit $4");
    FIND_CREATOR = "select person.id, person.handle, person.created_ms, count(*) as listings, cast(sum(listing.reproduced) as bigint) as reproduced
        from person join listing on listing.person_id = person.id and listing.state = 'live'
        where person.handle = $1 group by person.id, person.handle, person.created_ms";
    /// The newest outcome that was equal, of what is on sale, among the newest 500. Those stand in a table of their own: SQLite would read all
    /// outcomes and sort them. `cross join` keeps SQLite to the order: the outcomes, the newest first.
    FIND_LATEST_PROOF = "select statement.created_ms, statement.environment, statement.attester, version.created_ms as sealed_ms, version.leaf_hash,
            listing.slug, listing.title, listing.language, person.handle, anchor.labelled_blob as blob, anchor.width, anchor.height, anchor.pixel_blake3
        from (select created_ms, leaf_hash, about_leaf_hash, environment, attester from statement where outcome = 'exact'
            order by created_ms desc, leaf_hash limit 500) statement
        cross join version cross join listing cross join person cross join anchor
        where version.leaf_hash = statement.about_leaf_hash and version.state = 'live'
            and listing.version_id = version.id and listing.state = 'live' and person.id = listing.person_id
            and anchor.version_id = version.id and anchor.idx = 0
        order by statement.created_ms desc, statement.leaf_hash limit 1";
    LIST_VERSIONS = "select version.id, version.leaf_hash, version.state, version.created_ms, log_leaf.log_index
        from version join log_leaf on log_leaf.leaf_hash = version.leaf_hash
        where version.listing_id = $1 and version.state <> 'failed' order by version.created_ms desc, version.id desc limit 20";
    FIND = listing!("version.id = listing.version_id", "listing.slug = $1");
    GET = listing!("version.id = listing.version_id", "listing.id = $1");
    GET_VERSION = listing!("version.listing_id = listing.id", "version.id = $1");
    FIND_BY_LEAF = listing!("version.listing_id = listing.id", "version.leaf_hash = $1");
    FIND_STRETCH_END = "select id from version where id > $1 order by id limit 1 offset $2";
    LIST_ANCHORS = "select idx, blob, labelled_blob, pixel_blake3, pixel_sha256, width, height from anchor where version_id = $1 order by idx";
    /// Two versions may have the same labelled copy only if their pictures are the same, too.
    /// What was withdrawn is there for its creator, who bought it, and operators.
    FIND_PUBLIC_PICTURE = "select anchor.blob, anchor.idx, anchor.width, anchor.height, version.leaf_hash, (listing.state = 'withdrawn') as withdrawn
        from anchor join version on version.id = anchor.version_id join listing on listing.id = version.listing_id
        where anchor.labelled_blob = $1 and (listing.state <> 'withdrawn' or $3 = 1 or listing.person_id = $2
            or exists (select 1 from purchase_line where purchase_line.buyer_id = $2 and purchase_line.listing_id = listing.id
                and purchase_line.state in ('owned', 'refunded')))
        order by (listing.state = 'withdrawn'), version.created_ms, version.id limit 1";
    SUSPEND = "update listing set state = 'failed' where id = $1 and version_id = $2 and state = 'live'";
    WITHDRAW = "update listing set state = 'withdrawn' where id = $1 and state in ('live', 'failed')";
    HOLD = "update listing set state = state where id = $1";
    HOLD_LIVE = "update listing set state = state where id = $1 and state = 'live'";
    SET_FIGURES = "update listing set sales = $2, reproduced = $3, differed = $4, trend = $5 where id = $1";
}

/// Cards of listings, in the order of the ids; those that are not on sale are missing.
pub(super) async fn list_cards(tx: &mut Tx, ids: &[ListingId]) -> db::Result<Vec<Card>> {
    let written: String = ids.iter().map(ListingId::as_str).collect();
    fetch!(tx, fetch_all, Card, LIST_CARDS, written)
}

/// The newest cards.
pub(super) async fn list_newest(tx: &mut Tx, limit: i64) -> db::Result<Vec<Card>> {
    fetch!(tx, fetch_all, Card, LIST_NEWEST, limit)
}

/// What owners regenerated most often.
pub(super) async fn list_reproduced(tx: &mut Tx, limit: i64) -> db::Result<Vec<Card>> {
    fetch!(tx, fetch_all, Card, LIST_REPRODUCED, limit)
}

/// The newest that costs nothing.
pub(super) async fn list_free(tx: &mut Tx, limit: i64) -> db::Result<Vec<Card>> {
    fetch!(tx, fetch_all, Card, LIST_FREE, limit)
}

/// What costs less than that, the cheapest first.
pub(super) async fn list_cheap(tx: &mut Tx, below_minor: i64, limit: i64) -> db::Result<Vec<Card>> {
    fetch!(tx, fetch_all, Card, LIST_CHEAP, below_minor, limit)
}

/// A creator's newest, without one.
pub(super) async fn list_of_creator(
    tx: &mut Tx,
    person: &str,
    without: &str,
    limit: i64,
) -> db::Result<Vec<Card>> {
    fetch!(tx, fetch_all, Card, LIST_OF_CREATOR, person, without, limit)
}

/// The newest of the same category by somebody else.
pub(super) async fn list_like(tx: &mut Tx, listing: &Listing, limit: i64) -> db::Result<Vec<Card>> {
    fetch!(
        tx,
        fetch_all,
        Card,
        LIST_LIKE,
        &listing.category,
        listing.id.as_str(),
        &listing.person_id,
        limit
    )
}

pub(super) async fn find_creator(tx: &mut Tx, handle: &str) -> db::Result<Option<Creator>> {
    fetch!(tx, fetch_optional, Creator, FIND_CREATOR, handle)
}

pub(super) async fn find_latest_proof(tx: &mut Tx) -> db::Result<Option<Proven>> {
    fetch!(tx, fetch_optional, Proven, FIND_LATEST_PROOF)
}

pub(super) async fn list_versions(
    tx: &mut Tx,
    listing: &ListingId,
) -> db::Result<Vec<VersionEntry>> {
    fetch!(tx, fetch_all, VersionEntry, LIST_VERSIONS, listing.as_str())
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

pub(super) async fn set_figures(
    tx: &mut Tx,
    listing: &ListingId,
    figures: &Figures,
) -> db::Result<()> {
    execute!(
        tx,
        SET_FIGURES,
        listing.as_str(),
        figures.sales,
        figures.reproduced,
        figures.differed,
        figures.trend
    )
    .map(|_| ())
}

pub(super) async fn find_public_picture(
    tx: &mut Tx,
    labelled: &str,
    person: &str,
    is_operator: bool,
) -> db::Result<Option<PublicPicture>> {
    fetch!(
        tx,
        fetch_optional,
        PublicPicture,
        FIND_PUBLIC_PICTURE,
        labelled,
        person,
        i64::from(is_operator)
    )
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
