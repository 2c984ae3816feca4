//! What the demo sells: one file a creator in `shop/`, and what they offer together.
//!
//! The one rule: seeds were drawn from the operating system, as the studio draws them, and picked by looking at the pictures: a small
//! seed would be found again by trying.

use anyhow::{Context as _, Result};
use schema::template::{Values, Variable};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Handle and file of each creator, in the order in which they opened their shops.
const FILES: &[(&str, &str)] = &[
    ("mira-makes", include_str!("shop/mira-makes.toml")),
    ("otto-formt", include_str!("shop/otto-formt.toml")),
    ("xiaolan", include_str!("shop/xiaolan.toml")),
    ("tilde-studio", include_str!("shop/tilde-studio.toml")),
    ("kaya-prints", include_str!("shop/kaya-prints.toml")),
    ("frieda-farbe", include_str!("shop/frieda-farbe.toml")),
    ("yunduo", include_str!("shop/yunduo.toml")),
    ("pixel-commons", include_str!("shop/pixel-commons.toml")),
];
const OFFERS: &str = include_str!("shop/sets.toml");

/// One creator and what they sell.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    language: String,
    listing: Vec<Piece>,
}

/// One listing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Piece {
    pub(super) title: String,
    pub(super) description: String,
    pub(super) category: String,
    pub(super) price_minor: i64,
    pub(super) licence: String,
    pub(super) template: String,
    #[serde(default)]
    pub(super) tags: Vec<String>,
    /// Whether it may be tried before the sale.
    #[serde(default)]
    pub(super) trial: bool,
    #[serde(default)]
    pub(super) variables: BTreeMap<String, Variable>,
    pub(super) pictures: Vec<Sample>,
    /// Whether it is taken off sale for cause before today, so that a demo shows what its page says then.
    #[serde(default)]
    pub(super) withdrawn: bool,
    /// Whether it stays in the queue of near copies.
    #[serde(default)]
    pub(super) held: bool,
    /// Whether somebody painted in its first picture before it was sealed, so that a demo shows how certification ends then.
    #[serde(default)]
    pub(super) retouched: bool,
}

/// One picture of a listing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sample {
    #[serde(default)]
    pub(super) values: Values,
    pub(super) seed: String,
}

/// Several listings of one creator for one price.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Set {
    pub(super) creator: String,
    pub(super) title: String,
    pub(super) listings: Vec<String>,
    pub(super) price_minor: i64,
}

/// A creator's discount.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Coupon {
    pub(super) creator: String,
    pub(super) code: String,
    pub(super) percent: i64,
}

/// What creators offer beside single listings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Offers {
    #[serde(rename = "set")]
    pub(super) sets: Vec<Set>,
    #[serde(rename = "coupon")]
    pub(super) coupons: Vec<Coupon>,
}

/// A listing and whose it is.
pub(super) struct Entry {
    pub(super) handle: &'static str,
    pub(super) language: String,
    pub(super) piece: Piece,
}

/// The creators' handles.
pub(super) fn creators() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(handle, _)| *handle)
}

/// The whole catalogue, in the order in which it was published: every creator's first listing, then every creator's second.
///
/// # Errors
/// Names the file that cannot be read.
pub(super) fn catalogue() -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for (handle, text) in FILES {
        let file: File = toml::from_str(text).with_context(|| format!("shop/{handle}.toml"))?;
        for (turn, piece) in file.listing.into_iter().enumerate() {
            let language = file.language.clone();
            entries.push((
                turn,
                Entry {
                    handle,
                    language,
                    piece,
                },
            ));
        }
    }
    entries.sort_by_key(|(turn, _)| *turn);
    Ok(entries.into_iter().map(|(_, entry)| entry).collect())
}

/// Sets and coupons.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn offers() -> Result<Offers> {
    toml::from_str(OFFERS).context("shop/sets.toml")
}

#[cfg(test)]
mod tests {
    use super::{catalogue, offers};
    use schema::listing::Category;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn every_category_licence_and_price_of_the_demo_is_met_twice() {
        let entries = catalogue().expect("a catalogue");
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for entry in &entries {
            let piece = &entry.piece;
            let price = match piece.price_minor {
                0 => "free",
                1..500 => "under five",
                _ => "five and more",
            };
            let template = if piece.variables.is_empty() {
                "fixed"
            } else {
                "template"
            };
            for word in [
                &*piece.category,
                &*piece.licence,
                price,
                template,
                &*entry.language,
            ] {
                *seen.entry(word.to_owned()).or_default() += 1;
            }
        }
        for category in Category::ALL {
            let count = seen.get(category.id());
            assert!(count.is_some_and(|count| *count >= 2), "{category:?}");
        }
        assert!(seen.values().all(|count| *count >= 2), "{seen:?}");
    }

    #[test]
    fn no_two_pictures_of_the_demo_share_a_seed_and_none_is_small() {
        let entries = catalogue().expect("a catalogue");
        let mut seeds = BTreeSet::new();
        for sample in entries.iter().flat_map(|entry| &entry.piece.pictures) {
            let seed: u64 = sample.seed.parse().expect("a seed");
            assert!(
                seed > u64::from(u32::MAX),
                "{seed} would be found by trying"
            );
            assert!(seeds.insert(seed), "{seed} is used twice");
        }
    }

    #[test]
    fn sets_and_coupons_name_creators_and_listings_that_are_there() {
        let entries = catalogue().expect("a catalogue");
        let offers = offers().expect("offers");
        for set in &offers.sets {
            let prices: Vec<i64> = set
                .listings
                .iter()
                .map(|title| {
                    let same = |entry: &&super::Entry| {
                        entry.handle == set.creator && entry.piece.title == *title
                    };
                    entries.iter().find(same).expect(title).piece.price_minor
                })
                .collect();
            assert!(
                set.price_minor < prices.iter().sum(),
                "{:?} saves nothing",
                set.title
            );
        }
        for coupon in &offers.coupons {
            assert!(
                super::creators().any(|handle| handle == coupon.creator),
                "{}",
                coupon.code
            );
        }
    }
}
