//! Starting pictures: what a recipe begins with, encrypted in files beside it.
//!
//! The one rule: a file's key lies in the secret that names it, and nowhere else: who erases the secret erases the picture.

mod store;
#[cfg(test)]
mod tests;
#[cfg(any(test, feature = "testing"))]
pub use store::ALL as STATEMENTS;

use base::compute;
use base::db::{self, Tx};
use base::media::{self, Media};
use base::vault::{self, FileKey};
use engine::picture::Picture;
use engine::pipeline::Pictures;
use schema::bundle::check_picture_files;
use schema::digest::Digest;
use serde::{Deserialize, Serialize};
use thiserror::Error as ThisError;

/// A picture of a recipe, as a secret names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The file.
    pub blob: String,
    /// What opens it.
    pub key: FileKey,
    /// What its pixels are.
    pub pixels: Digest,
}

/// Why a picture is not there.
#[derive(Debug, ThisError)]
pub enum Error {
    /// The file is gone.
    #[error("the file {0} of a starting picture is missing")]
    Missing(String),
    /// More than a bundle carries.
    #[error("the pictures that a recipe begins with are more than a bundle carries")]
    Large,
    /// The file does not open.
    #[error(transparent)]
    Vault(#[from] vault::Error),
    /// The files' place failed.
    #[error(transparent)]
    Media(#[from] media::Error),
    /// It is no picture.
    #[error(transparent)]
    Engine(#[from] engine::Error),
}

/// Encrypts what a recipe begins with and writes the files. Nobody names them yet: [`hold`] does, in the transaction that stores the secret.
///
/// # Errors
/// [`Error::Large`] when they would not fit into a bundle; when the files' place fails.
pub async fn keep(files: &Media, pictures: Vec<Picture>) -> Result<Vec<Kept>, Error> {
    let locked = compute::run(move || {
        let encoded = pictures.iter().map(|picture| picture.to_png(None));
        let encoded = encoded.collect::<Result<Vec<_>, _>>()?;
        check_picture_files(&encoded).map_err(|_| Error::Large)?;
        let lock = |(picture, file): (&Picture, &Vec<u8>)| {
            let (file, key) = vault::lock(file);
            Ok((file, key, picture.digest()?.blake3))
        };
        let locked = pictures.iter().zip(&encoded).map(lock);
        locked.collect::<Result<Vec<_>, Error>>()
    });
    let mut kept = Vec::new();
    for (file, key, pixels) in locked.await? {
        let blob = files.put(file).await?;
        kept.push(Kept { blob, key, pixels });
    }
    Ok(kept)
}

/// The PNG files of pictures, in their order.
///
/// # Errors
/// When one is gone or does not open.
pub async fn read(files: &Media, kept: &[Kept]) -> Result<Vec<Vec<u8>>, Error> {
    let mut read = Vec::new();
    for kept in kept {
        let file = files.get(&kept.blob).await?;
        let file = file.ok_or_else(|| Error::Missing(kept.blob.clone()))?;
        let key = kept.key.clone();
        read.push(compute::run(move || vault::unlock(&key, &file)).await?);
    }
    Ok(read)
}

/// Pictures for the engine.
///
/// # Errors
/// As [`read`].
pub async fn open(files: &Media, kept: &[Kept]) -> Result<Pictures, Error> {
    if kept.is_empty() {
        return Ok(Pictures::default());
    }
    let files = read(files, kept).await?;
    Ok(compute::run(move || Pictures::of_files(&files)).await?)
}

/// Names files for their owner, a draft or a version, so that they stay. Said twice it is one.
///
/// # Errors
/// When the database fails.
pub async fn hold(tx: &mut Tx, owner: &str, kept: &[Kept], now_ms: i64) -> db::Result<()> {
    for kept in kept {
        store::insert(tx, owner, &kept.blob, now_ms).await?;
    }
    Ok(())
}

/// Whether an owner begins with a picture: of a version everybody may know that, and nothing of the picture.
///
/// # Errors
/// When the database fails.
pub async fn is_begun(tx: &mut Tx, owner: &str) -> db::Result<bool> {
    Ok(store::count(tx, owner).await? > 0)
}

/// Names an owner's files no more.
///
/// # Errors
/// When the database fails.
pub async fn let_go(tx: &mut Tx, owner: &str) -> db::Result<()> {
    store::delete(tx, owner).await
}
