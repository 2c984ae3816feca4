//! How a wish becomes jobs, and what becomes of its run.

pub use super::holding::{Error, Holding, hold, recipe};
use super::holding::{OwnSecret, internal, open_run};
use super::store;
pub use super::store::{OwnPicture, OwnRun};
use super::wish::{self, Fitting, Seeds, Wish};
use super::{OwnState, history, unlabelled};
use crate::machines::{self, Stands, pace};
use crate::shop::Shop;
use base::db::{self, Tx};
use base::jobs::turns::{self, Class, PictureJob};
use base::{compute, limits, random};
use schema::failure::FieldError;
use schema::id::{OwnRunId, PersonId};
use schema::recipe::Recipe;

/// Most pictures of one person that wait or are being made.
pub const MAX_WAITING: i64 = 32;

/// Queues the pictures of a wish and returns its run. The oldest runs of the holding make room for it.
///
/// # Errors
/// [`Error::Invalid`] with every field that does not fit, also when too many pictures wait; [`Error::TooMany`]; or as [`hold`]. Then
/// nothing is queued.
pub async fn start(
    shop: &Shop,
    person: &PersonId,
    holding: &str,
    wish: Wish,
) -> Result<OwnRunId, Error> {
    let mut tx = shop.db.write().await?;
    let held = hold(&mut tx, person, holding).await?;
    let recipe = recipe(shop, &mut tx, &held).await?;
    tx.commit().await?;
    let for_work = shop.clone();
    let fitted = compute::run(move || {
        let draw = || u64::from_le_bytes(random::bytes());
        let fitting = wish::fit(&recipe, for_work.engines.models(), &wish, draw);
        fitting.map(|fitting| (fitting, recipe))
    });
    let (fitting, recipe) = fitted.await.map_err(Error::Invalid)?;
    let mut tx = shop.db.write().await?;
    // It may have been given back meanwhile.
    let held = hold(&mut tx, person, holding).await?;
    let number = i64::try_from(fitting.seeds.len()).unwrap_or(i64::MAX);
    // Counted first: it lets one wish of a person wait for the other, so that two at once are not each counted without the other.
    if !limits::allow_many(&mut tx, limits::OWN_PICTURES, person.as_str(), number).await? {
        return Err(Error::TooMany(limits::OWN_PICTURES));
    }
    let open = turns::count_open(&mut tx, person.as_str(), Class::Owner).await?;
    if open + number > MAX_WAITING {
        return Err(Error::Invalid(vec![FieldError {
            field: "count".into(),
            code: "pictures-waiting".into(),
            detail: Some(MAX_WAITING.to_string()),
        }]));
    }
    history::make_room(shop, &mut tx, &held.id).await?;
    let run = insert(shop, &mut tx, &held, &recipe, fitting).await?;
    tx.commit().await?;
    Ok(run)
}

async fn insert(
    shop: &Shop,
    tx: &mut Tx,
    holding: &Holding,
    recipe: &Recipe,
    fitting: Fitting,
) -> Result<OwnRunId, Error> {
    let anchors: Vec<Option<usize>> = fitting
        .seeds
        .iter()
        .map(|seed| fitting.anchor(recipe, *seed))
        .collect();
    let run = OwnRun {
        id: random::id_of(),
        person_id: holding.person.to_string(),
        holding_id: holding.id.clone(),
        version_id: holding.version.version_id.clone(),
        secret_id: random::id(),
        steps: i64::from(recipe.steps),
        created_ms: shop.clock.now_ms(),
    };
    let secret = OwnSecret {
        values: fitting.values,
        seeds: fitting.seeds,
    };
    let plain = serde_json::to_vec(&secret).map_err(internal)?;
    shop.vault
        .put(tx, &run.secret_id, &plain, run.created_ms)
        .await?;
    store::insert_run(tx, &run).await?;
    let model = recipe.model.to_string();
    let size = (i64::from(recipe.width), i64::from(recipe.height));
    let cost_ms = pace::cost_ms(tx, &model, size, run.steps, 1).await?;
    for (index, anchor) in (0..).zip(anchors) {
        let anchor = anchor.and_then(|anchor| i64::try_from(anchor).ok());
        store::insert_picture(tx, &run.id, index, anchor).await?;
        let key = job_key(&run.id, index);
        let job = PictureJob {
            kind: super::MAKE,
            unique_key: &key,
            payload: &format!("{}:{index}", run.id),
            class: Class::Owner,
            share: Some(&run.person_id),
            cost_ms,
            model: &model,
        };
        turns::enqueue(tx, &job).await?;
    }
    Ok(run.id)
}

pub(super) fn job_key(run: &OwnRunId, index: i64) -> String {
    format!("own:{run}:{index}")
}

/// Makes a run again: with the same values and new seeds, or the very same pictures.
///
/// # Errors
/// As [`start`].
pub async fn again(
    shop: &Shop,
    person: &PersonId,
    holding: &str,
    run: &OwnRunId,
    same: bool,
) -> Result<OwnRunId, Error> {
    let mut tx = shop.db.write().await?;
    let held = hold(&mut tx, person, holding).await?;
    let run = get_run(&mut tx, &held, run).await?;
    let secret = open_run(shop, &mut tx, &run, person.as_str()).await?;
    tx.commit().await?;
    let wish = Wish {
        count: secret.seeds.len(),
        values: secret.values,
        seeds: match same {
            true => Seeds::Exactly(secret.seeds),
            false => Seeds::New,
        },
    };
    start(shop, person, holding, wish).await
}

/// A run of a holding.
///
/// # Errors
/// [`Error::NotFound`] also for another holding's.
pub async fn get_run(tx: &mut Tx, holding: &Holding, id: &OwnRunId) -> Result<OwnRun, Error> {
    let found = store::find_run(tx, id).await?;
    let found = found.filter(|run| run.holding_id == holding.id);
    found.ok_or(Error::NotFound)
}

/// A run's pictures, in order.
///
/// # Errors
/// When the database fails.
pub async fn list_pictures(tx: &mut Tx, run: &OwnRunId) -> db::Result<Vec<OwnPicture>> {
    store::list_pictures(tx, run).await
}

/// Gives a run up: its values, seeds and pictures are erased. What waits is not made any more, and what is being made stops between two steps.
///
/// # Errors
/// As [`get_run`].
pub async fn remove(
    shop: &Shop,
    person: &PersonId,
    holding: &str,
    run: &OwnRunId,
) -> Result<(), Error> {
    let mut tx = shop.db.write().await?;
    let held = hold(&mut tx, person, holding).await?;
    let run = get_run(&mut tx, &held, run).await?;
    let pictures = store::list_pictures(&mut tx, &run.id).await?;
    history::erase(shop, &mut tx, &run).await?;
    for picture in pictures {
        turns::cancel(&mut tx, &job_key(&run.id, picture.idx)).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Stops what waits and what is being made of a run; what is made stays. An engine stops between two steps. Returns how many.
///
/// # Errors
/// As [`get_run`].
pub async fn stop(
    shop: &Shop,
    person: &PersonId,
    holding: &str,
    run: &OwnRunId,
) -> Result<usize, Error> {
    let mut tx = shop.db.write().await?;
    let held = hold(&mut tx, person, holding).await?;
    let run = get_run(&mut tx, &held, run).await?;
    let mut stopped = Vec::new();
    for picture in store::list_pictures(&mut tx, &run.id).await? {
        if !picture.state.is_over() && end(&mut tx, &run.id, &picture, "own-stopped").await? {
            stopped.push(picture.idx);
        }
    }
    for index in &stopped {
        turns::cancel(&mut tx, &job_key(&run.id, *index)).await?;
    }
    tx.commit().await?;
    Ok(stopped.len())
}

/// Ends a picture that is not made, with the name of the text that says why; `false` when something else came first.
pub(super) async fn end(
    tx: &mut Tx,
    run: &OwnRunId,
    picture: &OwnPicture,
    why: &str,
) -> db::Result<bool> {
    let ended = store::Ended {
        state: OwnState::Failed,
        step: picture.step,
        blob: None,
        is_equal: None,
        error: Some(why),
    };
    store::finish_picture(tx, run, picture, &ended).await
}

/// How the pictures of a run stand that are not over, by their numbers: what waits waits for one thing, so it is asked once.
///
/// # Errors
/// When the database fails.
pub async fn stands(
    shop: &Shop,
    tx: &mut Tx,
    run: &OwnRunId,
    pictures: &[OwnPicture],
) -> db::Result<Option<Stands>> {
    let mut last = None;
    for picture in pictures.iter().filter(|picture| !picture.state.is_over()) {
        let key = job_key(run, picture.idx);
        let stands = machines::stands(tx, &shop.here, shop.workers, &key).await?;
        last = match (last, stands) {
            // The last of them ends the run.
            (Some(Stands::Away { model }), _) => Some(Stands::Away { model }),
            (Some(Stands::Made { .. }) | None, Some(next)) => Some(next),
            (Some(Stands::Waits { about_s: old }), Some(Stands::Waits { about_s: new })) => {
                Some(Stands::Waits {
                    about_s: old.max(new),
                })
            }
            (Some(_), Some(Stands::Away { model })) => Some(Stands::Away { model }),
            (last, _) => last,
        };
    }
    Ok(last)
}

/// Whoever may take files without a label acknowledged the present wording lately.
///
/// # Errors
/// When the database fails.
pub async fn has_acknowledged(shop: &Shop, tx: &mut Tx, holding: &Holding) -> db::Result<bool> {
    let found = unlabelled::find(shop, tx, &holding.person, &holding.id).await?;
    Ok(found.is_some())
}
