//! RFC 6962 tree hashing: leaf = SHA-256(00 | entry), node = SHA-256(01 | left | right).

use schema::digest::Digest;
use sha2::{Digest as _, Sha256};

/// A hash of the tree.
pub type Hash = [u8; 32];

/// The hash of an entry.
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Sha256::new()
        .chain_update([0])
        .chain_update(entry)
        .finalize()
        .into()
}

/// The hash of an inner node.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new()
        .chain_update([1])
        .chain_update(left)
        .chain_update(right)
        .finalize()
        .into()
}

/// The root of the empty tree, SHA-256 of nothing.
#[must_use]
pub fn empty_root() -> Hash {
    Digest::sha256(b"").0
}

/// The root over hashes of one level; the split is at the largest power of two below the count.
#[must_use]
pub fn root_of(hashes: &[Hash]) -> Hash {
    match hashes {
        [] => empty_root(),
        [one] => *one,
        _ => {
            let (left, right) = hashes.split_at(split(hashes.len() as u64) as usize);
            node_hash(&root_of(left), &root_of(right))
        }
    }
}

/// The largest power of two below `size`, for a size of 2 and more.
#[must_use]
pub fn split(size: u64) -> u64 {
    1 << (63 - (size - 1).leading_zeros())
}
