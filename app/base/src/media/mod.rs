//! Picture files: exact ones for owners, labelled ones for everybody, named by the digest of their bytes.

use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt as _, PutPayload};
use std::path::Path;
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
}

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

    /// Reads a file by name, or `None` when there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        match self.store.get(&path(name)).await {
            Ok(found) => Ok(Some(found.bytes().await?.to_vec())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Two hex digits of folder, so that no folder grows too large. `name` is a digest, never a user's text.
fn path(name: &str) -> ObjectPath {
    ObjectPath::from(format!("{}/{name}.png", name.get(..2).unwrap_or("xx")))
}
