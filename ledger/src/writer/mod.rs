//! Writing a log: Sunlight's order, so that an acknowledged leaf survives a crash at any point.
//!
//! Compute tiles in memory → write one staging object → compare-and-swap the signed checkpoint in the lock store → write the
//! tiles out of the staging object → collect cosignatures → replace `checkpoint`. Start-up runs the same apply, or refuses.
//! After an error of kind `Fatal` nobody knows what was stored, or a witness saw another history: the process must end.

#[cfg(feature = "bucket")]
mod bucket;
mod folder;
mod pool;
mod staging;
#[cfg(test)]
mod tests;

#[cfg(feature = "bucket")]
pub use bucket::Bucket;
pub use folder::{FileLock, Folder};
pub use pool::{Appended, Pool, Receipt};

use crate::checkpoint::Checkpoint;
use crate::edge::Edge;
use crate::error::{Error, Kind};
use crate::note::Verifier;
use crate::proof::{self, TlogProof};
use crate::tile::{self, TileReader, WIDTH};
use crate::tree::{Hash, empty_root, leaf_hash};
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

/// Collects cosignatures for a checkpoint before it becomes public.
pub trait Cosigner: Send + Sync {
    /// Whether a published checkpoint needs no more cosignatures.
    fn is_settled(&self, checkpoint: &str) -> bool;
    /// Returns `signed` with the lines of enough witnesses appended. `prove` builds the consistency hashes from an older size.
    ///
    /// # Errors
    /// `Kind::Unsettled` when too few witnesses answered; the log asks again. `Kind::Fatal` when one of them saw another history.
    fn cosign(
        &self,
        signed: &str,
        prove: &dyn Fn(u64) -> Result<Vec<Hash>, Error>,
    ) -> Result<String, Error>;
}

/// What a log is written with.
pub struct Parts {
    /// Where its files lie.
    pub storage: Box<dyn Storage>,
    /// Where its newest signed checkpoint is agreed on.
    pub lock: Box<dyn LockStore>,
    /// Who must have seen a checkpoint before it is public; nobody when `None`.
    pub cosigner: Option<Box<dyn Cosigner>>,
}

/// A log that this process writes.
pub struct Log {
    origin: String,
    secret: SecretKey,
    verifier: Verifier,
    parts: Parts,
    /// The newest signed checkpoint, as the lock store holds it.
    signed: String,
    edge: Edge,
    /// The last, partial entry bundle.
    pending: Vec<Vec<u8>>,
    /// What `checkpoint` says, cosignatures included, once it is as new as `signed`.
    public: Option<String>,
}

impl Log {
    /// Creates an empty log. An explicit act: a missing lock record is never taken for an empty log.
    ///
    /// # Errors
    /// `Kind::Exists` when there is one, `Kind::Corrupt` when only a part of one lies here, or what storing says.
    pub fn create(
        origin: &str,
        secret: &SecretKey,
        storage: &dyn Storage,
        lock: &dyn LockStore,
    ) -> Result<(), Error> {
        if lock.load(origin)?.is_some() {
            return Err(Error::new(
                Kind::Exists,
                format!("the log {origin} exists already"),
            ));
        }
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

    /// Lets a lock store that was put back to an older moment take over what the log's files hold: the public checkpoint, after every
    /// entry and tile of it was read, and only if it extends the one that the lock store knows. Returns both sizes.
    ///
    /// What the lost lock store had signed beyond the public checkpoint stays unknown here; if a witness saw it, the witness says so
    /// at the next checkpoint, and the log stops.
    ///
    /// # Errors
    /// `Kind::Missing` without lock record or checkpoint, `Kind::Exists` when there is nothing newer to take over, `Kind::Corrupt`
    /// naming what does not fit.
    pub fn adopt(
        origin: &str,
        secret: &SecretKey,
        storage: &dyn Storage,
        lock: &dyn LockStore,
    ) -> Result<(u64, u64), Error> {
        let verifier = Verifier::new(origin, secret.public())?;
        let known = lock.load(origin)?.ok_or_else(|| {
            Error::new(
                Kind::Missing,
                format!("the lock store knows no log {origin}"),
            )
        })?;
        let old = Checkpoint::open(&known, &verifier)?;
        let files = Files(storage);
        let text = String::from_utf8(files.read_tile(CHECKPOINT)?)
            .map_err(|_| corrupt("checkpoint is not text"))?;
        let public = Checkpoint::open(&text, &verifier)?;
        if public.size <= old.size {
            return Err(Error::new(
                Kind::Exists,
                format!(
                    "the public checkpoint has {} entries, the lock store {}: there is nothing newer to adopt",
                    public.size, old.size
                ),
            ));
        }
        crate::audit::audit(&files, &public, Edge::default(), &mut |_, _, _| ())?;
        if let Some(path) = beyond(storage, public.size)? {
            return Err(corrupt(format!(
                "{path} lies beyond the public checkpoint of {} entries: a batch was being written that the lost lock store may have \
                 signed; put back the lock store of that moment, or begin another log",
                public.size
            )));
        }
        let extends = old.size == 0 || {
            let hashes = proof::consistency(&files, old.size, public.size)?;
            proof::verify_consistency(old.size, &old.root, public.size, &public.root, &hashes)
                .is_ok()
        };
        if !extends {
            return Err(corrupt(format!(
                "the public checkpoint of {} entries does not extend the lock store's of {}: these are two histories",
                public.size, old.size
            )));
        }
        let sizes = (old.size, public.size);
        // Ed25519 signs alike each time: this is what the lost lock store held.
        lock.swap(origin, &known, &public.sign(secret)?)?;
        Ok(sizes)
    }

    /// Opens a log: finishes what a crash left unfinished, verifies the right edge, or refuses.
    ///
    /// A checkpoint that could not be made public yet (a full disk, witnesses that do not answer) does not keep the log from
    /// opening: [`Log::settle`] and [`Log::append`] try again.
    ///
    /// # Errors
    /// `Kind::Missing` for a log that was never created, `Kind::Corrupt` naming the object that contradicts the rest.
    pub fn open(origin: &str, secret: SecretKey, parts: Parts) -> Result<Self, Error> {
        let verifier = Verifier::new(origin, secret.public())?;
        let Parts { storage, lock, .. } = &parts;
        let signed = lock.load(origin)?.ok_or_else(|| {
            Error::new(Kind::Missing, format!("the log {origin} was never created"))
        })?;
        let locked = Checkpoint::open(&signed, &verifier)
            .map_err(|error| corrupt(format!("lock store: {error}")))?;
        let public = storage.read(CHECKPOINT)?;
        let public = public
            .map(|bytes| String::from_utf8(bytes).map_err(|_| corrupt("checkpoint is not text")))
            .transpose()?;
        let mut published = None;
        if let Some(text) = public {
            let seen = Checkpoint::open(&text, &verifier)
                .map_err(|error| corrupt(format!("checkpoint: {error}")))?;
            if seen.size > locked.size || (seen.size == locked.size && seen.root != locked.root) {
                return Err(corrupt(format!(
                    "checkpoint has {} entries, the lock store {}: one of them was put back",
                    seen.size, locked.size
                )));
            }
            let settled = |cosigner: &dyn Cosigner| cosigner.is_settled(&text);
            if seen == locked && parts.cosigner.as_deref().is_none_or(settled) {
                published = Some(text);
            }
        }
        if let Some(bytes) = storage.read(&staging::path(locked.size, &locked.root))? {
            apply(storage.as_ref(), &staging::parse(&bytes)?)?;
        }
        let mut log = Self {
            origin: origin.into(),
            secret,
            verifier,
            parts,
            signed,
            edge: Edge::default(),
            pending: Vec::new(),
            public: published,
        };
        log.load_edge(&locked)?;
        if let Err(error) = log.settle()
            && error.kind() == Kind::Fatal
        {
            return Err(error);
        }
        Ok(log)
    }

    fn load_edge(&mut self, locked: &Checkpoint) -> Result<(), Error> {
        self.edge = Edge::read(self, locked)?;
        let size = locked.size;
        let width = size % WIDTH;
        if width > 0 {
            let path = tile::entries_path(size / WIDTH, width);
            self.pending = tile::parse_bundle(&self.read_tile(&path)?, width, &path)?;
            if !self
                .pending
                .iter()
                .map(|entry| leaf_hash(entry))
                .eq(self.edge.levels()[0].iter().copied())
            {
                return Err(corrupt(format!(
                    "{path} does not hold the entries that its tile hashes"
                )));
            }
        }
        Ok(())
    }

    /// Appends entries as one batch and returns the first one's index, once the checkpoint that covers them is durable and
    /// public.
    ///
    /// # Errors
    /// `Kind::Fatal`: drop the log and end the process. `Kind::Storage`: either nothing happened, or the entries are in and
    /// the checkpoint is not published yet; both are settled by the next call or the next start.
    pub fn append(&mut self, entries: &[Vec<u8>]) -> Result<u64, Error> {
        let first = self.size();
        self.settle()?;
        if entries.is_empty() {
            return Ok(first);
        }
        if let Some(entry) = entries.iter().find(|entry| entry.len() > MAX_ENTRY_BYTES) {
            return Err(Error::new(
                Kind::Malformed,
                format!("an entry of {} bytes does not fit a bundle", entry.len()),
            ));
        }
        let (mut edge, mut pending) = (self.edge.clone(), self.pending.clone());
        let uploads = grow(&mut edge, &mut pending, entries);
        let root = edge.root();
        let staged = staging::path(edge.size(), &root);
        let storage = self.parts.storage.as_ref();
        storage.replace(&staged, &staging::to_bytes(&uploads))?;
        let signed = Checkpoint {
            origin: self.origin.clone(),
            size: edge.size(),
            root,
        }
        .sign(&self.secret)?;
        let fatal = |error: Error| Error::new(Kind::Fatal, error.to_string());
        self.parts
            .lock
            .swap(&self.origin, &self.signed, &signed)
            .map_err(fatal)?;
        (self.signed, self.edge, self.pending) = (signed, edge, pending);
        self.public = None;
        apply(storage, &uploads).map_err(fatal)?;
        // A staging object that stays is harmless: start-up applies it again, which changes nothing.
        let _removed = storage.remove(&staged);
        self.settle()?;
        Ok(first)
    }

    /// Makes the newest checkpoint public if it is not yet, once enough witnesses cosigned it.
    ///
    /// # Errors
    /// `Kind::Unsettled` or `Kind::Storage`: call again later. `Kind::Fatal`: a witness saw another history, end the process.
    pub fn settle(&mut self) -> Result<(), Error> {
        if self.public.is_some() {
            return Ok(());
        }
        let public = match &self.parts.cosigner {
            Some(cosigner) => cosigner.cosign(&self.signed, &|old| self.prove_consistency(old))?,
            None => self.signed.clone(),
        };
        self.parts.storage.replace(CHECKPOINT, public.as_bytes())?;
        self.public = Some(public);
        Ok(())
    }

    /// The newest checkpoint as it was made public, with its cosignatures; `None` while it is not public.
    #[must_use]
    pub fn public(&self) -> Option<&str> {
        self.public.as_deref()
    }

    /// The number of entries.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.edge.size()
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
        let width = tile::width_at(0, index / WIDTH, self.size());
        if index >= self.size() {
            return Err(Error::new(
                Kind::Missing,
                format!("entry {index} is not in a tree of {}", self.size()),
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
        let hashes = proof::inclusion(self, index, self.size())?;
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
        proof::consistency(self, old, self.size())
    }

    /// Re-reads every entry and tile and compares the root; the nightly check.
    ///
    /// # Errors
    /// As [`crate::audit::audit`].
    pub fn audit(&self) -> Result<(), Error> {
        let checkpoint = Checkpoint::open(&self.signed, &self.verifier)?;
        crate::audit::audit(self, &checkpoint, Edge::default(), &mut |_, _, _| ()).map(drop)
    }
}

/// An object of a larger tree: its last bundle or hash tile is wider than that of `size` entries.
fn beyond(storage: &dyn Storage, size: u64) -> Result<Option<String>, Error> {
    let index = size / WIDTH;
    for width in size % WIDTH + 1..=WIDTH {
        for path in [
            tile::entries_path(index, width),
            tile::path(0, index, width),
        ] {
            if storage.read(&path)?.is_some() {
                return Ok(Some(path));
            }
        }
    }
    Ok(None)
}

/// A storage as a reader, before a log is open.
struct Files<'a>(&'a dyn Storage);

impl TileReader for Files<'_> {
    fn read_tile(&self, path: &str) -> Result<Vec<u8>, Error> {
        let missing = || Error::new(Kind::Missing, format!("{path} is missing"));
        self.0.read(path)?.ok_or_else(missing)
    }
}

impl TileReader for Log {
    fn read_tile(&self, path: &str) -> Result<Vec<u8>, Error> {
        self.parts
            .storage
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

/// Adds entries to the edge and returns every object that the new tree needs.
fn grow(edge: &mut Edge, pending: &mut Vec<Vec<u8>>, entries: &[Vec<u8>]) -> Vec<Upload> {
    let (before, mut uploads) = (edge.size(), Vec::new());
    for entry in entries {
        pending.push(entry.clone());
        if pending.len() as u64 == WIDTH {
            uploads.push(Upload {
                path: tile::entries_path(edge.size() / WIDTH, WIDTH),
                bytes: tile::bundle_bytes(pending),
            });
            pending.clear();
        }
        for full in edge.push(leaf_hash(entry)) {
            uploads.push(Upload {
                path: tile::path(full.level, full.index, WIDTH),
                bytes: full.hashes.concat(),
            });
        }
    }
    let size = edge.size();
    if !pending.is_empty() {
        uploads.push(Upload {
            path: tile::entries_path(size / WIDTH, pending.len() as u64),
            bytes: tile::bundle_bytes(pending),
        });
    }
    for (level, hashes) in (0..).zip(edge.levels()) {
        let grew = tile::count_at(level, size) > tile::count_at(level, before);
        if grew && !hashes.is_empty() {
            uploads.push(Upload {
                path: tile::path(
                    level,
                    tile::count_at(level, size) / WIDTH,
                    hashes.len() as u64,
                ),
                bytes: hashes.concat(),
            });
        }
    }
    uploads
}
