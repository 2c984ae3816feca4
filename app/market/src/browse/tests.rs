//! What is found and in which order, on both databases, through an index that follows them.

use super::filter::{Filter, Sort};
use super::follow::Follower;
use super::service::{self, Found, PAGE};
use crate::catalog::service as catalog;
use crate::finder::Finder;
use crate::testing::{Listing, Person, Version};
use base::db::execute;
use base::testing::{TestDb, databases};
use std::collections::BTreeSet;

fn asked(query: &str) -> Filter {
    let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let pairs = pairs.iter().map(|(name, value)| (&**name, &**value));
    let (filter, wrong) = Filter::parse(pairs);
    assert!(wrong.is_empty(), "{query}: {wrong:?}");
    filter
}

fn finder(test: &TestDb) -> Finder {
    Finder::new(Some(test.folder.path().join("search")))
}

/// Lets the index hear everything.
async fn catch_up(test: &TestDb, finder: &Finder, follower: &mut Follower) {
    while follower.turn(&test.db, finder).await.expect("a turn") {}
}

async fn find(test: &TestDb, finder: &Finder, query: &str) -> Found {
    let mut tx = test.db.read().await.expect("a transaction");
    let found = service::find(&mut tx, finder, &asked(query), |price| price, 0).await;
    found.expect("an answer")
}

async fn titles(test: &TestDb, finder: &Finder, query: &str) -> BTreeSet<String> {
    let found = find(test, finder, query).await;
    assert_eq!(found.total, found.cards.len(), "{query}");
    found.cards.into_iter().map(|card| card.title).collect()
}

#[tokio::test]
async fn a_question_narrows_by_shelf_model_price_and_words_and_the_count_agrees() {
    for test in databases().await {
        let mut tx = test.db.write().await.expect("a transaction");
        let ada = Person::new("ada").insert(&mut tx).await;
        let model = format!("blake3:{}", "ab".repeat(32));
        for listing in [
            Listing::of(&ada).title("Fox in snow").price(0),
            Listing::of(&ada).title("Soup").category("food").price(499),
            Listing::of(&ada)
                .title("100% fox")
                .price(500)
                .version(Version::new().model(&model)),
        ] {
            listing.insert(&mut tx).await;
        }
        for state in ["certifying", "failed", "withdrawn"] {
            let hidden = Listing::of(&ada).title("fox").state(state);
            hidden.insert(&mut tx).await;
        }
        tx.commit().await.expect("a commit");
        let finder = finder(&test);
        catch_up(&test, &finder, &mut Follower::default()).await;
        for (query, expected) in [
            ("", &["Soup", "Fox in snow", "100% fox"][..]),
            ("category=food", &["Soup"]),
            (&format!("model={model}"), &["100% fox"]),
            ("max=4.99", &["Fox in snow", "Soup"]),
            ("price=free", &["Fox in snow"]),
            ("price=paid&max=4.99", &["Soup"]),
            // What is free is not made dearer by another limit.
            ("price=free&max=5.00", &["Fox in snow"]),
            ("q=FOX", &["100% fox", "Fox in snow"]),
            ("q=snow+fox", &["Fox in snow"]),
            ("q=fox&category=food", &[]),
        ] {
            let expected = expected.iter().map(|title| (*title).to_owned()).collect();
            let found = titles(&test, &finder, query).await;
            assert_eq!(found, expected, "{} {query}", test.name);
        }
        let found = find(&test, &finder, "q=fox&category=food").await;
        let ways: Vec<_> = found.ways.iter().map(|way| (way.name, way.total)).collect();
        assert_eq!(ways, [("category", 2)], "{}", test.name);
    }
}

#[tokio::test]
async fn pages_follow_one_another_without_a_gap_or_a_double_though_keys_are_equal() {
    for test in databases().await {
        let mut tx = test.db.write().await.expect("a transaction");
        let ada = Person::new("ada").insert(&mut tx).await;
        let all = 2 * PAGE as i64 + 3;
        for number in 0..all {
            let key = number % 4;
            let listing = Listing::of(&ada).price(100 * key).sales(key);
            listing.published(key).insert(&mut tx).await;
        }
        tx.commit().await.expect("a commit");
        let finder = finder(&test);
        catch_up(&test, &finder, &mut Follower::default()).await;
        for sort in Sort::ALL {
            let (mut keys, mut ids) = (Vec::new(), BTreeSet::new());
            for page in 1..=4 {
                let query = format!("sort={}&page={page}", sort.name());
                let found = find(&test, &finder, &query).await;
                assert_eq!((found.total as i64, found.pages), (all, 3));
                for card in found.cards {
                    keys.push(match sort {
                        Sort::PriceUp => card.price_minor,
                        Sort::PriceDown => -card.price_minor,
                        Sort::BestSelling => -card.sales,
                        Sort::MostReproduced | Sort::Trending => 0,
                        Sort::Newest | Sort::Relevance => -card.published_ms,
                    });
                    ids.insert(card.id);
                }
            }
            assert_eq!(ids.len() as i64, all, "{} {sort:?}", test.name);
            assert!(keys.is_sorted(), "{} {sort:?}: {keys:?}", test.name);
        }
    }
}

#[tokio::test]
async fn what_was_withdrawn_a_moment_ago_is_on_no_page_though_the_index_has_not_heard() {
    for test in databases().await {
        let mut tx = test.db.write().await.expect("a transaction");
        let ada = Person::new("ada").insert(&mut tx).await;
        let fox = Listing::of(&ada).title("Fox").insert(&mut tx).await;
        let hen = Listing::of(&ada).title("Hen").insert(&mut tx).await;
        tx.commit().await.expect("a commit");
        let (finder, mut follower) = (finder(&test), Follower::default());
        catch_up(&test, &finder, &mut follower).await;
        let mut tx = test.db.write().await.expect("a transaction");
        assert!(catalog::withdraw(&mut tx, &fox).await.expect("gone"));
        let sql = "update listing set title = 'Rooster' where id = $1";
        execute!(&mut tx, sql, hen.as_str()).expect("another title");
        tx.commit().await.expect("a commit");
        let found = find(&test, &finder, "").await;
        assert_eq!(found.cards.len(), 1, "{}", test.name);
        // Whoever changes a listing need not think of the index.
        catch_up(&test, &finder, &mut follower).await;
        for (query, total) in [("q=fox", 0), ("q=hen", 0), ("q=rooster", 1), ("", 1)] {
            let found = find(&test, &finder, query).await;
            assert_eq!(found.total, total, "{} {query}", test.name);
        }
    }
}

#[tokio::test]
async fn an_index_goes_on_where_it_was_and_is_built_anew_where_it_cannot() {
    for test in databases().await {
        let mut tx = test.db.write().await.expect("a transaction");
        let ada = Person::new("ada").insert(&mut tx).await;
        Listing::of(&ada).title("Fox").insert(&mut tx).await;
        tx.commit().await.expect("a commit");
        let first = finder(&test);
        catch_up(&test, &first, &mut Follower::default()).await;
        drop(first);
        let mut tx = test.db.write().await.expect("a transaction");
        Listing::of(&ada).title("Hen").insert(&mut tx).await;
        tx.commit().await.expect("a commit");
        let second = finder(&test);
        let preparing = find(&test, &second, "q=hen").await;
        assert!(preparing.preparing && preparing.cards.len() == 2);
        catch_up(&test, &second, &mut Follower::default()).await;
        assert_eq!(find(&test, &second, "q=hen").await.total, 1);
        drop(second);
        // An older database beside it: places in it are given out again.
        let mut tx = test.db.write().await.expect("a transaction");
        execute!(&mut tx, "delete from listing_change").expect("no changes");
        let sql = "update listing set title = 'Owl' where title = 'Hen'";
        execute!(&mut tx, sql).expect("another title");
        execute!(&mut tx, "delete from listing_change").expect("no changes");
        tx.commit().await.expect("a commit");
        let third = finder(&test);
        catch_up(&test, &third, &mut Follower::default()).await;
        assert_eq!(find(&test, &third, "q=owl").await.total, 1, "{}", test.name);
        drop(third);
        // Files that say nothing any more.
        let folder = test.folder.path().join("search");
        for file in std::fs::read_dir(&folder).expect("files") {
            let file = file.expect("a file").path();
            if file.is_file() {
                std::fs::write(file, "x").expect("damage");
            }
        }
        let fourth = finder(&test);
        catch_up(&test, &fourth, &mut Follower::default()).await;
        assert_eq!(
            find(&test, &fourth, "q=owl").await.total,
            1,
            "{}",
            test.name
        );
    }
}
