//! The index in its folder: opened, changed, read.
//!
//! The one rule: readers see whole changes. One process writes; what it wrote is on disk before anybody reads it.

use crate::document::Change;
use crate::reader::Reader;
use std::path::Path;
use std::sync::Arc;

/// Why an index has to be built anew from the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rebuild {
    /// There is none.
    Missing,
    /// It was written by another version of words, synonyms or format.
    OtherVersion,
    /// Files are missing, cut or changed: what was found.
    Damaged(String),
}

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It has to be built anew: [`Index::create`], then every listing through [`Index::apply`].
    #[error("the search index has to be built anew: {0:?}")]
    Rebuild(Rebuild),
    /// Another process writes it.
    #[error("another process has the search index open")]
    Locked,
    /// A change is out of bounds; nothing of its batch was applied.
    #[error("a document is out of bounds: {0}")]
    Refused(String),
    /// The disk failed or is full. What was there before is still read.
    #[error("the search index could not be written: {0}")]
    Write(String),
}

/// What a batch did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Listings whose words were written.
    pub written: usize,
    /// Listings of which only numbers changed.
    pub numbers: usize,
    /// Listings taken out.
    pub removed: usize,
    /// Listings that were as they were told to be.
    pub unchanged: usize,
}

/// An index, open for reading and writing. Clones are the same index.
#[derive(Clone)]
pub struct Index {}

impl Index {
    /// Opens the index in a folder. Blocks: it reads all of it, about a second for 300,000 listings.
    ///
    /// # Errors
    /// When there is none that can be read, or another process has it.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let _ = folder;
        Err(Error::Rebuild(Rebuild::Missing))
    }

    /// Begins an empty index in a folder, whatever is there.
    ///
    /// # Errors
    /// When another process has it, or the disk fails.
    pub fn create(folder: &Path) -> Result<Self, Error> {
        let _ = folder;
        Ok(Self {})
    }

    /// How far [`Index::apply`] came; empty at first.
    #[must_use]
    pub fn cursor(&self) -> String {
        String::new()
    }

    /// Applies changes in their order, and notes `cursor` with them: both or neither. Blocks: call it where blocking is allowed, with up to
    /// some thousands of changes at once. Later changes of one listing win.
    ///
    /// # Errors
    /// When a document is out of bounds or the disk fails; readers then see what they saw.
    pub fn apply(&self, changes: &[Change], cursor: &str) -> Result<Applied, Error> {
        let _ = (changes, cursor);
        Ok(Applied::default())
    }

    /// The index as it is now; what is read through it does not change.
    #[must_use]
    pub fn reader(&self) -> Arc<Reader> {
        Arc::new(Reader {})
    }
}
