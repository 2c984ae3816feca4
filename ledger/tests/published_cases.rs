//! The case format of transparency-dev's Merkle test data (`testdata/{inclusion,consistency}/*/*.json`): our reader of it, two of the
//! published cases as they stand, and the same kinds of damage done to proofs by `ct-merkle`, which shares no code with us.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ledger::proof::{verify_consistency, verify_inclusion};
use ledger::tree::{Hash, empty_root};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Inclusion {
    leaf_idx: u64,
    tree_size: u64,
    root: String,
    leaf_hash: String,
    proof: Option<Vec<String>>,
    desc: String,
    want_err: bool,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Consistency {
    size1: u64,
    size2: u64,
    root1: String,
    root2: String,
    proof: Option<Vec<String>>,
    desc: String,
    want_err: bool,
}

fn encode(hash: &Hash) -> String {
    STANDARD.encode(hash)
}

/// A hash as the format has it; one of another length cannot be any tree's.
fn decode(text: &str) -> Option<Hash> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

fn decode_all(proof: Option<&Vec<String>>) -> Option<Vec<Hash>> {
    proof
        .into_iter()
        .flatten()
        .map(|hash| decode(hash))
        .collect()
}

/// Whether our verifier judges a case as its author wants.
fn judge_inclusion(text: &str) -> Result<bool, String> {
    let case: Inclusion = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let parts = (
        decode(&case.leaf_hash),
        decode(&case.root),
        decode_all(case.proof.as_ref()),
    );
    let held = match parts {
        (Some(leaf), Some(root), Some(proof)) => {
            verify_inclusion(&leaf, case.leaf_idx, case.tree_size, &proof, &root).is_ok()
        }
        _ => false,
    };
    if held == case.want_err {
        return Err(format!("{text} held: {held}"));
    }
    Ok(held)
}

fn judge_consistency(text: &str) -> Result<bool, String> {
    let case: Consistency = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let parts = (
        decode(&case.root1),
        decode(&case.root2),
        decode_all(case.proof.as_ref()),
    );
    let held = match parts {
        (Some(old), Some(new), Some(proof)) => {
            verify_consistency(case.size1, &old, case.size2, &new, &proof).is_ok()
        }
        _ => false,
    };
    if held == case.want_err {
        return Err(format!("{text} held: {held}"));
    }
    Ok(held)
}

/// `testdata/inclusion/1/leafIdx-sub-@1.json` and `testdata/consistency/1/happy-path.json`, as published.
#[test]
fn published_cases_read_and_end_as_their_authors_want() {
    let inclusion = r#"{"leafIdx": 18446744073709551615, "treeSize": 8,
        "root": "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=", "leafHash": "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=",
        "proof": ["lqKW0iTyhcZ77pPDD4owkVfw2qNdxbh+QQt4YwoJz8c=", "Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=",
            "a0eq8p7jwq+a+Im8H7klTavTEXfxYjLdaqsDXKOb9uQ="], "desc": "leafIdx sub @1", "wantErr": true}"#;
    assert_eq!(judge_inclusion(inclusion), Ok(false));
    let moved = inclusion
        .replace("18446744073709551615", "0")
        .replace("true", "false");
    assert_eq!(
        judge_inclusion(&moved),
        Ok(true),
        "the leaf is the first of eight"
    );
    let consistency = r#"{"size1": 1, "size2": 8, "root1": "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=",
        "root2": "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=",
        "proof": ["lqKW0iTyhcZ77pPDD4owkVfw2qNdxbh+QQt4YwoJz8c=", "Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=",
            "a0eq8p7jwq+a+Im8H7klTavTEXfxYjLdaqsDXKOb9uQ="], "desc": "happy path", "wantErr": false}"#;
    assert_eq!(judge_consistency(consistency), Ok(true));
    // Two cases that plain verifiers take for good: an empty tree holds no leaf, and extends nothing but itself without a proof.
    let nothing = format!(
        r#"{{"leafIdx": 0, "treeSize": 0, "root": "", "leafHash": "", "proof": null, "desc": "{}", "wantErr": true}}"#,
        "single-entry/empty-root-and-leaf"
    );
    assert_eq!(judge_inclusion(&nothing), Ok(false));
    let equal = r#"{"size1": 0, "size2": 0, "root1": "", "root2": "", "proof": null, "desc": "sizes are equal zero", "wantErr": true}"#;
    assert_eq!(
        judge_consistency(equal),
        Ok(false),
        "roots of no length are no roots"
    );
}

/// Sizes around a leaf, a power of two and a tile.
const SIZES: [u64; 9] = [2, 3, 7, 8, 9, 64, 65, 256, 257];

fn trees() -> Vec<MemoryBackedTree<Sha256, Vec<u8>>> {
    let tree = |size: u64| {
        let mut tree = MemoryBackedTree::new();
        for number in 0..size {
            tree.push(format!("entry {number}").into_bytes());
        }
        tree
    };
    SIZES.into_iter().map(tree).collect()
}

fn hashes(bytes: &[u8]) -> Vec<String> {
    bytes
        .chunks_exact(32)
        .map(|hash| STANDARD.encode(hash))
        .collect()
}

fn root(tree: &MemoryBackedTree<Sha256, Vec<u8>>) -> Hash {
    tree.root().as_bytes()[..].try_into().expect("32 bytes")
}

fn other(text: &str) -> String {
    encode(&Sha256::digest(text).into())
}

/// What is done to a proof's hashes, by name. Whatever changes nothing is left out.
fn damaged(proof: &[String], roots: &[&String]) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    let mut add = |name: String, hashes: Vec<String>| {
        if hashes != proof {
            found.push((name, hashes));
        }
    };
    for (at, hash) in proof.iter().enumerate() {
        let mut bytes = decode(hash).expect("32 bytes");
        bytes[3] ^= 1 << (at % 8);
        let mut changed = proof.to_vec();
        changed[at] = encode(&bytes);
        add(format!("modified proof[{at}]"), changed);
    }
    let with = |first: &[String], last: &[String]| [first, proof, last].concat();
    let garbage = [other("garbage")];
    add("preceding garbage".into(), with(&garbage, &[]));
    add("trailing garbage".into(), with(&[], &garbage));
    for root in roots {
        add("preceding root".into(), with(&[(*root).clone()], &[]));
        add("trailing root".into(), with(&[], &[(*root).clone()]));
    }
    add("empty proof".into(), Vec::new());
    add(
        "truncated proof".into(),
        proof[..proof.len().saturating_sub(1)].to_vec(),
    );
    add(
        "removed component".into(),
        proof.get(1..).unwrap_or_default().to_vec(),
    );
    if let Some(first) = proof.first() {
        let mut inserted = proof.to_vec();
        inserted.insert(1, first.clone());
        add("inserted component".into(), inserted);
    }
    found
}

#[test]
fn damage_to_another_makers_inclusion_proof_is_always_found() {
    let (mut good, mut bad) = (0, 0);
    for (size, tree) in SIZES.into_iter().zip(trees()) {
        for index in [0, 1, size / 2, size - 1] {
            let at = usize::try_from(index).expect("small");
            let leaf = ledger::tree::leaf_hash(tree.get(at).expect("an entry"));
            let case = Inclusion {
                leaf_idx: index,
                tree_size: size,
                root: encode(&root(&tree)),
                leaf_hash: encode(&leaf),
                proof: Some(hashes(tree.prove_inclusion(at).as_bytes())),
                desc: "happy path".into(),
                want_err: false,
            };
            let mut cases = vec![case.clone()];
            let mut add = |desc: &str, change: &dyn Fn(&mut Inclusion)| {
                let mut copy = case.clone();
                change(&mut copy);
                (copy.desc, copy.want_err) = (desc.into(), true);
                cases.push(copy);
            };
            add("leafIdx - 1", &|case| {
                case.leaf_idx = case.leaf_idx.wrapping_sub(1)
            });
            add("leafIdx + 1", &|case| case.leaf_idx += 1);
            add("leafIdx ^ 2", &|case| case.leaf_idx ^= 2);
            add("treeSize / 2", &|case| case.tree_size /= 2);
            add("treeSize * 2", &|case| case.tree_size *= 2);
            add("wrong leaf", &|case| case.leaf_hash = other("leaf"));
            add("random root", &|case| case.root = other("root"));
            add("empty root", &|case| case.root = encode(&empty_root()));
            add("no root", &|case| case.root = String::new());
            let proof = case.proof.clone().unwrap_or_default();
            for (name, hashes) in damaged(&proof, &[&case.root]) {
                add(&name, &|case| case.proof = Some(hashes.clone()));
            }
            for case in cases {
                let text = serde_json::to_string(&case).expect("a case");
                let held = judge_inclusion(&text).expect("as wanted");
                if held { good += 1 } else { bad += 1 }
            }
        }
    }
    assert!(good == 36 && bad > 500, "{good} good and {bad} bad cases");
}

#[test]
fn damage_to_another_makers_consistency_proof_is_always_found() {
    let trees = trees();
    let (mut good, mut bad) = (0, 0);
    for (position, (new_size, new)) in SIZES.into_iter().zip(&trees).enumerate() {
        for (old_size, old) in SIZES.into_iter().zip(&trees).take(position) {
            let added = usize::try_from(new_size - old_size).expect("small");
            let case = Consistency {
                size1: old_size,
                size2: new_size,
                root1: encode(&root(old)),
                root2: encode(&root(new)),
                proof: Some(hashes(new.prove_consistency(added).as_bytes())),
                desc: "happy path".into(),
                want_err: false,
            };
            let mut cases = vec![case.clone()];
            let mut add = |desc: &str, change: &dyn Fn(&mut Consistency)| {
                let mut copy = case.clone();
                change(&mut copy);
                (copy.desc, copy.want_err) = (desc.into(), true);
                cases.push(copy);
            };
            add("size1 - 1", &|case| case.size1 -= 1);
            add("size1 + 1", &|case| case.size1 += 1);
            add("size1 ^ 2", &|case| case.size1 ^= 2);
            add("size2 * 2", &|case| case.size2 *= 2);
            add("size2 / 2", &|case| case.size2 /= 2);
            add("wrong root1", &|case| case.root1 = other("root"));
            add("wrong root2", &|case| case.root2 = other("root"));
            add("no roots", &|case| {
                (case.root1, case.root2) = (String::new(), String::new());
            });
            add("swapped roots", &|case| {
                std::mem::swap(&mut case.root1, &mut case.root2);
            });
            let proof = case.proof.clone().unwrap_or_default();
            for (name, hashes) in damaged(&proof, &[&case.root1, &case.root2]) {
                add(&name, &|case| case.proof = Some(hashes.clone()));
            }
            for case in cases {
                let text = serde_json::to_string(&case).expect("a case");
                let held = judge_consistency(&text).expect("as wanted");
                if held { good += 1 } else { bad += 1 }
            }
        }
    }
    assert!(good == 36 && bad > 500, "{good} good and {bad} bad cases");
}
