//! Pictures of a draft on their way: asked for, waiting, taken back; and drafts given up.
//!
//! The one rule: nobody has more than [`MAX_WAITING`] pictures waiting, and what waits can be taken back by whoever asked for it.

use super::content::Content;
use super::error::{Error, internal, refused};
use super::service::{PictureSecret, get_draft, get_picture, open_picture};
use super::store::{DraftRow, PictureRow};
use super::{PictureState, check, store};
use crate::shop::Shop;
use crate::starting;
use base::db::{self, Tx};
use base::jobs::turns::{self, Class, PictureJob};
use base::{compute, limits, random};
use schema::failure::FieldError;
use schema::id::{DraftId, PersonId, PictureId};
use schema::recipe::Seed;
use schema::template::Values;

/// Most pictures that one request may ask for.
pub const MAX_BATCH: usize = 9;
/// Most pictures of one person that wait or are being made.
pub const MAX_WAITING: i64 = 64;
/// Pictures that are erased in one transaction.
const ERASED_AT_ONCE: i64 = 60;
/// The setting that holds how long a sampling step takes, in microseconds.
const STEP_US: &str = "picture_step_us";

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
    for secret in &asked {
        let asked = Asked {
            secret,
            tag: &tag,
            steps,
            origin: origin.as_deref(),
        };
        insert(state, &mut tx, &row, &asked).await?;
    }
    tx.commit().await?;
    Ok(())
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
        let asked = Asked {
            secret: &plain,
            tag: &place.content.tag(state, &place.draft.id),
            steps: i64::from(place.content.steps),
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
        steps: asked.steps,
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
        count += usize::from(take_back(state, &mut tx, &picture).await?);
    }
    tx.commit().await?;
    Ok(count)
}

/// Takes one's own picture back if it waits or failed; returns its draft.
///
/// # Errors
/// [`Error::NotFound`] also for somebody else's. One that is being made or is done stays as it is.
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
    let waits =
        picture.state == PictureState::Waiting && turns::cancel(tx, &job_key(&picture.id)).await?;
    if waits || picture.state == PictureState::Failed {
        erase(state, tx, picture).await?;
        return Ok(true);
    }
    Ok(false)
}

async fn erase(state: &Shop, tx: &mut Tx, picture: &PictureRow) -> Result<(), Error> {
    store::delete_picture(tx, &picture.id).await?;
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
            // One that is being made finds nothing to write itself to.
            turns::cancel(&mut tx, &job_key(&picture.id)).await?;
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

/// Takes what a picture took into the measured time of a step, an eighth at a time.
///
/// # Errors
/// When the database fails.
pub(super) async fn note_rate(tx: &mut Tx, steps: i64, took_us: i64) -> db::Result<()> {
    let (new, old) = (took_us / steps.max(1), db::read_number(tx, STEP_US).await?);
    let now = if old > 0 { old + (new - old) / 8 } else { new };
    db::write_setting(tx, STEP_US, &now.max(1).to_string()).await
}

/// How long a picture still waits before it is done, in seconds, as far as that was measured; `None` when it does not wait.
///
/// # Errors
/// When the database fails.
pub async fn wait_s(state: &Shop, tx: &mut Tx, picture: &PictureId) -> db::Result<Option<i64>> {
    let Some(ahead) = turns::ahead(tx, &job_key(picture)).await? else {
        return Ok(None);
    };
    let step_us = db::read_number(tx, STEP_US).await?;
    Ok((step_us > 0).then(|| estimate_s(ahead, step_us, state.workers)))
}

/// Steps before it are shared by the engines, its own are made by one.
fn estimate_s(ahead: turns::Ahead, step_us: i64, engines: usize) -> i64 {
    let engines = i64::try_from(engines).unwrap_or(1).max(1);
    let us = (ahead.steps / engines + ahead.own_steps).saturating_mul(step_us);
    (us / 1_000_000).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::testing::databases;

    #[test]
    fn a_wait_is_what_stands_before_a_picture_at_the_measured_rate() {
        let ahead = turns::Ahead {
            steps: 800,
            own_steps: 200,
        };
        assert_eq!(estimate_s(ahead, 50_000, 2), 30);
        assert_eq!(estimate_s(ahead, 50_000, 0), 50);
    }

    #[tokio::test]
    async fn the_rate_follows_what_was_measured_slowly() {
        for test in databases().await {
            let mut tx = test.db.write().await.expect("a transaction");
            for (took_us, expected) in [(160_000, 10_000), (320_000, 11_250), (0, 9_844)] {
                note_rate(&mut tx, 16, took_us).await.expect("a note");
                let rate = db::read_number(&mut tx, STEP_US).await.expect("a rate");
                assert_eq!(rate, expected, "{}", test.name);
            }
        }
    }
}
