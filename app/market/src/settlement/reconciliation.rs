//! Our books beside the provider's.
//!
//! The one rule: two books that are read one after the other differ by what moved meanwhile. Only a difference that stands when it is
//! looked at again is one.

use base::db::{self, Tx};
use money::Error;
use money::books::service::{self as books, AccountKind};
use money::provider::{Provider, inbox, outbound};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long is waited before each further look: events of what was just paid come within seconds.
pub const PAUSES: [Duration; 5] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];
/// So many looks more while something is on its way.
const MORE_LOOKS: usize = 8;

/// A difference between our books and the provider's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The provider's object, or one of our accounts.
    pub object: String,
    pub ours_minor: i64,
    pub theirs_minor: i64,
}

/// How our books and the provider's compare.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciliation {
    pub ours_minor: i64,
    pub theirs_minor: i64,
    /// What the provider's balance holds beyond its own movements.
    #[serde(default)]
    pub unlisted_minor: i64,
    /// Objects of the provider that both sides know, and agree on.
    pub agreed: usize,
    pub differences: Vec<Difference>,
}

/// Looks once: every movement of the platform's balance at the provider against what is booked for its object, both ways, and the
/// provider's balance against its own movements. What is on its way differs until it is read.
///
/// # Errors
/// When the provider does not answer or the database fails.
pub async fn reconcile(db: &db::Db, provider: &dyn Provider) -> Result<Reconciliation, Error> {
    let before = provider.balance().await?.total_minor();
    let mut theirs: BTreeMap<String, i64> = BTreeMap::new();
    for transaction in provider.transactions(0).await? {
        *theirs.entry(transaction.source).or_default() += transaction.net_minor;
    }
    let after = provider.balance().await?.total_minor();
    let listed: i64 = theirs.values().sum();
    let mut tx = db.read().await?;
    let owner = provider.name();
    let mut report = Reconciliation {
        ours_minor: books::balance(&mut tx, AccountKind::ProcessorPending, owner).await?
            + books::balance(&mut tx, AccountKind::ProcessorAvailable, owner).await?,
        theirs_minor: after,
        unlisted_minor: listed.clamp(before.min(after), before.max(after)) - listed,
        ..Reconciliation::default()
    };
    let ours: BTreeMap<String, i64> = books::processor_sums(&mut tx, owner)
        .await?
        .into_iter()
        .collect();
    let mut objects: Vec<&String> = theirs.keys().chain(ours.keys()).collect();
    objects.sort();
    objects.dedup();
    for object in objects {
        let (our, their) = (
            ours.get(object).copied().unwrap_or(0),
            theirs.get(object).copied().unwrap_or(0),
        );
        if our == their {
            report.agreed += 1;
        } else {
            report.differences.push(Difference {
                object: object.clone(),
                ours_minor: our,
                theirs_minor: their,
            });
        }
    }
    Ok(report)
}

/// Looks until both agree, or only what stands is left: the same difference at each look, after these pauses, and a while longer when
/// something is on its way.
///
/// # Errors
/// When the provider does not answer or the database fails.
pub async fn reconcile_settled(
    db: &db::Db,
    provider: &dyn Provider,
    pauses: &[Duration],
) -> Result<Reconciliation, Error> {
    let mut report = reconcile(db, provider).await?;
    for look in 0..pauses.len() + MORE_LOOKS {
        if report.verdict().is_ok() {
            break;
        }
        if look >= pauses.len() && !is_behind(&mut db.read().await?).await? {
            break;
        }
        let pause = pauses.get(look).or(pauses.last()).copied();
        tokio::time::sleep(pause.unwrap_or_default()).await;
        report = reconcile(db, provider).await?.standing_since(&report);
    }
    Ok(report)
}

/// Whether something is on its way: told to us and not read yet, or sent by us without an answer. What was given up to a person's eyes is
/// not.
async fn is_behind(tx: &mut Tx) -> db::Result<bool> {
    Ok(inbox::has_unread(tx).await? || outbound::has_sent(tx).await?)
}

impl Reconciliation {
    /// What differed before, and differs in the same way now.
    #[must_use]
    fn standing_since(mut self, before: &Self) -> Self {
        self.differences
            .retain(|difference| before.differences.contains(difference));
        if before.unlisted_minor == 0 {
            self.unlisted_minor = 0;
        }
        self
    }

    /// `Ok`, or the first difference in words.
    ///
    /// # Errors
    /// The text names the first difference.
    pub fn verdict(&self) -> Result<usize, String> {
        if let Some(first) = self.differences.first() {
            return Err(format!(
                "{} differs: the books say {}, the provider {}",
                first.object, first.ours_minor, first.theirs_minor
            ));
        }
        if self.unlisted_minor != 0 {
            return Err(format!(
                "the provider's balance is {} more than its own movements explain",
                self.unlisted_minor
            ));
        }
        Ok(self.agreed)
    }
}

#[cfg(test)]
mod tests {
    use super::{Difference, Reconciliation};

    fn look(differences: &[(&str, i64)], unlisted_minor: i64) -> Reconciliation {
        Reconciliation {
            unlisted_minor,
            differences: differences
                .iter()
                .map(|(object, theirs_minor)| Difference {
                    object: (*object).into(),
                    ours_minor: 0,
                    theirs_minor: *theirs_minor,
                })
                .collect(),
            ..Reconciliation::default()
        }
    }

    #[test]
    fn only_what_differs_in_the_same_way_at_each_look_stands() {
        let first = look(&[("a", 310), ("b", 20), ("c", 5)], 7);
        let second = look(&[("b", 20), ("c", 6), ("d", 310)], -3).standing_since(&first);
        assert_eq!(second.differences, look(&[("b", 20)], 0).differences);
        assert_eq!(second.unlisted_minor, -3);
        assert!(second.verdict().is_err());
        let third = look(&[("d", 310)], 0).standing_since(&second);
        assert_eq!(third.verdict(), Ok(0));
        let drift = look(&[], 7).standing_since(&look(&[], 0));
        assert_eq!(drift.verdict(), Ok(0));
    }
}
