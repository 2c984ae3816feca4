//! Turns: who of several people has the next picture made.
//!
//! The one rule: a turn is counted in sampling steps, by person. Whoever has nothing waiting comes in right behind the next turn,
//! however long the lists of the others are (fair queueing by finish tags); within one's own list the order stays. Nothing that
//! waits is ever passed twice by the same person, so nothing starves.

use super::store;
pub use super::store::Queue;
use crate::db::{self, Tx};
use crate::random;

/// The kinds of jobs that make pictures. Every other kind is quick.
pub const PICTURE_KINDS: [&str; 5] = [
    "studio-generate",
    "studio-certify",
    "library-reproduce",
    "own-make",
    "trial-make",
];

impl Queue {
    /// The queue of kinds that one worker takes.
    #[must_use]
    pub fn of(kinds: &[&str]) -> Self {
        if kinds.iter().any(|kind| PICTURE_KINDS.contains(kind)) {
            Self::Pictures
        } else {
            Self::Quick
        }
    }

    /// The name in the table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Pictures => "pictures",
        }
    }
}

/// What goes before what, whoever waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// An owner's re-run, a certification: money hangs on them.
    Owed,
    /// Pictures that owners make with their own values: they paid for them.
    Owner,
    /// Pictures of the studio.
    Studio,
    /// Pictures that visitors try.
    Trial,
    /// Re-runs for a new release, which nobody waits for.
    Background,
}

impl Class {
    fn number(self) -> i64 {
        match self {
            Self::Owed => 0,
            Self::Owner => 1,
            Self::Studio => 2,
            Self::Trial => 3,
            Self::Background => 4,
        }
    }
}

/// Work that makes pictures.
pub struct PictureJob<'a> {
    /// What to do.
    pub kind: &'static str,
    /// Enqueueing twice is one job.
    pub unique_key: &'a str,
    /// With what.
    pub payload: &'a str,
    /// What it goes before.
    pub class: Class,
    /// Whose turn it takes.
    pub share: Option<&'a str>,
    /// Sampling steps of all its pictures.
    pub steps: i64,
}

/// Enqueues a job that makes pictures; a waiting or running one with the same key is left as it is.
///
/// # Errors
/// When the database fails.
pub async fn enqueue(tx: &mut Tx, job: &PictureJob<'_>) -> db::Result<()> {
    let class = job.class.number();
    let served = store::least_turn(tx, class).await?;
    let own = match job.share {
        Some(share) => store::last_turn(tx, share, class).await?,
        None => None,
    };
    let steps = job.steps.max(1);
    let turn = served.unwrap_or(0).max(own.unwrap_or(0)) + steps;
    let place = store::Place {
        queue: Queue::Pictures.name(),
        class,
        turn,
        cost: steps,
        share: job.share,
    };
    let now = random::real_now_ms();
    let (id, kind) = (random::id(), job.kind);
    store::insert(tx, &id, kind, job.unique_key, job.payload, now, now, &place).await
}

/// How many of a person's jobs of a class are waiting or running.
///
/// # Errors
/// When the database fails.
pub async fn count_open(tx: &mut Tx, share: &str, class: Class) -> db::Result<i64> {
    store::count_share(tx, share, class.number()).await
}

/// Takes a job back that no worker has begun; `false` when one has, or there is none.
///
/// # Errors
/// When the database fails.
pub async fn cancel(tx: &mut Tx, unique_key: &str) -> db::Result<bool> {
    store::cancel(tx, unique_key, random::real_now_ms()).await
}

/// What stands before a waiting job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Ahead {
    /// Sampling steps that are made before it or beside it; no more than the first thousands of jobs are counted.
    pub steps: i64,
    /// Its own.
    pub own_steps: i64,
}

/// What stands before a job, or `None` when it does not wait.
///
/// # Errors
/// When the database fails.
pub async fn ahead(tx: &mut Tx, unique_key: &str) -> db::Result<Option<Ahead>> {
    let Some((class, turn, own_steps)) = store::find_place(tx, unique_key).await? else {
        return Ok(None);
    };
    let steps = store::steps_ahead(tx, class, turn).await?;
    Ok(Some(Ahead { steps, own_steps }))
}
