//! When a certified version becomes public, or its creator reads that it is refused.
//!
//! The one rule: "in review" is one state. Whatever a version waits for, chance or a person, its creator reads the same, and the end
//! comes at a moment that was drawn by chance when it was submitted, not at the moment of a decision.

use super::store::{self, Standing};
use crate::catalog::versions;
use crate::shop::Waits;
use base::clock::DAY_MS;
use base::db::{self, Db, Tx};
use base::random;
use schema::id::VersionId;
use schema::recipe::Recipe;
use schema::template::Variable;

/// An account is known here once it is so old …
const KNOWN_ACCOUNT_MS: i64 = 14 * DAY_MS;
/// … and has had something on sale for so long …
const KNOWN_SALE_MS: i64 = 7 * DAY_MS;
/// … and nothing of it was found too like somebody else's for so long.
const CLEAN_MS: i64 = 90 * DAY_MS;
/// The most guesses that one recipe for sale may hold.
pub const MAX_CANDIDATES: usize = 256;
/// Settled in one turn.
const BATCH: i64 = 100;

/// How many guesses of somebody else's recipe a submission could test: every picture is one, and every item of every choice.
#[must_use]
pub fn candidates(recipe: &Recipe) -> usize {
    let choices = recipe.variables.values().map(|variable| match variable {
        Variable::Choice { choices, .. } => choices.len(),
        Variable::Text { .. } | Variable::Number { .. } => 0,
    });
    recipe.anchors.len() + choices.sum::<usize>()
}

impl Standing {
    /// Whether what they publish goes on sale without a wait.
    #[must_use]
    pub(super) fn is_known(&self, now_ms: i64) -> bool {
        self.proven_ms.is_some()
            && self.created_ms <= now_ms - KNOWN_ACCOUNT_MS
            && self
                .on_sale_ms
                .is_some_and(|since_ms| since_ms <= now_ms - KNOWN_SALE_MS)
            && self
                .alike_ms
                .is_none_or(|last_ms| last_ms <= now_ms - CLEAN_MS)
    }
}

/// Notes a version's submission and draws its wait, in the transaction that publishes it.
///
/// # Errors
/// When the database fails.
pub async fn submit(
    tx: &mut Tx,
    version: &VersionId,
    person: &str,
    waits: Waits,
    now_ms: i64,
) -> db::Result<()> {
    let known = store::get_standing(tx, person).await?.is_known(now_ms);
    let waits = if known { Waits::NONE } else { waits };
    store::insert_publication(tx, version, now_ms, waits.draw(random::bytes())).await
}

/// Lets a version go on sale when its wait is over; now, when it is over already.
///
/// # Errors
/// When the database fails.
pub async fn pass(tx: &mut Tx, version: &VersionId, now_ms: i64) -> db::Result<()> {
    end(tx, version, None, now_ms).await
}

/// Ends what was decided about a version: at the moment that was drawn, or, when that is over, as long after the decision.
///
/// # Errors
/// When the database fails.
pub async fn end(
    tx: &mut Tx,
    version: &VersionId,
    refusal: Option<&str>,
    now_ms: i64,
) -> db::Result<()> {
    let due_ms = store::decide_publication(tx, version, refusal, now_ms).await?;
    if due_ms.is_some_and(|due_ms| due_ms <= now_ms) {
        settle(tx, version, now_ms).await?;
    }
    Ok(())
}

/// Makes the end of a version's review public, once.
async fn settle(tx: &mut Tx, version: &VersionId, now_ms: i64) -> db::Result<()> {
    match store::settle_publication(tx, version, now_ms).await? {
        None => Ok(()),
        Some(Some(why)) => versions::refuse_version(tx, version, &why).await,
        Some(None) => versions::release_version(tx, version).await,
    }
}

/// Settles what is due; returns how many.
///
/// # Errors
/// When the database fails.
pub async fn settle_due(db: &Db, now_ms: i64) -> db::Result<usize> {
    let due = store::list_due_publications(&mut db.read().await?, now_ms, BATCH).await?;
    for version in &due {
        let mut tx = db.write().await?;
        settle(&mut tx, version, now_ms).await?;
        tx.commit().await?;
    }
    Ok(due.len())
}

/// Whether a certified version waits: what it waits for is nobody's business but the operator's.
///
/// # Errors
/// When the database fails.
pub async fn is_waiting(tx: &mut Tx, version: &VersionId) -> db::Result<bool> {
    store::is_waiting(tx, version).await
}

/// When a decided version's end becomes public, for the operator who decided.
///
/// # Errors
/// When the database fails.
pub async fn find_due_ms(tx: &mut Tx, version: &VersionId) -> db::Result<Option<i64>> {
    store::find_due_ms(tx, version).await
}
