//! Makes one picture with an owner's values, and compares it where it ought to be a sealed one.

use super::holding::{open_recipe, open_run};
use super::service::{Holding, hold};
use super::store::{self, Ended, OwnPicture, OwnRun};
use super::{OwnState, service};
use crate::catalog::service as catalog;
use crate::catalog::versions::FullRecipe;
use crate::engines::{Made, Step, made_with};
use crate::library::service as library;
use crate::machines::pace::{self, Course};
use crate::shop::Shop;
use crate::starting;
use anyhow::{Context as _, Result};
use base::compute;
use base::db::Tx;
use base::jobs::{Job, Outcome};
use engine::ErrorKind;
use engine::pipeline::Request;
use schema::id::{OwnRunId, PersonId};
use schema::recipe::Seed;

/// Who opens what is made here, in the record of openings.
const PLATFORM: &str = "platform";

/// A picture that is to be made, and everything for it.
struct Due {
    run: OwnRun,
    picture: OwnPicture,
    holding: Holding,
    recipe: FullRecipe,
    values: schema::template::Values,
    seed: Seed,
}

/// The run and the picture's number.
fn parts(job: &Job) -> Result<(OwnRunId, i64)> {
    let parts = job.payload.split_once(':');
    let (run, index) = parts.context("a run and a number")?;
    Ok((OwnRunId::parse(run)?, index.parse::<i64>()?))
}

/// Ends a picture whose model stayed away for too long.
pub async fn give_up(tx: &mut Tx, job: &Job) -> Result<()> {
    let (run, index) = parts(job)?;
    let picture = store::find_picture(tx, &run, index).await?;
    if let Some(picture) = picture.filter(|picture| !picture.state.is_over()) {
        service::end(tx, &run, &picture, "own-model-gone-line").await?;
    }
    Ok(())
}

/// Runs a job of this feature.
///
/// # Errors
/// When trying again may help.
pub async fn run(shop: &Shop, job: &Job) -> Result<Outcome> {
    let (run, index) = parts(job)?;
    let due = match due(shop, &run, index).await {
        Ok(Some(due)) => due,
        // Given up or made meanwhile.
        Ok(None) => return Ok(Outcome::Done),
        Err(Refusal::Final(run, picture, why)) => {
            fail(shop, &run, &picture, why).await?;
            return Ok(Outcome::Done);
        }
        Err(Refusal::Other(error)) => return Err(error),
    };
    if shop
        .engines
        .models()
        .named(due.recipe.recipe.model)
        .is_err()
    {
        return Ok(Outcome::Elsewhere(due.recipe.recipe.model.to_string()));
    }
    make(shop, job, due).await
}

/// Why a picture is not made.
enum Refusal {
    /// Trying again cannot help; the name of the text that says why.
    Final(OwnRunId, OwnPicture, &'static str),
    Other(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

async fn due(shop: &Shop, id: &OwnRunId, index: i64) -> Result<Option<Due>, Refusal> {
    let mut tx = shop.db.write().await?;
    let Some(run) = store::find_run(&mut tx, id).await? else {
        return Ok(None);
    };
    let picture = store::find_picture(&mut tx, id, index).await?;
    let Some(picture) = picture.filter(|picture| !picture.state.is_over()) else {
        return Ok(None);
    };
    let person = PersonId::parse(&run.person_id)?;
    let refuse = |why| Refusal::Final(id.clone(), picture.clone(), why);
    let holding = match hold(&mut tx, &person, &run.holding_id).await {
        Ok(holding) => holding,
        // It was given back, or went to another account.
        Err(service::Error::Refunded | service::Error::NotFound | service::Error::NotOpened) => {
            return Err(refuse("own-not-yours"));
        }
        Err(error) => return Err(error.into()),
    };
    let opened = async {
        let recipe = open_recipe(shop, &mut tx, &holding, PLATFORM).await?;
        let secret = open_run(shop, &mut tx, &run, PLATFORM).await?;
        Ok::<_, service::Error>((recipe, secret))
    };
    let (recipe, secret) = match opened.await {
        Ok(opened) => opened,
        Err(service::Error::Vault(base::vault::Error::Erased(_))) => {
            return Err(refuse("own-erased"));
        }
        Err(error) => return Err(error.into()),
    };
    tx.commit().await?;
    let seed = usize::try_from(index)
        .ok()
        .and_then(|index| secret.seeds.get(index).copied());
    Ok(Some(Due {
        seed: seed.context("the picture has no seed")?,
        values: secret.values,
        run,
        picture,
        holding,
        recipe,
    }))
}

async fn make(shop: &Shop, job: &Job, due: Due) -> Result<Outcome> {
    let (run, index) = (&due.run.id, due.picture.idx);
    let begun = starting::open(&shop.media, &due.recipe.starting).await?;
    let (recipe, values, seed) = (due.recipe.recipe.clone(), due.values.clone(), due.seed);
    let request = compute::run(move || Request::of_recipe(&recipe, &values, seed, &begun)).await;
    let request = match request {
        Ok(request) => request,
        Err(error) => return cannot(shop, &due, &error).await,
    };
    let (steps, (model, size)) = (i64::from(request.steps), made_with(&request));
    let mut tx = shop.db.read().await?;
    let course = Course::begin(&mut tx, job, &model, size).await?;
    drop(tx);
    let note = |made: Step| note_step(shop, (run, index), &course, steps, made);
    let Made { picture, took } = match shop.engines.make(request, note).await {
        Ok(made) => made,
        // The server is stopping: whoever comes next makes it.
        Err(error) if error.kind() == ErrorKind::Cancelled => return Err(error.into()),
        Err(error) => return cannot(shop, &due, &error).await,
    };
    let mut tx = shop.db.write().await?;
    pace::note(&mut tx, &model, size, took).await?;
    tx.commit().await?;
    let encoded = compute::run(move || anyhow::Ok((picture.digest()?, picture.to_png(None)?)));
    let (digest, file) = encoded.await?;
    // Whoever gave the run up meanwhile leaves no file behind.
    let mut tx = shop.db.read().await?;
    if store::find_picture(&mut tx, run, index).await?.is_none() {
        return Ok(Outcome::Done);
    }
    drop(tx);
    let blob = shop.media.put(file).await?;
    finish(shop, &due, &blob, &digest.blake3.hex()).await?;
    Ok(Outcome::Done)
}

/// Notes a picture that was made. One that ought to be a sealed one and is not is a matter for a re-run, which decides as always.
async fn finish(shop: &Shop, due: &Due, blob: &str, blake3: &str) -> Result<()> {
    let mut tx = shop.db.write().await?;
    let sealed = catalog::list_anchor_digests(&mut tx, &due.holding.version.version_id).await?;
    let sealed = due
        .picture
        .anchor
        .and_then(|anchor| sealed.get(usize::try_from(anchor).ok()?).cloned());
    let is_equal = sealed.map(|sealed| sealed == blake3);
    let ended = Ended {
        state: OwnState::Done,
        step: due.run.steps,
        blob: Some(blob),
        is_equal,
        error: None,
    };
    let noted = store::finish_picture(&mut tx, &due.run.id, &due.picture, &ended).await?;
    if noted && is_equal == Some(false) {
        tracing::error!(own_run.id = %due.run.id, listing.slug = %due.holding.version.slug, "a sealed picture came out different");
        if let Some(line) = &due.holding.line {
            library::check_again(shop, &mut tx, line).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

/// It cannot be made, and trying again cannot help.
async fn cannot(shop: &Shop, due: &Due, error: &engine::Error) -> Result<Outcome> {
    let (run, index) = (&due.run.id, due.picture.idx);
    tracing::warn!(own_run.id = %run, index, error = %error, "a picture cannot be made");
    fail(shop, run, &due.picture, "own-failed").await?;
    Ok(Outcome::Done)
}

async fn fail(shop: &Shop, run: &OwnRunId, picture: &OwnPicture, why: &str) -> Result<()> {
    let mut tx = shop.db.write().await?;
    service::end(&mut tx, run, picture, why).await?;
    tx.commit().await?;
    Ok(())
}

async fn note_step(
    shop: &Shop,
    (run, index): (&OwnRunId, i64),
    course: &Course<'_>,
    steps: i64,
    made: Step,
) {
    let step = i64::from(made.step);
    let note = async {
        let mut tx = shop.db.write().await?;
        store::set_step(&mut tx, run, index, step).await?;
        course.note(&mut tx, steps - step, 1, made.step_us).await?;
        tx.commit().await
    };
    if let Err(error) = note.await {
        tracing::warn!(own_run.id = %run, error = %error, "cannot note progress");
    }
}
