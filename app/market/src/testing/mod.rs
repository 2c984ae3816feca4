//! What tests of the market begin with: people, listings, lines that were bought, and a whole small shop.
//!
//! The one rule: a row that a test needs and does not speak of is written here and nowhere else. A builder has a default for every
//! column, so that a test names what it is about; what the rules themselves can make, they make.

mod bought;
mod listing;
mod models;
mod person;
pub(crate) mod plate;
mod shop;

pub(crate) use bought::Bought;
pub(crate) use listing::{Listing, Version};
pub(crate) use models::{runtime, second_model};
pub(crate) use person::Person;
pub(crate) use shop::{Shop, public_log, shop, traded};

use base::db::{Tx, execute};
use schema::digest::Digest;
use schema::leaf::LeafKind;

/// The name of the log whose leaves are written here.
pub(crate) const ORIGIN: &str = "log.test";

/// The hash of the leaf of this kind that stands for `name`.
pub(crate) fn leaf_hash(kind: LeafKind, name: &str) -> String {
    Digest::sha256(format!("{name} {kind:?}").as_bytes()).hex()
}

/// A leaf that nobody signed, queued or logged at an index; returns its hash.
pub(crate) async fn leaf(tx: &mut Tx, kind: LeafKind, name: &str, index: Option<i64>) -> String {
    let hash = leaf_hash(kind, name);
    let sql = "insert into log_leaf (leaf_hash, origin, kind, digest, key_hash, leaf, queued_ms, log_index)
        values ($1, $2, $3, $1, 'k', 'x', 1, $4)";
    execute!(tx, sql, &hash, ORIGIN, i64::from(kind as u8), index).expect("a leaf");
    hash
}

/// A secret that nothing opens.
pub(crate) async fn secret(tx: &mut Tx, id: &str) {
    let sql =
        "insert into secret (id, wrapped_key, ciphertext, created_ms) values ($1, 'w', 'c', 1)";
    execute!(tx, sql, id).expect("a secret");
}

/// A key that a person registered, named by its hash.
pub(crate) async fn key(tx: &mut Tx, person: &str, hash: &str) {
    let sql = "insert into creator_key (key_hash, person_id, public_key, created_ms) values ($2, $1, $2, 1)";
    execute!(tx, sql, person, hash).expect("a key");
}

/// The id that a test knows by a name; an id is its own name.
pub(crate) fn named<I: TryFrom<String>>(name: &str) -> I
where
    I::Error: std::fmt::Debug,
{
    let text = if schema::id::is_uuid(name) {
        name.to_owned()
    } else {
        let hex = Digest::sha256(name.as_bytes()).hex();
        let parts = [
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..32],
        ];
        parts.join("-")
    };
    I::try_from(text).expect("an id")
}
