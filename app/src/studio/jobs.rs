//! Work of the studio: make a picture, certify a version, put it on sale.

use super::service::{open_picture, recipe_of, refuse_version, release_version};
use super::store;
use crate::jobs::Outcome;
use crate::moderation::service as moderation;
use crate::verify::service as log;
use crate::web::state::AppState;
use engine::pipeline::Request;
use schema::digest::Digest;
use schema::statement::{Outcome as Verdict, ReproductionStatement};

/// Makes one picture of a draft.
pub const GENERATE: &str = "studio-generate";
/// Regenerates every anchor of a sealed version and logs the outcome.
pub const CERTIFY: &str = "studio-certify";
/// Puts a certified version on sale once its statement is logged.
pub const GO_LIVE: &str = "studio-go-live";

/// How long to wait before looking again for a leaf in the tree.
const LOOK_AGAIN_MS: i64 = 200;

/// Runs a job of this feature.
pub async fn run(state: &AppState, kind: &str, payload: &str) -> anyhow::Result<Outcome> {
    match kind {
        GENERATE => generate(state, payload).await,
        CERTIFY => certify(state, payload).await,
        _ => go_live(state, payload).await,
    }
}

async fn generate(state: &AppState, id: &str) -> anyhow::Result<Outcome> {
    let mut tx = state.db.write().await?;
    let Some(picture) = store::get_picture(&mut tx, id)
        .await?
        .filter(|picture| picture.state != "done")
    else {
        return Ok(Outcome::Done);
    };
    let secret = open_picture(state, &mut tx, &picture, "generate").await?;
    tx.commit().await?;
    let recipe = secret.content.recipe(state, Vec::new());
    let request = Request::of_recipe(&recipe, &secret.values, secret.seed)?;
    let made = state
        .engines
        .generate(request, |step| note_step(state, id, step))
        .await;
    let picture = match made {
        Ok(picture) => picture,
        Err(error) => {
            // The same recipe fails the same way: a person must change it, trying again cannot help.
            let mut tx = state.db.write().await?;
            store::fail_picture(&mut tx, id, &error.to_string()).await?;
            tx.commit().await?;
            return Ok(Outcome::Done);
        }
    };
    let digest = picture.digest()?;
    let blob = state.media.put(picture.to_png(None)?).await?;
    let mut tx = state.db.write().await?;
    store::finish_picture(
        &mut tx,
        id,
        &blob,
        &digest.blake3.hex(),
        &digest.sha256.hex(),
    )
    .await?;
    tx.commit().await?;
    Ok(Outcome::Done)
}

async fn note_step(state: &AppState, id: &str, step: u32) {
    let note = async {
        let mut tx = state.db.write().await?;
        store::set_step(&mut tx, id, i64::from(step)).await?;
        tx.commit().await
    };
    if let Err(error) = note.await {
        tracing::warn!(picture.id = id, error = %error, "cannot note progress");
    }
}

async fn certify(state: &AppState, id: &str) -> anyhow::Result<Outcome> {
    let mut tx = state.db.write().await?;
    let version = store::get_version(&mut tx, id).await?;
    if !matches!(version.state.as_str(), "logging" | "certifying") {
        return Ok(Outcome::Done);
    }
    // The leaf comes first, so that the seal's date never depends on how busy our workers are.
    if !log::all_logged(&mut tx, &[&version.leaf_hash, &version.listing_leaf_hash]).await? {
        return Ok(Outcome::Later(LOOK_AGAIN_MS));
    }
    store::set_version_state(&mut tx, id, "certifying", None, None).await?;
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
    let recipe = recipe_of(&plain)?;
    let mut found = Vec::new();
    for request in Request::of_anchors(&recipe, state.engines.model())? {
        match state.engines.generate(request, |_| async {}).await {
            Ok(picture) => found.push(picture.digest()?),
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
        store::set_version_state(&mut tx, id, "certified", None, Some(&row.leaf_hash)).await?;
        // What resembles an earlier recipe waits for a person; everything else goes on by itself.
        if near.is_empty() {
            release_version(&mut tx, id).await?;
        } else {
            moderation::hold(&mut tx, id, &near, state.clock.now_ms()).await?;
        }
    } else {
        let certification = Some(&*row.leaf_hash);
        store::set_version_state(&mut tx, id, "failed", None, certification).await?;
        refuse_version(&mut tx, id, "certification-differs").await?;
    }
    tx.commit().await?;
    state.leaves.ring();
    state.jobs.ring();
    Ok(Outcome::Done)
}

/// Ends a certification that cannot succeed, with the reason on the creator's page.
async fn refuse(
    state: &AppState,
    version: &super::service::VersionRow,
    why: &str,
) -> anyhow::Result<Outcome> {
    let mut tx = state.db.write().await?;
    refuse_version(&mut tx, &version.id, why).await?;
    tx.commit().await?;
    Ok(Outcome::Done)
}

async fn go_live(state: &AppState, id: &str) -> anyhow::Result<Outcome> {
    let mut tx = state.db.write().await?;
    let version = store::get_version(&mut tx, id).await?;
    let Some(certification) = version
        .certification_leaf_hash
        .as_deref()
        .filter(|_| version.state == "certified")
    else {
        return Ok(Outcome::Done);
    };
    if !log::all_logged(
        &mut tx,
        &[
            &version.leaf_hash,
            &version.listing_leaf_hash,
            certification,
        ],
    )
    .await?
    {
        return Ok(Outcome::Later(LOOK_AGAIN_MS));
    }
    store::set_version_state(&mut tx, id, "live", None, None).await?;
    store::set_listing_state(
        &mut tx,
        &version.listing_id,
        "live",
        Some(state.clock.now_ms()),
    )
    .await?;
    tx.commit().await?;
    Ok(Outcome::Done)
}
