//! Versions: sealed recipes on their way to being sold, and what the vault holds of each.
//!
//! The one rule: a version goes on sale when all its leaves are in a signed checkpoint, and not before.

mod store;
#[cfg(test)]
mod tests;

#[cfg(any(test, feature = "testing"))]
pub use store::ALL as STATEMENTS;
pub use store::*;

use super::VersionState;
use crate::facts::{self, Fact};
use crate::log::service as log;
use crate::starting::Kept;
use base::db::{self, Db, Tx};
use base::jobs::{self, Outcome};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schema::id::{ListingId, VersionId};
use schema::recipe::Recipe;
use serde::{Deserialize, Serialize};
use thiserror::Error as ThisError;

/// Puts a certified version on sale once its statement is logged.
pub const GO_LIVE: &str = "studio-go-live";
/// How long to wait before looking again for a leaf in the tree.
pub const LOOK_AGAIN_MS: i64 = 200;

/// A stored recipe that cannot be read.
#[derive(Debug, ThisError)]
#[error("a stored recipe is damaged: {0}")]
pub struct Damaged(String);

fn damaged(error: impl std::fmt::Display) -> Damaged {
    Damaged(error.to_string())
}

/// A sealed version on its way.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct VersionRow {
    #[sqlx(try_from = "String")]
    pub id: VersionId,
    #[sqlx(try_from = "String")]
    pub listing_id: ListingId,
    #[sqlx(try_from = "String")]
    pub state: VersionState,
    pub error: Option<String>,
    pub secret_id: String,
    pub model: String,
    pub creator_key: String,
    pub leaf_hash: String,
    pub listing_leaf_hash: String,
    pub listing_statement: String,
    pub certification_leaf_hash: Option<String>,
}

/// A version as it is submitted, and the listing that it is sold as.
pub struct NewVersion<'a> {
    pub listing_id: ListingId,
    pub version_id: VersionId,
    pub secret_id: String,
    pub slug: String,
    pub person: &'a str,
    pub title: &'a str,
    pub description: &'a str,
    pub category: &'a str,
    pub language: &'a str,
    pub price_minor: i64,
    pub licence: &'a str,
    pub tags: &'a str,
    /// Whether visitors may try it.
    pub trial: bool,
    pub recipe: &'a Recipe,
    pub variables: String,
    pub creator_key: String,
    pub leaf_hash: String,
    pub listing_leaf_hash: String,
    pub statement: String,
    pub now_ms: i64,
}

/// Recipe bytes and salt of a version, as the vault holds them.
#[derive(Serialize, Deserialize)]
pub struct VersionSecret {
    /// base64 of the exact bytes.
    pub recipe: String,
    /// base64 of 32 bytes.
    pub salt: String,
    /// The pictures that the recipe begins with; none for most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub starting: Vec<Kept>,
}

/// A recipe with the pictures that it begins with.
pub struct FullRecipe {
    pub recipe: Recipe,
    pub starting: Vec<Kept>,
}

impl FullRecipe {
    /// Reads a version's opened secret.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn parse(plain: &[u8]) -> Result<Self, Damaged> {
        let secret: VersionSecret = serde_json::from_slice(plain).map_err(damaged)?;
        let bytes = STANDARD.decode(&secret.recipe).map_err(damaged)?;
        Ok(Self {
            recipe: Recipe::parse(&bytes).map_err(damaged)?,
            starting: secret.starting,
        })
    }
}

/// Reads the recipe out of a version's opened secret.
///
/// # Errors
/// When it is damaged.
pub fn recipe_of(plain: &[u8]) -> Result<Recipe, Damaged> {
    FullRecipe::parse(plain).map(|opened| opened.recipe)
}

/// Lets a certified version go on sale once its certification is logged.
///
/// # Errors
/// When the database fails.
pub async fn release_version(tx: &mut Tx, version: &VersionId) -> db::Result<()> {
    let (kind, key) = (GO_LIVE, format!("go-live:{version}"));
    jobs::enqueue(tx, kind, &key, version.as_str())
        .await
        .map(drop)
}

/// Ends a version that may not go on sale. `why` is shown to its creator: a text's name, or a finished text.
///
/// # Errors
/// When the database fails.
pub async fn refuse_version(tx: &mut Tx, version: &VersionId, why: &str) -> db::Result<()> {
    let row = get_version(tx, version).await?;
    set_version_state(tx, version, VersionState::Failed, Some(why), None).await?;
    store::fail_first_version(tx, &row.listing_id, version).await
}

/// Puts a certified version on sale, or says when to look again.
///
/// # Errors
/// When the database fails.
pub async fn go_live(db: &Db, id: &VersionId, now_ms: i64) -> Result<Outcome, log::Error> {
    let mut tx = db.write().await?;
    let version = get_version(&mut tx, id).await?;
    let certification = version.certification_leaf_hash.as_deref();
    let Some(certification) = certification.filter(|_| version.state == VersionState::Certified)
    else {
        return Ok(Outcome::Done);
    };
    let leaves = [
        version.leaf_hash.as_str(),
        &version.listing_leaf_hash,
        certification,
    ];
    if !log::all_logged(&mut tx, &leaves).await? {
        return Ok(Outcome::Later(LOOK_AGAIN_MS));
    }
    // What was withdrawn meanwhile does not come back with a new version.
    if !store::sell_version(&mut tx, &version.listing_id, id, now_ms).await? {
        return Ok(Outcome::Done);
    }
    set_version_state(&mut tx, id, VersionState::Live, None, None).await?;
    let live = Fact::ListingLive {
        listing: version.listing_id.clone(),
        version: id.to_owned(),
    };
    facts::tell(&mut tx, &live).await?;
    tx.commit().await?;
    Ok(Outcome::Done)
}
