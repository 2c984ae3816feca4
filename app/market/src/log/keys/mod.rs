//! Rules of creators' keys: registered with a proof of possession, ended on their own word or on the account's.
//!
//! The one rule: a key that ended signs nothing new here, and what it signed before stands. Whether the account may speak for a key is its
//! caller's to ask.

pub mod ends;
mod store;

#[cfg(any(test, feature = "testing"))]
pub use store::ALL as STATEMENTS;

use super::service::{self as log, LeafRow, PublicLog};
use crate::facts::{self, Fact};
use base::db::{self, Db, Tx};
use base::random;
use schema::digest::Digest;
use schema::failure::FieldError;
use schema::key::{PublicKey, registration_message};
use schema::key_event::{Authority, KeyEnd, KeyEndStatement, Reason};
use schema::leaf::Leaf;
use schema::statement::Envelope;
use thiserror::Error as ThisError;

/// What can go wrong with a key.
#[derive(Debug, ThisError)]
pub enum Error {
    /// Fields of a form.
    #[error("invalid fields")]
    Invalid(Vec<FieldError>),
    /// The key belongs to somebody else.
    #[error("the key belongs to another account")]
    KeyTaken,
    /// No such key, or somebody else's.
    #[error("no such key")]
    NotFound,
    /// The log failed.
    #[error(transparent)]
    Log(#[from] log::Error),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] db::Error),
}

/// A registered key.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Key {
    /// Its hash, hex.
    pub key_hash: String,
    /// As people see it.
    pub public_key: String,
    /// When it was registered.
    pub created_ms: i64,
    /// Why it ended, if it did.
    pub reason: Option<String>,
    /// On whose word.
    pub authority: Option<String>,
    /// What replaced it.
    pub successor: Option<String>,
    /// The leaf that says so.
    pub end_leaf_hash: Option<String>,
}

/// How a key is to end.
pub enum Ending {
    /// The key itself signed, in its owner's browser.
    Signed {
        /// The statement's envelope, JSON.
        envelope: String,
        /// Its leaf, hex.
        leaf: String,
    },
    /// The owner has it no more; the account says so.
    Account {
        /// Why, a name of [`Reason`].
        reason: String,
        /// A registered key that replaces it, or nothing.
        successor: String,
    },
}

fn invalid(field: &'static str, code: &'static str) -> Error {
    Error::Invalid(vec![FieldError::new(field, code)])
}

/// Registers a creator's public key.
///
/// # Errors
/// [`Error::Invalid`] when key or signature is wrong or the key has ended, [`Error::KeyTaken`] when somebody else registered it.
pub async fn add_key(
    db: &Db,
    origin: &str,
    person: &str,
    key: &str,
    signature: &str,
) -> Result<PublicKey, Error> {
    let wrong = |error: &schema::Error| Error::Invalid(vec![FieldError::of("key", error)]);
    let key = PublicKey::parse(key).map_err(|error| wrong(&error))?;
    let mut bytes = [0; 64];
    let decoded = hex::decode_to_slice(signature, &mut bytes).is_ok();
    let message = registration_message(origin, person);
    if !decoded || key.verify(&message, &bytes, "key").is_err() {
        return Err(invalid("key", "proof"));
    }
    let hash = key.hash().hex();
    let mut tx = db.write().await?;
    if has_ended(&mut tx, &hash).await? {
        return Err(invalid("key", "ended-key"));
    }
    let now_ms = random::real_now_ms();
    let owner = store::insert_key(&mut tx, &hash, person, &key.to_string(), now_ms).await?;
    if owner != person {
        return Err(Error::KeyTaken);
    }
    tx.commit().await?;
    Ok(key)
}

/// A person's registered keys, also those that ended, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(tx: &mut Tx, person: &str) -> db::Result<Vec<Key>> {
    store::list_keys(tx, person).await
}

/// A person's keys that may sign.
///
/// # Errors
/// When the database fails.
pub async fn list_active(tx: &mut Tx, person: &str) -> db::Result<Vec<String>> {
    let keys = list(tx, person).await?;
    Ok(keys
        .into_iter()
        .filter(|key| key.reason.is_none())
        .map(|key| key.public_key)
        .collect())
}

/// Whether the key with this hash has ended.
///
/// # Errors
/// When the database fails.
pub async fn has_ended(tx: &mut Tx, key_hash: &str) -> db::Result<bool> {
    store::has_ended(tx, key_hash).await
}

/// Whether a key may sign something new in this transaction. Its end waits until the transaction is over, and the other way round:
/// of a signature and an end that come at once, one is first.
///
/// # Errors
/// When the database fails.
pub async fn hold(tx: &mut Tx, key_hash: &str) -> db::Result<bool> {
    // Only a registered key can end.
    Ok(!store::hold_key(tx, key_hash).await? || !store::has_ended(tx, key_hash).await?)
}

/// A key by its hash, whoever's it is.
///
/// # Errors
/// When the database fails.
pub async fn find(tx: &mut Tx, key_hash: &str) -> db::Result<Option<Key>> {
    store::find_key(tx, key_hash).await
}

/// Ends a person's key and queues the leaf that says so.
///
/// # Errors
/// [`Error::Invalid`] when the statement does not hold, the successor is not another active key of the same person, or the key has
/// ended already; [`Error::NotFound`] for another's key.
pub async fn end(
    db: &Db,
    log: &PublicLog,
    person: &str,
    key_hash: &str,
    ending: Ending,
) -> Result<(), Error> {
    let mut tx = db.read().await?;
    let keys = list(&mut tx, person).await?;
    drop(tx);
    let key = keys.iter().find(|key| key.key_hash == key_hash);
    let key = key.ok_or(Error::NotFound)?;
    let public = PublicKey::parse(&key.public_key).map_err(|_| Error::NotFound)?;
    if key.reason.is_some() {
        return Err(invalid("key", "ended-key"));
    }
    let (statement, envelope, leaf, signer) = match ending {
        Ending::Signed { envelope, leaf } => {
            let envelope: Envelope =
                serde_json::from_str(&envelope).map_err(|_| invalid("key", "proof"))?;
            let leaf = hex::decode(&leaf)
                .ok()
                .and_then(|bytes| Leaf::parse(&bytes).ok())
                .ok_or_else(|| invalid("key", "proof"))?;
            let statement =
                KeyEndStatement::open(&envelope, &leaf, &log.origin, &public, &log.platform_key())
                    .map_err(|_| invalid("key", "proof"))?;
            (statement, envelope, leaf, public)
        }
        Ending::Account { reason, successor } => {
            let successor = match successor.as_str() {
                "" => None,
                text => {
                    let key = PublicKey::parse(text);
                    Some(key.map_err(|_| invalid("successor", "unregistered-key"))?)
                }
            };
            let statement = KeyEndStatement {
                key_hash: public.hash(),
                reason: Reason::parse(&reason).map_err(|_| invalid("reason", "required"))?,
                authority: Authority::Account,
                successor,
            };
            let (envelope, leaf) = log.sign_key_end(&statement)?;
            (statement, envelope, leaf, log.platform_key())
        }
    };
    if let Some(successor) = &statement.successor {
        let successor = successor.to_string();
        let fits = |key: &Key| key.public_key == successor && key.reason.is_none();
        if successor == key.public_key || !keys.iter().any(fits) {
            return Err(invalid("successor", "unregistered-key"));
        }
    }
    keep(db, log, &statement, &envelope, &leaf, &signer).await
}

/// Ends a key on the word that a program sent: the key itself signed it, and its successor. Returns the leaf's hash.
///
/// # Errors
/// As [`end`]; [`Error::NotFound`] for a key that nobody registered here.
pub async fn end_by_key(db: &Db, log: &PublicLog, sent: &KeyEnd) -> Result<String, Error> {
    let (_, leaf) = sent
        .open(&log.origin)
        .map_err(|error| Error::Invalid(vec![FieldError::of("key", &error)]))?;
    let key_hash = sent.key.hash().hex();
    let mut tx = db.read().await?;
    let person = store::find_key_owner(&mut tx, &key_hash).await?;
    drop(tx);
    let ending = Ending::Signed {
        envelope: serde_json::to_string(&sent.statement).unwrap_or_default(),
        leaf: hex::encode(leaf.to_bytes()),
    };
    end(db, log, &person.ok_or(Error::NotFound)?, &key_hash, ending).await?;
    Ok(leaf.hash().hex())
}

async fn keep(
    db: &Db,
    log: &PublicLog,
    statement: &KeyEndStatement,
    envelope: &Envelope,
    leaf: &Leaf,
    signer: &PublicKey,
) -> Result<(), Error> {
    let mut tx = db.write().await?;
    let key_hash = statement.key_hash.hex();
    if !hold(&mut tx, &key_hash).await? {
        return Err(invalid("key", "ended-key"));
    }
    let row = log::queue(&mut tx, &log.origin, leaf, signer).await?;
    log::keep::<KeyEndStatement>(&mut tx, &row, &statement.key_hash, envelope, signer).await?;
    let now_ms = random::real_now_ms();
    let first = ends::insert(&mut tx, statement, &row.leaf_hash, now_ms).await?;
    if !first {
        return Err(invalid("key", "ended-key"));
    }
    facts::tell(&mut tx, &Fact::KeyEnded { key_hash }).await?;
    tx.commit().await?;
    Ok(())
}

/// A key's hash from an address.
///
/// # Errors
/// [`Error::NotFound`] for another text.
pub fn parse_hash(text: &str) -> Result<String, Error> {
    Digest::parse(text, "key")
        .map(|digest| digest.hex())
        .map_err(|_| Error::NotFound)
}

/// What is known about the end of the key that signed a leaf.
pub struct SignerEnd {
    /// The key.
    pub key: Key,
    /// Whether the leaf stands before the end in the log.
    pub stands: bool,
}

/// The end of the key that signed a leaf; `None` for a key that goes on, and for the leaf that ends it.
///
/// # Errors
/// When the database fails.
pub async fn find_signer_end(
    tx: &mut Tx,
    row: &LeafRow,
    key_hash: &str,
) -> Result<Option<SignerEnd>, log::Error> {
    let Some(key) = find(tx, key_hash).await? else {
        return Ok(None);
    };
    let Some(end) = key.end_leaf_hash.clone() else {
        return Ok(None);
    };
    if end == row.leaf_hash {
        return Ok(None);
    }
    let end = log::get_leaf(tx, &end).await?;
    // Neither has an index for a moment; then the queue decides, as the log will.
    let stands = match (row.log_index, end.log_index) {
        (Some(leaf), Some(end)) => leaf < end,
        (leaf, end_index) => {
            leaf.is_some() || end_index.is_none() && row.queued_ms <= end.queued_ms
        }
    };
    Ok(Some(SignerEnd { key, stands }))
}
