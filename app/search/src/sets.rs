//! Filters as sets.
//!
//! The one rule: a filter that asks for nothing is no set, so that nothing is intersected with everything.

use crate::cache::Cache;
use crate::request::{Filter, Filters};
use crate::state::{Set, State};
use roaring::RoaringBitmap;
use schema::licence::Licence;
use schema::listing::Category;
use std::sync::Arc;

/// Sets of ranges that were asked for: prices and times.
pub(crate) type Ranges = Cache<(bool, i64, i64), RoaringBitmap>;

const HOUR_MS: i64 = 3_600_000;
/// The most values of one filter that are looked at.
const MAX_VALUES: usize = 20;

/// The sets of what filters ask for, each by its name.
pub(crate) fn of(state: &State, filters: &Filters, ranges: &Ranges) -> Vec<(Filter, Set)> {
    let mut sets = Vec::new();
    let mut any = |filter: Filter, asked: bool, found: Vec<Option<&Set>>| {
        if asked {
            sets.push((filter, union(found)));
        }
    };
    let of = |value: usize, all: &[Set]| all.get(value).cloned();
    let categories: Vec<Option<Set>> = filters
        .categories
        .iter()
        .take(MAX_VALUES)
        .map(|wanted| {
            of(
                Category::ALL.iter().position(|it| it == wanted)?,
                &state.categories,
            )
        })
        .collect();
    any(
        Filter::Categories,
        !filters.categories.is_empty(),
        categories.iter().map(Option::as_ref).collect(),
    );
    let licences: Vec<Option<Set>> = filters
        .licences
        .iter()
        .take(MAX_VALUES)
        .map(|wanted| {
            of(
                Licence::ALL.iter().position(|it| it == wanted)?,
                &state.licences,
            )
        })
        .collect();
    any(
        Filter::Licences,
        !filters.licences.is_empty(),
        licences.iter().map(Option::as_ref).collect(),
    );
    let languages: Vec<Option<Set>> = filters
        .languages
        .iter()
        .take(MAX_VALUES)
        .map(|wanted| of(*wanted as usize, &state.languages))
        .collect();
    any(
        Filter::Languages,
        !filters.languages.is_empty(),
        languages.iter().map(Option::as_ref).collect(),
    );
    let named = |names: &[String], all: &crate::state::Names| -> Vec<Option<Set>> {
        names
            .iter()
            .take(MAX_VALUES)
            .map(|name| all.set(all.find(name)?).cloned())
            .collect()
    };
    let models = named(&filters.models, &state.models);
    any(
        Filter::Models,
        !filters.models.is_empty(),
        models.iter().map(Option::as_ref).collect(),
    );
    let creators = named(&filters.creators, &state.creators);
    any(
        Filter::Creators,
        !filters.creators.is_empty(),
        creators.iter().map(Option::as_ref).collect(),
    );
    if !filters.tags.is_empty() {
        let tags = named(&filters.tags, &state.tags);
        let all = tags.into_iter().map(Option::unwrap_or_default);
        sets.push((
            Filter::Tags,
            all.reduce(|a, b| Arc::new(&*a & &*b)).unwrap_or_default(),
        ));
    }
    if filters.reproduced {
        sets.push((Filter::Reproduced, state.reproduced.clone()));
    }
    if filters.trial {
        sets.push((Filter::Trial, state.trial.clone()));
    }
    match filters.template {
        Some(true) => sets.push((Filter::Template, state.templates.clone())),
        Some(false) => sets.push((Filter::Template, Arc::new(&*state.live - &*state.templates))),
        None => {}
    }
    if filters.free || filters.price_from_minor.is_some() || filters.price_to_minor.is_some() {
        sets.push((Filter::Price, price(state, filters, ranges)));
    }
    if let Some(since_ms) = filters.since_ms {
        let from = since_ms.div_euclid(HOUR_MS) * HOUR_MS;
        let key = (true, from, i64::MAX);
        let set = ranges.get(&key).unwrap_or_else(|| {
            let set = collect(state, |published_ms, _| published_ms >= from);
            let bytes = set.serialized_size();
            ranges.put(key, set, bytes)
        });
        sets.push((Filter::Since, set));
    }
    sets
}

fn union(found: Vec<Option<&Set>>) -> Set {
    let found: Vec<&Set> = found.into_iter().flatten().collect();
    match &*found {
        [one] => (*one).clone(),
        several => {
            let mut union = RoaringBitmap::new();
            several.iter().for_each(|set| union |= &***set);
            Arc::new(union)
        }
    }
}

/// Listings within a range of prices: bands where they fit, and else a walk over the prices, kept.
fn price(state: &State, filters: &Filters, ranges: &Ranges) -> Set {
    let from = filters.price_from_minor.unwrap_or(0).max(0);
    let to = if filters.free {
        0
    } else {
        filters.price_to_minor.unwrap_or(i64::MAX)
    };
    if to == 0 && from == 0 {
        return state.prices.first().cloned().unwrap_or_default();
    }
    let key = (false, from, to);
    ranges.get(&key).unwrap_or_else(|| {
        let set = collect(state, |_, price| (from..=to).contains(&i64::from(price)));
        let bytes = set.serialized_size();
        ranges.put(key, set, bytes)
    })
}

/// Live places whose time and price fit.
fn collect(state: &State, fits: impl Fn(i64, u32) -> bool) -> RoaringBitmap {
    let mut places = Vec::new();
    state.columns.each_number(|place, published_ms, numbers| {
        if fits(published_ms, numbers.price_minor) {
            places.push(place);
        }
    });
    let mut set = RoaringBitmap::from_sorted_iter(places).unwrap_or_default();
    set &= &*state.live;
    set
}

/// What is in all sets but one, and in `first`, if there is one.
pub(crate) fn intersect(
    first: Option<&RoaringBitmap>,
    sets: &[(Filter, Set)],
    without: Option<Filter>,
) -> Option<RoaringBitmap> {
    let mut all: Vec<&RoaringBitmap> = sets
        .iter()
        .filter(|(filter, _)| Some(*filter) != without)
        .map(|(_, set)| &**set)
        .collect();
    all.extend(first);
    all.sort_by_key(|set| set.len());
    let (least, rest) = all.split_first()?;
    let mut common = match rest.first() {
        Some(next) => *least & *next,
        None => (*least).clone(),
    };
    for set in rest.iter().skip(1) {
        common &= *set;
    }
    Some(common)
}
