//! The `.seedmark` file: all that is needed to check a recipe offline, and for an owner to open and regenerate it.
//!
//! The one rule: what was signed or hashed lies in it as base64 or as a string, never as nested JSON that would have to be
//! written again. Checking it is `ledger`'s business, which knows proofs; this file only reads and writes.

use crate::canonical;
use crate::commitment::Salt;
use crate::error::Error;
use crate::key::PublicKey;
use crate::leaf::Leaf;
use crate::statement::Envelope;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// The format's name.
pub const FORMAT: &str = "seedmark.dev/bundle/v1";
/// The largest bundle, in bytes: what an owner's holds beside the pictures is small, and those have a bound of their own.
pub const MAX_BYTES: usize = 1024 * 1024 + MAX_PICTURES_BYTES / 3 * 4;
/// The most bytes of all pictures that a recipe begins with, as PNG files.
pub const MAX_PICTURES_BYTES: usize = 12 * 1024 * 1024;
/// A starting picture and a mask.
const MAX_PICTURES: usize = 2;

/// A leaf with the proof that the log holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoggedLeaf {
    /// 130 bytes, base64.
    pub leaf: String,
    /// c2sp.org/tlog-proof@v1 text with a signed checkpoint.
    pub proof: String,
}

impl LoggedLeaf {
    /// Pairs a leaf with its proof.
    #[must_use]
    pub fn new(leaf: &Leaf, proof: String) -> Self {
        Self {
            leaf: STANDARD.encode(leaf.to_bytes()),
            proof,
        }
    }

    /// Reads the leaf.
    ///
    /// # Errors
    /// When it is not base64 of a leaf.
    pub fn leaf(&self, place: &str) -> Result<Leaf, Error> {
        Leaf::parse(&decode(&self.leaf, place)?)
            .map_err(|error| Error::new(error.kind(), place, error.message()))
    }
}

/// A signed statement with its leaf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoggedStatement {
    /// The DSSE envelope.
    pub statement: Envelope,
    /// Its leaf and proof.
    pub logged: LoggedLeaf,
    /// Who signed.
    pub key: PublicKey,
}

/// What only an owner holds; of what is given away, everybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnerPart {
    /// 32 bytes, base64.
    pub salt: String,
    /// The recipe's exact bytes, base64.
    pub recipe: String,
    /// The licence that was bought; absent in a creator's own file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<OwnedLicence>,
    /// The pictures that the recipe begins with, as PNG files in base64; which is which, the recipe's pixel digests say. Absent for most recipes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pictures: Option<Vec<String>>,
}

/// A licence document with the leaf that commits to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnedLicence {
    /// The licence document's exact bytes, base64.
    pub document: String,
    /// 32 bytes, base64.
    pub salt: String,
    /// Its leaf and proof, signed by `key`.
    pub logged: LoggedLeaf,
    /// The platform's key.
    pub key: PublicKey,
}

/// A bundle, public or an owner's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    format: String,
    /// The log's origin.
    pub origin: String,
    /// The log's verifier key, as the bundle claims it; trusted on first use only. Absent until something is logged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_key: Option<String>,
    /// The creator's key.
    pub creator: PublicKey,
    /// The sealed recipe's leaf. Without proof in a file that the CLI sealed and nobody logged yet.
    pub sealed: SealedPart,
    /// The listing statement and its leaf.
    pub listing: SealedListing,
    /// The platform's own reproduction before the sale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certification: Option<LoggedStatement>,
    /// The end of the creator's key, if it ended: what it signed before stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_end: Option<LoggedStatement>,
    /// Absent in a public bundle of a listing that is for sale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<OwnerPart>,
}

/// The sealed leaf, logged or not yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedPart {
    /// 130 bytes, base64.
    pub leaf: String,
    /// c2sp.org/tlog-proof@v1 text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
}

/// The listing statement with its leaf, logged or not yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedListing {
    /// The DSSE envelope.
    pub statement: Envelope,
    /// 130 bytes, base64.
    pub leaf: String,
    /// c2sp.org/tlog-proof@v1 text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
}

impl Bundle {
    /// Puts a bundle together.
    #[must_use]
    pub fn new(
        origin: String,
        log_key: Option<String>,
        creator: PublicKey,
        sealed: SealedPart,
        listing: SealedListing,
    ) -> Self {
        Self {
            format: FORMAT.into(),
            origin,
            log_key,
            creator,
            sealed,
            listing,
            certification: None,
            key_end: None,
            owner: None,
        }
    }

    /// Reads a bundle, as a file.
    ///
    /// # Errors
    /// Names what is malformed.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let bundle: Self = canonical::parse_file(bytes, MAX_BYTES, "bundle", FORMAT)?;
        if !crate::leaf::is_origin(&bundle.origin) {
            let why = format!("{:?} is no log's name", bundle.origin);
            return Err(Error::invalid("bundle.origin", why));
        }
        Ok(bundle)
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// Never for a bundle made of parsed parts.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        canonical::to_bytes(self, "bundle")
    }

    /// The sealed recipe's leaf.
    ///
    /// # Errors
    /// When it is not base64 of a leaf.
    pub fn leaf(&self) -> Result<Leaf, Error> {
        parse_leaf(&self.sealed.leaf, "leaf")
    }

    /// The listing statement's leaf.
    ///
    /// # Errors
    /// When it is not base64 of a leaf.
    pub fn listing_leaf(&self) -> Result<Leaf, Error> {
        parse_leaf(&self.listing.leaf, "listing.leaf")
    }
}

impl OwnerPart {
    /// The recipe's exact bytes.
    ///
    /// # Errors
    /// When it is not base64.
    pub fn recipe_bytes(&self) -> Result<Vec<u8>, Error> {
        decode(&self.recipe, "recipe")
    }

    /// The salt.
    ///
    /// # Errors
    /// When it is not base64 of 32 bytes.
    pub fn salt(&self) -> Result<Salt, Error> {
        salt(&self.salt, "salt").map(Salt)
    }

    /// The files of the pictures that the recipe begins with; whether they are those, their pixels say.
    ///
    /// # Errors
    /// When one is not base64, or there are more or larger ones than a recipe can begin with.
    pub fn picture_files(&self) -> Result<Vec<Vec<u8>>, Error> {
        let texts = self.pictures.as_deref().unwrap_or_default();
        if texts.len() > MAX_PICTURES {
            let why = format!(
                "holds {}, a recipe begins with {MAX_PICTURES} at most",
                texts.len()
            );
            return Err(Error::invalid("pictures", why));
        }
        let files = (0..)
            .zip(texts)
            .map(|(index, text)| decode(text, &format!("pictures[{index}]")));
        let files = files.collect::<Result<Vec<_>, _>>()?;
        check_picture_files(&files)?;
        Ok(files)
    }
}

impl OwnedLicence {
    /// The document's exact bytes.
    ///
    /// # Errors
    /// When it is not base64.
    pub fn document_bytes(&self) -> Result<Vec<u8>, Error> {
        decode(&self.document, "licence.document")
    }

    /// The licence's salt.
    ///
    /// # Errors
    /// When it is not base64 of 32 bytes.
    pub fn salt(&self) -> Result<[u8; 32], Error> {
        salt(&self.salt, "licence.salt")
    }
}

/// Whether a bundle carries these files of what its recipe begins with: nothing is sealed that its owner could not open.
///
/// # Errors
/// With their length and the limit.
pub fn check_picture_files(files: &[Vec<u8>]) -> Result<(), Error> {
    let bytes: usize = files.iter().map(Vec::len).sum();
    if bytes > MAX_PICTURES_BYTES {
        let why = format!("are {bytes} bytes long, the limit is {MAX_PICTURES_BYTES}");
        return Err(Error::invalid("pictures", why));
    }
    Ok(())
}

fn parse_leaf(text: &str, place: &str) -> Result<Leaf, Error> {
    Leaf::parse(&decode(text, place)?)
        .map_err(|error| Error::new(error.kind(), place, error.message()))
}

fn salt(text: &str, place: &str) -> Result<[u8; 32], Error> {
    <[u8; 32]>::try_from(decode(text, place)?)
        .map_err(|_| Error::malformed(place, "is not 32 bytes"))
}

fn decode(text: &str, place: &str) -> Result<Vec<u8>, Error> {
    STANDARD
        .decode(text)
        .map_err(|_| Error::malformed(place, "is not base64"))
}
