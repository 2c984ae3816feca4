//! Listings like another.
//!
//! The one rule: what is rare says more than what many have, and no more than some thousands are looked at.

use crate::columns::Place;
use crate::print::Print;
use crate::state::State;
use crate::terms::{CONCEPT, Field, concept_term};
use crate::text::Text;
use crate::words::concepts;
use roaring::RoaringBitmap;
use std::collections::HashMap;

/// The most listings that are weighed for one trait, and in all.
const MAX_EACH: usize = 1_000;
const MAX_ALL: usize = 4_000;
/// The most things of a listing that are looked for.
const MAX_THINGS: usize = 8;
/// Prints further apart than this say nothing.
const FAR: u32 = 40;

/// The likest listings, the likest first, without itself.
pub(crate) fn similar(state: &State, text: &Text, place: Place, limit: usize) -> Vec<Place> {
    let columns = &state.columns;
    let mut traits: Vec<(f32, RoaringBitmap)> = Vec::new();
    for concept in columns.concepts(place).iter().take(MAX_THINGS) {
        let mut found = RoaringBitmap::new();
        for field in [Field::Title, Field::Tags, Field::Variables] {
            text.collect(field, &concept_term(CONCEPT, *concept), &mut found);
        }
        // Things say more than moods, colours and kinds.
        let weight = if concepts::is_picture(*concept) {
            3.0
        } else {
            0.7
        };
        traits.push((weight, found));
    }
    for tag in columns.tags(place) {
        traits.push((
            1.5,
            state
                .tags
                .set(*tag)
                .map(|set| (**set).clone())
                .unwrap_or_default(),
        ));
    }
    let [category, ..] = columns.shelves(place).map(usize::from);
    let shelf = state
        .categories
        .get(category)
        .map(|set| (**set).clone())
        .unwrap_or_default();
    traits.sort_by_key(|(_, found)| found.len());
    traits.push((0.5, shelf));
    let all = state.live.len().max(2) as f32;
    let mut scores: HashMap<Place, f32> = HashMap::new();
    for (weight, found) in &traits {
        let rarity = (all / (found.len().max(1) as f32)).ln().max(0.1);
        // The newest of what many have.
        let some = found
            .iter()
            .rev()
            .filter(|other| *other != place && state.live.contains(*other))
            .take(MAX_EACH);
        for other in some {
            let full = scores.len() >= MAX_ALL;
            if let Some(score) = scores.get_mut(&other) {
                *score += weight * rarity;
            } else if !full {
                scores.insert(other, weight * rarity);
            }
        }
    }
    let own = columns.prints(place);
    let mut scored: Vec<(f32, Place)> = scores
        .into_iter()
        .map(|(other, score)| {
            let near = nearest(own, columns.prints(other)).map_or(0.0, |distance| {
                FAR.saturating_sub(distance) as f32 / FAR as f32
            });
            let liked = (columns.numbers(other).sales + 1).ilog2() as f32 * 0.05;
            (score + near * 4.0 + liked, other)
        })
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)));
    // A shelf full of one creator's work is no list of others.
    let mut by_creator: HashMap<u32, usize> = HashMap::new();
    let most = limit.div_ceil(2).max(1);
    let (first, later): (Vec<Place>, Vec<Place>) = scored
        .into_iter()
        .take(limit * 8)
        .map(|(_, other)| other)
        .partition(|other| {
            let count = by_creator.entry(columns.creator(*other)).or_insert(0);
            *count += 1;
            *count <= most
        });
    first.into_iter().chain(later).take(limit).collect()
}

/// How far the nearest prints of two lists are from each other.
pub(crate) fn nearest(these: &[Print], those: &[Print]) -> Option<u32> {
    these
        .iter()
        .flat_map(|a| those.iter().map(|b| a.distance(*b)))
        .min()
}
