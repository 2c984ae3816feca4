//! Random walks over everything that moves money, on both databases: crashes, repeated and re-ordered events, disputes in the middle
//! of refunds, banks that refuse. After every step the books are audited, and whenever nothing is on its way they equal the
//! provider's, object by object.

use crate::checkout::service::cart;
use crate::offers::coupon::{self, NewCoupon};
use crate::orders;
use crate::payouts::service as payouts;
use crate::payouts::service::manual;
use crate::sales::dispute;
use crate::sales::refund;
use crate::settlement::events;
use crate::testing::{Shop, shop};
use base::db::{execute, fetch};
use base::random;
use base::testing::{TestDb, databases};
use money::provider::outbound::{self, Operation};
use money::provider::{inbox, sandbox};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::cell::RefCell;
use std::collections::BTreeSet;

const STEPS: usize = 260;
/// `SEEDMARK_WALKS=200` takes as many, of another seed each time.
const CASES: u32 = 8;

/// Cards in the proportion in which the walk uses them.
const CARDS: [&str; 12] = [
    "4242424242424242",
    "4242424242424242",
    "4242424242424242",
    "4000000000000077",
    "4000000000000002",
    "4000000000000259",
    "4000000000002685",
    "4000000000002685",
    "4000000000001976",
    "4000000000005423",
    "4000000000007726",
    "4000000000005126",
];
const BANKS: [&str; 5] = [
    "000123456789",
    "000123456789",
    "000111111116",
    "000999999991",
    "12",
];
const CODES: [&str; 4] = ["", "ADA20", "HOUSE2", "NOBODY"];

/// What the walks together must have booked, or they prove less than they say.
const KINDS: [&str; 24] = [
    "sale",
    "fee",
    "available",
    "release",
    "net",
    "transfer planned",
    "transfer ok",
    "transfer rejected",
    "reversal ok",
    "payout paid",
    "payout failed",
    "manual planned",
    "manual paid",
    "manual returned",
    "manual cancelled",
    "refund planned",
    "refund ok",
    "refund rejected",
    "refund failed",
    "refund by hand",
    "dispute frozen",
    "dispute won",
    "dispute lost",
    "dispute released",
];

/// A step: what, and three numbers that say with which.
pub(super) type Step = (u8, u16, u16, u16);

pub(super) fn pick<T: Copy>(list: &[T], number: u16) -> T {
    list[usize::from(number) % list.len()]
}

#[test]
fn random_walks_with_crashes_keep_the_books_at_zero_and_equal_to_the_providers() {
    run(CASES, STEPS, &KINDS, walk);
}

/// Takes `cases` walks of so many random steps on both databases, the same in every run unless `SEEDMARK_WALKS` asks for more; together
/// they must have booked every kind.
pub(super) fn run(
    cases: u32,
    steps: usize,
    kinds: &[&str],
    walk: impl AsyncFn(&TestDb, &[Step]) -> Vec<String>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let more: Option<u32> = std::env::var("SEEDMARK_WALKS")
        .ok()
        .and_then(|text| text.parse().ok());
    let rng = match more {
        Some(_) => TestRng::from_seed(RngAlgorithm::ChaCha, &random::bytes::<32>()),
        None => TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    };
    let config = Config {
        cases: more.unwrap_or(cases),
        max_shrink_iters: 40,
        failure_persistence: None,
        ..Config::default()
    };
    let booked = RefCell::new(BTreeSet::new());
    let strategy = proptest::collection::vec(any::<Step>(), steps);
    TestRunner::new_with_rng(config, rng)
        .run(&strategy, |steps| {
            runtime.block_on(async {
                for test in databases().await {
                    let kinds = walk(&test, &steps).await;
                    booked.borrow_mut().extend(kinds);
                }
            });
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
    let booked = booked.into_inner();
    let missing: Vec<&&str> = kinds
        .iter()
        .filter(|kind| !booked.contains(**kind))
        .collect();
    assert!(missing.is_empty(), "no walk ever booked {missing:?}");
}

/// Takes every step and returns the kinds of what was booked.
async fn walk(test: &TestDb, steps: &[Step]) -> Vec<String> {
    let mut shop = shop(test).await;
    for number in 0..14 {
        shop.add_buyer(&format!("buyer-{number}")).await;
    }
    for (number, price) in [777, 4001, 250, 1999, 1234].into_iter().enumerate() {
        shop.add_listing(number % 2, price).await;
    }
    let seller = shop.sellers[0].clone();
    let coupons = [
        (Some(seller.as_str()), "ada20", Some(20), None),
        (None, "house2", None, Some(200)),
    ];
    let mut tx = test.db.write().await.expect("a transaction");
    for (person, code, percent, amount_minor) in coupons {
        let new = NewCoupon {
            code: code.into(),
            percent,
            amount_minor,
            minimum_minor: 0,
            uses: Some(30),
            once_per_buyer: false,
            ends_ms: None,
        };
        coupon::create(&mut tx, person, &new, shop.now_ms)
            .await
            .expect("a coupon");
    }
    tx.commit().await.expect("a commit");
    let mut orders: Vec<orders::Order> = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let place = format!("{} step {number} {step:?}", test.name);
        take(&mut shop, &mut orders, *step, &place).await;
        shop.check(&place).await;
        if number % 8 == 0 && is_quiet(test).await {
            shop.check_settled(&place).await;
        }
    }
    // Everything ends: calls, deadlines, holds, payouts.
    for days in [0, 10, 10, 20, 3, 3] {
        shop.drain().await;
        shop.advance(days).await;
    }
    shop.drain().await;
    assert!(is_quiet(test).await, "{}: something never ends", test.name);
    shop.check_settled(test.name).await;
    kinds(test).await
}

/// The kinds of what was booked.
pub(super) async fn kinds(test: &TestDb) -> Vec<String> {
    let mut tx = test.db.read().await.expect("a transaction");
    let sql = "select distinct kind from journal";
    let kinds = fetch!(&mut tx, fetch_all, (String,), sql).expect("kinds");
    kinds.into_iter().map(|row| row.0).collect()
}

/// No event waits and no call is open: then both sides must agree.
async fn is_quiet(test: &TestDb) -> bool {
    let mut tx = test.db.read().await.expect("a transaction");
    let waiting = inbox::list(&mut tx, "received", 1).await.expect("events");
    let open = outbound::list(&mut tx, "", 10_000)
        .await
        .expect("operations");
    let open = open.iter().filter(|op| op.is_open() && op.kind != "manual");
    waiting.is_empty() && open.count() == 0
}

async fn take(shop: &mut Shop, orders: &mut Vec<orders::Order>, step: Step, place: &str) {
    let (what, a, b, c) = step;
    let db = shop.till.db.clone();
    match what % 22 {
        0..=4 => order(shop, orders, a, b, c).await,
        5 => shop.drain().await,
        6 | 7 => shop.advance(pick(&[0, 1, 2, 3, 8, 15], a)).await,
        8 => {
            let seller = shop.sellers[usize::from(a) % 2].clone();
            let bank = pick(&BANKS, b);
            payouts::onboard(&db, &seller, "Some Body", bank, shop.now_ms)
                .await
                .unwrap_or_else(|error| panic!("{place}: {error}"));
        }
        9 => {
            payouts::sweep(&db, sandbox::NAME, 1000, shop.now_ms)
                .await
                .unwrap_or_else(|error| panic!("{place}: {error}"));
        }
        10..=12 if !orders.is_empty() => {
            let order = &orders[usize::from(a) % orders.len()];
            give_back(shop, order, b, c, place).await;
        }
        13 => answer_dispute(shop, a, b).await,
        14 => read_any_event(shop, a).await,
        15 => repeat_an_event(shop, a).await,
        16 | 19 | 20 => by_hand(shop, a, b, place).await,
        17 if a.is_multiple_of(3) => owed(shop, b).await,
        17 | 18 if !orders.is_empty() => {
            let order = &orders[usize::from(a) % orders.len()];
            dispute_late(shop, order, b).await;
        }
        _ => crash_after_sending(shop, a, b).await,
    }
}

async fn order(shop: &Shop, orders: &mut Vec<orders::Order>, a: u16, b: u16, c: u16) {
    let wanted: Vec<usize> = (0..=(a % 3))
        .map(|number| usize::from(a.rotate_left(u32::from(number * 5))) % shop.listings.len())
        .collect();
    cart::set_code(&shop.till.db, "cart", pick(&CODES, c), "192.0.2.1")
        .await
        .expect("a code");
    let Ok(order) = shop
        .order(usize::from(b) % shop.buyers.len(), &wanted)
        .await
    else {
        return;
    };
    if order.state == "open" {
        let country = pick(&["US", "DE", "CH"], c.rotate_left(7));
        shop.pay_from(&order, pick(&CARDS, b.rotate_left(5)), country)
            .await;
    }
    orders.push(order);
}

pub(super) async fn give_back(shop: &Shop, order: &orders::Order, b: u16, c: u16, place: &str) {
    let lines = shop.lines(order).await;
    let line = &lines[usize::from(b) % lines.len()];
    let mut tx = money::books::begin(&shop.till.db)
        .await
        .expect("a transaction");
    let result = match c % 4 {
        0 => refund::cancel_unopened(&mut tx, &line.buyer_id, &line.id, shop.now_ms).await,
        1 => {
            let bearer = refund::Bearer::Platform;
            refund::plan_refund(&mut tx, line, bearer, "does-not-reproduce", shop.now_ms)
                .await
                .map(drop)
        }
        _ => {
            let cash = i64::from(c) % 700 + 1;
            refund::give_back(&mut tx, &line.payee_id, &line.id, cash, shop.now_ms).await
        }
    };
    match result {
        // A crash before the commit: dropping the transaction must leave no trace.
        Ok(()) if c.is_multiple_of(5) => drop(tx),
        Ok(()) => tx.commit().await.expect("a commit"),
        Err(money::Error::Refused(_)) => {}
        Err(error) => panic!("{place}: {error}"),
    }
}

/// A bank may come weeks after the sale, when the money is anywhere.
async fn dispute_late(shop: &Shop, order: &orders::Order, b: u16) {
    let mut tx = shop.till.db.read().await.expect("a transaction");
    let (order, _) = orders::get_own(&mut tx, &order.person_id, &order.id)
        .await
        .expect("the order");
    drop(tx);
    if let Some(payment) = order.payment_id {
        let reason = pick(&["product_not_received", "fraudulent", "duplicate"], b);
        sandbox::dispute(
            &shop.till.db,
            &payment,
            reason,
            b.is_multiple_of(4),
            shop.now_ms,
        )
        .await
        .expect("a dispute");
    }
}

pub(super) async fn answer_dispute(shop: &Shop, a: u16, b: u16) {
    let mut tx = shop.till.db.write().await.expect("a transaction");
    let open: Vec<dispute::Dispute> = dispute::list(&mut tx, 1000)
        .await
        .expect("disputes")
        .into_iter()
        .filter(dispute::Dispute::is_open)
        .collect();
    if open.is_empty() {
        return;
    }
    let text = pick(
        &[
            "winning_evidence",
            "losing_evidence",
            "escalate_inquiry_evidence",
        ],
        b,
    );
    dispute::submit(
        &mut tx,
        &open[usize::from(a) % open.len()],
        text,
        shop.now_ms,
    )
    .await
    .expect("an answer");
    tx.commit().await.expect("a commit");
}

/// Events come in any order: some are read before the one that they follow.
pub(super) async fn read_any_event(shop: &Shop, a: u16) {
    let mut tx = shop.till.db.read().await.expect("a transaction");
    let waiting = inbox::list(&mut tx, "received", 1000)
        .await
        .expect("events");
    drop(tx);
    if !waiting.is_empty() {
        let event = &waiting[usize::from(a) % waiting.len()];
        // One that comes too early fails, stays, and is read again.
        drop(events::event(&shop.till, &event.id, shop.now_ms).await);
    }
}

pub(super) async fn repeat_an_event(shop: &Shop, a: u16) {
    let mut tx = shop.till.db.write().await.expect("a transaction");
    let done = inbox::list(&mut tx, "done", 1000).await.expect("events");
    if !done.is_empty() {
        let event = &done[usize::from(a) % done.len()];
        inbox::replay(&mut tx, &event.id).await.expect("a replay");
    }
    tx.commit().await.expect("a commit");
}

/// The second seller lives where no provider pays: a person does.
async fn by_hand(shop: &Shop, a: u16, b: u16, place: &str) {
    let mut tx = money::books::begin(&shop.till.db)
        .await
        .expect("a transaction");
    let seller = &shop.sellers[1];
    let open = manual::list(&mut tx, 1000).await.expect("payouts");
    let now = shop.now_ms;
    let wanted = if b % 4 == 2 { "paid" } else { "pending" };
    let open: Vec<_> = open
        .into_iter()
        .filter(|(payout, _)| payout.state == wanted)
        .collect();
    let result = match (b % 4, open.get(usize::from(a) % open.len().max(1))) {
        (_, None) if !a.is_multiple_of(4) => Ok(()),
        (0, _) | (_, None) => {
            let vault = &shop.till.vault;
            manual::set_details(
                &mut tx,
                vault,
                (seller, true),
                "CN",
                "Bank of Somewhere 1",
                now,
            )
            .await
        }
        (1, Some((payout, _))) => manual::cancel(&mut tx, &payout.id, now).await,
        (2, Some((payout, _))) => manual::returned(&mut tx, &payout.id, now).await,
        (_, Some((payout, _))) => {
            let first = manual::enter(&mut tx, &payout.id, "op-1", "ref", now).await;
            match first {
                Ok(false) => manual::enter(&mut tx, &payout.id, "op-2", "ref", now)
                    .await
                    .map(drop),
                other => other.map(drop),
            }
        }
    };
    match result {
        Ok(()) => tx.commit().await.expect("a commit"),
        Err(money::Error::Refused(_)) => {}
        Err(error) => panic!("{place}: {error}"),
    }
}

async fn owed(shop: &Shop, a: u16) {
    let mut tx = money::books::begin(&shop.till.db)
        .await
        .expect("a transaction");
    let ops: Vec<Operation> = outbound::list(&mut tx, "ok", 1000)
        .await
        .expect("operations")
        .into_iter()
        .filter(|op| op.kind == "refund")
        .collect();
    let start = usize::from(a) % ops.len().max(1);
    for op in ops.iter().cycle().skip(start).take(ops.len()) {
        if refund::pay_owed(&mut tx, &op.id, shop.now_ms)
            .await
            .expect("an answer")
        {
            break;
        }
    }
    tx.commit().await.expect("a commit");
}

/// The provider acted, or not, and the process died before it could write that down.
pub(super) async fn crash_after_sending(shop: &Shop, a: u16, b: u16) {
    let mut tx = shop.till.db.write().await.expect("a transaction");
    let open: Vec<Operation> = outbound::list(&mut tx, "", 10_000)
        .await
        .expect("operations")
        .into_iter()
        .filter(|op| op.is_open() && op.kind != "manual")
        .collect();
    if open.is_empty() {
        return;
    }
    let op = &open[usize::from(a) % open.len()];
    execute!(
        &mut tx,
        "update outbound_op set state = 'sent', sent_ms = $2, first_sent_ms = coalesce(first_sent_ms, $2), attempts = attempts + 1 where id = $1",
        &op.id,
        random::real_now_ms()
    )
    .expect("noted");
    tx.commit().await.expect("a commit");
    if b.is_multiple_of(2) {
        return;
    }
    let (provider, call) = (&shop.till.provider, op.call(shop.now_ms));
    match op.parsed_kind() {
        Some(outbound::OperationKind::Refund) => drop(provider.refund(&call).await),
        Some(outbound::OperationKind::Transfer) => drop(provider.transfer(&call).await),
        Some(outbound::OperationKind::Reversal) => drop(provider.reverse(&call).await),
        Some(outbound::OperationKind::Evidence) => drop(provider.submit_evidence(&call).await),
        Some(outbound::OperationKind::Acceptance) => drop(provider.accept_dispute(&call).await),
        Some(outbound::OperationKind::Manual) | None => {}
    }
}

/// What `cargo xtask bench money` measures: checkouts from the cart to the booked sale, and payout lines from the sweep to the
/// booked transfer, on both databases in one run.
#[tokio::test]
#[ignore = "a bench: cargo xtask bench money"]
async fn bench_checkouts_and_payout_lines() {
    const CHECKOUTS: usize = 300;
    for test in databases().await {
        let mut shop = shop(&test).await;
        let seller = shop.sellers[0].clone();
        payouts::onboard(&test.db, &seller, "Some Body", "000123456789", shop.now_ms)
            .await
            .expect("onboarded");
        shop.buyers.clear();
        for number in 0..CHECKOUTS {
            shop.add_buyer(&format!("bench-{number}")).await;
        }
        shop.drain().await;
        let start = std::time::Instant::now();
        for buyer in 0..CHECKOUTS {
            let order = shop.order(buyer, &[0]).await.expect("an order");
            shop.pay(&order, "4000000000000077").await;
            shop.drain().await;
        }
        let checkouts = CHECKOUTS as f64 / start.elapsed().as_secs_f64();
        shop.advance(15).await;
        shop.drain().await;
        let start = std::time::Instant::now();
        let paid = payouts::sweep(&test.db, sandbox::NAME, 1000, shop.now_ms)
            .await
            .expect("a sweep");
        assert_eq!(paid, 1);
        shop.drain().await;
        let lines = CHECKOUTS as f64 / start.elapsed().as_secs_f64();
        let entries = {
            let mut tx = test.db.read().await.expect("a transaction");
            let sql = "select count(*) from posting";
            fetch!(&mut tx, fetch_one, (i64,), sql).expect("a count").0
        };
        println!(
            "{:<9} {checkouts:>8.1} checkouts/s {lines:>8.1} payout lines/s   ({CHECKOUTS} of each, {entries} postings)",
            test.name
        );
        shop.check_settled(test.name).await;
    }
}
