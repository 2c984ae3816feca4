//! What a request finds, before it is cut into pages.
//!
//! The one rule: words and filters are looked for once; pages and orders of the same question share what was found.

use crate::answer::{Direct, Facets, Relaxation, Relaxed};
use crate::columns::Place;
use crate::direct;
use crate::facets;
use crate::highlight::Highlighter;
use crate::hits::{Hits, Kept};
use crate::orders;
use crate::plan::{self, Plan};
use crate::rank;
use crate::request::{Filter, Filters, Sort};
use crate::sets::{self, Ranges};
use crate::state::{Set, State};
use crate::text::Text;
use roaring::RoaringBitmap;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// What is looked in.
pub(crate) struct Within<'a> {
    pub(crate) state: &'a State,
    pub(crate) text: &'a Text,
    pub(crate) kept: &'a Kept,
    pub(crate) ranges: &'a Ranges,
}

/// What a question found.
pub(crate) struct Found {
    pub(crate) direct: Option<Direct>,
    pub(crate) plan: Plan,
    pub(crate) highlighter: Highlighter,
    words: Vec<Arc<Hits>>,
    /// What the words found, live; nothing where there are none.
    by_words: Option<RoaringBitmap>,
    sets: Vec<(Filter, Set)>,
    filters: Filters,
    /// What words and filters found; nothing where there are neither, and everything is found.
    found: Option<RoaringBitmap>,
    whole: RoaringBitmap,
    facets: OnceLock<Facets>,
    /// The best so far, the best first.
    ranked: Mutex<Arc<Vec<Place>>>,
}

/// At least so many are ranked at once.
const RANKED: usize = 1_200;

impl Found {
    /// Looks for words under filters.
    pub(crate) fn look(within: &Within<'_>, typed: &str, filters: &Filters) -> Self {
        let Within {
            state,
            text,
            kept,
            ranges,
        } = within;
        let sets = sets::of(state, filters, ranges);
        let pointed = direct::find(state, text, typed);
        let plan = match (&pointed, typed.is_empty()) {
            (None, false) => plan::plan(text, typed),
            _ => Plan::default(),
        };
        let words: Vec<Arc<Hits>> = plan
            .slots
            .iter()
            .map(|slot| Hits::of(text, slot, kept))
            .collect();
        let (direct, by_words) = match pointed {
            Some((direct, found)) => (Some(direct), Some(found)),
            None => (None, all_of(state, &words, None)),
        };
        // Nothing but signs was typed: nothing has them.
        let by_words = match (by_words, typed.is_empty()) {
            (None, false) => Some(RoaringBitmap::new()),
            (by_words, _) => by_words,
        };
        let found = sets::intersect(by_words.as_ref(), &sets, None);
        let whole = match plan.whole.is_empty() {
            true => RoaringBitmap::new(),
            false => direct::live(state, text.by_key(&format!("t{}", plan.whole))),
        };
        Self {
            highlighter: Highlighter::of(&plan),
            direct,
            plan,
            words,
            by_words,
            sets,
            filters: filters.clone(),
            found,
            whole,
            facets: OnceLock::new(),
            ranked: Mutex::default(),
        }
    }

    /// How many there are.
    pub(crate) fn total(&self, state: &State) -> u64 {
        self.found
            .as_ref()
            .map_or(state.live.len(), RoaringBitmap::len)
    }

    /// What it costs to keep, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let sets = self
            .found
            .iter()
            .chain(&self.by_words)
            .map(RoaringBitmap::serialized_size)
            .sum::<usize>();
        sets + RANKED * 4 + 2_000
    }

    pub(crate) fn facets(&self, state: &State) -> &Facets {
        self.facets
            .get_or_init(|| facets::count(state, self.by_words.as_ref(), &self.filters, &self.sets))
    }

    /// Places of a page.
    pub(crate) fn page(&self, state: &State, sort: Sort, from: usize, count: usize) -> Vec<Place> {
        let to = from + count;
        if sort == Sort::Relevance && !self.words.is_empty() {
            let ranked = self.ranked(state, to);
            return ranked.iter().skip(from).take(count).copied().collect();
        }
        // Without words nothing fits better than anything else.
        let sort = match sort {
            Sort::Relevance => Sort::Newest,
            other => other,
        };
        let order = state.orders.list(sort);
        let Some(found) = &self.found else {
            return order.iter().skip(from).take(count).copied().collect();
        };
        // Walking an order until the page is full costs by how rare what was found is; sorting it, by how much it is.
        let hits = found.len().max(1);
        let walked = (to as u64).saturating_mul(order.len() as u64) / hits;
        if walked < hits.saturating_mul(4) {
            let fitting = order.iter().filter(|place| found.contains(**place));
            return fitting.skip(from).take(count).copied().collect();
        }
        let mut places: Vec<(orders::Key, Place)> = found
            .iter()
            .map(|place| (orders::key(&state.columns, sort, place), place))
            .collect();
        if places.len() > to && to > 0 {
            places.select_nth_unstable(to - 1);
            places.truncate(to);
        }
        places.sort_unstable();
        places
            .into_iter()
            .skip(from)
            .take(count)
            .map(|(_, place)| place)
            .collect()
    }

    fn ranked(&self, state: &State, wanted: usize) -> Arc<Vec<Place>> {
        let Some(found) = &self.found else {
            return Arc::default();
        };
        let now = self
            .ranked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if now.len() >= wanted || now.len() as u64 >= found.len() {
            return now;
        }
        let most = (wanted * 2).max(RANKED);
        let mut ranked = rank::ranked(state, &self.words, found, &self.whole, most);
        // What was shown stays in its place when somebody asks for more.
        let shown: BTreeSet<Place> = now.iter().copied().collect();
        ranked.retain(|place| !shown.contains(place));
        let ranked = Arc::new([&**now, &ranked].concat());
        *self.ranked.lock().unwrap_or_else(PoisonError::into_inner) = ranked.clone();
        ranked
    }

    /// What to drop, so that something is found: each filter, each word, what helps most first.
    pub(crate) fn relaxations(&self, state: &State) -> Vec<Relaxation> {
        let filters = self.sets.iter().map(|(filter, _)| {
            let left = sets::intersect(self.by_words.as_ref(), &self.sets, Some(*filter));
            let count = left.map_or(state.live.len(), |left| left.len());
            Relaxation {
                without: Relaxed::Filter(*filter),
                count,
            }
        });
        let several = self.words.len() > 1;
        let words = self
            .plan
            .slots
            .iter()
            .enumerate()
            .filter(|_| several)
            .map(|(at, slot)| {
                let left = all_of(state, &self.words, Some(at));
                let left = sets::intersect(left.as_ref(), &self.sets, None);
                Relaxation {
                    without: Relaxed::Word(slot.typed.clone()),
                    count: left.map_or(0, |left| left.len()),
                }
            });
        let mut helping: Vec<Relaxation> = filters
            .chain(words)
            .filter(|relaxation| relaxation.count > 0)
            .collect();
        helping.sort_by_key(|relaxation| std::cmp::Reverse(relaxation.count));
        helping
    }
}

/// Live places that all words but one find.
fn all_of(state: &State, words: &[Arc<Hits>], without: Option<usize>) -> Option<RoaringBitmap> {
    let mut words: Vec<&RoaringBitmap> = words
        .iter()
        .enumerate()
        .filter(|(at, _)| Some(*at) != without)
        .map(|(_, hits)| &hits.all)
        .collect();
    words.sort_by_key(|found| found.len());
    let (least, rest) = words.split_first()?;
    let mut found = *least & &*state.live;
    rest.iter().for_each(|other| found &= *other);
    Some(found)
}
