//! Picture files: exact ones for owners, labelled ones for everybody, named by the digest of their bytes.
//!
//! The one rule: a file is written before the row that names it. What no row names is put aside before it is removed, and comes back when
//! it is asked for.

use futures_util::TryStreamExt as _;
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt as _, PutPayload};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error as ThisError;

/// Why a file could not be read or written.
#[derive(Debug, ThisError)]
#[error("media: {0}")]
pub struct Error(#[from] object_store::Error);

/// Where files lie: a folder by default.
#[derive(Clone)]
pub struct Media {
    store: Arc<dyn ObjectStore>,
    /// The folder, where it is one.
    root: Option<PathBuf>,
}

/// Where files lie that nobody names.
const ASIDE: &str = "aside";
/// Says whose files these are.
const OWNER: &str = "owner";

impl Media {
    /// Files in a folder, durable when written.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn folder(root: &Path) -> Result<Self, Error> {
        let failed = |error| object_store::Error::Generic {
            store: "folder",
            source: Box::new(error),
        };
        std::fs::create_dir_all(root).map_err(failed)?;
        // fsync is not this store's default; without it a crash could lose a picture that a statement already names.
        let store = LocalFileSystem::new_with_prefix(root)?.with_fsync(true);
        Ok(Self {
            store: Arc::new(store),
            root: Some(root.to_owned()),
        })
    }

    /// Stores bytes and returns their name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn put(&self, bytes: Vec<u8>) -> Result<String, Error> {
        let name = blake3::hash(&bytes).to_hex().to_string();
        self.store
            .put(&path(&name), PutPayload::from(bytes))
            .await?;
        Ok(name)
    }

    /// Reads a file by name, or `None` when there is none. One that was put aside lies in its place again afterwards.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        if let Some(found) = self.read(&path(name)).await? {
            return Ok(Some(found));
        }
        let Some(found) = self.read(&aside(name)).await? else {
            // Somebody else may have put it back between the two looks.
            return self.read(&path(name)).await;
        };
        // On a full disk it stays where it is, and is found there again.
        if let Err(error) = self.take_back(name).await {
            tracing::warn!(file = name, error = %error, "a file that was put aside cannot be put back");
        }
        Ok(Some(found))
    }

    /// Whose files these are, where somebody said so.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn owner(&self) -> Result<Option<String>, Error> {
        let found = self.read(&ObjectPath::from(OWNER)).await?;
        Ok(found.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Says whose files these are.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn set_owner(&self, owner: &str) -> Result<(), Error> {
        let payload = PutPayload::from(owner.as_bytes().to_vec());
        self.store.put(&ObjectPath::from(OWNER), payload).await?;
        Ok(())
    }

    async fn read(&self, path: &ObjectPath) -> Result<Option<Vec<u8>>, Error> {
        match self.store.get(path).await {
            Ok(found) => Ok(Some(found.bytes().await?.to_vec())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The names of files in one of 256 folders that were written before a moment, real time.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(&self, folder: u8, before_ms: i64) -> Result<Vec<String>, Error> {
        self.list_in(&format!("{folder:02x}"), before_ms).await
    }

    /// The names of files of that folder that were put aside before a moment.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list_aside(&self, folder: u8, before_ms: i64) -> Result<Vec<String>, Error> {
        self.list_in(&format!("{ASIDE}/{folder:02x}"), before_ms)
            .await
    }

    async fn list_in(&self, folder: &str, before_ms: i64) -> Result<Vec<String>, Error> {
        let found: Vec<ObjectMeta> = self
            .store
            .list(Some(&ObjectPath::from(folder)))
            .try_collect()
            .await?;
        let old = found
            .iter()
            .filter(|file| file.last_modified.timestamp_millis() < before_ms);
        let names = old.filter_map(|file| file.location.filename()?.strip_suffix(".png"));
        Ok(names.map(str::to_owned).collect())
    }

    /// Puts a file aside, from where it comes back when it is asked for.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn put_aside(&self, name: &str) -> Result<(), Error> {
        self.move_file(&path(name), &aside(name)).await
    }

    /// Puts a file back into its place.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn take_back(&self, name: &str) -> Result<(), Error> {
        self.move_file(&aside(name), &path(name)).await
    }

    /// Written anew, so that it is dated from when it was moved; the old one goes when the new one is durable.
    async fn move_file(&self, from: &ObjectPath, to: &ObjectPath) -> Result<(), Error> {
        if let Some(bytes) = self.read(from).await? {
            self.store.put(to, PutPayload::from(bytes)).await?;
            self.remove(from).await?;
        }
        Ok(())
    }

    /// Removes a file that was put aside.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn remove_aside(&self, name: &str) -> Result<(), Error> {
        self.remove(&aside(name)).await
    }

    async fn remove(&self, path: &ObjectPath) -> Result<(), Error> {
        match self.store.delete(path).await {
            // Somebody else was quicker.
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes what a process that died wrote half, in one of 256 folders, before a moment; returns how many. Only a folder has halves.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub async fn remove_halves(&self, folder: u8, before_ms: i64) -> Result<usize, Error> {
        let Some(root) = &self.root else {
            return Ok(0);
        };
        let places =
            [root.clone(), root.join(ASIDE)].map(|root| root.join(format!("{folder:02x}")));
        let removed = tokio::task::spawn_blocking(move || {
            let removed = places.iter().map(|place| remove_halves(place, before_ms));
            removed.sum::<std::io::Result<usize>>()
        });
        let removed = removed.await;
        let failed = |error| object_store::Error::Generic {
            store: "folder",
            source: error,
        };
        let removed = removed.map_err(|error| failed(error.into()))?;
        Ok(removed.map_err(|error| failed(error.into()))?)
    }
}

/// The store writes beside the file, under its name with `#` and a number, and renames.
fn remove_halves(folder: &Path, before_ms: i64) -> std::io::Result<usize> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().contains(".png#") {
            continue;
        }
        let is_old = |written: std::time::SystemTime| {
            let age = written.duration_since(std::time::UNIX_EPOCH);
            age.is_ok_and(|age| (age.as_millis() as i64) < before_ms)
        };
        let gone = entry.metadata().and_then(|about| about.modified());
        let gone = gone.and_then(|written| match is_old(written) {
            true => std::fs::remove_file(entry.path()).map(|()| 1),
            false => Ok(0),
        });
        match gone {
            Ok(files) => removed += files,
            // It was finished or removed meanwhile.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(removed)
}

/// Two hex digits of folder, so that no folder grows too large. `name` is a digest, never a user's text.
fn path(name: &str) -> ObjectPath {
    ObjectPath::from(format!("{}/{name}.png", name.get(..2).unwrap_or("xx")))
}

fn aside(name: &str) -> ObjectPath {
    ObjectPath::from(format!("{ASIDE}/{}", path(name)))
}

#[cfg(test)]
mod tests;
