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
            Self::Everything => names.largest(most * 2),
            Self::Some(found) if found.len() <= FEW => rows(state, found, names.count(), of),
            Self::Some(found) => largest(found, names, most),
        };
        let name = |number: u32| names.name(number);
        counts.sort_unstable_by(|(a, first), (b, second)| {
            b.cmp(a).then_with(|| name(*first).cmp(name(*second)))
        });
        counts.truncate(most);
        for asked in asked.iter().filter_map(|asked| names.find(asked)) {
            if !counts.iter().any(|(_, number)| *number == asked) {
                counts.push((names.set(asked).map_or(0, |set| self.count(set)), asked));
            }
        }
        let named = counts
            .into_iter()
            .map(|(count, number)| (name(number).to_owned(), count));
        named.collect()
    }
}

/// Rows that are read one by one; more are counted by sets.
const FEW: u64 = 20_000;
/// The most sets that are intersected to find the largest.
const MAX_SETS: usize = 400;

/// Counts by reading each row.
fn rows(
    state: &State,
    found: &RoaringBitmap,
    names: usize,
    of: impl Fn(&State, u32, &mut dyn FnMut(u32)),
) -> Vec<(u64, u32)> {
    let mut counts = vec![0_u64; names];
    for place in found {
        of(state, place, &mut |number| {
            if let Some(count) = counts.get_mut(number as usize) {
                *count += 1;
            }
        });
    }
    let counted = counts.into_iter().zip(0..);
    counted.filter(|(count, _)| *count > 0).collect()
}

/// Counts by intersecting sets, the largest first, until no set that is left can be among the largest of what was found.
fn largest(found: &RoaringBitmap, names: &Names, most: usize) -> Vec<(u64, u32)> {
    let mut counts: Vec<(u64, u32)> = Vec::new();
    let mut least = 0;
    for (at, (size, number)) in names.largest(MAX_SETS).into_iter().enumerate() {
        if at.is_multiple_of(8) && counts.len() >= most {
            let mut sorted: Vec<u64> = counts.iter().map(|(count, _)| *count).collect();
            sorted.sort_unstable_by(|a, b| b.cmp(a));
            least = sorted[most - 1];
        }
        if counts.len() >= most && size < least {
            break;
        }
        let count = names
            .set(number)
            .map_or(0, |set| found.intersection_len(set));
        if count > 0 {
            counts.push((count, number));
        }
    }
    counts
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
