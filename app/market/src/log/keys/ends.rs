//! Finding out which key a logged end is about, after a database that knew it was lost: a leaf holds only a digest, and there are few
//! statements that it can be of.
//!
//! The one rule: no signature is made or checked for it. The digest is of the statement alone, and the leaf's key hash says whose
//! keys to try first.

use super::store;
use base::db::{self, Tx};
use base::random;
use schema::digest::Digest;
use schema::key::PublicKey;
use schema::key_event::{Authority, KeyEndStatement, Reason};
use schema::leaf::Leaf;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Every registered key with its owner.
///
/// # Errors
/// When the database fails.
pub async fn list_keys(tx: &mut Tx) -> db::Result<Vec<(String, String)>> {
    store::list_all_keys(tx).await
}

/// Notes a key's end that only the log knew; one that is known stays as it is.
///
/// # Errors
/// When the database fails.
pub async fn restore(tx: &mut Tx, statement: &KeyEndStatement, leaf_hash: &str) -> db::Result<()> {
    let now_ms = random::real_now_ms();
    insert(tx, statement, leaf_hash, now_ms).await.map(drop)
}

pub(super) async fn insert(
    tx: &mut Tx,
    statement: &KeyEndStatement,
    leaf_hash: &str,
    now_ms: i64,
) -> db::Result<bool> {
    store::insert_key_end(
        tx,
        &statement.key_hash.hex(),
        leaf_hash,
        statement.reason.name(),
        match statement.authority {
            Authority::Key => "key",
            Authority::Account => "account",
        },
        statement.successor.as_ref().map(ToString::to_string),
        now_ms,
    )
    .await
}

/// Registered keys, ready to be searched.
pub struct Search {
    /// Each person's keys.
    people: Vec<Vec<PublicKey>>,
    /// Whose a key is, and which of theirs.
    places: HashMap<Digest, (usize, usize)>,
}

/// What a search found.
#[derive(Default)]
pub struct Found {
    /// By the digest of the leaf.
    pub ends: HashMap<Digest, KeyEndStatement>,
    /// How many statements were written and hashed.
    pub tried: u64,
}

impl Search {
    /// Over every registered key, with its owner.
    #[must_use]
    pub fn new(keys: &[(String, String)]) -> Self {
        let mut owners: BTreeMap<&str, Vec<PublicKey>> = BTreeMap::new();
        for (owner, key) in keys {
            if let Ok(key) = PublicKey::parse(key) {
                owners.entry(owner).or_default().push(key);
            }
        }
        let people: Vec<Vec<PublicKey>> = owners.into_values().collect();
        let mut places = HashMap::new();
        for (person, keys) in people.iter().enumerate() {
            for (place, key) in keys.iter().enumerate() {
                places.insert(key.hash(), (person, place));
            }
        }
        Self { people, places }
    }

    /// The statements that these leaves are of. A key that was registered since the lost copy cannot be found.
    #[must_use]
    pub fn find(&self, leaves: &[Leaf]) -> Found {
        let mut found = Found::default();
        // Signed by the platform: any key may be meant. One pass over them serves every leaf.
        let mut foreign = HashSet::new();
        for leaf in leaves {
            match self.places.get(&leaf.key_hash) {
                Some(place) => {
                    let mut wanted = HashSet::from([leaf.digest]);
                    self.try_key(*place, Authority::Key, true, &mut wanted, &mut found);
                    self.try_key(*place, Authority::Key, false, &mut wanted, &mut found);
                }
                None => {
                    foreign.insert(leaf.digest);
                }
            }
        }
        // Few ends name a successor, and those that do are one among many.
        for successors in [false, true] {
            for place in self.places.values() {
                self.try_key(
                    *place,
                    Authority::Account,
                    successors,
                    &mut foreign,
                    &mut found,
                );
            }
        }
        found
    }

    /// Tries every statement that ends one key, with or without a successor, until nothing is wanted any more.
    fn try_key(
        &self,
        (person, place): (usize, usize),
        authority: Authority,
        successors: bool,
        wanted: &mut HashSet<Digest>,
        found: &mut Found,
    ) {
        let keys = &self.people[person];
        let key_hash = keys[place].hash();
        let others = keys.iter().filter(|key| successors && **key != keys[place]);
        let none = (!successors).then_some(None);
        for successor in none.into_iter().chain(others.map(|key| Some(*key))) {
            for reason in Reason::ALL {
                if wanted.is_empty() {
                    return;
                }
                let statement = KeyEndStatement {
                    key_hash,
                    reason,
                    authority,
                    successor,
                };
                found.tried += 1;
                // A statement of these parts can always be written.
                let Ok(digest) = statement.digest() else {
                    continue;
                };
                if wanted.remove(&digest) {
                    found.ends.insert(digest, statement);
                }
            }
        }
    }
}
