//! Counts of what was found, by value.
//!
//! The one rule: a count respects every filter but its own; where much was found, sets are intersected, and where little was, rows are read.

use crate::answer::Facets;
use crate::language::Language;
use crate::request::{Filter, Filters, PriceBand};
use crate::sets::intersect;
use crate::state::{Names, Set, State};
use roaring::RoaringBitmap;
use schema::licence::Licence;
use schema::listing::Category;
use std::borrow::Cow;

/// The most creators, tags and models that are named.
const CREATORS: usize = 12;
const TAGS: usize = 20;
const MODELS: usize = 20;

/// What is counted among.
enum Among<'a> {
    Everything,
    Some(Cow<'a, RoaringBitmap>),
}

impl Among<'_> {
    fn count(&self, set: &Set) -> u64 {
        match self {
            Self::Everything => set.len(),
            Self::Some(found) => found.intersection_len(set),
        }
    }

    /// The names that most have, most first, and those that are asked for.
    fn top(
        &self,
        state: &State,
        names: &Names,
        most: usize,
        asked: &[String],
        of: impl Fn(&State, u32, &mut dyn FnMut(u32)),
    ) -> Vec<(String, u64)> {
        let mut counts: Vec<(u64, u32)> = match self {
            Self::Everything => names
                .sets()
                .map(|(number, set)| (set.len(), number))
                .collect(),
            Self::Some(found) => {
                let mut counts = vec![0_u32; names.count()];
                for place in &**found {
                    of(state, place, &mut |number| {
                        if let Some(count) = counts.get_mut(number as usize) {
                            *count += 1;
                        }
                    });
                }
                counts.into_iter().map(u64::from).zip(0..).collect()
            }
        };
        let asked: Vec<u32> = asked.iter().filter_map(|name| names.find(name)).collect();
        counts.retain(|(count, number)| *count > 0 || asked.contains(number));
        let first = |(count, number): &(u64, u32)| {
            (std::cmp::Reverse(*count), names.name(*number).to_owned())
        };
        if counts.len() > most * 4 {
            counts.select_nth_unstable_by_key(most * 2, |(count, number)| {
                (std::cmp::Reverse(*count), *number)
            });
            let beyond = counts.split_off(most * 2);
            counts.extend(
                beyond
                    .into_iter()
                    .filter(|(_, number)| asked.contains(number)),
            );
        }
        counts.sort_by_cached_key(first);
        let shown = counts.iter().take(most).chain(
            counts
                .iter()
                .skip(most)
                .filter(|(_, number)| asked.contains(number)),
        );
        shown
            .map(|(count, number)| (names.name(*number).to_owned(), *count))
            .collect()
    }
}

/// Counts what `words` found, if there are words, under filters.
pub(crate) fn count(
    state: &State,
    words: Option<&RoaringBitmap>,
    filters: &Filters,
    sets: &[(Filter, Set)],
) -> Facets {
    let among = |own: Filter| {
        intersect(words, sets, Some(own))
            .map_or(Among::Everything, |found| Among::Some(Cow::Owned(found)))
    };
    let whole = intersect(words, sets, None)
        .map_or(Among::Everything, |found| Among::Some(Cow::Owned(found)));
    let of = |own: Filter| match sets.iter().any(|(filter, _)| *filter == own) {
        true => Some(among(own)),
        false => None,
    };
    let [
        category,
        price,
        licence,
        language,
        template,
        reproduced,
        trial,
        creator,
        tag,
        model,
    ] = [
        Filter::Categories,
        Filter::Price,
        Filter::Licences,
        Filter::Languages,
        Filter::Template,
        Filter::Reproduced,
        Filter::Trial,
        Filter::Creators,
        Filter::Tags,
        Filter::Models,
    ]
    .map(of);
    let base = |own| base(own, &whole);
    let (category, price, licence, language) =
        (base(category), base(price), base(licence), base(language));
    let (template, reproduced, trial) = (base(template), base(reproduced), base(trial));
    let (creator, tag, model) = (base(creator), base(tag), base(model));
    let templates = template.count(&state.templates);
    Facets {
        categories: listed(
            &Category::ALL,
            &state.categories,
            &filters.categories,
            &category,
        ),
        prices: listed(&PriceBand::ALL, &state.prices, &[], &price),
        licences: listed(&Licence::ALL, &state.licences, &filters.licences, &licence),
        languages: listed(
            &Language::ALL,
            &state.languages,
            &filters.languages,
            &language,
        ),
        templates,
        fixed: template.count(&state.live) - templates,
        reproduced: reproduced.count(&state.reproduced),
        trial: trial.count(&state.trial),
        models: model.top(
            state,
            &state.models,
            MODELS,
            &filters.models,
            |state, place, note| note(state.columns.model(place)),
        ),
        creators: creator.top(
            state,
            &state.creators,
            CREATORS,
            &filters.creators,
            |state, place, note| note(state.columns.creator(place)),
        ),
        tags: tag.top(
            state,
            &state.tags,
            TAGS,
            &filters.tags,
            |state, place, note| {
                state.columns.tags(place).iter().for_each(|tag| note(*tag));
            },
        ),
    }
}

fn base<'a>(own: Option<Among<'a>>, whole: &'a Among<'a>) -> Among<'a> {
    own.unwrap_or(match whole {
        Among::Everything => Among::Everything,
        Among::Some(found) => Among::Some(Cow::Borrowed(&**found)),
    })
}

fn listed<T: Copy + PartialEq>(
    all: &[T],
    sets: &[Set],
    asked: &[T],
    among: &Among<'_>,
) -> Vec<(T, u64)> {
    let counted = all
        .iter()
        .zip(sets)
        .map(|(value, set)| (*value, among.count(set)));
    counted
        .filter(|(value, count)| *count > 0 || asked.contains(value))
        .collect()
}
