//! The index in its folder: opened, changed, read.
//!
//! The one rule: readers see whole changes. One process writes; what it wrote is on disk before anybody reads it.

use crate::document::Change;
use crate::files::{Error, Loaded, Rebuild, WORDS, commit, lock, open_words};
use crate::numbers::Log;
use crate::reader::Reader;
use crate::text::Fields;
use crate::words::chinese;
use crate::writer::{Applied, Writer};
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use tantivy::TantivyError;
use tantivy::directory::MmapDirectory;

/// The longest cursor, in bytes.
const MAX_CURSOR_BYTES: usize = 1_000;

struct Shared {
    writer: Mutex<Writer>,
    /// The newest state; replaced by the writer, cloned by everybody.
    now: RwLock<Arc<Reader>>,
}

/// An index, open for reading and writing. Clones are the same index.
#[derive(Clone)]
pub struct Index {
    shared: Arc<Shared>,
}

impl Index {
    /// Opens the index in a folder. Blocks: it reads all of it.
    ///
    /// # Errors
    /// When there is none that can be read, or another process has it.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let folder_of_words = folder.join(WORDS);
        if !folder_of_words.join("meta.json").exists() {
            return Err(Error::Rebuild(Rebuild::Missing));
        }
        let lock = lock(folder)?;
        chinese::warm();
        // Files that were changed by somebody else may hold anything; reading them must not end the program.
        let opened = std::panic::catch_unwind(|| Self::read(folder, lock));
        opened.unwrap_or_else(|_| Err(Error::damaged("its files cannot be read")))
    }

    fn read(folder: &Path, lock: File) -> Result<Self, Error> {
        let fields = Fields::new();
        let directory = MmapDirectory::open(folder.join(WORDS)).map_err(Error::damaged)?;
        let index = tantivy::Index::open(directory).map_err(|error| match error {
            TantivyError::IncompatibleIndex(_) => Error::Rebuild(Rebuild::OtherVersion),
            other => Error::damaged(other),
        })?;
        if index.schema() != fields.schema {
            return Err(Error::Rebuild(Rebuild::OtherVersion));
        }
        let broken = index.validate_checksum().map_err(Error::damaged)?;
        if let Some(file) = broken.iter().next() {
            return Err(Error::damaged(format!(
                "{} is not as it was written",
                file.display()
            )));
        }
        let loaded = Loaded::read(folder, &fields, &index)?;
        Self::begin(folder, fields, index, loaded, lock)
    }

    /// An index whose files are there.
    fn begin(
        folder: &Path,
        fields: Fields,
        index: tantivy::Index,
        loaded: Loaded,
        lock: File,
    ) -> Result<Self, Error> {
        let Loaded {
            reader,
            now,
            places,
            numbers,
            cursor,
        } = loaded;
        let folder = folder.to_owned();
        let mut writer = Writer {
            folder,
            fields,
            index,
            reader,
            words: None,
            numbers,
            cursor,
            places,
            _lock: lock,
        };
        writer.words = Some(writer.open_words()?);
        let shared = Shared {
            writer: Mutex::new(writer),
            now: RwLock::new(Arc::new(now)),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Begins an empty index in a folder, whatever is there.
    ///
    /// # Errors
    /// When another process has it, or the disk fails.
    pub fn create(folder: &Path) -> Result<Self, Error> {
        let lock = lock(folder)?;
        let folder_of_words = folder.join(WORDS);
        if folder_of_words.exists() {
            // What is half removed has no description, and is built anew.
            let description = folder_of_words.join("meta.json");
            if description.exists() {
                std::fs::remove_file(description).map_err(Error::write)?;
            }
            std::fs::remove_dir_all(&folder_of_words).map_err(Error::write)?;
        }
        std::fs::create_dir_all(&folder_of_words).map_err(Error::write)?;
        chinese::warm();
        let fields = Fields::new();
        let directory = MmapDirectory::open(&folder_of_words).map_err(Error::write)?;
        let index = tantivy::Index::create(
            directory,
            fields.schema.clone(),
            tantivy::IndexSettings::default(),
        )
        .map_err(Error::write)?;
        let numbers = Log::create(folder, 0, &[]).map_err(Error::write)?;
        numbers.remove_others();
        let mut words = open_words(&index)?;
        commit(&mut words, &numbers, "")?;
        drop(words);
        let loaded = Loaded::read(folder, &fields, &index)?;
        Self::begin(folder, fields, index, loaded, lock)
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.shared
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// How far [`Index::apply`] came; empty at first. Waits for a batch that is being applied.
    #[must_use]
    pub fn cursor(&self) -> String {
        self.writer().cursor.clone()
    }

    /// Applies changes in their order, and notes `cursor` with them: both or neither. Blocks: call it where blocking is allowed, with up to
    /// some thousands of changes at once. Later changes of one listing win.
    ///
    /// # Errors
    /// When the disk fails; readers then see what they saw, and the same batch may be applied again.
    pub fn apply(&self, changes: &[Change], cursor: &str) -> Result<Applied, Error> {
        if cursor.len() > MAX_CURSOR_BYTES {
            return Err(Error::Write(format!(
                "a cursor has at most {MAX_CURSOR_BYTES} bytes"
            )));
        }
        let mut writer = self.writer();
        if writer.words.is_none() {
            // A batch failed: what of it is on disk is read again.
            let now = writer.recover()?;
            self.publish(now);
        }
        let before = self.reader();
        let result = writer.apply(&before, changes, cursor);
        match result {
            Ok((applied, next)) => {
                if let Some(next) = next {
                    self.publish(next);
                }
                Ok(applied)
            }
            Err(error) => {
                // What was begun is dropped with the writer; the next batch opens a new one.
                writer.words = None;
                Err(error)
            }
        }
    }

    fn publish(&self, next: Reader) {
        *self
            .shared
            .now
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
    }

    /// Joins files for as long as that helps, and waits for it: after a great many changes.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn settle(&self) -> Result<(), Error> {
        let mut writer = self.writer();
        if let Some(words) = writer.words.take() {
            words.wait_merging_threads().map_err(Error::write)?;
        }
        writer.words = Some(writer.open_words()?);
        let before = self.reader();
        let text = writer.text(&before)?;
        if let Some(words) = text {
            self.publish(Reader::new(before.state().clone(), words));
        }
        Ok(())
    }

    /// The index as it is now; what is read through it does not change.
    #[must_use]
    pub fn reader(&self) -> Arc<Reader> {
        self.shared
            .now
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
