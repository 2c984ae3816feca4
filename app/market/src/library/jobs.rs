//! Re-runs: regenerate, compare, and refund at our cost when our own machine does not give the sealed pixels.

use super::RunState;
use super::service::{Run, RunPicture};
use super::store;
use crate::catalog::service as catalog;
use crate::catalog::versions::FullRecipe;
use crate::engines::{Made, Step, made_with};
use crate::facts::{self, Fact};
use crate::machines::pace::{self, Course};
use crate::offers::ending::{self, EndReason, Holding};
use crate::orders;
use crate::sales::{Bearer, plan_refund};
use crate::shop::Shop;
use crate::starting;
use anyhow::{Context as _, Result};
use base::compute;
use base::db::Tx;
use base::jobs::{Job, Outcome};
use engine::compare::{compare, worst};
use engine::picture::Picture;
use engine::pipeline::Request;
use schema::digest::Digest;
use schema::id::{LineId, RunId};
use schema::recipe::ModelDigest;
use schema::statement::{Outcome as Verdict, ReproductionStatement};

/// Ends a re-run whose model stayed away for too long. That is no verdict on the recipe, and nothing goes back by itself.
pub async fn give_up(state: &Shop, tx: &mut Tx, job: &Job) -> Result<()> {
    let run = store::get_run(tx, &RunId::parse(&job.payload)?).await?;
    if !run.state.is_over() {
        let (why, now) = (Some("run-model-away"), state.clock.now_ms());
        store::finish_run(tx, &run, RunState::Failed, None, why, None, now, None).await?;
    }
    Ok(())
}

/// Runs a job of this feature.
pub async fn run(state: &Shop, job: &Job) -> Result<Outcome> {
    let mut tx = state.db.write().await?;
    let run = store::get_run(&mut tx, &RunId::parse(&job.payload)?).await?;
    if run.state.is_over() {
        return Ok(Outcome::Done);
    }
    let listing = catalog::get_version(&mut tx, &run.version_id).await?;
    // Another machine has it, or none: that is no verdict on the recipe.
    let here = ModelDigest::parse(&listing.model);
    if here.is_ok_and(|model| state.engines.models().named(model).is_err()) {
        return Ok(Outcome::Elsewhere(listing.model.clone()));
    }
    let anchors = catalog::list_anchors(&mut tx, &run.version_id).await?;
    let plain = state
        .vault
        .open(
            &mut tx,
            &listing.secret_id,
            "platform",
            "reproduce",
            state.clock.now_ms(),
        )
        .await?;
    tx.commit().await?;
    let opened = compute::run(move || FullRecipe::parse(&plain)).await?;
    let begun = starting::open(&state.media, &opened.starting).await?;
    let engines = state.engines.clone();
    // Another model, or a damaged one, is no verdict on the recipe: the run fails by name, and nobody is told that it differs.
    let requests = compute::run(move || {
        let model = engines.models().named(opened.recipe.model)?;
        anyhow::Ok(Request::of_anchors(&opened.recipe, model, &begun)?)
    });
    let requests = requests.await?;
    let all = i64::try_from(requests.len())?;
    let (mut pictures, mut found) = (Vec::new(), Vec::new());
    let mut cannot_be_made = false;
    for (index, (request, sealed)) in requests.into_iter().zip(&anchors).enumerate() {
        let number = i64::try_from(index)?;
        let (steps, (model, size)) = (i64::from(request.steps), made_with(&request));
        let mut tx = state.db.read().await?;
        let course = Course::begin(&mut tx, job, &model, size).await?;
        drop(tx);
        let made = state
            .engines
            .make(request, |made| {
                let step = number * steps + i64::from(made.step);
                let place = (number, step, all * steps, all - number);
                note_progress(state, &run, &course, place, made)
            })
            .await;
        let Made { picture, took } = match made {
            Ok(made) => made,
            // The same recipe fails the same way: what cannot be made was not reproduced.
            Err(error) if error.is_final() => {
                tracing::error!(run.id = %run.id, error = %error, "a picture cannot be made any more");
                cannot_be_made = true;
                break;
            }
            Err(error) => return Err(error.into()),
        };
        let mut tx = state.db.write().await?;
        pace::note(&mut tx, &model, size, took).await?;
        tx.commit().await?;
        let file = state
            .media
            .get(&sealed.blob)
            .await?
            .context("the sealed picture's file is missing")?;
        let compared = compute::run(move || {
            let comparison = compare(&Picture::from_png(&file)?, &picture);
            anyhow::Ok((picture.digest()?, comparison, picture.to_png(None)?))
        });
        let (digest, comparison, made) = compared.await?;
        pictures.push(RunPicture {
            blob: state.media.put(made).await?,
            found: digest.blake3,
            sealed: Digest::parse(&sealed.pixel_blake3, "anchor")?,
            outcome: comparison.outcome,
            differing: comparison.differing,
            largest: comparison.largest,
            centibels: comparison
                .decibels
                .map(|decibels| (decibels * 100.0) as i64),
        });
        found.push(digest);
    }
    let outcome = if cannot_be_made {
        Verdict::Different
    } else {
        worst(pictures.iter().map(|picture: &RunPicture| picture.outcome))
    };
    finish(
        state,
        &run,
        &listing,
        &pictures,
        ReproductionStatement {
            leaf: Digest::parse(&listing.leaf_hash, "leaf")?,
            environment: state.engines.environment(),
            found,
            outcome,
        },
    )
    .await?;
    Ok(Outcome::Done)
}

/// `place` is the picture's number, the steps made of all pictures, all of those, and the pictures that are left.
async fn note_progress(
    state: &Shop,
    run: &Run,
    course: &Course<'_>,
    place: (i64, i64, i64, i64),
    made: Step,
) {
    let (number, step, steps, pictures) = place;
    let note = async {
        let mut tx = state.db.write().await?;
        store::set_progress(&mut tx, &run.id, number, step).await?;
        course
            .note(&mut tx, steps - step, pictures, made.step_us)
            .await?;
        tx.commit().await
    };
    if let Err(error) = note.await {
        tracing::warn!(run.id = %run.id, error = %error, "cannot note progress");
    }
}

/// Notes the outcome; when it is not exact, logs a statement against ourselves and refunds the owner, in one transaction.
async fn finish(
    state: &Shop,
    run: &Run,
    listing: &catalog::SealedVersion,
    pictures: &[RunPicture],
    statement: ReproductionStatement,
) -> Result<()> {
    let now = state.clock.now_ms();
    let mut tx = money::books::begin(&state.db).await?;
    let results = serde_json::to_string(pictures)?;
    if !store::finish_run(
        &mut tx,
        run,
        RunState::Done,
        Some(statement.outcome.name()),
        None,
        Some(&results),
        now,
        Some(&serde_json::to_string(&statement)?),
    )
    .await?
    {
        return Ok(());
    }
    for picture in pictures {
        store::insert_run_file(&mut tx, &run.id, &picture.blob).await?;
    }
    let finished = Fact::RunFinished {
        run: run.id.to_string(),
        version: listing.version_id.clone(),
        exact: statement.outcome == Verdict::Exact,
    };
    facts::tell(&mut tx, &finished).await?;
    // A run that nobody asked for is a statement of our own, for or against; an owner's run is theirs to publish if it holds.
    if statement.outcome != Verdict::Exact || run.line_id.is_none() {
        state.log.attest(&mut tx, &statement).await?;
    }
    if statement.outcome != Verdict::Exact {
        if catalog::suspend(&mut tx, listing).await? {
            let held = Holding::Listing(&listing.id);
            ending::end_open(&mut tx, held, EndReason::Withdrawn).await?;
        }
        if let Some(line) = &run.line_id {
            let line = orders::get_line(&mut tx, &LineId::parse(line)?).await?;
            let reason = orders::DOES_NOT_REPRODUCE;
            plan_refund(&mut tx, &line, Bearer::Platform, reason, now).await?;
        }
        tracing::error!(listing.slug = %listing.slug, run.id = %run.id, "a certified listing does not reproduce");
    }
    tx.commit().await?;
    Ok(())
}
