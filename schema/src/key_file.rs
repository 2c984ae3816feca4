//! A secret key at rest: encrypted under a passphrase, one format for browser and CLI.
//!
//! `seedmark.dev/key/v1`: Argon2id (RFC 9106) makes the key, XChaCha20-Poly1305 seals the 32 secret bytes with the
//! public key as associated data, so that a file cannot claim to hold another key.

use crate::canonical;
use crate::error::{Error, ErrorKind};
use crate::key::{PublicKey, SecretKey};
use crate::passphrase::Passphrase;
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use zeroize::Zeroize as _;

const FORMAT: &str = "seedmark.dev/key/v1";
/// The largest key file, in bytes.
pub const MAX_BYTES: usize = 4096;
/// The shortest passphrase accepted, in characters.
pub const MIN_PASSPHRASE: usize = 8;
/// Upper bound on the memory a file may ask for, so that a hostile file cannot exhaust a reader.
const MAX_MEMORY_KIB: u32 = 256 * 1024;

/// What lies on disk or in the browser's storage.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFile {
    format: String,
    /// The public half, readable without the passphrase.
    pub public: PublicKey,
    kdf: Kdf,
    nonce: String,
    ciphertext: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kdf {
    name: String,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: String,
}

impl KeyFile {
    /// Encrypts `secret` under `passphrase`; `random` are 40 fresh bytes (16 of salt, 24 of nonce).
    ///
    /// # Errors
    /// When the passphrase is shorter than [`MIN_PASSPHRASE`].
    pub fn seal(
        secret: &SecretKey,
        passphrase: &Passphrase,
        random: &[u8; 40],
    ) -> Result<Self, Error> {
        let passphrase = passphrase.composed();
        if passphrase.chars().count() < MIN_PASSPHRASE {
            return Err(Error::invalid(
                "passphrase",
                format!("is shorter than {MIN_PASSPHRASE} characters"),
            ));
        }
        let (salt, nonce) = random.split_at(16);
        let kdf = Kdf {
            name: "argon2id".into(),
            memory_kib: 19_456,
            passes: 2,
            lanes: 1,
            salt: STANDARD.encode(salt),
        };
        let public = secret.public();
        let payload = Payload {
            msg: secret.expose(),
            aad: public.as_bytes(),
        };
        let ciphertext = cipher(&kdf, passphrase)?
            .encrypt(&nonce_of(nonce)?, payload)
            .map_err(|_| Error::invalid("key file", "could not be encrypted"))?;
        Ok(Self {
            format: FORMAT.into(),
            public,
            kdf,
            nonce: STANDARD.encode(nonce),
            ciphertext: STANDARD.encode(ciphertext),
        })
    }

    /// Decrypts the secret key, trying every spelling of the passphrase.
    ///
    /// # Errors
    /// `ErrorKind::Forged` for a wrong passphrase or a changed file; nothing tells the two apart.
    pub fn open(&self, passphrase: &Passphrase) -> Result<SecretKey, Error> {
        let (first, others) = (passphrase.composed(), passphrase.others());
        others
            .iter()
            .fold(self.open_with(first), |opened, spelling| match opened {
                Err(error) if error.kind() == ErrorKind::Forged => self.open_with(spelling),
                opened => opened,
            })
    }

    fn open_with(&self, passphrase: &str) -> Result<SecretKey, Error> {
        let wrong = || {
            Error::new(
                ErrorKind::Forged,
                "key file",
                "the passphrase is wrong, or the file was changed",
            )
        };
        let nonce = decode(&self.nonce, "key file.nonce")?;
        let ciphertext = decode(&self.ciphertext, "key file.ciphertext")?;
        let payload = Payload {
            msg: &ciphertext,
            aad: self.public.as_bytes(),
        };
        let mut plain = cipher(&self.kdf, passphrase)?
            .decrypt(&nonce_of(&nonce)?, payload)
            .map_err(|_| wrong())?;
        let bytes = <[u8; 32]>::try_from(plain.as_slice()).map_err(|_| wrong());
        plain.zeroize();
        let secret = SecretKey::from_bytes(bytes?);
        if secret.public() == self.public {
            Ok(secret)
        } else {
            Err(wrong())
        }
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// Names what is malformed.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        canonical::parse_file(bytes, MAX_BYTES, "key file", FORMAT)
    }

    /// The bytes to store.
    ///
    /// # Errors
    /// Never for a file made by [`KeyFile::seal`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        canonical::to_bytes(self, "key file")
    }
}

fn decode(text: &str, place: &str) -> Result<Vec<u8>, Error> {
    STANDARD
        .decode(text)
        .map_err(|_| Error::malformed(place, "is not base64"))
}

fn nonce_of(bytes: &[u8]) -> Result<XNonce, Error> {
    <[u8; 24]>::try_from(bytes)
        .map(XNonce::from)
        .map_err(|_| Error::malformed("key file.nonce", "is not 24 bytes"))
}

fn cipher(kdf: &Kdf, passphrase: &str) -> Result<XChaCha20Poly1305, Error> {
    if kdf.name != "argon2id" {
        return Err(Error::new(
            ErrorKind::Unknown,
            "key file.kdf",
            format!("{:?} is not known", kdf.name),
        ));
    }
    if kdf.memory_kib > MAX_MEMORY_KIB || kdf.passes > 16 || kdf.lanes > 4 {
        return Err(Error::invalid(
            "key file.kdf",
            "asks for too much memory or time",
        ));
    }
    let params = Params::new(kdf.memory_kib, kdf.passes, kdf.lanes, Some(32))
        .map_err(|_| Error::invalid("key file.kdf", "has impossible parameters"))?;
    let salt = decode(&kdf.salt, "key file.kdf.salt")?;
    let mut key = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), &salt, &mut key)
        .map_err(|_| Error::invalid("key file.kdf", "has impossible parameters"))?;
    let cipher = XChaCha20Poly1305::new(&key.into());
    key.zeroize();
    Ok(cipher)
}
