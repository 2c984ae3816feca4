//! Re-runs that nobody asked for: what is on sale is regenerated with each release of the engine, a few at a time.
//!
//! The one rule: a turn looks at one stretch of the catalogue, and what the desk shows was counted on the way. Nobody counts all of it
//! for a page.

use super::service::{Regenerated, enqueue, release_of};
use super::store;
use crate::catalog::stretch::Stretch;
use crate::shop::Shop;
use base::db::{self, Tx};
use base::jobs::turns::Class;
use base::random;
use serde::{Deserialize, Serialize};

/// Where the search for what is due goes on.
const DUE_AFTER: &str = "reruns_due_after";
/// Where the count goes on, what it has so far, and how it ended last.
const COUNTED_AFTER: &str = "reruns_counted_after";
const COUNTING: &str = "reruns_counting";
const COUNTED: &str = "reruns_counted";

/// What one walk through the catalogue counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Count {
    release: String,
    on_sale: i64,
    done: i64,
}

/// Keeps at most `limit` re-runs under way of versions on sale that this release of the engine has not regenerated, and returns how
/// many were queued: what was certified with an earlier engine must still hold with the one that is sold. Recipes of a model that is
/// not here are no business of this release.
///
/// # Errors
/// When the database fails.
pub async fn plan(state: &Shop, limit: i64) -> db::Result<usize> {
    let release = release_of(&state.engines.environment());
    let models: Vec<String> = state
        .engines
        .models()
        .iter()
        .map(|model| model.digest.to_string())
        .collect();
    count_on(state, &release, &models).await?;
    // Looked up without the writer's turn: mostly there is nothing to do.
    let mut tx = state.db.read().await?;
    let room = limit - store::count_reruns_open(&mut tx, &release).await?;
    if room <= 0 {
        return Ok(0);
    }
    let stretch = Stretch::next(&mut tx, DUE_AFTER).await?;
    let mut due = Vec::new();
    for model in &models {
        let room = room - i64::try_from(due.len()).unwrap_or(i64::MAX);
        if room > 0 {
            due.extend(store::list_due(&mut tx, &release, model, room, &stretch).await?);
        }
    }
    drop(tx);
    if due.is_empty() && stretch.is_first() && stretch.is_last() {
        return Ok(0);
    }
    let mut tx = state.db.write().await?;
    for version in &due {
        let id = random::id_of();
        store::insert_rerun(&mut tx, &id, version, &release, state.clock.now_ms()).await?;
        let made = Regenerated {
            model: version.model.clone(),
            size: (version.width, version.height),
            steps: version.steps,
            pictures: version.anchors,
        };
        enqueue(&mut tx, &id, Class::Background, None, &made).await?;
    }
    if due.is_empty() {
        stretch.pass(&mut tx).await?;
    }
    tx.commit().await?;
    Ok(due.len())
}

async fn read_count(tx: &mut Tx, setting: &str, release: &str) -> db::Result<Count> {
    let text = db::read_setting(tx, setting).await?;
    let count = text.and_then(|text| serde_json::from_str::<Count>(&text).ok());
    // What was counted of another release says nothing about this one.
    let count = count.filter(|count| count.release == release);
    Ok(count.unwrap_or_else(|| Count {
        release: release.to_owned(),
        ..Count::default()
    }))
}

/// Counts one more stretch.
async fn count_on(state: &Shop, release: &str, models: &[String]) -> db::Result<()> {
    let mut tx = state.db.read().await?;
    let stretch = Stretch::next(&mut tx, COUNTED_AFTER).await?;
    let known = read_count(&mut tx, COUNTED, release).await?;
    let (mut on_sale, mut done) = (0, 0);
    for model in models {
        let counted = store::count_due(&mut tx, release, model, &stretch).await?;
        (on_sale, done) = (on_sale + counted.0, done + counted.1);
    }
    let mut count = match stretch.is_first() {
        true => Count {
            release: release.to_owned(),
            ..Count::default()
        },
        false => read_count(&mut tx, COUNTING, release).await?,
    };
    drop(tx);
    count.on_sale += on_sale;
    count.done += done;
    if stretch.is_first() && stretch.is_last() && count == known {
        return Ok(());
    }
    let setting = if stretch.is_last() { COUNTED } else { COUNTING };
    // Numbers and a name of our own: it always has a text.
    let text = serde_json::to_string(&count).unwrap_or_default();
    let mut tx = state.db.write().await?;
    db::write_setting(&mut tx, setting, &text).await?;
    stretch.pass(&mut tx).await?;
    tx.commit().await
}

/// How many versions are on sale that this engine can make, and how many of them it regenerated here, as the last walk counted.
///
/// # Errors
/// When the database fails.
pub async fn counted(state: &Shop, tx: &mut Tx) -> db::Result<(i64, i64)> {
    let release = release_of(&state.engines.environment());
    let count = read_count(tx, COUNTED, &release).await?;
    Ok((count.on_sale, count.done))
}
