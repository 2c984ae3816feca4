//! The queries of `queries.tsv`: what each must find, and what comes first.
//!
//! The one rule: every failure is printed; the share that succeeds may rise, not fall.

use crate::catalogue::Shop;
use std::collections::BTreeMap;

/// The shares that are kept, in thousandths: what is found of what must be, and whose first result is one of them.
const RECALL_MILLI: usize = 990;
const FIRST_MILLI: usize = 980;

#[derive(Default)]
struct Share {
    asked: usize,
    found: usize,
    wanted: usize,
    first: usize,
}

#[test]
fn queries_in_three_languages_find_what_was_meant() {
    let shop = Shop::open();
    let mut kinds: BTreeMap<&str, Share> = BTreeMap::new();
    let mut failures = Vec::new();
    for line in include_str!("queries.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
    {
        let cells: Vec<&str> = line.split('\t').collect();
        let [query, language, kind, wanted] = &cells[..] else {
            panic!("a line has four cells: {line}");
        };
        let wanted: Vec<&str> = wanted
            .split(" | ")
            .filter(|title| !title.is_empty())
            .collect();
        wanted.iter().for_each(|title| drop(shop.id(title)));
        let found = shop.find(query);
        let share = kinds.entry(kind).or_default();
        share.asked += 1;
        share.wanted += wanted.len();
        let missing: Vec<&&str> = wanted
            .iter()
            .filter(|title| !found.iter().any(|it| it == *title))
            .collect();
        share.found += wanted.len() - missing.len();
        let first = match (*kind, found.first()) {
            ("none", first) => first.is_none(),
            (_, None) => wanted.is_empty(),
            (_, Some(first)) => wanted.is_empty() || wanted.contains(&&**first),
        };
        share.first += usize::from(first);
        if !first || !missing.is_empty() {
            let shown: Vec<&String> = found.iter().take(5).collect();
            failures.push(format!(
                "{query:?} ({language}, {kind}): missing {missing:?}, found {} {shown:?}",
                found.len()
            ));
        }
    }
    let mut all = Share::default();
    println!("kind\tqueries\tfirst\trecall");
    for (kind, share) in &kinds {
        println!(
            "{kind}\t{}\t{}\t{}/{}",
            share.asked, share.first, share.found, share.wanted
        );
        all.asked += share.asked;
        all.first += share.first;
        all.found += share.found;
        all.wanted += share.wanted;
    }
    println!(
        "all\t{}\t{}\t{}/{}",
        all.asked, all.first, all.found, all.wanted
    );
    failures.iter().for_each(|failure| println!("{failure}"));
    assert!(all.asked >= 150);
    assert!(
        all.found * 1000 >= all.wanted * RECALL_MILLI,
        "recall fell: {}",
        failures.join("\n")
    );
    assert!(
        all.first * 1000 >= all.asked * FIRST_MILLI,
        "first results fell: {}",
        failures.join("\n")
    );
}
