//! SQL of sealed versions, and of the listings that they are sold as.

use super::{NewVersion, VersionRow, VersionState};
use base::db::{self, Tx, execute, fetch, statements};
use engine::metadata::sampler_title;
use schema::id::{ListingId, VersionId};

statements! {
    INSERT_LISTING = "insert into listing (id, slug, person_id, title, description, category, language, price_minor, licence, state, tags, trial, created_ms, sales)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'certifying', $10, $11, $12, 0)";
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
    SET_VERSION_STATE = "update version set state = $2, error = $3, certification_leaf_hash = coalesce($4, certification_leaf_hash) where id = $1 and state = $5";
    SHOW_FIRST_VERSION = "update listing set version_id = $2 where id = $1 and version_id is null";
    SELL_VERSION = "update listing set version_id = $2, state = 'live', published_ms = coalesce(published_ms, $3)
        where id = $1 and state in ('certifying', 'live', 'failed')";
    FAIL_FIRST_VERSION = "update listing set state = 'failed' where id = $1 and version_id = $2 and state = 'certifying'";
}

pub async fn insert_listing(tx: &mut Tx, new: &NewVersion<'_>) -> db::Result<()> {
    execute!(
        tx,
        INSERT_LISTING,
        new.listing_id.as_str(),
        &new.slug,
        new.person,
        new.title,
        new.description,
        new.category,
        new.language,
        new.price_minor,
        new.licence,
        new.tags,
        new.trial,
        new.now_ms
    )
    .map(|_| ())
}

pub async fn insert_version(tx: &mut Tx, new: &NewVersion<'_>) -> db::Result<()> {
    let recipe = new.recipe;
    execute!(
        tx,
        INSERT_VERSION,
        new.version_id.as_str(),
        new.listing_id.as_str(),
        &new.secret_id,
        recipe.model.to_string(),
        recipe.profile.name(),
        sampler_title(&recipe.scheduler),
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

pub async fn insert_anchor(
    tx: &mut Tx,
    version: &VersionId,
    index: i64,
    blobs: (&str, &str),
    digests: (&str, &str),
    size: (i64, i64),
) -> db::Result<()> {
    execute!(
        tx,
        INSERT_ANCHOR,
        version.as_str(),
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

pub async fn find_equal_picture(
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

pub async fn get_version(tx: &mut Tx, id: &VersionId) -> db::Result<VersionRow> {
    fetch!(tx, fetch_one, VersionRow, GET_VERSION, id.as_str())
}

/// Takes a version a step on, from how it stands now.
pub async fn set_version_state(
    tx: &mut Tx,
    id: &VersionId,
    state: VersionState,
    error: Option<&str>,
    certification: Option<&str>,
) -> db::Result<()> {
    let held = get_version(tx, id).await?.state;
    let (from, to) = (held.name(), state.name());
    // One that was taken on by somebody else meanwhile is not what the step was for.
    if !held.may_become(state)
        || execute!(
            tx,
            SET_VERSION_STATE,
            id.as_str(),
            to,
            error,
            certification,
            from
        )? != 1
    {
        return Err(db::Error::impossible(format!(
            "the version {id} from {from} to {to}"
        )));
    }
    Ok(())
}

/// Lets a listing show its first version while that is on its way; a later one is shown when it is live.
pub async fn show_first_version(
    tx: &mut Tx,
    listing: &ListingId,
    version: &VersionId,
) -> db::Result<()> {
    execute!(tx, SHOW_FIRST_VERSION, listing.as_str(), version.as_str()).map(|_| ())
}

/// Lets a listing sell a version from now on; `false` where it was withdrawn meanwhile.
pub(super) async fn sell_version(
    tx: &mut Tx,
    listing: &ListingId,
    version: &VersionId,
    now_ms: i64,
) -> db::Result<bool> {
    execute!(tx, SELL_VERSION, listing.as_str(), version.as_str(), now_ms).map(|rows| rows == 1)
}

/// Ends a listing whose first version did not come as far as the sale; one that sells another goes on.
pub(super) async fn fail_first_version(
    tx: &mut Tx,
    listing: &ListingId,
    version: &VersionId,
) -> db::Result<()> {
    execute!(tx, FAIL_FIRST_VERSION, listing.as_str(), version.as_str()).map(|_| ())
}
