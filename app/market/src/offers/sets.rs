//! Sets: several listings of one creator for one price.
//!
//! The one rule: a set is only a price. Each listing in it is its own order line, at its part of the set's price, so that refunds,
//! licences and payouts know nothing of sets; what a buyer owns already takes its part away.

use super::ending::{self, EndReason, Holding};
use super::store;
pub use super::store::{Item, Set};
use base::db::{self, Tx};
use base::random;
use money::Error;
use schema::id::ListingId;
use schema::money::allocate;

/// Most listings in one set.
const MAX_ITEMS: usize = 20;

/// Makes a set of one's own live listings. Returns its slug.
///
/// # Errors
/// [`Error::Refused`] with what is wrong with it.
pub async fn create(
    tx: &mut Tx,
    person: &str,
    title: &str,
    price_minor: i64,
    listings: &[ListingId],
    now_ms: i64,
) -> Result<String, Error> {
    let title =
        &schema::listing::line(title, "title", 1, 80).map_err(|_| Error::Refused("set-title"))?;
    if listings.len() < 2 || listings.len() > MAX_ITEMS {
        return Err(Error::Refused("set-items"));
    }
    let own = store::list_own_live(tx, person).await?;
    let chosen: Vec<&Item> = own
        .iter()
        .filter(|item| listings.contains(&item.id))
        .collect();
    if chosen.len() != listings.len() {
        return Err(Error::Refused("set-items"));
    }
    let sum: i64 = chosen.iter().map(|item| item.price_minor).sum();
    if price_minor <= 0 || price_minor > sum {
        return Err(Error::Refused("set-price"));
    }
    let id = random::id();
    // Titles may be in any script; the end of an id is as good an address.
    let slug = id.rsplit('-').next().unwrap_or(&id).to_owned();
    store::insert_set(tx, &id, &slug, person, title, price_minor, now_ms).await?;
    for (index, item) in (0..).zip(&chosen) {
        store::insert_set_item(tx, &id, &item.id, index).await?;
    }
    Ok(slug)
}

/// A set with its listings, those that are not on sale any more too.
///
/// # Errors
/// [`Error::NotFound`] when there is none.
pub async fn get(tx: &mut Tx, slug: &str) -> Result<(Set, Vec<Item>), Error> {
    let set = store::find_set(tx, slug).await?.ok_or(Error::NotFound)?;
    let items = store::list_set_items(tx, &set.id).await?;
    Ok((set, items))
}

/// A creator's sets, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(tx: &mut Tx, person: &str) -> db::Result<Vec<Set>> {
    store::list_sets(tx, person).await
}

/// The newest live sets, with their listings.
///
/// # Errors
/// When the database fails.
pub async fn list_newest(tx: &mut Tx, limit: i64) -> db::Result<Vec<(Set, Vec<Item>)>> {
    let mut sets = Vec::new();
    for set in store::list_newest_sets(tx, limit).await? {
        let items = store::list_set_items(tx, &set.id).await?;
        sets.push((set, items));
    }
    Ok(sets)
}

/// The newest live sets that a listing is in; its page shows no more.
///
/// # Errors
/// When the database fails.
pub async fn list_of_listing(tx: &mut Tx, listing: &ListingId) -> db::Result<Vec<Set>> {
    store::list_sets_of_listing(tx, listing).await
}

/// A set's listings, those that are not on sale any more too.
///
/// # Errors
/// When the database fails.
pub async fn list_items(tx: &mut Tx, set: &str) -> db::Result<Vec<Item>> {
    store::list_set_items(tx, set).await
}

/// What each listing of a set costs in it, by the listings' own prices; never more than alone.
#[must_use]
pub fn parts(price_minor: i64, items: &[Item]) -> Vec<i64> {
    let own: Vec<i64> = items.iter().map(|item| item.price_minor).collect();
    let parts = allocate(price_minor, &own).into_iter().zip(own);
    parts.map(|(part, own)| part.min(own)).collect()
}

/// What a creator can put into a set.
///
/// # Errors
/// When the database fails.
pub async fn list_own_live(tx: &mut Tx, person: &str) -> db::Result<Vec<Item>> {
    store::list_own_live(tx, person).await
}

/// Ends a set of one's own. What is in carts goes back to its own price.
///
/// # Errors
/// When the database fails.
pub async fn end(tx: &mut Tx, person: &str, id: &str) -> db::Result<bool> {
    let ended = store::end_set(tx, id, person).await?;
    if ended {
        ending::end_open(tx, Holding::Set(id), EndReason::OfferEnded).await?;
    }
    Ok(ended)
}
