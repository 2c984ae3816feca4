//! Signed notes (C2SP signed-note v1.0.0): a text, an empty line, and signature lines `— <name> <base64>`.
//!
//! The one rule: a *known* key whose signature fails rejects the whole note; unknown keys are skipped and kept.

use crate::error::{Error, ErrorKind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schema::digest::Digest;
use schema::key::{PublicKey, SecretKey};

const MAX_SIGNATURES: usize = 64;

/// What a key signs with, by the type byte of C2SP signed-note. Lines of other types are kept and ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Algorithm {
    /// A plain Ed25519 signature over the text, as a log makes it.
    Ed25519 = 1,
    /// A timestamped Ed25519 cosignature, as a witness makes it.
    Cosignature = 4,
}

impl Algorithm {
    fn of(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Ed25519),
            4 => Some(Self::Cosignature),
            _ => None,
        }
    }
}

fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Malformed, message)
}

/// Whether `name` may name a key or a log: not empty, no space, no plus sign.
#[must_use]
pub fn is_name(name: &str) -> bool {
    schema::leaf::is_origin(name)
}

fn key_id(name: &str, algorithm: Algorithm, key: &PublicKey) -> [u8; 4] {
    let mut bytes = name.as_bytes().to_vec();
    bytes.extend_from_slice(&[b'\n', algorithm as u8]);
    bytes.extend_from_slice(key.as_bytes());
    let digest = Digest::sha256(&bytes).0;
    std::array::from_fn(|i| digest[i])
}

/// A key that a note may be signed with: `name+hex8(key id)+base64(type | key)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    algorithm: Algorithm,
    key: PublicKey,
}

impl Verifier {
    /// A verifier for a log's key under its origin.
    ///
    /// # Errors
    /// For an impossible name.
    pub fn new(name: &str, key: PublicKey) -> Result<Self, Error> {
        Self::with(name, Algorithm::Ed25519, key)
    }

    /// A verifier for a witness's key under its name.
    ///
    /// # Errors
    /// For an impossible name.
    pub fn witness(name: &str, key: PublicKey) -> Result<Self, Error> {
        Self::with(name, Algorithm::Cosignature, key)
    }

    fn with(name: &str, algorithm: Algorithm, key: PublicKey) -> Result<Self, Error> {
        if is_name(name) {
            Ok(Self {
                name: name.into(),
                algorithm,
                key,
            })
        } else {
            Err(wrong(format!("{name:?} cannot name a log or key")))
        }
    }

    /// Reads a verifier key.
    ///
    /// # Errors
    /// `ErrorKind::Malformed`, also when the key id does not belong to name and key.
    pub fn parse(text: &str) -> Result<Self, Error> {
        // Neither a name nor base64 holds white space: what stands around came with copying.
        let mut parts = text.trim().splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong("a verifier key has the form name+id+key"));
        };
        let bytes = STANDARD
            .decode(key)
            .map_err(|_| wrong("the verifier key is not base64"))?;
        let known = bytes
            .split_first()
            .and_then(|(byte, key)| Some((Algorithm::of(*byte)?, key)));
        let Some((algorithm, key)) = known else {
            return Err(wrong(
                "the verifier key is neither an Ed25519 key nor a cosigner's",
            ));
        };
        let key = <[u8; 32]>::try_from(key)
            .map_err(|_| wrong("the verifier key is not 32 bytes long"))?;
        let key = PublicKey::from_bytes(&key).map_err(|error| wrong(error.to_string()))?;
        if hex::encode(key_id(name, algorithm, &key)) != id {
            return Err(wrong(
                "the verifier key's id does not belong to its name and key",
            ));
        }
        Self::with(name, algorithm, key)
    }

    /// What the key signs with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The four bytes that signature lines name the key by.
    #[must_use]
    pub fn key_id(&self) -> [u8; 4] {
        key_id(&self.name, self.algorithm, &self.key)
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
        let mut bytes = vec![self.algorithm as u8];
        bytes.extend_from_slice(self.key.as_bytes());
        write!(
            f,
            "{}+{}+{}",
            self.name,
            hex::encode(self.key_id()),
            STANDARD.encode(bytes)
        )
    }
}

/// One signature line: whose it claims to be, and the bytes after the key id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The signer's name.
    pub name: String,
    /// The key id.
    pub key_id: [u8; 4],
    /// What follows the key id; its form depends on the key's algorithm.
    pub bytes: Vec<u8>,
}

impl Signature {
    /// Whether the line claims to be by `verifier`.
    #[must_use]
    pub fn claims(&self, verifier: &Verifier) -> bool {
        self.name == verifier.name && self.key_id == verifier.key_id()
    }

    /// Reads one line, without its line feed.
    ///
    /// # Errors
    /// `ErrorKind::Malformed`.
    pub fn parse(line: &str) -> Result<Self, Error> {
        let malformed = || wrong("the note has a malformed signature line");
        let (name, signature) = line
            .strip_prefix("\u{2014} ")
            .and_then(|line| line.split_once(' '))
            .ok_or_else(malformed)?;
        let bytes = STANDARD
            .decode(signature)
            .map_err(|_| wrong("a note signature is not base64"))?;
        let (key_id, bytes) = bytes.split_first_chunk::<4>().ok_or_else(malformed)?;
        if !is_name(name) || bytes.is_empty() {
            return Err(malformed());
        }
        Ok(Self {
            name: name.into(),
            key_id: *key_id,
            bytes: bytes.to_vec(),
        })
    }
}

impl std::fmt::Display for Signature {
    /// The line, without its line feed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = [&self.key_id, self.bytes.as_slice()].concat();
        write!(f, "\u{2014} {} {}", self.name, STANDARD.encode(bytes))
    }
}

/// A note taken apart; nothing of it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note<'a> {
    /// The signed text, with its final line feed.
    pub text: &'a str,
    /// Every signature line, also those by unknown keys.
    pub signatures: Vec<Signature>,
}

impl<'a> Note<'a> {
    /// Takes a note apart, at its last empty line.
    ///
    /// # Errors
    /// `ErrorKind::Malformed`.
    pub fn parse(note: &'a str) -> Result<Self, Error> {
        if note.chars().any(|c| c.is_control() && c != '\n') {
            return Err(wrong("the note holds a control character"));
        }
        let at = note
            .rfind("\n\n")
            .ok_or_else(|| wrong("the note has no signatures"))?;
        let (text, lines) = (&note[..=at], &note[at + 2..]);
        if !lines.ends_with('\n') {
            return Err(wrong("the note's last line is not complete"));
        }
        if lines.lines().count() > MAX_SIGNATURES {
            return Err(wrong("the note has too many signatures"));
        }
        let signatures = lines
            .lines()
            .map(Signature::parse)
            .collect::<Result<_, _>>()?;
        Ok(Self { text, signatures })
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
    let line = Signature {
        name: name.into(),
        key_id: key_id(name, Algorithm::Ed25519, &secret.public()),
        bytes: secret.sign(text.as_bytes()).to_vec(),
    };
    Ok(format!("{text}\n{line}\n"))
}

/// Verifies a note with one trusted key and returns its text.
///
/// # Errors
/// `ErrorKind::Malformed` for a text that is no note, `ErrorKind::Forged` when `verifier` did not sign it.
pub fn open<'a>(note: &'a str, verifier: &Verifier) -> Result<&'a str, Error> {
    let parsed = Note::parse(note)?;
    let mut valid = false;
    for line in parsed
        .signatures
        .iter()
        .filter(|line| line.claims(verifier))
    {
        let name = verifier.name();
        let signature = <[u8; 64]>::try_from(line.bytes.as_slice())
            .map_err(|_| wrong(format!("the signature by {name} is not 64 bytes long")))?;
        let forged = |_| {
            Error::new(
                ErrorKind::Forged,
                format!("the note's signature by {name} does not hold"),
            )
        };
        verifier
            .key
            .verify(parsed.text.as_bytes(), &signature, "note")
            .map_err(forged)?;
        valid = true;
    }
    if valid {
        Ok(parsed.text)
    } else {
        Err(Error::new(
            ErrorKind::Forged,
            format!("the note has no signature by {verifier}"),
        ))
    }
}
