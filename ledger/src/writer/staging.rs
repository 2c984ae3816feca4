//! The staging object: every tile of one batch in one file, so that a crash between two tiles can be finished.
//!
//! `(u16be path length | path | u32be length | bytes)… | sha256[32]`.

use crate::error::{Error, ErrorKind};
use crate::tree::Hash;
use schema::digest::Digest;

/// One object to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Upload {
    pub(crate) path: String,
    pub(crate) bytes: Vec<u8>,
}

/// Names a staging object by the tree that it completes. Two ways to that tree ([A,B,C] and [A,B],[C]) hold different
/// objects, so it may be overwritten; the swap decides which one counted, and each holds all that its own step needs.
pub(crate) fn path(size: u64, root: &Hash) -> String {
    format!("staging/{size}-{}", hex::encode(root))
}

pub(crate) fn to_bytes(uploads: &[Upload]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for upload in uploads {
        // Paths are short and tiles at most 17 MB (256 entries of 65,535 bytes): both fit their length fields.
        bytes.extend_from_slice(
            &u16::try_from(upload.path.len())
                .unwrap_or(u16::MAX)
                .to_be_bytes(),
        );
        bytes.extend_from_slice(upload.path.as_bytes());
        bytes.extend_from_slice(
            &u32::try_from(upload.bytes.len())
                .unwrap_or(u32::MAX)
                .to_be_bytes(),
        );
        bytes.extend_from_slice(&upload.bytes);
    }
    let digest = Digest::sha256(&bytes);
    bytes.extend_from_slice(&digest.0);
    bytes
}

pub(crate) fn parse(bytes: &[u8]) -> Result<Vec<Upload>, Error> {
    let corrupt = || Error::new(ErrorKind::Corrupt, "the staging object is damaged");
    let (mut rest, digest) = bytes.split_last_chunk::<32>().ok_or_else(corrupt)?;
    if Digest::sha256(rest).0 != *digest {
        return Err(corrupt());
    }
    let mut uploads = Vec::new();
    while !rest.is_empty() {
        let (length, tail) = rest.split_first_chunk::<2>().ok_or_else(corrupt)?;
        let (path, tail) = tail
            .split_at_checked(usize::from(u16::from_be_bytes(*length)))
            .ok_or_else(corrupt)?;
        let (length, tail) = tail.split_first_chunk::<4>().ok_or_else(corrupt)?;
        let (data, tail) = tail
            .split_at_checked(u32::from_be_bytes(*length) as usize)
            .ok_or_else(corrupt)?;
        let path = std::str::from_utf8(path).map_err(|_| corrupt())?;
        uploads.push(Upload {
            path: path.into(),
            bytes: data.to_vec(),
        });
        rest = tail;
    }
    Ok(uploads)
}
