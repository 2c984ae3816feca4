//! Statements by owners, for and against, and how they are counted.
//!
//! The one rule: every owner has one voice for each environment, the newest; a failure is taken and shown like a success.

use crate::catalog::service as catalog;
use crate::log::intake::Intake;
use crate::log::service::{self, Error, LeafRow, PublicLog, StatementRow};
use crate::orders;
use base::db::{Db, Tx};
use base::limits;
use base::random;
use schema::attestation::{Attestation, Opened};
use schema::id::LineId;
use schema::leaf::LeafKind;
use schema::statement::{
    Envelope, ListingStatement, Outcome, Predicate as _, ReproductionStatement,
};
use std::collections::BTreeMap;

/// Why an owner's statement is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It does not hold, or says what cannot be.
    #[error("{0}")]
    Wrong(String),
    /// Whoever sent it owns no such recipe, or was refunded.
    #[error("this licence does not stand for a recipe that is owned here")]
    NotAnOwner,
    /// Too many statements for one order line.
    #[error("too many statements; come again in an hour")]
    TooMany,
    /// The log.
    #[error(transparent)]
    Log(#[from] Error),
}

impl From<base::db::Error> for Refusal {
    fn from(error: base::db::Error) -> Self {
        Self::Log(error.into())
    }
}

impl From<schema::Error> for Refusal {
    fn from(error: schema::Error) -> Self {
        Self::Wrong(error.to_string())
    }
}

/// Checks an owner's statement, publishes it, and returns its place in the log.
///
/// # Errors
/// A [`Refusal`] that can be shown to whoever sent it.
pub async fn attest(
    db: &Db,
    log: &PublicLog,
    intake: &Intake,
    bytes: &[u8],
) -> Result<LeafRow, Refusal> {
    let sent = Attestation::parse(bytes)?;
    let opened = sent.open(&log.origin)?;
    // Anybody may send anything: what is refused takes no writer's turn.
    let mut tx = db.read().await?;
    if crate::log::keys::has_ended(&mut tx, &sent.key.hash().hex()).await? {
        return Err(Refusal::Wrong(
            "this key has ended and signs nothing new".into(),
        ));
    }
    check_owner(&mut tx, log, &opened).await?;
    check_claim(&mut tx, &opened).await?;
    drop(tx);
    let mut tx = db.write().await?;
    let line = opened.licence.order_line.clone();
    let allowed = limits::allow(&mut tx, limits::ATTEST, &line).await?;
    tx.commit().await?;
    if !allowed {
        return Err(Refusal::TooMany);
    }
    let statement = StatementRow {
        leaf_hash: opened.leaf.hash().hex(),
        about_leaf_hash: opened.statement.leaf.hex(),
        predicate: ReproductionStatement::TYPE.into(),
        envelope: serde_json::to_string(&sent.statement).unwrap_or_default(),
        public_key: sent.key.to_string(),
        outcome: Some(opened.statement.outcome.name().into()),
        environment: Some(service::environment_text(&opened.statement.environment)),
        attester: Some(line),
        created_ms: random::real_now_ms(),
    };
    Ok(intake
        .submit(&log.origin, opened.leaf, sent.key, Some(statement))
        .await?)
}

/// The licence must be one that we signed into the log, for a line that was not given back unread.
async fn check_owner(tx: &mut Tx, log: &PublicLog, opened: &Opened) -> Result<(), Refusal> {
    let platform = log.platform_key().hash().hex();
    let licence = service::find_leaf_of_fact(
        tx,
        &log.origin,
        LeafKind::Licence as i64,
        &opened.licence_digest.hex(),
        &platform,
    )
    .await?;
    if licence.is_none() {
        return Err(Refusal::NotAnOwner);
    }
    let line = LineId::parse(&opened.licence.order_line).map_err(|_| Refusal::NotAnOwner)?;
    match orders::get_line(tx, &line).await {
        // Whoever got the money back because it does not reproduce may say so; others gave the recipe back unread.
        Ok(line)
            if line.state != orders::LineState::Refunded
                || line.refund_reason.as_deref() == Some(orders::DOES_NOT_REPRODUCE) =>
        {
            Ok(())
        }
        Ok(_) => Err(Refusal::NotAnOwner),
        Err(error) if error.is_missing() => Err(Refusal::NotAnOwner),
        Err(error) => Err(error.into()),
    }
}

/// An outcome must fit the digests beside it: exact if and only if all of them are the sealed ones.
async fn check_claim(tx: &mut Tx, opened: &Opened) -> Result<(), Refusal> {
    let listing = catalog::find_by_leaf(tx, &opened.statement.leaf.hex())
        .await?
        .ok_or(Refusal::NotAnOwner)?;
    let envelope: Envelope = serde_json::from_str(&listing.listing_statement)
        .map_err(|error| Refusal::Wrong(error.to_string()))?;
    let key = schema::key::PublicKey::parse(&listing.creator_key)?;
    let (sealed, _) = envelope.open::<ListingStatement>(&key)?;
    let found = &opened.statement.found;
    let same = sealed
        .anchors
        .iter()
        .map(|anchor| anchor.pixels)
        .eq(found.iter().copied());
    let fits = match opened.statement.outcome {
        Outcome::Exact => same,
        // A picture that could not be made has no digest.
        Outcome::Near | Outcome::Different => !same && found.len() <= sealed.anchors.len(),
    };
    if fits {
        Ok(())
    } else {
        Err(Refusal::Wrong(
            "the outcome does not fit the digests that were found".into(),
        ))
    }
}

/// How often a recipe was reproduced in one environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Attesters whose newest statement says exact.
    pub exact: i64,
    /// … near.
    pub near: i64,
    /// … different.
    pub different: i64,
}

impl Tally {
    fn count(&mut self, outcome: &str) {
        match outcome {
            "exact" => self.exact += 1,
            "near" => self.near += 1,
            _ => self.different += 1,
        }
    }
}

/// Counts distinct attesters: in all, and by environment. Statements come oldest first; the newest of one attester counts.
#[must_use]
pub fn tally(statements: &[StatementRow]) -> (Tally, BTreeMap<String, Tally>) {
    let (mut newest, mut newest_anywhere) = (BTreeMap::new(), BTreeMap::new());
    for row in statements {
        let (Some(outcome), environment) = (&row.outcome, row.environment.clone()) else {
            continue;
        };
        // A statement from before attesters were noted stands for its key.
        let attester = row.attester.as_ref().unwrap_or(&row.public_key);
        newest.insert((attester, environment.unwrap_or_default()), outcome);
        newest_anywhere.insert(attester, outcome);
    }
    let (mut all, mut by_environment) = (Tally::default(), BTreeMap::<String, Tally>::new());
    for outcome in newest_anywhere.into_values() {
        all.count(outcome);
    }
    for ((_, environment), outcome) in newest {
        by_environment
            .entry(environment)
            .or_default()
            .count(outcome);
    }
    (all, by_environment)
}

#[cfg(test)]
mod tests {
    use super::{StatementRow, Tally, tally};

    fn row(attester: Option<&str>, key: &str, environment: &str, outcome: &str) -> StatementRow {
        StatementRow {
            leaf_hash: String::new(),
            about_leaf_hash: String::new(),
            predicate: String::new(),
            envelope: String::new(),
            public_key: key.into(),
            outcome: Some(outcome.into()),
            environment: Some(environment.into()),
            attester: attester.map(str::to_owned),
            created_ms: 0,
        }
    }

    #[test]
    fn an_owner_has_one_voice_however_many_keys_they_make() {
        let rows = [
            row(Some("platform"), "p", "amd", "exact"),
            row(Some("line-1"), "a", "amd", "different"),
            row(Some("line-1"), "b", "amd", "different"),
            row(Some("line-1"), "c", "arm", "exact"),
            row(Some("line-2"), "d", "arm", "exact"),
            row(Some("line-2"), "d", "arm", "different"),
            row(None, "old", "amd", "near"),
        ];
        let (all, by_environment) = tally(&rows);
        let expected = |exact, near, different| Tally {
            exact,
            near,
            different,
        };
        assert_eq!(all, expected(2, 1, 1));
        assert_eq!(by_environment["amd"], expected(1, 1, 1));
        assert_eq!(by_environment["arm"], expected(1, 0, 1));
    }
}
