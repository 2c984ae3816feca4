//! The index in its folder: opened, changed, read.
//!
//! The one rule: readers see whole changes. One process writes; what it wrote is on disk before anybody reads it.

use crate::columns::Place;
use crate::direct;
use crate::document::{Change, Document};
use crate::numbers::Log;
use crate::reader::{Reader, Words};
use crate::row::{self, Id, Numbers, Row};
use crate::state::{Next, State};
use crate::terms;
use crate::text::{Fields, Text};
use crate::words::{self, chinese};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tantivy::directory::MmapDirectory;
use tantivy::schema::Value as _;
use tantivy::store::StoreReader;
use tantivy::{IndexReader, IndexWriter, ReloadPolicy, TantivyDocument, TantivyError, Term};

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
    /// The disk failed or is full. What was there before is still read.
    #[error("the search index could not be written: {0}")]
    Write(String),
}

impl Error {
    fn write(error: impl std::fmt::Display) -> Self {
        Self::Write(error.to_string())
    }

    fn damaged(error: impl std::fmt::Display) -> Self {
        Self::Rebuild(Rebuild::Damaged(error.to_string()))
    }
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

/// What a commit says beside the words.
#[derive(Serialize, Deserialize)]
struct Payload {
    version: u32,
    cursor: String,
    /// Which file of numbers, and how much of it counts.
    numbers: u64,
    numbers_bytes: u64,
}

/// Layout of rows, keys and numbers; with the version of words it is the index's.
const FORMAT: u32 = 1;
/// Memory for what is written, in bytes; the least that tantivy takes is 15 MB.
const WRITE_BYTES: usize = 24 << 20;
/// The longest cursor, in bytes.
const MAX_CURSOR_BYTES: usize = 1_000;
/// So many entries of numbers more than there are listings, and they are written anew.
const SPARE_NUMBERS: u64 = 100_000;
/// So many places that nobody has any more, and more than there are listings, and the rows are read anew.
const SPARE_PLACES: u64 = 50_000;
/// Names of what lies in the folder.
const WORDS: &str = "words";
const LOCK: &str = "lock";

fn version() -> u32 {
    FORMAT * 1_000 + words::VERSION
}

/// What only the writer touches: held for as long as a batch is applied.
struct Writer {
    folder: PathBuf,
    fields: Fields,
    index: tantivy::Index,
    reader: IndexReader,
    /// Absent after a batch that failed, until the next.
    words: Option<IndexWriter>,
    numbers: Log,
    cursor: String,
    /// Where each live listing lies.
    places: HashMap<Id, Place>,
    /// Held, not read: nobody else writes.
    _lock: File,
}

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

fn lock(folder: &Path) -> Result<File, Error> {
    std::fs::create_dir_all(folder).map_err(Error::write)?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join(LOCK))
        .map_err(Error::write)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(Error::Locked),
        Err(std::fs::TryLockError::Error(error)) => Err(Error::write(error)),
    }
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
        let loaded = Loaded::read(folder, &fields, &index)?;
        let broken = index.validate_checksum().map_err(Error::damaged)?;
        if let Some(file) = broken.iter().next() {
            return Err(Error::damaged(format!(
                "{} is not as it was written",
                file.display()
            )));
        }
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

    fn writer(&self) -> std::sync::MutexGuard<'_, Writer> {
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

fn reader(index: &tantivy::Index) -> tantivy::Result<IndexReader> {
    index
        .reader_builder()
        .reload_policy(ReloadPolicy::Manual)
        .try_into()
}

/// Every row of the files, and where it lies now.
fn rows(
    fields: &Fields,
    reader: &IndexReader,
    numbers: impl Fn(Id) -> Numbers,
) -> Result<(State, HashMap<Id, Place>), Error> {
    let mut next = Next::new(&State::default());
    let mut places = HashMap::new();
    for segment in reader.searcher().segment_readers() {
        let store: StoreReader = segment.get_store_reader(1).map_err(Error::damaged)?;
        for document in store.iter::<TantivyDocument>(segment.alive_bitset()) {
            let document = document.map_err(Error::damaged)?;
            let bytes = document
                .get_first(fields.row)
                .and_then(|value| value.as_bytes());
            let row = bytes
                .and_then(Row::from_bytes)
                .ok_or_else(|| Error::damaged("a row of it is cut"))?;
            if let Some(twice) = places.insert(row.id, next.add(&row, numbers(row.id))) {
                next.remove(twice);
            }
        }
    }
    Ok((next.finish(), places))
}

fn open_words(index: &tantivy::Index) -> Result<IndexWriter, Error> {
    index
        .writer_with_num_threads(1, WRITE_BYTES)
        .map_err(|error| match error {
            TantivyError::LockFailure(..) => Error::Locked,
            other => Error::write(other),
        })
}

/// Makes everything that was handed over true, with the numbers and the cursor.
fn commit(words: &mut IndexWriter, numbers: &Log, cursor: &str) -> Result<(), Error> {
    let payload = Payload {
        version: version(),
        cursor: cursor.to_owned(),
        numbers: numbers.number,
        numbers_bytes: numbers.bytes,
    };
    let payload = serde_json::to_string(&payload).map_err(Error::write)?;
    let mut prepared = words.prepare_commit().map_err(Error::write)?;
    prepared.set_payload(&payload);
    prepared.commit().map_err(Error::write)?;
    Ok(())
}

/// What the files say.
struct Loaded {
    reader: IndexReader,
    now: Reader,
    places: HashMap<Id, Place>,
    numbers: Log,
    cursor: String,
}

impl Loaded {
    fn read(folder: &Path, fields: &Fields, index: &tantivy::Index) -> Result<Self, Error> {
        let payload = index.load_metas().map_err(Error::damaged)?.payload;
        let payload: Payload =
            serde_json::from_str(&payload.unwrap_or_default()).map_err(Error::damaged)?;
        if payload.version != version() {
            return Err(Error::Rebuild(Rebuild::OtherVersion));
        }
        let (numbers, entries) =
            Log::open(folder, payload.numbers, payload.numbers_bytes).map_err(Error::damaged)?;
        let entries: HashMap<Id, Numbers> = entries.into_iter().collect();
        let reader = reader(index).map_err(Error::damaged)?;
        let (state, places) = rows(fields, &reader, |id| {
            entries.get(&id).copied().unwrap_or_default()
        })?;
        let text = Text::new(fields, &reader.searcher(), None, &places).map_err(Error::damaged)?;
        let now = Reader::new(state, Arc::new(Words::new(text)));
        Ok(Self {
            reader,
            now,
            places,
            numbers,
            cursor: payload.cursor,
        })
    }
}

impl Writer {
    fn open_words(&self) -> Result<IndexWriter, Error> {
        open_words(&self.index)
    }

    /// Reads the files again after a batch that failed, however much of it is there.
    fn recover(&mut self) -> Result<Reader, Error> {
        let words = self.open_words()?;
        let Loaded {
            reader,
            now,
            places,
            numbers,
            cursor,
        } = Loaded::read(&self.folder, &self.fields, &self.index)?;
        (self.reader, self.places, self.numbers, self.cursor) = (reader, places, numbers, cursor);
        self.words = Some(words);
        Ok(now)
    }

    fn apply(
        &mut self,
        before: &Reader,
        changes: &[Change],
        cursor: &str,
    ) -> Result<(Applied, Option<Reader>), Error> {
        let mut last: HashMap<Id, &Change> = HashMap::new();
        for change in changes {
            let id = match change {
                Change::Put(document) => &document.id,
                Change::Remove(id) => id,
            };
            last.insert(row::number(id), change);
        }
        // In the order of ids, so that the same batch is the same index.
        let mut last: Vec<(Id, &Change)> = last.into_iter().collect();
        last.sort_unstable_by_key(|(id, _)| *id);
        let mut applied = Applied::default();
        let mut next = Next::new(before.state());
        let (mut numbers, mut moved) = (Vec::new(), Vec::new());
        for (id, change) in last {
            let place = self.places.get(&id).copied();
            match change {
                Change::Remove(listing) => {
                    if let Some(place) = place {
                        self.take_out(listing.as_str());
                        next.remove(place);
                        moved.push((id, None));
                        applied.removed += 1;
                    }
                }
                Change::Put(document) => {
                    let figures = Numbers::of(document);
                    let columns = &before.state().columns;
                    match place {
                        Some(place) if columns.fingerprint(place) == row::fingerprint(document) => {
                            if columns.numbers(place) == figures {
                                applied.unchanged += 1;
                                continue;
                            }
                            next.set_numbers(place, figures);
                            applied.numbers += 1;
                        }
                        place => {
                            if let Some(place) = place {
                                self.take_out(document.id.as_str());
                                next.remove(place);
                            }
                            let row = self.put(document)?;
                            moved.push((id, Some(next.add(&row, figures))));
                            applied.written += 1;
                        }
                    }
                    numbers.push((id, figures));
                }
            }
        }
        self.keep_numbers(next.state(), &numbers, &moved)?;
        self.commit(cursor)?;
        for (id, place) in moved {
            match place {
                Some(place) => self.places.insert(id, place),
                None => self.places.remove(&id),
            };
        }
        if applied.written + applied.removed + applied.numbers == 0 {
            return Ok((applied, None));
        }
        let state = next.finish();
        let spare = u64::from(state.columns.count()) - state.live.len();
        if spare > SPARE_PLACES.max(state.live.len()) {
            return Ok((applied, Some(self.read_anew(&state)?)));
        }
        let words = self.text(before)?;
        Ok((
            applied,
            Some(Reader::new(
                state,
                words.unwrap_or_else(|| before.words().clone()),
            )),
        ))
    }

    /// The words as they are in the files now, where the files are others than before.
    fn text(&self, before: &Reader) -> Result<Option<Arc<Words>>, Error> {
        self.reader.reload().map_err(Error::write)?;
        let searcher = self.reader.searcher();
        if before.words().text.is_of(&searcher) {
            return Ok(None);
        }
        let text = Text::new(
            &self.fields,
            &searcher,
            Some(&before.words().text),
            &self.places,
        )
        .map_err(Error::write)?;
        Ok(Some(Arc::new(Words::new(text))))
    }

    /// Reads the rows again, so that places that nobody has any more are forgotten.
    fn read_anew(&mut self, state: &State) -> Result<Reader, Error> {
        self.reader.reload().map_err(Error::write)?;
        let numbers = |id: Id| {
            self.places
                .get(&id)
                .map(|place| state.columns.numbers(*place))
                .unwrap_or_default()
        };
        let (state, places) = rows(&self.fields, &self.reader, numbers)?;
        self.places = places;
        let text = Text::new(&self.fields, &self.reader.searcher(), None, &self.places)
            .map_err(Error::write)?;
        Ok(Reader::new(state, Arc::new(Words::new(text))))
    }

    fn take_out(&self, id: &str) {
        if let Some(words) = &self.words {
            words.delete_term(Term::from_field_text(self.fields.keys, &direct::id_key(id)));
        }
    }

    /// Hands a document to tantivy.
    fn put(&self, document: &Document) -> Result<Row, Error> {
        let found = terms::terms(document);
        let row = Row::of(document, found.title_words, &found.concepts);
        let mut written = TantivyDocument::default();
        for (field, terms) in self.fields.texts.iter().zip(&found.fields) {
            for term in &terms.0 {
                written.add_text(*field, term);
            }
        }
        let whole = terms::whole(&words::token::tokens(&document.title));
        for key in direct::keys(document, &whole) {
            written.add_text(self.fields.keys, key);
        }
        let [upper, lower] = self.fields.halves;
        written.add_u64(upper, (row.id >> 64) as u64);
        written.add_u64(lower, row.id as u64);
        written.add_bytes(self.fields.row, &row.to_bytes());
        let words = self
            .words
            .as_ref()
            .ok_or_else(|| Error::write("there is no writer"))?;
        words.add_document(written).map_err(Error::write)?;
        Ok(row)
    }

    /// Adds numbers to their file, or writes a new one where most of the old is of no use.
    fn keep_numbers(
        &mut self,
        state: &State,
        numbers: &[(Id, Numbers)],
        moved: &[(Id, Option<Place>)],
    ) -> Result<(), Error> {
        if self.numbers.entries() < state.live.len() * 2 + SPARE_NUMBERS {
            return self.numbers.add(numbers).map_err(Error::write);
        }
        let mut all: HashMap<Id, Numbers> = self
            .places
            .iter()
            .map(|(id, place)| (*id, state.columns.numbers(*place)))
            .collect();
        for (id, place) in moved {
            if place.is_none() {
                all.remove(id);
            }
        }
        all.extend(numbers.iter().copied());
        let all: Vec<(Id, Numbers)> = all.into_iter().collect();
        let number = self.numbers.number + 1;
        self.numbers = Log::create(&self.folder, number, &all).map_err(Error::write)?;
        Ok(())
    }

    fn commit(&mut self, cursor: &str) -> Result<(), Error> {
        let words = self
            .words
            .as_mut()
            .ok_or_else(|| Error::write("there is no writer"))?;
        commit(words, &self.numbers, cursor)?;
        self.cursor = cursor.to_owned();
        self.numbers.remove_others();
        Ok(())
    }
}
