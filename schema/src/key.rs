//! Ed25519 keys (RFC 8032): creators', attesters' and the platform's.
//!
//! The one rule: signatures are verified strictly (`verify_strict`), since two verifiers that differ would split the log.
//! Public keys are shown in bech32m with the prefix `seedmark`, so that a typing error is caught.

use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32m, Hrp};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use zeroize::ZeroizeOnDrop;

const PREFIX: &str = "seedmark";

/// A public key that is a valid curve point.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads the 32 bytes of a public key.
    ///
    /// # Errors
    /// When the bytes are no curve point, or one of the weak ones that strict verification never accepts.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, Error> {
        let key = VerifyingKey::from_bytes(bytes)
            .map_err(|_| Error::invalid("key", "is not an Ed25519 public key"))?;
        if key.is_weak() {
            return Err(Error::invalid("key", "is a weak Ed25519 public key"));
        }
        Ok(Self(key))
    }

    /// The public half of a 32-byte secret.
    #[must_use]
    pub fn of_secret(secret: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(secret).verifying_key())
    }

    /// Reads the bech32m form, `seedmark1…`.
    ///
    /// # Errors
    /// Says whether the prefix, the checksum or the key itself is wrong.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let checked = CheckedHrpstring::new::<Bech32m>(text).map_err(|_| {
            Error::malformed(
                "key",
                "is not a key such as seedmark1…: a character is wrong or missing",
            )
        })?;
        if checked.hrp().to_lowercase() != PREFIX {
            return Err(Error::malformed(
                "key",
                format!(
                    "begins with {:?}, expected {PREFIX:?}",
                    checked.hrp().to_string()
                ),
            ));
        }
        let bytes: Vec<u8> = checked.byte_iter().collect();
        let bytes = <[u8; 32]>::try_from(bytes)
            .map_err(|_| Error::malformed("key", "does not hold 32 bytes"))?;
        Self::from_bytes(&bytes)
    }

    /// The raw 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// SHA-256 of the key: how leaves and pages name it.
    #[must_use]
    pub fn hash(&self) -> Digest {
        Digest::sha256(self.as_bytes())
    }

    /// Checks a signature strictly.
    ///
    /// # Errors
    /// `ErrorKind::Forged`, naming `place`.
    pub fn verify(&self, message: &[u8], signature: &[u8; 64], place: &str) -> Result<(), Error> {
        self.0
            .verify_strict(message, &Signature::from_bytes(signature))
            .map_err(|_| {
                Error::new(
                    ErrorKind::Forged,
                    place,
                    format!("the signature is not by {self}"),
                )
            })
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = Hrp::parse_unchecked(PREFIX);
        let text = bech32::encode::<Bech32m>(prefix, self.as_bytes()).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let key = Self::parse(&text).map_err(serde::de::Error::custom)?;
        // bech32 also allows all upper case; one key has one spelling in a document.
        if key.to_string() == text {
            Ok(key)
        } else {
            Err(serde::de::Error::custom("key: is not in lower case"))
        }
    }
}

/// A secret key in memory; wiped when dropped, never printed.
#[derive(ZeroizeOnDrop)]
pub struct SecretKey([u8; 32]);

impl SecretKey {
    /// Takes 32 bytes from the operating system's random source.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The secret itself, for encryption at rest only.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey::of_secret(&self.0)
    }

    /// Signs `message`.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        SigningKey::from_bytes(&self.0).sign(message).to_bytes()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.public())
    }
}

/// What a key signs when its owner registers it: `"seedmark.dev/key-registration/v1\0" | origin | 0x00 | person`.
#[must_use]
pub fn registration_message(origin: &str, person: &str) -> Vec<u8> {
    [
        b"seedmark.dev/key-registration/v1\0",
        origin.as_bytes(),
        b"\0",
        person.as_bytes(),
    ]
    .concat()
}
