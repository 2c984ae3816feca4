//! The words of one state of the index: its dictionary, and which listings have a term.
//!
//! The one rule: files of tantivy never change, so what was read of one is kept as long as the file is; places of listings that are gone are
//! left out by whoever knows which are live.

use crate::cache::Cache;
use crate::columns::Place;
use crate::row::Id;
use crate::terms::Field;
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;
use tantivy::index::{InvertedIndexReader, SegmentId};
use tantivy::query::FuzzyTermQuery;
use tantivy::schema::{
    self, FAST, INDEXED, IndexRecordOption, STORED, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::{DocSet as _, Searcher, SegmentReader, TERMINATED, Term};

/// The fields as tantivy knows them.
#[derive(Clone)]
pub(crate) struct Fields {
    pub(crate) schema: Schema,
    /// By place in [`Field::ALL`].
    pub(crate) texts: [schema::Field; Field::ALL.len()],
    /// Exact keys: id, digests, place in the log, whole title.
    pub(crate) keys: schema::Field,
    /// Both halves of the id.
    pub(crate) halves: [schema::Field; 2],
    /// The row.
    pub(crate) row: schema::Field,
}

impl Fields {
    pub(crate) fn new() -> Self {
        let indexing = TextFieldIndexing::default()
            .set_tokenizer("raw")
            .set_fieldnorms(false)
            .set_index_option(IndexRecordOption::Basic);
        let options = TextOptions::default().set_indexing_options(indexing);
        let mut builder = Schema::builder();
        let texts = Field::ALL.map(|field| builder.add_text_field(field.name(), options.clone()));
        let keys = builder.add_text_field("keys", options);
        let halves = ["upper", "lower"].map(|name| builder.add_u64_field(name, FAST));
        let row = builder.add_bytes_field("row", STORED);
        let _ = INDEXED;
        Self {
            schema: builder.build(),
            texts,
            keys,
            halves,
            row,
        }
    }
}

/// A term is kept ready where it has so many listings.
const KEEP_FROM: u32 = 2_000;
/// Bytes for such terms, by file.
const KEPT_BYTES: usize = 32 << 20;
/// The most words that begin with what was typed, or are a slip away from it.
pub(crate) const MAX_EXPANSIONS: usize = 64;
/// The most words of a dictionary that are looked at for that.
const MAX_LOOKED_AT: usize = 5_000;

/// One file set of tantivy.
pub(crate) struct Segment {
    id: SegmentId,
    texts: Vec<Arc<InvertedIndexReader>>,
    keys: Arc<InvertedIndexReader>,
    /// The place of each document; [`GONE`] for one that had been replaced when the file was first read.
    places: Arc<Vec<Place>>,
    kept: Arc<Cache<(Field, String), RoaringBitmap>>,
}

/// No place.
const GONE: Place = Place::MAX;

impl Segment {
    /// Opens a segment, whose places are known.
    fn new(
        fields: &Fields,
        reader: &SegmentReader,
        places: Arc<Vec<Place>>,
    ) -> tantivy::Result<Self> {
        let texts = fields
            .texts
            .iter()
            .map(|field| reader.inverted_index(*field));
        Ok(Self {
            id: reader.segment_id(),
            texts: texts.collect::<tantivy::Result<_>>()?,
            keys: reader.inverted_index(fields.keys)?,
            places,
            kept: Arc::new(Cache::new(KEPT_BYTES)),
        })
    }

    fn index(&self, field: Option<Field>) -> Option<&InvertedIndexReader> {
        match field {
            Some(field) => self.texts.get(field as usize).map(|index| &**index),
            None => Some(&self.keys),
        }
    }

    /// Where a term is, in this segment.
    fn read(&self, field: Option<Field>, term: &str) -> io::Result<Vec<Place>> {
        let Some(index) = self.index(field) else {
            return Ok(Vec::new());
        };
        let Some(info) = index.terms().get(term)? else {
            return Ok(Vec::new());
        };
        let mut postings = index.read_postings_from_terminfo(&info, IndexRecordOption::Basic)?;
        let mut places = Vec::with_capacity(info.doc_freq as usize);
        while postings.doc() != TERMINATED {
            let place = self
                .places
                .get(postings.doc() as usize)
                .copied()
                .unwrap_or(GONE);
            if place != GONE {
                places.push(place);
            }
            postings.advance();
        }
        places.sort_unstable();
        Ok(places)
    }
}

/// The words of one state.
pub(crate) struct Text {
    segments: Vec<Arc<Segment>>,
    keys: schema::Field,
}

impl Text {
    /// The words of what a searcher sees. `place_of` says where an id lies; `before` lends what it read of files that are still there.
    pub(crate) fn new(
        fields: &Fields,
        searcher: &Searcher,
        before: Option<&Self>,
        place_of: &HashMap<Id, Place>,
    ) -> tantivy::Result<Self> {
        let mut segments = Vec::new();
        for reader in searcher.segment_readers() {
            let known = before.and_then(|before| {
                before
                    .segments
                    .iter()
                    .find(|known| known.id == reader.segment_id())
            });
            let segment = match known {
                Some(known) => known.clone(),
                None => Arc::new(Segment::new(
                    fields,
                    reader,
                    Arc::new(places(fields, reader, place_of)?),
                )?),
            };
            segments.push(segment);
        }
        Ok(Self {
            segments,
            keys: fields.keys,
        })
    }

    /// Whether it is of these files.
    pub(crate) fn is_of(&self, searcher: &Searcher) -> bool {
        let readers = searcher.segment_readers();
        readers.len() == self.segments.len()
            && readers
                .iter()
                .zip(&self.segments)
                .all(|(reader, known)| reader.segment_id() == known.id)
    }

    /// How many documents have a term in a field; some of them may be gone.
    pub(crate) fn frequency(&self, field: Field, term: &str) -> u32 {
        let infos = self
            .segments
            .iter()
            .filter_map(|segment| segment.index(Some(field))?.terms().get(term).ok()?);
        infos.map(|info| info.doc_freq).sum()
    }

    /// Adds the places of a term in a field.
    pub(crate) fn collect(&self, field: Field, term: &str, into: &mut RoaringBitmap) {
        for segment in &self.segments {
            let key = (field, term.to_owned());
            if let Some(kept) = segment.kept.get(&key) {
                *into |= &*kept;
                continue;
            }
            // A file that cannot be read any more holds nothing that can be shown.
            let places = segment.read(Some(field), term).unwrap_or_else(|error| {
                tracing::error!("the search index cannot be read: {error}");
                Vec::new()
            });
            let found = RoaringBitmap::from_sorted_iter(places.iter().copied())
                .unwrap_or_else(|_| places.iter().copied().collect());
            *into |= &found;
            if places.len() >= KEEP_FROM as usize {
                let bytes = found.serialized_size();
                segment.kept.put(key, found, bytes);
            }
        }
    }

    /// The places of an exact key.
    pub(crate) fn by_key(&self, key: &str) -> RoaringBitmap {
        let read = |segment: &Arc<Segment>| segment.read(None, key).unwrap_or_default();
        self.segments.iter().flat_map(read).collect()
    }

    /// Keys that begin so, a few of them.
    pub(crate) fn keys_from(&self, prefix: &str) -> Vec<String> {
        let mut found = BTreeMap::new();
        for segment in &self.segments {
            walk(&segment.keys, prefix, 8, &mut found);
        }
        found.into_keys().take(8).collect()
    }

    /// The most frequent words of a field that begin so, the prefix's letter included.
    pub(crate) fn words_from(&self, field: Field, prefix: &str) -> Vec<(String, u32)> {
        let mut found = BTreeMap::new();
        for segment in &self.segments {
            if let Some(index) = segment.index(Some(field)) {
                walk(index, prefix, MAX_LOOKED_AT, &mut found);
            }
        }
        most(found)
    }

    /// The most frequent words of a field that are so many slips from another; exchanged neighbours are one. The first letter, which says what
    /// a term is, is none of the word.
    pub(crate) fn words_near(&self, field: Field, term: &str, slips: u8) -> Vec<(String, u32)> {
        let query = FuzzyTermQuery::new(Term::from_field_text(self.keys, term), slips, true);
        let (from, to) = bounds(term.get(..1).unwrap_or_default());
        let mut found = BTreeMap::new();
        for segment in &self.segments {
            let Some(index) = segment.index(Some(field)) else {
                continue;
            };
            let Ok(automaton) = query.automaton() else {
                continue;
            };
            let Ok(mut stream) = index
                .terms()
                .search(automaton)
                .ge(&from)
                .lt(&to)
                .into_stream()
            else {
                continue;
            };
            let mut left = MAX_LOOKED_AT;
            while left > 0 && stream.advance() {
                left -= 1;
                if let Ok(word) = str::from_utf8(stream.key()) {
                    *found.entry(word.to_owned()).or_insert(0) += stream.value().doc_freq;
                }
            }
        }
        most(found)
    }
}

/// From a prefix to behind everything that begins with it.
fn bounds(prefix: &str) -> (Vec<u8>, Vec<u8>) {
    let mut end = prefix.as_bytes().to_vec();
    end.push(0xff);
    (prefix.as_bytes().to_vec(), end)
}

/// Notes terms that begin so, with how many documents have them.
fn walk(index: &InvertedIndexReader, prefix: &str, most: usize, found: &mut BTreeMap<String, u32>) {
    let (from, to) = bounds(prefix);
    let Ok(mut stream) = index.terms().range().ge(&from).lt(&to).into_stream() else {
        return;
    };
    let mut left = most;
    while left > 0 && stream.advance() {
        left -= 1;
        if let Ok(word) = str::from_utf8(stream.key()) {
            *found.entry(word.to_owned()).or_insert(0) += stream.value().doc_freq;
        }
    }
}

fn most(found: BTreeMap<String, u32>) -> Vec<(String, u32)> {
    let mut found: Vec<(String, u32)> = found.into_iter().collect();
    found.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    found.truncate(MAX_EXPANSIONS);
    found
}

/// Where each document of a segment lies.
fn places(
    fields: &Fields,
    reader: &SegmentReader,
    place_of: &HashMap<Id, Place>,
) -> tantivy::Result<Vec<Place>> {
    let names = fields
        .halves
        .map(|field| fields.schema.get_field_name(field).to_owned());
    let upper = reader.fast_fields().u64(&names[0])?;
    let lower = reader.fast_fields().u64(&names[1])?;
    let place = |document| {
        if reader.is_deleted(document) {
            return GONE;
        }
        let half =
            |column: &tantivy::columnar::Column<u64>| Id::from(column.first(document).unwrap_or(0));
        let id = half(&upper) << 64 | half(&lower);
        place_of.get(&id).copied().unwrap_or(GONE)
    };
    Ok((0..reader.max_doc()).map(place).collect())
}
