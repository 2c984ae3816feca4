//! Work of the studio: make a picture, certify a version.

use super::service::open_picture;
use super::{GENERATE, PictureState, begin, queue, store};
use crate::catalog::VersionState;
use crate::catalog::versions::{self, FullRecipe, LOOK_AGAIN_MS, VersionRow, refuse_version};
use crate::log::service as log;
use crate::moderation::{publication, service as moderation};
use crate::shop::Shop;
use crate::starting;
use base::compute;
use base::jobs::Outcome;
use engine::pipeline::Request;
use schema::digest::Digest;
use schema::id::{PictureId, VersionId};
use schema::statement::{Outcome as Verdict, ReproductionStatement};
use std::time::Instant;

/// Runs a job of this feature.
pub async fn run(state: &Shop, kind: &str, payload: &str) -> anyhow::Result<Outcome> {
    match kind {
        GENERATE => generate(state, &PictureId::parse(payload)?).await,
        _ => certify(state, &VersionId::parse(payload)?).await,
    }
}

async fn generate(state: &Shop, id: &PictureId) -> anyhow::Result<Outcome> {
    let mut tx = state.db.write().await?;
    let Some(row) = store::get_picture(&mut tx, id)
        .await?
        .filter(|picture| picture.state != PictureState::Done)
    else {
        return Ok(Outcome::Done);
    };
    let secret = open_picture(state, &mut tx, &row, "generate").await?;
    tx.commit().await?;
    let for_work = state.clone();
    let begun = begin::open(state, &secret.content).await?;
    let request = compute::run(move || {
        let recipe = secret
            .content
            .recipe(for_work.engines.models(), Vec::new())?;
        Request::of_recipe(&recipe, &secret.values, secret.seed, &begun)
    });
    let request = match request.await {
        Ok(request) => request,
        // Its model is not here any more, or it cannot be made: a person must change it.
        Err(error) => {
            let mut tx = state.db.write().await?;
            store::fail_picture(&mut tx, &row, &error.to_string()).await?;
            tx.commit().await?;
            return Ok(Outcome::Done);
        }
    };
    let (steps, begun) = (i64::from(request.steps), Instant::now());
    let made = state
        .engines
        .generate(request, |step| note_step(state, id, step))
        .await;
    let took_us = i64::try_from(begun.elapsed().as_micros()).unwrap_or(i64::MAX);
    let picture = match made {
        Ok(picture) => picture,
        Err(error) => {
            // The same recipe fails the same way: a person must change it, trying again cannot help.
            let mut tx = state.db.write().await?;
            store::fail_picture(&mut tx, &row, &error.to_string()).await?;
            tx.commit().await?;
            return Ok(Outcome::Done);
        }
    };
    let made = compute::run(move || anyhow::Ok((picture.digest()?, picture.to_png(None)?)));
    let (digest, file) = made.await?;
    // Whoever gave the draft up meanwhile leaves no file behind.
    if store::get_picture(&mut state.db.read().await?, id)
        .await?
        .is_none()
    {
        return Ok(Outcome::Done);
    }
    let blob = state.media.put(file).await?;
    let mut tx = state.db.write().await?;
    queue::note_rate(&mut tx, steps, took_us).await?;
    store::finish_picture(
        &mut tx,
        &row,
        &blob,
        &digest.blake3.hex(),
        &digest.sha256.hex(),
    )
    .await?;
    tx.commit().await?;
    Ok(Outcome::Done)
}

async fn note_step(state: &Shop, id: &PictureId, step: u32) {
    let note = async {
        let mut tx = state.db.write().await?;
        store::set_step(&mut tx, id, i64::from(step)).await?;
        tx.commit().await
    };
    if let Err(error) = note.await {
        tracing::warn!(picture.id = %id, error = %error, "cannot note progress");
    }
}

async fn certify(state: &Shop, id: &VersionId) -> anyhow::Result<Outcome> {
    let mut tx = state.db.write().await?;
    let version = versions::get_version(&mut tx, id).await?;
    if !matches!(
        version.state,
        VersionState::Logging | VersionState::Certifying
    ) {
        return Ok(Outcome::Done);
    }
    // The leaf comes first, so that the seal's date never depends on how busy our workers are.
    if !log::all_logged(&mut tx, &[&version.leaf_hash, &version.listing_leaf_hash]).await? {
        return Ok(Outcome::Later(LOOK_AGAIN_MS));
    }
    versions::set_version_state(&mut tx, id, VersionState::Certifying, None, None).await?;
    let plain = state
        .vault
        .open(
            &mut tx,
            &version.secret_id,
            "platform",
            "certify",
            state.clock.now_ms(),
        )
        .await?;
    tx.commit().await?;
    let opened = compute::run(move || FullRecipe::parse(&plain)).await?;
    let begun = starting::open(&state.media, &opened.starting).await?;
    let engines = state.engines.clone();
    let requests = compute::run(move || {
        let model = engines.models().named(opened.recipe.model)?;
        anyhow::Ok(Request::of_anchors(&opened.recipe, model, &begun)?)
    });
    let mut found = Vec::new();
    for request in requests.await? {
        match state.engines.generate(request, |_| async {}).await {
            Ok(picture) => found.push(compute::run(move || picture.digest()).await?),
            // Trying again cannot help, and the creator should know why nothing happens.
            Err(error) if error.is_final() => {
                return refuse(state, &version, &error.to_string()).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
    let near = moderation::find_near(&mut state.db.read().await?, id).await?;
    let mut tx = state.db.write().await?;
    let sealed = crate::catalog::service::list_anchor_digests(&mut tx, id).await?;
    let equal = sealed.len() == found.len()
        && sealed
            .iter()
            .zip(&found)
            .all(|(sealed, found)| *sealed == found.blake3.hex());
    let outcome = if equal {
        Verdict::Exact
    } else {
        Verdict::Different
    };
    let statement = ReproductionStatement {
        leaf: Digest::parse(&version.leaf_hash, "leaf")?,
        environment: state.engines.environment(),
        found,
        outcome,
    };
    let row = state.log.attest(&mut tx, &statement).await?;
    if equal {
        versions::set_version_state(
            &mut tx,
            id,
            VersionState::Certified,
            None,
            Some(&row.leaf_hash),
        )
        .await?;
        // What resembles an earlier recipe waits for a person; everything else goes on by itself when its wait is over.
        let now = state.clock.now_ms();
        if near.is_empty() {
            publication::pass(&mut tx, id, now).await?;
        } else {
            moderation::hold(&mut tx, id, &near, now).await?;
        }
    } else {
        let certification = Some(&*row.leaf_hash);
        versions::set_version_state(&mut tx, id, VersionState::Failed, None, certification).await?;
        refuse_version(&mut tx, id, "certification-differs").await?;
    }
    tx.commit().await?;
    Ok(Outcome::Done)
}

/// Ends a certification that cannot succeed, with the reason on the creator's page.
async fn refuse(state: &Shop, version: &VersionRow, why: &str) -> anyhow::Result<Outcome> {
    let mut tx = state.db.write().await?;
    refuse_version(&mut tx, &version.id, why).await?;
    tx.commit().await?;
    Ok(Outcome::Done)
}
