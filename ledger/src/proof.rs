//! Inclusion and consistency proofs (RFC 6962, sections 2.1.1 and 2.1.2; verification as in RFC 9162), and the text form
//! `c2sp.org/tlog-proof@v1`.

use crate::checkpoint::Checkpoint;
use crate::error::{Error, ErrorKind};
use crate::note::Verifier;
use crate::tile::{TileReader, subtree_root};
use crate::tree::{Hash, node_hash, split};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// No tree has more levels than an index has bits.
const MAX_HASHES: usize = 64;

fn forged(message: &str) -> Error {
    Error::new(ErrorKind::Forged, message)
}

/// The root over entries `start..end` of a tree of `size`.
fn range_root(reader: &dyn TileReader, start: u64, end: u64, size: u64) -> Result<Hash, Error> {
    let count = end - start;
    if count.is_power_of_two() && start.is_multiple_of(count) {
        return subtree_root(reader, start, count.trailing_zeros(), size);
    }
    let middle = start + split(count);
    Ok(node_hash(
        &range_root(reader, start, middle, size)?,
        &range_root(reader, middle, end, size)?,
    ))
}

/// The hashes that prove entry `index` in a tree of `size`, the leaf's sibling first.
///
/// # Errors
/// When the index is outside the tree, or a tile cannot be read.
pub fn inclusion(reader: &dyn TileReader, index: u64, size: u64) -> Result<Vec<Hash>, Error> {
    if index >= size {
        return Err(Error::new(
            ErrorKind::Missing,
            format!("entry {index} is not in a tree of {size}"),
        ));
    }
    let (mut start, mut end, mut hashes) = (0, size, Vec::new());
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            hashes.push(range_root(reader, middle, end, size)?);
            end = middle;
        } else {
            hashes.push(range_root(reader, start, middle, size)?);
            start = middle;
        }
    }
    hashes.reverse();
    Ok(hashes)
}

/// The hashes that prove that the tree of `size` extends the tree of `old`.
///
/// # Errors
/// When `old` is 0 or above `size` (size 0 is the caller's case), or a tile cannot be read.
pub fn consistency(reader: &dyn TileReader, old: u64, size: u64) -> Result<Vec<Hash>, Error> {
    if old == 0 || old > size {
        return Err(Error::new(
            ErrorKind::Missing,
            format!("there is no consistency proof from {old} to {size}"),
        ));
    }
    let (mut start, mut end, mut whole, mut hashes) = (0, size, true, Vec::new());
    while old != end {
        let middle = start + split(end - start);
        if old <= middle {
            hashes.push(range_root(reader, middle, end, size)?);
            end = middle;
        } else {
            hashes.push(range_root(reader, start, middle, size)?);
            start = middle;
            whole = false;
        }
    }
    if !whole {
        hashes.push(range_root(reader, start, end, size)?);
    }
    hashes.reverse();
    Ok(hashes)
}

/// Checks that `leaf` is entry `index` of the tree of `size` with `root` (RFC 9162, 2.1.3.2).
///
/// # Errors
/// `ErrorKind::Forged`.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), Error> {
    if index >= size {
        return Err(forged("the index is outside the tree"));
    }
    let (mut node, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in proof {
        if last == 0 {
            return Err(forged("the inclusion proof is too long"));
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(forged("the inclusion proof is too short"));
    }
    if hash == *root {
        Ok(())
    } else {
        Err(forged("the inclusion proof leads to another root"))
    }
}

/// Checks that the tree of `size` with `root` extends the tree of `old` with `old_root` (RFC 9162, 2.1.4.2).
///
/// # Errors
/// `ErrorKind::Forged`; size 0 is the caller's case and refused.
pub fn verify_consistency(
    old: u64,
    old_root: &Hash,
    size: u64,
    root: &Hash,
    proof: &[Hash],
) -> Result<(), Error> {
    if old == 0 || old > size {
        return Err(forged(
            "the sizes of a consistency proof do not grow from 1",
        ));
    }
    if old == size {
        return if proof.is_empty() && old_root == root {
            Ok(())
        } else {
            Err(forged("two roots for one size"))
        };
    }
    let mut hashes = proof.to_vec();
    if old.is_power_of_two() {
        hashes.insert(0, *old_root);
    }
    let Some((first, rest)) = hashes.split_first() else {
        return Err(forged("the consistency proof is empty"));
    };
    let (mut node, mut last) = (old - 1, size - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut from, mut to) = (*first, *first);
    for hash in rest {
        if last == 0 {
            return Err(forged("the consistency proof is too long"));
        }
        if node & 1 == 1 || node == last {
            from = node_hash(hash, &from);
            to = node_hash(hash, &to);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            to = node_hash(&to, hash);
        }
        node >>= 1;
        last >>= 1;
    }
    if last == 0 && from == *old_root && to == *root {
        Ok(())
    } else {
        Err(forged("the consistency proof leads to other roots"))
    }
}

/// A `tlog-proof`: index, inclusion hashes and the signed checkpoint, as one text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    /// The entry's index.
    pub index: u64,
    /// Inclusion hashes, the leaf's sibling first.
    pub hashes: Vec<Hash>,
    /// The signed checkpoint's exact text.
    pub checkpoint: String,
}

impl TlogProof {
    /// Writes the text form.
    #[must_use]
    pub fn to_text(&self) -> String {
        let hashes: String = self
            .hashes
            .iter()
            .map(|hash| format!("{}\n", STANDARD.encode(hash)))
            .collect();
        format!(
            "{HEADER}\nindex {}\n{hashes}\n{}",
            self.index, self.checkpoint
        )
    }

    /// Reads the text form; an `extra` line is skipped, since nothing authenticates it.
    ///
    /// # Errors
    /// `ErrorKind::Malformed`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong = |what: &str| Error::new(ErrorKind::Malformed, format!("tlog-proof: {what}"));
        let (head, checkpoint) = text
            .split_once("\n\n")
            .ok_or_else(|| wrong("has no checkpoint"))?;
        let mut lines = head.lines().peekable();
        if lines.next() != Some(HEADER) {
            return Err(wrong("does not begin with its header"));
        }
        if lines.peek().is_some_and(|line| line.starts_with("extra ")) {
            lines.next();
        }
        let index = lines
            .next()
            .and_then(|line| line.strip_prefix("index "))
            .ok_or_else(|| wrong("has no index"))?;
        let number: u64 = index.parse().map_err(|_| wrong("has no numeric index"))?;
        if number.to_string() != index {
            return Err(wrong("has an index with extra digits"));
        }
        let mut hashes = Vec::new();
        for line in lines {
            let bytes = STANDARD
                .decode(line)
                .ok()
                .and_then(|bytes| Hash::try_from(bytes).ok());
            hashes.push(bytes.ok_or_else(|| wrong("has a line that is no hash"))?);
        }
        if hashes.len() > MAX_HASHES {
            return Err(wrong("has too many hashes"));
        }
        Ok(Self {
            index: number,
            hashes,
            checkpoint: checkpoint.to_owned(),
        })
    }

    /// Checks the checkpoint's signature alone.
    ///
    /// # Errors
    /// `ErrorKind::Forged` when no signature is by `log`.
    pub fn open_checkpoint(&self, log: &Verifier) -> Result<Checkpoint, Error> {
        Checkpoint::open(&self.checkpoint, log)
    }

    /// Checks that the checkpoint's tree holds `leaf`.
    ///
    /// # Errors
    /// `ErrorKind::Forged`.
    pub fn verify(&self, leaf: &Hash, checkpoint: &Checkpoint) -> Result<(), Error> {
        verify_inclusion(
            leaf,
            self.index,
            checkpoint.size,
            &self.hashes,
            &checkpoint.root,
        )
    }
}
