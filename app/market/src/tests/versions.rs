//! A listing with two versions: what is sold is the newest live one, what was bought stays what it was.

use crate::catalog::service as catalog;
use crate::catalog::versions::{self, NewVersion};
use crate::checkout::service::{add_to_cart, list_cart};
use crate::library;
use crate::offers::sets;
use crate::orders;
use crate::studio;
use crate::testing::{self, Shop, shop};
use base::db::execute;
use base::random;
use base::testing::databases;
use schema::digest::Digest;
use schema::id::{ListingId, VersionId};
use schema::leaf::LeafKind;
use schema::recipe::{ModelDigest, Recipe, Scheduler};

/// Submits another version of a listing; its leaves are logged, and it waits for nothing but its certification.
async fn submit(shop: &Shop, listing: &ListingId) -> VersionId {
    let id: VersionId = random::id_of();
    let recipe = Recipe::new(
        ModelDigest(Digest([2; 32])),
        "a fox".into(),
        Scheduler::FlowEuler { shift_milli: 3000 },
        4,
        3000,
        (128, 128),
    );
    let mut tx = shop.till.db.write().await.expect("a transaction");
    let first = i64::from(u16::from_be_bytes(random::bytes::<2>())) * 10 + 100;
    let mut leaves = Vec::new();
    for (index, kind) in (first..).zip([
        LeafKind::SealedRecipe,
        LeafKind::Listing,
        LeafKind::Reproduction,
    ]) {
        leaves.push(testing::leaf(&mut tx, kind, id.as_str(), Some(index)).await);
    }
    testing::secret(&mut tx, id.as_str()).await;
    let new = NewVersion {
        listing_id: listing.clone(),
        version_id: id.clone(),
        secret_id: id.to_string(),
        slug: String::new(),
        tags: "",
        trial: false,
        person: "",
        title: "",
        description: "",
        category: "",
        language: "",
        price_minor: 0,
        licence: "",
        recipe: &recipe,
        variables: "{}".into(),
        creator_key: "k".into(),
        leaf_hash: leaves[0].clone(),
        listing_leaf_hash: leaves[1].clone(),
        statement: "{}".into(),
        now_ms: shop.now_ms,
    };
    versions::insert_version(&mut tx, &new)
        .await
        .expect("a version");
    versions::show_first_version(&mut tx, listing, &id)
        .await
        .expect("no first one");
    versions::insert_anchor(&mut tx, &id, 0, ("b2", "l2"), ("p2", "p2"), (1, 1))
        .await
        .expect("an anchor");
    tx.commit().await.expect("a commit");
    id
}

/// Certifies a version, and lets it go on sale.
async fn release(shop: &Shop, id: &VersionId) {
    let certification = testing::leaf_hash(LeafKind::Reproduction, id.as_str());
    let mut tx = shop.till.db.write().await.expect("a transaction");
    let sql = "update version set state = 'certified', certification_leaf_hash = $2 where id = $1";
    execute!(&mut tx, sql, id.as_str(), &certification).expect("certified");
    tx.commit().await.expect("a commit");
    let done = versions::go_live(&shop.till.db, id, shop.now_ms).await;
    assert!(matches!(done, Ok(base::jobs::Outcome::Done)), "{done:?}");
}

#[tokio::test]
async fn a_second_version_is_sold_from_then_on_and_every_list_has_the_listing_once() {
    for test in databases().await {
        let shop = shop(&test).await;
        let listing = shop.listings[0].clone();
        let mut tx = test.db.write().await.expect("a transaction");
        let first = catalog::get(&mut tx, &listing).await.expect("a listing");
        let chosen = [listing.clone(), shop.listings[1].clone()];
        let slug = sets::create(&mut tx, &shop.sellers[0], "Both", 900, &chosen, shop.now_ms)
            .await
            .expect("a set");
        tx.commit().await.expect("a commit");
        for listing in &chosen {
            add_to_cart(&test.db, "cart", listing, shop.now_ms)
                .await
                .expect("in the cart");
        }

        let second = submit(&shop, &listing).await;
        // On its way it changes nothing of what is shown and sold.
        let mut tx = test.db.read().await.expect("a transaction");
        let before = catalog::get(&mut tx, &listing).await.expect("a listing");
        assert_eq!(before.version_id, first.version_id, "{}", test.name);
        drop(tx);
        release(&shop, &second).await;

        let mut tx = test.db.read().await.expect("a transaction");
        let now = catalog::get(&mut tx, &listing).await.expect("a listing");
        assert_eq!(now.version_id, second, "{}", test.name);
        let bought = catalog::get_version(&mut tx, &first.version_id).await;
        assert_eq!(bought.expect("a version").leaf_hash, first.leaf_hash);
        let by_leaf = catalog::find_by_leaf(&mut tx, &first.leaf_hash).await;
        let by_leaf = by_leaf.expect("a look").expect("a version");
        assert_eq!(by_leaf.version_id, first.version_id);

        let cards = catalog::list_newest(&mut tx, 99).await.expect("cards");
        let times = cards.iter().filter(|card| card.id == listing).count();
        assert_eq!((times, cards.len()), (1, 4), "{}: browsed", test.name);
        let cart = list_cart(&mut tx, "cart").await.expect("a cart");
        let lines: Vec<_> = cart.iter().map(|line| &line.version_id).collect();
        assert_eq!(lines.len(), 2, "{}: in the cart", test.name);
        assert!(lines.contains(&&second), "{}", test.name);
        let (_, items) = sets::get(&mut tx, &slug).await.expect("a set");
        assert_eq!(items.len(), 2, "{}: in its set", test.name);
        let (_, own) = studio::service::list_own(&mut tx, &shop.sellers[0])
            .await
            .expect("a creator's list");
        assert_eq!(own.len(), 2, "{}: in its creator's list", test.name);
    }
}

#[tokio::test]
async fn whoever_bought_the_first_version_keeps_it_and_does_not_buy_the_listing_again() {
    for test in databases().await {
        let shop = shop(&test).await;
        let listing = shop.listings[0].clone();
        let order = shop.sell(0, 0).await;
        let line = shop.lines(&order).await.remove(0);
        let second = submit(&shop, &listing).await;
        release(&shop, &second).await;

        let mut tx = test.db.read().await.expect("a transaction");
        let owned = orders::find_owned(&mut tx, &shop.buyers[0], &listing).await;
        assert_eq!(owned.expect("a look"), Some(line.id.clone()));
        let shelf = library::shelf::list(&mut tx, &shop.buyers[0], &Default::default()).await;
        assert_eq!(shelf.expect("a shelf").total, 1, "{}", test.name);
        let kept = orders::get_line(&mut tx, &line.id).await.expect("the line");
        assert_eq!(kept.version_id, line.version_id, "{}", test.name);
        assert_ne!(kept.version_id, second);
        drop(tx);
        let again = shop.order(0, &[0]).await;
        assert!(
            matches!(again, Err(money::Error::Refused("cart-owned"))),
            "{}: {again:?}",
            test.name
        );
        let other = shop.sell(1, 0).await;
        let line = shop.lines(&other).await.remove(0);
        assert_eq!(line.version_id, second, "{}: who comes later", test.name);
    }
}

#[tokio::test]
async fn a_version_that_fails_or_does_not_reproduce_ends_no_listing_that_sells_another() {
    for test in databases().await {
        let shop = shop(&test).await;
        let listing = shop.listings[0].clone();
        let state = async || {
            let mut tx = test.db.read().await.expect("a transaction");
            let found = catalog::get(&mut tx, &listing).await.expect("a listing");
            found.state
        };
        let mut tx = test.db.read().await.expect("a transaction");
        let first = catalog::get(&mut tx, &listing).await.expect("a listing");
        drop(tx);
        let failing = submit(&shop, &listing).await;
        let mut tx = test.db.write().await.expect("a transaction");
        versions::refuse_version(&mut tx, &failing, "certification-differs")
            .await
            .expect("refused");
        tx.commit().await.expect("a commit");
        assert_eq!(state().await, "live", "{}: the first is sold", test.name);

        let second = submit(&shop, &listing).await;
        release(&shop, &second).await;
        for (version, expected) in [(&first.version_id, "live"), (&second, "failed")] {
            let mut tx = test.db.write().await.expect("a transaction");
            let version = catalog::get_version(&mut tx, version)
                .await
                .expect("a version");
            catalog::suspend(&mut tx, &version)
                .await
                .expect("suspended");
            tx.commit().await.expect("a commit");
            assert_eq!(state().await, expected, "{}", test.name);
        }
    }
}

#[tokio::test]
async fn what_was_withdrawn_stays_so_when_another_version_is_ready() {
    for test in databases().await {
        let shop = shop(&test).await;
        let listing = shop.listings[0].clone();
        let second = submit(&shop, &listing).await;
        let mut tx = test.db.write().await.expect("a transaction");
        assert!(catalog::withdraw(&mut tx, &listing).await.expect("a look"));
        tx.commit().await.expect("a commit");
        release(&shop, &second).await;
        let mut tx = test.db.read().await.expect("a transaction");
        let found = catalog::get(&mut tx, &listing).await.expect("a listing");
        assert_eq!(found.state, "withdrawn", "{}", test.name);
        assert_ne!(found.version_id, second);
    }
}
