//! Makes one picture with an owner's values, and compares it where it ought to be a sealed one.

use super::holding::{open_recipe, open_run};
use super::service::{Holding, hold};
use super::store::{self, Ended, OwnPicture, OwnRun};
use super::{OwnState, service};
use crate::catalog::service as catalog;
use crate::catalog::versions::FullRecipe;
use crate::library::service as library;
use crate::shop::Shop;
use crate::starting;
use anyhow::{Context as _, Result};
use base::compute;
use base::jobs::Outcome;
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

/// Runs a job of this feature: `payload` is the run and the picture's number.
///
/// # Errors
/// When trying again may help.
pub async fn run(shop: &Shop, payload: &str) -> Result<Outcome> {
    let (run, index) = payload.split_once(':').context("a run and a number")?;
    let (run, index) = (OwnRunId::parse(run)?, index.parse::<i64>()?);
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
    make(shop, due).await
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

async fn make(shop: &Shop, due: Due) -> Result<Outcome> {
    let (run, index) = (&due.run.id, due.picture.idx);
    let begun = starting::open(&shop.media, &due.recipe.starting).await?;
    let (recipe, values, seed) = (due.recipe.recipe.clone(), due.values.clone(), due.seed);
    let request = compute::run(move || Request::of_recipe(&recipe, &values, seed, &begun)).await;
    let made = match request {
        Ok(request) => {
            let note = |step| note_step(shop, run, index, step);
            shop.engines.generate(request, note).await
        }
        Err(error) => Err(error),
    };
    let picture = match made {
        Ok(picture) => picture,
        // The server is stopping: whoever comes next makes it.
        Err(error) if error.kind() == ErrorKind::Cancelled => return Err(error.into()),
        Err(error) => {
            tracing::warn!(own_run.id = %run, index, error = %error, "a picture cannot be made");
            let why = match error.kind() {
                ErrorKind::Missing => "own-model-gone-line",
                _ => "own-failed",
            };
            fail(shop, run, &due.picture, why).await?;
            return Ok(Outcome::Done);
        }
    };
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

async fn fail(shop: &Shop, run: &OwnRunId, picture: &OwnPicture, why: &str) -> Result<()> {
    let mut tx = shop.db.write().await?;
    let ended = Ended {
        state: OwnState::Failed,
        step: picture.step,
        blob: None,
        is_equal: None,
        error: Some(why),
    };
    store::finish_picture(&mut tx, run, picture, &ended).await?;
    tx.commit().await?;
    Ok(())
}

async fn note_step(shop: &Shop, run: &OwnRunId, index: i64, step: u32) {
    let note = async {
        let mut tx = shop.db.write().await?;
        store::set_step(&mut tx, run, index, i64::from(step)).await?;
        tx.commit().await
    };
    if let Err(error) = note.await {
        tracing::warn!(own_run.id = %run, error = %error, "cannot note progress");
    }
}
