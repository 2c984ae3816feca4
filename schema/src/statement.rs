//! Statements: in-toto Statement v1 in a DSSE envelope, signed with Ed25519.
//!
//! The one rule: verify first, then parse the payload from the verified bytes, and only with the expected types. DSSE and
//! in-toto require readers to ignore unknown fields in the outer layers; our own predicates refuse them.

use crate::canonical;
use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::key::{PublicKey, SecretKey};
use crate::licence::Licence;
use crate::pixels::PixelDigest;
use crate::recipe::{ModelDigest, Profile};
use crate::template::PublicVariable;
use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, STANDARD, URL_SAFE};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
const MAX_PAYLOAD_BYTES: usize = 64 * 1024;

/// DSSE's pre-authentication encoding: `"DSSEv1" SP len(type) SP type SP len(body) SP body` (secure-systems-lab/dsse, protocol.md).
#[must_use]
pub fn pae(payload_type: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "DSSEv1 {} {payload_type} {} ",
        payload_type.len(),
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// A DSSE envelope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The statement's exact bytes, base64.
    pub payload: String,
    /// `application/vnd.in-toto+json`.
    #[serde(rename = "payloadType")]
    pub payload_type: String,
    /// One or more signatures.
    pub signatures: Vec<EnvelopeSignature>,
}

/// One signature of an envelope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvelopeSignature {
    /// A hint only; it never decides.
    #[serde(default)]
    pub keyid: String,
    /// base64 of 64 bytes.
    pub sig: String,
}

/// Standard and URL-safe base64 must both be read (DSSE, envelope.md).
fn decode(text: &str, place: &str) -> Result<Vec<u8>, Error> {
    let alphabet: &GeneralPurpose = if text.contains(['-', '_']) {
        &URL_SAFE
    } else {
        &STANDARD
    };
    alphabet
        .decode(text)
        .map_err(|_| Error::malformed(place, "is not base64"))
}

/// A statement's canonical bytes.
fn body<P: Predicate>(subjects: &[Subject], predicate: &P) -> Result<Vec<u8>, Error> {
    let statement = Statement {
        kind: STATEMENT_TYPE.into(),
        subject: subjects.to_vec(),
        predicate_type: P::TYPE.into(),
        predicate: canonical::to_value(predicate, "statement")?,
    };
    canonical::to_bytes(&statement, "statement")
}

/// What [`Envelope::digest`] is of a predicate about `subjects`, whoever signs it.
///
/// # Errors
/// When the statement cannot be written canonically.
pub fn digest_of<P: Predicate>(subjects: &[Subject], predicate: &P) -> Result<Digest, Error> {
    Ok(Digest::sha256(&pae(
        PAYLOAD_TYPE,
        &body(subjects, predicate)?,
    )))
}

impl Envelope {
    /// Signs a predicate about `subjects`.
    ///
    /// # Errors
    /// When the statement cannot be written canonically.
    pub fn sign<P: Predicate>(
        subjects: &[Subject],
        predicate: &P,
        secret: &SecretKey,
    ) -> Result<Self, Error> {
        let body = body(subjects, predicate)?;
        let signature = secret.sign(&pae(PAYLOAD_TYPE, &body));
        Ok(Self {
            payload: STANDARD.encode(&body),
            payload_type: PAYLOAD_TYPE.into(),
            signatures: vec![EnvelopeSignature {
                keyid: secret.public().hash().hex(),
                sig: STANDARD.encode(signature),
            }],
        })
    }

    /// SHA-256 of the pre-authentication encoding: what a leaf's digest must equal.
    ///
    /// # Errors
    /// When the payload is not base64.
    pub fn digest(&self) -> Result<Digest, Error> {
        Ok(Digest::sha256(&pae(
            &self.payload_type,
            &decode(&self.payload, "statement.payload")?,
        )))
    }

    /// Adds the signature of another key: of the one that takes over from the one that ends.
    ///
    /// # Errors
    /// When the payload is not base64.
    pub fn cosign(&mut self, secret: &SecretKey) -> Result<(), Error> {
        let body = decode(&self.payload, "statement.payload")?;
        self.signatures.push(EnvelopeSignature {
            keyid: secret.public().hash().hex(),
            sig: STANDARD.encode(secret.sign(&pae(&self.payload_type, &body))),
        });
        Ok(())
    }

    /// Whether one of the signatures is by `key`.
    ///
    /// # Errors
    /// When the payload is not base64.
    pub fn is_signed_by(&self, key: &PublicKey) -> Result<bool, Error> {
        let message = pae(
            &self.payload_type,
            &decode(&self.payload, "statement.payload")?,
        );
        Ok(self.signatures.iter().any(|signature| {
            let bytes = decode(&signature.sig, "statement.signature")
                .ok()
                .and_then(|bytes| <[u8; 64]>::try_from(bytes).ok());
            bytes.is_some_and(|bytes| key.verify(&message, &bytes, "statement.signature").is_ok())
        }))
    }

    /// Verifies that `key` signed this envelope, then reads the predicate and the subjects.
    ///
    /// # Errors
    /// `ErrorKind::Forged` without a valid signature by `key`; otherwise names what is wrong inside.
    pub fn open<P: Predicate>(&self, key: &PublicKey) -> Result<(P, Vec<Subject>), Error> {
        if self.payload_type != PAYLOAD_TYPE {
            return Err(Error::new(
                ErrorKind::Unknown,
                "statement.payloadType",
                format!("is {:?}, expected {PAYLOAD_TYPE:?}", self.payload_type),
            ));
        }
        let body = decode(&self.payload, "statement.payload")?;
        if !self.is_signed_by(key)? {
            return Err(Error::new(
                ErrorKind::Forged,
                "statement.signature",
                format!("no signature is by {key}"),
            ));
        }
        let value = canonical::parse_value(&body, MAX_PAYLOAD_BYTES, "statement")?;
        let statement: Statement = canonical::from_value(value, "statement")?;
        if statement.kind != STATEMENT_TYPE {
            return Err(Error::new(
                ErrorKind::Unknown,
                "statement._type",
                format!("is {:?}", statement.kind),
            ));
        }
        if statement.predicate_type != P::TYPE {
            return Err(Error::new(
                ErrorKind::Unknown,
                "statement.predicateType",
                format!("is {:?}, expected {:?}", statement.predicate_type, P::TYPE),
            ));
        }
        Ok((
            canonical::from_value(statement.predicate, "statement.predicate")?,
            statement.subject,
        ))
    }

    /// The envelope's own JSON, for a form.
    ///
    /// # Errors
    /// Never for an envelope that was signed or read.
    pub fn json(&self) -> Result<String, Error> {
        String::from_utf8(canonical::to_bytes(self, "statement")?)
            .map_err(|_| Error::malformed("statement", "is not UTF-8"))
    }

    /// The statement's JSON text, for pages that show it. Not verified.
    ///
    /// # Errors
    /// When the payload is not base64 or not UTF-8.
    pub fn text(&self) -> Result<String, Error> {
        String::from_utf8(decode(&self.payload, "statement.payload")?)
            .map_err(|_| Error::malformed("statement", "is not UTF-8"))
    }
}

#[derive(Serialize, Deserialize)]
struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: canonical::Value,
}

/// What a statement is about: matched by digest alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// A name for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Algorithm to hex digest; always with `sha256`.
    pub digest: BTreeMap<String, String>,
}

impl Subject {
    /// A public key, by its hash.
    #[must_use]
    pub fn key(hash: &Digest) -> Self {
        Self {
            name: "key".into(),
            digest: BTreeMap::from([("sha256".into(), hash.hex())]),
        }
    }

    /// The pictures of a recipe, in the order of its anchors.
    #[must_use]
    pub fn pictures(all: &[PixelDigest]) -> Vec<Self> {
        let picture = |(index, pixels)| Self::picture(format!("anchor-{index}"), pixels);
        all.iter().enumerate().map(picture).collect()
    }

    /// A picture.
    #[must_use]
    pub fn picture(name: String, pixels: &PixelDigest) -> Self {
        let digest = [("blake3", pixels.blake3), ("sha256", pixels.sha256)];
        Self {
            name,
            digest: digest
                .into_iter()
                .map(|(algorithm, digest)| (algorithm.into(), digest.hex()))
                .collect(),
        }
    }
}

/// A predicate of ours: knows its URI and refuses unknown fields.
pub trait Predicate: Serialize + DeserializeOwned {
    /// The predicate type's URI. An identifier; nothing is fetched from it.
    const TYPE: &'static str;
}

/// One sealed picture and its labelled public copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnchorStatement {
    /// The exact picture.
    pub pixels: PixelDigest,
    /// The public copy with the AI label drawn in.
    pub labelled: PixelDigest,
}

/// What is for sale, in public: binds the sealed leaf to what buyers see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListingStatement {
    /// RFC 6962 hash of the sealed recipe's leaf.
    pub leaf: Digest,
    /// Model.
    pub model: ModelDigest,
    /// Profile.
    pub profile: Profile,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// The pictures, in the recipe's order.
    pub anchors: Vec<AnchorStatement>,
    /// Version of the label overlay.
    pub label_version: u32,
    /// The licences on offer.
    pub licences: Vec<Licence>,
    /// The variables' public side.
    pub variables: BTreeMap<String, PublicVariable>,
}

impl Predicate for ListingStatement {
    const TYPE: &'static str = "https://seedmark.dev/listing/v1";
}

/// How a reproduction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Every digest is equal.
    Exact,
    /// Some differ, by little that an eye would see.
    Near,
    /// At least one differs visibly, or could not be made.
    Different,
}

impl Outcome {
    /// The name in documents and the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Near => "near",
            Self::Different => "different",
        }
    }

    /// Reads a name.
    ///
    /// # Errors
    /// For anything but the three.
    pub fn parse(text: &str) -> Result<Self, Error> {
        [Self::Exact, Self::Near, Self::Different]
            .into_iter()
            .find(|outcome| outcome.name() == text)
            .ok_or_else(|| Error::invalid("outcome", format!("{text:?} is not an outcome")))
    }
}

/// Where a reproduction ran; strings from fixed lists, nothing that names a person or a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// Engine and version.
    pub engine: String,
    /// Runtime and version.
    pub runtime: String,
    /// Profile it ran under.
    pub profile: Profile,
    /// Architecture and features, such as `x86_64 avx2 fma`.
    pub cpu: String,
}

/// The outcome of regenerating a sealed recipe, for or against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReproductionStatement {
    /// RFC 6962 hash of the sealed recipe's leaf.
    pub leaf: Digest,
    /// Where it ran.
    pub environment: Environment,
    /// What was found, one per anchor in order.
    pub found: Vec<PixelDigest>,
    /// The verdict.
    pub outcome: Outcome,
}

impl ReproductionStatement {
    /// What it is about: each picture that was found, in order.
    #[must_use]
    pub fn subjects(&self) -> Vec<Subject> {
        Subject::pictures(&self.found)
    }
}

impl Predicate for ReproductionStatement {
    const TYPE: &'static str = "https://seedmark.dev/reproduction/v1";
}

/// Why a listing was taken off sale for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WithdrawalReason {
    /// Somebody else's rights.
    Rights,
    /// The law of where it is sold.
    Unlawful,
    /// It is not what its page says.
    Misleading,
    /// It harms people.
    Unsafe,
}

impl WithdrawalReason {
    /// Every reason, in the order in which forms show them.
    pub const ALL: [Self; 4] = [Self::Rights, Self::Unlawful, Self::Misleading, Self::Unsafe];

    /// The name in statements and forms.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rights => "rights",
            Self::Unlawful => "unlawful",
            Self::Misleading => "misleading",
            Self::Unsafe => "unsafe",
        }
    }

    /// Reads a name.
    ///
    /// # Errors
    /// For anything but the four.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|reason| reason.name() == text);
        found.ok_or_else(|| Error::invalid("reason", format!("{text:?} is not a reason")))
    }
}

/// The end of a listing. What was sealed, and when, stays provable; owners keep what they have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithdrawalStatement {
    /// RFC 6962 hash of the sealed recipe's leaf.
    pub leaf: Digest,
    /// Why.
    pub reason: WithdrawalReason,
}

impl Predicate for WithdrawalStatement {
    const TYPE: &'static str = "https://seedmark.dev/withdrawal/v1";
}
