//! Work of the studio: make a picture, certify a version.

use super::service::open_picture;
use super::{GENERATE, PictureState, begin, store};
use crate::catalog::VersionState;
use crate::catalog::versions::{self, FullRecipe, LOOK_AGAIN_MS, VersionRow, refuse_version};
use crate::engines::{Made, Step, made_with};
use crate::log::service as log;
use crate::machines::pace::{self, Course};
use crate::moderation::{publication, service as moderation};
use crate::shop::Shop;
use crate::starting;
use base::compute;
use base::db::Tx;
use base::jobs::{Job, Outcome};
use engine::ErrorKind;
use engine::pipeline::Request;
use schema::digest::Digest;
use schema::id::{PictureId, VersionId};
use schema::recipe::ModelDigest;
use schema::statement::{Outcome as Verdict, ReproductionStatement};

/// Runs a job of this feature.
pub async fn run(state: &Shop, job: &Job) -> anyhow::Result<Outcome> {
    match job.kind.as_str() {
        GENERATE => generate(state, job, &PictureId::parse(&job.payload)?).await,
        _ => certify(state, job, &VersionId::parse(&job.payload)?).await,
    }
}

/// Ends a job of this feature whose model stayed away for too long, with the reason on its page.
pub async fn give_up(tx: &mut Tx, job: &Job) -> anyhow::Result<()> {
    if job.kind != GENERATE {
        let id = VersionId::parse(&job.payload)?;
        let state = versions::get_version(tx, &id).await?.state;
        if matches!(state, VersionState::Logging | VersionState::Certifying) {
            refuse_version(tx, &id, "certify-model-away").await?;
        }
        return Ok(());
    }
    let found = store::get_picture(tx, &PictureId::parse(&job.payload)?).await?;
    if let Some(row) = found.filter(|picture| !picture.state.is_over()) {
        store::fail_picture(tx, &row, "picture-model-away").await?;
    }
    Ok(())
}

async fn generate(state: &Shop, job: &Job, id: &PictureId) -> anyhow::Result<Outcome> {
    let mut tx = state.db.write().await?;
    let Some(row) = store::get_picture(&mut tx, id)
        .await?
        .filter(|picture| picture.state != PictureState::Done)
    else {
        return Ok(Outcome::Done);
    };
    let secret = open_picture(state, &mut tx, &row, "generate").await?;
    tx.commit().await?;
    if let (Err(_), Some(model)) = (
        secret.content.model(state.engines.models()),
        secret.content.model,
    ) {
        return Ok(Outcome::Elsewhere(model.to_string()));
    }
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
        // It cannot be made: a person must change it.
        Err(error) => {
            let mut tx = state.db.write().await?;
            store::fail_picture(&mut tx, &row, &error.to_string()).await?;
            tx.commit().await?;
            return Ok(Outcome::Done);
        }
    };
    let steps = i64::from(request.steps);
    let (model, size) = made_with(&request);
    let is_native = request.profile == schema::recipe::Profile::Native;
    let mut tx = state.db.read().await?;
    let course = Course::begin(&mut tx, job, &model, size).await?;
    drop(tx);
    let made = state
        .engines
        .make(request, |step| note_step(state, id, &course, steps, step))
        .await;
    let Made { picture, took } = match made {
        Ok(made) => made,
        // The server is stopping: whoever comes next makes it.
        Err(error) if error.kind() == ErrorKind::Cancelled => return Err(error.into()),
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
    // What a provider takes says nothing of the pictures that are owed.
    if !is_native {
        pace::note(&mut tx, &model, size, took).await?;
    }
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

async fn note_step(state: &Shop, id: &PictureId, course: &Course<'_>, steps: i64, made: Step) {
    let step = i64::from(made.step);
    let note = async {
        let mut tx = state.db.write().await?;
        store::set_step(&mut tx, id, step).await?;
        course.note(&mut tx, steps - step, 1, made.step_us).await?;
        tx.commit().await
    };
    if let Err(error) = note.await {
        tracing::warn!(picture.id = %id, error = %error, "cannot note progress");
    }
}

async fn note_certifying(state: &Shop, course: &Course<'_>, steps: i64, pictures: i64, made: Step) {
    let note = async {
        let mut tx = state.db.write().await?;
        course.note(&mut tx, steps, pictures, made.step_us).await?;
        tx.commit().await
    };
    if let Err(error) = note.await {
        tracing::warn!(error = %error, "cannot note how far a certification is");
    }
}

async fn certify(state: &Shop, job: &Job, id: &VersionId) -> anyhow::Result<Outcome> {
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
    let here = ModelDigest::parse(&version.model);
    if here.is_ok_and(|model| state.engines.models().named(model).is_err()) {
        return Ok(Outcome::Elsewhere(version.model));
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
    let requests = requests.await?;
    let pictures = i64::try_from(requests.len())?;
    for (index, request) in (0..).zip(requests) {
        let (model, size) = made_with(&request);
        let mut tx = state.db.read().await?;
        let course = Course::begin(&mut tx, job, &model, size).await?;
        drop(tx);
        let (steps, left) = (i64::from(request.steps), pictures - index);
        let note = |made: Step| {
            let steps = left * steps - i64::from(made.step);
            note_certifying(state, &course, steps, left, made)
        };
        match state.engines.make(request, note).await {
            Ok(Made { picture, took }) => {
                found.push(compute::run(move || picture.digest()).await?);
                let mut tx = state.db.write().await?;
                pace::note(&mut tx, &model, size, took).await?;
                tx.commit().await?;
            }
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
