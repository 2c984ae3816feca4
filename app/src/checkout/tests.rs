//! Money from cart to bank, on both databases: single journeys first, then random walks with crashes.

use super::coupon::{self, NewCoupon};
use super::jobs as till_jobs;
use super::service::cart::{give_up_stale, set_code};
use super::service::read;
use super::service::{self, Bearer, Till, get_line, list_cart, open_payment, place, plan_refund};
use super::sets;
use crate::books::service as books;
use crate::clock::DAY_MS;
use crate::db::execute;
use crate::db::tests::{TestDb, databases};
use crate::payouts::service as payouts;
use crate::provider::Outcome;
use crate::provider::sandbox::{self, Sandbox};
use crate::provider::{inbox, outbound};
use crate::vault::Vault;
use crate::verify::service::PublicLog;
use crate::{jobs, random};
use ledger::note::Verifier;
use schema::digest::Digest;
use schema::key::SecretKey;
use schema::money::FeeSchedule;
use std::collections::BTreeMap;
use std::sync::Arc;

const START_MS: i64 = 1_800_000_000_000;

pub(crate) struct Shop {
    pub(crate) till: Till,
    pub(crate) now_ms: i64,
    pub(crate) listings: Vec<String>,
    pub(crate) sellers: Vec<String>,
    pub(crate) buyers: Vec<String>,
}

fn till(test: &TestDb) -> Till {
    let secret = || SecretKey::from_bytes([7; 32]);
    let verifier = Verifier::new("log.test", secret().public()).expect("a name");
    Till {
        db: test.db.clone(),
        vault: Vault::new(&[1; 32]),
        log: PublicLog::new(
            "log.test".into(),
            verifier,
            test.folder.path().join("log"),
            secret(),
            None,
        )
        .expect("a log"),
        fee: FeeSchedule::new(1500, 0).expect("a schedule"),
        minimum_order_minor: 250,
        provider: Arc::new(Sandbox {
            db: test.db.clone(),
        }),
        public_url: "http://localhost".into(),
    }
}

pub(crate) async fn person(till: &Till, name: &str) -> String {
    let id = random::id();
    let mut tx = till.db.write().await.expect("a transaction");
    let sql = "insert into person (id, email, email_folded, handle, password_hash, role, created_ms) values ($1, $2, $2, $2, 'x', 'member', 1)";
    execute!(&mut tx, sql, &id, name).expect("a person");
    tx.commit().await.expect("a commit");
    id
}

/// A live listing with what a sale needs of it: a version and two logged leaves.
pub(crate) async fn listing(till: &Till, seller: &str, price_minor: i64) -> String {
    let (id, version, secret) = (random::id(), random::id(), random::id());
    let leaf = |tail: &str| Digest::sha256(format!("{id}{tail}").as_bytes()).hex();
    let mut tx = till.db.write().await.expect("a transaction");
    for (tail, kind) in [("a", 1i64), ("b", 6)] {
        let sql = "insert into log_leaf (leaf_hash, origin, kind, digest, key_hash, leaf, queued_ms) values ($1, 'log.test', $2, $1, 'k', 'x', 1)";
        execute!(&mut tx, sql, leaf(tail), kind).expect("a leaf");
    }
    execute!(
        &mut tx,
        "insert into secret (id, wrapped_key, ciphertext, created_ms) values ($1, 'w', 'c', 1)",
        &secret
    )
    .expect("a secret");
    let sql = "insert into listing (id, slug, person_id, title, description, category, language, price_minor, licence, state, search_text, created_ms, sales)
        values ($1, $1, $2, 'Fox', '', 'faces', 'en', $3, 'standard-1', 'live', '', 1, 0)";
    execute!(&mut tx, sql, &id, seller, price_minor).expect("a listing");
    let sql = "insert into version (id, listing_id, state, secret_id, model, profile, scheduler, steps, width, height, variables, creator_key, leaf_hash, listing_leaf_hash, listing_statement, created_ms)
        values ($1, $2, 'live', $3, 'm', 'portable-1', 's', 1, 1, 1, '{}', 'k', $4, $5, '{}', 1)";
    execute!(&mut tx, sql, &version, &id, &secret, leaf("a"), leaf("b")).expect("a version");
    let sql = "insert into anchor (version_id, idx, blob, labelled_blob, pixel_blake3, pixel_sha256, width, height) values ($1, 0, 'b', 'l', 'p', 'p', 1, 1)";
    execute!(&mut tx, sql, &version).expect("an anchor");
    tx.commit().await.expect("a commit");
    id
}

/// Two sellers, three buyers, and listings at 10.00, 4.99, 29.99 (the second seller's) and free.
pub(crate) async fn shop(test: &TestDb) -> Shop {
    let till = till(test);
    let (mut sellers, mut buyers, mut listings) = (Vec::new(), Vec::new(), Vec::new());
    for name in ["ada", "ben"] {
        sellers.push(person(&till, name).await);
    }
    for name in ["cy", "di", "ed"] {
        buyers.push(person(&till, name).await);
    }
    for (seller, price) in [(0, 1000), (0, 499), (1, 2999), (1, 0)] {
        listings.push(listing(&till, &sellers[seller], price).await);
    }
    Shop {
        till,
        now_ms: START_MS,
        listings,
        sellers,
        buyers,
    }
}

impl Shop {
    pub(crate) async fn order(
        &self,
        buyer: usize,
        listings: &[usize],
    ) -> Result<service::Order, service::Error> {
        for index in listings {
            service::add_to_cart(&self.till.db, "cart", &self.listings[*index], self.now_ms)
                .await?;
        }
        let mut tx = self.till.db.write().await?;
        let placed = place(
            &self.till,
            &mut tx,
            &self.buyers[buyer],
            "cart",
            None,
            self.now_ms,
        )
        .await;
        match placed {
            Ok(order) => {
                tx.commit().await?;
                Ok(order)
            }
            Err(error) => {
                drop(tx);
                for index in listings {
                    service::remove_from_cart(&self.till.db, "cart", &self.listings[*index])
                        .await?;
                }
                Err(error)
            }
        }
    }

    pub(crate) async fn pay(&self, order: &service::Order, card: &str) -> sandbox::Record {
        self.pay_from(order, card, "US").await
    }

    pub(crate) async fn pay_from(
        &self,
        order: &service::Order,
        card: &str,
        country: &str,
    ) -> sandbox::Record {
        let url = open_payment(&self.till, order, self.now_ms)
            .await
            .expect("a payment");
        let payment = url.rsplit('/').next().expect("an id");
        sandbox::charge(&self.till.db, payment, card, country, self.now_ms)
            .await
            .expect("an answer")
            .expect("the payment")
    }

    /// Runs every due job, as workers would; none may fail again and again.
    pub(crate) async fn drain(&self) {
        self.run_jobs(14, 12).await;
    }

    /// The same where what an event follows may be lost: then it fails until that is found.
    pub(crate) async fn drain_patiently(&self) {
        self.run_jobs(2, i64::MAX).await;
    }

    async fn run_jobs(&self, most_turns: u32, most_attempts: i64) {
        let kinds = [till_jobs::EVENT, till_jobs::OPERATION];
        let mut runs: BTreeMap<String, u32> = BTreeMap::new();
        while let Some(job) = jobs::claim(&self.till.db, "w", &kinds, i64::MAX / 2)
            .await
            .expect("a claim")
        {
            // What has to wait (a call whose outcome is unknown) waits: its turn comes with the next draining.
            let turns = runs.entry(job.id.clone()).or_default();
            *turns += 1;
            if *turns > most_turns {
                jobs::finish(
                    &self.till.db,
                    &job,
                    &jobs::Outcome::Later(0),
                    random::real_now_ms(),
                )
                .await
                .expect("a note");
                break;
            }
            let outcome = till_jobs::run(&self.till, &job.kind, &job.payload, self.now_ms)
                .await
                .unwrap_or_else(|error| {
                    // An event may come before the one that it follows; then it is read again.
                    assert!(
                        job.attempts < most_attempts,
                        "{} {}: {error:#}",
                        job.kind,
                        job.payload
                    );
                    jobs::Outcome::Failed(error.to_string())
                });
            jobs::finish(&self.till.db, &job, &outcome, random::real_now_ms())
                .await
                .expect("a note");
        }
    }

    pub(crate) async fn lines(&self, order: &service::Order) -> Vec<service::Line> {
        let mut tx = self.till.db.read().await.expect("a transaction");
        service::get_order(&mut tx, &order.person_id, &order.id)
            .await
            .expect("the order")
            .1
    }

    pub(crate) async fn advance(&mut self, days: i64) {
        self.now_ms += days * DAY_MS;
        payouts::release(&self.till.db, self.now_ms)
            .await
            .expect("a release");
        sandbox::tick(&self.till.db, self.now_ms)
            .await
            .expect("a tick");
    }

    pub(crate) async fn check(&self, place: &str) {
        let mut tx = self.till.db.read().await.expect("a transaction");
        if let Err(why) = books::audit(&mut tx).await.expect("an audit") {
            panic!("{place}: {why}");
        }
    }

    pub(crate) async fn check_settled(&self, place: &str) {
        self.check(place).await;
        payouts::reconcile(&self.till.db, self.till.provider.as_ref())
            .await
            .expect("a comparison")
            .verdict()
            .unwrap_or_else(|why| panic!("{place}: {why}"));
    }

    pub(crate) async fn balances(&self, seller: usize) -> books::SellerBalances {
        let mut tx = self.till.db.read().await.expect("a transaction");
        books::seller_balances(&mut tx, &self.sellers[seller])
            .await
            .expect("balances")
    }
}

#[tokio::test]
async fn a_sale_is_held_released_transferred_and_paid_out() {
    for test in databases().await {
        let mut shop = shop(&test).await;
        let order = shop.order(0, &[0, 1, 2]).await.expect("an order");
        assert_eq!(order.total_minor, 4498);
        assert_eq!(shop.pay(&order, "4242 4242 4242 4242").await.state, "paid");
        shop.drain().await;
        assert_eq!(
            (shop.balances(0).await.held, shop.balances(1).await.held),
            (850 + 424, 2549),
            "{}",
            test.name
        );
        shop.advance(13).await;
        assert_eq!(
            shop.balances(1).await.available,
            0,
            "{}: unopened lines are held for 14 days",
            test.name
        );
        shop.advance(1).await;
        shop.drain().await;
        assert_eq!(shop.balances(1).await.available, 2549);
        assert_eq!(
            payouts::sweep(&shop.till.db, sandbox::NAME, 2500, shop.now_ms)
                .await
                .expect("a sweep"),
            0,
            "{}: nobody is onboarded",
            test.name
        );
        let mut tx = test.db.read().await.expect("a transaction");
        let decided = payouts::sweep::list_recent(&mut tx, 10).await;
        drop(tx);
        let mut decided: Vec<_> = decided
            .expect("decisions")
            .into_iter()
            .map(|(decision, handle)| (handle, decision.outcome, decision.amount_minor))
            .collect();
        decided.sort();
        let skipped = |name: &str, amount| (name.to_owned(), "not_onboarded".to_owned(), amount);
        assert_eq!(
            decided,
            [skipped("ada", 850 + 424), skipped("ben", 2549)],
            "{}: every cent that is not paid has a reason",
            test.name
        );
        for (holder, bank, missing) in [
            ("Reject Me", "000123456789", Some("holder")),
            ("Ben B", "12", Some("bank")),
            ("Ben B", "000123456789", None),
        ] {
            assert_eq!(
                payouts::onboard(&shop.till.db, &shop.sellers[1], holder, bank, shop.now_ms)
                    .await
                    .expect("an answer"),
                missing
            );
        }
        assert_eq!(
            payouts::sweep(&shop.till.db, sandbox::NAME, 2500, shop.now_ms)
                .await
                .expect("a sweep"),
            1
        );
        shop.drain().await;
        assert_eq!(shop.balances(1).await.in_transit, 2549, "{}", test.name);
        shop.advance(0).await;
        shop.advance(2).await;
        shop.drain().await;
        let ben = shop.balances(1).await;
        assert_eq!(
            (ben.held, ben.available, ben.in_transit, ben.paid),
            (0, 0, 0, 2549),
            "{}",
            test.name
        );
        shop.check_settled(test.name).await;
    }
}

#[tokio::test]
async fn the_same_event_and_the_same_operation_twice_happen_once() {
    for test in databases().await {
        let shop = shop(&test).await;
        let order = shop.order(0, &[0]).await.expect("an order");
        let payment = shop.pay(&order, "4242424242424242").await;
        let event = format!("checkout.session.completed:{}", payment.id);
        for _ in 0..3 {
            read::event(&shop.till, &event, shop.now_ms)
                .await
                .expect("handled");
        }
        // Told again days later, or by a person's press: the fact was booked.
        let mut tx = test.db.write().await.expect("a transaction");
        assert!(inbox::replay(&mut tx, &event).await.expect("found"));
        tx.commit().await.expect("a commit");
        shop.drain().await;
        shop.check_settled(test.name).await;
        let line = shop.lines(&order).await.remove(0);
        let mut tx = shop.till.db.write().await.expect("a transaction");
        assert!(
            plan_refund(&mut tx, &line, Bearer::Creator, "unopened", shop.now_ms)
                .await
                .expect("planned")
        );
        let line = get_line(&mut tx, &line.id).await.expect("the line");
        assert!(
            !plan_refund(&mut tx, &line, Bearer::Creator, "unopened", shop.now_ms)
                .await
                .expect("refused"),
            "{}: refunded once",
            test.name
        );
        let op = outbound::list(&mut tx, "", 10)
            .await
            .expect("operations")
            .remove(0);
        tx.commit().await.expect("a commit");
        // The process died after the provider acted and before we noted it: sending again changes nothing.
        assert_eq!(
            shop.till.provider.refund(&op.call(1)).await,
            Outcome::Done(op.key())
        );
        for _ in 0..2 {
            read::operation(&shop.till, &op.id, shop.now_ms)
                .await
                .expect("sent");
        }
        shop.drain().await;
        shop.check_settled(test.name).await;
        assert_eq!(
            shop.balances(0).await,
            books::SellerBalances::default(),
            "{}",
            test.name
        );
    }
}

#[tokio::test]
async fn a_cart_that_cannot_be_bought_says_why_and_nothing_is_charged() {
    for test in databases().await {
        let mut shop = shop(&test).await;
        let code = |result: Result<service::Order, service::Error>| match result {
            Err(service::Error::Refused(code)) => code,
            other => panic!("expected a refusal, got {other:?}"),
        };
        assert_eq!(code(shop.order(0, &[]).await), "cart-empty");
        let cheap = listing(&shop.till, &shop.sellers[0].clone(), 100).await;
        shop.listings.push(cheap);
        assert_eq!(code(shop.order(0, &[4]).await), "cart-minimum");
        let seller = shop.sellers[0].clone();
        shop.buyers.push(seller);
        assert_eq!(code(shop.order(3, &[0]).await), "cart-own");
        let free = shop.order(0, &[3]).await.expect("a free order");
        assert_eq!(
            free.state, "paid",
            "{}: free touches no provider",
            test.name
        );
        assert_eq!(code(shop.order(0, &[3]).await), "cart-owned");
        let order = shop.order(1, &[0]).await.expect("an order");
        for (card, decline) in [
            ("4000000000000002", "generic_decline"),
            ("4000 0000 0000 9995", "insufficient_funds"),
            ("1", "unknown_card"),
        ] {
            let payment = shop.pay(&order, card).await;
            assert_eq!(
                (payment.state.as_str(), payment.decline_code.as_deref()),
                ("open", Some(decline))
            );
        }
        let asked = shop.pay(&order, "4000002500003155").await;
        assert_eq!(asked.state, "confirming");
        assert_eq!(
            sandbox::confirm(&test.db, &asked.id, false, 1)
                .await
                .expect("an answer")
                .expect("the payment")
                .state,
            "open"
        );
        shop.drain().await;
        assert_eq!(
            shop.lines(&order).await[0].state,
            "open",
            "{}: nothing was handed over",
            test.name
        );
        shop.check_settled(test.name).await;
        let mut tx = test.db.read().await.expect("a transaction");
        assert!(
            list_cart(&mut tx, "cart")
                .await
                .expect("the cart")
                .is_empty()
        );
    }
}

#[tokio::test]
async fn a_return_that_read_an_unopened_line_loses_against_an_opening_that_came_first() {
    for test in databases().await {
        let shop = shop(&test).await;
        let order = shop.order(0, &[0]).await.expect("an order");
        shop.pay(&order, "4242424242424242").await;
        shop.drain().await;
        let read_before = shop.lines(&order).await.remove(0);
        let mut tx = test.db.write().await.expect("a transaction");
        execute!(
            &mut tx,
            "update purchase_line set opened_ms = 5 where id = $1",
            &read_before.id
        )
        .expect("opened");
        let planned = plan_refund(
            &mut tx,
            &read_before,
            Bearer::Creator,
            "unopened",
            shop.now_ms,
        )
        .await;
        assert!(!planned.expect("an answer"), "{}", test.name);
        tx.commit().await.expect("a commit");
        shop.check_settled(test.name).await;
    }
}

#[tokio::test]
async fn what_is_paid_for_twice_in_two_tabs_goes_straight_back() {
    for test in databases().await {
        let shop = shop(&test).await;
        let (first, second) = (
            shop.order(0, &[0]).await.expect("an order"),
            shop.order(0, &[0]).await.expect("another tab's order"),
        );
        for order in [&first, &second] {
            shop.pay(order, "4242424242424242").await;
            shop.drain().await;
        }
        assert_eq!(shop.lines(&first).await[0].state, "owned", "{}", test.name);
        let line = shop.lines(&second).await.remove(0);
        assert_eq!(
            (line.state.as_str(), line.refund_reason.as_deref()),
            ("refunded", Some("duplicate")),
            "{}",
            test.name
        );
        assert_eq!(shop.balances(0).await.held, 850, "{}: one sale", test.name);
        shop.check_settled(test.name).await;
    }
}

#[tokio::test]
async fn a_refund_after_the_transfer_is_owed_and_netted_from_the_next_earnings() {
    for test in databases().await {
        let mut shop = shop(&test).await;
        payouts::onboard(
            &test.db,
            &shop.sellers[1].clone(),
            "Ben B",
            "000123456789",
            1,
        )
        .await
        .expect("onboarded");
        let order = shop.order(0, &[2]).await.expect("an order");
        shop.pay(&order, "4242424242424242").await;
        shop.drain().await;
        shop.advance(14).await;
        payouts::sweep(&test.db, sandbox::NAME, 2500, shop.now_ms)
            .await
            .expect("a sweep");
        shop.drain().await;
        // It is at the bank by now: asking it back is refused.
        shop.advance(1).await;
        shop.advance(2).await;
        shop.drain().await;
        let line = shop.lines(&order).await.remove(0);
        assert_eq!(line.earning, "transferred");
        let mut tx = test.db.write().await.expect("a transaction");
        plan_refund(&mut tx, &line, Bearer::Creator, "unopened", shop.now_ms)
            .await
            .expect("planned");
        tx.commit().await.expect("a commit");
        shop.drain().await;
        assert_eq!(shop.balances(1).await.owed, 2549, "{}", test.name);
        let order = shop.order(1, &[2]).await.expect("an order");
        shop.pay(&order, "4242424242424242").await;
        shop.drain().await;
        shop.advance(21).await;
        payouts::sweep(&test.db, sandbox::NAME, 2500, shop.now_ms)
            .await
            .expect("a sweep");
        let ben = shop.balances(1).await;
        assert_eq!((ben.owed, ben.available), (0, 0), "{}", test.name);
        shop.drain().await;
        shop.advance(3).await;
        shop.drain().await;
        shop.check_settled(test.name).await;
    }
}

#[tokio::test]
async fn what_is_being_asked_back_already_is_not_taken_from_earnings_too() {
    for test in databases().await {
        let mut shop = shop(&test).await;
        let ben = shop.sellers[1].clone();
        payouts::onboard(&test.db, &ben, "Ben B", "000123456789", 1)
            .await
            .expect("onboarded");
        let sold = shop.order(0, &[2]).await.expect("an order");
        shop.pay(&sold, "4242424242424242").await;
        shop.drain().await;
        shop.advance(14).await;
        payouts::sweep(&test.db, sandbox::NAME, 2500, shop.now_ms)
            .await
            .expect("a sweep");
        shop.drain().await;
        let again = shop.order(1, &[2]).await.expect("an order");
        shop.pay(&again, "4242424242424242").await;
        shop.drain().await;
        let line = shop.lines(&sold).await.remove(0);
        assert_eq!(
            line.earning, "transferred",
            "{}: and not at the bank",
            test.name
        );
        let mut tx = test.db.write().await.expect("a transaction");
        plan_refund(&mut tx, &line, Bearer::Creator, "unopened", shop.now_ms)
            .await
            .expect("planned");
        tx.commit().await.expect("a commit");
        // The reversal is on its way while the second sale is released.
        let until_ms = shop.now_ms + 14 * DAY_MS;
        payouts::release(&test.db, until_ms)
            .await
            .expect("a release");
        let mut tx = test.db.read().await.expect("a transaction");
        let planned = payouts::sweep::plan_for(&mut tx, &ben, 2500, until_ms);
        let planned = planned.await.expect("a plan");
        drop(tx);
        assert_eq!(
            (
                planned.outcome,
                planned.netted_minor,
                planned.payable_minor()
            ),
            ("paid", 0, 2549),
            "{}: the whole second sale",
            test.name
        );
        payouts::sweep(&test.db, sandbox::NAME, 2500, until_ms)
            .await
            .expect("a sweep");
        shop.drain().await;
        let ben = shop.balances(1).await;
        assert_eq!((ben.owed, ben.available), (0, 0), "{}", test.name);
        for days in [15, 2] {
            shop.advance(days).await;
            shop.drain().await;
        }
        assert_eq!(
            shop.balances(1).await.paid,
            2549,
            "{}: the second alone",
            test.name
        );
        shop.check_settled(test.name).await;
    }
}

/// A coupon, made now.
async fn coupon(shop: &Shop, person: Option<&str>, new: NewCoupon) {
    let mut tx = shop.till.db.write().await.expect("a transaction");
    coupon::create(&mut tx, person, &new, shop.now_ms)
        .await
        .expect("a coupon");
    tx.commit().await.expect("a commit");
}

fn percent(code: &str, percent: i64) -> NewCoupon {
    NewCoupon {
        code: code.into(),
        percent: Some(percent),
        amount_minor: None,
        minimum_minor: 0,
        uses: None,
        once_per_buyer: false,
        ends_ms: None,
    }
}

#[tokio::test]
async fn a_creators_coupon_lowers_the_price_and_the_platforms_lowers_only_what_the_buyer_pays() {
    for test in databases().await {
        let shop = shop(&test).await;
        let ada = shop.sellers[0].clone();
        coupon(&shop, Some(&ada), percent("ada20", 20)).await;
        coupon(
            &shop,
            None,
            NewCoupon {
                percent: None,
                amount_minor: Some(200),
                ..percent("house", 1)
            },
        )
        .await;
        // 20 % of Ada's 10.00, nothing of Ben's 29.99.
        set_code(&test.db, "cart", " Ada 20 ")
            .await
            .expect("a code");
        let order = shop.order(0, &[0, 2]).await.expect("an order");
        assert_eq!((order.total_minor, order.discount_minor), (3799, 200));
        let line = shop.lines(&order).await.remove(0);
        assert_eq!(
            (
                line.list_minor,
                line.price_minor,
                line.share_minor,
                line.payee_minor
            ),
            (1000, 800, 120, 680),
            "{}",
            test.name
        );
        // Two dollars of ours: the creator earns as if there were none, and a refund gives back what was paid.
        set_code(&test.db, "cart", "HOUSE").await.expect("a code");
        let order = shop.order(1, &[0]).await.expect("an order");
        assert_eq!(order.total_minor, 800);
        shop.pay(&order, "4242424242424242").await;
        shop.drain().await;
        assert_eq!(shop.balances(0).await.held, 850, "{}", test.name);
        shop.check_settled(test.name).await;
        let line = shop.lines(&order).await.remove(0);
        let mut tx = test.db.write().await.expect("a transaction");
        plan_refund(&mut tx, &line, Bearer::Creator, "unopened", shop.now_ms)
            .await
            .expect("planned");
        tx.commit().await.expect("a commit");
        shop.drain().await;
        assert_eq!(shop.balances(0).await.held, 0, "{}", test.name);
        assert_eq!(shop.lines(&order).await[0].refunded_cash(), 800);
        shop.check_settled(test.name).await;
    }
}

#[tokio::test]
async fn a_coupon_that_does_not_count_says_why_and_its_last_use_is_had_once() {
    for test in databases().await {
        let mut shop = shop(&test).await;
        let ada = shop.sellers[0].clone();
        let limited = NewCoupon {
            uses: Some(1),
            once_per_buyer: true,
            minimum_minor: 500,
            ends_ms: Some(shop.now_ms + DAY_MS),
            ..percent("few", 50)
        };
        coupon(&shop, Some(&ada), limited).await;
        let refused = async |shop: &Shop, buyer: usize, listings: &[usize], code: &str| {
            set_code(&shop.till.db, "cart", code).await.expect("a code");
            match shop.order(buyer, listings).await {
                Err(service::Error::Refused(code)) => code,
                other => panic!("{code}: {other:?}"),
            }
        };
        assert_eq!(refused(&shop, 0, &[0], "nobody").await, "coupon-unknown");
        assert_eq!(refused(&shop, 0, &[2], "few").await, "coupon-elsewhere");
        assert_eq!(refused(&shop, 0, &[1], "few").await, "coupon-minimum");
        set_code(&test.db, "cart", "few").await.expect("a code");
        let order = shop.order(0, &[0]).await.expect("an order");
        assert_eq!(order.total_minor, 500);
        assert_eq!(refused(&shop, 1, &[0], "few").await, "coupon-used-up");
        // The order is not paid for a day: its use is free again, and the provider takes no money for it any more.
        shop.now_ms += DAY_MS + 1;
        let given_up = give_up_stale(&shop.till, shop.now_ms)
            .await
            .expect("an answer");
        assert_eq!(given_up, 1, "{}", test.name);
        assert_eq!(
            refused(&shop, 1, &[0], "few").await,
            "coupon-over",
            "{}",
            test.name
        );
        let mut tx = test.db.read().await.expect("a transaction");
        let left = coupon::list(&mut tx, Some(&ada)).await.expect("coupons")[0].uses_left;
        assert_eq!(left, Some(1), "{}", test.name);
        shop.check_settled(test.name).await;
    }
}

#[tokio::test]
async fn a_set_costs_less_and_what_is_owned_already_takes_its_part_away() {
    use super::service::cart::add_set_to_cart;
    for test in databases().await {
        let shop = shop(&test).await;
        let ada = shop.sellers[0].clone();
        let mut tx = test.db.write().await.expect("a transaction");
        let chosen = [shop.listings[0].clone(), shop.listings[1].clone()];
        let slug = sets::create(&mut tx, &ada, "Both", 1200, &chosen, shop.now_ms)
            .await
            .expect("a set");
        let another = sets::create(&mut tx, &shop.sellers[1], "Stolen", 100, &chosen, 1).await;
        assert!(another.is_err(), "{}: of another's listings", test.name);
        let (set, items) = sets::get(&mut tx, &slug).await.expect("the set");
        assert_eq!(items.len(), 2);
        tx.commit().await.expect("a commit");
        let buy = async |buyer: usize| {
            add_set_to_cart(&test.db, "cart", &set.id, shop.now_ms)
                .await
                .expect("in the cart");
            shop.order(buyer, &[]).await.expect("an order")
        };
        let order = buy(0).await;
        let prices: Vec<i64> = shop
            .lines(&order)
            .await
            .iter()
            .map(|line| line.price_minor)
            .collect();
        // 12.00 by 10.00 and 4.99, to the cent.
        assert_eq!(
            (order.total_minor, prices.iter().sum::<i64>()),
            (1200, 1200)
        );
        let single = shop.order(1, &[0]).await.expect("an order");
        shop.pay(&single, "4242424242424242").await;
        shop.drain().await;
        let rest = buy(1).await;
        assert_eq!(
            rest.total_minor, 399,
            "{}: the other's part alone",
            test.name
        );
        // One taken out of the cart: the other goes back to its own price.
        add_set_to_cart(&test.db, "cart", &set.id, shop.now_ms)
            .await
            .expect("in the cart");
        service::remove_from_cart(&test.db, "cart", &shop.listings[0])
            .await
            .expect("out");
        let alone = shop.order(2, &[]).await.expect("an order");
        assert_eq!(alone.total_minor, 499, "{}", test.name);
    }
}

#[tokio::test]
async fn tax_belongs_to_nobody_here_and_goes_back_with_a_part() {
    for test in databases().await {
        let shop = shop(&test).await;
        let order = shop.order(0, &[0, 1]).await.expect("an order");
        shop.pay_from(&order, "4242424242424242", "DE").await;
        shop.drain().await;
        let lines = shop.lines(&order).await;
        let taxes: Vec<i64> = lines.iter().map(|line| line.tax_minor).collect();
        assert_eq!(taxes.iter().sum::<i64>(), 190 + 95, "{}", test.name);
        assert_eq!(
            shop.balances(0).await.held,
            850 + 424,
            "{}: none of it",
            test.name
        );
        let line = lines
            .iter()
            .find(|line| line.price_minor == 1000)
            .expect("a line");
        let mut tx = test.db.write().await.expect("a transaction");
        for (cash, refused) in [(0, true), (1191, true), (595, false)] {
            let line = get_line(&mut tx, &line.id).await.expect("the line");
            let part =
                service::plan_part(&mut tx, &line, cash, Bearer::Creator, "test", shop.now_ms)
                    .await;
            assert_eq!(part.is_err(), refused, "{}: {cash}", test.name);
        }
        tx.commit().await.expect("a commit");
        shop.drain().await;
        let line = shop
            .lines(&order)
            .await
            .into_iter()
            .find(|line| line.price_minor == 1000)
            .expect("a line");
        assert_eq!(
            (
                line.state.as_str(),
                line.refunded_tax_minor,
                line.refunded_minor,
                line.payee_borne_minor
            ),
            ("owned", 95, 500, 425),
            "{}: half of everything, and it stays theirs",
            test.name
        );
        shop.check_settled(test.name).await;
    }
}

#[tokio::test]
async fn a_payout_that_came_back_stops_the_next_one_until_the_bank_is_changed() {
    for test in databases().await {
        let mut shop = shop(&test).await;
        let ben = shop.sellers[1].clone();
        let onboard = async |bank: &str, now_ms| {
            payouts::onboard(&test.db, &ben, "Ben B", bank, now_ms)
                .await
                .expect("an answer")
        };
        onboard("000999999991", shop.now_ms).await;
        for buyer in [0, 1] {
            let order = shop.order(buyer, &[2]).await.expect("an order");
            shop.pay(&order, "4242424242424242").await;
            shop.drain().await;
            shop.advance(14).await;
            let paid = payouts::sweep(&test.db, sandbox::NAME, 2500, shop.now_ms)
                .await
                .expect("a sweep");
            // The second time his bank has sent the first payout back.
            assert_eq!(paid, 1 - buyer, "{}", test.name);
            for days in [0, 0, 2, 1] {
                shop.drain().await;
                shop.advance(days).await;
            }
            shop.drain().await;
        }
        let mut tx = test.db.read().await.expect("a transaction");
        let next = payouts::plan_sweep(&mut tx, 2500, shop.now_ms)
            .await
            .expect("a plan");
        drop(tx);
        assert_eq!(next[0].outcome, "bank_rejected", "{}", test.name);
        onboard("000123456789", shop.now_ms).await;
        // The old failure is read again with the account's other payouts, and is no new one.
        payouts::account::catch_up(&test.db, shop.till.provider.as_ref(), shop.now_ms)
            .await
            .expect("an answer");
        let paid = payouts::sweep(&test.db, sandbox::NAME, 2500, shop.now_ms).await;
        assert_eq!(paid.expect("a sweep"), 1, "{}", test.name);
        for days in [0, 0, 2, 0] {
            shop.drain().await;
            shop.advance(days).await;
        }
        shop.drain().await;
        assert_eq!(
            shop.balances(1).await.paid,
            2 * 2549,
            "{}: each once",
            test.name
        );
        shop.check_settled(test.name).await;
    }
}
