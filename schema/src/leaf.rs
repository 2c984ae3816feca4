//! The 130 bytes that the public log holds: hashes and a signature, no text.
//!
//! `u8 version=1 | u8 kind | digest[32] | key_hash[32] | signature[64]`. The signature is over
//! `"seedmark.dev/leaf/v1\0" | origin | 0x00 | version | kind | digest`; the origin is inside, so a leaf belongs to one log.

use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::key::{PublicKey, SecretKey};
use serde::{Deserialize, Serialize};

/// The length of every leaf.
pub const LEN: usize = 130;
const VERSION: u8 = 1;
const DOMAIN: &[u8] = b"seedmark.dev/leaf/v1\0";

/// Whether a text may be a log's name: not empty, no white space, no control character, no plus sign (C2SP signed-note).
#[must_use]
pub fn is_origin(name: &str) -> bool {
    !name.is_empty()
        && !name
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

/// What a leaf records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum LeafKind {
    /// A commitment to a recipe, signed by its creator.
    SealedRecipe = 1,
    /// A statement on a reproduction, signed by whoever ran it; certification is the platform's.
    Reproduction = 2,
    /// Rotation or revocation of a key.
    KeyEvent = 3,
    /// A salted commitment to a licence, signed by the platform.
    Licence = 4,
    /// The end of a listing, by its creator or the platform.
    Withdrawal = 5,
    /// The public statement on what is for sale, signed in the same step as the seal.
    Listing = 6,
}

impl LeafKind {
    /// Reads the kind byte.
    ///
    /// # Errors
    /// For a byte outside 1..=6.
    pub fn from_byte(byte: u8) -> Result<Self, Error> {
        Ok(match byte {
            1 => Self::SealedRecipe,
            2 => Self::Reproduction,
            3 => Self::KeyEvent,
            4 => Self::Licence,
            5 => Self::Withdrawal,
            6 => Self::Listing,
            _ => {
                return Err(Error::new(
                    ErrorKind::Unknown,
                    "leaf.kind",
                    format!("{byte} is not a kind of leaf"),
                ));
            }
        })
    }
}

/// One entry of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// What is recorded.
    pub kind: LeafKind,
    /// A commitment, or SHA-256 of a statement's pre-authentication encoding.
    pub digest: Digest,
    /// SHA-256 of the signer's public key.
    pub key_hash: Digest,
    /// Ed25519 over [`message`].
    pub signature: [u8; 64],
}

/// The bytes that a leaf's signature covers.
#[must_use]
pub fn message(origin: &str, kind: LeafKind, digest: &Digest) -> Vec<u8> {
    let mut message = Vec::with_capacity(DOMAIN.len() + origin.len() + 35);
    message.extend_from_slice(DOMAIN);
    message.extend_from_slice(origin.as_bytes());
    message.extend_from_slice(&[0, VERSION, kind as u8]);
    message.extend_from_slice(&digest.0);
    message
}

impl Leaf {
    /// Signs a leaf for the log `origin`.
    #[must_use]
    pub fn sign(origin: &str, kind: LeafKind, digest: Digest, secret: &SecretKey) -> Self {
        let signature = secret.sign(&message(origin, kind, &digest));
        Self {
            kind,
            digest,
            key_hash: secret.public().hash(),
            signature,
        }
    }

    /// Reads 130 bytes. The signature is not checked here: that takes the key and the origin.
    ///
    /// # Errors
    /// For another length, version or an unknown kind.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() != LEN {
            return Err(Error::malformed(
                "leaf",
                format!("is {} bytes long, expected {LEN}", bytes.len()),
            ));
        }
        if bytes[0] != VERSION {
            return Err(Error::new(
                ErrorKind::Unknown,
                "leaf.version",
                format!("{} is not known", bytes[0]),
            ));
        }
        let part = |from: usize| -> [u8; 32] { std::array::from_fn(|i| bytes[from + i]) };
        Ok(Self {
            kind: LeafKind::from_byte(bytes[1])?,
            digest: Digest(part(2)),
            key_hash: Digest(part(34)),
            signature: std::array::from_fn(|i| bytes[66 + i]),
        })
    }

    /// The 130 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        bytes[0] = VERSION;
        bytes[1] = self.kind as u8;
        bytes[2..34].copy_from_slice(&self.digest.0);
        bytes[34..66].copy_from_slice(&self.key_hash.0);
        bytes[66..].copy_from_slice(&self.signature);
        bytes
    }

    /// Checks signer and signature.
    ///
    /// # Errors
    /// `LeafKind::Forged` when `key` is not the leaf's signer, or the signature is not over this leaf in this log.
    pub fn verify(&self, origin: &str, key: &PublicKey) -> Result<(), Error> {
        if key.hash() != self.key_hash {
            return Err(Error::new(
                ErrorKind::Forged,
                "leaf.key",
                format!("{key} is not the key that this leaf names"),
            ));
        }
        key.verify(
            &message(origin, self.kind, &self.digest),
            &self.signature,
            "leaf.signature",
        )
    }

    /// The RFC 6962 leaf hash, SHA-256(00 | leaf): how statements and pages name a leaf.
    #[must_use]
    pub fn hash(&self) -> Digest {
        let mut bytes = [0; LEN + 1];
        bytes[1..].copy_from_slice(&self.to_bytes());
        Digest::sha256(&bytes)
    }
}
