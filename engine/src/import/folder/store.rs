//! Added models in a folder, each under its digest.
//!
//! The one rule: a model appears by one rename, whole; what is being written lies under a name that nobody reads.

use crate::error::{Error, ErrorKind};
use crate::model::{CARD, MANIFEST, Manifest, Model, ModelFile, Source};
use schema::digest::Digest;
use schema::recipe::ModelDigest;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// How folders are called that are still being written.
const UNFINISHED: &str = ".adding";

/// How folders end that are being taken away.
const GONE: &str = "-gone";

/// A folder of models.
#[derive(Clone, Debug)]
pub struct Store {
    path: PathBuf,
}

/// One model of a store.
pub struct Entry {
    /// What recipes name.
    pub digest: ModelDigest,
    /// Its folder.
    pub path: PathBuf,
    /// What it says of itself.
    pub manifest: Manifest,
}

/// A folder that goes when it is dropped. Beside it lies a file that is locked for as long: whoever sweeps, on whatever machine, asks the
/// lock, for a number of a process says nothing elsewhere.
pub(super) struct Work {
    path: PathBuf,
    lock: File,
}

impl Work {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // Nothing can be done about a folder that stays; the next one has another name.
        let _ = fs::remove_dir_all(&self.path);
        let _ = fs::remove_file(lock_of(&self.path));
        let _ = self.lock.unlock();
    }
}

fn lock_of(path: &Path) -> PathBuf {
    path.with_extension("lock")
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Error {
    let why = match error.kind() {
        std::io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        _ => error.to_string(),
    };
    Error::new(
        ErrorKind::Runtime,
        format!("{} cannot be {what}: {why}", path.display()),
    )
}

pub(super) fn folder(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(|error| cannot("made", path, &error))
}

pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let written = File::create(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(|error| cannot("written", path, &error))
}

/// Length and digest of a file, read through once.
pub(super) fn digest(path: &Path, name: &str) -> Result<ModelFile, Error> {
    let read = || -> std::io::Result<(u64, blake3::Hash)> {
        let mut hasher = blake3::Hasher::new();
        let bytes = std::io::copy(&mut File::open(path)?, &mut hasher)?;
        Ok((bytes, hasher.finalize()))
    };
    let (bytes, hash) = read().map_err(|error| cannot("read", path, &error))?;
    Ok(ModelFile {
        blake3: Digest(*hash.as_bytes()),
        bytes,
        name: name.to_owned(),
    })
}

impl Store {
    /// The store in a folder, which need not be there yet.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// Its folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its models by name and version; folders that hold none are passed over.
    ///
    /// # Errors
    /// When the folder cannot be read, or a manifest in it.
    fn folders(&self) -> Result<Vec<PathBuf>, Error> {
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(cannot("read", &self.path, &error)),
        };
        let mut found = Vec::new();
        for entry in entries {
            let path = entry
                .map_err(|error| cannot("read", &self.path, &error))?
                .path();
            let hidden = path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if hidden || !path.join(MANIFEST).is_file() {
                continue;
            }
            found.push(path);
        }
        Ok(found)
    }

    /// Every model that can be read, by name, and what is wrong with each of the others: one damaged folder hides no other.
    ///
    /// # Errors
    /// When the folder itself cannot be read.
    pub fn read(&self) -> Result<(Vec<Entry>, Vec<Error>), Error> {
        let (mut found, mut damaged) = (Vec::new(), Vec::new());
        for path in self.folders()? {
            match entry_of(path) {
                Ok(entry) => found.push(entry),
                Err(error) => damaged.push(error),
            }
        }
        found.sort_by(|a, b| {
            (&a.manifest.name, &a.manifest.version, a.digest.to_string()).cmp(&(
                &b.manifest.name,
                &b.manifest.version,
                b.digest.to_string(),
            ))
        });
        damaged.sort_by_key(ToString::to_string);
        Ok((found, damaged))
    }

    /// Every model that can be read, by name.
    ///
    /// # Errors
    /// When the folder itself cannot be read.
    pub fn list(&self) -> Result<Vec<Entry>, Error> {
        self.read().map(|(found, _)| found)
    }

    /// The one model that is called so: by name, by digest, or by how its digest begins.
    ///
    /// # Errors
    /// `ErrorKind::Missing` when there is none, or several.
    pub fn find(&self, name: &str) -> Result<Entry, Error> {
        let hex = name.strip_prefix("blake3:").unwrap_or(name).to_lowercase();
        let begins = |entry: &Entry| hex.len() >= 4 && entry.digest.0.hex().starts_with(&hex);
        let mut found = self.list()?;
        found.retain(|entry| entry.manifest.name == name || begins(entry));
        let (first, second) = (found.pop(), found.pop());
        match (first, second) {
            (Some(entry), None) => Ok(entry),
            (None, _) => Err(self.damaged(&hex)?.unwrap_or_else(|| {
                let message = format!("no model {name:?} lies in {}", self.path.display());
                Error::new(ErrorKind::Missing, message)
            })),
            _ => Err(Error::new(
                ErrorKind::Missing,
                format!("several models are called {name:?}; name one by its digest"),
            )),
        }
    }

    /// The folder of this name, also of a model that cannot be read.
    fn named(&self, hex: &str) -> Option<PathBuf> {
        let is_digest = hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        let path = is_digest.then(|| self.path.join(hex))?;
        path.is_dir().then_some(path)
    }

    /// What is wrong with the model of a digest.
    fn damaged(&self, hex: &str) -> Result<Option<Error>, Error> {
        Ok(self.named(hex).and_then(|path| entry_of(path).err()))
    }

    /// Takes the model of a digest away that cannot be read; whether there was one.
    ///
    /// # Errors
    /// What the disk refuses.
    pub fn remove_damaged(&self, digest: &str) -> Result<bool, Error> {
        let hex = digest
            .strip_prefix("blake3:")
            .unwrap_or(digest)
            .to_lowercase();
        match self.named(&hex) {
            Some(path) if entry_of(path.clone()).is_err() => self.take_away(&path).map(|()| true),
            _ => Ok(false),
        }
    }

    /// Takes a model away.
    ///
    /// # Errors
    /// What the disk refuses.
    pub fn remove(&self, entry: &Entry) -> Result<(), Error> {
        self.take_away(&entry.path)
    }

    fn take_away(&self, path: &Path) -> Result<(), Error> {
        // Out of sight first: a half-removed model is never found.
        let gone = self
            .path
            .join(format!("{UNFINISHED}-{}{GONE}", std::process::id()));
        fs::rename(path, &gone).map_err(|error| cannot("removed", path, &error))?;
        match fs::remove_dir_all(&gone) {
            // Somebody swept meanwhile.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(|error| cannot("removed", &gone, &error)),
        }
    }

    /// A folder to write a model into.
    pub(super) fn begin(&self) -> Result<Work, Error> {
        folder(&self.path)?;
        self.sweep();
        for number in 0..1000 {
            let name = format!("{UNFINISHED}-{}-{number}", std::process::id());
            let path = self.path.join(name);
            let place = lock_of(&path);
            let lock = File::create_new(&place).and_then(|lock| {
                lock.lock()?;
                match fs::create_dir(&path) {
                    Ok(()) => Ok(lock),
                    // The folder is somebody else's, and so is what its lock may sweep.
                    Err(error) => fs::remove_file(&place).and(Err(error)),
                }
            });
            match lock {
                Ok(lock) => return Ok(Work { path, lock }),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(cannot("made", &path, &error)),
            }
        }
        Err(Error::new(
            ErrorKind::Runtime,
            format!("{} is full of unfinished models", self.path.display()),
        ))
    }

    /// Takes away what a command left that was killed: nobody holds its lock any more.
    fn sweep(&self) {
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            let (name, place) = (entry.file_name(), entry.path());
            let name = name.to_string_lossy();
            if name.starts_with(UNFINISHED) && name.ends_with(GONE) {
                let _ = fs::remove_dir_all(&place);
            }
            if !name.starts_with(UNFINISHED) || !name.ends_with(".lock") {
                continue;
            }
            let free = File::open(&place).is_ok_and(|lock| lock.try_lock().is_ok());
            if free {
                let _ = fs::remove_dir_all(place.with_extension(""));
                let _ = fs::remove_file(&place);
            }
        }
    }

    /// Gives a written model its name; whether it was there before.
    pub(super) fn keep(&self, work: Work, digest: ModelDigest) -> Result<(PathBuf, bool), Error> {
        let path = self.path.join(digest.0.hex());
        let mut moved = fs::rename(work.path(), &path);
        // What lies there is not what was proven now: a damaged one makes place.
        if moved.is_err() && path.is_dir() && !is_whole(&path) {
            self.take_away(&path)?;
            moved = fs::rename(work.path(), &path);
        }
        // Somebody was quicker, long ago or just now.
        if moved.is_err() && path.join(MANIFEST).is_file() {
            // The same model by another name, or with other usual settings: the newer card counts.
            let (from, to) = (work.path().join(CARD), path.join(CARD));
            fs::rename(&from, &to).map_err(|error| cannot("kept", &to, &error))?;
            return Ok((path, true));
        }
        moved.map_err(|error| cannot("kept", &path, &error))?;
        Ok((path, false))
    }
}

/// Whether every file of a model's folder has the digest that its manifest says.
fn is_whole(path: &Path) -> bool {
    Model::load(&Source::Folder(path.to_owned())).is_ok()
}

fn entry_of(path: PathBuf) -> Result<Entry, Error> {
    let read = Source::Folder(path.clone()).manifest();
    let (digest, manifest) =
        read.map_err(|error| Error::new(error.kind(), format!("{}: {error}", path.display())))?;
    Ok(Entry {
        digest,
        path,
        manifest,
    })
}
