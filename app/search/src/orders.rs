//! Every order in which listings are shown, kept sorted.
//!
//! The one rule: a batch of changes is merged into an order in one pass; nothing is sorted again but a batch.

use crate::columns::{Columns, Place};
use crate::request::Sort;
use crate::row::{Id, Numbers};
use std::cmp::Reverse;
use std::sync::Arc;

/// The orders that are kept. By relevance nothing is ordered without words; what stands there is what is liked.
const KEPT: [Sort; 7] = [
    Sort::Relevance,
    Sort::Newest,
    Sort::Trending,
    Sort::BestSelling,
    Sort::PriceUp,
    Sort::PriceDown,
    Sort::MostReproduced,
];

/// What comes first has the lowest key. What is equal comes newest first; ids break ties.
pub(crate) type Key = (i64, Reverse<i64>, Reverse<Id>);

/// The key of a place.
pub(crate) fn key(columns: &Columns, sort: Sort, place: Place) -> Key {
    let numbers = columns.numbers(place);
    let published_ms = columns.published_ms(place);
    let first = match sort {
        Sort::Relevance => -i64::from(liked(numbers)),
        Sort::Newest => 0,
        Sort::Trending => numbers.trend.saturating_neg(),
        Sort::BestSelling => -i64::from(numbers.sales),
        Sort::PriceUp => i64::from(numbers.price_minor),
        Sort::PriceDown => -i64::from(numbers.price_minor),
        Sort::MostReproduced => -i64::from(numbers.reproduced),
    };
    (first, Reverse(published_ms), Reverse(columns.id(place)))
}

/// A little for sales and for owners who reproduced it: at most 250, a quarter of what the smallest field is worth.
pub(crate) fn liked(numbers: Numbers) -> u32 {
    let steps = |count: u32| count.saturating_add(1).ilog2();
    (steps(numbers.sales) * 10 + steps(numbers.reproduced) * 20).min(250)
}

/// Every live place in each order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Orders {
    lists: [Arc<Vec<Place>>; KEPT.len()],
}

/// What became different between two states.
#[derive(Default)]
pub(crate) struct Difference {
    /// Live before, not after.
    pub(crate) removed: Vec<Place>,
    /// Live after, not before.
    pub(crate) added: Vec<Place>,
    /// Live in both, with other numbers.
    pub(crate) changed: Vec<Place>,
}

impl Orders {
    /// All live places, the first in front.
    pub(crate) fn list(&self, sort: Sort) -> &[Place] {
        let at = KEPT.iter().position(|kept| *kept == sort).unwrap_or(0);
        &self.lists[at]
    }

    /// All live places, the most liked in front.
    pub(crate) fn most_liked(&self) -> &[Place] {
        &self.lists[0]
    }

    /// The orders of places that were not ordered before: by time once, and then by what is looked at first, and that.
    fn sorted(columns: &Columns, places: &[Place]) -> Self {
        let mut newest: Vec<(Key, Place)> = places
            .iter()
            .map(|place| (key(columns, Sort::Newest, *place), *place))
            .collect();
        newest.sort_unstable();
        let newest: Vec<Place> = newest.into_iter().map(|(_, place)| place).collect();
        let lists = KEPT.map(|sort| {
            let first = |place: Place| key(columns, sort, place).0;
            let ranked = newest.iter().zip(0_u32..);
            let mut keyed: Vec<(i64, u32)> =
                ranked.map(|(place, rank)| (first(*place), rank)).collect();
            keyed.sort_unstable();
            let places = keyed
                .into_iter()
                .filter_map(|(_, rank)| newest.get(rank as usize));
            Arc::new(places.copied().collect())
        });
        Self { lists }
    }

    /// The orders after a difference between `before` and `after`.
    pub(crate) fn merged(
        &self,
        before: &Columns,
        after: &Columns,
        difference: &Difference,
    ) -> Self {
        if self.lists[0].is_empty() {
            return Self::sorted(after, &difference.added);
        }
        let merge = |(sort, list): (Sort, &Arc<Vec<Place>>)| {
            let moved = |place: &&Place| key(before, sort, **place) != key(after, sort, **place);
            let moved: Vec<Place> = difference.changed.iter().filter(moved).copied().collect();
            if moved.is_empty() && difference.removed.is_empty() && difference.added.is_empty() {
                return list.clone();
            }
            let position = |place: &Place| {
                list.binary_search_by_key(&key(before, sort, *place), |it| key(before, sort, *it))
            };
            let gone = difference.removed.iter().chain(&moved);
            let mut gone: Vec<usize> = gone.filter_map(|place| position(place).ok()).collect();
            gone.sort_unstable();
            let new = difference.added.iter().chain(&moved);
            let mut new: Vec<(Key, Place)> = new
                .map(|place| (key(after, sort, *place), *place))
                .collect();
            new.sort_unstable();
            Arc::new(merge(list, &gone, &new, |place| key(before, sort, place)))
        };
        let lists: Vec<Arc<Vec<Place>>> = KEPT.into_iter().zip(&self.lists).map(merge).collect();
        Self {
            lists: lists.try_into().unwrap_or_default(),
        }
    }
}

/// `list` without what is at `gone`, with `new` where it belongs.
fn merge(
    list: &[Place],
    gone: &[usize],
    new: &[(Key, Place)],
    key: impl Fn(Place) -> Key,
) -> Vec<Place> {
    let mut merged = Vec::with_capacity(list.len() + new.len());
    let mut gone = gone.iter().copied().peekable();
    let mut from = 0;
    // What stands between two places is copied as it is, but for what is gone.
    let mut copy = |merged: &mut Vec<Place>, from: usize, to: usize| {
        let mut start = from;
        while let Some(at) = gone.next_if(|at| *at < to) {
            merged.extend_from_slice(list.get(start..at).unwrap_or(&[]));
            start = at + 1;
        }
        merged.extend_from_slice(list.get(start..to).unwrap_or(&[]));
    };
    for (wanted, place) in new {
        let to = from + list[from..].partition_point(|it| key(*it) < *wanted);
        copy(&mut merged, from, to);
        from = to;
        merged.push(*place);
    }
    copy(&mut merged, from, list.len());
    merged
}
