//! Checkpoints (C2SP tlog-checkpoint v1.0.0): `origin LF size LF base64(root) LF`, signed by the log.
//!
//! A checkpoint holds no time; time comes from cosignatures alone.

use crate::error::{Error, ErrorKind};
use crate::note::{self, Verifier};
use crate::tree::{Hash, empty_root};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schema::key::SecretKey;

/// A log's size and root at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// Entries.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
}

impl Checkpoint {
    /// Signs the checkpoint under its origin's name.
    ///
    /// # Errors
    /// For an impossible origin.
    pub fn sign(&self, secret: &SecretKey) -> Result<String, Error> {
        let text = format!(
            "{}\n{}\n{}\n",
            self.origin,
            self.size,
            STANDARD.encode(self.root)
        );
        note::sign(&text, &self.origin, secret)
    }

    /// Verifies and reads a signed checkpoint of the log that `log` names.
    ///
    /// # Errors
    /// `ErrorKind::Forged` without a valid signature, `ErrorKind::Malformed` for another text or origin.
    pub fn open(text: &str, log: &Verifier) -> Result<Self, Error> {
        let body = note::open(text, log)?;
        let wrong = |what: &str| Error::new(ErrorKind::Malformed, format!("checkpoint: {what}"));
        let mut lines = body.lines();
        let (Some(origin), Some(size), Some(root), None) =
            (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(wrong("has not exactly three lines"));
        };
        if origin != log.name() {
            return Err(wrong("is of another log"));
        }
        let number: u64 = size.parse().map_err(|_| wrong("has no numeric size"))?;
        if number.to_string() != size {
            return Err(wrong("has a size with extra digits"));
        }
        let root = STANDARD
            .decode(root)
            .ok()
            .and_then(|bytes| Hash::try_from(bytes).ok())
            .ok_or_else(|| wrong("has no root hash"))?;
        if number == 0 && root != empty_root() {
            return Err(wrong("claims a root for the empty tree"));
        }
        Ok(Self {
            origin: origin.into(),
            size: number,
            root,
        })
    }
}
