//! Licences: fixed texts that creators pick, and the salted document that proves a sale to its owner alone.
//!
//! A licence leaf's digest is `BLAKE3.derive_key("seedmark.dev 2026-11 licence v1", salt[32] | leaf_hash[32] | u64le(len L) | L)`;
//! it is salted so that nobody can count a creator's sales in the public log.

use crate::canonical;
use crate::digest::Digest;
use crate::error::{Error, quoted};
use serde::{Deserialize, Serialize};

const CONTEXT: &str = "seedmark.dev 2026-11 licence v1";
const FORMAT: &str = "seedmark.dev/licence/v1";
const MAX_BYTES: usize = 4096;

/// The fixed licences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Licence {
    /// Private use of the images; the recipe stays with the buyer.
    #[serde(rename = "personal-1")]
    Personal,
    /// Commercial use, goods up to 5,000 copies; the default.
    #[serde(rename = "standard-1")]
    Standard,
    /// Goods without limit, sticker and icon packs, ten seats.
    #[serde(rename = "extended-1")]
    Extended,
    /// Creative Commons Attribution 4.0, for free listings.
    #[serde(rename = "cc-by-4.0")]
    CcBy,
    /// Public domain dedication, for free listings.
    #[serde(rename = "cc0-1.0")]
    Cc0,
}

/// Whether each licence stands once.
#[must_use]
pub fn distinct(licences: &[Licence]) -> bool {
    (1..licences.len()).all(|at| !licences[..at].contains(&licences[at]))
}

impl Licence {
    /// Every licence, in the order in which forms show them.
    pub const ALL: [Self; 5] = [
        Self::Personal,
        Self::Standard,
        Self::Extended,
        Self::CcBy,
        Self::Cc0,
    ];

    /// The identifier with its version.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Personal => "personal-1",
            Self::Standard => "standard-1",
            Self::Extended => "extended-1",
            Self::CcBy => "cc-by-4.0",
            Self::Cc0 => "cc0-1.0",
        }
    }

    /// Reads an identifier.
    ///
    /// # Errors
    /// For anything but the fixed ones.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|licence| licence.id() == text);
        found.ok_or_else(|| {
            Error::invalid("licence", format!("{} is not a licence", quoted(text)))
                .rule("not-offered", "")
        })
    }

    /// Whether only a free listing may use it.
    #[must_use]
    pub fn free_only(self) -> bool {
        matches!(self, Self::CcBy | Self::Cc0)
    }
}

/// The licence document L that an owner holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LicenceDocument {
    format: String,
    /// Which text applies.
    pub licence: Licence,
    /// RFC 6962 hash of the sealed recipe's leaf.
    pub leaf: Digest,
    /// The order line that it was sold with.
    pub order_line: String,
    /// When it was granted, milliseconds since 1970.
    pub granted_ms: u64,
}

impl LicenceDocument {
    /// A licence for one order line.
    #[must_use]
    pub fn new(licence: Licence, leaf: Digest, order_line: String, granted_ms: u64) -> Self {
        Self {
            format: FORMAT.into(),
            licence,
            leaf,
            order_line,
            granted_ms,
        }
    }

    /// Reads the document L.
    ///
    /// # Errors
    /// Names what is malformed.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        canonical::parse(bytes, MAX_BYTES, "licence", FORMAT)
    }

    /// The canonical bytes L.
    ///
    /// # Errors
    /// Never for a document made by [`LicenceDocument::new`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        canonical::to_bytes(self, "licence")
    }
}

/// The salted digest that goes into a licence leaf; `document` are the exact bytes L.
#[must_use]
pub fn commit(salt: &[u8; 32], leaf_hash: &Digest, document: &[u8]) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    hasher
        .update(salt)
        .update(&leaf_hash.0)
        .update(&(document.len() as u64).to_le_bytes())
        .update(document);
    Digest(*hasher.finalize().as_bytes())
}
