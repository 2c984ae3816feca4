//! What somebody may have meant: names of concepts by how they begin, and by slips.
//!
//! The one rule: names are compared folded, and shown as people write them.

use super::concepts::{Concept, all_names};
use super::fold;
use crate::language::Language;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::LazyLock;

/// Names of one word by what they are folded to, for prefixes and slips.
static SINGLE: LazyLock<BTreeMap<String, (&'static str, Vec<Concept>)>> = LazyLock::new(|| {
    let mut single: BTreeMap<String, (&str, Vec<Concept>)> = BTreeMap::new();
    for language in Language::ALL {
        for (concept, name) in all_names(language) {
            if !name.contains([' ', '-']) {
                let folded = fold::folded(&fold::kept(name));
                let entry = single.entry(folded).or_insert((name, Vec::new()));
                entry.1.push(concept);
            }
        }
    }
    single
});

/// A concept, one of its names, and that name folded.
type Folded = (Concept, &'static str, String);

/// Every name, by language.
static FOLDED: LazyLock<[Vec<Folded>; 3]> = LazyLock::new(|| {
    Language::ALL.map(|language| {
        let names = all_names(language);
        let folded = names.map(|(concept, name)| (concept, name, fold::folded(&fold::kept(name))));
        folded.collect()
    })
});

/// Every name of a language in the order of the list, and folded.
pub(crate) fn folded_names(
    language: Language,
) -> impl Iterator<Item = (Concept, &'static str, &'static str)> {
    let names = FOLDED.get(language as usize).into_iter().flatten();
    names.map(|(concept, name, folded)| (*concept, *name, &**folded))
}

/// The most concepts that a prefix or a slip leads to.
const MAX_CONCEPTS: usize = 24;

/// Concepts one of whose names begins so.
pub(crate) fn begun(folded: &str) -> Vec<Concept> {
    let from = SINGLE.range::<str, _>((Bound::Included(folded), Bound::Unbounded));
    let from = from.take_while(|(name, _)| name.starts_with(folded));
    let mut found: Vec<Concept> = from
        .flat_map(|(_, (_, concepts))| concepts)
        .copied()
        .collect();
    found.sort_unstable();
    found.dedup();
    found.truncate(MAX_CONCEPTS);
    found
}

/// A name as people write it, by what it is folded to.
pub(crate) fn spelling(folded: &str) -> Option<&'static str> {
    SINGLE.get(folded).map(|(name, _)| *name)
}

/// Concepts one of whose names is so many slips away, with that name.
pub(crate) fn near(folded: &str, slips: usize) -> Vec<(Concept, &'static str)> {
    let wanted: Vec<char> = folded.chars().collect();
    let mut found: Vec<(usize, Concept, &str)> = Vec::new();
    for (name, (shown, concepts)) in SINGLE.iter() {
        // A name in bytes is at most as much longer as slips can make it; cheap to ask, and true of ASCII, as folded names are.
        if name.len().abs_diff(folded.len()) > slips || name.len() <= slips + 2 {
            continue;
        }
        let distance = distance(&wanted, &name.chars().collect::<Vec<_>>());
        if distance <= slips {
            found.extend(concepts.iter().map(|concept| (distance, *concept, *shown)));
        }
    }
    found.sort_unstable();
    found.truncate(MAX_CONCEPTS);
    found
        .into_iter()
        .map(|(_, concept, shown)| (concept, shown))
        .collect()
}

/// Slips between two words; exchanged neighbours are one.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let same = usize::from(a[i - 1] != b[j - 1]);
                let mut least = (rows[i - 1][j] + 1)
                    .min(rows[i][j - 1] + 1)
                    .min(rows[i - 1][j - 1] + same);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    least = least.min(rows[i - 2][j - 2] + 1);
                }
                least
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    #[test]
    fn exchanged_neighbours_are_one_slip() {
        let names = |typed| {
            super::near(typed, 1)
                .into_iter()
                .map(|(_, name)| name)
                .collect::<Vec<_>>()
        };
        assert!(names("kaktsu").contains(&"Kaktus"), "{:?}", names("kaktsu"));
        assert!(names("kurbsi").contains(&"Kürbis"), "{:?}", names("kurbsi"));
        assert!(names("pegnin").is_empty(), "{:?}", names("pegnin"));
    }
}
