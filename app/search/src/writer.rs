//! Applies changes to an index.
//!
//! The one rule: a batch is on disk, whole, before a reader sees it; after one that failed, the files are read again.

use crate::columns::Place;
use crate::direct;
use crate::document::{Change, Document};
use crate::files::{Error, Loaded, commit, open_words, rows};
use crate::numbers::Log;
use crate::reader::{Reader, Words};
use crate::row::{self, Id, Numbers, Row};
use crate::state::{Next, State};
use crate::terms;
use crate::text::{Fields, Text};
use crate::words::token::tokens;
use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use tantivy::{IndexReader, IndexWriter, TantivyDocument, Term};

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

/// So many entries of numbers more than there are listings, and they are written anew.
const SPARE_NUMBERS: u64 = 100_000;
/// So many places that nobody has any more, and more than there are listings, and the rows are read anew.
const SPARE_PLACES: u64 = 50_000;

/// What only the writer touches: held for as long as a batch is applied.
pub(crate) struct Writer {
    pub(crate) folder: PathBuf,
    pub(crate) fields: Fields,
    pub(crate) index: tantivy::Index,
    pub(crate) reader: IndexReader,
    /// Absent after a batch that failed, until the next.
    pub(crate) words: Option<IndexWriter>,
    pub(crate) numbers: Log,
    pub(crate) cursor: String,
    /// Where each live listing lies.
    pub(crate) places: HashMap<Id, Place>,
    /// Held, not read: nobody else writes.
    pub(crate) _lock: File,
}

impl Writer {
    pub(crate) fn open_words(&self) -> Result<IndexWriter, Error> {
        open_words(&self.index)
    }

    /// Reads the files again after a batch that failed, however much of it is there.
    pub(crate) fn recover(&mut self) -> Result<Reader, Error> {
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

    pub(crate) fn apply(
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
    pub(crate) fn text(&self, before: &Reader) -> Result<Option<Arc<Words>>, Error> {
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
        let whole = terms::whole(&tokens(&document.title));
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
