//! Signed notes (C2SP signed-note v1.0.0): a text, an empty line, and signature lines `— <name> <base64>`.
//!
//! The one rule: a *known* key whose signature fails rejects the whole note; unknown keys are skipped and kept.

use crate::error::{Error, Kind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schema::digest::Digest;
use schema::key::{PublicKey, SecretKey};

/// Type byte of an Ed25519 note signature.
const ED25519: u8 = 1;
const MAX_SIGNATURES: usize = 64;

fn wrong(message: impl Into<String>) -> Error {
    Error::new(Kind::Malformed, message)
}

/// Whether `name` may name a key or a log: not empty, no space, no plus sign.
#[must_use]
pub fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

fn key_id(name: &str, key: &PublicKey) -> [u8; 4] {
    let mut bytes = name.as_bytes().to_vec();
    bytes.extend_from_slice(&[b'\n', ED25519]);
    bytes.extend_from_slice(key.as_bytes());
    let digest = Digest::sha256(&bytes).0;
    std::array::from_fn(|i| digest[i])
}

/// A key that a note may be signed with: `name+hex8(key id)+base64(type | key)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    key: PublicKey,
}

impl Verifier {
    /// A verifier for a key under a name.
    ///
    /// # Errors
    /// For an impossible name.
    pub fn new(name: &str, key: PublicKey) -> Result<Self, Error> {
        if is_name(name) {
            Ok(Self {
                name: name.into(),
                key,
            })
        } else {
            Err(wrong(format!("{name:?} cannot name a log or key")))
        }
    }

    /// Reads a verifier key.
    ///
    /// # Errors
    /// `Kind::Malformed`, also when the key id does not belong to name and key.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong("a verifier key has the form name+id+key"));
        };
        let bytes = STANDARD
            .decode(key)
            .map_err(|_| wrong("the verifier key is not base64"))?;
        let Some((&ED25519, key)) = bytes.split_first() else {
            return Err(wrong("the verifier key is not an Ed25519 key"));
        };
        let key = <[u8; 32]>::try_from(key)
            .map_err(|_| wrong("the verifier key is not 32 bytes long"))?;
        let key = PublicKey::from_bytes(&key).map_err(|error| wrong(error.to_string()))?;
        if hex::encode(key_id(name, &key)) != id {
            return Err(wrong(
                "the verifier key's id does not belong to its name and key",
            ));
        }
        Self::new(name, key)
    }

    /// The name, which for a log is its origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        &self.key
    }
}

impl std::fmt::Display for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut bytes = vec![ED25519];
        bytes.extend_from_slice(self.key.as_bytes());
        write!(
            f,
            "{}+{}+{}",
            self.name,
            hex::encode(key_id(&self.name, &self.key)),
            STANDARD.encode(bytes)
        )
    }
}

/// Signs `text`, which ends in a line feed.
///
/// # Errors
/// For a text without final line feed or with control characters, or an impossible name.
pub fn sign(text: &str, name: &str, secret: &SecretKey) -> Result<String, Error> {
    if !text.ends_with('\n') || text.chars().any(|c| c.is_control() && c != '\n') || !is_name(name)
    {
        return Err(wrong(
            "a note is lines of plain text, and its signer has a plain name",
        ));
    }
    let mut bytes = key_id(name, &secret.public()).to_vec();
    bytes.extend_from_slice(&secret.sign(text.as_bytes()));
    Ok(format!(
        "{text}\n\u{2014} {name} {}\n",
        STANDARD.encode(bytes)
    ))
}

/// Verifies a note with one trusted key and returns its text.
///
/// # Errors
/// `Kind::Malformed` for a text that is no note, `Kind::Forged` when `verifier` did not sign it.
pub fn open<'a>(note: &'a str, verifier: &Verifier) -> Result<&'a str, Error> {
    if note.chars().any(|c| c.is_control() && c != '\n') {
        return Err(wrong("the note holds a control character"));
    }
    let at = note
        .rfind("\n\n")
        .ok_or_else(|| wrong("the note has no signatures"))?;
    let (text, signatures) = (&note[..=at], &note[at + 2..]);
    if !signatures.ends_with('\n') {
        return Err(wrong("the note's last line is not complete"));
    }
    let id = key_id(&verifier.name, &verifier.key);
    let mut valid = false;
    for (count, line) in signatures.lines().enumerate() {
        if count >= MAX_SIGNATURES {
            return Err(wrong("the note has too many signatures"));
        }
        let parsed = line
            .strip_prefix("\u{2014} ")
            .and_then(|line| line.split_once(' '));
        let (name, signature) =
            parsed.ok_or_else(|| wrong("the note has a malformed signature line"))?;
        let bytes = STANDARD
            .decode(signature)
            .map_err(|_| wrong("a note signature is not base64"))?;
        if !is_name(name) || bytes.len() < 5 {
            return Err(wrong("the note has a malformed signature line"));
        }
        if name != verifier.name || bytes[..4] != id {
            continue;
        }
        let signature = <[u8; 64]>::try_from(&bytes[4..])
            .map_err(|_| wrong("a note signature is not 64 bytes long"))?;
        let forged = |_| {
            Error::new(
                Kind::Forged,
                format!("the note's signature by {name} does not hold"),
            )
        };
        verifier
            .key
            .verify(text.as_bytes(), &signature, "note")
            .map_err(forged)?;
        valid = true;
    }
    if valid {
        Ok(text)
    } else {
        Err(Error::new(
            Kind::Forged,
            format!("the note has no signature by {verifier}"),
        ))
    }
}
