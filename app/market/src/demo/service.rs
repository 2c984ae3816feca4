//! Loading the demo: one listing after the other with the days between them, resumable at any point.

use super::shop::{self, Entry};
use super::{history, listing, people};
use crate::catalog::service::{self as catalog, Card};
use crate::moderation::withdrawal;
use crate::offers::sets;
use crate::settlement::clockwork::CLOCK_SETTING;
use crate::shop::Shop;
use anyhow::{Context as _, Result};
use base::clock::DAY_MS;
use base::db::{self, Tx};
use schema::id::ListingId;
use schema::statement::WithdrawalReason;

/// The setting that counts listings that were published.
const PUBLISHED: &str = "demo_published";
/// The setting that says that sets and withdrawals are done, too.
const COMPLETE: &str = "demo_complete";
/// The setting of demos of the first release: those keep the catalogue that they have.
const FIRST_RELEASE: &str = "demo_loaded";
/// The last listing came so many days before today.
const SINCE_LAST: i64 = 12;

/// How many listings the demo has, and how many are there.
///
/// # Errors
/// When the database fails.
pub async fn progress(state: &Shop) -> Result<(usize, usize)> {
    let mut tx = state.db.read().await?;
    let first = usize::try_from(db::read_number(&mut tx, FIRST_RELEASE).await?)?;
    if first > 0 {
        return Ok((first, first));
    }
    let published = usize::try_from(db::read_number(&mut tx, PUBLISHED).await?)?;
    let total = shop::catalogue()?.len();
    let is_complete = db::read_number(&mut tx, COMPLETE).await? > 0;
    // The last one counts when the past is over.
    Ok((published.saturating_sub(usize::from(!is_complete)), total))
}

/// Puts the business clock of a new demo back to where its past begins.
///
/// # Errors
/// When the database fails.
pub async fn begin_past(tx: &mut Tx) -> db::Result<()> {
    let offset_ms = -history::DAYS * DAY_MS;
    db::write_setting(tx, CLOCK_SETTING, &offset_ms.to_string()).await
}

/// The day of the past on which the listing with this number was published.
fn day_of(index: usize, total: usize) -> i64 {
    let (index, total) = (index as i64, total.max(1) as i64);
    (history::DAYS - SINCE_LAST) * index / total
}

/// Loads what is missing of the demo.
///
/// # Errors
/// When a listing of the demo breaks a rule, which a test would have found, or the database fails.
pub async fn load(state: &Shop) -> Result<()> {
    let (published, total) = progress(state).await?;
    if published == total {
        return Ok(());
    }
    let mut tx = state.db.read().await?;
    let published = usize::try_from(db::read_number(&mut tx, PUBLISHED).await?)?;
    drop(tx);
    let entries = shop::catalogue()?;
    history::offer_coupons(state).await?;
    let mut begun = None;
    for (index, entry) in entries.iter().enumerate().skip(published) {
        let this = match begun.take() {
            Some(this) => this,
            None => begin(state, entry).await?,
        };
        // While this one is certified and sold, the next one's pictures are made.
        if let Some(next) = entries.get(index + 1) {
            begun = Some(begin(state, next).await?);
        }
        history::live_until(state, day_of(index, entries.len())).await?;
        let counted = (PUBLISHED, (index + 1).to_string());
        let slug = listing::publish(state, &this, entry, counted)
            .await
            .with_context(|| format!("demo listing {:?}", entry.piece.title))?;
        listing::wait_until_live(state, entry, &slug).await?;
    }
    finish(state, &entries).await
}

async fn begin(state: &Shop, entry: &Entry) -> Result<listing::Begun> {
    let person = people::member(state, entry.handle).await?;
    listing::begin(state, person, entry)
        .await
        .with_context(|| format!("demo listing {:?}", entry.piece.title))
}

/// Sets, what was withdrawn, and the days up to today.
async fn finish(state: &Shop, entries: &[Entry]) -> Result<()> {
    offer_sets(state).await?;
    for entry in entries.iter().filter(|entry| entry.piece.withdrawn) {
        let mut tx = state.db.read().await?;
        let cards = catalog::list_newest(&mut tx, 100).await?;
        drop(tx);
        let same = |card: &&Card| card.handle == entry.handle && card.title == entry.piece.title;
        if let Some(card) = cards.iter().find(same) {
            withdrawal::withdraw(state, &card.slug, WithdrawalReason::Misleading).await?;
        }
    }
    history::live_until(state, history::DAYS).await?;
    let mut tx = state.db.write().await?;
    db::write_setting(&mut tx, COMPLETE, "1").await?;
    tx.commit().await?;
    Ok(())
}

/// Makes the creators' sets, those that are not there yet.
async fn offer_sets(state: &Shop) -> Result<()> {
    for offered in shop::offers()?.sets {
        let person = people::member(state, &offered.creator).await?;
        let mut tx = state.db.write().await?;
        let made = sets::list(&mut tx, person.as_str()).await?;
        if made.iter().any(|set| set.title == offered.title) {
            continue;
        }
        let own = sets::list_own_live(&mut tx, person.as_str()).await?;
        let listings: Vec<ListingId> = own
            .into_iter()
            .filter(|item| offered.listings.contains(&item.title))
            .map(|item| item.id)
            .collect();
        let (price, now) = (offered.price_minor, state.clock.now_ms());
        sets::create(
            &mut tx,
            person.as_str(),
            &offered.title,
            price,
            &listings,
            now,
        )
        .await
        .with_context(|| format!("demo set {:?}", offered.title))?;
        tx.commit().await?;
    }
    Ok(())
}
