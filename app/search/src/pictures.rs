//! Listings by a picture.
//!
//! The one rule: equal pixels first; prints after them, only those that are near enough to be the same picture, drawn or saved anew.

use crate::columns::Place;
use crate::direct::{live, pixel_key};
use crate::print::Print;
use crate::state::State;
use crate::text::Text;
use std::collections::{BTreeMap, HashMap};

/// Prints that differ in more bits are of other pictures.
pub(crate) const NEAR: u32 = 14;
/// The most pictures and digests that are looked for at once.
const MAX_ASKED: usize = 8;

/// Places with their distance, 0 and exact for equal pixels, the nearest first.
pub(crate) fn find(
    state: &State,
    text: &Text,
    prints: &[Print],
    digests: &[String],
    limit: usize,
) -> Vec<(Place, bool, u32)> {
    let mut found: BTreeMap<Place, (bool, u32)> = BTreeMap::new();
    for digest in digests.iter().take(MAX_ASKED) {
        for place in live(state, text.by_key(&pixel_key(digest))) {
            found.insert(place, (true, 0));
        }
    }
    let mut near: HashMap<Place, u32> = HashMap::new();
    for wanted in prints.iter().take(MAX_ASKED) {
        state.columns.each_print(|place, print| {
            let distance = wanted.distance(print);
            if distance <= NEAR {
                let now = near.entry(place).or_insert(distance);
                *now = distance.min(*now);
            }
        });
    }
    for (place, distance) in near {
        if state.live.contains(place) {
            found.entry(place).or_insert((false, distance));
        }
    }
    let mut found: Vec<(Place, bool, u32)> = found
        .into_iter()
        .map(|(place, (exact, distance))| (place, exact, distance))
        .collect();
    found.sort_by_key(|(place, exact, distance)| {
        (
            !exact,
            *distance,
            std::cmp::Reverse(state.columns.numbers(*place).sales),
            *place,
        )
    });
    found.truncate(limit);
    found
}
