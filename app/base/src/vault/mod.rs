//! Secrets at rest: recipes, salts and seeds, one data key each, wrapped by the installation's key.
//!
//! The one rule: every opening is written down with actor and reason, in the same transaction. Erasing the row erases the
//! secret. XChaCha20-Poly1305, with the secret's id as associated data, so that rows cannot be swapped.

mod store;
#[cfg(test)]
mod tests;
#[cfg(any(test, feature = "testing"))]
pub use store::ALL as STATEMENTS;

use crate::db::{self, Tx};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use thiserror::Error as ThisError;

/// Why a secret did not open.
#[derive(Debug, ThisError)]
pub enum Error {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] db::Error),
    /// The row is gone: it was erased.
    #[error("the secret {0} was erased")]
    Erased(String),
    /// Wrong installation key, or a changed row.
    #[error("the secret {0} does not open with this installation's key")]
    Damaged(String),
}

/// The installation's key.
#[derive(Clone)]
pub struct Vault {
    cipher: XChaCha20Poly1305,
    tag_key: [u8; 32],
    draw_key: [u8; 32],
}

impl Vault {
    /// Uses 32 bytes as the wrapping key.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self {
            cipher: XChaCha20Poly1305::new(&(*key).into()),
            tag_key: blake3::derive_key("seedmark.dev 2026-11 vault tags v1", key),
            draw_key: blake3::derive_key("seedmark.dev 2026-11 vault draws v1", key),
        }
    }

    /// Names a secret text so that two can be compared, and nobody without the installation's key can test a guess.
    #[must_use]
    pub fn tag(&self, text: &str) -> String {
        blake3::keyed_hash(&self.tag_key, text.as_bytes())
            .to_hex()
            .to_string()
    }

    /// Fills `out` with bytes that depend on a text in a way that only this installation's key knows, apart for each `use_name`.
    pub fn draw(&self, use_name: &str, text: &[u8], out: &mut [u8]) {
        let mut hasher = blake3::Hasher::new_keyed(&self.draw_key);
        hasher.update(use_name.as_bytes()).update(&[0]).update(text);
        hasher.finalize_xof().fill(out);
    }

    /// Encrypts and stores a secret, replacing an earlier text under the same id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn put(&self, tx: &mut Tx, id: &str, plain: &[u8], now_ms: i64) -> Result<(), Error> {
        let data_key: [u8; 32] = crate::random::bytes();
        let wrapped = seal(&self.cipher, &data_key, id);
        let ciphertext = seal(&XChaCha20Poly1305::new(&data_key.into()), plain, id);
        store::upsert(tx, id, &wrapped, &ciphertext, now_ms).await?;
        Ok(())
    }

    /// Erases a secret: without its data key nothing opens it any more. The record of its openings stays.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn erase(&self, tx: &mut Tx, id: &str) -> Result<(), Error> {
        store::erase(tx, id).await?;
        Ok(())
    }

    /// When and why somebody opened a secret, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn openings(
        &self,
        tx: &mut Tx,
        id: &str,
        actor: &str,
    ) -> Result<Vec<(String, i64)>, Error> {
        Ok(store::list_openings(tx, id, actor).await?)
    }

    /// Opens a secret that anybody may read, and notes nothing: what is given away to everybody has no openings to count.
    ///
    /// # Errors
    /// When it was erased or does not open.
    pub async fn open_public(&self, tx: &mut Tx, id: &str) -> Result<Vec<u8>, Error> {
        let (wrapped, ciphertext) = store::find(tx, id)
            .await?
            .ok_or_else(|| Error::Erased(id.into()))?;
        let damaged = || Error::Damaged(id.into());
        let data_key = unseal(&self.cipher, &wrapped, id).ok_or_else(damaged)?;
        let data_key = <[u8; 32]>::try_from(data_key).map_err(|_| damaged())?;
        unseal(&XChaCha20Poly1305::new(&data_key.into()), &ciphertext, id).ok_or_else(damaged)
    }

    /// Opens a secret and notes who and why.
    ///
    /// # Errors
    /// When it was erased or does not open.
    pub async fn open(
        &self,
        tx: &mut Tx,
        id: &str,
        actor: &str,
        reason: &str,
        now_ms: i64,
    ) -> Result<Vec<u8>, Error> {
        let plain = self.open_public(tx, id).await?;
        store::note_opening(tx, &crate::random::id(), id, actor, reason, now_ms).await?;
        Ok(plain)
    }
}

/// What opens a file that lies encrypted beside the database: part of a secret, and worth nothing without the file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FileKey(String);

impl std::fmt::Debug for FileKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FileKey(…)")
    }
}

/// What is associated with every encrypted file: no row's text opens as one.
const FILE: &str = "file";

/// Encrypts a file under a key of its own. Whoever stores the key in a secret decides how long the file can be read.
#[must_use]
pub fn lock(plain: &[u8]) -> (Vec<u8>, FileKey) {
    let key: [u8; 32] = crate::random::bytes();
    let sealed = seal_bytes(&XChaCha20Poly1305::new(&key.into()), plain, FILE);
    (sealed, FileKey(STANDARD.encode(key)))
}

/// Decrypts a file.
///
/// # Errors
/// [`Error::Damaged`] when it is another key's, or was changed.
pub fn unlock(key: &FileKey, sealed: &[u8]) -> Result<Vec<u8>, Error> {
    let key = STANDARD.decode(&key.0).ok();
    let key = key.and_then(|key| <[u8; 32]>::try_from(key).ok());
    key.and_then(|key| unseal_bytes(&XChaCha20Poly1305::new(&key.into()), sealed, FILE))
        .ok_or_else(|| Error::Damaged(FILE.into()))
}

fn seal(cipher: &XChaCha20Poly1305, plain: &[u8], id: &str) -> String {
    STANDARD.encode(seal_bytes(cipher, plain, id))
}

fn seal_bytes(cipher: &XChaCha20Poly1305, plain: &[u8], id: &str) -> Vec<u8> {
    let nonce: [u8; 24] = crate::random::bytes();
    let payload = Payload {
        msg: plain,
        aad: id.as_bytes(),
    };
    let sealed = cipher
        .encrypt(&XNonce::from(nonce), payload)
        .expect("XChaCha20-Poly1305 takes any text shorter than 256 GB");
    [nonce.as_slice(), &sealed].concat()
}

fn unseal(cipher: &XChaCha20Poly1305, text: &str, id: &str) -> Option<Vec<u8>> {
    unseal_bytes(cipher, &STANDARD.decode(text).ok()?, id)
}

fn unseal_bytes(cipher: &XChaCha20Poly1305, bytes: &[u8], id: &str) -> Option<Vec<u8>> {
    let (nonce, sealed) = bytes.split_first_chunk::<24>()?;
    let payload = Payload {
        msg: sealed,
        aad: id.as_bytes(),
    };
    cipher.decrypt(&XNonce::from(*nonce), payload).ok()
}
