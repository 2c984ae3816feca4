//! Writing a log: Sunlight's order, so that an acknowledged leaf survives a crash at any point.
//!
//! Compute tiles in memory → write one staging object → compare-and-swap the signed checkpoint in the lock store → write the
//! tiles out of the staging object → replace `checkpoint`. Start-up runs the same apply, or refuses. After an error of
//! kind `Fatal` nobody knows what was stored: the process must end.

mod folder;
mod staging;
#[cfg(test)]
mod tests;

pub use folder::{FileLock, Folder};

use crate::checkpoint::Checkpoint;
use crate::error::{Error, Kind};
use crate::note::Verifier;
use crate::proof::{self, TlogProof};
use crate::tile::{self, TileReader, WIDTH};
use crate::tree::{Hash, empty_root, leaf_hash, node_hash, root_of};
use schema::key::SecretKey;
use staging::Upload;

const CHECKPOINT: &str = "checkpoint";
/// The longest entry that fits a bundle's length field.
const MAX_ENTRY_BYTES: usize = u16::MAX as usize;

/// Where tiles lie. Writes are durable when they return.
pub trait Storage: Send + Sync {
    /// The bytes at `path`, or `None`.
    ///
    /// # Errors
    /// `Kind::Storage`; a failed read is never `None`.
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Error>;
    /// Writes an object that never changes; equal bytes are a no-op.
    ///
    /// # Errors
    /// `Kind::Corrupt` when other bytes lie there, `Kind::Storage` when writing failed.
    fn write_once(&self, path: &str, bytes: &[u8]) -> Result<(), Error>;
    /// Writes or replaces an object.
    ///
    /// # Errors
    /// `Kind::Storage`.
    fn replace(&self, path: &str, bytes: &[u8]) -> Result<(), Error>;
    /// Removes an object; a missing one is fine.
    ///
    /// # Errors
    /// `Kind::Storage`.
    fn remove(&self, path: &str) -> Result<(), Error>;
}

/// Holds the newest signed checkpoint of each log; the one place where two writers meet.
pub trait LockStore: Send + Sync {
    /// The stored checkpoint, or `None` when the log was never created.
    ///
    /// # Errors
    /// `Kind::Storage`.
    fn load(&self, origin: &str) -> Result<Option<String>, Error>;
    /// Stores the first checkpoint.
    ///
    /// # Errors
    /// When there is one already, or the store failed.
    fn create(&self, origin: &str, checkpoint: &str) -> Result<(), Error>;
    /// Replaces `old` by `new` if `old` is what is stored.
    ///
    /// # Errors
    /// When it is not, or the store failed: the caller cannot know which.
    fn swap(&self, origin: &str, old: &str, new: &str) -> Result<(), Error>;
}

/// A log that this process writes.
pub struct Log {
    origin: String,
    secret: SecretKey,
    verifier: Verifier,
    storage: Box<dyn Storage>,
    lock: Box<dyn LockStore>,
    /// The newest signed checkpoint, as the lock store holds it.
    signed: String,
    size: u64,
    /// The right edge: the hashes of each level's partial tile. `edge[l].len() == count_at(l, size) % 256`, always.
    edge: Vec<Vec<Hash>>,
    /// The last, partial entry bundle.
    pending: Vec<Vec<u8>>,
    /// Whether `signed` is also what `checkpoint` says.
    published: bool,
}

impl Log {
    /// Creates an empty log. An explicit act: a missing lock record is never taken for an empty log.
    ///
    /// # Errors
    /// When the log exists, or storing fails.
    pub fn create(
        origin: &str,
        secret: &SecretKey,
        storage: &dyn Storage,
        lock: &dyn LockStore,
    ) -> Result<(), Error> {
        if storage.read(CHECKPOINT)?.is_some() {
            return Err(Error::new(
                Kind::Corrupt,
                "a checkpoint lies here already, but the lock store knows no such log",
            ));
        }
        let signed = Checkpoint {
            origin: origin.into(),
            size: 0,
            root: empty_root(),
        }
        .sign(secret)?;
        lock.create(origin, &signed)?;
        storage.replace(CHECKPOINT, signed.as_bytes())
    }

    /// Opens a log: finishes what a crash left unfinished, verifies the right edge, or refuses.
    ///
    /// # Errors
    /// `Kind::Missing` for a log that was never created, `Kind::Corrupt` naming the object that contradicts the rest.
    pub fn open(
        origin: &str,
        secret: SecretKey,
        storage: Box<dyn Storage>,
        lock: Box<dyn LockStore>,
    ) -> Result<Self, Error> {
        let verifier = Verifier::new(origin, secret.public())?;
        let signed = lock.load(origin)?.ok_or_else(|| {
            Error::new(Kind::Missing, format!("the log {origin} was never created"))
        })?;
        let locked = Checkpoint::open(&signed, &verifier)
            .map_err(|error| corrupt(format!("lock store: {error}")))?;
        let published = storage.read(CHECKPOINT)?;
        let published = published
            .map(|bytes| String::from_utf8(bytes).map_err(|_| corrupt("checkpoint is not text")))
            .transpose()?;
        if let Some(text) = &published {
            let seen = Checkpoint::open(text, &verifier)
                .map_err(|error| corrupt(format!("checkpoint: {error}")))?;
            if seen.size > locked.size || (seen.size == locked.size && seen.root != locked.root) {
                return Err(corrupt(format!(
                    "checkpoint has {} entries, the lock store {}: one of them was put back",
                    seen.size, locked.size
                )));
            }
        }
        if let Some(bytes) = storage.read(&staging::path(locked.size, &locked.root))? {
            apply(storage.as_ref(), &staging::parse(&bytes)?)?;
        }
        let mut log = Self {
            origin: origin.into(),
            secret,
            verifier,
            storage,
            lock,
            signed,
            size: locked.size,
            edge: Vec::new(),
            pending: Vec::new(),
            published: false,
        };
        log.load_edge(&locked)?;
        log.publish()?;
        Ok(log)
    }

    fn load_edge(&mut self, locked: &Checkpoint) -> Result<(), Error> {
        let mut level = 0;
        while tile::count_at(level, self.size) > 0 {
            let index = tile::count_at(level, self.size) / WIDTH;
            let width = tile::width_at(level, index, self.size);
            let hashes = if width == 0 {
                Vec::new()
            } else {
                let path = tile::path(level, index, width);
                tile::parse(&self.read_tile(&path)?, width, &path)?
            };
            self.edge.push(hashes);
            level += 1;
        }
        if self.root() != locked.root {
            return Err(corrupt(format!(
                "the tiles' right edge does not lead to the root of the checkpoint of {} entries",
                self.size
            )));
        }
        let width = self.size % WIDTH;
        if width > 0 {
            let path = tile::entries_path(self.size / WIDTH, width);
            self.pending = tile::parse_bundle(&self.read_tile(&path)?, width, &path)?;
            if !self
                .pending
                .iter()
                .map(|entry| leaf_hash(entry))
                .eq(self.edge[0].iter().copied())
            {
                return Err(corrupt(format!(
                    "{path} does not hold the entries that its tile hashes"
                )));
            }
        }
        Ok(())
    }

    /// The root of the current tree, folded from the right edge.
    fn root(&self) -> Hash {
        let mut root: Option<Hash> = None;
        for hashes in &self.edge {
            let mut end = hashes.len();
            while end > 0 {
                let count = 1 << end.trailing_zeros();
                let peak = root_of(&hashes[end - count..end]);
                root = Some(root.map_or(peak, |right| node_hash(&peak, &right)));
                end -= count;
            }
        }
        root.unwrap_or_else(empty_root)
    }

    /// Appends entries as one batch and returns the first one's index, once the checkpoint that covers them is durable and
    /// public.
    ///
    /// # Errors
    /// `Kind::Fatal`: drop the log and end the process. `Kind::Storage`: either nothing happened, or the entries are in and
    /// the checkpoint is not published yet; both are settled by the next call or the next start.
    pub fn append(&mut self, entries: &[Vec<u8>]) -> Result<u64, Error> {
        let first = self.size;
        if !self.published {
            self.publish()?;
        }
        if entries.is_empty() {
            return Ok(first);
        }
        if let Some(entry) = entries.iter().find(|entry| entry.len() > MAX_ENTRY_BYTES) {
            return Err(Error::new(
                Kind::Malformed,
                format!("an entry of {} bytes does not fit a bundle", entry.len()),
            ));
        }
        let before = (self.size, self.edge.clone(), self.pending.clone());
        let uploads = self.grow(entries);
        let root = self.root();
        let staged = self.storage.replace(
            &staging::path(self.size, &root),
            &staging::to_bytes(&uploads),
        );
        if let Err(error) = staged {
            (self.size, self.edge, self.pending) = before;
            return Err(error);
        }
        let signed = Checkpoint {
            origin: self.origin.clone(),
            size: self.size,
            root,
        }
        .sign(&self.secret)?;
        let fatal = |error: Error| Error::new(Kind::Fatal, error.to_string());
        self.lock
            .swap(&self.origin, &self.signed, &signed)
            .map_err(fatal)?;
        self.signed = signed;
        self.published = false;
        apply(self.storage.as_ref(), &uploads).map_err(fatal)?;
        self.publish()?;
        // A staging object that stays is harmless: start-up applies it again, which changes nothing.
        let _removed = self.storage.remove(&staging::path(self.size, &root));
        Ok(first)
    }

    fn publish(&mut self) -> Result<(), Error> {
        self.storage.replace(CHECKPOINT, self.signed.as_bytes())?;
        self.published = true;
        Ok(())
    }

    /// Adds entries to the edge and returns every object that the new tree needs.
    fn grow(&mut self, entries: &[Vec<u8>]) -> Vec<Upload> {
        let (mut uploads, mut touched) = (Vec::new(), Vec::new());
        for entry in entries {
            self.pending.push(entry.clone());
            if self.pending.len() as u64 == WIDTH {
                uploads.push(Upload {
                    path: tile::entries_path(self.size / WIDTH, WIDTH),
                    bytes: tile::bundle_bytes(&self.pending),
                });
                self.pending.clear();
            }
            let mut carry = Some(leaf_hash(entry));
            let mut level = 0;
            self.size += 1;
            while let Some(hash) = carry.take() {
                if self.edge.len() == level {
                    self.edge.push(Vec::new());
                    touched.push(false);
                }
                touched.resize(self.edge.len(), false);
                self.edge[level].push(hash);
                touched[level] = true;
                if self.edge[level].len() as u64 == WIDTH {
                    let full = std::mem::take(&mut self.edge[level]);
                    let tile_level = u32::try_from(level).unwrap_or(u32::MAX);
                    let index = tile::count_at(tile_level, self.size) / WIDTH - 1;
                    uploads.push(Upload {
                        path: tile::path(tile_level, index, WIDTH),
                        bytes: full.concat(),
                    });
                    carry = Some(root_of(&full));
                    level += 1;
                }
            }
        }
        if !self.pending.is_empty() {
            let path = tile::entries_path(self.size / WIDTH, self.pending.len() as u64);
            uploads.push(Upload {
                path,
                bytes: tile::bundle_bytes(&self.pending),
            });
        }
        for (level, hashes) in (0..).zip(&self.edge) {
            if touched.get(level as usize) == Some(&true) && !hashes.is_empty() {
                let index = tile::count_at(level, self.size) / WIDTH;
                uploads.push(Upload {
                    path: tile::path(level, index, hashes.len() as u64),
                    bytes: hashes.concat(),
                });
            }
        }
        uploads
    }

    /// The number of entries.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The newest signed checkpoint.
    #[must_use]
    pub fn checkpoint(&self) -> &str {
        &self.signed
    }

    /// The log's public key under its origin.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// An entry's bytes.
    ///
    /// # Errors
    /// `Kind::Missing` outside the tree, else what the storage says.
    pub fn entry(&self, index: u64) -> Result<Vec<u8>, Error> {
        let width = tile::width_at(0, index / WIDTH, self.size);
        if index >= self.size {
            return Err(Error::new(
                Kind::Missing,
                format!("entry {index} is not in a tree of {}", self.size),
            ));
        }
        let path = tile::entries_path(index / WIDTH, width);
        let mut entries = tile::parse_bundle(&self.read_tile(&path)?, width, &path)?;
        Ok(entries.swap_remove((index % WIDTH) as usize))
    }

    /// The proof that entry `index` is in the newest checkpoint, verified before it is handed out.
    ///
    /// # Errors
    /// `Kind::Missing` outside the tree, `Kind::Corrupt` when the stored tiles do not lead to the root.
    pub fn prove(&self, index: u64) -> Result<TlogProof, Error> {
        let hashes = proof::inclusion(self, index, self.size)?;
        let proof = TlogProof {
            index,
            hashes,
            checkpoint: self.signed.clone(),
        };
        let checkpoint = proof.open_checkpoint(&self.verifier)?;
        let leaf = leaf_hash(&self.entry(index)?);
        proof
            .verify(&leaf, &checkpoint)
            .map_err(|error| corrupt(format!("entry {index}: {error}")))?;
        Ok(proof)
    }

    /// The proof that the newest tree extends the tree of `old` entries.
    ///
    /// # Errors
    /// As [`proof::consistency`].
    pub fn prove_consistency(&self, old: u64) -> Result<Vec<Hash>, Error> {
        proof::consistency(self, old, self.size)
    }

    /// Re-reads every entry and tile and compares the root; the nightly check.
    ///
    /// # Errors
    /// As [`crate::audit::audit`].
    pub fn audit(&self) -> Result<(), Error> {
        let checkpoint = Checkpoint::open(&self.signed, &self.verifier)?;
        crate::audit::audit(self, &checkpoint, &mut |_| ())
    }
}

impl TileReader for Log {
    fn read_tile(&self, path: &str) -> Result<Vec<u8>, Error> {
        self.storage
            .read(path)?
            .ok_or_else(|| Error::new(Kind::Corrupt, format!("{path} is missing")))
    }
}

fn corrupt(message: impl Into<String>) -> Error {
    Error::new(Kind::Corrupt, message)
}

fn apply(storage: &dyn Storage, uploads: &[Upload]) -> Result<(), Error> {
    uploads
        .iter()
        .try_for_each(|upload| storage.write_once(&upload.path, &upload.bytes))
}
