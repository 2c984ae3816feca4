//! The runs of a holding: paged for whoever looks, and let go when there are too many.
//!
//! The one rule: a holding keeps its newest [`KEPT_RUNS`] runs. Values and seeds of what is let go are erased; the files are swept, for no
//! row names them any more.

use super::holding::{Error, Holding, OwnSecret, open_run};
use super::store;
use super::store::{OwnPicture, OwnRun};
use crate::shop::Shop;
use base::db::Tx;

/// So many runs of one holding are kept.
pub const KEPT_RUNS: i64 = 40;
/// Runs of one page.
pub const PAGE: i64 = 6;

/// A run with all that its owner sees of it.
pub struct Shown {
    pub run: OwnRun,
    pub secret: OwnSecret,
    pub pictures: Vec<OwnPicture>,
}

/// A page of runs, and where the next begins.
pub struct Page {
    pub runs: Vec<Shown>,
    pub next: Option<String>,
}

/// A holding's runs, the newest first, behind `after`.
///
/// # Errors
/// When a secret does not open, or the database fails.
pub async fn list(
    shop: &Shop,
    tx: &mut Tx,
    holding: &Holding,
    after: Option<&str>,
) -> Result<Page, Error> {
    let from = after.and_then(|after| after.split_once('_'));
    let from = from.and_then(|(ms, id)| Some((ms.parse::<i64>().ok()?, id)));
    let from = from.filter(|(_, id)| id.len() <= 36);
    let from = from.unwrap_or((i64::MAX, ""));
    let mut found = store::list_runs(tx, &holding.id, from, PAGE + 1).await?;
    let more = found.len() > PAGE as usize;
    found.truncate(PAGE as usize);
    let next = found
        .last()
        .filter(|_| more)
        .map(|run| format!("{}_{}", run.created_ms, run.id));
    let mut runs = Vec::new();
    for run in found {
        runs.push(show(shop, tx, holding, run).await?);
    }
    Ok(Page { runs, next })
}

/// The newest runs with their pictures, for a page that shows no values and opens none.
///
/// # Errors
/// When the database fails.
pub async fn latest(
    tx: &mut Tx,
    holding: &Holding,
    limit: i64,
) -> base::db::Result<Vec<(OwnRun, Vec<OwnPicture>)>> {
    let mut found = Vec::new();
    for run in store::list_runs(tx, &holding.id, (i64::MAX, ""), limit).await? {
        let pictures = store::list_pictures(tx, &run.id).await?;
        found.push((run, pictures));
    }
    Ok(found)
}

/// One run with its values, seeds and pictures.
///
/// # Errors
/// As [`list`].
pub async fn show(
    shop: &Shop,
    tx: &mut Tx,
    holding: &Holding,
    run: OwnRun,
) -> Result<Shown, Error> {
    Ok(Shown {
        secret: open_run(shop, tx, &run, holding.person.as_str()).await?,
        pictures: store::list_pictures(tx, &run.id).await?,
        run,
    })
}

/// Lets the oldest runs go until one more has room. What is under way stays; that is bounded by itself.
pub(super) async fn make_room(shop: &Shop, tx: &mut Tx, holding: &str) -> Result<(), Error> {
    let many = store::count_runs(tx, holding).await? + 1 - KEPT_RUNS;
    if many > 0 {
        for run in store::list_oldest(tx, holding, many).await? {
            erase(shop, tx, &run).await?;
        }
    }
    Ok(())
}

pub(super) async fn erase(shop: &Shop, tx: &mut Tx, run: &OwnRun) -> Result<(), Error> {
    store::delete_run(tx, &run.id).await?;
    shop.vault.erase(tx, &run.secret_id).await?;
    Ok(())
}
