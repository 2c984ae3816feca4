//! All that is known about a leaf when its page is made, and what the server found when it checked it.
//!
//! The one rule: nothing is said to hold that was not checked for this very page.

use ledger::evidence::Evidence;
use ledger::policy::Settlement;
use ledger::proof::TlogProof;
use market::catalog::service::{Anchor, SealedVersion};
use market::log::keys::SignerEnd;
use market::log::service::{Date, LeafRow, PublicLog, StatementRow, Withdrawal};
use market::moderation::service::Resemblance;
use schema::key::PublicKey;
use schema::leaf::LeafKind;
use schema::statement::Envelope;

/// What the server itself found when it made the page.
pub(in crate::verify) struct Checks {
    pub(super) signature: bool,
    pub(super) checkpoint: bool,
    pub(super) inclusion: bool,
    pub(super) settlement: Option<Settlement>,
}

impl Checks {
    pub(in crate::verify) fn run(
        row: &LeafRow,
        key: Option<&str>,
        proof: Option<&TlogProof>,
        log: &PublicLog,
    ) -> Self {
        let leaf = row.parse().ok();
        let key = key.and_then(|key| PublicKey::parse(key).ok());
        let signature = leaf
            .as_ref()
            .zip(key)
            .is_some_and(|(leaf, key)| leaf.verify(&log.origin, &key).is_ok());
        let checkpoint = proof.and_then(|proof| proof.open_checkpoint(&log.verifier).ok());
        let inclusion =
            leaf.zip(proof)
                .zip(checkpoint.as_ref())
                .is_some_and(|((leaf, proof), checkpoint)| {
                    proof.verify(&leaf.hash().0, checkpoint).is_ok()
                });
        Self {
            signature,
            checkpoint: checkpoint.is_some(),
            inclusion,
            settlement: proof.and_then(|proof| log.settle(&proof.checkpoint).ok()),
        }
    }
}

impl Checks {
    /// Whether everything that there is to check holds; a leaf that waits for the log has nothing yet.
    pub(super) fn hold(&self) -> bool {
        self.signature && self.checkpoint && self.inclusion
    }
}

/// All that is known about a leaf.
pub(in crate::verify) struct Known {
    pub(in crate::verify) row: LeafRow,
    pub(in crate::verify) listing: Option<SealedVersion>,
    /// The first of its pictures.
    pub(in crate::verify) picture: Option<Anchor>,
    pub(in crate::verify) statement: Option<StatementRow>,
    /// Statements about it, the oldest first.
    pub(in crate::verify) about: Vec<StatementRow>,
    pub(in crate::verify) alike: Vec<Resemblance>,
    pub(in crate::verify) key: Option<String>,
    pub(in crate::verify) end: Option<SignerEnd>,
    pub(in crate::verify) withdrawal: Option<Withdrawal>,
    pub(in crate::verify) date: Option<Date>,
    pub(in crate::verify) proof: Option<TlogProof>,
    pub(in crate::verify) checks: Checks,
}

impl Known {
    pub(super) fn kind(&self) -> Option<LeafKind> {
        self.row.parse().ok().map(|leaf| leaf.kind)
    }

    /// What a browser checks by itself.
    pub(super) fn evidence(&self, log: &PublicLog) -> Option<Evidence> {
        let (proof, key) = self.proof.as_ref().zip(self.key.clone())?;
        Some(Evidence {
            leaf: self.row.leaf.clone(),
            key,
            log_key: log.verifier.to_string(),
            proof: proof.to_text(),
            policy: log.witness_policy().map(ToString::to_string),
            opening: None,
        })
    }

    /// The text that this leaf seals, or its listing's.
    pub(super) fn text(&self) -> Option<String> {
        let leaf = self.row.parse().ok();
        let read = |text: &str| serde_json::from_str::<Envelope>(text).ok();
        let own = self.statement.as_ref().and_then(|row| read(&row.envelope));
        // Only what this leaf seals is shown under its checks.
        let own = own.filter(|envelope| {
            leaf.is_some_and(|leaf| envelope.digest().is_ok_and(|digest| digest == leaf.digest))
        });
        let listings = || {
            self.listing
                .as_ref()
                .and_then(|listing| read(&listing.listing_statement))
        };
        let text = own.or_else(listings)?.text().ok()?;
        let pretty = serde_json::from_str::<serde_json::Value>(&text)
            .and_then(|value| serde_json::to_string_pretty(&value));
        Some(pretty.unwrap_or(text))
    }
}
