//! Proofs against `ct-merkle`, which shares no code with us: each accepts the other's, for every small tree and place.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof};
use ledger::proof::{consistency, inclusion, verify_consistency, verify_inclusion};
use ledger::tile::{TileReader, path};
use ledger::tree::{Hash, leaf_hash, root_of};
use ledger::{Error, ErrorKind};
use sha2::Sha256;
use std::collections::BTreeMap;

const MOST: u64 = 70;
/// Trees on both sides of a tile's edge.
const LARGE: [u64; 6] = [255, 256, 257, 300, 512, 600];

struct Tiles(BTreeMap<String, Vec<u8>>);

impl TileReader for Tiles {
    fn read_tile(&self, path: &str) -> Result<Vec<u8>, Error> {
        let missing = || Error::new(ErrorKind::Missing, path);
        self.0.get(path).cloned().ok_or_else(missing)
    }
}

fn tiles(hashes: &[Hash]) -> Tiles {
    let (mut tiles, mut below) = (BTreeMap::new(), hashes.to_vec());
    for level in 0..3 {
        for (index, chunk) in (0..).zip(below.chunks(256)) {
            tiles.insert(path(level, index, chunk.len() as u64), chunk.concat());
        }
        below = below.chunks_exact(256).map(root_of).collect();
    }
    Tiles(tiles)
}

fn split(bytes: &[u8]) -> Vec<Hash> {
    let hash = |chunk: &[u8]| <Hash>::try_from(chunk).expect("32 bytes");
    bytes.chunks_exact(32).map(hash).collect()
}

#[test]
fn two_implementations_agree_on_every_root_and_accept_each_others_proofs() {
    let mut theirs = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    let (mut hashes, mut roots, mut checked) = (Vec::new(), Vec::new(), 0);
    for size in 1..=*LARGE.last().expect("a size") {
        let entry = format!("entry {size}").into_bytes();
        hashes.push(leaf_hash(&entry));
        theirs.push(entry);
        let (root, their_root) = (root_of(&hashes), theirs.root());
        assert_eq!(their_root.as_bytes()[..], root, "size {size}");
        roots.push(theirs.root());
        if size > MOST && !LARGE.contains(&size) {
            continue;
        }
        let ours = tiles(&hashes);
        for index in 0..size {
            let at = usize::try_from(index).expect("small");
            let proof = split(theirs.prove_inclusion(at).as_bytes());
            assert_eq!(inclusion(&ours, index, size).expect("a proof"), proof);
            verify_inclusion(&hashes[at], index, size, &proof, &root).expect("theirs holds");
            let back = InclusionProof::<Sha256>::from_bytes(proof.concat());
            let entry = theirs.get(at).expect("an entry");
            their_root
                .verify_inclusion(entry, index, &back)
                .expect("ours holds");
            if index > 0 {
                let old = index;
                let added = usize::try_from(size - old).expect("small");
                let proof = split(theirs.prove_consistency(added).as_bytes());
                assert_eq!(consistency(&ours, old, size).expect("a proof"), proof);
                let old_root = root_of(&hashes[..at]);
                verify_consistency(old, &old_root, size, &root, &proof).expect("theirs holds");
                let back = ConsistencyProof::<Sha256>::try_from_bytes(proof.concat());
                their_root
                    .verify_consistency(&roots[at - 1], &back.expect("a proof"))
                    .expect("ours holds");
            }
            checked += 1;
        }
    }
    assert!(checked > 4000, "{checked}");
}
