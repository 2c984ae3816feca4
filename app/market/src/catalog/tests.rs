//! What is shown for sale and in which order, on both databases.

use super::filter::{Filter, Sort};
use super::service;
use super::versions::{self, LOOK_AGAIN_MS};
use crate::facts::TELL;
use crate::testing::{Listing, Person, Version, leaf, named};
use base::db::Tx;
use base::jobs::{self, Outcome};
use base::testing::{TestDb, databases};
use schema::id::{ListingId, VersionId};
use schema::leaf::LeafKind;
use schema::listing::Category;
use std::collections::BTreeSet;

/// Reads a filter as an address has it.
fn filter(parameters: &[(&str, &str)]) -> (Filter, Vec<&'static str>) {
    Filter::parse(|name| {
        let found = parameters.iter().find(|(known, _)| *known == name);
        found
            .map(|(_, text)| (*text).to_owned())
            .unwrap_or_default()
    })
}

async fn titles(tx: &mut Tx, parameters: &[(&str, &str)]) -> BTreeSet<String> {
    let (filter, wrong) = filter(parameters);
    assert!(wrong.is_empty(), "{parameters:?}: {wrong:?}");
    let cards = service::list(tx, &filter).await.expect("cards");
    assert_eq!(cards.total, cards.cards.len() as i64, "{parameters:?}");
    cards.cards.into_iter().map(|card| card.title).collect()
}

/// How many facts were told, which the workers have not read.
async fn told(test: &TestDb) -> usize {
    let mut count = 0;
    while let Some(job) = jobs::claim(&test.db, "w", &[TELL], i64::MAX / 2)
        .await
        .expect("a claim")
    {
        count += 1;
        let finished = jobs::finish(&test.db, &job, &Outcome::Done, 1).await;
        finished.expect("a note");
    }
    count
}

#[test]
fn a_value_that_cannot_be_read_is_left_out_and_named_and_the_rest_counts() {
    let (read, wrong) = filter(&[
        ("q", "  FOX  "),
        ("category", "no-such-shelf"),
        ("sort", "best"),
        ("max", "cheap"),
        ("free", "yes"),
        ("after", "12_not-an-id"),
        ("model", "m"),
    ]);
    assert_eq!(wrong, ["category", "sort", "max", "free", "after"]);
    assert_eq!((read.query.as_str(), read.model.as_str()), ("fox", "m"));
    assert_eq!((read.category, read.sort), (None, Sort::Newest));
    assert!(!read.free && read.max_price_minor.is_none() && read.after.is_none());
    let id = base::random::id();
    let after = format!("-3_{id}");
    let (read, wrong) = filter(&[
        ("category", "faces"),
        ("sort", "price-down"),
        ("max", "4.99"),
        ("free", "1"),
        ("after", &after),
    ]);
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(read.category, Some(Category::Faces));
    assert_eq!((read.sort, read.free), (Sort::PriceDown, true));
    assert_eq!(read.max_price_minor, Some(499));
    assert_eq!(read.after, Some((-3, id)));
}

#[test]
fn what_is_searched_for_is_cut_and_a_key_that_is_no_number_is_refused() {
    let long = "ä".repeat(5_000);
    let (read, _) = filter(&[("q", &long), ("model", &long)]);
    assert_eq!(read.query.chars().count(), 80);
    assert_eq!(read.model.chars().count(), 80);
    let id = base::random::id();
    for key in ["", "1e3", "9223372036854775808", "1 or 1=1"] {
        let after = format!("{key}_{id}");
        let (read, wrong) = filter(&[("after", &after)]);
        assert_eq!((wrong, read.after), (vec!["after"], None), "{after}");
    }
}

#[tokio::test]
async fn pages_follow_one_another_without_a_gap_or_a_double_though_keys_are_equal() {
    for test in databases().await {
        let mut tx = test.db.write().await.expect("a transaction");
        let ada = Person::new("ada").insert(&mut tx).await;
        for number in 0..2 * service::PAGE + 3 {
            // Four keys for all: within each only the id tells one from the next.
            let key = number % 4;
            let listing = Listing::of(&ada).price(100 * key).sales(key);
            listing.published(key).insert(&mut tx).await;
        }
        for sort in Sort::ALL {
            let (mut seen, mut sizes) = (Vec::new(), Vec::new());
            let mut after = String::new();
            loop {
                let (asked, wrong) = filter(&[("sort", sort.name()), ("after", &after)]);
                assert!(wrong.is_empty(), "{after}");
                let page = service::list_uncounted(&mut tx, &asked).await;
                let page = page.expect("a page");
                sizes.push(page.cards.len());
                seen.extend(page.cards.into_iter().map(|card| match sort {
                    Sort::Newest => (-card.published_ms, card.id),
                    Sort::PriceUp => (card.price_minor, card.id),
                    Sort::PriceDown => (-card.price_minor, card.id),
                    Sort::BestSelling => (-card.sales, card.id),
                }));
                let Some(next) = page.next else { break };
                after = next;
                assert!(sizes.len() < 9, "{}: pages without an end", test.name);
            }
            assert_eq!(sizes, [24, 24, 3], "{} {sort:?}", test.name);
            let distinct: BTreeSet<_> = seen.iter().map(|(_, id)| id).collect();
            assert_eq!(distinct.len(), 51, "{} {sort:?}", test.name);
            assert!(
                seen.is_sorted_by_key(|(key, _)| *key),
                "{} {sort:?}: {seen:?}",
                test.name
            );
        }
    }
}

#[tokio::test]
async fn what_comes_while_somebody_reads_moves_nothing_on_the_next_page() {
    for test in databases().await {
        let mut tx = test.db.write().await.expect("a transaction");
        let ada = Person::new("ada").insert(&mut tx).await;
        for number in 0..=service::PAGE {
            Listing::of(&ada).published(number).insert(&mut tx).await;
        }
        let (first, _) = filter(&[]);
        let page = service::list(&mut tx, &first).await.expect("a page");
        assert_eq!(page.total, 25, "{}", test.name);
        let next = page.next.expect("one more");
        Listing::of(&ada).published(1_000).insert(&mut tx).await;
        let last = &page.cards.last().expect("a card").id;
        assert!(service::withdraw(&mut tx, last).await.expect("gone"));
        let (second, _) = filter(&[("after", &next)]);
        let rest = service::list_uncounted(&mut tx, &second).await;
        let rest = rest.expect("a page").cards;
        let left: Vec<i64> = rest.iter().map(|card| card.published_ms).collect();
        assert_eq!(left, [0], "{}", test.name);
    }
}

#[tokio::test]
async fn what_is_not_on_sale_is_neither_listed_nor_counted_nor_held_for_a_buyer() {
    for test in databases().await {
        let mut tx = test.db.write().await.expect("a transaction");
        let ada = Person::new("ada").insert(&mut tx).await;
        let sold = Listing::of(&ada).title("sold").insert(&mut tx).await;
        for state in ["certifying", "failed", "withdrawn"] {
            let listing = Listing::of(&ada).title(state).state(state);
            let hidden = listing.insert(&mut tx).await;
            let live = service::hold_live(&mut tx, &hidden).await;
            assert!(!live.expect("an answer"), "{} {state}", test.name);
        }
        let found = titles(&mut tx, &[]).await;
        assert_eq!(found, ["sold".into()].into(), "{}", test.name);
        let live = service::hold_live(&mut tx, &sold).await;
        assert!(live.expect("an answer"), "{}", test.name);
    }
}

#[tokio::test]
async fn a_filter_narrows_by_shelf_model_price_and_words_and_the_count_agrees() {
    for test in databases().await {
        let mut tx = test.db.write().await.expect("a transaction");
        let ada = Person::new("ada").insert(&mut tx).await;
        let other = Version::new().model("other");
        for listing in [
            Listing::of(&ada).title("Fox in snow").price(0),
            Listing::of(&ada).title("Soup").category("food").price(499),
            Listing::of(&ada)
                .title("100% fox")
                .price(500)
                .version(other),
        ] {
            listing.insert(&mut tx).await;
        }
        for (parameters, expected) in [
            (&[("category", "food")][..], &["Soup"][..]),
            (&[("model", "other")], &["100% fox"]),
            (&[("max", "4.99")], &["Fox in snow", "Soup"]),
            (&[("free", "1")], &["Fox in snow"]),
            // What is free is not made dearer by another limit.
            (&[("free", "1"), ("max", "5.00")], &["Fox in snow"]),
            (&[("q", "FOX")], &["100% fox", "Fox in snow"]),
            // No sign has a meaning of its own.
            (&[("q", "%")], &["100% fox"]),
            (&[("q", "_")], &[]),
            (&[("q", "' or 1=1 --")], &[]),
            (&[("q", "fox"), ("category", "food")], &[]),
        ] {
            let expected = expected.iter().map(|title| (*title).to_owned()).collect();
            let found = titles(&mut tx, parameters).await;
            assert_eq!(found, expected, "{} {parameters:?}", test.name);
        }
    }
}

#[tokio::test]
async fn a_listing_leaves_the_shop_once_and_that_is_told_once() {
    for test in databases().await {
        let mut tx = test.db.write().await.expect("a transaction");
        let ada = Person::new("ada").insert(&mut tx).await;
        let sold = Listing::of(&ada).insert(&mut tx).await;
        let broken = Listing::of(&ada).insert(&mut tx).await;
        tx.commit().await.expect("a commit");
        for expected in [true, false] {
            let mut tx = test.db.write().await.expect("a transaction");
            let gone = service::withdraw(&mut tx, &sold).await;
            assert_eq!(gone.expect("an answer"), expected, "{}", test.name);
            tx.commit().await.expect("a commit");
        }
        assert_eq!(told(&test).await, 1, "{}", test.name);
        for _ in 0..2 {
            let mut tx = test.db.write().await.expect("a transaction");
            // What its creator took away stays away.
            for listing in [&broken, &sold] {
                let shown = service::get(&mut tx, listing).await.expect("a listing");
                let version = service::get_version(&mut tx, &shown.version_id).await;
                let suspended = service::suspend(&mut tx, &version.expect("a version")).await;
                suspended.expect("suspended");
            }
            tx.commit().await.expect("a commit");
        }
        assert_eq!(told(&test).await, 1, "{}", test.name);
        let mut tx = test.db.read().await.expect("a transaction");
        for (id, state) in [(&sold, "withdrawn"), (&broken, "failed")] {
            let sql = "select state from listing where id = $1";
            let row = base::db::fetch!(&mut tx, fetch_one, (String,), sql, id.as_str());
            assert_eq!(row.expect("a row").0, state, "{}", test.name);
        }
    }
}

#[tokio::test]
async fn of_two_versions_one_is_shown_and_each_is_found_by_its_own_id_and_leaf() {
    for test in databases().await {
        let mut tx = test.db.write().await.expect("a transaction");
        let ada = Person::new("ada").insert(&mut tx).await;
        let listing = Listing::of(&ada)
            .id("listing")
            .version(Version::new().id("first"))
            .version(Version::new().id("second").anchors(2));
        listing.insert(&mut tx).await;
        let (all, _) = filter(&[]);
        let cards = service::list(&mut tx, &all).await.expect("cards");
        assert_eq!((cards.total, cards.cards.len()), (1, 1), "{}", test.name);
        let (first, second): (VersionId, VersionId) = (named("first"), named("second"));
        let blob = format!("{second} 0 labelled");
        assert_eq!(cards.cards[0].blob, blob, "{}", test.name);
        let slug: ListingId = named("listing");
        let shown = service::find(&mut tx, slug.as_str())
            .await
            .expect("an answer");
        assert_eq!(shown.expect("a listing").version_id, second);
        for (name, id) in [("first", first), ("second", second.clone())] {
            let found = service::get_version(&mut tx, &id).await.expect("found");
            assert_eq!(found.version_id, id, "{}", test.name);
            let leaf = Version::leaf_of(name);
            assert_eq!(found.leaf_hash, leaf, "{}", test.name);
            let found = service::find_by_leaf(&mut tx, &leaf).await;
            let found = found.expect("an answer").expect("a version");
            assert_eq!(found.version_id, id, "{}", test.name);
        }
        let digests = service::list_anchor_digests(&mut tx, &second).await;
        let expected = [format!("{second} 0"), format!("{second} 1")];
        assert_eq!(digests.expect("digests"), expected);
        let missing = service::get_version(&mut tx, &named("third")).await;
        assert!(missing.is_err_and(|error| error.is_missing()));
    }
}

#[tokio::test]
async fn only_a_labelled_copy_is_public_and_never_the_exact_picture() {
    for test in databases().await {
        let mut tx = test.db.write().await.expect("a transaction");
        let ada = Person::new("ada").insert(&mut tx).await;
        let listing = Listing::of(&ada).version(Version::new().id("fox"));
        listing.insert(&mut tx).await;
        let fox: VersionId = named("fox");
        for (blob, expected) in [
            (format!("{fox} 0 labelled"), true),
            (format!("{fox} 0"), false),
            (format!("{fox} 1 labelled"), false),
            (String::new(), false),
        ] {
            let public = service::is_public_blob(&mut tx, &blob).await;
            assert_eq!(public.expect("an answer"), expected, "{} {blob}", test.name);
        }
    }
}

#[tokio::test]
async fn a_certified_version_goes_on_sale_when_all_its_leaves_are_logged_and_once() {
    for test in databases().await {
        let mut tx = test.db.write().await.expect("a transaction");
        let ada = Person::new("ada").insert(&mut tx).await;
        let outcome = leaf(&mut tx, LeafKind::Reproduction, "fox", None).await;
        let version = Version::new().id("fox").state("certified").logged_at(0);
        let listing = Listing::of(&ada).state("certifying");
        let listing = listing.version(version.certified_by(&outcome));
        let listing = listing.insert(&mut tx).await;
        tx.commit().await.expect("a commit");
        let go_live = async |now_ms| versions::go_live(&test.db, &named("fox"), now_ms).await;
        let early = go_live(1_000).await.expect("an answer");
        assert!(
            matches!(early, Outcome::Later(LOOK_AGAIN_MS)),
            "{}: {early:?}",
            test.name
        );
        assert_eq!(told(&test).await, 0, "{}", test.name);
        let mut tx = test.db.write().await.expect("a transaction");
        assert!(titles(&mut tx, &[]).await.is_empty(), "{}", test.name);
        let sql = "update log_leaf set log_index = 2 where leaf_hash = $1";
        base::db::execute!(&mut tx, sql, &outcome).expect("logged");
        tx.commit().await.expect("a commit");
        for now_ms in [2_000, 3_000] {
            let done = go_live(now_ms).await.expect("an answer");
            assert!(matches!(done, Outcome::Done), "{}: {done:?}", test.name);
        }
        assert_eq!(told(&test).await, 1, "{}", test.name);
        let mut tx = test.db.read().await.expect("a transaction");
        let sold = service::get(&mut tx, &listing).await.expect("a listing");
        assert_eq!(sold.published_ms, Some(2_000), "{}", test.name);
        assert_eq!(titles(&mut tx, &[]).await.len(), 1, "{}", test.name);
    }
}

#[tokio::test]
async fn a_version_that_failed_never_goes_on_sale() {
    for test in databases().await {
        let mut tx = test.db.write().await.expect("a transaction");
        let ada = Person::new("ada").insert(&mut tx).await;
        let outcome = leaf(&mut tx, LeafKind::Reproduction, "fox", Some(2)).await;
        let version = Version::new().id("fox").state("certified").logged_at(0);
        let listing = Listing::of(&ada).state("certifying");
        let listing = listing.version(version.certified_by(&outcome));
        listing.insert(&mut tx).await;
        versions::refuse_version(&mut tx, &named("fox"), "review-duplicate")
            .await
            .expect("refused");
        tx.commit().await.expect("a commit");
        let done = versions::go_live(&test.db, &named("fox"), 1).await;
        assert!(matches!(done, Ok(Outcome::Done)), "{}", test.name);
        let mut tx = test.db.read().await.expect("a transaction");
        assert!(titles(&mut tx, &[]).await.is_empty(), "{}", test.name);
        assert_eq!(told(&test).await, 0, "{}", test.name);
    }
}
