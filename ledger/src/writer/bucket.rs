//! A bucket, or anything else that `object_store` reaches, as storage.
//!
//! The one rule: call it from a thread that may block, never from a task of the runtime that it waits on. A local folder
//! belongs into [`super::Folder`]; `object_store`'s own does not flush unless it is told to.

use super::Storage;
use crate::error::{Error, ErrorKind};
use crate::tile::TileReader;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload};
use std::sync::Arc;
use tokio::runtime::Handle;

/// Objects below a prefix of a store.
pub struct Bucket {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    runtime: Handle,
}

impl Bucket {
    /// Objects below `prefix`; `runtime` drives the store's requests.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>, prefix: &str, runtime: Handle) -> Self {
        Self {
            store,
            prefix: Path::from(prefix),
            runtime,
        }
    }

    fn place(&self, path: &str) -> Path {
        path.split('/')
            .fold(self.prefix.clone(), |place, part| place.join(part))
    }

    fn put(&self, path: &str, bytes: &[u8], mode: PutMode) -> Result<(), object_store::Error> {
        let (place, payload) = (self.place(path), PutPayload::from(bytes.to_vec()));
        let options = PutOptions::from(mode);
        self.runtime
            .block_on(self.store.put_opts(&place, payload, options))
            .map(drop)
    }
}

fn failed(path: &str, error: &object_store::Error) -> Error {
    Error::new(ErrorKind::Storage, format!("{path}: {error}"))
}

impl Storage for Bucket {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let place = self.place(path);
        let read = async { self.store.get(&place).await?.bytes().await };
        match self.runtime.block_on(read) {
            Ok(bytes) => Ok(Some(bytes.to_vec())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(path, &error)),
        }
    }

    fn write_once(&self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        match self.put(path, bytes, PutMode::Create) {
            Ok(()) => Ok(()),
            Err(object_store::Error::AlreadyExists { .. }) => match self.read(path)? {
                Some(found) if found == bytes => Ok(()),
                _ => Err(Error::new(
                    ErrorKind::Corrupt,
                    format!("{path} exists with other bytes"),
                )),
            },
            Err(error) => Err(failed(path, &error)),
        }
    }

    fn replace(&self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        self.put(path, bytes, PutMode::Overwrite)
            .map_err(|error| failed(path, &error))
    }

    fn remove(&self, path: &str) -> Result<(), Error> {
        match self.runtime.block_on(self.store.delete(&self.place(path))) {
            Err(error) if !matches!(error, object_store::Error::NotFound { .. }) => {
                Err(failed(path, &error))
            }
            _ => Ok(()),
        }
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, Error> {
        let place = self.place(folder);
        let listed = self
            .runtime
            .block_on(self.store.list_with_delimiter(Some(&place)));
        let listed = listed.map_err(|error| failed(folder, &error))?;
        let names = listed
            .objects
            .iter()
            .filter_map(|object| object.location.filename());
        Ok(names.map(str::to_owned).collect())
    }
}

impl TileReader for Bucket {
    fn read_tile(&self, path: &str) -> Result<Vec<u8>, Error> {
        let missing = || Error::new(ErrorKind::Missing, format!("{path} is missing"));
        self.read(path)?.ok_or_else(missing)
    }
}
