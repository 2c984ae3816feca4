//! The files of an index: what they hold, how they are read, and what makes a batch true.
//!
//! The one rule: one commit says which words count, which numbers, and how far was read; what no commit names was never there.

use crate::columns::Place;
use crate::numbers::Log;
use crate::reader::{Reader, Words};
use crate::row::{Id, Numbers, Row};
use crate::state::{Next, State};
use crate::text::{Fields, Text};
use crate::words;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use tantivy::schema::Value as _;
use tantivy::store::StoreReader;
use tantivy::{IndexReader, IndexWriter, ReloadPolicy, TantivyDocument, TantivyError};

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
    pub(crate) fn write(error: impl std::fmt::Display) -> Self {
        Self::Write(error.to_string())
    }

    pub(crate) fn damaged(error: impl std::fmt::Display) -> Self {
        Self::Rebuild(Rebuild::Damaged(error.to_string()))
    }
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
/// Names of what lies in the folder.
pub(crate) const WORDS: &str = "words";
const LOCK: &str = "lock";

fn version() -> u32 {
    FORMAT * 1_000 + words::VERSION
}

pub(crate) fn lock(folder: &Path) -> Result<File, Error> {
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

fn reader(index: &tantivy::Index) -> tantivy::Result<IndexReader> {
    index
        .reader_builder()
        .reload_policy(ReloadPolicy::Manual)
        .try_into()
}

/// Every row of the files, and where it lies now.
pub(crate) fn rows(
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

pub(crate) fn open_words(index: &tantivy::Index) -> Result<IndexWriter, Error> {
    index
        .writer_with_num_threads(1, WRITE_BYTES)
        .map_err(|error| match error {
            TantivyError::LockFailure(..) => Error::Locked,
            other => Error::write(other),
        })
}

/// Makes everything that was handed over true, with the numbers and the cursor.
pub(crate) fn commit(words: &mut IndexWriter, numbers: &Log, cursor: &str) -> Result<(), Error> {
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
pub(crate) struct Loaded {
    pub(crate) reader: IndexReader,
    pub(crate) now: Reader,
    pub(crate) places: HashMap<Id, Place>,
    pub(crate) numbers: Log,
    pub(crate) cursor: String,
}

impl Loaded {
    pub(crate) fn read(
        folder: &Path,
        fields: &Fields,
        index: &tantivy::Index,
    ) -> Result<Self, Error> {
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
