//! SQL of drafts and pictures, and of a creator's own list.

use super::PictureState;
use crate::catalog::ListingState;
use base::db::{self, Tx, execute, fetch, statements};
use schema::id::{ComparisonId, DraftId, ListingId, PersonId, PictureId};

/// A draft's public half.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct DraftRow {
    #[sqlx(try_from = "String")]
    pub id: DraftId,
    #[sqlx(try_from = "String")]
    pub person_id: PersonId,
    pub title: String,
    pub description: String,
    pub category: String,
    pub price_minor: i64,
    pub licence: String,
    /// Between commas, as `schema::tags::Tags` writes them.
    pub tags: String,
    /// Whether visitors may try what is published from it.
    pub trial: bool,
    pub secret_id: String,
    pub updated_ms: i64,
    /// The newest listing that was published from it.
    pub listing_id: Option<String>,
    pub published_ms: Option<i64>,
}

/// A line of the creator's list of drafts that are worked on.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct DraftLine {
    #[sqlx(try_from = "String")]
    pub id: DraftId,
    pub title: String,
    pub updated_ms: i64,
    /// Where its newest listing is, when it was changed after that was published.
    pub slug: Option<String>,
    /// The newest picture that is made.
    pub picture_id: Option<String>,
    pub pictures: i64,
}

/// The listing that a draft became.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Published {
    pub slug: String,
    pub title: String,
    #[sqlx(try_from = "String")]
    pub state: ListingState,
}

/// A picture of the studio.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct PictureRow {
    #[sqlx(try_from = "String")]
    pub id: PictureId,
    #[sqlx(try_from = "String")]
    pub draft_id: DraftId,
    #[sqlx(try_from = "String")]
    pub person_id: PersonId,
    pub secret_id: String,
    pub text_tag: String,
    #[sqlx(try_from = "String")]
    pub state: PictureState,
    pub step: i64,
    pub steps: i64,
    pub error: Option<String>,
    pub blob: Option<String>,
    pub pixel_blake3: Option<String>,
    pub pixel_sha256: Option<String>,
    pub created_ms: i64,
    /// The first picture with its seed: itself, unless the seed was taken from another one.
    pub origin_id: String,
}

/// A line of the creator's own list.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct MyListing {
    pub id: String,
    pub slug: String,
    pub trial: bool,
    pub title: String,
    #[sqlx(try_from = "String")]
    pub state: ListingState,
    pub price_minor: i64,
    pub sales: i64,
    pub error: Option<String>,
    pub labelled_blob: String,
    /// The draft that it was published from, unless that was given up or published again.
    pub draft_id: Option<String>,
}

/// A comparison, without its places.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Comparison {
    #[sqlx(try_from = "String")]
    pub id: ComparisonId,
    /// Of the draft that it was begun with.
    pub title: String,
    /// Places of a row.
    pub models: i64,
    pub created_ms: i64,
}

statements! {
    INSERT_DRAFT = "insert into draft (id, person_id, title, description, category, price_minor, licence, secret_id, created_ms, updated_ms, tags, trial)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11)";
    UPDATE_DRAFT = "update draft set title = $2, description = $3, category = $4, price_minor = $5, licence = $6, updated_ms = $7, tags = $8, trial = $9 where id = $1";
    PUBLISH_DRAFT = "update draft set listing_id = $2, published_ms = $3 where id = $1";
    GET_DRAFT = "select id, person_id, title, description, category, price_minor, licence, tags, trial, secret_id, updated_ms, listing_id, published_ms
        from draft where id = $1 and person_id = $2";
    LIST_OPEN_DRAFTS = "select draft.id, draft.title, draft.updated_ms, listing.slug,
            (select picture.id from picture where picture.draft_id = draft.id and picture.state = 'done' order by picture.created_ms desc, picture.id desc limit 1) as picture_id,
            (select count(*) from picture where picture.draft_id = draft.id and picture.state = 'done') as pictures
        from draft left join listing on listing.id = draft.listing_id
        where draft.person_id = $1 and (draft.listing_id is null or draft.updated_ms > draft.published_ms or listing.state = 'failed')
        order by draft.updated_ms desc, draft.id limit 50";
    FIND_PUBLISHED = "select slug, title, state from listing where id = $1";
    INSERT_PICTURE = "insert into picture (id, draft_id, person_id, secret_id, text_tag, state, step, steps, created_ms, origin_id)
        values ($1, $2, $3, $4, $5, 'waiting', 0, $6, $7, $8)";
    FIND_SEALED_SEED = "select anchor.version_id from picture
        join anchor on anchor.pixel_blake3 = picture.pixel_blake3
        where picture.origin_id = $1 and picture.pixel_blake3 <> $2
        union all select version_id from varied_seed where origin_id = $1 and $2 <> '' limit 1";
    INSERT_VARIED_SEED = "insert into varied_seed (origin_id, version_id, created_ms) values ($1, $2, $3) on conflict (origin_id) do nothing";
    LIST_PICTURES = "select id, draft_id, person_id, secret_id, text_tag, state, step, steps, error, blob, pixel_blake3, pixel_sha256, created_ms, origin_id
        from picture where draft_id = $1 order by created_ms desc, id desc limit $2";
    GET_PICTURE = "select id, draft_id, person_id, secret_id, text_tag, state, step, steps, error, blob, pixel_blake3, pixel_sha256, created_ms, origin_id
        from picture where id = $1";
    LIST_UNFINISHED = "select id, draft_id, person_id, secret_id, text_tag, state, step, steps, error, blob, pixel_blake3, pixel_sha256, created_ms, origin_id
        from picture where draft_id = $1 and state in ('waiting', 'running', 'failed') order by created_ms, id limit 400";
    DELETE_PICTURE = "delete from picture where id = $1";
    DELETE_UNMADE = "delete from picture where id = $1 and state <> 'done'";
    DELETE_DRAFT = "delete from draft where id = $1";
    INSERT_COMPARISON = "insert into comparison (id, person_id, title, models, created_ms) values ($1, $2, $3, $4, $5)";
    INSERT_CELL = "insert into comparison_cell (comparison_id, idx, draft_id, picture_id) values ($1, $2, $3, $4)";
    LIST_COMPARISONS = "select id, title, models, created_ms from comparison where person_id = $1 order by created_ms desc, id desc limit $2";
    FIND_COMPARISON = "select id, title, models, created_ms from comparison where id = $1 and person_id = $2";
    LIST_CELLS = "select draft_id, picture_id from comparison_cell where comparison_id = $1 order by idx";
    SET_STEP = "update picture set state = 'running', step = $2 where id = $1 and state <> 'done'";
    FINISH_PICTURE = "update picture set state = 'done', step = steps, blob = $2, pixel_blake3 = $3, pixel_sha256 = $4, error = null where id = $1";
    FAIL_PICTURE = "update picture set state = 'failed', error = $2 where id = $1 and state <> 'done'";
    LIST_MINE = "select listing.id, listing.slug, listing.trial, listing.title, listing.state, listing.price_minor, listing.sales, version.error, anchor.labelled_blob, draft.id as draft_id
        from listing
        join version on version.id = listing.version_id
        join anchor on anchor.version_id = version.id and anchor.idx = 0
        left join draft on draft.listing_id = listing.id
        where listing.person_id = $1 order by listing.created_ms desc, listing.id limit 100";
}

pub(super) async fn insert_draft(tx: &mut Tx, draft: &DraftRow) -> db::Result<()> {
    execute!(
        tx,
        INSERT_DRAFT,
        draft.id.as_str(),
        draft.person_id.as_str(),
        &draft.title,
        &draft.description,
        &draft.category,
        draft.price_minor,
        &draft.licence,
        &draft.secret_id,
        draft.updated_ms,
        &draft.tags,
        draft.trial
    )
    .map(|_| ())
}

pub(super) async fn update_draft(tx: &mut Tx, draft: &DraftRow) -> db::Result<()> {
    execute!(
        tx,
        UPDATE_DRAFT,
        draft.id.as_str(),
        &draft.title,
        &draft.description,
        &draft.category,
        draft.price_minor,
        &draft.licence,
        draft.updated_ms,
        &draft.tags,
        draft.trial
    )
    .map(|_| ())
}

pub(super) async fn get_draft(
    tx: &mut Tx,
    id: &DraftId,
    person: &PersonId,
) -> db::Result<Option<DraftRow>> {
    fetch!(
        tx,
        fetch_optional,
        DraftRow,
        GET_DRAFT,
        id.as_str(),
        person.as_str()
    )
}

/// Notes what a draft became.
pub(super) async fn publish_draft(
    tx: &mut Tx,
    id: &DraftId,
    listing: &ListingId,
    now_ms: i64,
) -> db::Result<()> {
    execute!(tx, PUBLISH_DRAFT, id.as_str(), listing.as_str(), now_ms).map(|_| ())
}

pub(super) async fn find_published(tx: &mut Tx, listing: &str) -> db::Result<Option<Published>> {
    fetch!(tx, fetch_optional, Published, FIND_PUBLISHED, listing)
}

/// Drafts that did not become what they are now.
pub(super) async fn list_open_drafts(tx: &mut Tx, person: &str) -> db::Result<Vec<DraftLine>> {
    fetch!(tx, fetch_all, DraftLine, LIST_OPEN_DRAFTS, person)
}

/// A picture as it is asked for.
pub(super) struct NewPicture<'a> {
    pub(super) id: &'a PictureId,
    pub(super) secret_id: &'a str,
    pub(super) text_tag: &'a str,
    pub(super) steps: i64,
    pub(super) origin_id: &'a str,
    pub(super) now_ms: i64,
}

pub(super) async fn insert_picture(
    tx: &mut Tx,
    draft: &DraftRow,
    new: &NewPicture<'_>,
) -> db::Result<()> {
    execute!(
        tx,
        INSERT_PICTURE,
        new.id.as_str(),
        draft.id.as_str(),
        draft.person_id.as_str(),
        new.secret_id,
        new.text_tag,
        new.steps,
        new.now_ms,
        new.origin_id
    )
    .map(|_| ())
}

/// Whether another picture with the seed of `origin` is sealed, one that is not equal to `pixel_blake3`.
pub(super) async fn is_seed_sealed(
    tx: &mut Tx,
    origin: &str,
    pixel_blake3: &str,
) -> db::Result<bool> {
    let found = fetch!(
        tx,
        fetch_optional,
        (String,),
        FIND_SEALED_SEED,
        origin,
        pixel_blake3
    )?;
    Ok(found.is_some())
}

/// Notes that a published recipe holds the noise of a picture and of those with its seed.
pub(super) async fn insert_varied_seed(
    tx: &mut Tx,
    origin: &PictureId,
    version: &str,
    now_ms: i64,
) -> db::Result<()> {
    execute!(tx, INSERT_VARIED_SEED, origin.as_str(), version, now_ms).map(|_| ())
}

pub(super) async fn list_pictures(
    tx: &mut Tx,
    draft: &DraftId,
    most: i64,
) -> db::Result<Vec<PictureRow>> {
    fetch!(
        tx,
        fetch_all,
        PictureRow,
        LIST_PICTURES,
        draft.as_str(),
        most
    )
}

pub(super) async fn get_picture(tx: &mut Tx, id: &PictureId) -> db::Result<Option<PictureRow>> {
    fetch!(tx, fetch_optional, PictureRow, GET_PICTURE, id.as_str())
}

pub(super) async fn list_unfinished(tx: &mut Tx, draft: &DraftId) -> db::Result<Vec<PictureRow>> {
    fetch!(tx, fetch_all, PictureRow, LIST_UNFINISHED, draft.as_str())
}

pub(super) async fn delete_picture(tx: &mut Tx, id: &PictureId) -> db::Result<()> {
    execute!(tx, DELETE_PICTURE, id.as_str()).map(|_| ())
}

/// Deletes a picture that is not done; `false` when it is, or there is none.
pub(super) async fn delete_unmade(tx: &mut Tx, id: &PictureId) -> db::Result<bool> {
    execute!(tx, DELETE_UNMADE, id.as_str()).map(|rows| rows == 1)
}

pub(super) async fn delete_draft(tx: &mut Tx, id: &DraftId) -> db::Result<()> {
    execute!(tx, DELETE_DRAFT, id.as_str()).map(|_| ())
}

pub(super) async fn set_step(tx: &mut Tx, id: &PictureId, step: i64) -> db::Result<()> {
    execute!(tx, SET_STEP, id.as_str(), step).map(|_| ())
}

pub(super) async fn finish_picture(
    tx: &mut Tx,
    picture: &PictureRow,
    blob: &str,
    blake3: &str,
    sha256: &str,
) -> db::Result<()> {
    check_step(picture, PictureState::Done)?;
    execute!(
        tx,
        FINISH_PICTURE,
        picture.id.as_str(),
        blob,
        blake3,
        sha256
    )
    .map(|_| ())
}

/// Notes why a picture could not be made; one that another worker made meanwhile stays made.
pub(super) async fn fail_picture(tx: &mut Tx, picture: &PictureRow, error: &str) -> db::Result<()> {
    check_step(picture, PictureState::Failed)?;
    execute!(tx, FAIL_PICTURE, picture.id.as_str(), error).map(|_| ())
}

fn check_step(picture: &PictureRow, to: PictureState) -> db::Result<()> {
    if picture.state.may_become(to) {
        return Ok(());
    }
    let (id, from, to) = (&picture.id, picture.state.name(), to.name());
    Err(db::Error::impossible(format!(
        "the picture {id} from {from} to {to}"
    )))
}

pub(super) async fn list_mine(tx: &mut Tx, person: &str) -> db::Result<Vec<MyListing>> {
    fetch!(tx, fetch_all, MyListing, LIST_MINE, person)
}

pub(super) async fn insert_comparison(
    tx: &mut Tx,
    id: &ComparisonId,
    person: &PersonId,
    (title, models): (&str, i64),
    now_ms: i64,
) -> db::Result<()> {
    execute!(
        tx,
        INSERT_COMPARISON,
        id.as_str(),
        person.as_str(),
        title,
        models,
        now_ms
    )
    .map(|_| ())
}

pub(super) async fn insert_cell(
    tx: &mut Tx,
    comparison: &ComparisonId,
    index: i64,
    draft: &DraftId,
    picture: &PictureId,
) -> db::Result<()> {
    let (comparison, draft) = (comparison.as_str(), draft.as_str());
    execute!(tx, INSERT_CELL, comparison, index, draft, picture.as_str()).map(|_| ())
}

pub(super) async fn list_comparisons(
    tx: &mut Tx,
    person: &PersonId,
    most: i64,
) -> db::Result<Vec<Comparison>> {
    fetch!(
        tx,
        fetch_all,
        Comparison,
        LIST_COMPARISONS,
        person.as_str(),
        most
    )
}

pub(super) async fn find_comparison(
    tx: &mut Tx,
    id: &ComparisonId,
    person: &PersonId,
) -> db::Result<Option<Comparison>> {
    fetch!(
        tx,
        fetch_optional,
        Comparison,
        FIND_COMPARISON,
        id.as_str(),
        person.as_str()
    )
}

/// Drafts and pictures of a comparison, row by row; either may be gone.
pub(super) async fn list_cells(
    tx: &mut Tx,
    comparison: &ComparisonId,
) -> db::Result<Vec<(DraftId, PictureId)>> {
    let found = fetch!(
        tx,
        fetch_all,
        (String, String),
        LIST_CELLS,
        comparison.as_str()
    )?;
    let parsed = found.into_iter().filter_map(|(draft, picture)| {
        Some((
            DraftId::parse(&draft).ok()?,
            PictureId::parse(&picture).ok()?,
        ))
    });
    Ok(parsed.collect())
}
