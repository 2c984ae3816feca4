//! What a page knows about a leaf, and the checks that anybody can repeat on it.
//!
//! The one rule: nothing is asked of anybody; leaf, proof, keys and opening are all that is read. Builds for the browser.

use crate::note::Verifier;
use crate::policy::Policy;
use crate::proof::TlogProof;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schema::commitment::{self, Salt};
use schema::digest::Digest;
use schema::key::PublicKey;
use schema::leaf::Leaf;
use serde::{Deserialize, Serialize};

/// What the page knows about a leaf; public, but for an owner's opening.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Evidence {
    /// 130 bytes, hex.
    pub leaf: String,
    /// Who signed it.
    pub key: String,
    /// The log's verifier key.
    pub log_key: String,
    /// The tlog-proof text.
    pub proof: String,
    /// The tlog-policy whose witnesses must have cosigned, if the log has any.
    pub policy: Option<String>,
    /// What opens the commitment; only its owner's page has it.
    pub opening: Option<Opening>,
}

/// What was sealed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Opening {
    /// The recipe's exact bytes, base64.
    pub recipe: String,
    /// 32 bytes, base64.
    pub salt: String,
    /// The anchors' BLAKE3 pixel digests, hex, in order.
    pub pixels: Vec<String>,
}

/// A check, in the order of [`check`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The signer's key signed the leaf.
    Signature,
    /// The log's key signed size and root.
    Checkpoint,
    /// The tree holds the leaf.
    Inclusion,
    /// A quorum of the policy's witnesses cosigned the checkpoint.
    Witnesses,
    /// Recipe, salt and pixel digests are those that were sealed.
    Commitment,
}

/// Runs every check for which there is evidence, each with what it found.
#[must_use]
pub fn check(evidence: &Evidence, now_seconds: u64) -> Vec<(Check, Result<(), String>)> {
    let log = Verifier::parse(&evidence.log_key).map_err(text);
    let key = PublicKey::parse(&evidence.key).map_err(text);
    let leaf = hex::decode(&evidence.leaf)
        .map_err(text)
        .and_then(|bytes| Leaf::parse(&bytes).map_err(text));
    let proof = TlogProof::parse(&evidence.proof).map_err(text);
    let signature = || {
        let origin = log.as_ref().map_err(Clone::clone)?.name();
        let leaf = leaf.as_ref().map_err(Clone::clone)?;
        leaf.verify(origin, key.as_ref().map_err(Clone::clone)?)
            .map_err(text)
    };
    let opened = || {
        let log = log.as_ref().map_err(Clone::clone)?;
        let proof = proof.as_ref().map_err(Clone::clone)?;
        proof.open_checkpoint(log).map_err(text)
    };
    let inclusion = || {
        let leaf = leaf.as_ref().map_err(Clone::clone)?;
        let proof = proof.as_ref().map_err(Clone::clone)?;
        proof.verify(&leaf.hash().0, &opened()?).map_err(text)
    };
    let witnesses = |policy: &String| {
        let proof = proof.as_ref().map_err(Clone::clone)?;
        let policy = Policy::parse(policy).map_err(text)?;
        policy
            .settle(&proof.checkpoint, now_seconds)
            .map(drop)
            .map_err(text)
    };
    let mut results = vec![
        (Check::Signature, signature()),
        (Check::Checkpoint, opened().map(drop)),
        (Check::Inclusion, inclusion()),
    ];
    if let Some(policy) = &evidence.policy {
        results.push((Check::Witnesses, witnesses(policy)));
    }
    if let Some(opening) = &evidence.opening {
        let leaf = leaf.as_ref().map_err(Clone::clone);
        let key = key.as_ref().map_err(Clone::clone);
        let result = leaf.and_then(|leaf| key.and_then(|key| open(opening, leaf, key)));
        results.push((Check::Commitment, result));
    }
    results
}

fn open(opening: &Opening, leaf: &Leaf, key: &PublicKey) -> Result<(), String> {
    let recipe = STANDARD.decode(&opening.recipe).map_err(text)?;
    let salt = STANDARD.decode(&opening.salt).map_err(text)?;
    let salt =
        <[u8; 32]>::try_from(salt).map_err(|_| "the salt is not 32 bytes long".to_owned())?;
    let pixels: Result<Vec<Digest>, _> = opening
        .pixels
        .iter()
        .map(|digest| Digest::parse(digest, "pixels"))
        .collect();
    let pixels = pixels.map_err(text)?;
    commitment::open(&leaf.digest, &Salt(salt), key, &recipe, &pixels).map_err(text)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::{Check, Evidence, Opening, STANDARD, check};
    use crate::checkpoint::Checkpoint;
    use crate::cosignature::cosign;
    use crate::note::Note;
    use crate::note::Verifier;
    use crate::policy::MAX_AHEAD_SECONDS;
    use crate::proof::TlogProof;
    use base64::Engine as _;
    use schema::digest::Digest;
    use schema::key::SecretKey;
    use schema::leaf::{Leaf, LeafKind};

    const NOW: u64 = 1_796_083_200;

    fn evidence() -> Evidence {
        let (log, creator) = (
            SecretKey::from_bytes([5; 32]),
            SecretKey::from_bytes([6; 32]),
        );
        let leaf = Leaf::sign(
            "log.example",
            LeafKind::SealedRecipe,
            Digest([1; 32]),
            &creator,
        );
        let checkpoint = Checkpoint {
            origin: "log.example".into(),
            size: 1,
            root: leaf.hash().0,
        };
        let proof = TlogProof {
            index: 0,
            hashes: Vec::new(),
            checkpoint: checkpoint.sign(&log).expect("a checkpoint"),
        };
        let verifier = Verifier::new("log.example", log.public()).expect("a name");
        Evidence {
            leaf: hex::encode(leaf.to_bytes()),
            key: creator.public().to_string(),
            log_key: verifier.to_string(),
            proof: proof.to_text(),
            policy: None,
            opening: None,
        }
    }

    #[test]
    fn a_visitor_is_told_which_check_a_changed_page_fails() {
        let held = |evidence: &Evidence| {
            let results = check(evidence, NOW).into_iter();
            results
                .map(|(_, result)| result.is_ok())
                .collect::<Vec<_>>()
        };
        let good = evidence();
        assert_eq!(held(&good), [true, true, true]);
        let other = SecretKey::from_bytes([7; 32]).public();
        let key = other.to_string();
        assert_eq!(
            held(&Evidence {
                key,
                ..good.clone()
            }),
            [false, true, true]
        );
        let log_key = Verifier::new("log.example", other)
            .expect("a name")
            .to_string();
        assert_eq!(
            held(&Evidence {
                log_key,
                ..good.clone()
            }),
            [true, false, false]
        );
        let proof = good.proof.replace("index 0", "index 1");
        assert_eq!(
            held(&Evidence {
                proof,
                ..good.clone()
            }),
            [true, true, false]
        );
        let leaf = good.leaf.replacen("0101", "0201", 1);
        assert_eq!(
            held(&Evidence {
                leaf,
                ..good.clone()
            }),
            [false, true, false]
        );
        let leaf = String::from("nonsense");
        assert_eq!(held(&Evidence { leaf, ..good }), [false, true, false]);
    }

    #[test]
    fn witnesses_and_an_owners_opening_are_checked_where_there_are_any() {
        let mut evidence = evidence();
        let witness = Verifier::witness("w.example", SecretKey::from_bytes([8; 32]).public());
        let witness = witness.expect("a name");
        let policy = |quorum: &str| {
            format!(
                "log {}\nwitness w {witness}\nquorum {quorum}\n",
                evidence.log_key
            )
        };
        let (asked, unasked) = (policy("w"), policy("none"));
        let verdict = |evidence: &Evidence, wanted: Check| {
            let mut results = check(evidence, NOW).into_iter();
            results
                .find(|(check, _)| *check == wanted)
                .map(|(_, result)| result.is_ok())
        };
        assert_eq!(verdict(&evidence, Check::Witnesses), None);
        evidence.policy = Some(asked.clone());
        assert_eq!(verdict(&evidence, Check::Witnesses), Some(false));
        evidence.policy = Some(unasked.clone());
        assert_eq!(verdict(&evidence, Check::Witnesses), Some(true));

        // A time that has not come says nothing, whoever signs it.
        let plain = TlogProof::parse(&evidence.proof).expect("a proof");
        let by = |seconds| {
            let note = Note::parse(&plain.checkpoint).expect("a note");
            let line = cosign(
                note.text,
                "w.example",
                &SecretKey::from_bytes([8; 32]),
                seconds,
            );
            let checkpoint = format!("{}{}\n", plain.checkpoint, line.expect("a line"));
            let proof = TlogProof {
                checkpoint,
                ..plain.clone()
            };
            Evidence {
                proof: proof.to_text(),
                policy: Some(asked.clone()),
                ..evidence.clone()
            }
        };
        for (seconds, counts) in [
            (NOW - 1, true),
            (NOW + MAX_AHEAD_SECONDS, true),
            (NOW + MAX_AHEAD_SECONDS + 1, false),
        ] {
            let found = verdict(&by(seconds), Check::Witnesses);
            assert_eq!(found, Some(counts), "{seconds}");
        }

        let (creator, salt) = (SecretKey::from_bytes([6; 32]), [3; 32]);
        let pixels = Digest([9; 32]);
        let sealed =
            super::commitment::commit(&super::Salt(salt), &creator.public(), b"{}", &[pixels]);
        let leaf = Leaf::sign(
            "log.example",
            LeafKind::SealedRecipe,
            sealed.expect("one anchor"),
            &creator,
        );
        evidence.leaf = hex::encode(leaf.to_bytes());
        let opening = |recipe: &[u8]| Opening {
            recipe: STANDARD.encode(recipe),
            salt: STANDARD.encode(salt),
            pixels: vec![pixels.hex()],
        };
        evidence.opening = Some(opening(b"{}"));
        assert_eq!(verdict(&evidence, Check::Commitment), Some(true));
        evidence.opening = Some(opening(b"{ }"));
        assert_eq!(verdict(&evidence, Check::Commitment), Some(false));
    }
}
