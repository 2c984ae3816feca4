//! What was found, the best fitting first.
//!
//! The one rule: however much was found, only some thousands are weighed one by one; of many that fit equally well, those that are liked.

use crate::columns::Place;
use crate::hits::Hits;
use crate::orders::{self, Key, liked};
use crate::request::Sort;
use crate::state::State;
use roaring::RoaringBitmap;
use std::cmp::Reverse;
use std::sync::Arc;

/// What is weighed one by one without a choice before.
const FEW: u64 = 4_000;
/// What a title that is nothing but the query has over any other.
const WHOLE: u32 = 5_000;
/// What a title of nothing but words of the query has over a long one.
const COVERED: u32 = 600;
/// Weights of words that differ by less are chosen from together.
const STEP: u32 = 50;

/// The best of `found`, so many, the best first: by how well each word fits, then by what its owners made of it, then the newest. `titles` are
/// those whose title is the query.
pub(crate) fn ranked(
    state: &State,
    words: &[Arc<Hits>],
    found: &RoaringBitmap,
    titles: &RoaringBitmap,
    most: usize,
) -> Vec<Place> {
    let mut weighed = match found.len() <= FEW {
        true => weighed(state, words, found, titles),
        false => {
            let mut chosen = chosen(state, words, found, most);
            chosen |= titles & found;
            weighed(state, words, &chosen, titles)
        }
    };
    weighed.sort_unstable();
    weighed.truncate(most);
    weighed.into_iter().map(|(.., place)| place).collect()
}

/// Places with what they are ordered by.
fn weighed(
    state: &State,
    words: &[Arc<Hits>],
    places: &RoaringBitmap,
    titles: &RoaringBitmap,
) -> Vec<(Reverse<u32>, Key, Place)> {
    let count = u32::try_from(words.len()).unwrap_or(1).max(1);
    let list: Vec<Place> = places.iter().collect();
    let mut sums = vec![(0_u32, 0_u32); list.len()];
    for tier in words.iter().flat_map(|word| &word.tiers) {
        for place in &(&tier.places & places) {
            if let Ok(at) = list.binary_search(&place) {
                sums[at].0 += tier.weight;
                sums[at].1 += u32::from(tier.in_title);
            }
        }
    }
    let weighed = list.into_iter().zip(sums).map(|(place, (sum, in_title))| {
        let words = u32::from(state.columns.title_words(place));
        let covered = (in_title * COVERED / words).min(COVERED);
        let whole = if titles.contains(place) { WHOLE } else { 0 };
        let score = sum / count + covered + whole + liked(state.columns.numbers(place));
        let newest = orders::key(&state.columns, Sort::Newest, place);
        (Reverse(score), newest, place)
    });
    weighed.collect()
}

/// Some more than `most` of `found` that hold the best: those whose words fit best, and of those that fit equally well the most liked.
fn chosen(state: &State, words: &[Arc<Hits>], found: &RoaringBitmap, most: usize) -> RoaringBitmap {
    let most = most.max(1) + most / 2;
    let mut chosen = RoaringBitmap::new();
    let mut margin = None;
    for (weight, places) in equals(state, words, found) {
        // What fits worse than what title and liking make up for is behind what was chosen.
        if margin.is_some_and(|margin| weight < margin) {
            break;
        }
        if places.len() as usize > most {
            chosen.extend(most_liked(state, &places, most));
        } else {
            chosen |= places;
        }
        if chosen.len() as usize >= most && margin.is_none() {
            margin = Some(weight.saturating_sub(COVERED + 250));
        }
    }
    chosen
}

/// The most liked of many, the newest of those that are equally liked.
fn most_liked(state: &State, places: &RoaringBitmap, most: usize) -> Vec<Place> {
    let order = state.orders.most_liked();
    if places.len() as usize > order.len() / 16 {
        let fitting = order.iter().filter(|place| places.contains(**place));
        return fitting.take(most).copied().collect();
    }
    let mut keyed: Vec<(u64, Place)> = places
        .iter()
        .map(|place| {
            let newest = state.columns.published_ms(place).max(0).unsigned_abs();
            let liked = u64::from(liked(state.columns.numbers(place)));
            (liked << 48 | newest.min((1 << 48) - 1), place)
        })
        .collect();
    keyed.select_nth_unstable_by(most, |a, b| b.cmp(a));
    keyed
        .into_iter()
        .take(most)
        .map(|(_, place)| place)
        .collect()
}

/// What was found, in groups that fit about equally well, the best fitting first.
fn equals(state: &State, words: &[Arc<Hits>], found: &RoaringBitmap) -> Vec<(u32, RoaringBitmap)> {
    if let [word] = words {
        let tiers = word
            .tiers
            .iter()
            .map(|tier| (tier.weight, &tier.places & found));
        return tiers.filter(|(_, places)| !places.is_empty()).collect();
    }
    let mut sums = vec![0_u32; state.columns.count() as usize];
    for tier in words.iter().flat_map(|word| &word.tiers) {
        for place in &(&tier.places & found) {
            if let Some(sum) = sums.get_mut(place as usize) {
                *sum += tier.weight;
            }
        }
    }
    let count = u32::try_from(words.len()).unwrap_or(1).max(1);
    let mut groups: Vec<Vec<Place>> = Vec::new();
    for place in found {
        let group = sums.get(place as usize).map_or(0, |sum| sum / count / STEP) as usize;
        if groups.len() <= group {
            groups.resize(group + 1, Vec::new());
        }
        groups[group].push(place);
    }
    let groups = groups
        .into_iter()
        .enumerate()
        .rev()
        .filter(|(_, places)| !places.is_empty());
    groups
        .map(|(group, places)| {
            let weight = u32::try_from(group)
                .unwrap_or(u32::MAX)
                .saturating_mul(STEP);
            (
                weight,
                RoaringBitmap::from_sorted_iter(places).unwrap_or_default(),
            )
        })
        .collect()
}
