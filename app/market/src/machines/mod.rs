//! The machines that make pictures: which models they hold, how long a picture takes there, and how one stands that is under way.
//!
//! The one rule: what waits says what it waits for, and what is told of time was measured.

pub mod pace;
mod store;
#[cfg(test)]
mod tests;

pub use pace::{Course, Pace};
#[cfg(any(test, feature = "testing"))]
pub use store::ALL as STATEMENTS;

use base::db::{self, Tx};
use base::jobs::turns;
use base::jobs::workers::{self, KnownModel};
use base::random;
use std::sync::Arc;

/// Whoever waits for a model that stays away for so long is told that nothing comes of it. Long enough for a machine that is mended after a
/// weekend, and short enough that nobody finds something among their pictures that they forgot.
pub const AWAY_MS: i64 = 3 * base::clock::DAY_MS;

/// The models that this process itself makes pictures with. They are known to be here also while the database is too slow to be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Here(Arc<[String]>);

impl Here {
    /// Models by their digests.
    #[must_use]
    pub fn new(models: impl IntoIterator<Item = String>) -> Self {
        Self(models.into_iter().collect())
    }

    /// Whether one of them is this.
    #[must_use]
    pub fn holds(&self, model: &str) -> bool {
        self.0.iter().any(|here| here == model)
    }

    /// All of them.
    #[must_use]
    pub fn models(&self) -> Arc<[String]> {
        self.0.clone()
    }
}

/// Whether some machine makes pictures with a model now.
///
/// # Errors
/// When the database fails.
pub async fn is_held(tx: &mut Tx, here: &Here, model: &str) -> db::Result<bool> {
    if model.is_empty() || here.holds(model) {
        return Ok(true);
    }
    Ok(workers::count_engines(tx, model, random::real_now_ms()).await? > 0)
}

/// The name of a model that no machine holds now; `None` where one does.
///
/// # Errors
/// When the database fails.
pub async fn find_absent(tx: &mut Tx, here: &Here, model: &str) -> db::Result<Option<String>> {
    match is_held(tx, here, model).await? {
        true => Ok(None),
        false => name_of(tx, model).await.map(Some),
    }
}

/// What people call a model; one of which nobody ever said that is called by the beginning of its digest.
async fn name_of(tx: &mut Tx, model: &str) -> db::Result<String> {
    let known = workers::find_model(tx, model, random::real_now_ms()).await?;
    Ok(known.map_or_else(|| short(model), |known| title(&known)))
}

fn short(model: &str) -> String {
    model.chars().take(19).chain(['…']).collect()
}

/// A model's name for people.
#[must_use]
pub fn title(known: &KnownModel) -> String {
    match known.name.is_empty() {
        true => short(&known.digest),
        false => known.name.clone(),
    }
}

/// How work stands that is not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stands {
    /// It waits for a machine that has a model, by its name.
    Away { model: String },
    /// It waits its turn, and is done in so many seconds as far as that was measured.
    Waits { about_s: Option<i64> },
    /// It is made, and done in so many seconds.
    Made { left_s: Option<i64> },
}

/// How a job stands, or `None` when it is over. `engines` work for a model where no machine said how many it has.
///
/// # Errors
/// When the database fails.
pub async fn stands(
    tx: &mut Tx,
    here: &Here,
    engines: usize,
    job: &str,
) -> db::Result<Option<Stands>> {
    let Some(standing) = turns::standing(tx, job).await? else {
        return Ok(None);
    };
    let now = random::real_now_ms();
    if standing.begun {
        let left = standing.eta_ms.map(|eta| (eta - now).max(0));
        return Ok(Some(Stands::Made {
            left_s: left.map(|left| left.div_euclid(1000) + i64::from(left % 1000 > 0)),
        }));
    }
    if let Some(model) = find_absent(tx, here, &standing.model).await? {
        return Ok(Some(Stands::Away { model }));
    }
    // A guess is no measurement.
    if !store::is_measured(tx, &standing.model).await? {
        return Ok(Some(Stands::Waits { about_s: None }));
    }
    let (before, found) = turns::ahead(tx, &standing, now).await?;
    let engines = match found {
        0 => i64::try_from(engines).unwrap_or(1).max(1),
        found => found,
    };
    let about_s = wait_s(before, engines, standing.cost_ms);
    Ok(Some(Stands::Waits {
        about_s: Some(about_s),
    }))
}

/// What stands before it is shared by the engines, its own is made by one.
fn wait_s(before_ms: i64, engines: i64, own_ms: i64) -> i64 {
    ((before_ms / engines).saturating_add(own_ms) / 1000).max(1)
}

/// A model that was held or is needed, as an operator sees it.
#[derive(Clone, Debug)]
pub struct ModelLine {
    pub known: KnownModel,
    /// Listings on sale that need it; counted to a thousand.
    pub listings: i64,
    /// Work that waits for it or is being done; counted to ten thousand.
    pub open: i64,
}

impl ModelLine {
    /// Whether something needs it and nobody has it.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.known.workers == 0 && self.listings + self.open > 0
    }
}

/// Every model that is known, and who needs it.
///
/// # Errors
/// When the database fails.
pub async fn list_models(tx: &mut Tx) -> db::Result<Vec<ModelLine>> {
    let mut lines = Vec::new();
    for known in workers::list_models(tx, random::real_now_ms()).await? {
        lines.push(ModelLine {
            listings: store::count_listings(tx, &known.digest).await?,
            open: turns::count_of_model(tx, &known.digest).await?,
            known,
        });
    }
    lines.sort_by_cached_key(|line| title(&line.known));
    Ok(lines)
}

/// Names of models that listings on sale need and no machine holds.
///
/// # Errors
/// When the database fails.
pub async fn list_missing(tx: &mut Tx, here: &Here) -> db::Result<Vec<String>> {
    let mut missing = Vec::new();
    for known in workers::list_models(tx, random::real_now_ms()).await? {
        let is_away = known.workers == 0 && !here.holds(&known.digest);
        if is_away && store::count_listings(tx, &known.digest).await? > 0 {
            missing.push(title(&known));
        }
    }
    Ok(missing)
}

#[cfg(test)]
mod waits {
    use super::wait_s;

    #[test]
    fn a_wait_is_what_stands_before_shared_by_the_engines_and_its_own() {
        assert_eq!(wait_s(40_000, 2, 10_000), 30);
        assert_eq!(wait_s(0, 1, 10), 1);
    }
}
