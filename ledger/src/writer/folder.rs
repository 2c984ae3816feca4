//! A folder as storage, and a file as lock store for a log without a database.
//!
//! The one rule: temporary file, fsync, rename, fsync of the folder; nothing is durable before the last of them.

use super::{LockStore, Storage};
use crate::error::{Error, ErrorKind};
use crate::tile::{MAX_FILE_BYTES, TileReader};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Tiles in a folder.
pub struct Folder {
    root: PathBuf,
    count: AtomicU64,
}

impl Folder {
    /// A folder; made when missing.
    ///
    /// # Errors
    /// `ErrorKind::Storage`.
    pub fn new(root: &Path) -> Result<Self, Error> {
        fs::create_dir_all(root).map_err(|error| failed(root, &error))?;
        Ok(Self {
            root: root.to_owned(),
            count: AtomicU64::new(0),
        })
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        let folder = path.parent().unwrap_or(&self.root);
        self.create_folders(folder)?;
        // Unique within the process; the lock store keeps a second process from writing at all.
        let name = format!(
            ".{}-{}.tmp",
            std::process::id(),
            self.count.fetch_add(1, Ordering::Relaxed)
        );
        let temporary = folder.join(name);
        let result = (|| {
            let mut file = File::create(&temporary)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&temporary, path)?;
            File::open(folder)?.sync_all()
        })();
        if result.is_err() {
            let _leftover = fs::remove_file(&temporary);
        }
        result.map_err(|error| failed(path, &error))
    }

    /// Makes a file that is there already durable, with every folder that leads to it.
    fn flush(&self, path: &Path) -> Result<(), Error> {
        let below = |place: &&Path| place.starts_with(&self.root);
        for place in path.ancestors().take_while(below) {
            File::open(place)
                .and_then(|file| file.sync_all())
                .map_err(|error| failed(place, &error))?;
        }
        Ok(())
    }

    /// Creates missing folders and makes each durable in its parent.
    fn create_folders(&self, folder: &Path) -> Result<(), Error> {
        if folder.is_dir() {
            return Ok(());
        }
        if let Some(parent) = folder.parent() {
            self.create_folders(parent)?;
            match fs::create_dir(folder) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(failed(folder, &error));
                }
                _ => File::open(parent)
                    .and_then(|parent| parent.sync_all())
                    .map_err(|error| failed(parent, &error))?,
            }
        }
        Ok(())
    }
}

fn failed(path: &Path, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Storage, format!("{}: {error}", path.display()))
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    read_within(path, u64::MAX - 1)
}

/// Reads a file of at most `most` bytes; a longer one, or one without an end, is refused.
fn read_within(path: &Path, most: u64) -> Result<Option<Vec<u8>>, Error> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes));
    match read {
        Ok(length) if length as u64 > most => Err(Error::new(
            ErrorKind::Malformed,
            format!("{} is longer than {most} bytes", path.display()),
        )),
        Ok(_) => Ok(Some(bytes)),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(failed(path, &error)),
    }
}

impl TileReader for Folder {
    fn read_tile(&self, path: &str) -> Result<Vec<u8>, Error> {
        let missing = || Error::new(ErrorKind::Missing, format!("{path} is missing"));
        let bytes = read_within(&self.root.join(path), MAX_FILE_BYTES)?;
        bytes.ok_or_else(missing)
    }
}

impl Storage for Folder {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        read(&self.root.join(path))
    }

    fn write_once(&self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        let full = self.root.join(path);
        match read(&full)? {
            // Whoever wrote it may have died before it was flushed.
            Some(found) if found == bytes => self.flush(&full),
            Some(_) => Err(Error::new(
                ErrorKind::Corrupt,
                format!("{path} exists with other bytes"),
            )),
            None => {
                self.write(&full, bytes)?;
                let mut permissions = fs::metadata(&full)
                    .map_err(|error| failed(&full, &error))?
                    .permissions();
                permissions.set_readonly(true);
                fs::set_permissions(&full, permissions).map_err(|error| failed(&full, &error))
            }
        }
    }

    fn replace(&self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        self.write(&self.root.join(path), bytes)
    }

    fn remove(&self, path: &str) -> Result<(), Error> {
        let full = self.root.join(path);
        match fs::remove_file(&full) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed(&full, &error));
            }
            _ => {}
        }
        // The folder of a tile's partial ones goes with the last of them; while others are there, it cannot.
        if let Some(folder) = full.parent().filter(|folder| is_of_partials(folder)) {
            let _not_empty = fs::remove_dir(folder);
        }
        Ok(())
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, Error> {
        let full = self.root.join(folder);
        let entries = match fs::read_dir(&full) {
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(Vec::new());
            }
            entries => entries.map_err(|error| failed(&full, &error))?,
        };
        let name = |entry: std::io::Result<fs::DirEntry>| {
            let entry = entry.map_err(|error| failed(&full, &error))?;
            // What is no text has no name of ours.
            Ok(entry.file_name().into_string().ok())
        };
        entries
            .filter_map(|entry| name(entry).transpose())
            .collect()
    }
}

fn is_of_partials(folder: &Path) -> bool {
    folder.extension().is_some_and(|end| end == "p")
}

/// A lock store in one file, for a log that one process writes. The file is locked while the store lives.
pub struct FileLock {
    folder: Folder,
    /// Held open for the advisory lock; a second process is refused.
    _lock: File,
    /// Serialises load and swap.
    guard: Mutex<()>,
}

const LOCK_FILE: &str = "lock-checkpoint";

impl FileLock {
    /// Takes the lock on `folder`.
    ///
    /// # Errors
    /// `ErrorKind::Storage` when another process holds it.
    pub fn new(folder: &Path) -> Result<Self, Error> {
        let store = Folder::new(folder)?;
        let path = folder.join("lock");
        let file = File::create(&path).map_err(|error| failed(&path, &error))?;
        file.try_lock().map_err(|error| {
            Error::new(
                ErrorKind::Storage,
                format!(
                    "{}: another process writes this log ({error})",
                    path.display()
                ),
            )
        })?;
        Ok(Self {
            folder: store,
            _lock: file,
            guard: Mutex::new(()),
        })
    }
}

impl LockStore for FileLock {
    fn load(&self, _origin: &str) -> Result<Option<String>, Error> {
        let bytes = self.folder.read(LOCK_FILE)?;
        bytes
            .map(|bytes| {
                String::from_utf8(bytes)
                    .map_err(|_| Error::new(ErrorKind::Corrupt, "the lock record is not text"))
            })
            .transpose()
    }

    fn create(&self, origin: &str, checkpoint: &str) -> Result<(), Error> {
        if self.load(origin)?.is_some() {
            return Err(Error::new(
                ErrorKind::Exists,
                format!("the log {origin} exists already"),
            ));
        }
        self.folder.replace(LOCK_FILE, checkpoint.as_bytes())
    }

    fn swap(&self, origin: &str, old: &str, new: &str) -> Result<(), Error> {
        // A poisoned lock means that a swap panicked half-way: its outcome is unknown, and so is ours.
        let _guard = self
            .guard
            .lock()
            .map_err(|_| Error::new(ErrorKind::Storage, "an earlier swap did not finish"))?;
        if self.load(origin)?.as_deref() != Some(old) {
            return Err(Error::new(
                ErrorKind::Storage,
                "another writer moved the log on",
            ));
        }
        self.folder.replace(LOCK_FILE, new.as_bytes())
    }
}
