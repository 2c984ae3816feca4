//! What words find, and how well it fits.
//!
//! The one rule: a listing counts once for a word, by its best way and field; what a word finds is kept for as long as no words change.

use crate::cache::Cache;
use crate::columns::Place;
use crate::plan::{Slot, Way};
use crate::state::State;
use crate::terms::Field;
use crate::text::Text;
use roaring::RoaringBitmap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a word finds, the best fitting first, each listing once.
pub(crate) struct Hits {
    tiers: Vec<Tier>,
    pub(crate) all: RoaringBitmap,
}

/// Who has a word equally well.
struct Tier {
    /// Of 10,000.
    weight: u32,
    in_title: bool,
    places: RoaringBitmap,
}

/// What words found, by what they look for.
pub(crate) type Kept = Cache<String, Hits>;

impl Hits {
    /// What a slot finds.
    pub(crate) fn of(text: &Text, slot: &Slot, kept: &Kept) -> Arc<Self> {
        let key = format!("{:?}", slot.ways);
        if let Some(hits) = kept.get(&key) {
            return hits;
        }
        let hits = Self::look(text, &slot.ways);
        let bytes = hits.all.serialized_size() * 2 + key.len();
        kept.put(key, hits, bytes)
    }

    fn look(text: &Text, ways: &[Way]) -> Self {
        let mut found: BTreeMap<(u32, bool), RoaringBitmap> = BTreeMap::new();
        for way in ways {
            match way {
                Way::Term(fit, term) => {
                    for field in Field::ALL {
                        text.collect(
                            field,
                            term,
                            found
                                .entry((field.weight() * fit.weight(), field == Field::Title))
                                .or_default(),
                        );
                    }
                }
                Way::All(fit, slots) => {
                    let each: Vec<Self> = slots
                        .iter()
                        .map(|slot| Self::look(text, &slot.ways))
                        .collect();
                    if let Some((common, worst)) = common(&each) {
                        let weight = worst * fit.weight() / 100;
                        *found.entry((weight, false)).or_default() |= common;
                    }
                }
            }
        }
        let (mut tiers, mut all) = (Vec::new(), RoaringBitmap::new());
        for ((weight, in_title), mut places) in found.into_iter().rev() {
            places -= &all;
            if !places.is_empty() {
                all |= &places;
                tiers.push(Tier {
                    weight,
                    in_title,
                    places,
                });
            }
        }
        Self { tiers, all }
    }

    /// The weight of a place, and whether it is in the title.
    fn weight(&self, place: Place) -> (u32, bool) {
        let tier = self.tiers.iter().find(|tier| tier.places.contains(place));
        tier.map_or((0, false), |tier| (tier.weight, tier.in_title))
    }
}

/// What all of them find, and what the worst of them is worth at best.
fn common(each: &[Hits]) -> Option<(RoaringBitmap, u32)> {
    let (first, rest) = each.split_first()?;
    let common = rest
        .iter()
        .fold(first.all.clone(), |common, hits| common & &hits.all);
    let best = |hits: &Hits| hits.tiers.first().map_or(0, |tier| tier.weight);
    let worst = each.iter().map(best).min()?;
    Some((common, worst))
}

/// More hits than this are weighed tier by tier instead of one by one.
const FEW: u64 = 4_000;

/// What makes whole titles first.
pub(crate) struct Whole<'a> {
    /// Listings whose title is the query.
    pub(crate) titles: &'a RoaringBitmap,
}

/// The best of `found`, so many, the best first: by how well each word fits, then by what its owners made of it, then the newest.
pub(crate) fn ranked(
    state: &State,
    words: &[Arc<Hits>],
    found: &RoaringBitmap,
    whole: &Whole<'_>,
    most: usize,
) -> Vec<Place> {
    let count = u32::try_from(words.len()).unwrap_or(1).max(1);
    let mut scored: Vec<(u32, Place)> =
        Vec::with_capacity(usize::try_from(found.len()).unwrap_or(0));
    let finish = |sum: u32, in_title: u32, place: Place| {
        let covered = in_title * 600 / u32::from(state.columns.title_words(place));
        let whole = if whole.titles.contains(place) {
            5_000
        } else {
            0
        };
        // Mean of the words, how much of the title they are, the title itself, and a little for what is liked.
        sum / count + covered.min(600) + whole + liked(state, place)
    };
    if found.len() <= FEW {
        for place in found {
            let weights = words.iter().map(|hits| hits.weight(place));
            let (sum, titles) = weights.fold((0, 0), |(sum, titles), (weight, in_title)| {
                (sum + weight, titles + u32::from(in_title))
            });
            scored.push((finish(sum, titles, place), place));
        }
    } else {
        let mut sums = vec![(0_u32, 0_u8); state.columns.count() as usize];
        for hits in words {
            for tier in &hits.tiers {
                for place in &(&tier.places & found) {
                    if let Some((sum, titles)) = sums.get_mut(place as usize) {
                        *sum += tier.weight;
                        *titles += u8::from(tier.in_title);
                    }
                }
            }
        }
        scored.extend(found.iter().filter_map(|place| {
            let (sum, titles) = sums.get(place as usize)?;
            Some((finish(*sum, u32::from(*titles), place), place))
        }));
    }
    // Higher scores first; what is equal comes newest first, which places and ids both tell.
    let key =
        |(score, place): &(u32, Place)| (std::cmp::Reverse(*score), std::cmp::Reverse(*place));
    let order = |a: &(u32, Place), b: &(u32, Place)| {
        key(a).0.cmp(&key(b).0).then_with(|| {
            let newest = |place: Place| {
                crate::orders::key(&state.columns, crate::request::Sort::Newest, place)
            };
            newest(a.1).cmp(&newest(b.1))
        })
    };
    if scored.len() > most && most > 0 {
        scored.select_nth_unstable_by(most - 1, order);
        scored.truncate(most);
    }
    scored.sort_unstable_by(order);
    scored.into_iter().map(|(_, place)| place).collect()
}

/// A little for sales and for owners who reproduced it: at most 250, a quarter of what a field is worth.
fn liked(state: &State, place: Place) -> u32 {
    let numbers = state.columns.numbers(place);
    let steps = |count: u32| (count + 1).ilog2();
    (steps(numbers.sales) * 10 + steps(numbers.reproduced) * 20).min(250)
}
