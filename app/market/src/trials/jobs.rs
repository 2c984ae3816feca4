//! Makes the picture of one try: at the recipe's size, then small, then labelled. Only that copy is stored.

use super::service::Trial;
use super::store;
use crate::catalog::ListingState;
use crate::catalog::service as catalog;
use crate::catalog::versions::FullRecipe;
use crate::engines::{Made, Step, made_with};
use crate::machines::pace::{self, Course};
use crate::own::OwnState;
use crate::shop::Shop;
use crate::starting;
use anyhow::{Context as _, Result};
use base::db::Tx;
use base::jobs::{Job, Outcome};
use base::lang::Lang;
use base::{compute, random};
use engine::ErrorKind;
use engine::label::{
    self,
    notice::{self, Words},
};
use engine::picture::Picture;
use engine::pipeline::Request;
use engine::sheet::raster::smaller;
use schema::id::TrialId;
use schema::recipe::{ModelDigest, Seed};

/// Nobody sees more pixels of it, across or down.
const SHOWN_SIDE: u32 = 128;

/// Ends a try whose model stayed away for too long.
pub async fn give_up(tx: &mut Tx, job: &Job) -> Result<()> {
    if let Some(trial) = store::find(tx, &TrialId::parse(&job.payload)?).await? {
        store::fail(tx, &trial, Some("trial-model-away")).await?;
    }
    Ok(())
}

/// Runs a job of this feature.
///
/// # Errors
/// When trying again may help.
pub async fn run(shop: &Shop, job: &Job) -> Result<Outcome> {
    let id = TrialId::parse(&job.payload)?;
    let mut tx = shop.db.write().await?;
    let trial = store::find(&mut tx, &id).await?;
    let Some(trial) = trial.filter(|trial| !trial.state.is_over()) else {
        return Ok(Outcome::Done);
    };
    let version = catalog::get_version(&mut tx, &trial.version_id).await?;
    // What was withdrawn meanwhile, or is not to be tried any more, is not made.
    if version.state != ListingState::Live || !version.trial {
        // Its own transaction waits for this one.
        drop(tx);
        return fail(shop, &trial).await;
    }
    let here = ModelDigest::parse(&version.model);
    if here.is_ok_and(|model| shop.engines.models().named(model).is_err()) {
        return Ok(Outcome::Elsewhere(version.model.clone()));
    }
    let now = shop.clock.now_ms();
    let plain = shop
        .vault
        .open(&mut tx, &version.secret_id, "platform", "trial", now);
    let plain = plain.await?;
    tx.commit().await?;
    let opened = compute::run(move || FullRecipe::parse(&plain)).await;
    let opened = opened.context("a sold recipe")?;
    let begun = starting::open(&shop.media, &opened.starting).await?;
    let chosen = trial.values();
    let models = shop.engines.clone();
    let request = compute::run(move || {
        let recipe = opened.recipe;
        let values = recipe.variables.iter().map(|(name, variable)| {
            let value = chosen.get(name).cloned();
            (
                name.clone(),
                value.unwrap_or_else(|| variable.default_value()),
            )
        });
        // Drawn here and kept nowhere.
        let seed = Seed(u64::from_le_bytes(random::bytes()));
        let request = Request::of_recipe(&recipe, &values.collect(), seed, &begun)?;
        request.check_texts(models.models().named(request.model)?)?;
        anyhow::Ok(request)
    });
    let request = match request.await {
        Ok(request) => request,
        Err(error) => {
            tracing::warn!(trial.id = %trial.id, error = format!("{error:#}"), "a try cannot be made");
            return fail(shop, &trial).await;
        }
    };
    let (steps, (model, size)) = (i64::from(request.steps), made_with(&request));
    let mut tx = shop.db.read().await?;
    let course = Course::begin(&mut tx, job, &model, size).await?;
    drop(tx);
    let note = |made: Step| note_step(shop, &trial, &course, steps, made);
    let Made { picture, took } = match shop.engines.make(request, note).await {
        Ok(made) => made,
        Err(error) if error.kind() == ErrorKind::Cancelled => return Err(error.into()),
        Err(error) => {
            tracing::warn!(trial.id = %trial.id, error = %error, "a try cannot be made");
            return fail(shop, &trial).await;
        }
    };
    let (title, code) = (version.title.clone(), format!("trial-{}", trial.id));
    let words = Words::of(&trial.lang);
    let file = compute::run(move || copy(&picture, &title, &code, words)).await?;
    let blob = shop.media.put(file).await?;
    let mut tx = shop.db.write().await?;
    store::finish(&mut tx, &trial, OwnState::Done, steps, Some(&blob)).await?;
    pace::note(&mut tx, &model, size, took).await?;
    tx.commit().await?;
    Ok(Outcome::Done)
}

/// The small labelled copy.
fn copy(picture: &Picture, title: &str, code: &str, words: Words) -> Result<Vec<u8>> {
    let longest = picture.width.max(picture.height);
    let small = match longest > SHOWN_SIDE {
        true => {
            let part = |side: u32| (side * SHOWN_SIDE / longest).max(1);
            smaller(picture, part(picture.width), part(picture.height))
        }
        false => picture.clone(),
    };
    let about: Vec<_> = Lang::ALL
        .into_iter()
        .map(|lang| {
            let title = [("title", title.to_owned().into())];
            (lang.tag(), lang.with("trial-note", &title))
        })
        .collect();
    let packet = label::described("SEEDMARK", code, &about);
    Ok(notice::for_page(&small, words).to_png(Some(&packet))?)
}

async fn fail(shop: &Shop, trial: &Trial) -> Result<Outcome> {
    let mut tx = shop.db.write().await?;
    store::fail(&mut tx, trial, None).await?;
    tx.commit().await?;
    Ok(Outcome::Done)
}

async fn note_step(shop: &Shop, trial: &Trial, course: &Course<'_>, steps: i64, made: Step) {
    let step = i64::from(made.step);
    let note = async {
        let mut tx = shop.db.write().await?;
        store::set_step(&mut tx, &trial.id, step).await?;
        course.note(&mut tx, steps - step, 1, made.step_us).await?;
        tx.commit().await
    };
    if let Err(error) = note.await {
        tracing::warn!(trial.id = %trial.id, error = %error, "cannot note progress");
    }
}
