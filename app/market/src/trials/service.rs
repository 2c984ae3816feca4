//! Who may try what, how often, and what they see of it.

use super::store;
pub use super::store::Trial;
use crate::catalog::ListingState;
use crate::catalog::service::{self as catalog, Listing};
use crate::machines::{self, Stands, pace};
use crate::own::OwnState;
use crate::own::wish::field_of;
use crate::shop::Shop;
use base::clock::DAY_MS;
use base::db::{self, Tx};
use base::jobs::turns::{self, Class, PictureJob};
use base::lang::Lang;
use base::{limits, once, random};
use schema::failure::FieldError;
use schema::id::{ListingId, PersonId, TrialId};
use schema::template::{MAX_VARIABLES, PublicVariable, Values};
use std::collections::BTreeMap;
use thiserror::Error as ThisError;

/// Tries of one listing that one person has.
pub const MAX_TRIALS: i64 = 3;
/// Tries of all visitors that may wait at once: owners and creators come before them anyway.
const MAX_OPEN: i64 = 100;
/// Of one block of network addresses: somebody with many cookies fills no queue of everybody's.
const MAX_OPEN_OF_BLOCK: i64 = 12;
/// No label has more bytes: 60 characters.
const MAX_LABEL_BYTES: usize = 240;
/// A picture is kept for so long.
pub const KEPT_MS: i64 = 7 * DAY_MS;
/// That somebody tried is known for so long.
const KNOWN_MS: i64 = 90 * DAY_MS;

/// What can go wrong with a try.
#[derive(Debug, ThisError)]
pub enum Error {
    /// No such listing or try, somebody else's, or one that may not be tried.
    #[error("not found")]
    NotFound,
    /// The listing was withdrawn.
    #[error("gone")]
    Gone,
    /// Fields of a form.
    #[error("invalid fields")]
    Invalid(Vec<FieldError>),
    /// Too many from there in a day.
    #[error("too many")]
    TooMany(limits::Limit),
    /// More wait than can be made soon, or the model is not here.
    #[error("busy")]
    Busy,
    /// Anything else, for the log.
    #[error("{0}")]
    Internal(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] db::Error),
}

/// Who tries.
#[derive(Clone, Debug)]
pub struct Trier {
    /// An account's id, or a keyed digest of a visitor's cookie.
    who: String,
    /// The block of network addresses that they come from.
    block: String,
}

impl Trier {
    /// Somebody with an account.
    #[must_use]
    pub fn person(id: &PersonId, address: &str) -> Self {
        Self {
            who: id.to_string(),
            block: limits::block(address),
        }
    }

    /// A visitor, by a cookie that is known here alone.
    #[must_use]
    pub fn visitor(shop: &Shop, cookie: &str, address: &str) -> Self {
        Self {
            who: shop.vault.tag(&format!("visitor\0{cookie}")),
            block: limits::block(address),
        }
    }
}

/// A cookie for a visitor who has none: it follows from the form, so that a form that is sent twice at once is one visitor's.
#[must_use]
pub fn cookie_for(shop: &Shop, form_key: &str) -> String {
    let mut bytes = [0; 16];
    shop.vault
        .draw("visitor cookie", form_key.as_bytes(), &mut bytes);
    hex::encode(bytes)
}

/// A listing that may be tried.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Gone`].
pub async fn find_listing(tx: &mut Tx, slug: &str) -> Result<Listing, Error> {
    if slug.len() > 64 {
        return Err(Error::NotFound);
    }
    let listing = catalog::find(tx, slug).await?.ok_or(Error::NotFound)?;
    match listing.state {
        ListingState::Live if listing.trial => Ok(listing),
        ListingState::Withdrawn if listing.trial => Err(Error::Gone),
        _ => Err(Error::NotFound),
    }
}

/// The choices of a try: those that were sent, and the default of every other choice. Other kinds of variable keep their defaults.
fn chosen(
    variables: &BTreeMap<String, PublicVariable>,
    sent: &Values,
) -> Result<Values, Vec<FieldError>> {
    let error = |field: &str, code: &str, detail: &str| FieldError {
        field: field.into(),
        code: code.into(),
        detail: Some(detail.chars().take(32).collect()),
    };
    if sent.len() > MAX_VARIABLES {
        return Err(vec![error("values", "value-unknown", "")]);
    }
    let mut wrong = Vec::new();
    for (name, value) in sent {
        let fits = match variables.get(name) {
            Some(PublicVariable::Choice { labels, .. }) => {
                value.len() <= MAX_LABEL_BYTES && labels.contains(value)
            }
            Some(_) => {
                wrong.push(error(&field_of(name), "trial-choices", name));
                continue;
            }
            None => {
                wrong.push(error("values", "value-unknown", name));
                continue;
            }
        };
        if !fits {
            wrong.push(error(&field_of(name), "value-choice", name));
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let choices = variables.iter().filter_map(|(name, variable)| {
        let PublicVariable::Choice { default, .. } = variable else {
            return None;
        };
        let value = sent.get(name).unwrap_or(default);
        Some((name.clone(), value.clone()))
    });
    Ok(choices.collect())
}

/// Queues a try and returns its id; `lang` is that of its label. The same form sent again is the same try.
///
/// # Errors
/// [`Error::Invalid`], also when all tries are used; [`Error::TooMany`], [`Error::Busy`]; or as [`find_listing`].
pub async fn start(
    shop: &Shop,
    slug: &str,
    trier: &Trier,
    form_key: &str,
    sent: &Values,
    lang: Lang,
) -> Result<TrialId, Error> {
    if !once::is_key(form_key) {
        return Err(Error::Invalid(vec![FieldError::new("form", "form-key")]));
    }
    let mut tx = shop.db.write().await?;
    let listing = find_listing(&mut tx, slug).await?;
    let values = chosen(&listing.public_variables(), sent).map_err(Error::Invalid)?;
    if !machines::is_held(&mut tx, &shop.here, &listing.model).await? {
        return Err(Error::Busy);
    }
    // Counted first: it lets one form of a visitor wait for the other. What is refused below is not counted, for nothing is committed.
    let here = format!("{}:{}", listing.id, trier.block);
    for (limit, subject) in [
        (limits::TRIALS, &trier.who),
        (limits::TRIALS_BLOCK, &here),
        (limits::TRIALS_ANYWHERE, &trier.block),
    ] {
        if !limits::allow(&mut tx, limit, subject).await? {
            return Err(Error::TooMany(limit));
        }
    }
    if let Some(known) = store::find_by_key(&mut tx, &listing.id, form_key).await? {
        return match known.who == trier.who {
            true => Ok(known.id),
            false => Err(Error::Invalid(vec![FieldError::new("form", "form-key")])),
        };
    }
    if store::count(&mut tx, &listing.id, &trier.who).await? >= MAX_TRIALS {
        return Err(Error::Invalid(vec![FieldError {
            field: "trial".into(),
            code: "trials-used".into(),
            detail: Some(MAX_TRIALS.to_string()),
        }]));
    }
    let block = shop.vault.tag(&format!("block\0{}", trier.block));
    if store::count_open_of(&mut tx, &block).await? >= MAX_OPEN_OF_BLOCK
        || store::count_open(&mut tx).await? >= MAX_OPEN
    {
        return Err(Error::Busy);
    }
    let trial = Trial {
        id: random::id_of(),
        listing_id: listing.id,
        version_id: listing.version_id,
        who: trier.who.clone(),
        block,
        form_key: form_key.into(),
        chosen: serde_json::to_string(&values)
            .map_err(|error| Error::Internal(error.to_string()))?,
        lang: lang.tag().into(),
        state: OwnState::Waiting,
        step: 0,
        steps: listing.steps,
        blob: None,
        error: None,
        created_ms: shop.clock.now_ms(),
    };
    store::insert(&mut tx, &trial).await?;
    let key = job_key(&trial.id);
    let size = (listing.width, listing.height);
    let cost_ms = pace::cost_ms(&mut tx, &listing.model, size, trial.steps, 1).await?;
    let job = PictureJob {
        kind: super::MAKE,
        unique_key: &key,
        payload: trial.id.as_str(),
        class: Class::Trial,
        share: Some(&trial.who),
        cost_ms,
        model: &listing.model,
    };
    turns::enqueue(&mut tx, &job).await?;
    tx.commit().await?;
    Ok(trial.id)
}

fn job_key(trial: &TrialId) -> String {
    format!("trial:{trial}")
}

/// How a try stands that is not over.
///
/// # Errors
/// When the database fails.
pub async fn stands(shop: &Shop, tx: &mut Tx, trial: &TrialId) -> db::Result<Option<Stands>> {
    machines::stands(tx, &shop.here, shop.workers, &job_key(trial)).await
}

/// Gives one's own try up that is not made; an engine that makes it stops between two steps. It does not count as one of three. One that is
/// over stays as it is.
///
/// # Errors
/// As [`get`].
pub async fn give_up(
    shop: &Shop,
    listing: &ListingId,
    trier: &Trier,
    id: &TrialId,
) -> Result<(), Error> {
    let mut tx = shop.db.write().await?;
    let trial = get(&mut tx, listing, trier, id).await?;
    if !trial.state.is_over() {
        store::fail(&mut tx, &trial, Some("trial-given-up")).await?;
        turns::cancel(&mut tx, &job_key(id)).await?;
    }
    tx.commit().await?;
    Ok(())
}

impl Trial {
    /// What was chosen.
    #[must_use]
    pub fn values(&self) -> Values {
        serde_json::from_str(&self.chosen).unwrap_or_default()
    }
}

/// Somebody's own try of a listing.
///
/// # Errors
/// [`Error::NotFound`] also for somebody else's.
pub async fn get(
    tx: &mut Tx,
    listing: &ListingId,
    trier: &Trier,
    id: &TrialId,
) -> Result<Trial, Error> {
    let found = store::find(tx, id).await?;
    let found = found.filter(|trial| trial.who == trier.who && trial.listing_id == *listing);
    found.ok_or(Error::NotFound)
}

/// Somebody's tries of a listing, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(tx: &mut Tx, listing: &ListingId, trier: &Trier) -> db::Result<Vec<Trial>> {
    store::list(tx, listing, &trier.who).await
}

/// Lets visitors try a creator's own listing from now on, or not any more.
///
/// # Errors
/// [`Error::NotFound`] also for somebody else's.
pub async fn allow(
    shop: &Shop,
    person: &PersonId,
    listing: &ListingId,
    on: bool,
) -> Result<(), Error> {
    let mut tx = shop.db.write().await?;
    if !store::set_trial(&mut tx, listing, person.as_str(), on).await? {
        return Err(Error::NotFound);
    }
    tx.commit().await?;
    Ok(())
}

/// Lets pictures go after a week, and forgets who tried after ninety days; some at a time.
///
/// # Errors
/// When the database fails.
pub async fn sweep(tx: &mut Tx, now_ms: i64) -> db::Result<()> {
    store::let_go(tx, now_ms - KEPT_MS).await?;
    store::forget(tx, now_ms - KNOWN_MS).await
}
