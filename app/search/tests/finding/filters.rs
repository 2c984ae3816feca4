//! Filters, orders and counts, held against a plain walk over the documents.
//!
//! The one rule: what a filter leaves is computed twice, here in the plainest way.

use crate::catalogue::{DAY_MS, NOW_MS, Shop, asking, documents};
use proptest::prelude::*;
use schema::licence::Licence;
use schema::listing::Category;
use search::{Document, Filters, Language, PriceBand, Sort};
use std::collections::BTreeMap;
use std::sync::LazyLock;

static SHOP: LazyLock<Shop> = LazyLock::new(Shop::open);

fn fits(document: &Document, filters: &Filters) -> bool {
    let within = |list: &Vec<String>, value: &String| list.is_empty() || list.contains(value);
    let price = document.price_minor;
    (filters.categories.is_empty() || filters.categories.contains(&document.category))
        && within(&filters.models, &document.model)
        && within(&filters.creators, &document.creator)
        && filters.tags.iter().all(|tag| document.tags.contains(tag))
        && (!filters.free || price == 0)
        && filters.price_from_minor.is_none_or(|from| price >= from)
        && filters.price_to_minor.is_none_or(|to| price <= to)
        && filters
            .template
            .is_none_or(|template| template != document.variables.is_empty())
        && (filters.licences.is_empty() || filters.licences.contains(&document.licence))
        && (filters.languages.is_empty() || filters.languages.contains(&document.language))
        && (!filters.reproduced || document.reproduced > 0)
        && (!filters.trial || document.trial)
        && filters
            .since_ms
            .is_none_or(|since| document.published_ms >= since)
}

fn key(document: &Document, sort: Sort) -> i64 {
    match sort {
        Sort::Relevance | Sort::Newest => -document.published_ms,
        Sort::Trending => -document.trend,
        Sort::BestSelling => -document.sales,
        Sort::PriceUp => document.price_minor,
        Sort::PriceDown => -document.price_minor,
        Sort::MostReproduced => -document.reproduced,
    }
}

const SORTS: [Sort; 7] = [
    Sort::Relevance,
    Sort::Newest,
    Sort::Trending,
    Sort::BestSelling,
    Sort::PriceUp,
    Sort::PriceDown,
    Sort::MostReproduced,
];

fn some_filters() -> impl Strategy<Value = Filters> {
    let documents = documents();
    let category =
        proptest::option::weighted(0.3, proptest::sample::select(Category::ALL.to_vec()));
    let licence = proptest::option::weighted(0.2, proptest::sample::select(Licence::ALL.to_vec()));
    let language =
        proptest::option::weighted(0.3, proptest::sample::select(Language::ALL.to_vec()));
    let creators: Vec<String> = documents
        .iter()
        .map(|document| document.creator.clone())
        .chain(["nobody".into()])
        .collect();
    let creator = proptest::option::weighted(0.2, proptest::sample::select(creators));
    let tags: Vec<String> = documents
        .iter()
        .flat_map(|document| document.tags.clone())
        .collect();
    let tag = proptest::option::weighted(0.15, proptest::sample::select(tags));
    let price = proptest::option::weighted(0.3, 0..700_i64);
    let days = proptest::option::weighted(0.3, 1..160_i64);
    let flags = (
        proptest::bool::weighted(0.15),
        proptest::option::weighted(0.3, any::<bool>()),
        proptest::bool::weighted(0.2),
        proptest::bool::weighted(0.2),
    );
    (
        category,
        licence,
        language,
        creator,
        tag,
        price.clone(),
        price,
        days,
        flags,
    )
        .prop_map(
            |(
                category,
                licence,
                language,
                creator,
                tag,
                from,
                to,
                days,
                (free, template, reproduced, trial),
            )| Filters {
                categories: category.into_iter().collect(),
                models: Vec::new(),
                free,
                price_from_minor: from,
                price_to_minor: to,
                template,
                licences: licence.into_iter().collect(),
                languages: language.into_iter().collect(),
                reproduced,
                creators: creator.into_iter().collect(),
                tags: tag.into_iter().collect(),
                trial,
                since_ms: days.map(|days| NOW_MS - days * DAY_MS),
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn filters_leave_what_fits_in_the_order_that_was_asked_for(filters in some_filters(), sort in 0..7_usize) {
        let shop = &*SHOP;
        let sort = SORTS[sort];
        let mut expected: Vec<Document> = documents().into_iter().filter(|document| fits(document, &filters)).collect();
        expected.sort_by_key(|document| (key(document, sort), -document.published_ms, std::cmp::Reverse(document.id.clone())));
        let expected: Vec<String> = expected.into_iter().map(|document| document.title).collect();
        prop_assert_eq!(shop.browse(filters, sort), expected);
    }

    #[test]
    fn each_count_respects_all_other_filters(filters in some_filters(), word in 0..3_usize) {
        let shop = &*SHOP;
        let word = ["", "sticker", "animal"][word];
        let by_word = shop.find(word);
        let counts = |own: &dyn Fn(&mut Filters)| {
            let mut others = filters.clone();
            own(&mut others);
            documents().into_iter().filter(|document| fits(document, &others) && by_word.contains(&document.title)).collect::<Vec<_>>()
        };
        let answer = shop.reader().search(&asking(word, filters.clone(), Sort::Newest));
        let facets = answer.facets.expect("facets");
        let whole = counts(&|_| {});
        prop_assert_eq!(answer.total, whole.len() as u64);
        let of = counts(&|filters| filters.categories.clear());
        for (category, count) in facets.categories {
            prop_assert_eq!(count, of.iter().filter(|document| document.category == category).count() as u64);
        }
        let of = counts(&|filters| filters.licences.clear());
        for (licence, count) in facets.licences {
            prop_assert_eq!(count, of.iter().filter(|document| document.licence == licence).count() as u64);
        }
        let of = counts(&|filters| (filters.free, filters.price_from_minor, filters.price_to_minor) = (false, None, None));
        let priced: u64 = facets.prices.iter().map(|(_, count)| count).sum();
        prop_assert_eq!(priced, of.len() as u64);
        for (band, count) in facets.prices {
            prop_assert_eq!(count, of.iter().filter(|document| PriceBand::of(document.price_minor) == band).count() as u64);
        }
        let of = counts(&|filters| filters.template = None);
        prop_assert_eq!(facets.templates + facets.fixed, of.len() as u64);
        prop_assert_eq!(facets.templates, of.iter().filter(|document| !document.variables.is_empty()).count() as u64);
        let of = counts(&|filters| filters.tags.clear());
        for (tag, count) in facets.tags {
            prop_assert_eq!(count, of.iter().filter(|document| document.tags.contains(&tag)).count() as u64, "{}", tag);
        }
        let of = counts(&|filters| filters.creators.clear());
        let mut by_creator: BTreeMap<String, u64> = BTreeMap::new();
        of.iter().for_each(|document| *by_creator.entry(document.creator.clone()).or_default() += 1);
        for (creator, count) in facets.creators {
            prop_assert_eq!(count, by_creator.get(&creator).copied().unwrap_or(0));
        }
        let of = counts(&|filters| filters.trial = false);
        prop_assert_eq!(facets.trial, of.iter().filter(|document| document.trial).count() as u64);
        let of = counts(&|filters| filters.reproduced = false);
        prop_assert_eq!(facets.reproduced, of.iter().filter(|document| document.reproduced > 0).count() as u64);
    }
}

#[test]
fn several_values_of_one_filter_are_alternatives_and_tags_are_not() {
    let shop = &*SHOP;
    let count = |filters: Filters| shop.browse(filters, Sort::Newest).len();
    let of = |categories: &[Category]| {
        count(Filters {
            categories: categories.to_vec(),
            ..Filters::default()
        })
    };
    assert_eq!(
        of(&[Category::Food, Category::Badges]),
        of(&[Category::Food]) + of(&[Category::Badges])
    );
    let tags = |tags: &[&str]| {
        count(Filters {
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            ..Filters::default()
        })
    };
    assert_eq!(tags(&["ufo", "space"]), 1);
    assert_eq!(tags(&["space"]), 2);
}
