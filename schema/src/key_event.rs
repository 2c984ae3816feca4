//! The end of a creator's key, as the log holds it: revoked, or replaced by another key of the same person.
//!
//! The one rule: a statement carries no time. What a key signed before its end stands, and "before" is the order of the log.

use crate::canonical;
use crate::digest::Digest;
use crate::error::Error;
use crate::key::{PublicKey, SecretKey};
use crate::leaf::{Leaf, LeafKind};
use crate::statement::{self, Envelope, Predicate, Subject};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// Why a key ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Its owner wants another one.
    Routine,
    /// Its owner has it no more.
    Lost,
    /// Somebody else may have it.
    Stolen,
}

impl Reason {
    /// Every reason, in the order in which forms show them.
    pub const ALL: [Self; 3] = [Self::Routine, Self::Lost, Self::Stolen];

    /// The name in documents, forms and the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Routine => "routine",
            Self::Lost => "lost",
            Self::Stolen => "stolen",
        }
    }

    /// Reads a name.
    ///
    /// # Errors
    /// For anything but the three.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|reason| reason.name() == text);
        found.ok_or_else(|| Error::invalid("reason", format!("{text:?} is not a reason")))
    }
}

/// On whose word a key ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Authority {
    /// The key itself signed.
    Key,
    /// The platform signed, after the account's owner gave their password again: weaker, and marked so.
    Account,
}

/// A key's end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyEndStatement {
    /// SHA-256 of the key that ends.
    pub key_hash: Digest,
    /// Why.
    pub reason: Reason,
    /// On whose word.
    pub authority: Authority,
    /// The key that its owner uses from now on, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<PublicKey>,
}

impl Predicate for KeyEndStatement {
    const TYPE: &'static str = "https://seedmark.dev/key-end/v1";
}

impl KeyEndStatement {
    /// Signs the statement and its leaf for the log `origin`: with the key that ends, or with the platform's.
    ///
    /// # Errors
    /// When the statement cannot be written.
    pub fn sign(&self, origin: &str, secret: &SecretKey) -> Result<(Envelope, Leaf), Error> {
        let envelope = Envelope::sign(&[Subject::key(&self.key_hash)], self, secret)?;
        let leaf = Leaf::sign(origin, LeafKind::KeyEvent, envelope.digest()?, secret);
        Ok((envelope, leaf))
    }

    /// The digest of the statement's leaf, whoever signs it.
    ///
    /// # Errors
    /// When the statement cannot be written.
    pub fn digest(&self) -> Result<Digest, Error> {
        statement::digest_of(&[Subject::key(&self.key_hash)], self)
    }

    /// Reads a statement that `signer` made with its leaf, and checks that both belong together and that `signer` may say so:
    /// the key itself, or `platform` for an account.
    ///
    /// # Errors
    /// Names the part that does not hold.
    pub fn open(
        envelope: &Envelope,
        leaf: &Leaf,
        origin: &str,
        signer: &PublicKey,
        platform: &PublicKey,
    ) -> Result<Self, Error> {
        let (statement, about) = envelope.open::<Self>(signer)?;
        leaf.verify(origin, signer)?;
        let wrong = |place: &str, what: &str| Err(Error::invalid(place, what));
        if leaf.kind != LeafKind::KeyEvent || leaf.digest != envelope.digest()? {
            return wrong("leaf", "does not belong to the statement");
        }
        if about != [Subject::key(&statement.key_hash)] {
            return wrong("statement.subject", "is not the key that ends");
        }
        let may = match statement.authority {
            Authority::Key => signer.hash() == statement.key_hash,
            Authority::Account => signer == platform && signer.hash() != statement.key_hash,
        };
        if !may {
            return wrong("statement.authority", "is not who signed");
        }
        if statement
            .successor
            .as_ref()
            .is_some_and(|key| key.hash() == statement.key_hash)
        {
            return wrong("statement.successor", "is the key that ends");
        }
        Ok(statement)
    }
}

/// The format's name of a [`KeyEnd`].
pub const FORMAT: &str = "seedmark.dev/key-end/v1";
/// The largest [`KeyEnd`], in bytes.
pub const MAX_BYTES: usize = 16 * 1024;

/// The end of a key on its way into the log, as a program sends it: signed by the key itself, and by its successor if it names one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyEnd {
    format: String,
    /// The DSSE envelope.
    pub statement: Envelope,
    /// 130 bytes, base64.
    pub leaf: String,
    /// The key that ends.
    pub key: PublicKey,
}

impl KeyEnd {
    /// Ends `secret` for the log `origin`; the successor's signature shows that it agrees.
    ///
    /// # Errors
    /// When the statement cannot be written.
    pub fn sign(
        origin: &str,
        secret: &SecretKey,
        reason: Reason,
        successor: Option<&SecretKey>,
    ) -> Result<Self, Error> {
        let statement = KeyEndStatement {
            key_hash: secret.public().hash(),
            reason,
            authority: Authority::Key,
            successor: successor.map(SecretKey::public),
        };
        let (mut envelope, leaf) = statement.sign(origin, secret)?;
        if let Some(successor) = successor {
            envelope.cosign(successor)?;
        }
        Ok(Self {
            format: FORMAT.into(),
            statement: envelope,
            leaf: STANDARD.encode(leaf.to_bytes()),
            key: secret.public(),
        })
    }

    /// Reads one.
    ///
    /// # Errors
    /// Names what is malformed.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        canonical::parse(bytes, MAX_BYTES, "key end", FORMAT)
    }

    /// The canonical bytes.
    ///
    /// # Errors
    /// Never for one made by [`KeyEnd::sign`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        canonical::to_bytes(self, "key end")
    }

    /// Checks signatures and digests: the key's own, and its successor's.
    ///
    /// # Errors
    /// Names the part that does not hold.
    pub fn open(&self, origin: &str) -> Result<(KeyEndStatement, Leaf), Error> {
        let bytes = STANDARD
            .decode(&self.leaf)
            .map_err(|_| Error::malformed("leaf", "is not base64"))?;
        let (leaf, key) = (Leaf::parse(&bytes)?, &self.key);
        let statement = KeyEndStatement::open(&self.statement, &leaf, origin, key, key)?;
        if statement.authority != Authority::Key {
            return Err(Error::invalid("statement.authority", "is not the key"));
        }
        if let Some(successor) = &statement.successor
            && !self.statement.is_signed_by(successor)?
        {
            return Err(Error::invalid("statement.successor", "has not signed"));
        }
        Ok((statement, leaf))
    }
}

#[cfg(test)]
mod tests {
    use super::{Authority, KeyEndStatement, Reason};
    use crate::key::SecretKey;
    use crate::leaf::{Leaf, LeafKind};

    const ORIGIN: &str = "log.example";

    fn secret(byte: u8) -> SecretKey {
        SecretKey::from_bytes([byte; 32])
    }

    fn end(authority: Authority) -> KeyEndStatement {
        KeyEndStatement {
            key_hash: secret(1).public().hash(),
            reason: Reason::Lost,
            authority,
            successor: Some(secret(2).public()),
        }
    }

    #[test]
    fn a_key_ends_on_its_own_word_or_on_the_accounts_and_says_which() {
        for (authority, signer) in [(Authority::Key, secret(1)), (Authority::Account, secret(9))] {
            let statement = end(authority);
            let (envelope, leaf) = statement.sign(ORIGIN, &signer).expect("signed");
            let read = KeyEndStatement::open(
                &envelope,
                &leaf,
                ORIGIN,
                &signer.public(),
                &secret(9).public(),
            );
            assert_eq!(read.expect("it holds"), statement);
        }
        // Each claims the other's authority.
        for (authority, signer) in [
            (Authority::Key, secret(9)),
            (Authority::Account, secret(1)),
            (Authority::Account, secret(8)),
        ] {
            let (envelope, leaf) = end(authority).sign(ORIGIN, &signer).expect("signed");
            assert!(
                KeyEndStatement::open(
                    &envelope,
                    &leaf,
                    ORIGIN,
                    &signer.public(),
                    &secret(9).public()
                )
                .is_err()
            );
        }
    }

    #[test]
    fn a_leaf_of_another_statement_log_kind_or_key_is_refused() {
        let (envelope, leaf) = end(Authority::Key)
            .sign(ORIGIN, &secret(1))
            .expect("signed");
        let digest = envelope.digest().expect("a digest");
        let open = |leaf: &Leaf, origin: &str, signer: u8| {
            KeyEndStatement::open(
                &envelope,
                leaf,
                origin,
                &secret(signer).public(),
                &secret(9).public(),
            )
            .is_ok()
        };
        assert!(open(&leaf, ORIGIN, 1));
        assert!(!open(&leaf, "other.example", 1));
        assert!(!open(&leaf, ORIGIN, 2));
        let other = Leaf::sign(ORIGIN, LeafKind::Withdrawal, digest, &secret(1));
        assert!(!open(&other, ORIGIN, 1), "another kind");
        let other = Leaf::sign(
            ORIGIN,
            LeafKind::KeyEvent,
            secret(3).public().hash(),
            &secret(1),
        );
        assert!(!open(&other, ORIGIN, 1), "another digest");
        let mut own = end(Authority::Key);
        own.successor = Some(secret(1).public());
        let (envelope, leaf) = own.sign(ORIGIN, &secret(1)).expect("signed");
        let read = KeyEndStatement::open(
            &envelope,
            &leaf,
            ORIGIN,
            &secret(1).public(),
            &secret(9).public(),
        );
        assert!(read.is_err(), "its own successor");
    }

    #[test]
    fn a_successor_must_agree() {
        let (old, new) = (secret(1), secret(2));
        let end = super::KeyEnd::sign(ORIGIN, &old, Reason::Routine, Some(&new));
        let end = super::KeyEnd::parse(&end.expect("signed").to_bytes().expect("bytes"));
        let mut end = end.expect("it reads back");
        let (statement, _) = end.open(ORIGIN).expect("it holds");
        assert_eq!(statement.successor, Some(new.public()));
        assert!(end.open("other.example").is_err(), "another log");
        end.statement.signatures.truncate(1);
        assert!(end.open(ORIGIN).is_err(), "the successor has not signed");
        end.statement.cosign(&secret(3)).expect("a signature");
        assert!(end.open(ORIGIN).is_err(), "somebody else has");
    }
}
