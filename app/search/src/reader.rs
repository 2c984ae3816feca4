//! One state of the index, and everything that can be asked of it.
//!
//! The one rule: whatever is asked costs bounded time, whoever asks.

use crate::answer::{Answer, Correction, PictureHit, Suggestion};
use crate::cache::Cache;
use crate::columns::Place;
use crate::direct;
use crate::found::{Found, Within};
use crate::hits::Kept;
use crate::language::Language;
use crate::pictures;
use crate::print::Print;
use crate::query::{MAX_QUERY_CHARACTERS, Query};
use crate::request::{Filters, MAX_PAGE, MAX_PAGE_SIZE, Request};
use crate::row::listing_id;
use crate::sets::Ranges;
use crate::similar;
use crate::state::State;
use crate::suggest;
use crate::text::Text;
use schema::id::ListingId;
use std::sync::Arc;

/// Bytes for what words found, for questions, and for ranges of prices and times.
const WORDS_BYTES: usize = 64 << 20;
const FOUND_BYTES: usize = 64 << 20;
const RANGES_BYTES: usize = 16 << 20;
const SIMILAR_BYTES: usize = 8 << 20;
/// The most listings, suggestions or pictures that are asked for at once.
const MAX_LIMIT: usize = 100;

/// The words of one or more states, and what was found by them.
pub(crate) struct Words {
    pub(crate) text: Text,
    kept: Kept,
    /// What is like a listing; some of it may be gone.
    similar: Cache<(Place, usize), Vec<Place>>,
}

impl Words {
    pub(crate) fn new(text: Text) -> Self {
        Self {
            text,
            kept: Cache::new(WORDS_BYTES),
            similar: Cache::new(SIMILAR_BYTES),
        }
    }
}

/// One state of the index.
pub struct Reader {
    state: State,
    words: Arc<Words>,
    ranges: Ranges,
    found: Cache<(Query, Filters), Found>,
}

impl Reader {
    pub(crate) fn new(state: State, words: Arc<Words>) -> Self {
        Self {
            state,
            words,
            ranges: Cache::new(RANGES_BYTES),
            found: Cache::new(FOUND_BYTES),
        }
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    pub(crate) fn words(&self) -> &Arc<Words> {
        &self.words
    }

    fn within(&self) -> Within<'_> {
        Within {
            state: &self.state,
            text: &self.words.text,
            kept: &self.words.kept,
            ranges: &self.ranges,
        }
    }

    /// How many listings it knows.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.state.live.len()
    }

    fn look(&self, query: &Query, filters: &Filters) -> Arc<Found> {
        let key = (query.clone(), filters.clone());
        self.found.get(&key).unwrap_or_else(|| {
            let found = Found::look(&self.within(), query.text(), filters);
            let bytes = found.bytes();
            self.found.put(key, found, bytes)
        })
    }

    /// Answers a question.
    #[must_use]
    pub fn search(&self, request: &Request) -> Answer {
        let found = self.look(&request.query, &request.filters);
        let size = request.page_size.clamp(1, MAX_PAGE_SIZE);
        let places = match request.page {
            page @ 1..=MAX_PAGE => found.page(&self.state, request.sort, (page - 1) * size, size),
            _ => Vec::new(),
        };
        let total = found.total(&self.state);
        let relaxations = if total == 0 {
            found.relaxations(&self.state)
        } else {
            Vec::new()
        };
        // What would find nothing either is no help.
        let helps = |query: &String| {
            total > 0
                || Query::parse(query)
                    .is_ok_and(|query| self.look(&query, &request.filters).total(&self.state) > 0)
        };
        let correction = found.plan.corrected.clone().filter(helps);
        let correction = correction.map(|query| Correction {
            query,
            applied: total > 0,
        });
        Answer {
            total,
            ids: places
                .into_iter()
                .filter_map(|place| listing_id(self.state.columns.id(place)))
                .collect(),
            direct: found.direct.clone(),
            facets: request.facets.then(|| found.facets(&self.state).clone()),
            correction,
            relaxations,
            highlighter: found.highlighter.clone(),
        }
    }

    /// What could be meant by what was typed so far, the likeliest first.
    #[must_use]
    pub fn suggest(&self, typed: &str, language: Language, limit: usize) -> Vec<Suggestion> {
        if typed.chars().nth(MAX_QUERY_CHARACTERS).is_some() {
            return Vec::new();
        }
        let Ok(query) = Query::parse(typed) else {
            return Vec::new();
        };
        let found = self.look(&query, &Filters::default());
        suggest::suggest(
            &self.within(),
            typed,
            language,
            limit.min(MAX_LIMIT),
            &found,
        )
    }

    /// Listings like another: by what they show, tags, shelf and pictures, the likest first.
    #[must_use]
    pub fn similar(&self, id: &ListingId, limit: usize) -> Vec<ListingId> {
        let (state, text) = (&self.state, &self.words.text);
        let place = direct::live(state, text.by_key(&direct::id_key(id.as_str()))).min();
        let Some(place) = place else {
            return Vec::new();
        };
        let limit = limit.min(MAX_LIMIT);
        let kept = &self.words.similar;
        let similar = kept.get(&(place, limit)).unwrap_or_else(|| {
            let found = similar::similar(state, text, place, limit);
            kept.put((place, limit), found, limit * 4)
        });
        let live = similar.iter().filter(|place| state.live.contains(**place));
        live.filter_map(|place| listing_id(state.columns.id(*place)))
            .collect()
    }

    /// Listings with these pictures or such as look like them: equal pixels first, then by nearness.
    #[must_use]
    pub fn by_picture(
        &self,
        prints: &[Print],
        pixel_digests: &[String],
        limit: usize,
    ) -> Vec<PictureHit> {
        let found = pictures::find(
            &self.state,
            &self.words.text,
            prints,
            pixel_digests,
            limit.min(MAX_LIMIT),
        );
        let hit = |(place, exact, distance)| {
            let id = listing_id(self.state.columns.id(place))?;
            Some(PictureHit {
                id,
                exact,
                distance,
            })
        };
        found.into_iter().filter_map(hit).collect()
    }
}
