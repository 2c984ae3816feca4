//! Every listing's row in memory, in blocks that states of the index share.
//!
//! The one rule: a row has a place, counted up; a listing that is written again gets a new one, so that what was found at a place means one
//! listing for ever. A block that changes is copied first.

use crate::print::Print;
use crate::row::{Id, Numbers, Row};
use crate::words::concepts::Concept;
use std::sync::Arc;

/// A row's place.
pub(crate) type Place = u32;

/// Rows of a block.
const BLOCK: usize = 1024;

/// Lists of different lengths, one after another.
#[derive(Clone, Debug)]
struct Lists<T> {
    ends: Vec<u32>,
    items: Vec<T>,
}

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Self {
            ends: Vec::new(),
            items: Vec::new(),
        }
    }
}

impl<T: Copy> Lists<T> {
    fn push(&mut self, items: &[T]) {
        self.items.extend_from_slice(items);
        self.ends
            .push(u32::try_from(self.items.len()).unwrap_or(u32::MAX));
    }

    fn get(&self, at: usize) -> &[T] {
        let start = at
            .checked_sub(1)
            .and_then(|before| self.ends.get(before))
            .map_or(0, |end| *end as usize);
        let end = self.ends.get(at).map_or(start, |end| *end as usize);
        self.items.get(start..end).unwrap_or(&[])
    }
}

/// Rows without their numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Block {
    ids: Vec<Id>,
    fingerprints: Vec<u64>,
    published_ms: Vec<i64>,
    creators: Vec<u32>,
    models: Vec<u32>,
    /// Category, licence, language.
    shelves: Vec<[u8; 3]>,
    /// Whether it is a template, whether it may be tried.
    flags: Vec<[bool; 2]>,
    title_words: Vec<u8>,
    titles: Lists<u8>,
    tags: Lists<u32>,
    concepts: Lists<Concept>,
    prints: Lists<Print>,
}

/// Every row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns {
    blocks: Vec<Arc<Block>>,
    numbers: Vec<Arc<Vec<Numbers>>>,
    count: Place,
}

/// What a row names, by its place among all that are named.
pub(crate) struct Named<'a> {
    pub(crate) creator: u32,
    pub(crate) model: u32,
    pub(crate) tags: &'a [u32],
}

impl Columns {
    /// How many places there are.
    pub(crate) fn count(&self) -> Place {
        self.count
    }

    /// Adds a row and says its place.
    pub(crate) fn push(&mut self, row: &Row, numbers: Numbers, named: &Named<'_>) -> Place {
        let place = self.count;
        if (place as usize).is_multiple_of(BLOCK) {
            self.blocks.push(Arc::default());
            self.numbers.push(Arc::default());
        }
        if let (Some(block), Some(figures)) = (self.blocks.last_mut(), self.numbers.last_mut()) {
            let block = Arc::make_mut(block);
            block.ids.push(row.id);
            block.fingerprints.push(row.fingerprint);
            block.published_ms.push(row.published_ms);
            block.creators.push(named.creator);
            block.models.push(named.model);
            block
                .shelves
                .push([row.category, row.licence, row.language]);
            block.flags.push([row.template, row.trial]);
            block.title_words.push(row.title_words);
            block.titles.push(row.title.as_bytes());
            block.tags.push(named.tags);
            block.concepts.push(&row.concepts);
            block.prints.push(&row.prints);
            Arc::make_mut(figures).push(numbers);
        }
        self.count += 1;
        place
    }

    /// Writes a row's numbers.
    pub(crate) fn set_numbers(&mut self, place: Place, numbers: Numbers) {
        let (block, at) = split(place);
        if let Some(figures) = self.numbers.get_mut(block)
            && let Some(now) = Arc::make_mut(figures).get_mut(at)
        {
            *now = numbers;
        }
    }

    pub(crate) fn numbers(&self, place: Place) -> Numbers {
        let (block, at) = split(place);
        let found = self.numbers.get(block).and_then(|block| block.get(at));
        found.copied().unwrap_or_default()
    }

    fn get<T: Copy + Default>(&self, place: Place, column: impl Fn(&Block) -> &Vec<T>) -> T {
        let (block, at) = split(place);
        let found = self
            .blocks
            .get(block)
            .and_then(|block| column(block).get(at));
        found.copied().unwrap_or_default()
    }

    pub(crate) fn id(&self, place: Place) -> Id {
        self.get(place, |block| &block.ids)
    }

    pub(crate) fn fingerprint(&self, place: Place) -> u64 {
        self.get(place, |block| &block.fingerprints)
    }

    pub(crate) fn published_ms(&self, place: Place) -> i64 {
        self.get(place, |block| &block.published_ms)
    }

    pub(crate) fn creator(&self, place: Place) -> u32 {
        self.get(place, |block| &block.creators)
    }

    pub(crate) fn model(&self, place: Place) -> u32 {
        self.get(place, |block| &block.models)
    }

    /// Category, licence, language.
    pub(crate) fn shelves(&self, place: Place) -> [u8; 3] {
        self.get(place, |block| &block.shelves)
    }

    /// Whether it is a template, whether it may be tried.
    pub(crate) fn flags(&self, place: Place) -> [bool; 2] {
        self.get(place, |block| &block.flags)
    }

    pub(crate) fn title_words(&self, place: Place) -> u8 {
        self.get(place, |block| &block.title_words).max(1)
    }

    pub(crate) fn title(&self, place: Place) -> &str {
        let bytes = self.list(place, |block| &block.titles);
        str::from_utf8(bytes).unwrap_or_default()
    }

    pub(crate) fn tags(&self, place: Place) -> &[u32] {
        self.list(place, |block| &block.tags)
    }

    pub(crate) fn concepts(&self, place: Place) -> &[Concept] {
        self.list(place, |block| &block.concepts)
    }

    pub(crate) fn prints(&self, place: Place) -> &[Print] {
        self.list(place, |block| &block.prints)
    }

    fn list<T: Copy>(&self, place: Place, column: impl Fn(&Block) -> &Lists<T>) -> &[T] {
        let (block, at) = split(place);
        self.blocks
            .get(block)
            .map_or(&[], |block| column(block).get(at))
    }

    /// Every print with the place that it belongs to, block by block.
    pub(crate) fn each_print(&self, mut visit: impl FnMut(Place, Print)) {
        let mut first: Place = 0;
        for block in &self.blocks {
            let (mut start, mut place) = (0, first);
            for end in &block.prints.ends {
                let end = *end as usize;
                for print in block.prints.items.get(start..end).unwrap_or(&[]) {
                    visit(place, *print);
                }
                start = end;
                place += 1;
            }
            first += BLOCK as Place;
        }
    }

    /// Every place with its time and numbers, block by block.
    pub(crate) fn each_number(&self, mut visit: impl FnMut(Place, i64, &Numbers)) {
        let mut place: Place = 0;
        for (block, numbers) in self.blocks.iter().zip(&self.numbers) {
            for (published_ms, numbers) in block.published_ms.iter().zip(numbers.iter()) {
                visit(place, *published_ms, numbers);
                place += 1;
            }
        }
    }
}

/// A place's block and its row there.
fn split(place: Place) -> (usize, usize) {
    (place as usize / BLOCK, place as usize % BLOCK)
}
