//! Turns: who of several people has the next picture made.
//!
//! The one rule: a turn is counted in milliseconds of an engine's time, by person. Whoever has nothing waiting comes in right behind the next turn,
//! however long the lists of the others are (fair queueing by finish tags); within one's own list the order stays. Nothing that
//! waits is ever passed twice by the same person, so nothing starves. What waits for a model that no machine holds stands aside: it is
//! neither claimed nor counted.

pub use super::store::Queue;
use super::{Job, store, workers};
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
    /// What all its pictures take of an engine's time, in milliseconds, as far as that was measured.
    pub cost_ms: i64,
    /// The model that they are made with, by its digest; empty where every machine can do it.
    pub model: &'a str,
}

/// Enqueues a job that makes pictures; a waiting or running one with the same key is left as it is.
///
/// # Errors
/// When the database fails.
pub async fn enqueue(tx: &mut Tx, job: &PictureJob<'_>) -> db::Result<()> {
    let class = job.class.number();
    let now = random::real_now_ms();
    let served = served(tx, class, now).await?;
    let own = match job.share {
        Some(share) => store::last_turn(tx, share, class).await?,
        None => None,
    };
    let cost = job.cost_ms.max(1);
    let turn = served.unwrap_or(0).max(own.unwrap_or(0)) + cost;
    let place = store::Place {
        queue: Queue::Pictures.name(),
        class,
        turn,
        cost,
        share: job.share,
        model: job.model,
    };
    let (id, kind) = (random::id(), job.kind);
    store::insert(tx, &id, kind, job.unique_key, job.payload, now, now, &place).await
}

/// Whose turn it is: the least of what can be made now. What waits for an absent model does not hold the time back for the others.
async fn served(tx: &mut Tx, class: i64, now_ms: i64) -> db::Result<Option<i64>> {
    let held = workers::list_held(tx, now_ms).await?;
    if held.is_empty() {
        return store::least_turn(tx, class).await;
    }
    let mut least = store::least_turn_of(tx, "", class).await?;
    for model in held {
        let found = store::least_turn_of(tx, &model, class).await?;
        least = [least, found].into_iter().flatten().min();
    }
    Ok(least)
}

/// How many of a person's jobs of a class are waiting or running.
///
/// # Errors
/// When the database fails.
pub async fn count_open(tx: &mut Tx, share: &str, class: Class) -> db::Result<i64> {
    store::count_share(tx, share, class.number()).await
}

/// Takes a job back, begun or not: whoever makes it stops between two steps. `false` when there is none.
///
/// Whoever changes rows of their own in the same transaction does that first, as workers do: two that took them in two orders would wait
/// for each other.
///
/// # Errors
/// When the database fails.
pub async fn cancel(tx: &mut Tx, unique_key: &str) -> db::Result<bool> {
    store::cancel(tx, unique_key, random::real_now_ms()).await
}

/// How a job stands that is not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The model that it needs; empty for none.
    pub model: String,
    /// Whether a worker has begun it.
    pub begun: bool,
    /// When that worker expects to be done, real time.
    pub eta_ms: Option<i64>,
    /// Its own milliseconds.
    pub cost_ms: i64,
    class: i64,
    turn: i64,
}

/// How a job stands, or `None` when it is over or never was.
///
/// # Errors
/// When the database fails.
pub async fn standing(tx: &mut Tx, unique_key: &str) -> db::Result<Option<Standing>> {
    let found = store::find_standing(tx, unique_key).await?;
    let now = random::real_now_ms();
    Ok(found.map(|row| Standing {
        model: row.model,
        begun: row.lease_until_ms.is_some_and(|until| until >= now),
        eta_ms: row.eta_ms,
        cost_ms: row.cost,
        class: row.class,
        turn: row.turn,
    }))
}

/// Milliseconds of work that machines which hold a job's model do before it, no more than the first thousands of jobs of each model
/// counted, and how many engines they have.
///
/// # Errors
/// When the database fails.
pub async fn ahead(tx: &mut Tx, job: &Standing, now_ms: i64) -> db::Result<(i64, i64)> {
    let mut models = workers::list_beside(tx, &job.model, now_ms).await?;
    for own in [String::new(), job.model.clone()] {
        if !models.contains(&own) {
            models.push(own);
        }
    }
    let mut before = 0;
    for model in &models {
        before += store::cost_ahead(tx, model, job.class, job.turn).await?;
    }
    Ok((
        before,
        workers::count_engines(tx, &job.model, now_ms).await?,
    ))
}

/// Notes when a job that is made is expected to be done. Changes nothing when the lease was lost.
///
/// # Errors
/// When the database fails.
pub async fn note_eta(tx: &mut Tx, job: &Job, eta_ms: Option<i64>) -> db::Result<()> {
    store::set_eta(tx, job, eta_ms).await
}

/// How many jobs of a model are open; counted to ten thousand.
///
/// # Errors
/// When the database fails.
pub async fn count_of_model(tx: &mut Tx, model: &str) -> db::Result<i64> {
    store::count_of_model(tx, model).await
}

/// Some jobs that waited for so long, since they were asked for, for a model that no machine held meanwhile.
///
/// # Errors
/// When the database fails.
pub async fn list_stranded(tx: &mut Tx, waited_ms: i64, now_ms: i64) -> db::Result<Vec<Job>> {
    let (mut stranded, mut after) = (Vec::new(), String::new());
    loop {
        let asked = store::list_models_asked(tx, &after).await?;
        let Some(last) = asked.last().cloned() else {
            return Ok(stranded);
        };
        for model in asked {
            let known = workers::find_model(tx, &model, now_ms).await?;
            let is_away =
                known.is_none_or(|known| known.workers == 0 && known.held_ms <= now_ms - waited_ms);
            if is_away {
                let asked_ms = now_ms - waited_ms;
                stranded.extend(store::list_stranded(tx, &model, asked_ms, now_ms).await?);
            }
        }
        after = last;
    }
}

/// Ends a job that nobody has begun; `false` when somebody has meanwhile.
///
/// # Errors
/// When the database fails.
pub async fn end(tx: &mut Tx, job: &Job) -> db::Result<bool> {
    store::end(tx, &job.id, random::real_now_ms()).await
}
