//! What words find, and how well it fits.
//!
//! The one rule: a listing counts once for a word, by its best way and field; what a word finds is kept for as long as no words change.

use crate::cache::Cache;
use crate::plan::{Slot, Way};
use crate::terms::Field;
use crate::text::Text;
use roaring::RoaringBitmap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a word finds, the best fitting first, each listing once.
pub(crate) struct Hits {
    pub(crate) tiers: Vec<Tier>,
    pub(crate) all: RoaringBitmap,
}

/// Who has a word equally well.
pub(crate) struct Tier {
    /// Of 10,000.
    pub(crate) weight: u32,
    pub(crate) in_title: bool,
    pub(crate) places: RoaringBitmap,
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
