//! Machines that make pictures: which are there, and which models they hold.
//!
//! The one rule: a machine says so itself, again and again; one that is not heard any more is not there. What it held keeps its name.

use super::store;
pub use super::store::KnownModel;
use crate::db::{self, Db, Tx};
use crate::random;
use std::time::Duration;
use tokio::sync::watch;

/// So often a machine says that it is there.
const BEAT: Duration = Duration::from_secs(10);
/// One that was not heard for so long is not there: three beats, so that one that is late ends no sale.
pub const GONE_MS: i64 = 30_000;
/// Its row is kept for so long.
const KEPT_MS: i64 = crate::clock::DAY_MS;

/// A machine: how much it makes at once, and of which models, each with its digest and its name.
#[derive(Clone, Debug)]
pub struct Worker {
    pub id: String,
    pub engines: usize,
    pub models: Vec<(String, String)>,
}

/// Says that a machine is there, and what it holds.
///
/// # Errors
/// When the database fails.
pub async fn beat(db: &Db, worker: &Worker, now_ms: i64) -> db::Result<()> {
    let mut tx = db.write().await?;
    let engines = i64::try_from(worker.engines).unwrap_or(1);
    store::beat(&mut tx, &worker.id, engines, now_ms).await?;
    for (model, name) in &worker.models {
        store::hold(&mut tx, &worker.id, model, name, now_ms).await?;
    }
    store::forget_workers(&mut tx, now_ms - KEPT_MS).await?;
    tx.commit().await
}

/// Says that a machine goes.
///
/// # Errors
/// When the database fails.
pub async fn leave(db: &Db, worker: &Worker) -> db::Result<()> {
    let mut tx = db.write().await?;
    store::leave(&mut tx, &worker.id).await?;
    tx.commit().await
}

/// Says so until `stop` is set, and then that it goes.
pub async fn stay(db: Db, worker: Worker, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        if let Err(error) = beat(&db, &worker, random::real_now_ms()).await {
            tracing::warn!(error = %error, "cannot say which models are here");
        }
        tokio::select! {
            () = tokio::time::sleep(BEAT) => {}
            _ = stop.changed() => {}
        }
    }
    if let Err(error) = leave(&db, &worker).await {
        tracing::warn!(error = %error, "cannot say that the models of this process go");
    }
}

/// How many pictures machines that hold a model make at once; none when none is there.
///
/// # Errors
/// When the database fails.
pub async fn count_engines(tx: &mut Tx, model: &str, now_ms: i64) -> db::Result<i64> {
    store::count_engines(tx, model, now_ms - GONE_MS).await
}

/// Every model that a machine holds.
///
/// # Errors
/// When the database fails.
pub async fn list_held(tx: &mut Tx, now_ms: i64) -> db::Result<Vec<String>> {
    store::list_held(tx, now_ms - GONE_MS).await
}

pub(super) async fn list_beside(tx: &mut Tx, model: &str, now_ms: i64) -> db::Result<Vec<String>> {
    store::list_beside(tx, model, now_ms - GONE_MS).await
}

/// Every model that a machine held or a sealed recipe names.
///
/// # Errors
/// When the database fails.
pub async fn list_models(tx: &mut Tx, now_ms: i64) -> db::Result<Vec<KnownModel>> {
    store::list_models(tx, now_ms - GONE_MS).await
}

/// One of them.
///
/// # Errors
/// When the database fails.
pub async fn find_model(tx: &mut Tx, model: &str, now_ms: i64) -> db::Result<Option<KnownModel>> {
    store::find_model(tx, model, now_ms - GONE_MS).await
}

/// Remembers a model that a sealed recipe names, whoever holds it.
///
/// # Errors
/// When the database fails.
pub async fn note_model(tx: &mut Tx, model: &str) -> db::Result<()> {
    store::note_model(tx, model).await
}
