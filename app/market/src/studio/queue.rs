//! Pictures of a draft on their way: asked for, waiting, taken back; and drafts given up.
//!
//! The one rule: nobody has more than [`MAX_WAITING`] pictures waiting, and what waits or is being made can be taken back by whoever asked
//! for it.

use super::content::Content;
use super::error::{Error, internal, refused};
use super::service::{PictureSecret, get_draft, get_picture, open_picture};
use super::store::{DraftRow, PictureRow};
use super::{check, store};
use crate::machines::{self, Stands, pace};
use crate::shop::Shop;
use crate::starting;
use base::db::{self, Tx};
use base::jobs::turns::{self, Class, PictureJob};
use base::{compute, limits, random};
use schema::failure::FieldError;
use schema::id::{DraftId, PersonId, PictureId, VersionId};
use schema::recipe::Seed;
use schema::template::Values;

/// Most pictures that one request may ask for.
pub const MAX_BATCH: usize = 9;
/// Most pictures of one person that wait or are being made.
pub const MAX_WAITING: i64 = 64;
/// Pictures that are erased in one transaction.
const ERASED_AT_ONCE: i64 = 60;

/// Queues pictures of a draft. Without a seed each gets 64 fresh bits from the operating system.
///
/// # Errors
/// [`Error::NotFound`] also for somebody else's draft or picture, [`Error::TooMany`], or [`Error::Invalid`] when values do not fit or too many wait; then none is queued.
pub async fn generate(
    state: &Shop,
    person: &PersonId,
    draft: &DraftId,
    values: Values,
    seeds: Seeds,
    count: usize,
) -> Result<(), Error> {
    let mut count = count.clamp(1, MAX_BATCH);
    let mut tx = state.db.write().await?;
    let draft = get_draft(state, &mut tx, person, draft).await?;
    // A seed, whether it was drawn here, and the picture that had it first.
    let (given, drawn, origin) = match &seeds {
        Seeds::Drawn => (None, true, None),
        Seeds::Typed(text) => {
            let seed = Seed::parse(text).map_err(refused("seed"))?;
            (Some(seed), false, None)
        }
        Seeds::Of(picture) => {
            let row = get_picture(&mut tx, person, picture).await?;
            if row.draft_id != draft.row.id {
                return Err(Error::NotFound);
            }
            let secret = open_picture(state, &mut tx, &row, "same seed").await?;
            count = 1;
            (Some(secret.seed), secret.drawn, Some(row.origin_id))
        }
    };
    tx.commit().await?;
    let (row, for_work, content) = (draft.row.clone(), state.clone(), draft.content);
    let steps = i64::from(content.steps);
    let tag = content.tag(state, &row.id);
    let (model, size) = made_with(state, &content);
    let asked = compute::run(move || -> Result<Vec<Vec<u8>>, Error> {
        let first = given.unwrap_or(Seed(0));
        check::picture(&for_work, &content, values.clone(), first).map_err(Error::Invalid)?;
        let ask = |number: usize| {
            let seed = given.map_or_else(
                || Seed(u64::from_le_bytes(random::bytes())),
                |seed| Seed(seed.0.wrapping_add(number as u64)),
            );
            let secret = PictureSecret {
                content: content.clone(),
                values: values.clone(),
                seed,
                drawn,
            };
            serde_json::to_vec(&secret).map_err(internal)
        };
        (0..count).map(ask).collect()
    })
    .await?;
    let mut tx = state.db.write().await?;
    // It may have been given up meanwhile.
    if store::get_draft(&mut tx, &row.id, person).await?.is_none() {
        return Err(Error::NotFound);
    }
    allow(&mut tx, person, asked.len()).await?;
    let cost_ms = pace::cost_ms(&mut tx, &model, size, steps, 1).await?;
    for secret in &asked {
        let asked = Asked {
            secret,
            tag: &tag,
            steps,
            cost_ms,
            model: &model,
            origin: origin.as_deref(),
        };
        insert(state, &mut tx, &row, &asked).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// The model of a content by its digest, and the size of its pictures. One that is not here is asked for all the same, and refused by name.
fn made_with(state: &Shop, content: &Content) -> (String, (i64, i64)) {
    let models = state.engines.models();
    match (content.recipe(models, Vec::new()), content.model) {
        (Ok(recipe), _) => (
            recipe.model.to_string(),
            (i64::from(recipe.width), i64::from(recipe.height)),
        ),
        (Err(_), model) => (
            model.map_or_else(String::new, |model| model.to_string()),
            (0, 0),
        ),
    }
}

/// Where seeds come from.
pub enum Seeds {
    /// 64 bits from the operating system for each picture.
    Drawn,
    /// One that was typed, and those behind it.
    Typed(String),
    /// The one of a picture of this draft, for one picture more.
    Of(PictureId),
}

/// One of several pictures with one seed, each of a draft of its own.
pub(super) struct Together {
    pub(super) draft: DraftRow,
    pub(super) content: Content,
}

/// Queues one picture of each of several drafts, all with one fresh seed; returns them in their order. As all are known to have it, one of
/// them can be sealed.
///
/// # Errors
/// [`Error::TooMany`], or [`Error::Invalid`] when too many wait; then none is queued.
pub(super) async fn ask_together(
    state: &Shop,
    tx: &mut Tx,
    person: &PersonId,
    wanted: &[Together],
    values: &Values,
) -> Result<Vec<PictureId>, Error> {
    allow(tx, person, wanted.len()).await?;
    let seed = Seed(u64::from_le_bytes(random::bytes()));
    let mut ids: Vec<PictureId> = Vec::new();
    for place in wanted {
        let secret = PictureSecret {
            content: place.content.clone(),
            values: values.clone(),
            seed,
            drawn: true,
        };
        let plain = serde_json::to_vec(&secret).map_err(internal)?;
        let (model, size) = made_with(state, &place.content);
        let steps = i64::from(place.content.steps);
        let asked = Asked {
            secret: &plain,
            tag: &place.content.tag(state, &place.draft.id),
            steps,
            cost_ms: pace::cost_ms(tx, &model, size, steps, 1).await?,
            model: &model,
            origin: ids.first().map(PictureId::as_str),
        };
        let id = insert(state, tx, &place.draft, &asked).await?;
        ids.push(id);
    }
    Ok(ids)
}

/// Whether somebody may have so many pictures more, now and in this hour.
async fn allow(tx: &mut Tx, person: &PersonId, count: usize) -> Result<(), Error> {
    let number = i64::try_from(count).unwrap_or(i64::MAX);
    if turns::count_open(tx, person.as_str(), Class::Studio).await? + number > MAX_WAITING {
        return Err(Error::Invalid(vec![FieldError {
            field: "count".into(),
            code: "pictures-waiting".into(),
            detail: Some(MAX_WAITING.to_string()),
        }]));
    }
    match limits::allow_many(tx, limits::GENERATE, person.as_str(), number).await? {
        true => Ok(()),
        false => Err(Error::TooMany),
    }
}

/// One picture to be queued.
struct Asked<'a> {
    secret: &'a [u8],
    tag: &'a str,
    steps: i64,
    cost_ms: i64,
    model: &'a str,
    /// The first picture with its seed, where that is another one.
    origin: Option<&'a str>,
}

async fn insert(
    state: &Shop,
    tx: &mut Tx,
    draft: &DraftRow,
    asked: &Asked<'_>,
) -> Result<PictureId, Error> {
    let (id, secret_id): (PictureId, String) = (random::id_of(), random::id());
    let now = state.clock.now_ms();
    state
        .vault
        .put(tx, &secret_id, asked.secret, now)
        .await
        .map_err(internal)?;
    let new = store::NewPicture {
        id: &id,
        secret_id: &secret_id,
        text_tag: asked.tag,
        steps: asked.steps,
        origin_id: asked.origin.unwrap_or(id.as_str()),
        now_ms: now,
    };
    store::insert_picture(tx, draft, &new).await?;
    let job = PictureJob {
        kind: super::GENERATE,
        unique_key: &job_key(&id),
        payload: id.as_str(),
        class: Class::Studio,
        share: Some(draft.person_id.as_str()),
        cost_ms: asked.cost_ms,
        model: asked.model,
    };
    turns::enqueue(tx, &job).await?;
    Ok(id)
}

fn job_key(picture: &PictureId) -> String {
    format!("picture:{picture}")
}

/// Takes back one's own pictures of a draft that no worker has begun, and removes those that failed; returns how many.
///
/// # Errors
/// When the database fails.
pub async fn cancel_waiting(
    state: &Shop,
    person: &PersonId,
    draft: &DraftId,
) -> Result<usize, Error> {
    let mut tx = state.db.write().await?;
    let draft = store::get_draft(&mut tx, draft, person)
        .await?
        .ok_or(Error::NotFound)?;
    let mut count = 0;
    for picture in store::list_unfinished(&mut tx, &draft.id).await? {
        let standing = turns::standing(&mut tx, &job_key(&picture.id)).await?;
        if standing.is_none_or(|standing| !standing.begun) {
            count += usize::from(take_back(state, &mut tx, &picture).await?);
        }
    }
    tx.commit().await?;
    Ok(count)
}

/// Takes one's own picture back if it waits, is being made or failed; returns its draft. An engine that makes it stops between two steps.
///
/// # Errors
/// [`Error::NotFound`] also for somebody else's. One that is done stays as it is.
pub async fn cancel(
    state: &Shop,
    person: &PersonId,
    picture: &PictureId,
) -> Result<DraftId, Error> {
    let mut tx = state.db.write().await?;
    let picture = get_picture(&mut tx, person, picture).await?;
    take_back(state, &mut tx, &picture).await?;
    tx.commit().await?;
    Ok(picture.draft_id)
}

async fn take_back(state: &Shop, tx: &mut Tx, picture: &PictureRow) -> Result<bool, Error> {
    // One that was done a moment ago is done.
    if !store::delete_unmade(tx, &picture.id).await? {
        return Ok(false);
    }
    turns::cancel(tx, &job_key(&picture.id)).await?;
    let erased = state.vault.erase(tx, &picture.secret_id).await;
    erased.map_err(internal)?;
    Ok(true)
}

async fn erase(state: &Shop, tx: &mut Tx, picture: &PictureRow) -> Result<(), Error> {
    store::delete_picture(tx, &picture.id).await?;
    turns::cancel(tx, &job_key(&picture.id)).await?;
    state
        .vault
        .erase(tx, &picture.secret_id)
        .await
        .map_err(internal)
}

/// Gives a draft up: its texts, seeds and pictures are erased. What was published from it stays.
///
/// # Errors
/// [`Error::NotFound`] also for somebody else's.
pub async fn delete_draft(state: &Shop, person: &PersonId, draft: &DraftId) -> Result<(), Error> {
    loop {
        // A page of pictures at a time, so that a long list keeps no other writer waiting.
        let mut tx = state.db.write().await?;
        let draft = store::get_draft(&mut tx, draft, person)
            .await?
            .ok_or(Error::NotFound)?;
        let pictures = store::list_pictures(&mut tx, &draft.id, ERASED_AT_ONCE).await?;
        for picture in &pictures {
            erase(state, &mut tx, picture).await?;
        }
        if pictures.is_empty() {
            starting::let_go(&mut tx, draft.id.as_str()).await?;
            store::delete_draft(&mut tx, &draft.id).await?;
            let erased = state.vault.erase(&mut tx, &draft.secret_id).await;
            erased.map_err(internal)?;
            tx.commit().await?;
            return Ok(());
        }
        tx.commit().await?;
    }
}

/// How a picture stands that is not over.
///
/// # Errors
/// When the database fails.
pub async fn stands(state: &Shop, tx: &mut Tx, picture: &PictureId) -> db::Result<Option<Stands>> {
    machines::stands(tx, &state.here, state.workers, &job_key(picture)).await
}

/// How a version's certification stands that is not over.
///
/// # Errors
/// When the database fails.
pub async fn certifies(
    state: &Shop,
    tx: &mut Tx,
    version: &VersionId,
) -> db::Result<Option<Stands>> {
    let key = super::service::certify_key(version);
    machines::stands(tx, &state.here, state.workers, &key).await
}
