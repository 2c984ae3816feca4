//! What happened in the shop, told to whoever subscribed.
//!
//! The one rule: a fact is told in the transaction that makes it true, and heard after its commit, at least once and in no promised order.
//! Who tells knows nobody who hears; who hears reads how things stand now, so that hearing twice changes nothing more.

use base::db::{self, Tx};
use base::{jobs, random};
use schema::id::{LineId, ListingId, VersionId};
use serde::{Deserialize, Serialize};

/// The job that brings a fact to its subscribers.
pub const TELL: &str = "fact";

/// What happened. Subjects are named by their ids alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fact {
    /// A version went on sale.
    ListingLive {
        listing: ListingId,
        version: VersionId,
    },
    /// A listing is not for sale any more: withdrawn for cause, or because we could not reproduce it.
    ListingWithdrawn { listing: ListingId },
    /// A line was paid for and handed over.
    Sold { listing: ListingId, line: LineId },
    /// A line went back whole.
    Refunded { listing: ListingId, line: LineId },
    /// A refund was refused, and whoever bought the line owns it again.
    Restored { listing: ListingId, line: LineId },
    /// A bank took a line's money back for good.
    Lost { listing: ListingId, line: LineId },
    /// A creator is paid; the decision has the transfers.
    PaidOut { payee: String, decision: String },
    /// A creator's key signs nothing new.
    KeyEnded { key_hash: String },
    /// An owner published how a regeneration ended, about this sealed leaf.
    Attested { leaf: String },
    /// A regeneration ended; `exact` when every pixel was equal.
    RunFinished {
        run: String,
        version: VersionId,
        exact: bool,
    },
}

/// Tells a fact in the caller's transaction.
///
/// # Errors
/// When the database fails.
pub async fn tell(tx: &mut Tx, fact: &Fact) -> db::Result<()> {
    // Names and ids: it can always be written.
    let text = serde_json::to_string(fact).unwrap_or_default();
    jobs::enqueue(tx, TELL, &format!("{TELL}:{}", random::id()), &text).await
}

/// The fact of a job.
///
/// # Errors
/// For what a later release tells.
pub fn read(payload: &str) -> Result<Fact, serde_json::Error> {
    serde_json::from_str(payload)
}

#[cfg(test)]
mod tests {
    use super::{Fact, TELL, read, tell};
    use base::jobs;
    use base::testing::databases;

    #[tokio::test]
    async fn a_fact_is_told_with_the_commit_and_never_without_it() {
        for test in databases().await {
            let fact = Fact::KeyEnded {
                key_hash: "k".into(),
            };
            let mut tx = test.db.write().await.expect("a transaction");
            tell(&mut tx, &fact).await.expect("told");
            drop(tx);
            let told = async || jobs::claim(&test.db, "w", &[TELL], i64::MAX / 2).await;
            assert!(told().await.expect("none").is_none(), "{}", test.name);
            for _ in 0..2 {
                let mut tx = test.db.write().await.expect("a transaction");
                tell(&mut tx, &fact).await.expect("told");
                tx.commit().await.expect("a commit");
            }
            for _ in 0..2 {
                let job = told()
                    .await
                    .expect("an answer")
                    .expect("twice is two facts");
                assert_eq!(read(&job.payload).expect("a fact"), fact, "{}", test.name);
            }
        }
    }
}
