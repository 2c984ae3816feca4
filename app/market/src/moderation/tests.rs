//! Which versions wait for a person, on both databases.

use super::publication;
use super::service::{Match, find_near, hold, texts_of};
use super::store::Standing;
use super::{PicturePrint, ReviewState, TextPrint, store};
use crate::shop::Waits;
use crate::testing::{Bought, Listing, Person, Version, named};
use base::db::{Tx, execute};
use base::testing::databases;
use base::vault::Vault;
use engine::picture::Picture;
use schema::id::VersionId;
use schema::recipe::{Anchor, ModelDigest, Recipe, Seed};
use schema::template::{Choice, Variable};
use std::collections::BTreeMap;

const NOW_MS: i64 = 1_800_000_000_000;

/// A picture of one colour with a spot at `x`.
fn print(x: u32) -> PicturePrint {
    let samples = (0..32 * 32)
        .flat_map(|at: u32| {
            if (at % 32).abs_diff(x) < 6 && (at / 32).abs_diff(16) < 6 {
                [200, 20, 20]
            } else {
                [255; 3]
            }
        })
        .collect();
    PicturePrint::of(&Picture {
        width: 32,
        height: 32,
        samples,
    })
}

/// Two creators, and whoever decides.
async fn people(tx: &mut Tx) {
    for name in ["ada", "ben"] {
        Person::named(name).insert(tx).await;
    }
    Person::named("eve").operator().insert(tx).await;
}

/// A version `id` of `owner`, logged at `index`, with its prints.
async fn version(
    tx: &mut Tx,
    id: &str,
    owner: &str,
    state: &'static str,
    index: i64,
    text: &str,
    x: u32,
) {
    let version = Version::new().id(id).state(state).logged_at(2 * index);
    Listing::of(owner).id(id).version(version).insert(tx).await;
    let text = TextPrint::to_text(&[TextPrint::of(&Vault::new(&[1; 32]), text)]);
    store::insert_print(
        tx,
        &named(id),
        owner,
        &text,
        &PicturePrint::to_text(&[print(x)]),
    )
    .await
    .expect("a print");
}

/// What versions are called here.
const NAMES: [&str; 10] = [
    "alike", "changed", "clean", "copy", "earlier", "later", "other", "own", "picture", "refused",
];

async fn near(tx: &mut Tx, id: &str) -> Vec<String> {
    let found = find_near(tx, &named(id)).await.expect("a search");
    let name = |id: VersionId| {
        let name = NAMES.iter().find(|name| id == named(name));
        (*name.expect("a version of this test")).to_owned()
    };
    let found = found.into_iter();
    let mut names: Vec<String> = found.map(|found| name(found.earlier_version_id)).collect();
    names.sort();
    names
}

/// What is compared is what the pictures were made from, however the template hides it.
#[test]
fn a_prompt_that_hides_in_an_anchors_value_or_behind_a_negative_is_compared_all_the_same() {
    let model = ModelDigest(schema::digest::Digest([1; 32]));
    let scheduler = schema::recipe::Scheduler::FlowEuler { shift_milli: 3000 };
    let mut recipe = Recipe::new(model, "{p}".into(), scheduler, 4, 3000, (128, 128));
    let slot = Variable::Text {
        max_characters: 200,
        default: "a nice thing".into(),
    };
    recipe.variables = BTreeMap::from([("p".into(), slot)]);
    recipe.negative = Some("rain, snow, fog, mud, dust, smoke, ".repeat(20));
    recipe.anchors = vec![Anchor {
        values: BTreeMap::from([("p".into(), DRAGON.into())]),
        seed: Seed(1),
    }];
    assert_eq!(texts_of(&recipe), ["a nice thing", DRAGON]);
}

const DRAGON: &str = "a small red dragon with a green hat on a hill, 3d style";
/// Two words changed: enough to pass as one's own, not enough for somebody who bought the other.
const CHANGED: &str = "a small blue dragon with a yellow hat on a hill, 3d style";
const WHALES: &str = "two sleepy whales reading a newspaper, flat style";

#[tokio::test]
async fn what_others_logged_earlier_is_evidence_and_nothing_else() {
    for test in databases().await {
        let mut tx = test.db.write().await.expect("a transaction");
        people(&mut tx).await;
        version(&mut tx, "earlier", "ada", "live", 1, DRAGON, 8).await;
        version(&mut tx, "refused", "ada", "failed", 2, DRAGON, 8).await;
        version(&mut tx, "own", "ben", "live", 3, DRAGON, 8).await;
        version(&mut tx, "copy", "ben", "certifying", 4, DRAGON, 22).await;
        version(&mut tx, "later", "ada", "live", 5, DRAGON, 8).await;
        version(&mut tx, "other", "ben", "certifying", 6, WHALES, 22).await;
        version(&mut tx, "picture", "ben", "certifying", 7, WHALES, 8).await;
        let found = near(&mut tx, "copy").await;
        assert_eq!(found, ["earlier"], "{}: the same words", test.name);
        let found = near(&mut tx, "other").await;
        assert!(found.is_empty(), "{}: another idea", test.name);
        let found = near(&mut tx, "picture").await;
        assert_eq!(
            found,
            ["earlier", "later"],
            "{}: the same picture",
            test.name
        );
    }
}

#[tokio::test]
async fn whoever_bought_the_earlier_recipe_is_looked_at_more_closely() {
    for test in databases().await {
        let mut tx = test.db.write().await.expect("a transaction");
        people(&mut tx).await;
        version(&mut tx, "earlier", "ada", "live", 1, DRAGON, 8).await;
        version(&mut tx, "changed", "ben", "certifying", 2, CHANGED, 22).await;
        assert!(near(&mut tx, "changed").await.is_empty(), "{}", test.name);
        let bought = Bought::by("ben", "earlier").paid(77).refunded();
        bought.insert(&mut tx).await;
        let found = find_near(&mut tx, &named("changed"))
            .await
            .expect("a search");
        assert_eq!(found.len(), 1, "{}", test.name);
        assert_eq!(
            found[0].owned_ms,
            Some(77),
            "{}: also if refunded",
            test.name
        );
    }
}

#[tokio::test]
async fn a_review_is_opened_once_and_decided_once() {
    for test in databases().await {
        let mut tx = test.db.write().await.expect("a transaction");
        people(&mut tx).await;
        version(&mut tx, "earlier", "ada", "live", 1, DRAGON, 8).await;
        version(&mut tx, "copy", "ben", "certified", 2, DRAGON, 8).await;
        let found = find_near(&mut tx, &named("copy")).await.expect("a search");
        for _ in 0..2 {
            hold(&mut tx, &named("copy"), &found, NOW_MS)
                .await
                .expect("a review");
        }
        let open = store::list_open(&mut tx).await.expect("the queue");
        assert_eq!(open.len(), 1, "{}", test.name);
        let stored: Vec<Match> = store::list_matches(&mut tx, &named("copy"))
            .await
            .expect("matches");
        assert_eq!(stored, found, "{}", test.name);
        for (state, expected) in [
            (ReviewState::Approved, true),
            (ReviewState::Rejected, false),
        ] {
            let decided =
                store::decide(&mut tx, &named("copy"), state, NOW_MS, "eve", None, "fine").await;
            assert_eq!(decided.expect("a decision"), expected, "{}", test.name);
        }
        // What a person let pass is shown to everybody by its pictures; the texts are nobody's business.
        for (one, other) in [("earlier", "copy"), ("copy", "earlier")] {
            let sql = "update version set state = 'live'";
            execute!(&mut tx, sql).expect("on sale");
            let alike = store::list_resemblances(&mut tx, &Version::leaf_of(one), 980).await;
            let leaves: Vec<String> = alike
                .expect("resemblances")
                .into_iter()
                .map(|found| found.leaf_hash)
                .collect();
            assert_eq!(leaves, [Version::leaf_of(other)], "{}", test.name);
        }
    }
}

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

#[test]
fn every_picture_and_every_item_of_a_choice_is_a_guess() {
    let model = ModelDigest(schema::digest::Digest([1; 32]));
    let scheduler = schema::recipe::Scheduler::FlowEuler { shift_milli: 3000 };
    let mut recipe = Recipe::new(model, "{p}".into(), scheduler, 4, 3000, (128, 128));
    let choices = (0..16).map(|number| Choice {
        label: number.to_string(),
        text: format!("a whole prompt, the {number}th"),
    });
    let slot = Variable::Choice {
        choices: choices.collect(),
        default: "0".into(),
    };
    recipe.variables = BTreeMap::from([("p".into(), slot)]);
    let anchor = |number: u64| Anchor {
        values: BTreeMap::from([("p".into(), number.to_string())]),
        seed: Seed(number << 40),
    };
    recipe.anchors = (0..16).map(anchor).collect();
    assert_eq!(publication::candidates(&recipe), 32);
}

#[test]
fn a_wait_is_drawn_within_its_bounds() {
    let waits = Waits {
        least_ms: 2 * HOUR_MS,
        most_ms: DAY_MS,
    };
    assert_eq!(Waits::NONE.draw([255; 8]), 0);
    assert_eq!(waits.draw([0; 8]), 2 * HOUR_MS);
    let drawn: std::collections::BTreeSet<i64> = (0..200u64)
        .map(|number| waits.draw(number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()))
        .collect();
    assert!(
        drawn.len() > 190
            && drawn
                .iter()
                .all(|wait| (2 * HOUR_MS..=DAY_MS).contains(wait))
    );
}

#[test]
fn a_creator_is_known_after_a_while_on_sale_without_a_copy() {
    let known = Standing {
        created_ms: NOW_MS - 15 * DAY_MS,
        proven_ms: Some(NOW_MS - 15 * DAY_MS),
        on_sale_ms: Some(NOW_MS - 8 * DAY_MS),
        alike_ms: None,
    };
    assert!(known.is_known(NOW_MS));
    for (why, other) in [
        (
            "an address that nobody proved",
            Standing {
                proven_ms: None,
                ..known
            },
        ),
        (
            "a new account",
            Standing {
                created_ms: NOW_MS - DAY_MS,
                ..known
            },
        ),
        (
            "nothing on sale",
            Standing {
                on_sale_ms: None,
                ..known
            },
        ),
        (
            "just on sale",
            Standing {
                on_sale_ms: Some(NOW_MS - DAY_MS),
                ..known
            },
        ),
        (
            "a copy lately",
            Standing {
                alike_ms: Some(NOW_MS - DAY_MS),
                ..known
            },
        ),
        (
            "an open review",
            Standing {
                alike_ms: Some(9_000_000_000_000_000),
                ..known
            },
        ),
    ] {
        assert!(!other.is_known(NOW_MS), "{why}");
    }
}

/// The states that a creator sees of two versions: whether each is in review, and how its row stands.
async fn seen(tx: &mut Tx, versions: [&str; 2]) -> Vec<(bool, String)> {
    let mut seen = Vec::new();
    for version in versions {
        let waits = publication::is_waiting(tx, &named(version))
            .await
            .expect("an answer");
        let row = "select state from version where id = $1";
        let row = base::db::fetch!(
            tx,
            fetch_one,
            (String,),
            row,
            named::<VersionId>(version).as_str()
        )
        .expect("a row");
        seen.push((waits, row.0));
    }
    seen
}

async fn released(tx: &mut Tx, version: &str) -> bool {
    let sql = "select count(*) from job where kind = 'studio-go-live' and payload = $1";
    let row = base::db::fetch!(
        tx,
        fetch_one,
        (i64,),
        sql,
        named::<VersionId>(version).as_str()
    )
    .expect("a count");
    row.0 == 1
}

/// Two certified versions of a new creator with a wait of an hour: `clean` passed, `alike` waits for a person.
async fn two_in_review(test: &base::testing::TestDb) {
    let mut tx = test.db.write().await.expect("a transaction");
    people(&mut tx).await;
    version(&mut tx, "earlier", "ada", "live", 1, DRAGON, 8).await;
    let hour = Waits {
        least_ms: HOUR_MS,
        most_ms: HOUR_MS,
    };
    for (id, index, text, x) in [("clean", 2, WHALES, 22), ("alike", 3, DRAGON, 22)] {
        version(&mut tx, id, "ben", "certified", index, text, x).await;
        let submitted = publication::submit(&mut tx, &named(id), "ben", hour, NOW_MS).await;
        submitted.expect("a note");
    }
    publication::pass(&mut tx, &named("clean"), NOW_MS)
        .await
        .expect("a note");
    let found = find_near(&mut tx, &named("alike")).await.expect("a search");
    hold(&mut tx, &named("alike"), &found, NOW_MS)
        .await
        .expect("a review");
    tx.commit().await.expect("a commit");
}

#[tokio::test]
async fn in_review_is_one_state_and_ends_at_a_drawn_moment_however_early_a_person_decides() {
    for test in databases().await {
        two_in_review(&test).await;
        let mut tx = test.db.write().await.expect("a transaction");
        let both = seen(&mut tx, ["clean", "alike"]).await;
        assert_eq!(
            both[0], both[1],
            "{}: nobody can tell them apart",
            test.name
        );
        assert!(both[0].0, "{}", test.name);
        publication::end(
            &mut tx,
            &named("alike"),
            Some("review-duplicate"),
            NOW_MS + 60_000,
        )
        .await
        .expect("a decision");
        let after = seen(&mut tx, ["clean", "alike"]).await;
        assert_eq!(after, both, "{}: the decision is not seen", test.name);
        tx.commit().await.expect("a commit");
        let early = publication::settle_due(&test.db, NOW_MS + HOUR_MS - 1).await;
        assert_eq!(early.expect("a run"), 0, "{}", test.name);
        let due = publication::settle_due(&test.db, NOW_MS + HOUR_MS).await;
        assert_eq!(due.expect("a run"), 2, "{}: both at one moment", test.name);
        let mut tx = test.db.read().await.expect("a transaction");
        assert!(released(&mut tx, "clean").await, "{}", test.name);
        assert!(!released(&mut tx, "alike").await, "{}", test.name);
        let ended = seen(&mut tx, ["clean", "alike"]).await;
        assert_eq!(ended[1], (false, "failed".into()), "{}", test.name);
    }
}

#[tokio::test]
async fn a_late_decision_is_made_public_as_long_after_it_as_was_drawn_and_once() {
    for test in databases().await {
        two_in_review(&test).await;
        let settled = publication::settle_due(&test.db, NOW_MS + DAY_MS).await;
        assert_eq!(
            settled.expect("a run"),
            1,
            "{}: one waits for a person",
            test.name
        );
        let mut tx = test.db.write().await.expect("a transaction");
        publication::end(&mut tx, &named("alike"), None, NOW_MS + DAY_MS)
            .await
            .expect("a decision");
        let due = publication::find_due_ms(&mut tx, &named("alike")).await;
        assert_eq!(
            due.expect("a moment"),
            Some(NOW_MS + DAY_MS + HOUR_MS),
            "{}",
            test.name
        );
        tx.commit().await.expect("a commit");
        for (now_ms, expected) in [(DAY_MS, 0), (DAY_MS + HOUR_MS, 1), (2 * DAY_MS, 0)] {
            let settled = publication::settle_due(&test.db, NOW_MS + now_ms).await;
            assert_eq!(settled.expect("a run"), expected, "{}", test.name);
        }
        let mut tx = test.db.read().await.expect("a transaction");
        assert!(released(&mut tx, "alike").await, "{}", test.name);
    }
}
