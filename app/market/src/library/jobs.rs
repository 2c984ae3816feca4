//! Re-runs: regenerate, compare, and refund at our cost when our own machine does not give the sealed pixels.

use super::RunState;
use super::service::{Run, RunPicture};
use super::store;
use crate::catalog::service as catalog;
use crate::catalog::versions::FullRecipe;
use crate::facts::{self, Fact};
use crate::offers::ending::{self, EndReason, Holding};
use crate::orders;
use crate::sales::{Bearer, plan_refund};
use crate::shop::Shop;
use crate::starting;
use anyhow::{Context as _, Result};
use base::compute;
use base::jobs::Outcome;
use engine::compare::{compare, worst};
use engine::picture::Picture;
use engine::pipeline::Request;
use schema::digest::Digest;
use schema::id::{LineId, RunId};
use schema::statement::{Outcome as Verdict, ReproductionStatement};

/// Runs a job of this feature.
pub async fn run(state: &Shop, payload: &str) -> Result<Outcome> {
    let mut tx = state.db.write().await?;
    let run = store::get_run(&mut tx, &RunId::parse(payload)?).await?;
    if run.state.is_over() {
        return Ok(Outcome::Done);
    }
    let listing = catalog::get_version(&mut tx, &run.version_id).await?;
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
    let (mut pictures, mut found) = (Vec::new(), Vec::new());
    let mut cannot_be_made = false;
    for (index, (request, sealed)) in requests.into_iter().zip(&anchors).enumerate() {
        let before = i64::try_from(index)? * i64::from(request.steps);
        let made = state
            .engines
            .generate(request, |step| {
                note_progress(state, &run, index, before + i64::from(step))
            })
            .await;
        let picture = match made {
            Ok(picture) => picture,
            // The same recipe fails the same way: what cannot be made was not reproduced.
            Err(error) if error.is_final() => {
                tracing::error!(run.id = %run.id, error = %error, "a picture cannot be made any more");
                cannot_be_made = true;
                break;
            }
            Err(error) => return Err(error.into()),
        };
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

async fn note_progress(state: &Shop, run: &Run, anchor: usize, step: i64) {
    let note = async {
        let mut tx = state.db.write().await?;
        store::set_progress(&mut tx, &run.id, i64::try_from(anchor).unwrap_or(0), step).await?;
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
