//! What is shown for sale and in which order, on both databases.

use super::home::home;
use super::service::{self, Viewer};
use super::versions::{self, LOOK_AGAIN_MS};
use crate::facts::TELL;
use crate::testing::{Listing, Person, Version, leaf, named};
use base::db::{Tx, execute};
use base::jobs::{self, Outcome};
use base::testing::{TestDb, databases};
use schema::id::{ListingId, VersionId};
use schema::leaf::LeafKind;

/// How many listings are on sale.
async fn on_sale(tx: &mut Tx) -> usize {
    service::list_newest(tx, 99).await.expect("cards").len()
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
        let cards = service::list_newest(&mut tx, 9).await.expect("cards");
        let titles: Vec<&str> = cards.iter().map(|card| &*card.title).collect();
        assert_eq!(titles, ["sold"], "{}", test.name);
        let live = service::hold_live(&mut tx, &sold).await;
        assert!(live.expect("an answer"), "{}", test.name);
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
        let cards = service::list_cards(&mut tx, &[named("listing")]).await;
        let cards = cards.expect("cards");
        assert_eq!(cards.len(), 1, "{}", test.name);
        let (first, second): (VersionId, VersionId) = (named("first"), named("second"));
        let blob = format!("{second} 0 labelled");
        assert_eq!(cards[0].blob, blob, "{}", test.name);
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
            let public = service::find_public_picture(&mut tx, &blob, Viewer::Anybody).await;
            let public = public.expect("an answer").is_some();
            assert_eq!(public, expected, "{} {blob}", test.name);
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
        assert!(on_sale(&mut tx).await == 0, "{}", test.name);
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
        assert_eq!(on_sale(&mut tx).await, 1, "{}", test.name);
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
        assert!(on_sale(&mut tx).await == 0, "{}", test.name);
        assert_eq!(told(&test).await, 0, "{}", test.name);
    }
}

/// Somebody's re-run of the version with this name ended so.
async fn ran(tx: &mut Tx, version: &str, outcome: &str, created_ms: i64) {
    let about = Version::leaf_of(version);
    let name = format!("{version} {outcome} {created_ms}");
    let leaf = leaf(tx, LeafKind::Reproduction, &name, None).await;
    let sql = "insert into statement (leaf_hash, about_leaf_hash, predicate, envelope, public_key, outcome, environment, attester, created_ms)
        values ($1, $2, 'p', '{}', 'k', $3, 'e', 'platform', $4)";
    execute!(tx, sql, &leaf, &about, outcome, created_ms).expect("a statement");
}

fn names(cards: &[service::Card]) -> Vec<&str> {
    cards.iter().map(|card| card.title.as_str()).collect()
}

#[tokio::test]
async fn the_first_page_shows_what_is_on_sale_and_proves_it_by_the_newest_equal_outcome() {
    for test in databases().await {
        let mut tx = test.db.write().await.expect("a transaction");
        let empty = home(&mut tx).await.expect("a page");
        assert!(empty.proof.is_none() && empty.creators.is_empty());
        let ada = Person::named("ada").insert(&mut tx).await;
        let ben = Person::named("ben").insert(&mut tx).await;
        for (seller, title, price, published, state) in [
            (&ada, "gift", 0, 1, "live"),
            (&ada, "cheap", 299, 2, "live"),
            (&ada, "dear", 300, 3, "live"),
            (&ben, "penny", 1, 4, "live"),
            (&ben, "gone", 0, 5, "withdrawn"),
        ] {
            let version = Version::new().id(title).anchors(3);
            let listing = Listing::of(seller).title(title).price(price);
            let listing = listing.published(published).state(state).version(version);
            listing.insert(&mut tx).await;
        }
        let sql = "update listing set reproduced = case title when 'dear' then 7 when 'gift' then 9 when 'gone' then 99 else 0 end";
        execute!(&mut tx, sql).expect("figures");
        for (version, outcome, at) in [
            ("gift", "exact", 10),
            ("dear", "exact", 30),
            ("penny", "different", 40),
            ("gone", "exact", 50),
        ] {
            ran(&mut tx, version, outcome, at).await;
        }
        let page = home(&mut tx).await.expect("a page");
        assert_eq!(names(&page.reproduced), ["gift", "dear"]);
        assert_eq!(names(&page.free), ["gift"]);
        assert_eq!(names(&page.cheap), ["penny", "cheap"]);
        assert_eq!(names(&page.creators), ["penny", "dear"], "one of each");
        let proof = page.proof.expect("a proof");
        assert_eq!((proof.title.as_str(), proof.created_ms), ("dear", 30));
        let others = [&page.free[0].second_blob, &page.free[0].third_blob];
        assert!(
            others.iter().all(|blob| blob.is_some()),
            "its other previews"
        );
        assert!(page.free[0].fourth_blob.is_none());
    }
}

#[tokio::test]
async fn beside_a_listing_stands_what_is_on_sale_and_not_itself() {
    for test in databases().await {
        let mut tx = test.db.write().await.expect("a transaction");
        let ada = Person::named("ada").insert(&mut tx).await;
        let ben = Person::named("ben").insert(&mut tx).await;
        for (seller, title, category, state) in [
            (&ada, "fox", "faces", "live"),
            (&ada, "owl", "faces", "live"),
            (&ada, "eel", "faces", "withdrawn"),
            (&ben, "cat", "faces", "live"),
            (&ben, "cup", "food", "live"),
        ] {
            let listing = Listing::of(seller).id(title).title(title);
            let listing = listing.category(category).state(state).published(1);
            listing.insert(&mut tx).await;
        }
        let fox = named::<ListingId>("fox");
        let fox = service::get(&mut tx, &fox).await.expect("a listing");
        let more = service::list_more_by(&mut tx, &fox, 9)
            .await
            .expect("cards");
        let like = service::similar(&mut tx, &fox, 9).await.expect("cards");
        assert_eq!((names(&more), names(&like)), (vec!["owl"], vec!["cat"]));
        let found = service::find_creator(&mut tx, "ada", 1).await;
        let (creator, cards) = found.expect("an answer").expect("a creator");
        assert_eq!((creator.listings, cards.len()), (2, 1));
        for nobody in ["carl", ""] {
            let none = service::find_creator(&mut tx, nobody, 1).await;
            assert!(none.expect("an answer").is_none(), "{nobody:?}");
        }
        let versions = service::list_versions(&mut tx, &fox.id).await;
        assert_eq!(versions.expect("versions").len(), 1);
    }
}
