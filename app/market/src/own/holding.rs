//! By what right somebody makes pictures of a recipe, and what can go wrong.
//!
//! The one rule: a holding is looked up for the person who asks; somebody else's is not found.

use super::store::OwnRun;
use crate::catalog::service as catalog;
use crate::catalog::versions::{Damaged, FullRecipe};
use crate::library::service as library;
use crate::orders::Line;
use crate::shop::Shop;
use base::db::{self, Tx};
use base::vault;
use base::{limits, media};
use schema::failure::FieldError;
use schema::id::{LineId, ListingId, PersonId};
use schema::recipe::{Recipe, Seed};
use schema::template::Values;
use serde::{Deserialize, Serialize};
use thiserror::Error as ThisError;

/// What can go wrong with own values.
#[derive(Debug, ThisError)]
pub enum Error {
    /// No such line, run or picture, or somebody else's.
    #[error("not found")]
    NotFound,
    /// It was given back.
    #[error("refunded")]
    Refunded,
    /// The recipe must be opened first: that ends the right to return it.
    #[error("not opened")]
    NotOpened,
    /// Fields of a form.
    #[error("invalid fields")]
    Invalid(Vec<FieldError>),
    /// Too often in an hour.
    #[error("too many")]
    TooMany(limits::Limit),
    /// Without a label only once it was acknowledged.
    #[error("not acknowledged")]
    NotAcknowledged,
    /// Others have theirs made.
    #[error(transparent)]
    Busy(#[from] base::compute::Busy),
    /// The recipe's model is not here.
    #[error("its model is not here")]
    ModelAway,
    /// The picture is not made, or its file was let go.
    #[error("no file")]
    NoFile,
    /// A sheet has fewer pages.
    #[error("no such page")]
    NoPage,
    /// A secret was erased, or does not open.
    #[error(transparent)]
    Vault(#[from] vault::Error),
    /// A picture's file failed.
    #[error(transparent)]
    Media(#[from] media::Error),
    /// Anything else, for the log.
    #[error("{0}")]
    Internal(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] db::Error),
}

pub(super) fn internal(error: impl std::fmt::Display) -> Error {
    Error::Internal(error.to_string())
}

impl From<Damaged> for Error {
    fn from(error: Damaged) -> Self {
        internal(error)
    }
}

impl From<library::Error> for Error {
    fn from(error: library::Error) -> Self {
        match error {
            library::Error::NotFound => Self::NotFound,
            library::Error::Refunded => Self::Refunded,
            library::Error::NotOpened => Self::NotOpened,
            library::Error::TooMany => Self::TooMany(limits::REPRODUCE),
            library::Error::Vault(error) => Self::Vault(error),
            library::Error::Store(error) => Self::Store(error),
            other => internal(other),
        }
    }
}

/// By what right somebody makes pictures of a recipe: a line that they own and opened, or a listing of their own.
#[derive(Clone, Debug)]
pub struct Holding {
    /// The line's id or the listing's.
    pub id: String,
    pub person: PersonId,
    /// The version that was bought, or the creator's own.
    pub version: catalog::SealedVersion,
    /// `None` for a creator's own listing.
    pub line: Option<Line>,
}

/// Somebody's holding. What was withdrawn meanwhile is theirs as before.
///
/// # Errors
/// [`Error::NotFound`] also for somebody else's; [`Error::Refunded`], [`Error::NotOpened`].
pub async fn hold(tx: &mut Tx, person: &PersonId, id: &str) -> Result<Holding, Error> {
    let line = LineId::parse(id).map_err(|_| Error::NotFound)?;
    let (version, line) = match library::get_opened(tx, person, &line).await {
        Ok(line) => (line.version_id.clone(), Some(line)),
        Err(library::Error::NotFound) => (own_version(tx, person, id).await?, None),
        Err(error) => return Err(error.into()),
    };
    Ok(Holding {
        id: id.to_owned(),
        person: person.clone(),
        version: catalog::get_version(tx, &version).await?,
        line,
    })
}

async fn own_version(
    tx: &mut Tx,
    person: &PersonId,
    id: &str,
) -> Result<schema::id::VersionId, Error> {
    let id = ListingId::parse(id).map_err(|_| Error::NotFound)?;
    match catalog::get(tx, &id).await {
        Ok(listing) if listing.person_id == person.as_str() => Ok(listing.version_id),
        Ok(_) => Err(Error::NotFound),
        Err(error) if error.is_missing() => Err(Error::NotFound),
        Err(error) => Err(error.into()),
    }
}

/// The recipe of a holding; that it was opened is written down.
///
/// # Errors
/// When it was erased, or does not open.
pub async fn recipe(shop: &Shop, tx: &mut Tx, holding: &Holding) -> Result<Recipe, Error> {
    let opened = open_recipe(shop, tx, holding, holding.person.as_str()).await?;
    Ok(opened.recipe)
}

pub(super) async fn open_recipe(
    shop: &Shop,
    tx: &mut Tx,
    holding: &Holding,
    actor: &str,
) -> Result<FullRecipe, Error> {
    let (secret, now) = (&holding.version.secret_id, shop.clock.now_ms());
    let plain = shop.vault.open(tx, secret, actor, "own values", now);
    Ok(FullRecipe::parse(&plain.await?)?)
}

/// What a run is made with, as the vault holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnSecret {
    pub values: Values,
    /// One for each picture.
    pub seeds: Vec<Seed>,
}

pub(super) async fn open_run(
    shop: &Shop,
    tx: &mut Tx,
    run: &OwnRun,
    actor: &str,
) -> Result<OwnSecret, Error> {
    let now = shop.clock.now_ms();
    let plain = shop
        .vault
        .open(tx, &run.secret_id, actor, "own values", now);
    serde_json::from_slice(&plain.await?).map_err(internal)
}
