//! Files without the visible label: who takes them said before that they will label what they show, and each file is written down.
//!
//! The one rule: China's labelling measures (article 9) let a shop hand out an unlabelled file to whoever asks for it, was told what they owe
//! and agreed; the log of that is kept for six months at least. We keep it for 400 days.

use super::holding::{Error, Holding};
use super::store;
use crate::shop::Shop;
use base::clock::DAY_MS;
use base::db::{self, Tx};
use base::{limits, random};
use schema::id::PersonId;

/// The version of what is agreed to; a changed text is a new version, and is asked for again.
pub const WORDING: i64 = 1;
/// An acknowledgement holds for so long.
pub const VALID_MS: i64 = 365 * DAY_MS;
/// What was taken is remembered for so long.
pub const KEPT_MS: i64 = 400 * DAY_MS;

/// Notes that a holding's owner read the wording in a language and agreed. Said twice it is one.
///
/// # Errors
/// When the database fails.
pub async fn acknowledge(
    shop: &Shop,
    tx: &mut Tx,
    holding: &Holding,
    language: &str,
) -> Result<(), Error> {
    if find(shop, tx, &holding.person, &holding.id)
        .await?
        .is_none()
    {
        let (id, now) = (random::id(), shop.clock.now_ms());
        let (person, wording) = (holding.person.as_str(), (WORDING, language));
        store::insert_acknowledgement(tx, &id, person, &holding.id, wording, now).await?;
    }
    Ok(())
}

pub(super) async fn find(
    shop: &Shop,
    tx: &mut Tx,
    person: &PersonId,
    holding: &str,
) -> db::Result<Option<String>> {
    let since = shop.clock.now_ms() - VALID_MS;
    store::find_acknowledgement(tx, person.as_str(), holding, WORDING, since).await
}

/// Writes down that a file is taken without a label. `what` names it within the holding.
///
/// # Errors
/// [`Error::NotAcknowledged`] when nobody agreed to the present wording, [`Error::TooMany`].
pub async fn note(shop: &Shop, tx: &mut Tx, holding: &Holding, what: &str) -> Result<(), Error> {
    let person = &holding.person;
    let found = find(shop, tx, person, &holding.id).await?;
    let acknowledgement = found.ok_or(Error::NotAcknowledged)?;
    if !limits::allow(tx, limits::UNLABELLED, person.as_str()).await? {
        return Err(Error::TooMany(limits::UNLABELLED));
    }
    let now = shop.clock.now_ms();
    store::insert_download(tx, &random::id(), &acknowledgement, what, now).await?;
    Ok(())
}

/// Forgets what was taken long ago, and acknowledgements by which nothing is remembered any more; some at a time.
///
/// # Errors
/// When the database fails.
pub async fn sweep(tx: &mut Tx, now_ms: i64) -> db::Result<()> {
    store::forget_downloads(tx, now_ms - KEPT_MS).await?;
    store::forget_acknowledgements(tx, now_ms - VALID_MS - KEPT_MS).await
}
