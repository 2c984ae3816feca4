//! One listing of the demo, from its first draft to the day it is on sale.

use super::people::{self, key_of};
use super::shop::{Entry, Piece};
use super::store;
use crate::catalog::ListingState;
use crate::catalog::service as catalog;
use crate::moderation::service as moderation;
use crate::shop::Shop;
use crate::studio::PictureState;
use crate::studio::queue::{self, Seeds};
use crate::studio::service::{self as studio, Content, DraftForm, Publisher, SentSeal};
use anyhow::{Context as _, Result, bail};
use base::db;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::picture::Picture;
use schema::commitment::Salt;
use schema::id::{DraftId, PersonId, PictureId, VersionId};
use schema::key::SecretKey;
use schema::sealing::{Material, seal};
use std::time::Duration;

/// How long it is waited before looking again whether the workers are done.
const LOOK_AGAIN: Duration = Duration::from_millis(25);

/// More pictures than any listing of the demo has.
const MOST_PICTURES: i64 = 60;

/// Registers a creator's public key for signing.
async fn register(state: &Shop, person: &PersonId, secret: &SecretKey) -> Result<()> {
    let origin = &state.log.origin;
    let proof = secret.sign(&schema::key::registration_message(origin, person.as_str()));
    let (public, proof) = (secret.public().to_string(), hex::encode(proof));
    crate::log::keys::add_key(&state.db, origin, person.as_str(), &public, &proof).await?;
    Ok(())
}

fn form_of(state: &Shop, piece: &Piece) -> DraftForm {
    let model = state.engines.models().usual();
    DraftForm {
        title: piece.title.clone(),
        description: piece.description.clone(),
        category: piece.category.clone(),
        price: format!("{}.{:02}", piece.price_minor / 100, piece.price_minor % 100),
        licence: piece.licence.clone(),
        tags: piece.tags.join(", "),
        trial: piece.trial,
        content: Content {
            model: Some(model.digest),
            template: piece.template.clone(),
            negative: String::new(),
            variables: piece.variables.clone(),
            steps: model.manifest.steps,
            guidance_milli: model.manifest.guidance_milli,
            sampler: None,
            clip_skip: 0,
            weights: false,
            native: false,
            size: None,
            start: None,
            varied: None,
        },
        shown_model: None,
        seen_ms: None,
        strength_milli: None,
        distance_milli: None,
    }
}

/// A listing whose pictures the workers are making.
pub(super) struct Begun {
    person: PersonId,
    draft: DraftId,
}

/// Writes a draft down and asks for its pictures.
///
/// # Errors
/// When it breaks a rule, or the database fails.
pub(super) async fn begin(state: &Shop, person: PersonId, entry: &Entry) -> Result<Begun> {
    let piece = &entry.piece;
    register(state, &person, &key_of(entry.handle)).await?;
    let draft = studio::create_draft(state, &person, &piece.title).await?;
    studio::save_draft(state, &person, &draft, form_of(state, piece)).await?;
    for sample in &piece.pictures {
        let seed = Seeds::Typed(sample.seed.clone());
        queue::generate(state, &person, &draft, sample.values.clone(), seed, 1).await?;
    }
    Ok(Begun { person, draft })
}

/// Seals, signs and publishes what was begun; returns its address. `counted` is a setting that is written in the same transaction.
///
/// # Errors
/// When it breaks a rule, or the database fails.
pub(super) async fn publish(
    state: &Shop,
    begun: &Begun,
    entry: &Entry,
    counted: (&str, String),
) -> Result<String> {
    let Begun { person, draft } = begun;
    let secret = key_of(entry.handle);
    let pictures = wait_for_pictures(state, draft, entry.piece.pictures.len()).await?;
    if let Some(first) = pictures.first().filter(|_| entry.piece.retouched) {
        retouch(state, draft, first).await?;
    }
    let sealable = studio::sealable(state, person, draft, &pictures, true).await?;
    let origin = &state.log.origin;
    let material = sealable.material(origin, Vec::new());
    let recipe = STANDARD.decode(&material.recipe)?;
    let whole = Material {
        origin,
        recipe: &recipe,
        anchors: &material.anchors,
        label_version: material.label_version,
        licences: &material.licences,
    };
    let salt = Salt(base::random::bytes());
    let sealed = seal(&whole, &salt, &secret)?;
    let sent = SentSeal {
        salt,
        key: secret.public(),
        seal: sealed,
    };
    let ready = studio::make_ready(state, sealable, sent).await?;
    let publisher = Publisher {
        person,
        address: entry.handle,
        language: &entry.language,
    };
    let mut tx = state.db.write().await?;
    let slug = studio::publish(state, &mut tx, &publisher, &ready).await?;
    db::write_setting(&mut tx, counted.0, &counted.1).await?;
    tx.commit().await?;
    Ok(slug)
}

/// The draft's pictures in the order in which they were asked for, once the workers made them.
async fn wait_for_pictures(state: &Shop, draft: &DraftId, count: usize) -> Result<Vec<PictureId>> {
    loop {
        let mut tx = state.db.read().await?;
        let mut pictures = studio::list_pictures(&mut tx, draft, MOST_PICTURES).await?;
        drop(tx);
        let failed = pictures
            .iter()
            .find(|picture| picture.state == PictureState::Failed);
        if let Some(failed) = failed {
            bail!(
                "a picture failed: {}",
                failed.error.clone().unwrap_or_default()
            );
        }
        let done = |picture: &studio::PictureRow| picture.state == PictureState::Done;
        if pictures.len() == count && pictures.iter().all(done) {
            pictures.reverse();
            return Ok(pictures.into_iter().map(|picture| picture.id).collect());
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Paints one dot into a picture: it is sealed as it looks then, and no recipe makes it.
async fn retouch(state: &Shop, draft: &DraftId, id: &PictureId) -> Result<()> {
    let mut tx = state.db.read().await?;
    let pictures = studio::list_pictures(&mut tx, draft, MOST_PICTURES).await?;
    drop(tx);
    let made = pictures.into_iter().find(|picture| picture.id == *id);
    let name = made.and_then(|picture| picture.blob);
    let name = name.context("a picture without a file")?;
    let file = state.media.get(&name).await?;
    let mut picture = Picture::from_png(&file.context("a picture's file is gone")?)?;
    if let Some(sample) = picture.samples.first_mut() {
        *sample ^= 0x40;
    }
    let blob = state.media.put(picture.to_png(None)?).await?;
    let mut tx = state.db.write().await?;
    store::retouch_picture(&mut tx, id, &blob, &picture.digest()?).await?;
    tx.commit().await?;
    Ok(())
}

/// Waits for the workers' certification: nobody buys before it. What resembles an earlier listing goes to a person, as everywhere: the
/// demo's operator lets it pass, and keeps one case for whoever looks at the queue.
///
/// # Errors
/// When it does not hold, or the database fails.
pub(super) async fn wait_until_live(state: &Shop, entry: &Entry, slug: &str) -> Result<()> {
    loop {
        let mut tx = state.db.read().await?;
        let listing = catalog::find(&mut tx, slug).await?;
        let (open, _) = moderation::queue(&mut tx).await?;
        drop(tx);
        let listing = listing.with_context(|| format!("the listing {slug} is gone"))?;
        match listing.state {
            ListingState::Live => return Ok(()),
            ListingState::Certifying => {}
            ListingState::Failed if entry.piece.retouched => return Ok(()),
            other => bail!("the listing {slug} is {other:?} before it was on sale"),
        }
        let case = open.iter().find(|queued| queued.listing.slug == slug);
        match case {
            Some(_) if entry.piece.held => return Ok(()),
            Some(case) => let_pass(state, &case.listing.version_id).await?,
            None => tokio::time::sleep(LOOK_AGAIN).await,
        }
    }
}

async fn let_pass(state: &Shop, version: &VersionId) -> Result<()> {
    let operator = people::operator(state).await?;
    let note = "Another recipe and other pictures: the words are common.";
    moderation::decide(state, &operator, version, None, note).await?;
    Ok(())
}
