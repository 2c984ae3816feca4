//! Files that are mapped and not read: a model of gigabytes costs the pages that are looked at.
//!
//! The one rule: what is mapped belongs to whoever adds a model. A file that somebody shortens meanwhile ends the program, never a wrong model:
//! everything that is kept is hashed from what was written.

use crate::error::{Error, ErrorKind};
use bytes::Bytes;
use memmap2::Mmap;
use std::fs::File;
use std::path::Path;

/// A whole file.
///
/// # Errors
/// `ErrorKind::Missing`, naming it.
pub(crate) fn map(path: &Path) -> Result<Bytes, Error> {
    let cannot = |error: std::io::Error| {
        Error::new(
            ErrorKind::Missing,
            format!("{} cannot be read: {error}", path.display()),
        )
    };
    let file = File::open(path).map_err(cannot)?;
    // SAFETY: the mapping is read-only. Rust asks that the bytes do not change while they are borrowed; nothing here relies on two reads of
    // a byte being equal, and lengths are those of the mapping.
    let mapped = unsafe { Mmap::map(&file) }.map_err(cannot)?;
    Ok(Bytes::from_owner(mapped))
}
