//! Finding listings and gathering what their page shows.

use super::store;
pub use super::store::{
    Anchor, Card, Creator, Figures, Listing, Proven, PublicPicture, SealedVersion, VersionEntry,
};
use crate::facts::{self, Fact};
use base::db::{self, Tx};
use schema::id::{ListingId, VersionId};
use schema::template::PublicVariable;
use std::collections::BTreeMap;

/// Cards of listings, in the order of the ids; those that are not on sale are missing.
///
/// # Errors
/// When the database fails.
pub async fn list_cards(tx: &mut Tx, ids: &[ListingId]) -> db::Result<Vec<Card>> {
    store::list_cards(tx, ids).await
}

/// The newest that is on sale.
///
/// # Errors
/// When the database fails.
pub async fn list_newest(tx: &mut Tx, limit: i64) -> db::Result<Vec<Card>> {
    store::list_newest(tx, limit).await
}

/// More by the creator of a listing, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn list_more_by(tx: &mut Tx, listing: &Listing, limit: i64) -> db::Result<Vec<Card>> {
    store::list_of_creator(tx, &listing.person_id, listing.id.as_str(), limit).await
}

/// What is like a listing: so far, of its category and by somebody else.
///
/// # Errors
/// When the database fails.
pub async fn similar(tx: &mut Tx, listing: &Listing, limit: i64) -> db::Result<Vec<Card>> {
    store::list_like(tx, listing, limit).await
}

/// A creator who has something on sale, by name, and the newest of it.
///
/// # Errors
/// When the database fails.
pub async fn find_creator(
    tx: &mut Tx,
    handle: &str,
    limit: i64,
) -> db::Result<Option<(Creator, Vec<Card>)>> {
    let Some(creator) = store::find_creator(tx, handle).await? else {
        return Ok(None);
    };
    let cards = store::list_of_creator(tx, &creator.id, "", limit).await?;
    Ok(Some((creator, cards)))
}

/// A listing's versions, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn list_versions(tx: &mut Tx, listing: &ListingId) -> db::Result<Vec<VersionEntry>> {
    store::list_versions(tx, listing).await
}

impl Listing {
    /// The variables' public side.
    #[must_use]
    pub fn public_variables(&self) -> BTreeMap<String, PublicVariable> {
        serde_json::from_str(&self.variables).unwrap_or_default()
    }
}

/// A listing by slug, with the version that it shows and sells.
///
/// # Errors
/// When the database fails.
pub async fn find(tx: &mut Tx, slug: &str) -> db::Result<Option<Listing>> {
    store::find(tx, slug).await
}

/// The version with this id, whether or not its listing still sells it: what somebody bought.
///
/// # Errors
/// When there is none or the database fails.
pub async fn get_version(tx: &mut Tx, version: &VersionId) -> db::Result<SealedVersion> {
    store::get_version(tx, version).await
}

/// The version with this sealed leaf, whether or not its listing still sells it.
///
/// # Errors
/// When the database fails.
pub async fn find_by_leaf(tx: &mut Tx, leaf_hash: &str) -> db::Result<Option<SealedVersion>> {
    store::find_by_leaf(tx, leaf_hash).await
}

/// A listing by id, with the version that it shows and sells.
///
/// # Errors
/// When there is none or the database fails.
pub async fn get(tx: &mut Tx, id: &ListingId) -> db::Result<Listing> {
    store::get(tx, id).await
}

/// A version's anchors, in order.
///
/// # Errors
/// When the database fails.
pub async fn list_anchors(tx: &mut Tx, version: &VersionId) -> db::Result<Vec<Anchor>> {
    store::list_anchors(tx, version).await
}

/// The sealed digests of a version's anchors, in order.
///
/// # Errors
/// When the database fails.
pub async fn list_anchor_digests(tx: &mut Tx, version: &VersionId) -> db::Result<Vec<String>> {
    Ok(list_anchors(tx, version)
        .await?
        .into_iter()
        .map(|anchor| anchor.pixel_blake3)
        .collect())
}

/// Whether a listing is live; its row is held until the transaction is over.
///
/// # Errors
/// When the database fails.
pub async fn hold_live(tx: &mut Tx, listing: &ListingId) -> db::Result<bool> {
    store::hold_live(tx, listing).await
}

/// Holds a listing's row until the transaction is over, so that of two who count its owners the later one is right.
///
/// # Errors
/// When the database fails.
pub async fn hold(tx: &mut Tx, listing: &ListingId) -> db::Result<()> {
    store::hold(tx, listing).await
}

/// Notes what owners made of a listing.
///
/// # Errors
/// When the database fails.
pub async fn set_figures(tx: &mut Tx, listing: &ListingId, figures: &Figures) -> db::Result<()> {
    store::set_figures(tx, listing, figures).await
}

/// Who looks at a public picture.
#[derive(Clone, Copy, Debug)]
pub enum Viewer<'a> {
    /// Somebody who is not signed in.
    Anybody,
    /// A person, by id.
    Person(&'a str),
    /// Whoever decides what is withdrawn.
    Operator,
}

/// The picture whose labelled copy has this name, if this viewer may see it: one of a withdrawn listing is there for its creator, for who
/// bought it, and for operators.
///
/// # Errors
/// When the database fails.
pub async fn find_public_picture(
    tx: &mut Tx,
    labelled: &str,
    viewer: Viewer<'_>,
) -> db::Result<Option<PublicPicture>> {
    let (person, is_operator) = match viewer {
        Viewer::Anybody => ("", false),
        Viewer::Person(id) => (id, false),
        Viewer::Operator => ("", true),
    };
    store::find_public_picture(tx, labelled, person, is_operator).await
}

/// Takes a listing off sale for good; `false` when it was not on sale.
///
/// # Errors
/// When the database fails.
pub async fn withdraw(tx: &mut Tx, listing: &ListingId) -> db::Result<bool> {
    let withdrawn = store::withdraw(tx, listing).await?;
    if withdrawn {
        tell_withdrawn(tx, listing).await?;
    }
    Ok(withdrawn)
}

/// Takes a listing off sale when our own machine could not reproduce the version that it sells any more. Of an older version it says
/// nothing about what is sold now; `false` then.
///
/// # Errors
/// When the database fails.
pub async fn suspend(tx: &mut Tx, version: &SealedVersion) -> db::Result<bool> {
    let suspended = store::suspend(tx, &version.id, &version.version_id).await?;
    if suspended {
        tell_withdrawn(tx, &version.id).await?;
    }
    Ok(suspended)
}

async fn tell_withdrawn(tx: &mut Tx, listing: &ListingId) -> db::Result<()> {
    let listing = listing.to_owned();
    facts::tell(tx, &Fact::ListingWithdrawn { listing }).await
}
