//! What the first page shows: the newest proof, and some rows of listings.
//!
//! The one rule: a row that would be empty is left out by the page; nothing here is made up to fill one.

use super::store::{self, Card, Proven};
use base::db::{self, Tx};
use std::collections::BTreeSet;

/// So many cards stand side by side on the widest screen.
const ROW: i64 = 13;
/// Among so many of the newest each creator is looked for.
const LOOKED_AT: i64 = 8 * ROW;
/// "Under 3 dollars".
pub const CHEAP_MINOR: i64 = 300;

/// What the first page shows.
#[derive(Clone, Debug, Default)]
pub struct Home {
    /// What was regenerated last, if anything was.
    pub proof: Option<Proven>,
    /// What owners regenerated most often.
    pub reproduced: Vec<Card>,
    /// What costs nothing.
    pub free: Vec<Card>,
    /// What costs less than [`CHEAP_MINOR`].
    pub cheap: Vec<Card>,
    /// The newest, one of each creator.
    pub creators: Vec<Card>,
}

/// Gathers the first page.
///
/// # Errors
/// When the database fails.
pub async fn home(tx: &mut Tx) -> db::Result<Home> {
    let mut creators = store::list_newest(tx, LOOKED_AT).await?;
    let mut seen = BTreeSet::new();
    creators.retain(|card| seen.insert(card.handle.clone()));
    creators.truncate(ROW as usize);
    Ok(Home {
        proof: store::find_latest_proof(tx).await?,
        reproduced: store::list_reproduced(tx, ROW).await?,
        free: store::list_free(tx, ROW).await?,
        cheap: store::list_cheap(tx, CHEAP_MINOR, ROW).await?,
        creators,
    })
}
