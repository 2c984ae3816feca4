//! Loading the demo: people first, then one listing after the other, resumable at any point.

use super::recipes::{LISTINGS, PEOPLE, Piece};
use crate::people;
use crate::shop::Shop;
use crate::studio::PictureState;
use crate::studio::queue::{self, Seeds};
use crate::studio::service::{self as studio, Content, DraftForm, Publisher, SentSeal};
use anyhow::{Context as _, Result};
use base::db;
use base::lang::Lang;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schema::commitment::Salt;
use schema::digest::Digest;
use schema::id::{DraftId, PersonId, PictureId};
use schema::key::SecretKey;
use schema::sealing::{Material, seal};
use schema::template::{Choice, Values, Variable};
use std::collections::BTreeMap;

/// The setting that counts loaded listings.
const PROGRESS: &str = "demo_loaded";
/// Every demo person's password; the log-ins are printed at the first start.
pub const PASSWORD: &str = "seedmark-demo";
/// A buyer without purchases, for the first look.
pub const BUYER: &str = "buyer@demo.example";
/// The operator, who also moves the sandbox clock.
pub const OPERATOR: &str = "operator@demo.example";

/// How many listings the demo has, and how many are there.
///
/// # Errors
/// When the database fails.
pub async fn progress(state: &Shop) -> Result<(usize, usize)> {
    let mut tx = state.db.read().await?;
    let loaded = db::read_number(&mut tx, PROGRESS).await?;
    Ok((usize::try_from(loaded)?, LISTINGS.len()))
}

/// A demo creator's secret key: derived from a public text, so that nobody takes it for a real one.
fn key_of(handle: &str) -> SecretKey {
    SecretKey::from_bytes(
        Digest::sha256(format!("seedmark demo key, public: {handle}").as_bytes()).0,
    )
}

async fn ensure_person(state: &Shop, email: &str, handle: &str, role: &str) -> Result<PersonId> {
    let mut tx = state.db.read().await?;
    if let Some(id) = people::service::find_by_email(&mut tx, email).await? {
        return Ok(PersonId::parse(&id)?);
    }
    drop(tx);
    let new = people::service::NewPerson::parse(email, handle, PASSWORD)?;
    let made = people::service::sign_up(&state.db, new, role, Lang::En, "demo").await?;
    let mut tx = state.db.write().await?;
    // Nobody reads mail there; everybody knows the password.
    people::service::prove(&mut tx, made.as_str()).await?;
    tx.commit().await?;
    Ok(made)
}

/// Makes the two log-ins that the first start prints.
///
/// # Errors
/// When the database fails.
pub async fn load_people(state: &Shop) -> Result<()> {
    ensure_person(state, BUYER, "demo-buyer", "member").await?;
    ensure_person(state, OPERATOR, "demo-operator", "operator").await?;
    Ok(())
}

/// Loads what is missing of the catalogue.
///
/// # Errors
/// When a listing of the demo breaks a rule, which a test would have found, or the database fails.
pub async fn load(state: &Shop) -> Result<()> {
    let (loaded, _) = progress(state).await?;
    for (index, piece) in LISTINGS.iter().enumerate().skip(loaded) {
        let (handle, language) = PEOPLE[piece.creator];
        let person =
            ensure_person(state, &format!("{handle}@demo.example"), handle, "member").await?;
        load_one(state, &person, handle, language, piece, index)
            .await
            .with_context(|| format!("demo listing {:?}", piece.title))?;
    }
    Ok(())
}

async fn load_one(
    state: &Shop,
    person: &PersonId,
    handle: &str,
    language: &str,
    piece: &Piece,
    index: usize,
) -> Result<()> {
    let secret = key_of(handle);
    let origin = &state.log.origin;
    let proof = secret.sign(&schema::key::registration_message(origin, person.as_str()));
    crate::log::keys::add_key(
        &state.db,
        origin,
        person.as_str(),
        &secret.public().to_string(),
        &hex::encode(proof),
    )
    .await?;
    let model = state.engines.models().usual();
    let manifest = &model.manifest;
    let variables: BTreeMap<String, Variable> = piece
        .variables
        .iter()
        .map(|(name, choices)| {
            let choices: Vec<Choice> = choices
                .iter()
                .map(|(label, text)| Choice {
                    label: (*label).into(),
                    text: (*text).into(),
                })
                .collect();
            (
                (*name).to_owned(),
                Variable::Choice {
                    default: choices[0].label.clone(),
                    choices,
                },
            )
        })
        .collect();
    let content = Content {
        model: Some(model.digest),
        template: piece.template.into(),
        negative: String::new(),
        variables,
        steps: manifest.steps,
        guidance_milli: manifest.guidance_milli,
        size: None,
    };
    let draft = studio::create_draft(state, person, piece.title).await?;
    let price = format!("{}.{:02}", piece.price_minor / 100, piece.price_minor % 100);
    let form = DraftForm {
        title: piece.title.into(),
        description: piece.description.into(),
        category: piece.category.into(),
        price,
        licence: piece.licence.into(),
        tags: String::new(),
        // What can be chosen may be tried.
        trial: !content.variables.is_empty(),
        content,
        seen_ms: None,
    };
    studio::save_draft(state, person, &draft, form).await?;
    for (values, seed) in piece.anchors {
        let values: Values = values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let seed = Seeds::Typed((*seed).into());
        queue::generate(state, person, &draft, values, seed, 1).await?;
    }
    let pictures = wait_for_pictures(state, &draft, piece.anchors.len()).await?;
    let sealable = studio::sealable(state, person, &draft, &pictures, true).await?;
    let material = sealable.material(origin, Vec::new());
    let recipe = STANDARD.decode(&material.recipe)?;
    let salt = Salt(base::random::bytes());
    let whole = Material {
        origin,
        recipe: &recipe,
        anchors: &material.anchors,
        label_version: material.label_version,
        licences: &material.licences,
    };
    let sealed = seal(&whole, &salt, &secret)?;
    let sent = SentSeal {
        salt,
        key: secret.public(),
        seal: sealed,
    };
    let ready = studio::make_ready(state, sealable, sent).await?;
    let publisher = Publisher {
        person,
        address: "demo",
        language,
    };
    let mut tx = state.db.write().await?;
    studio::publish(state, &mut tx, &publisher, &ready).await?;
    db::write_setting(&mut tx, PROGRESS, &(index + 1).to_string()).await?;
    tx.commit().await?;
    Ok(())
}

/// The draft's pictures in the order in which they were asked for, once the workers made them.
async fn wait_for_pictures(state: &Shop, draft: &DraftId, count: usize) -> Result<Vec<PictureId>> {
    loop {
        let mut tx = state.db.read().await?;
        let mut pictures = studio::list_pictures(&mut tx, draft).await?;
        drop(tx);
        if let Some(failed) = pictures
            .iter()
            .find(|picture| picture.state == PictureState::Failed)
        {
            anyhow::bail!(
                "a picture failed: {}",
                failed.error.clone().unwrap_or_default()
            );
        }
        if pictures.len() == count
            && pictures
                .iter()
                .all(|picture| picture.state == PictureState::Done)
        {
            pictures.reverse();
            return Ok(pictures.into_iter().map(|picture| picture.id).collect());
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
