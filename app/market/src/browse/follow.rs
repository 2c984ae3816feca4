//! Keeps the index as the database is.
//!
//! The one rule: the index reads how a listing stands now, whatever happened to it, and notes with it how far it read. Killed at any point
//! it goes on from there; lost or damaged it is built anew, and pages say meanwhile what they show instead.

use super::{documents, store};
use crate::finder::Finder;
use base::compute;
use base::db::{self, Db};
use schema::id::ListingId;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::watch;

/// How often it is looked for changes.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// After an error it is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(5);
/// Changes, or listings, of one turn.
const BATCH: i64 = 1_000;
/// On PostgreSQL a change may become visible behind a later one: so many places are looked at again, each read once.
const LOOK_BACK: i64 = 2_000;
/// Changes are kept as far back, for another process that is behind.
const KEPT: i64 = 100_000;
/// They are forgotten so many at a time.
const FORGOTTEN_AT_ONCE: i64 = 1_000;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] db::Error),
    /// The index could not be opened or written.
    #[error(transparent)]
    Index(#[from] search::Error),
}

/// What a follower remembers between its turns.
#[derive(Default)]
pub struct Follower {
    /// Places that were read, as far as they are looked at again.
    seen: BTreeSet<i64>,
    /// Up to where changes were forgotten.
    forgotten: i64,
}

/// Follows the database until `stop` is set.
pub async fn follow(db: Db, finder: Finder, mut stop: watch::Receiver<bool>) {
    let mut follower = Follower::default();
    while !*stop.borrow() {
        let wait = match follower.turn(&db, &finder).await {
            Ok(true) => Duration::ZERO,
            Ok(false) => LOOK_EVERY,
            Err(error) => {
                tracing::error!(error = %error, "the search index cannot follow the catalogue; what was found so far is found");
                TRY_AGAIN
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = stop.changed() => {}
        }
    }
}

impl Follower {
    /// One step; whether there may be more to do at once.
    ///
    /// # Errors
    /// When the database or the index fails; the next turn goes on where this one began.
    pub async fn turn(&mut self, db: &Db, finder: &Finder) -> Result<bool, Error> {
        let Some(index) = finder.index() else {
            if !finder.open().await? {
                build(db, finder).await?;
            }
            self.seen.clear();
            return Ok(true);
        };
        let cursor: i64 = index.cursor().parse().unwrap_or(0);
        let mut tx = db.read().await?;
        let (first, last) = (
            store::first_change(&mut tx).await?,
            store::last_change(&mut tx).await?,
        );
        // What lies between was forgotten before it was read here; or the database is an older one than the index has seen.
        if (cursor > 0 && first > cursor + 1) || last < cursor {
            drop((tx, index));
            self.seen.clear();
            build(db, finder).await?;
            return Ok(true);
        }
        let from = (cursor - LOOK_BACK).max(0);
        let rows = store::list_changes(&mut tx, from, LOOK_BACK + BATCH).await?;
        let new = rows
            .into_iter()
            .filter(|(place, _)| !self.seen.contains(place));
        let (places, ids): (Vec<i64>, Vec<String>) = new.take(BATCH as usize).unzip();
        let Some(until) = places.last().copied() else {
            return Ok(false);
        };
        let until = until.max(cursor);
        let ids: BTreeSet<ListingId> = ids
            .iter()
            .filter_map(|id| ListingId::parse(id).ok())
            .collect();
        let ids: Vec<ListingId> = ids.into_iter().collect();
        let changes = documents::read(&mut tx, &ids).await?;
        drop(tx);
        compute::run(move || index.apply(&changes, &until.to_string()).map(drop)).await?;
        self.seen.extend(places);
        self.seen = self.seen.split_off(&(until - 2 * LOOK_BACK));
        self.forget(db, until).await?;
        Ok(true)
    }

    /// Changes of long ago are of use to nobody.
    async fn forget(&mut self, db: &Db, until: i64) -> db::Result<()> {
        let old = until - KEPT;
        if old < self.forgotten + FORGOTTEN_AT_ONCE {
            return Ok(());
        }
        let mut tx = db.write().await?;
        store::forget_changes(&mut tx, old).await?;
        tx.commit().await?;
        self.forgotten = old;
        Ok(())
    }
}

/// Builds the index from every listing on sale; how many there are. What changes meanwhile is behind the place from which it goes on.
///
/// # Errors
/// When the database or the index fails, also when another process has the index open.
pub async fn build(db: &Db, finder: &Finder) -> Result<usize, Error> {
    let mut tx = db.read().await?;
    let from = store::last_change(&mut tx).await?;
    let all = usize::try_from(store::count_live(&mut tx).await?).unwrap_or(0);
    drop(tx);
    tracing::info!(
        listings = all,
        "the search index is built from the catalogue"
    );
    let growing = finder.begin().await?;
    let (mut after, mut done) = (String::new(), 0);
    loop {
        let mut tx = db.read().await?;
        let ids = store::list_live(&mut tx, &after, BATCH).await?;
        let Some(last) = ids.last() else { break };
        last.as_str().clone_into(&mut after);
        let changes = documents::read(&mut tx, &ids).await?;
        drop(tx);
        done += changes.len();
        let index = growing.clone();
        compute::run(move || index.apply(&changes, "").map(drop)).await?;
        finder.note_progress(done, all);
    }
    let index = growing.clone();
    compute::run(move || index.apply(&[], &from.to_string()).map(drop)).await?;
    finder.take(growing);
    tracing::info!(listings = done, "the search index is complete");
    Ok(done)
}
