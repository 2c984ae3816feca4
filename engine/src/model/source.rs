//! Where a model's files come from, and reading them.
//!
//! The one rule: no file is used before its digest was checked, and none is read further than its manifest says it is long.

use super::manifest::{CARD, MANIFEST, MAX_MANIFEST_BYTES, Manifest, ModelFile};
use crate::error::{Error, ErrorKind};
use schema::digest::Digest;
use schema::recipe::ModelDigest;
use std::borrow::Cow;
use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;

/// Where a model's files come from.
pub enum Source {
    /// A folder on disk.
    Folder(PathBuf),
    /// Files inside the program.
    Embedded(&'static [(&'static str, &'static [u8])]),
}

impl Source {
    /// The manifest alone, with the digest that it gives the model; no other file is looked at.
    ///
    /// # Errors
    /// `ErrorKind::Missing` or `ErrorKind::Malformed`.
    pub(crate) fn manifest(&self) -> Result<(ModelDigest, Manifest), Error> {
        let bytes = self.read(MANIFEST, MAX_MANIFEST_BYTES)?;
        let card = || self.read(CARD, MAX_MANIFEST_BYTES).map(Cow::into_owned);
        Ok((ModelDigest::of(&bytes), Manifest::parse(&bytes, &card)?))
    }

    /// Reads a listed file and checks it.
    ///
    /// # Errors
    /// `ErrorKind::Missing` or `ErrorKind::WrongDigest`, naming the file.
    pub(super) fn checked(&self, file: &ModelFile) -> Result<Cow<'static, [u8]>, Error> {
        let bytes = self.read(&file.name, file.bytes)?;
        let found = Digest(*blake3::hash(&bytes).as_bytes());
        if found != file.blake3 || bytes.len() as u64 != file.bytes {
            return Err(wrong_digest(file, found));
        }
        Ok(bytes)
    }

    /// Checks a listed file of a folder without keeping it: weights stay where they are, and the runtime maps them.
    ///
    /// # Errors
    /// As [`Source::checked`].
    pub(super) fn check(&self, file: &ModelFile) -> Result<(), Error> {
        let Self::Folder(folder) = self else {
            return self.checked(file).map(drop);
        };
        let path = folder.join(&file.name);
        let missing = |error: std::io::Error| {
            let place = format!("{}: {error}", path.display());
            Error::new(
                ErrorKind::Missing,
                format!("model file {} is missing ({place})", file.name),
            )
        };
        let mut hasher = blake3::Hasher::new();
        // Asked before it is opened: a pipe would wait for ever.
        if !std::fs::metadata(&path).map_err(missing)?.is_file() {
            return Err(missing(std::io::Error::other("is no file")));
        }
        let read = File::open(&path).map_err(missing)?;
        let mut read = read.take(file.bytes + 1);
        let length = std::io::copy(&mut read, &mut hasher).map_err(missing)?;
        let found = Digest(*hasher.finalize().as_bytes());
        if found != file.blake3 || length != file.bytes {
            return Err(wrong_digest(file, found));
        }
        Ok(())
    }

    /// Reads a file of at most `most` bytes, and one byte of a longer one, which then has the wrong length.
    pub(super) fn read(&self, name: &str, most: u64) -> Result<Cow<'static, [u8]>, Error> {
        let missing = |place: String| {
            Error::new(
                ErrorKind::Missing,
                format!("model file {name} is missing ({place})"),
            )
        };
        match self {
            Self::Folder(folder) => {
                let path = folder.join(name);
                let cannot =
                    |error: std::io::Error| missing(format!("{}: {error}", path.display()));
                // Asked before it is opened: a pipe would wait for ever.
                let length = std::fs::metadata(&path).map_err(cannot)?;
                if !length.is_file() {
                    return Err(missing(format!("{} is no file", path.display())));
                }
                let file = File::open(&path).map_err(cannot)?;
                let mut bytes = Vec::new();
                let room = usize::try_from(length.len().min(most) + 1).unwrap_or(usize::MAX);
                bytes.try_reserve_exact(room).map_err(|_| no_memory(name))?;
                file.take(most + 1)
                    .read_to_end(&mut bytes)
                    .map_err(cannot)?;
                Ok(Cow::Owned(bytes))
            }
            Self::Embedded(files) => {
                let found = files.iter().find(|(known, _)| *known == name);
                found
                    .map(|(_, bytes)| Cow::Borrowed(*bytes))
                    .ok_or_else(|| missing("not embedded".into()))
            }
        }
    }
}

fn wrong_digest(file: &ModelFile, found: Digest) -> Error {
    let message = format!(
        "model file {} has the digest {found}, {MANIFEST} says {}",
        file.name, file.blake3
    );
    Error::new(ErrorKind::WrongDigest, message)
}

/// Memory that is not there.
pub(super) fn no_memory(name: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("there is not enough memory for the model file {name}"),
    )
}
