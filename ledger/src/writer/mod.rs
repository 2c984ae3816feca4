//! Writing a log: Sunlight's order, so that an acknowledged leaf survives a crash at any point.
//!
//! Compute tiles in memory → write one staging object → compare-and-swap the signed checkpoint in the lock store → write the
//! tiles out of the staging object → collect cosignatures → replace `checkpoint`. Start-up runs the same apply, or refuses.
//! A step that failed is taken again by the next call, and nothing is begun before it. An error of kind `Fatal` is a
//! contradiction (another writer, other bytes, a witness of another history): the process must end.

mod adopt;
#[cfg(feature = "bucket")]
mod bucket;
mod folder;
mod pool;
mod reach;
mod staging;
#[cfg(test)]
mod tests;
mod tidy;

#[cfg(feature = "bucket")]
pub use bucket::Bucket;
pub use folder::{FileLock, Folder};
pub use pool::{Appended, Pool, Receipt};

use crate::checkpoint::Checkpoint;
use crate::edge::Edge;
use crate::error::{Error, ErrorKind};
use crate::note::Verifier;
use crate::proof::{self, TlogProof};
use crate::tile::{self, TileReader, WIDTH};
use crate::tree::{Hash, empty_root, leaf_hash};
use crate::verified::Verified;
use schema::key::SecretKey;
use staging::Upload;

const CHECKPOINT: &str = "checkpoint";
/// What the cosigner must not forget; beside the tiles, and not served.
const WITNESSES: &str = "witnesses";
/// The longest entry that fits a bundle's length field.
const MAX_ENTRY_BYTES: usize = u16::MAX as usize;

/// Where tiles lie. Writes are durable when they return.
pub trait Storage: Send + Sync {
    /// The bytes at `path`, or `None`.
    ///
    /// # Errors
    /// `ErrorKind::Storage`; a failed read is never `None`.
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Error>;
    /// Writes an object that never changes; equal bytes are a no-op.
    ///
    /// # Errors
    /// `ErrorKind::Corrupt` when other bytes lie there, `ErrorKind::Storage` when writing failed.
    fn write_once(&self, path: &str, bytes: &[u8]) -> Result<(), Error>;
    /// Writes or replaces an object.
    ///
    /// # Errors
    /// `ErrorKind::Storage`.
    fn replace(&self, path: &str, bytes: &[u8]) -> Result<(), Error>;
    /// Removes an object; a missing one is fine.
    ///
    /// # Errors
    /// `ErrorKind::Storage`.
    fn remove(&self, path: &str) -> Result<(), Error>;
    /// The names of the objects directly below `folder`, in no order; none when there is no such folder.
    ///
    /// # Errors
    /// `ErrorKind::Storage`.
    fn list(&self, folder: &str) -> Result<Vec<String>, Error>;
}

/// Holds the newest signed checkpoint of each log; the one place where two writers meet.
pub trait LockStore: Send + Sync {
    /// The stored checkpoint, or `None` when the log was never created.
    ///
    /// # Errors
    /// `ErrorKind::Storage`.
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
    /// `ErrorKind::Unsettled` when too few witnesses answered; the log asks again. `ErrorKind::Fatal` when one of them saw another history.
    fn cosign(
        &self,
        signed: &str,
        prove: &dyn Fn(u64) -> Result<Vec<Hash>, Error>,
    ) -> Result<String, Error>;
    /// What must still be known after a restart; the log keeps it, and gives it to [`Cosigner::recall`] when it opens.
    fn memory(&self) -> Option<String> {
        None
    }
    /// Takes over what an earlier process remembered.
    ///
    /// # Errors
    /// `ErrorKind::Malformed` when it is damaged.
    fn recall(&self, _memory: &str) -> Result<(), Error> {
        Ok(())
    }
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
    /// A batch whose staging object lies there, and which is not wholly in the log yet. Nothing else is begun before it is.
    unfinished: Option<Batch>,
    /// What of the cosigner's memory is durable.
    remembered: Option<String>,
    /// How many full tiles were looked at for partial ones that they replaced: bundles first, then each level.
    tidied: Vec<u64>,
}

/// A batch on its way into the log.
struct Batch {
    signed: String,
    /// Where its staging object lies.
    staged: String,
    uploads: Vec<Upload>,
    /// The tree behind it; taken over when the swap is known to have happened.
    tree: Option<(Edge, Vec<Vec<u8>>)>,
    /// Whether writing its tiles failed before.
    again: bool,
}

impl Log {
    /// Creates an empty log. An explicit act: a missing lock record is never taken for an empty log.
    ///
    /// # Errors
    /// `ErrorKind::Exists` when there is one, `ErrorKind::Corrupt` when only a part of one lies here, or what storing says.
    pub fn create(
        origin: &str,
        secret: &SecretKey,
        storage: &dyn Storage,
        lock: &dyn LockStore,
    ) -> Result<(), Error> {
        if lock.load(origin)?.is_some() {
            return Err(Error::new(
                ErrorKind::Exists,
                format!("the log {origin} exists already"),
            ));
        }
        if storage.read(CHECKPOINT)?.is_some() {
            return Err(Error::new(
                ErrorKind::Corrupt,
                "a checkpoint lies here already, but the lock store knows no such log",
            ));
        }
        if let Some(path) = reach::beyond(storage, 0)? {
            return Err(corrupt(format!(
                "{path} lies here already, but the lock store knows no such log"
            )));
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

    /// Opens a log: finishes what a crash left unfinished, verifies the right edge, or refuses. Nothing is signed here, and nothing
    /// is written before lock store, checkpoint and files were found to be of one history.
    ///
    /// A checkpoint that could not be made public yet (a full disk, witnesses that do not answer) does not keep the log from
    /// opening: [`Log::settle`] and [`Log::append`] try again.
    ///
    /// # Errors
    /// `ErrorKind::Missing` for a log that was never created, `ErrorKind::Corrupt` naming the object that contradicts the rest.
    pub fn open(origin: &str, secret: SecretKey, parts: Parts) -> Result<Self, Error> {
        let verifier = Verifier::new(origin, secret.public())?;
        let Parts { storage, lock, .. } = &parts;
        let storage = storage.as_ref();
        let signed = lock.load(origin)?.ok_or_else(|| {
            Error::new(
                ErrorKind::Missing,
                format!("the log {origin} was never created"),
            )
        })?;
        let locked = Checkpoint::open(&signed, &verifier)
            .map_err(|error| corrupt(format!("lock store: {error}")))?;
        let public = read_public(storage)?;
        let mut published = None;
        if let Some(text) = public {
            let seen = Checkpoint::open(&text, &verifier)
                .map_err(|error| corrupt(format!("checkpoint: {error}")))?;
            if seen.size > locked.size {
                return Err(corrupt(format!(
                    "checkpoint has {} entries, the lock store {}: one of them was put back. {ADOPT}",
                    seen.size, locked.size
                )));
            }
            if seen.size == locked.size && seen.root != locked.root {
                return Err(corrupt(format!(
                    "checkpoint and lock store hold different trees of {} entries: one of them is another log's, or of another history",
                    seen.size
                )));
            }
            let settled = |cosigner: &dyn Cosigner| cosigner.is_settled(&text);
            if seen == locked && parts.cosigner.as_deref().is_none_or(settled) {
                published = Some(text);
            }
        }
        if let Some(path) = reach::beyond(storage, locked.size)? {
            return Err(corrupt(format!(
                "{path} lies beyond the {} entries that the lock store knows: lock store and checkpoint were put back to an older \
                 moment, the other files are newer. {ADOPT}",
                locked.size
            )));
        }
        if let Some(bytes) = storage.read(&staging::path(locked.size, &locked.root))? {
            apply(storage, &staging::parse(&bytes)?, true)?;
        }
        let mut remembered = None;
        if let Some(cosigner) = &parts.cosigner
            && let Some(bytes) = storage.read(WITNESSES)?
        {
            let text = String::from_utf8(bytes).unwrap_or_default();
            cosigner.recall(&text).map_err(|error| {
                corrupt(format!(
                    "{WITNESSES}: {error}; put it back, or remove it to let every witness begin anew"
                ))
            })?;
            remembered = Some(text);
        }
        let (edge, pending) = read_edge(storage, &locked)?;
        let mut log = Self {
            origin: origin.into(),
            secret,
            verifier,
            parts,
            signed,
            edge,
            pending,
            public: published,
            unfinished: None,
            remembered,
            tidied: Vec::new(),
        };
        if let Err(error) = log.settle()
            && error.kind() == ErrorKind::Fatal
        {
            return Err(error);
        }
        Ok(log)
    }

    /// Appends entries as one batch and returns the first one's index, once the checkpoint that covers them is durable and
    /// public.
    ///
    /// # Errors
    /// `ErrorKind::Fatal`: drop the log and end the process. `ErrorKind::Storage` or `ErrorKind::Unsettled`: the batch is in, will be in, or was
    /// not begun; [`Log::settle`] settles which, and then the size says it. Appending the same entries before that doubles them.
    pub fn append(&mut self, entries: &[Vec<u8>]) -> Result<u64, Error> {
        self.settle()?;
        let first = self.size();
        if entries.is_empty() {
            return Ok(first);
        }
        if let Some(entry) = entries.iter().find(|entry| entry.len() > MAX_ENTRY_BYTES) {
            return Err(Error::new(
                ErrorKind::Malformed,
                format!("an entry of {} bytes does not fit a bundle", entry.len()),
            ));
        }
        let (mut edge, mut pending) = (self.edge.clone(), self.pending.clone());
        let uploads = grow(&mut edge, &mut pending, entries);
        let root = edge.root();
        let staged = staging::path(edge.size(), &root);
        let storage = self.parts.storage.as_ref();
        // Somebody may have copied files over this folder since it was opened: nothing is signed that they contradict.
        for upload in &uploads {
            if let Some(found) = storage.read(&upload.path)?
                && found != upload.bytes
            {
                return Err(Error::new(
                    ErrorKind::Fatal,
                    format!(
                        "{} lies there already, with other bytes than this log is about to write: nothing was signed. {ADOPT}",
                        upload.path
                    ),
                ));
            }
        }
        storage.replace(&staged, &staging::to_bytes(&uploads))?;
        let signed = Checkpoint {
            origin: self.origin.clone(),
            size: edge.size(),
            root,
        }
        .sign(&self.secret)?;
        self.unfinished = Some(Batch {
            signed,
            staged,
            uploads,
            tree: Some((edge, pending)),
            again: false,
        });
        self.settle()?;
        Ok(first)
    }

    /// Takes the batch that was begun into the log: swaps its checkpoint in, then writes its tiles. What failed before is done
    /// again, and it is done once: the swap names the checkpoint that it replaces, tiles are the same bytes each time.
    fn finish(&mut self) -> Result<(), Error> {
        let Some(batch) = &mut self.unfinished else {
            return Ok(());
        };
        let (storage, lock) = (self.parts.storage.as_ref(), self.parts.lock.as_ref());
        if batch.tree.is_some()
            && let Err(error) = lock.swap(&self.origin, &self.signed, &batch.signed)
        {
            // It may have been stored although it failed; the lock store knows.
            let found = lock.load(&self.origin)?;
            if found.as_deref() == Some(&*self.signed) {
                return Err(error);
            }
            if found.as_deref() != Some(&*batch.signed) {
                return Err(Error::new(
                    ErrorKind::Fatal,
                    "another writer moved the log on",
                ));
            }
        }
        if let Some((edge, pending)) = batch.tree.take() {
            (self.edge, self.pending) = (edge, pending);
            self.signed.clone_from(&batch.signed);
            self.public = None;
        }
        if let Err(error) = apply(storage, &batch.uploads, batch.again) {
            batch.again = true;
            return Err(match error.kind() {
                ErrorKind::Storage => error,
                _ => Error::new(ErrorKind::Fatal, error.to_string()),
            });
        }
        // A staging object that stays is harmless: start-up applies it again, which changes nothing.
        let _removed = storage.remove(&batch.staged);
        self.unfinished = None;
        Ok(())
    }

    /// Finishes what was begun, and makes the newest checkpoint public once enough witnesses cosigned it.
    ///
    /// # Errors
    /// `ErrorKind::Unsettled` or `ErrorKind::Storage`: call again later. `ErrorKind::Fatal`: another writer or another history, end the process.
    pub fn settle(&mut self) -> Result<(), Error> {
        self.finish()?;
        if self.public.is_some() {
            return Ok(());
        }
        let public = match &self.parts.cosigner {
            Some(cosigner) => {
                let cosigned = cosigner.cosign(&self.signed, &|old| self.prove_consistency(old));
                let memory = cosigner.memory();
                // Whoever cosigned, or forgot, is noted before anybody hears of it.
                if cosigned.as_ref().err().map(Error::kind) != Some(ErrorKind::Fatal)
                    && memory != self.remembered
                    && let Some(text) = &memory
                {
                    self.parts.storage.replace(WITNESSES, text.as_bytes())?;
                    self.remembered = memory;
                }
                cosigned?
            }
            None => self.signed.clone(),
        };
        self.parts.storage.replace(CHECKPOINT, public.as_bytes())?;
        self.public = Some(public);
        Ok(())
    }

    /// Compares `checkpoint` with what was made public, and writes it again where a disk or a hand changed it. Returns what was
    /// found, if it was something else.
    ///
    /// # Errors
    /// `ErrorKind::Storage` when it cannot be read or written; `ErrorKind::Fatal` when it is newer than this log: another writer.
    pub fn check_public(&mut self) -> Result<Option<String>, Error> {
        let Some(public) = &self.public else {
            return Ok(None);
        };
        let storage = self.parts.storage.as_ref();
        let found = storage.read(CHECKPOINT)?;
        if found.as_deref() == Some(public.as_bytes()) {
            return Ok(None);
        }
        let what = match found {
            None => "checkpoint was missing".to_owned(),
            Some(bytes) => {
                let seen = String::from_utf8(bytes).unwrap_or_default();
                match Checkpoint::open(&seen, &self.verifier) {
                    Ok(seen) if seen.size > self.size() => {
                        return Err(Error::new(
                            ErrorKind::Fatal,
                            format!(
                                "checkpoint has {} entries, this log {}: another writer moved the log on",
                                seen.size,
                                self.size()
                            ),
                        ));
                    }
                    Ok(seen) => format!(
                        "checkpoint was another one than the lock store's, of {} entries",
                        seen.size
                    ),
                    Err(error) => format!("checkpoint was damaged: {error}"),
                }
            }
        };
        storage.replace(CHECKPOINT, public.as_bytes())?;
        Ok(Some(format!("{what}; it was written again")))
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

    /// Whether a batch was begun that is not wholly in the log yet.
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        self.unfinished.is_some()
    }

    /// The log's public key under its origin.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// An entry's bytes.
    ///
    /// # Errors
    /// `ErrorKind::Missing` outside the tree, else what the storage says.
    pub fn entry(&self, index: u64) -> Result<Vec<u8>, Error> {
        if index >= self.size() {
            return Err(Error::new(
                ErrorKind::Missing,
                format!("entry {index} is not in a tree of {}", self.size()),
            ));
        }
        let mut entries = self.bundle(index / WIDTH)?;
        Ok(entries.swap_remove((index % WIDTH) as usize))
    }

    /// The entries of a bundle, 256 but for the last one's.
    ///
    /// # Errors
    /// What the storage says.
    pub fn bundle(&self, index: u64) -> Result<Vec<Vec<u8>>, Error> {
        let width = tile::width_at(0, index, self.size());
        let path = tile::entries_path(index, width);
        tile::parse_bundle(&self.read_tile(&path)?, width, &path)
    }

    /// The proof that entry `index` is in the newest checkpoint, verified before it is handed out.
    ///
    /// # Errors
    /// `ErrorKind::Missing` outside the tree, `ErrorKind::Corrupt` when the stored tiles do not lead to the root.
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

/// What an operator can do about files that are newer than the lock store.
const ADOPT: &str = "Put back what is older to the newest copy there is, or let the lock store take over the newer files with \
                     `seedmark-server adopt-log`";

fn read_public(storage: &dyn Storage) -> Result<Option<String>, Error> {
    let bytes = storage.read(CHECKPOINT)?;
    bytes
        .map(|bytes| String::from_utf8(bytes).map_err(|_| corrupt("checkpoint is not text")))
        .transpose()
}

/// The right edge and the last, partial bundle, after both were found to lead to the root.
fn read_edge(storage: &dyn Storage, locked: &Checkpoint) -> Result<(Edge, Vec<Vec<u8>>), Error> {
    let files = Files(storage);
    let broken = |error: Error| match error.kind() {
        ErrorKind::Storage => error,
        _ => corrupt(format!(
            "the lock store has signed {} entries, and the files do not hold them: {error}. Put back the newest copy of the log's \
             folder that there is",
            locked.size
        )),
    };
    let edge = Edge::read(&files, locked).map_err(broken)?;
    let mut pending = Vec::new();
    if let Some(last) = locked.size.checked_sub(1) {
        let tree = Verified::new(&files, locked.clone()).map_err(broken)?;
        let entries = tree.entries(last / WIDTH).map_err(broken)?;
        if !locked.size.is_multiple_of(WIDTH) {
            pending = entries;
        }
    }
    Ok((edge, pending))
}

/// A storage as a reader, before a log is open.
struct Files<'a>(&'a dyn Storage);

impl TileReader for Files<'_> {
    fn read_tile(&self, path: &str) -> Result<Vec<u8>, Error> {
        let missing = || Error::new(ErrorKind::Missing, format!("{path} is missing"));
        self.0.read(path)?.ok_or_else(missing)
    }
}

impl TileReader for Log {
    fn read_tile(&self, path: &str) -> Result<Vec<u8>, Error> {
        self.parts
            .storage
            .read(path)?
            .ok_or_else(|| Error::new(ErrorKind::Corrupt, format!("{path} is missing")))
    }
}

fn corrupt(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Corrupt, message)
}

/// Writes a batch's tiles. `again`: a file that is there may never have reached the disk, whatever a second flush of it says, so its
/// bytes are written anew.
fn apply(storage: &dyn Storage, uploads: &[Upload], again: bool) -> Result<(), Error> {
    for Upload { path, bytes } in uploads {
        if !again {
            storage.write_once(path, bytes)?;
            continue;
        }
        match storage.read(path)? {
            Some(found) if found != *bytes => {
                return Err(corrupt(format!("{path} exists with other bytes")));
            }
            _ => storage.replace(path, bytes)?,
        }
    }
    Ok(())
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
