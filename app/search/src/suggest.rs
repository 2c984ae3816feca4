//! What could be meant by what was typed so far.
//!
//! The one rule: only what would find something is offered, and it costs little at every letter.

use crate::answer::Suggestion;
use crate::direct::live;
use crate::found::{Found, Within};
use crate::language::Language;
use crate::request::Sort;
use crate::row::listing_id;
use crate::state::Names;
use crate::terms::{self, CONCEPT, Field, concept_term};
use crate::words::{concepts, fold, guesses};
use roaring::RoaringBitmap;
use schema::listing::Category;

/// Names that begin so which are looked at.
const MAX_LOOKED_AT: usize = 2_000;

/// Names of what can be drawn, of at most so many characters, that begin with what was typed, the shortest first. They are the model's own words, whatever is on sale.
#[must_use]
pub fn things_named(
    typed: &str,
    language: Language,
    most: usize,
    limit: usize,
) -> Vec<&'static str> {
    let folded = fold::folded(&fold::kept(typed.trim()));
    if folded.is_empty() {
        return Vec::new();
    }
    let names = guesses::folded_names(language)
        .filter(|(concept, _, name)| concepts::is_picture(*concept) && name.starts_with(&folded));
    let names = names.map(|(_, name, _)| name);
    let mut names: Vec<&str> = names.filter(|name| name.chars().count() <= most).collect();
    names.sort_by_key(|name| (name.chars().count(), *name));
    names.dedup();
    names.truncate(limit);
    names
}

/// Offers, the likeliest first: shelves and things by name, tags, creators, then listings.
pub(crate) fn suggest(
    within: &Within<'_>,
    typed: &str,
    language: Language,
    limit: usize,
    found: &Found,
) -> Vec<Suggestion> {
    let state = within.state;
    let kept = fold::kept(typed.trim());
    let folded = fold::folded(&kept);
    if folded.is_empty() || limit == 0 {
        return Vec::new();
    }
    let mut offers = Vec::new();
    let named = |name: &str| fold::folded(&fold::kept(name)).starts_with(&folded);
    for category in Category::ALL {
        let shelf = terms::shelf(category);
        let name = shelf.and_then(|shelf| concepts::name(shelf, language));
        let full = state
            .categories
            .get(category as usize)
            .is_some_and(|set| !set.is_empty());
        if full && name.is_some_and(named) {
            offers.push(Suggestion::Category(category));
        }
    }
    offers.truncate(2);
    offers.extend(
        things(within, &folded, language)
            .into_iter()
            .take(limit.div_ceil(3)),
    );
    let tag = most(&state.tags, &kept, limit.div_ceil(4));
    offers.extend(
        tag.into_iter()
            .map(|(tag, count)| Suggestion::Tag { tag, count }),
    );
    let handle = kept.trim_start_matches('@');
    let creator = most(&state.creators, handle, limit.div_ceil(5));
    offers.extend(
        creator
            .into_iter()
            .map(|(handle, count)| Suggestion::Creator { handle, count }),
    );
    let titles = limit.saturating_sub(offers.len()).max(limit.div_ceil(3));
    offers.truncate(limit - titles.min(limit));
    let mut seen = std::collections::BTreeSet::new();
    for place in found.page(state, Sort::Relevance, 0, titles * 3) {
        let title = state.columns.title(place);
        if offers.len() < limit
            && seen.insert(title)
            && let Some(id) = listing_id(state.columns.id(place))
        {
            offers.push(Suggestion::Listing {
                id,
                title: title.to_owned(),
            });
        }
    }
    offers
}

/// Concepts whose name in the language begins so, or has a word that does, and how many listings name them.
fn things(within: &Within<'_>, folded: &str, language: Language) -> Vec<Suggestion> {
    let begins = |name: &str| {
        let at = name.find(folded)?;
        let whole = at == 0 || name[..at].ends_with([' ', '-']) || language == Language::Chinese;
        whole.then_some(at)
    };
    // Of several names of one thing that begin so, the usual one; things with short names first.
    let mut before = None;
    let mut fitting: Vec<(usize, usize, concepts::Concept, &str)> = Vec::new();
    for (concept, name, folded) in guesses::folded_names(language) {
        if before != Some(concept)
            && let Some(at) = begins(folded)
        {
            before = Some(concept);
            fitting.push((at, name.len(), concept, name));
        }
    }
    fitting.sort_unstable();
    fitting.truncate(24);
    let mut counted: Vec<(u64, usize, Suggestion)> = Vec::new();
    for (at, _, concept, name) in fitting {
        let mut places = RoaringBitmap::new();
        for field in [Field::Title, Field::Tags, Field::Variables] {
            within
                .text
                .collect(field, &concept_term(CONCEPT, concept), &mut places);
        }
        let count = live(within.state, places).len();
        if count > 0 {
            counted.push((
                count,
                at,
                Suggestion::Concept {
                    name: name.to_owned(),
                    count,
                },
            ));
        }
    }
    counted.sort_by_key(|(count, at, _)| (*at > 0, std::cmp::Reverse(*count)));
    counted
        .into_iter()
        .map(|(_, _, suggestion)| suggestion)
        .collect()
}

/// The names that begin so which most listings have.
fn most(names: &Names, prefix: &str, limit: usize) -> Vec<(String, u64)> {
    if prefix.is_empty() {
        return Vec::new();
    }
    let from = names.from(prefix).take(MAX_LOOKED_AT);
    let counted = from.filter_map(|(name, number)| Some((names.set(number)?.len(), name)));
    let mut counted: Vec<(u64, &str)> = counted.filter(|(count, _)| *count > 0).collect();
    counted.sort_by_key(|(count, name)| (std::cmp::Reverse(*count), *name));
    counted
        .into_iter()
        .take(limit)
        .map(|(count, name)| (name.to_owned(), count))
        .collect()
}
