//! Which of two sealed recipes was logged first.
//!
//! The one rule: the order in the append-only log decides, and anybody can check it; dates only say how long ago. Neither says who
//! had the idea first, and the page says so.

use crate::catalog::ListingState;
use crate::catalog::service as catalog;
use crate::log::service::{self, Date, Error, PublicLog};
use base::db::Tx;
use schema::digest::Digest;
use schema::leaf::LeafKind;

/// One of two recipes.
pub struct Standing {
    /// The sealed leaf's hash.
    pub leaf_hash: String,
    /// Where it stands in the log.
    pub index: i64,
    /// Since when it is public.
    pub date: Option<Date>,
    /// Who signed it.
    pub key_hash: String,
    /// What is sold with it, if it is on sale.
    pub listing: Option<catalog::SealedVersion>,
    /// A labelled picture of it.
    pub anchor: Option<catalog::Anchor>,
}

/// Reads a sealed recipe's leaf from what people paste: a leaf's hash or index, or the address of a proof or a listing.
///
/// # Errors
/// [`Error::NotFound`] for anything else.
pub async fn resolve(tx: &mut Tx, origin: &str, text: &str) -> Result<String, Error> {
    let text = text.trim().trim_end_matches('/');
    let text = text.split(['?', '#']).next().unwrap_or_default();
    let mut segments = text.rsplit('/');
    let (last, before) = (segments.next().unwrap_or_default(), segments.next());
    if before == Some("listings") {
        let listing = catalog::find(tx, last).await?;
        return Ok(listing
            .filter(|listing| listing.state == ListingState::Live)
            .ok_or(Error::NotFound)?
            .leaf_hash);
    }
    let row = match last.parse::<i64>() {
        Ok(index) if last.len() < 16 => service::get_leaf_by_index(tx, origin, index).await?,
        _ => {
            let hash = Digest::parse(last, "leaf").map_err(|_| Error::NotFound)?;
            service::get_leaf(tx, &hash.hex()).await?
        }
    };
    Ok(row.leaf_hash)
}

/// The two recipes, the one that was logged first in front. `None` when either is not in the log yet.
///
/// # Errors
/// [`Error::NotFound`] when a leaf is unknown or seals no recipe.
pub async fn compare(
    tx: &mut Tx,
    log: &PublicLog,
    one: &str,
    other: &str,
) -> Result<Option<[Standing; 2]>, Error> {
    let (Some(one), Some(other)) = (
        standing(tx, log, one).await?,
        standing(tx, log, other).await?,
    ) else {
        return Ok(None);
    };
    Ok(Some(if one.index <= other.index {
        [one, other]
    } else {
        [other, one]
    }))
}

async fn standing(tx: &mut Tx, log: &PublicLog, leaf: &str) -> Result<Option<Standing>, Error> {
    let row = service::get_leaf(tx, leaf).await?;
    let parsed = row.parse()?;
    if parsed.kind != LeafKind::SealedRecipe {
        return Err(Error::NotFound);
    }
    let Some(index) = row.log_index else {
        return Ok(None);
    };
    let listing = catalog::find_by_leaf(tx, leaf).await?;
    let listing = listing.filter(|listing| listing.state == ListingState::Live);
    let anchor = match &listing {
        Some(listing) => catalog::list_anchors(tx, &listing.version_id)
            .await?
            .into_iter()
            .next(),
        None => None,
    };
    Ok(Some(Standing {
        date: log.date(tx, &row).await?,
        leaf_hash: row.leaf_hash,
        index,
        key_hash: parsed.key_hash.hex(),
        listing,
        anchor,
    }))
}
