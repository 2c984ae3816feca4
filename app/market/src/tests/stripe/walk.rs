//! Random walks of the shop on the stand-in for Stripe, on both databases: answers that are lost after the effect, saved failures, keys
//! that are forgotten, webhooks that are late, doubled, re-ordered and lost, banks that refuse, disputes in the middle of refunds.
//! After every step the books are audited; at the end they equal Stripe's, object by object, and nothing happened there twice.

use crate::checkout::service::cart;
use crate::orders;
use crate::payouts::service as payouts;
use crate::tests::stripe::{StripeShop, age_operations, send_all};
use crate::tests::walk as steps;
use base::testing::TestDb;
use fake_stripe::Fault;
use money::provider::{inbox, outbound};
use std::collections::BTreeMap;

const STEPS: usize = 180;
const CASES: u32 = 4;

const CARDS: [&str; 11] = [
    "4242424242424242",
    "4242424242424242",
    "4000000000000077",
    "4000000000000077",
    "4000000000000259",
    "4000000000002685",
    "4000000000001976",
    "4000000000005423",
    "4000000000007726",
    "4000000000005126",
    "4000000000005126",
];
const BANKS: [&str; 4] = [
    "000123456789",
    "000123456789",
    "000111111116",
    "000999999991",
];
/// Calls that faults hit, by the start of their path.
const PATHS: [&str; 5] = ["refunds", "transfers", "transfers/", "disputes", "checkout"];

/// What the walks together must have booked, or they prove less than they say.
const KINDS: [&str; 14] = [
    "sale",
    "fee",
    "release",
    "transfer planned",
    "transfer ok",
    "payout paid",
    "payout failed",
    "refund planned",
    "refund ok",
    "refund failed",
    "dispute withdrawn",
    "dispute lost",
    "provider fee",
    "own payout sent",
];

#[test]
fn random_walks_with_lost_answers_and_lost_events_end_where_stripe_ends() {
    steps::run(CASES, STEPS, &KINDS, walk);
}

async fn walk(test: &TestDb, steps: &[steps::Step]) -> Vec<String> {
    let mut on = StripeShop::new(test).await;
    for number in 0..10 {
        on.shop.add_buyer(&format!("buyer-{number}")).await;
    }
    for (number, price) in [777, 4001, 1999].into_iter().enumerate() {
        on.shop.add_listing(number % 2, price).await;
    }
    for seller in [0, 1] {
        on.onboard(seller, "000123456789").await;
    }
    let mut orders: Vec<orders::Order> = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let place = format!("{} step {number} {step:?}", test.name);
        take(test, &mut on, &mut orders, *step, &place).await;
        on.shop.check(&place).await;
    }
    finish(test, &mut on).await;
    nothing_happened_twice(&on);
    steps::kinds(test).await
}

async fn take(
    test: &TestDb,
    on: &mut StripeShop,
    orders: &mut Vec<orders::Order>,
    step: steps::Step,
    place: &str,
) {
    let (what, a, b, c) = step;
    match what % 24 {
        0..=4 => buy(on, orders, a, b, c).await,
        5 | 6 => on.shop.drain_patiently().await,
        7 | 8 => on.deliver(b.is_multiple_of(2)).await,
        9 | 10 => let_time_pass(test, on, steps::pick(&[0, 1, 2, 3, 8, 15], a)).await,
        11 | 12 => {
            payouts::sweep(&test.db, "stripe-test", 1000, on.shop.now_ms)
                .await
                .unwrap_or_else(|error| panic!("{place}: {error}"));
        }
        13..=15 if !orders.is_empty() => {
            let order = &orders[usize::from(a) % orders.len()];
            steps::give_back(&on.shop, order, b, c, place).await;
        }
        16 => {
            let fault = steps::pick(&Fault::ALL, b);
            let path = steps::pick(&PATHS, a).to_owned();
            on.fake.world().faults.push_back((path, fault));
        }
        17 => steps::answer_dispute(&on.shop, a, b).await,
        18 => steps::read_any_event(&on.shop, a).await,
        19 => steps::repeat_an_event(&on.shop, a).await,
        20 => change_bank(on, a, b),
        21 => move_own(on, a, b).await,
        22 => {
            // A day on which nothing was asked: our keys are forgotten there.
            age_operations(test).await;
            on.fake.world().forget_keys();
        }
        _ => steps::crash_after_sending(&on.shop, a, b).await,
    }
}

async fn buy(on: &StripeShop, orders: &mut Vec<orders::Order>, a: u16, b: u16, c: u16) {
    let wanted: Vec<usize> = (0..=(a % 3))
        .map(|number| usize::from(a.rotate_left(u32::from(number * 5))) % on.shop.listings.len())
        .collect();
    let buyer = usize::from(b) % on.shop.buyers.len();
    let Ok(order) = on.shop.order(buyer, &wanted).await else {
        return;
    };
    if order.state == "open" {
        // An answer that was lost is asked for again, as a buyer's second click does.
        for _ in 0..3 {
            let opened = cart::open_payment(&on.shop.till, &order, on.shop.now_ms).await;
            if let Ok(url) = opened {
                let session = url.rsplit('/').next().expect("an id").to_owned();
                let country = steps::pick(&["US", "DE"], c);
                let card = steps::pick(&CARDS, b.rotate_left(5));
                on.fake.world().pay(&session, card, country);
                break;
            }
        }
    }
    orders.push(order);
}

/// Stripe forgets keys as its clock goes; our operations grow older with it.
async fn let_time_pass(test: &TestDb, on: &mut StripeShop, days: i64) {
    if days > 0 {
        age_operations(test).await;
    }
    on.shop.now_ms += days * base::clock::DAY_MS;
    payouts::release(&on.shop.till.db, on.shop.now_ms)
        .await
        .expect("a release");
    on.fake.world().advance(days * 86_400);
}

fn change_bank(on: &StripeShop, a: u16, b: u16) {
    let accounts = on.fake.world().newest("account");
    let account = &accounts[usize::from(a) % accounts.len()];
    let id = account["id"].as_str().expect("an id").to_owned();
    on.fake.world().onboard(&id, steps::pick(&BANKS, b));
}

/// Stripe's own costs, and the platform's own payouts.
async fn move_own(on: &StripeShop, a: u16, b: u16) {
    match b % 3 {
        0 => on
            .fake
            .world()
            .move_own(-i64::from(a % 200) - 1, "stripe_fee"),
        1 => drop(on.fake.world().pay_out_own(i64::from(a % 500) + 1)),
        _ => {
            let own = on.fake.world().newest("payout");
            let paid = own.iter().find(|payout| {
                payout["status"] == "paid" && payout["balance_transaction"].is_string()
            });
            if let Some(id) = paid.and_then(|payout| payout["id"].as_str()) {
                on.fake.world().fail_own_payout(id);
            }
        }
    }
    book_own(on).await;
}

async fn book_own(on: &StripeShop) {
    let provider = on.shop.till.provider.as_ref();
    payouts::movements::book_own(&on.shop.till.db, provider, on.shop.now_ms)
        .await
        .expect("booked");
}

/// No more faults: everything that was lost is found, and everything that is open ends.
async fn finish(test: &TestDb, on: &mut StripeShop) {
    on.fake.world().faults.clear();
    let provider = on.shop.till.provider.clone();
    for days in [0, 2, 10, 10, 3, 3] {
        age_operations(test).await;
        on.fake.world().forget_keys();
        send_all(on).await;
        on.deliver(true).await;
        inbox::sweep(&test.db, provider.as_ref())
            .await
            .expect("a sweep");
        payouts::provider_account::catch_up(&test.db, provider.as_ref(), on.shop.now_ms)
            .await
            .expect("answers");
        on.shop.drain_patiently().await;
        let_time_pass(test, on, days).await;
    }
    on.deliver(false).await;
    inbox::sweep(&test.db, provider.as_ref())
        .await
        .expect("a sweep");
    replay_quarantined(test).await;
    on.shop.drain_patiently().await;
    book_own(on).await;
    let mut tx = test.db.read().await.expect("a transaction");
    let waiting = inbox::list(&mut tx, "received", 10).await.expect("events");
    let open: Vec<_> = outbound::list(&mut tx, "", 10_000)
        .await
        .expect("operations")
        .into_iter()
        .filter(|op| op.is_open())
        .collect();
    drop(tx);
    assert!(
        waiting.is_empty() && open.is_empty(),
        "{}: never ends: {waiting:#?} {open:#?}",
        test.name
    );
    on.shop.check_settled(test.name).await;
}

/// What failed too often because what it follows was lost waits for an operator, who reads it again.
async fn replay_quarantined(test: &TestDb) {
    let mut tx = test.db.write().await.expect("a transaction");
    let waiting = inbox::list(&mut tx, "quarantined", 1000).await;
    for event in waiting.expect("events") {
        inbox::replay(&mut tx, &event.id).await.expect("a replay");
    }
    tx.commit().await.expect("a commit");
}

/// One object for each operation, and no charge gave back more than was paid.
fn nothing_happened_twice(on: &StripeShop) {
    let world = on.fake.world();
    for kind in ["refund", "transfer", "transfer_reversal"] {
        let mut seen: BTreeMap<String, u32> = BTreeMap::new();
        for object in world.newest(kind) {
            let op = object["metadata"]["op"].as_str().unwrap_or_default();
            *seen.entry(op.to_owned()).or_default() += 1;
        }
        let twice: Vec<_> = seen.iter().filter(|(_, count)| **count > 1).collect();
        assert!(twice.is_empty(), "{kind}: {twice:?}");
    }
    let mut back: BTreeMap<String, i64> = BTreeMap::new();
    for refund in world.newest("refund") {
        let charge = refund["charge"].as_str().unwrap_or_default().to_owned();
        *back.entry(charge).or_default() += refund["amount"].as_i64().unwrap_or(0);
    }
    for (charge, amount) in back {
        let paid = world
            .get(&charge)
            .and_then(|charge| charge["amount"].as_i64());
        assert!(Some(amount) <= paid, "{charge}: {amount} of {paid:?}");
    }
}
