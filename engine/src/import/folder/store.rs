//! Added models in a folder, each under its digest.
//!
//! The one rule: a model appears by one rename, whole; what is being written lies under a name that nobody reads.

use crate::error::{Error, ErrorKind};
use crate::model::{CARD, MANIFEST, Manifest, ModelFile, Source};
use schema::digest::Digest;
use schema::recipe::ModelDigest;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// How folders are called that are still being written.
const UNFINISHED: &str = ".adding";

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

/// A folder that goes when it is dropped.
pub(super) struct Work(PathBuf);

impl Work {
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // Nothing can be done about a folder that stays; the next one has another name.
        let _ = fs::remove_dir_all(&self.0);
    }
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
    pub fn list(&self) -> Result<Vec<Entry>, Error> {
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
            found.push(entry_of(path)?);
        }
        found.sort_by(|a, b| {
            (&a.manifest.name, &a.manifest.version, a.digest.to_string()).cmp(&(
                &b.manifest.name,
                &b.manifest.version,
                b.digest.to_string(),
            ))
        });
        Ok(found)
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
            (None, _) => Err(Error::new(
                ErrorKind::Missing,
                format!("no model {name:?} lies in {}", self.path.display()),
            )),
            _ => Err(Error::new(
                ErrorKind::Missing,
                format!("several models are called {name:?}; name one by its digest"),
            )),
        }
    }

    /// Takes a model away.
    ///
    /// # Errors
    /// What the disk refuses.
    pub fn remove(&self, entry: &Entry) -> Result<(), Error> {
        // Out of sight first: a half-removed model is never found.
        let gone = self
            .path
            .join(format!("{UNFINISHED}-{}-gone", std::process::id()));
        fs::rename(&entry.path, &gone).map_err(|error| cannot("removed", &entry.path, &error))?;
        fs::remove_dir_all(&gone).map_err(|error| cannot("removed", &gone, &error))
    }

    /// A folder to write a model into.
    pub(super) fn begin(&self) -> Result<Work, Error> {
        folder(&self.path)?;
        self.sweep();
        for number in 0..1000 {
            let name = format!("{UNFINISHED}-{}-{number}", std::process::id());
            let path = self.path.join(name);
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Work(path)),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(cannot("made", &path, &error)),
            }
        }
        Err(Error::new(
            ErrorKind::Runtime,
            format!("{} is full of unfinished models", self.path.display()),
        ))
    }

    /// Takes away what a command left that was killed: its process is gone, where that can be seen.
    fn sweep(&self) {
        let alive = |process: &str| {
            let known = Path::new("/proc/self").exists();
            !known || Path::new("/proc").join(process).exists()
        };
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let rest = name.strip_prefix(&format!("{UNFINISHED}-"));
            let process = rest.and_then(|rest| rest.split('-').next());
            let is_number =
                |text: &&str| text.len() < 12 && text.bytes().all(|b| b.is_ascii_digit());
            if process
                .filter(is_number)
                .is_some_and(|process| !alive(process))
            {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    /// Gives a written model its name; whether it was there before.
    pub(super) fn keep(&self, work: Work, digest: ModelDigest) -> Result<(PathBuf, bool), Error> {
        let path = self.path.join(digest.0.hex());
        let moved = fs::rename(work.path(), &path);
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
