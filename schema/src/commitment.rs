//! The commitment to a recipe: fixed for good, yet telling nothing.
//!
//! `C = BLAKE3.derive_key("seedmark.dev 2026-11 recipe commitment v1",
//!  salt[32] | creator_key[32] | u64le(len R) | R | u16le(n) | n × pixel_blake3[32])`.
//! The creator's key is inside, so a copied commitment cannot be opened by another.

use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::key::PublicKey;

const CONTEXT: &str = "seedmark.dev 2026-11 recipe commitment v1";
/// The largest number of anchors a recipe may have.
pub const MAX_ANCHORS: usize = 16;

/// Thirty-two secret bytes from the operating system, one per recipe, never reused. Erasing it makes the leaf noise.
#[derive(Clone, PartialEq, Eq)]
pub struct Salt(pub [u8; 32]);

impl std::fmt::Debug for Salt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Salt(secret)")
    }
}

/// Computes the commitment over the exact recipe bytes and the anchors' pixel digests, in anchor order.
///
/// # Errors
/// When there is no anchor or there are more than [`MAX_ANCHORS`].
pub fn commit(
    salt: &Salt,
    creator: &PublicKey,
    recipe: &[u8],
    anchors: &[Digest],
) -> Result<Digest, Error> {
    if anchors.is_empty() || anchors.len() > MAX_ANCHORS {
        return Err(Error::invalid(
            "commitment.anchors",
            format!("{} anchors, 1 to {MAX_ANCHORS} belong", anchors.len()),
        ));
    }
    Ok(digest(salt, creator, recipe, anchors))
}

fn digest(salt: &Salt, creator: &PublicKey, recipe: &[u8], anchors: &[Digest]) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    hasher.update(&salt.0).update(creator.as_bytes());
    hasher
        .update(&(recipe.len() as u64).to_le_bytes())
        .update(recipe);
    // At most 16 anchors get here, so the count always fits.
    hasher.update(
        &u16::try_from(anchors.len())
            .unwrap_or(u16::MAX)
            .to_le_bytes(),
    );
    for anchor in anchors {
        hasher.update(&anchor.0);
    }
    Digest(*hasher.finalize().as_bytes())
}

/// Checks that an opening belongs to `commitment`.
///
/// # Errors
/// `ErrorKind::Forged` when salt, key, recipe or pixel digests are not those that were sealed.
pub fn open(
    commitment: &Digest,
    salt: &Salt,
    creator: &PublicKey,
    recipe: &[u8],
    anchors: &[Digest],
) -> Result<(), Error> {
    if commit(salt, creator, recipe, anchors)? == *commitment {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Forged,
        "commitment",
        "recipe, salt, creator key or pixel digests are not those that were sealed",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published vector shows what a framing without anchors would hash to; an opener refuses it all the same.
    #[test]
    fn an_opening_without_anchors_is_refused() {
        let salt = Salt([7; 32]);
        let key = PublicKey::of_secret(&[1; 32]);
        let commitment = digest(&salt, &key, b"{}", &[]);
        assert!(open(&commitment, &salt, &key, b"{}", &[]).is_err());
    }
}
