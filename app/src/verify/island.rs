//! The visitor's own check: the browser recomputes what the server says about a leaf, from the leaf, the proof and the keys alone.
//!
//! The one rule: what is shown here was computed here. Page and program still come from the shop; a file that is checked offline
//! with a tool from elsewhere trusts it less, and the text says so.

use ledger::note::Verifier;
use ledger::proof::TlogProof;
use leptos::prelude::*;
use schema::key::PublicKey;
use schema::leaf::Leaf;
use serde::{Deserialize, Serialize};

/// What the page knows about a leaf; all of it public.
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
}

/// Finished texts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckTexts {
    pub waiting: String,
    pub holds: String,
    pub broken: String,
    pub signature: String,
    pub checkpoint: String,
    pub inclusion: String,
}

/// The three checks, in order, each with what it found.
fn check(evidence: &Evidence) -> [Result<(), String>; 3] {
    let log = Verifier::parse(&evidence.log_key).map_err(|error| error.to_string());
    let leaf = hex::decode(&evidence.leaf)
        .map_err(|error| error.to_string())
        .and_then(|bytes| Leaf::parse(&bytes).map_err(|error| error.to_string()));
    let proof = TlogProof::parse(&evidence.proof).map_err(|error| error.to_string());
    let signature = || {
        let key = PublicKey::parse(&evidence.key).map_err(|error| error.to_string())?;
        let origin = log.as_ref().map_err(Clone::clone)?.name();
        let leaf = leaf.as_ref().map_err(Clone::clone)?;
        leaf.verify(origin, &key).map_err(|error| error.to_string())
    };
    let opened = || {
        let (log, proof) = (
            log.as_ref().map_err(Clone::clone)?,
            proof.as_ref().map_err(Clone::clone)?,
        );
        proof
            .open_checkpoint(log)
            .map_err(|error| error.to_string())
    };
    let inclusion = || {
        let leaf = leaf.as_ref().map_err(Clone::clone)?;
        let proof = proof.as_ref().map_err(Clone::clone)?;
        proof
            .verify(&leaf.hash().0, &opened()?)
            .map_err(|error| error.to_string())
    };
    [signature(), opened().map(drop), inclusion()]
}

/// Runs the checks once the page is alive.
#[island]
pub fn ProofCheck(evidence: Evidence, texts: CheckTexts) -> impl IntoView {
    let results = RwSignal::new(None);
    Effect::new(move |_| results.set(Some(check(&evidence))));
    let t = StoredValue::new(texts);
    let state = move || match results.get() {
        None => "waiting",
        Some(results) if results.iter().all(Result::is_ok) => "holds",
        Some(_) => "broken",
    };
    let line = move || {
        t.with_value(|t| match state() {
            "waiting" => t.waiting.clone(),
            "holds" => t.holds.clone(),
            _ => t.broken.clone(),
        })
    };
    let mark = move || match state() {
        "waiting" => "…",
        "holds" => "✓",
        _ => "✗",
    };
    let rows = move || {
        // The server's list above says the same; only what does not hold is worth a second one.
        let Some(results) = results
            .get()
            .filter(|results| results.iter().any(Result::is_err))
        else {
            return Vec::new();
        };
        let names = t.with_value(|t| {
            [
                t.signature.clone(),
                t.checkpoint.clone(),
                t.inclusion.clone(),
            ]
        });
        names
            .into_iter()
            .zip(results)
            .map(|(name, result)| {
                let bad = result.is_err();
                let mark = if bad { "✗" } else { "✓" };
                view! { <li class:checks__bad=bad><span class="checks__mark" aria-hidden="true">{mark}</span><strong>{name}</strong><span>{result.err()}</span></li> }
            })
            .collect_view()
    };
    view! {
        <div id="own-check" class="own-check" data-state=state>
            <p role="status"><span class="checks__mark" aria-hidden="true">{mark}</span> {line}</p>
            <ul class="checks">{rows}</ul>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::{Evidence, check};
    use ledger::checkpoint::Checkpoint;
    use ledger::note::Verifier;
    use ledger::proof::TlogProof;
    use schema::digest::Digest;
    use schema::key::SecretKey;
    use schema::leaf::{Kind, Leaf};

    fn evidence() -> Evidence {
        let (log, creator) = (
            SecretKey::from_bytes([5; 32]),
            SecretKey::from_bytes([6; 32]),
        );
        let leaf = Leaf::sign("log.example", Kind::SealedRecipe, Digest([1; 32]), &creator);
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
        }
    }

    #[test]
    fn a_visitor_is_told_which_check_a_changed_page_fails() {
        let held = |evidence: &Evidence| check(evidence).map(|result| result.is_ok());
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
}
