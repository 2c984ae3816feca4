//! Who opens what they bought, and what is written down of it, on both databases.

use super::service::{self, Error};
use super::shelf;
use crate::catalog::versions::VersionSecret;
use crate::orders::Line;
use crate::shop::Shop as Rules;
use crate::testing::{Bought, Listing, Shop, Version, named, shop};
use base::db::Tx;
use base::testing::{TestDb, databases};
use base::vault;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schema::digest::Digest;
use schema::id::{LineId, PersonId, RunId, VersionId};
use schema::recipe::{Anchor, ModelDigest, Recipe, Scheduler, Seed};
use std::collections::BTreeMap;

/// The secret of a version is called as it is.
fn secret() -> VersionId {
    named("fox")
}

/// An id that nothing has.
const NOBODYS: &str = "01a00000-0000-7000-8000-000000000000";

fn person(id: &str) -> PersonId {
    PersonId::parse(id).expect("a person")
}

fn line_id(id: &str) -> LineId {
    LineId::parse(id).expect("a line")
}

async fn open(rules: &Rules, who: &str, line: &str) -> Result<(), Error> {
    service::open(rules, &person(who), &line_id(line)).await
}

async fn get_line(tx: &mut Tx, who: &str, line: &str) -> Result<Line, Error> {
    service::get_line(tx, &person(who), &line_id(line)).await
}

async fn start_run(rules: &Rules, who: &str, line: &str) -> Result<String, Error> {
    let run = service::start_run(rules, &person(who), &line_id(line)).await;
    run.map(String::from)
}

async fn get_run(tx: &mut Tx, who: &str, run: &str) -> Result<service::Run, Error> {
    let run = RunId::parse(run).expect("a run");
    service::get_run(tx, &person(who), &run).await
}

const TEMPLATE: &str = "a small fox in the snow";

/// A version `fox` of the first seller, with a recipe that lies in the vault.
async fn fox(shop: &Shop, price_minor: i64) {
    let scheduler = Scheduler::FlowEuler { shift_milli: 3000 };
    let model = ModelDigest(Digest([1; 32]));
    let mut recipe = Recipe::new(model, TEMPLATE.into(), scheduler, 4, 3000, (128, 128));
    recipe.anchors = vec![Anchor {
        values: BTreeMap::new(),
        seed: Seed(1),
    }];
    let secret = VersionSecret {
        recipe: STANDARD.encode(recipe.to_bytes().expect("a recipe")),
        salt: STANDARD.encode([2; 32]),
        starting: Vec::new(),
    };
    let plain = serde_json::to_vec(&secret).expect("JSON");
    let version = Version::new().id("fox").secret(&shop.till.vault, &plain);
    let listing = Listing::of(&shop.sellers[0]).id("fox").price(price_minor);
    listing.version(version).save(&shop.till.db).await;
}

/// The first buyer's line of it.
async fn bought(test: &TestDb, price_minor: i64) -> (Shop, Rules, String) {
    let shop = shop(test).await;
    fox(&shop, price_minor).await;
    let mut tx = test.db.write().await.expect("a transaction");
    let line = Bought::by(&shop.buyers[0], "fox").insert(&mut tx).await;
    tx.commit().await.expect("a commit");
    let rules = shop.rules(test);
    (shop, rules, line)
}

/// What the owner sees of the recipe.
async fn text(test: &TestDb, rules: &Rules, buyer: &str, line: &str) -> Result<String, Error> {
    let mut tx = test.db.read().await?;
    let line = get_line(&mut tx, buyer, line).await?;
    drop(tx);
    let opened = service::recipe(rules, &line).await?;
    Ok(opened.text)
}

async fn openings(test: &TestDb, rules: &Rules, actor: &str) -> Vec<String> {
    let mut tx = test.db.read().await.expect("a transaction");
    let found = rules
        .vault
        .openings(&mut tx, secret().as_str(), actor)
        .await;
    let found = found.expect("openings").into_iter();
    found.map(|(reason, _)| reason).collect()
}

#[tokio::test]
async fn only_its_buyer_opens_a_line_and_a_stranger_learns_not_even_that_it_exists() {
    for test in databases().await {
        let (shop, rules, line) = bought(&test, 1000).await;
        let (buyer, stranger) = (&shop.buyers[0], &shop.buyers[1]);
        let early = text(&test, &rules, buyer, &line).await;
        assert!(matches!(early, Err(Error::NotOpened)), "{}", test.name);
        // The creator has the recipe, and the line is not theirs all the same.
        for (who, id) in [
            (stranger, line.as_str()),
            (&shop.sellers[0], &line),
            (buyer, NOBODYS),
        ] {
            let refused = open(&rules, who, id).await;
            assert!(matches!(refused, Err(Error::NotFound)), "{}", test.name);
        }
        open(&rules, buyer, &line).await.expect("opened");
        let shown = text(&test, &rules, buyer, &line).await.expect("a recipe");
        assert!(shown.contains(TEMPLATE), "{}: {shown}", test.name);
        let refused = text(&test, &rules, stranger, &line).await;
        assert!(matches!(refused, Err(Error::NotFound)), "{}", test.name);
        assert!(openings(&test, &rules, stranger).await.is_empty());
    }
}

#[tokio::test]
async fn a_line_that_is_opened_twice_was_opened_the_first_time() {
    for test in databases().await {
        let (shop, rules, line) = bought(&test, 1000).await;
        let opened_ms = async || {
            let opened = open(&rules, &shop.buyers[0], &line).await;
            opened.expect("opened");
            let mut tx = test.db.read().await.expect("a transaction");
            let line = get_line(&mut tx, &shop.buyers[0], &line).await;
            line.expect("a line").opened_ms.expect("a time")
        };
        let first = opened_ms().await;
        // A year later, as the shop's clock says.
        rules.clock.set_offset_ms(365 * base::clock::DAY_MS);
        assert_eq!(opened_ms().await, first, "{}", test.name);
    }
}

#[tokio::test]
async fn every_opening_is_written_down_with_who_and_why_and_none_that_was_refused() {
    for test in databases().await {
        let (shop, rules, line) = bought(&test, 1000).await;
        let buyer = &shop.buyers[0];
        drop(text(&test, &rules, buyer, &line).await);
        assert!(openings(&test, &rules, buyer).await.is_empty());
        open(&rules, buyer, &line).await.expect("opened");
        // Whoever loads the page again within the hour opens nothing new.
        for (later_ms, times) in [(0, 1), (0, 1), (59 * 60_000, 1), (61 * 60_000, 2)] {
            rules.clock.set_offset_ms(later_ms);
            text(&test, &rules, buyer, &line).await.expect("a recipe");
            let noted = openings(&test, &rules, buyer).await;
            assert_eq!(noted, vec!["show recipe"; times], "{}", test.name);
        }
    }
}

#[tokio::test]
async fn what_was_erased_is_gone_for_its_owner_too_and_never_an_empty_recipe() {
    for test in databases().await {
        let (shop, rules, line) = bought(&test, 1000).await;
        let buyer = &shop.buyers[0];
        open(&rules, buyer, &line).await.expect("opened");
        text(&test, &rules, buyer, &line).await.expect("a recipe");
        let mut tx = test.db.write().await.expect("a transaction");
        rules
            .vault
            .erase(&mut tx, secret().as_str())
            .await
            .expect("erased");
        tx.commit().await.expect("a commit");
        let gone = text(&test, &rules, buyer, &line).await;
        assert!(
            matches!(gone, Err(Error::Vault(vault::Error::Erased(_)))),
            "{}: {gone:?}",
            test.name
        );
        // That it was opened before is still known.
        assert_eq!(openings(&test, &rules, buyer).await, ["show recipe"]);
    }
}

#[tokio::test]
async fn what_went_back_is_not_opened_any_more() {
    for test in databases().await {
        let shop = shop(&test).await;
        fox(&shop, 1000).await;
        let mut tx = test.db.write().await.expect("a transaction");
        let bought = Bought::by(&shop.buyers[0], "fox").refunded();
        let line = bought.insert(&mut tx).await;
        tx.commit().await.expect("a commit");
        let rules = shop.rules(&test);
        for _ in 0..2 {
            let refused = open(&rules, &shop.buyers[0], &line).await;
            assert!(matches!(refused, Err(Error::Refunded)), "{}", test.name);
        }
        let refused = start_run(&rules, &shop.buyers[0], &line).await;
        assert!(matches!(refused, Err(Error::Refunded)), "{}", test.name);
        // Somebody else does not learn that either.
        let refused = open(&rules, &shop.buyers[1], &line).await;
        assert!(matches!(refused, Err(Error::NotFound)), "{}", test.name);
    }
}

#[tokio::test]
async fn what_was_free_needs_no_opening_because_there_is_nothing_to_return() {
    for test in databases().await {
        let (shop, rules, line) = bought(&test, 0).await;
        let shown = text(&test, &rules, &shop.buyers[0], &line).await;
        assert!(shown.is_ok_and(|shown| shown.contains(TEMPLATE)));
        assert_eq!(openings(&test, &rules, &shop.buyers[0]).await.len(), 1);
    }
}

#[tokio::test]
async fn a_library_has_what_was_bought_and_what_went_back_of_one_buyer_the_newest_first() {
    for test in databases().await {
        let shop = shop(&test).await;
        let mut tx = test.db.write().await.expect("a transaction");
        for (number, name) in (1..).zip(["old", "back", "new", "unpaid", "anothers"]) {
            let listing = Listing::of(&shop.sellers[0]).title(name);
            listing
                .version(Version::new().id(name))
                .insert(&mut tx)
                .await;
            let buyer = usize::from(name == "anothers");
            let line = Bought::by(&shop.buyers[buyer], name).paid(number);
            match name {
                "back" => line.refunded().insert(&mut tx).await,
                "unpaid" => line.unpaid().insert(&mut tx).await,
                _ => line.insert(&mut tx).await,
            };
        }
        let owned = shelf::list(&mut tx, &shop.buyers[0], &shelf::Asked::default()).await;
        let titles: Vec<_> = owned
            .expect("a library")
            .rows
            .into_iter()
            .map(|row| row.title)
            .collect();
        assert_eq!(titles, ["new", "back", "old"], "{}", test.name);
    }
}

#[tokio::test]
async fn a_rerun_is_its_owners_and_so_many_wait_at_most() {
    for test in databases().await {
        let (shop, rules, line) = bought(&test, 1000).await;
        let (buyer, stranger) = (&shop.buyers[0], &shop.buyers[1]);
        let early = start_run(&rules, buyer, &line).await;
        assert!(matches!(early, Err(Error::NotOpened)), "{}", test.name);
        open(&rules, buyer, &line).await.expect("opened");
        let mut last = String::new();
        for number in 0..16 {
            let run = start_run(&rules, buyer, &line).await;
            last = run.unwrap_or_else(|error| panic!("{} {number}: {error}", test.name));
        }
        let refused = start_run(&rules, buyer, &line).await;
        assert!(matches!(refused, Err(Error::TooMany)), "{}", test.name);
        let mut tx = test.db.write().await.expect("a transaction");
        let found = get_run(&mut tx, buyer, &last).await;
        assert_eq!(found.expect("a run").line_id, Some(line.clone()));
        for (who, id) in [(stranger, last.as_str()), (buyer, NOBODYS)] {
            let refused = get_run(&mut tx, who, id).await;
            assert!(matches!(refused, Err(Error::NotFound)), "{}", test.name);
        }
        // One person's queue is nobody else's.
        let theirs = Bought::by(stranger, "fox").insert(&mut tx).await;
        tx.commit().await.expect("a commit");
        open(&rules, stranger, &theirs).await.expect("opened");
        let run = start_run(&rules, stranger, &theirs).await;
        assert!(run.is_ok(), "{}: {run:?}", test.name);
    }
}
