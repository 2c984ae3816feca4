//! SQL of drafts, pictures and the way from a seal to a live listing.

use super::service::{DraftRow, NewVersion, PictureRow, VersionRow};
use crate::db::{self, Tx, execute, fetch, statements};

statements! {
    INSERT_DRAFT = "insert into draft (id, person_id, title, description, category, price_minor, licence, secret_id, created_ms, updated_ms)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)";
    UPDATE_DRAFT = "update draft set title = $2, description = $3, category = $4, price_minor = $5, licence = $6, updated_ms = $7 where id = $1";
    GET_DRAFT = "select id, person_id, title, description, category, price_minor, licence, secret_id, updated_ms from draft where id = $1 and person_id = $2";
    LIST_DRAFTS = "select id, person_id, title, description, category, price_minor, licence, secret_id, updated_ms
        from draft where person_id = $1 order by updated_ms desc, id limit 50";
    INSERT_PICTURE = "insert into picture (id, draft_id, person_id, secret_id, text_tag, state, step, steps, created_ms)
        values ($1, $2, $3, $4, $5, 'waiting', 0, $6, $7)";
    LIST_PICTURES = "select id, draft_id, person_id, secret_id, text_tag, state, step, steps, error, blob, pixel_blake3, pixel_sha256, created_ms
        from picture where draft_id = $1 order by created_ms desc, id desc limit 60";
    GET_PICTURE = "select id, draft_id, person_id, secret_id, text_tag, state, step, steps, error, blob, pixel_blake3, pixel_sha256, created_ms
        from picture where id = $1";
    LIST_UNFINISHED = "select id, draft_id, person_id, secret_id, text_tag, state, step, steps, error, blob, pixel_blake3, pixel_sha256, created_ms
        from picture where draft_id = $1 and state in ('waiting', 'failed') order by created_ms, id limit 400";
    DELETE_PICTURE = "delete from picture where id = $1";
    DELETE_DRAFT = "delete from draft where id = $1";
    SET_STEP = "update picture set state = 'running', step = $2 where id = $1 and state <> 'done'";
    FINISH_PICTURE = "update picture set state = 'done', step = steps, blob = $2, pixel_blake3 = $3, pixel_sha256 = $4, error = null where id = $1";
    FAIL_PICTURE = "update picture set state = 'failed', error = $2 where id = $1";
    INSERT_LISTING = "insert into listing (id, slug, person_id, title, description, category, language, price_minor, licence, state, search_text, created_ms, sales)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'certifying', $10, $11, 0)";
    INSERT_VERSION = "insert into version (id, listing_id, state, secret_id, model, profile, scheduler, steps, width, height, variables, creator_key,
            leaf_hash, listing_leaf_hash, listing_statement, created_ms)
        values ($1, $2, 'logging', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
    INSERT_ANCHOR = "insert into anchor (version_id, idx, blob, labelled_blob, pixel_blake3, pixel_sha256, width, height) values ($1, $2, $3, $4, $5, $6, $7, $8)";
    FIND_EQUAL_PICTURE = "select version.leaf_hash from anchor
        join version on version.id = anchor.version_id
        join listing on listing.id = version.listing_id
        where anchor.pixel_blake3 = $1 and listing.person_id <> $2 order by version.created_ms limit 1";
    GET_VERSION = "select id, listing_id, state, error, secret_id, model, creator_key, leaf_hash, listing_leaf_hash, listing_statement, certification_leaf_hash
        from version where id = $1";
    SET_VERSION_STATE = "update version set state = $2, error = $3, certification_leaf_hash = coalesce($4, certification_leaf_hash) where id = $1";
    SET_LISTING_STATE = "update listing set state = $2, published_ms = coalesce(published_ms, $3) where id = $1";
    LIST_MINE = "select listing.slug, listing.title, listing.state, listing.price_minor, listing.sales, version.error, anchor.labelled_blob
        from listing
        join version on version.listing_id = listing.id
        join anchor on anchor.version_id = version.id and anchor.idx = 0
        where listing.person_id = $1 order by listing.created_ms desc, listing.id limit 100";
}

pub(super) async fn insert_draft(tx: &mut Tx, draft: &DraftRow) -> db::Result<()> {
    execute!(
        tx,
        INSERT_DRAFT,
        &draft.id,
        &draft.person_id,
        &draft.title,
        &draft.description,
        &draft.category,
        draft.price_minor,
        &draft.licence,
        &draft.secret_id,
        draft.updated_ms
    )
    .map(|_| ())
}

pub(super) async fn update_draft(tx: &mut Tx, draft: &DraftRow) -> db::Result<()> {
    execute!(
        tx,
        UPDATE_DRAFT,
        &draft.id,
        &draft.title,
        &draft.description,
        &draft.category,
        draft.price_minor,
        &draft.licence,
        draft.updated_ms
    )
    .map(|_| ())
}

pub(super) async fn get_draft(tx: &mut Tx, id: &str, person: &str) -> db::Result<Option<DraftRow>> {
    fetch!(tx, fetch_optional, DraftRow, GET_DRAFT, id, person)
}

pub(super) async fn list_drafts(tx: &mut Tx, person: &str) -> db::Result<Vec<DraftRow>> {
    fetch!(tx, fetch_all, DraftRow, LIST_DRAFTS, person)
}

pub(super) async fn insert_picture(
    tx: &mut Tx,
    id: &str,
    draft: &DraftRow,
    secret: &str,
    tag: &str,
    steps: i64,
    now_ms: i64,
) -> db::Result<()> {
    execute!(
        tx,
        INSERT_PICTURE,
        id,
        &draft.id,
        &draft.person_id,
        secret,
        tag,
        steps,
        now_ms
    )
    .map(|_| ())
}

pub(super) async fn list_pictures(tx: &mut Tx, draft: &str) -> db::Result<Vec<PictureRow>> {
    fetch!(tx, fetch_all, PictureRow, LIST_PICTURES, draft)
}

pub(super) async fn get_picture(tx: &mut Tx, id: &str) -> db::Result<Option<PictureRow>> {
    fetch!(tx, fetch_optional, PictureRow, GET_PICTURE, id)
}

pub(super) async fn list_unfinished(tx: &mut Tx, draft: &str) -> db::Result<Vec<PictureRow>> {
    fetch!(tx, fetch_all, PictureRow, LIST_UNFINISHED, draft)
}

pub(super) async fn delete_picture(tx: &mut Tx, id: &str) -> db::Result<()> {
    execute!(tx, DELETE_PICTURE, id).map(|_| ())
}

pub(super) async fn delete_draft(tx: &mut Tx, id: &str) -> db::Result<()> {
    execute!(tx, DELETE_DRAFT, id).map(|_| ())
}

pub(super) async fn set_step(tx: &mut Tx, id: &str, step: i64) -> db::Result<()> {
    execute!(tx, SET_STEP, id, step).map(|_| ())
}

pub(super) async fn finish_picture(
    tx: &mut Tx,
    id: &str,
    blob: &str,
    blake3: &str,
    sha256: &str,
) -> db::Result<()> {
    execute!(tx, FINISH_PICTURE, id, blob, blake3, sha256).map(|_| ())
}

pub(super) async fn fail_picture(tx: &mut Tx, id: &str, error: &str) -> db::Result<()> {
    execute!(tx, FAIL_PICTURE, id, error).map(|_| ())
}

pub(super) async fn insert_listing(tx: &mut Tx, new: &NewVersion<'_>) -> db::Result<()> {
    let draft = new.draft;
    execute!(
        tx,
        INSERT_LISTING,
        &new.listing_id,
        &new.slug,
        &draft.person_id,
        &draft.title,
        &draft.description,
        &draft.category,
        new.language,
        draft.price_minor,
        &draft.licence,
        &new.search_text,
        new.now_ms
    )
    .map(|_| ())
}

pub(super) async fn insert_version(tx: &mut Tx, new: &NewVersion<'_>) -> db::Result<()> {
    let recipe = new.recipe;
    execute!(
        tx,
        INSERT_VERSION,
        &new.version_id,
        &new.listing_id,
        &new.secret_id,
        recipe.model.to_string(),
        recipe.profile.name(),
        recipe.scheduler.name(),
        i64::from(recipe.steps),
        i64::from(recipe.width),
        i64::from(recipe.height),
        &new.variables,
        &new.creator_key,
        &new.leaf_hash,
        &new.listing_leaf_hash,
        &new.statement,
        new.now_ms
    )
    .map(|_| ())
}

pub(super) async fn insert_anchor(
    tx: &mut Tx,
    version: &str,
    index: i64,
    blobs: (&str, &str),
    digests: (&str, &str),
    size: (i64, i64),
) -> db::Result<()> {
    execute!(
        tx,
        INSERT_ANCHOR,
        version,
        index,
        blobs.0,
        blobs.1,
        digests.0,
        digests.1,
        size.0,
        size.1
    )
    .map(|_| ())
}

pub(super) async fn find_equal_picture(
    tx: &mut Tx,
    blake3: &str,
    person: &str,
) -> db::Result<Option<String>> {
    Ok(fetch!(
        tx,
        fetch_optional,
        (String,),
        FIND_EQUAL_PICTURE,
        blake3,
        person
    )?
    .map(|row| row.0))
}

pub(super) async fn get_version(tx: &mut Tx, id: &str) -> db::Result<VersionRow> {
    fetch!(tx, fetch_one, VersionRow, GET_VERSION, id)
}

pub(super) async fn set_version_state(
    tx: &mut Tx,
    id: &str,
    state: &str,
    error: Option<&str>,
    certification: Option<&str>,
) -> db::Result<()> {
    execute!(tx, SET_VERSION_STATE, id, state, error, certification).map(|_| ())
}

pub(super) async fn set_listing_state(
    tx: &mut Tx,
    id: &str,
    state: &str,
    published_ms: Option<i64>,
) -> db::Result<()> {
    execute!(tx, SET_LISTING_STATE, id, state, published_ms).map(|_| ())
}

pub(super) async fn list_mine(
    tx: &mut Tx,
    person: &str,
) -> db::Result<Vec<super::service::MyListing>> {
    fetch!(tx, fetch_all, super::service::MyListing, LIST_MINE, person)
}
