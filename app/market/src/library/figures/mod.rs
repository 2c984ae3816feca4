//! What owners made of a listing: how many have it, how lately it was bought, and for how many it reproduced.
//!
//! The one rule: figures are counted again from what they count, never added to, so that hearing of a sale twice counts it once.

use super::store;
use crate::catalog::service::{self as catalog, Figures};
use crate::facts::Fact;
use crate::orders;
use base::clock::DAY_MS;
use base::db::{self, Db, Tx};
use schema::id::ListingId;

#[cfg(test)]
mod tests;

/// After so long a sale counts half as much for what is bought now.
const HALF_LIFE_MS: i64 = 7 * DAY_MS;
/// Sales from here on are told by their age; any instant would do.
const EPOCH_MS: i64 = 1_767_225_600_000;
/// Older sales than the newest so many weigh nothing that shows.
const COUNTED_SALES: i64 = 200;

/// Counts again what a fact may have changed.
///
/// # Errors
/// When the database fails.
pub async fn hear(db: &Db, fact: &Fact) -> db::Result<()> {
    let mut tx = db.write().await?;
    let listing = match fact {
        Fact::ListingLive { listing, .. }
        | Fact::Sold { listing, .. }
        | Fact::Refunded { listing, .. }
        | Fact::Restored { listing, .. }
        | Fact::Lost { listing, .. } => listing.clone(),
        Fact::RunFinished { version, .. } => {
            catalog::get_version(&mut tx, version).await?.id.clone()
        }
        Fact::Attested { leaf } => match catalog::find_by_leaf(&mut tx, leaf).await? {
            Some(version) => version.id.clone(),
            None => return Ok(()),
        },
        Fact::ListingWithdrawn { .. } | Fact::PaidOut { .. } | Fact::KeyEnded { .. } => {
            return Ok(());
        }
    };
    count(&mut tx, &listing).await?;
    tx.commit().await
}

/// Counts a listing's figures and notes them. Its row is held meanwhile: of two who count, the later one is right.
async fn count(tx: &mut Tx, listing: &ListingId) -> db::Result<()> {
    catalog::hold(tx, listing).await?;
    let sales = orders::count_owners(tx, listing).await?;
    let (reproduced, differed) = store::count_outcomes(tx, listing).await?;
    let mut times = orders::list_sale_times(tx, listing, COUNTED_SALES).await?;
    times.extend(catalog::get(tx, listing).await?.published_ms);
    let figures = Figures {
        sales,
        reproduced,
        differed,
        trend: trend(&times),
    };
    catalog::set_figures(tx, listing, &figures).await
}

/// How much is going on: the logarithm, to base two and in thousandths, of the sum of all sales, each of which weighs half as much as one
/// that is [`HALF_LIFE_MS`] younger. Seen from any later instant every listing's value is smaller by the same, so it orders for ever.
fn trend(times_ms: &[i64]) -> i64 {
    let Some(newest) = times_ms.iter().max() else {
        return i64::MIN / 2;
    };
    // Differences of instants in half-lives are small numbers.
    let lives = |ms: i64| ms as f64 / HALF_LIFE_MS as f64;
    let sum: f64 = times_ms
        .iter()
        .map(|time| (-lives(newest - time)).exp2())
        .sum();
    ((lives(newest - EPOCH_MS) + sum.log2()) * 1000.0).round() as i64
}
