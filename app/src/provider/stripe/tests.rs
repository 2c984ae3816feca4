//! The shop on Stripe, against the stand-in: the flows of the sandbox again, with everything between the two that can go wrong.

use super::{Settings, Stripe, webhook};
use crate::books::service as books;
use crate::checkout::coupon::NewCoupon;
use crate::checkout::service::{self, Bearer, cart, dispute, read, refund};
use crate::checkout::tests::{Shop, shop};
use crate::clock::DAY_MS;
use crate::db::tests::{TestDb, databases};
use crate::payouts::service as payouts;
use crate::provider::inbox::{self, Event};
use crate::provider::{
    Account, Call, Checkout, CheckoutLine, Outcome, Parameters, PaymentProvider, PaymentState,
    PayoutProvider as _, PayoutState, outbound,
};
use fake_stripe::{FakeStripe, Fault};
use std::sync::Arc;

fn settings(fake: &FakeStripe) -> Settings {
    Settings {
        secret_key: "sk_test_1".into(),
        webhook_secrets: vec!["whsec_platform".into()],
        connect_webhook_secrets: vec!["whsec_connect".into()],
        automatic_tax: true,
        url: Some(fake.url.clone()),
    }
}

/// A shop on Stripe, and how many of the stand-in's events it was sent.
pub(super) struct StripeShop {
    pub(super) shop: Shop,
    pub(super) fake: FakeStripe,
    delivered: usize,
}

impl StripeShop {
    pub(super) async fn new(test: &TestDb) -> Self {
        let mut shop = shop(test).await;
        let fake = FakeStripe::start(0, shop.now_ms / 1000)
            .await
            .expect("a port");
        shop.till.provider = Arc::new(Stripe::new(&settings(&fake)).expect("a client"));
        Self {
            shop,
            fake,
            delivered: 0,
        }
    }

    /// Puts new events into the inbox, the newest first: no order is promised. Every third is lost; the sweeper finds it.
    pub(super) async fn deliver(&mut self, losing: bool) {
        let events: Vec<_> = self.fake.world().events[self.delivered..].to_vec();
        self.delivered += events.len();
        for (number, event) in events.iter().enumerate().rev() {
            if losing && number % 3 == 0 {
                continue;
            }
            let text = event.to_string();
            let event: Event = webhook::read(text.as_bytes()).expect("an event");
            let mut tx = self.shop.till.db.write().await.expect("a transaction");
            // Twice, as happens.
            for _ in 0..2 {
                inbox::receive(&mut tx, "stripe-test", &event)
                    .await
                    .expect("stored");
            }
            tx.commit().await.expect("a commit");
        }
    }

    pub(super) async fn settle(&mut self) {
        for _ in 0..4 {
            self.deliver(false).await;
            self.shop.drain().await;
        }
    }

    async fn advance(&mut self, days: i64) {
        self.shop.now_ms += days * DAY_MS;
        payouts::release(&self.shop.till.db, self.shop.now_ms)
            .await
            .expect("a release");
        self.fake.world().advance(days * 86_400);
        self.settle().await;
    }

    /// Opens the order's page at Stripe and pays there.
    async fn pay(&self, order: &service::Order, card: &str, country: &str) -> bool {
        let url = cart::open_payment(&self.shop.till, order, self.shop.now_ms)
            .await
            .expect("a page");
        let session = url.rsplit('/').next().expect("an id").to_owned();
        self.fake.world().pay(&session, card, country)
    }

    /// Opens a seller's account at Stripe, who answers everything there.
    pub(super) async fn onboard(&mut self, seller: usize, bank: &str) {
        let person = self.shop.sellers[seller].clone();
        payouts::start_onboarding(
            &self.shop.till.db,
            self.shop.till.provider.as_ref(),
            &person,
            "seller@test.example",
            "DE",
            "http://localhost/money",
            self.shop.now_ms,
        )
        .await
        .expect("a page");
        let mut tx = self.shop.till.db.read().await.expect("a transaction");
        let payee = payouts::find_payee(&mut tx, &person)
            .await
            .expect("a payee");
        drop(tx);
        let account = payee.expect("a payee").provider_account;
        self.fake.world().onboard(&account, bank);
        self.settle().await;
    }

    async fn sweep(&mut self) -> usize {
        let paid = payouts::sweep(&self.shop.till.db, "stripe-test", 1000, self.shop.now_ms)
            .await
            .expect("a sweep");
        self.settle().await;
        paid
    }
}

/// What we sent and what was answered, for the official types to judge.
fn dump(fake: &FakeStripe, name: &str) {
    if let Ok(folder) = std::env::var("SEEDMARK_STRIPE_DUMP") {
        let path = std::path::Path::new(&folder).join(format!("{name}.json"));
        std::fs::write(path, fake.world().dump().to_string()).expect("a dump");
    }
}

fn call(operation: &str, target: &str, amount_minor: i64) -> Call {
    Call {
        key: format!("{operation}:1"),
        operation: operation.into(),
        line: Some("line-1".into()),
        amount_minor,
        parameters: Parameters {
            target: target.into(),
            order: Some("order-1".into()),
            ..Parameters::default()
        },
        now_ms: 0,
    }
}

async fn paid_charge(fake: &FakeStripe, stripe: &Stripe) -> String {
    let checkout = Checkout {
        order: "order-1".into(),
        attempt: 0,
        lines: vec![CheckoutLine {
            line: "line-1".into(),
            title: "Fuchs 狐狸".into(),
            amount_minor: 1000,
        }],
        email: Some("buyer@test.example".into()),
        return_url: "http://localhost/orders/order-1".into(),
        now_ms: 0,
    };
    let Outcome::Done(opened) = stripe.open_checkout(&checkout).await else {
        panic!("no page")
    };
    let again = stripe.open_checkout(&checkout).await;
    assert_eq!(
        again,
        Outcome::Done(opened.clone()),
        "the same key opens one page"
    );
    let before = stripe.find_payment(&opened.id).await.expect("an answer");
    assert_eq!(before.expect("it").state, PaymentState::Open);
    assert!(fake.world().pay(&opened.id, "4242424242424242", "DE"));
    let payment = stripe
        .find_payment(&opened.id)
        .await
        .expect("an answer")
        .expect("it");
    assert_eq!(
        (
            payment.state,
            payment.amount_minor,
            payment.tax_minor,
            payment.taxes.as_slice()
        ),
        (PaymentState::Paid, 1190, 190, [190].as_slice())
    );
    assert_eq!(
        (
            payment.fee_minor,
            payment.card_last4.as_deref(),
            payment.country.as_deref()
        ),
        (Some(65), Some("4242"), Some("DE"))
    );
    let refused = stripe.expire_checkout(&opened.id).await;
    assert!(matches!(refused, Outcome::Rejected(_)), "{refused:?}");
    payment.charge.expect("a charge")
}

#[tokio::test]
async fn every_answer_of_the_provider_means_what_it_says() {
    let fake = FakeStripe::start(0, 1_800_000_000).await.expect("a port");
    let stripe = Stripe::new(&settings(&fake)).expect("a client");
    let charge = paid_charge(&fake, &stripe).await;
    let faults = [
        (Fault::BrokenBefore, "unknown", false),
        (Fault::BrokenAfter, "unknown", true),
        (Fault::InUse, "later", false),
        (Fault::TooMany, "later", false),
        (Fault::SavedFailure, "unknown", false),
        (Fault::FailureAfter, "unknown", true),
        (Fault::OddSuccess, "unknown", true),
        (Fault::Revoked, "denied", false),
    ];
    for (number, (fault, expected, happened)) in faults.into_iter().enumerate() {
        fake.world().faults.push_back(("refunds".into(), fault));
        let call = call(&format!("op-{number}"), &charge, 10);
        let outcome = stripe.refund(&call).await;
        let name = match &outcome {
            Outcome::Done(_) => "done",
            Outcome::Rejected(_) => "rejected",
            Outcome::Later(_) => "later",
            Outcome::Denied(_) => "denied",
            Outcome::Unknown(_) => "unknown",
        };
        assert_eq!(name, expected, "{fault:?}: {outcome:?}");
        let found = stripe.find_refund(&call).await.expect("an answer");
        assert_eq!(found.is_some(), happened, "{fault:?}");
        // The same key again: what happened is not done twice.
        let again = stripe.refund(&call).await;
        match (&again, &found) {
            (Outcome::Done(id), Some(known)) => assert_eq!(id, known, "{fault:?}"),
            (Outcome::Unknown(_), None) => assert_eq!(fault, Fault::SavedFailure),
            (Outcome::Done(_), None) => {}
            _ => panic!("{fault:?}: {again:?}"),
        }
    }
    let other = Call {
        amount_minor: 11,
        ..call("op-1", &charge, 10)
    };
    let mixed = stripe.refund(&other).await;
    assert!(
        matches!(mixed, Outcome::Denied(_)),
        "one key, two amounts: {mixed:?}"
    );
    let too_much = stripe.refund(&call("op-x", &charge, 5000)).await;
    assert_eq!(
        too_much,
        Outcome::Rejected("charge_already_refunded".into())
    );
    let nobody = stripe.refund(&call("op-y", "ch_none", 1)).await;
    assert_eq!(nobody, Outcome::Rejected("resource_missing".into()));
    let unknown = stripe.get_dispute("du_none").await.expect("an answer");
    assert!(unknown.is_none());
    dump(&fake, "answers");
}

#[tokio::test]
async fn a_sellers_account_goes_from_requirements_to_payouts_that_fail() {
    let fake = FakeStripe::start(0, 1_800_000_000).await.expect("a port");
    let stripe = Stripe::new(&settings(&fake)).expect("a client");
    let charge = paid_charge(&fake, &stripe).await;
    let Outcome::Done(account) = stripe
        .open_account("person-1", "a@test.example", "DE")
        .await
    else {
        panic!("no account")
    };
    let fresh = stripe
        .get_account(&account)
        .await
        .expect("an answer")
        .expect("it");
    assert!(!fresh.ready && fresh.requirements.len() == 2, "{fresh:?}");
    // `transfers` alone would force the recipient agreement, which Stripe refuses here.
    let opened = fake
        .world()
        .requests
        .iter()
        .find(|sent| sent.path == "accounts")
        .cloned();
    let asked = opened.expect("a request").params["capabilities"].clone();
    for capability in ["card_payments", "transfers"] {
        assert_eq!(asked[capability]["requested"], "true", "{capability}");
    }
    let mut transfer = call("op-t", &account, 800);
    transfer.parameters.charge = Some(charge);
    let early = stripe.transfer(&transfer).await;
    assert_eq!(early, Outcome::Rejected("transfers_not_allowed".into()));
    let url = stripe
        .onboarding_url(&account, "http://localhost/money")
        .await
        .expect("a link");
    assert!(url.starts_with("https://connect.stripe.com/"), "{url}");
    fake.world().onboard(&account, "000999999991");
    let ready = stripe
        .get_account(&account)
        .await
        .expect("an answer")
        .expect("it");
    let expected = Account {
        id: account.clone(),
        ready: true,
        requirements: vec![],
        disabled: None,
    };
    assert_eq!(ready, expected);
    // A refusal is saved under its key; a new operation has a new one.
    assert_eq!(stripe.transfer(&transfer).await, early, "the saved answer");
    transfer.key = "op-t2:1".into();
    transfer.operation = "op-t2".into();
    let Outcome::Done(sent) = stripe.transfer(&transfer).await else {
        panic!("not sent")
    };
    assert_eq!(
        stripe.find_transfer(&transfer).await.expect("an answer"),
        Some(sent.clone())
    );
    let part = call("op-r", &sent, 300);
    let Outcome::Done(back) = stripe.reverse(&part).await else {
        panic!("not reversed")
    };
    assert_eq!(
        stripe.find_reversal(&part).await.expect("an answer"),
        Some(back)
    );
    let mut states = Vec::new();
    for days in [0, 2, 1] {
        fake.world().advance(days * 86_400);
        let payouts = stripe.list_payouts(&account).await.expect("an answer");
        let payout = stripe
            .get_payout(&account, &payouts[payouts.len() - 1].id)
            .await;
        let payout = payout.expect("an answer").expect("it");
        assert_eq!(payout.amount_minor, 500);
        states.push(payout.state);
    }
    assert_eq!(
        states,
        [PayoutState::Pending, PayoutState::Paid, PayoutState::Failed],
        "paid is never final"
    );
    let late = stripe.reverse(&call("op-s", &sent, 600)).await;
    assert!(matches!(late, Outcome::Rejected(_)), "{late:?}");
    dump(&fake, "sellers");
}

#[tokio::test]
async fn the_shop_sells_pays_refunds_and_disputes_on_stripe_and_the_books_are_equal() {
    for test in databases().await {
        let mut on = StripeShop::new(&test).await;
        on.onboard(1, "000123456789").await;
        let order = on.shop.order(0, &[0, 1, 2]).await.expect("an order");
        assert!(!on.pay(&order, "4000000000000002", "DE").await, "declined");
        assert!(on.pay(&order, "4242424242424242", "DE").await);
        on.settle().await;
        let lines = on.shop.lines(&order).await;
        assert!(
            lines.iter().all(|line| line.state == "owned"),
            "{}",
            test.name
        );
        assert_eq!(
            lines.iter().map(|line| line.tax_minor).sum::<i64>(),
            190 + 95 + 570
        );
        on.shop.check_settled(test.name).await;
        // A part, then the rest at our cost.
        let line = lines
            .iter()
            .find(|line| line.price_minor == 1000)
            .expect("a line");
        let mut tx = test.db.write().await.expect("a transaction");
        refund::give_back(&mut tx, &line.payee_id, &line.id, 333, on.shop.now_ms)
            .await
            .expect("planned");
        let line = service::get_line(&mut tx, &line.id)
            .await
            .expect("the line");
        refund::plan_refund(
            &mut tx,
            &line,
            Bearer::Platform,
            "does-not-reproduce",
            on.shop.now_ms,
        )
        .await
        .expect("planned");
        tx.commit().await.expect("a commit");
        on.settle().await;
        on.advance(15).await;
        assert_eq!(
            on.sweep().await,
            1,
            "{}: Ben is onboarded, Ada is not",
            test.name
        );
        on.advance(1).await;
        on.advance(3).await;
        assert_eq!(on.shop.balances(1).await.paid, 2549, "{}", test.name);
        on.shop.check_settled(test.name).await;
        // A dispute after the money is at the bank: asking it back is refused, and the loss is owed.
        let charge = {
            let mut tx = test.db.read().await.expect("a transaction");
            let found = service::get_order(&mut tx, &order.person_id, &order.id).await;
            found.expect("the order").0.charge_id.expect("a charge")
        };
        on.fake
            .world()
            .dispute(&charge, "product_not_received", false);
        on.settle().await;
        on.advance(10).await;
        let ben = on.shop.balances(1).await;
        assert_eq!(ben.owed, 2549, "{}: nobody answered the bank", test.name);
        on.shop.check_settled(test.name).await;
        let mut tx = test.db.read().await.expect("a transaction");
        let lost = dispute::list(&mut tx, 10)
            .await
            .expect("disputes")
            .remove(0);
        assert_eq!((lost.state.as_str(), lost.amount_minor), ("lost", 5353));
        dump(&on.fake, "shop");
    }
}

#[tokio::test]
async fn a_bank_that_asks_is_answered_and_a_warning_of_fraud_is_refunded_at_our_cost() {
    for test in databases().await {
        let mut on = StripeShop::new(&test).await;
        let inquiry = on.shop.order(0, &[0]).await.expect("an order");
        assert!(on.pay(&inquiry, "4000000000001976", "US").await);
        let warned = on.shop.order(1, &[1]).await.expect("an order");
        assert!(on.pay(&warned, "4000000000005423", "US").await);
        let disputed = on.shop.order(2, &[2]).await.expect("an order");
        assert!(on.pay(&disputed, "4000000000002685", "US").await);
        on.settle().await;
        let line = on.shop.lines(&warned).await.remove(0);
        assert_eq!(line.refund_reason.as_deref(), Some("fraud-warning"));
        assert_eq!(
            on.shop.balances(0).await.held,
            424,
            "{}: at our cost",
            test.name
        );
        assert_eq!(
            on.shop.balances(0).await.frozen,
            850,
            "{}: asked about",
            test.name
        );
        let mut tx = test.db.write().await.expect("a transaction");
        for open in dispute::list(&mut tx, 10).await.expect("disputes") {
            let text = "winning_evidence, escalate_inquiry_evidence";
            assert!(
                dispute::submit(&mut tx, &open, text, on.shop.now_ms)
                    .await
                    .expect("planned")
            );
        }
        tx.commit().await.expect("a commit");
        on.settle().await;
        // The question became a dispute; the other one is won.
        on.advance(1).await;
        assert_eq!(on.shop.balances(1).await.held, 2549, "{}: won", test.name);
        let mut tx = test.db.write().await.expect("a transaction");
        let open = dispute::list(&mut tx, 10)
            .await
            .expect("disputes")
            .remove(0);
        assert_eq!(open.state, "withdrawn", "{}", test.name);
        // A claim is upheld meanwhile: giving up pays the buyer, at our cost.
        let line = on.shop.lines(&inquiry).await.remove(0);
        refund::plan_refund(
            &mut tx,
            &line,
            Bearer::Platform,
            "does-not-reproduce",
            on.shop.now_ms,
        )
        .await
        .expect("given up");
        tx.commit().await.expect("a commit");
        on.settle().await;
        let ada = on.shop.balances(0).await;
        assert_eq!(
            (ada.held, ada.frozen, ada.owed),
            (850 + 424, 0, 0),
            "{}",
            test.name
        );
        let line = on.shop.lines(&inquiry).await.remove(0);
        assert_eq!(line.state, "refunded", "{}: and loses access", test.name);
        on.shop.check_settled(test.name).await;
        dump(&on.fake, "disputes");
    }
}

#[tokio::test]
async fn events_that_are_lost_are_swept_up_and_order_does_not_matter() {
    for test in databases().await {
        let mut on = StripeShop::new(&test).await;
        for listing in [0, 1, 2] {
            let order = on.shop.order(listing, &[listing]).await.expect("an order");
            assert!(on.pay(&order, "4242424242424242", "US").await);
        }
        on.deliver(true).await;
        on.shop.drain().await;
        let lost = inbox::sweep(&test.db, on.shop.till.provider.as_ref())
            .await
            .expect("a sweep");
        assert!(lost > 0, "{}: a third was lost", test.name);
        on.shop.drain().await;
        on.shop.check_settled(test.name).await;
        let again = inbox::sweep(&test.db, on.shop.till.provider.as_ref()).await;
        assert_eq!(again.expect("a sweep"), 0, "{}", test.name);
    }
}

#[tokio::test]
async fn the_platforms_own_payouts_the_providers_costs_and_what_nobody_explains_are_booked_once() {
    for test in databases().await {
        let mut on = StripeShop::new(&test).await;
        let order = on.shop.order(0, &[2]).await.expect("an order");
        assert!(on.pay(&order, "4000000000000077", "US").await);
        on.settle().await;
        on.shop.check_settled(test.name).await;
        let provider = on.shop.till.provider.clone();
        let book = async |now_ms: i64| {
            let booked = payouts::own::book_own(&test.db, provider.as_ref(), now_ms).await;
            booked.expect("booked")
        };
        let balance = async |kind: books::Kind| {
            let mut tx = test.db.read().await.expect("a transaction");
            books::balance(&mut tx, kind, "stripe-test")
                .await
                .expect("a balance")
        };
        let kept = on.fake.world().pay_out_own(300);
        let lost = on.fake.world().pay_out_own(50);
        on.fake.world().move_own(-200, "stripe_fee");
        on.fake.world().move_own(55, "reserved_funds");
        assert_eq!(book(on.shop.now_ms).await, 4, "{}", test.name);
        assert_eq!(book(on.shop.now_ms).await, 0, "{}: once", test.name);
        assert_eq!(balance(books::Kind::BankInTransit).await, 350);
        on.shop.check_settled(test.name).await;
        on.advance(3).await;
        book(on.shop.now_ms).await;
        assert_eq!(
            (
                balance(books::Kind::BankInTransit).await,
                balance(books::Kind::BankOperating).await
            ),
            (0, 350),
            "{}: arrived",
            test.name
        );
        on.fake.world().fail_own_payout(&lost);
        assert_eq!(book(on.shop.now_ms).await, 1, "{}: it came back", test.name);
        assert_eq!(
            (
                balance(books::Kind::BankInTransit).await,
                balance(books::Kind::BankOperating).await
            ),
            (0, 300),
            "{}: {kept} stays",
            test.name
        );
        on.shop.check_settled(test.name).await;
        let mut tx = test.db.write().await.expect("a transaction");
        let found = payouts::own::list_suspense(&mut tx, "stripe-test")
            .await
            .expect("a list");
        assert_eq!(found.len(), 1, "{}", test.name);
        assert_eq!(
            found[0].amount, -55,
            "{}: theirs until a person decides",
            test.name
        );
        for wanted in [true, false] {
            let settled = payouts::own::settle_suspense(
                &mut tx,
                "stripe-test",
                &found[0].source,
                on.shop.now_ms,
            );
            assert_eq!(settled.await.expect("an answer"), wanted, "{}", test.name);
        }
        tx.commit().await.expect("a commit");
        assert_eq!(balance(books::Kind::Suspense).await, 0, "{}", test.name);
        on.shop.check_settled(test.name).await;
        dump(&on.fake, "own");
    }
}

#[tokio::test]
async fn no_fault_between_us_and_stripe_pays_or_refunds_twice() {
    for test in databases().await {
        let mut on = StripeShop::new(&test).await;
        on.onboard(0, "000123456789").await;
        let mut tx = test.db.write().await.expect("a transaction");
        let coupon = NewCoupon {
            code: "house".into(),
            percent: None,
            amount_minor: Some(100),
            minimum_minor: 0,
            uses: None,
            once_per_buyer: false,
            ends_ms: None,
        };
        crate::checkout::coupon::create(&mut tx, None, &coupon, on.shop.now_ms)
            .await
            .expect("a coupon");
        tx.commit().await.expect("a commit");
        for (number, fault) in Fault::ALL.into_iter().enumerate() {
            let buyer = crate::checkout::tests::person(&on.shop.till, &format!("b{number}")).await;
            on.shop.buyers.push(buyer);
            cart::set_code(&test.db, "cart", "house")
                .await
                .expect("a code");
            let order = on.shop.order(3 + number, &[0]).await.expect("an order");
            assert!(on.pay(&order, "4000000000000077", "US").await);
            on.settle().await;
            let line = on.shop.lines(&order).await.remove(0);
            if number % 2 == 0 {
                let mut tx = test.db.write().await.expect("a transaction");
                refund::plan_refund(&mut tx, &line, Bearer::Creator, "unopened", on.shop.now_ms)
                    .await
                    .expect("planned");
                tx.commit().await.expect("a commit");
            }
            on.fake.world().faults.push_back(("refunds".into(), fault));
            on.fake
                .world()
                .faults
                .push_back(("transfers".into(), fault));
            send_all(&on).await;
            on.advance(15).await;
            on.sweep().await;
            send_all(&on).await;
            on.settle().await;
        }
        // Keys are forgotten after a day: what is still unknown is looked up, and sent anew only when it is not there.
        age_operations(&test).await;
        on.fake.world().forget_keys();
        send_all(&on).await;
        on.settle().await;
        let mut tx = test.db.read().await.expect("a transaction");
        let open = outbound::list(&mut tx, "", 1000).await.expect("operations");
        let open: Vec<_> = open.iter().filter(|op| op.is_open()).collect();
        assert!(open.is_empty(), "{}: {open:?}", test.name);
        drop(tx);
        on.shop.check_settled(test.name).await;
        let refunds = on.fake.world().newest("refund").len();
        assert_eq!(
            refunds,
            Fault::ALL.len().div_ceil(2),
            "{}: each once",
            test.name
        );
    }
}

/// Sends every open operation, whatever its job waits for.
pub(super) async fn send_all(on: &StripeShop) {
    for _ in 0..4 {
        let mut tx = on.shop.till.db.read().await.expect("a transaction");
        let open = outbound::list(&mut tx, "", 1000).await.expect("operations");
        drop(tx);
        for op in open.iter().filter(|op| op.is_open()) {
            read::operation(&on.shop.till, &op.id, on.shop.now_ms)
                .await
                .expect("an outcome");
        }
    }
}

#[tokio::test]
async fn a_refusal_that_stripe_saved_poisons_nothing_that_is_planned_anew() {
    for test in databases().await {
        let mut on = StripeShop::new(&test).await;
        on.onboard(1, "000123456789").await;
        let order = on.shop.order(0, &[2]).await.expect("an order");
        assert!(on.pay(&order, "4000000000000077", "US").await);
        on.settle().await;
        on.shop.now_ms += 14 * DAY_MS;
        payouts::release(&test.db, on.shop.now_ms)
            .await
            .expect("a release");
        // Stripe stopped the account, and its word of that is still on the way.
        on.fake.world().allow_transfers(false);
        assert_eq!(on.sweep().await, 1, "{}", test.name);
        send_all(&on).await;
        let line = on.shop.lines(&order).await.remove(0);
        assert_eq!(line.earning, "available", "{}: theirs again", test.name);
        on.fake.world().allow_transfers(true);
        on.shop.now_ms += 8 * DAY_MS;
        assert_eq!(on.sweep().await, 1, "{}", test.name);
        send_all(&on).await;
        let line = on.shop.lines(&order).await.remove(0);
        assert_eq!(line.earning, "transferred", "{}", test.name);
        on.settle().await;
        on.shop.check_settled(test.name).await;
    }
}

/// As if every unfinished call had been made two days ago.
pub(super) async fn age_operations(test: &TestDb) {
    let mut tx = test.db.write().await.expect("a transaction");
    crate::db::execute!(
        &mut tx,
        "update outbound_op set first_sent_ms = first_sent_ms - 172800000, sent_ms = sent_ms - 172800000 where state in ('sent', 'unknown')"
    )
    .expect("aged");
    tx.commit().await.expect("a commit");
}

#[test]
fn what_the_official_sdk_signed_a_moment_ago_is_accepted() {
    // Written by the part `stripe` of the tests, which runs the SDK.
    let Ok(path) = std::env::var("SEEDMARK_STRIPE_SIGNED") else {
        return;
    };
    let text = std::fs::read_to_string(path).expect("what the SDK signed");
    let signed: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let part = |name: &str| signed[name].as_str().expect("text").to_owned();
    let time = signed["timestamp"].as_i64().expect("a time");
    let (header, body) = (part("header"), part("payload"));
    assert_eq!(
        webhook::verify(&header, body.as_bytes(), &[part("secret")], time),
        Ok(())
    );
    assert_eq!(
        webhook::verify(&header, b"{}", &[part("secret")], time),
        Err(webhook::Refusal::Signature)
    );
    assert_eq!(
        webhook::read(body.as_bytes()).expect("an event").id,
        "evt_sdk"
    );
}

/// Against the real Stripe, with a test key of one's own: what can be done without a browser. Opt-in, before a release.
#[tokio::test]
#[ignore = "needs STRIPE_TEST_KEY and the network: cargo xtask test stripe runs it when the key is set"]
async fn live_suite_opens_asks_and_is_refused_as_expected() {
    let key = std::env::var("STRIPE_TEST_KEY").expect("STRIPE_TEST_KEY");
    assert!(
        key.starts_with("sk_test_") || key.starts_with("rk_test_"),
        "a test key, never a live one"
    );
    let stripe = Stripe::new(&Settings {
        secret_key: key,
        webhook_secrets: vec![],
        connect_webhook_secrets: vec![],
        automatic_tax: false,
        url: None,
    })
    .expect("a client");
    let order = crate::random::id();
    let checkout = Checkout {
        order: order.clone(),
        attempt: 0,
        lines: vec![CheckoutLine {
            line: crate::random::id(),
            title: "Fuchs 狐狸".into(),
            amount_minor: 1000,
        }],
        email: Some("buyer@example.com".into()),
        return_url: "https://example.com/orders/1".into(),
        now_ms: 0,
    };
    let Outcome::Done(opened) = stripe.open_checkout(&checkout).await else {
        panic!("no page")
    };
    let again = stripe.open_checkout(&checkout).await;
    assert_eq!(again, Outcome::Done(opened.clone()), "the same key");
    let open = stripe
        .find_payment(&opened.id)
        .await
        .expect("an answer")
        .expect("it");
    assert_eq!(
        (open.state, open.order.as_str(), open.amount_minor),
        (PaymentState::Open, &*order, 1000)
    );
    assert_eq!(stripe.expire_checkout(&opened.id).await, Outcome::Done(()));
    let ended = stripe
        .find_payment(&opened.id)
        .await
        .expect("an answer")
        .expect("it");
    assert_eq!(ended.state, PaymentState::Expired);
    let person = crate::random::id();
    let Outcome::Done(account) = stripe
        .open_account(&person, "seller@example.com", "DE")
        .await
    else {
        panic!("no account")
    };
    let fresh = stripe
        .get_account(&account)
        .await
        .expect("an answer")
        .expect("it");
    assert!(!fresh.ready && !fresh.requirements.is_empty(), "{fresh:?}");
    let url = stripe
        .onboarding_url(&account, "https://example.com/money")
        .await
        .expect("a link");
    assert!(url.starts_with("https://"), "{url}");
    let refused = stripe
        .transfer(&call(&crate::random::id(), &account, 100))
        .await;
    assert!(matches!(refused, Outcome::Rejected(_)), "{refused:?}");
    let nobody = stripe
        .refund(&call(&crate::random::id(), "ch_none", 100))
        .await;
    assert!(matches!(nobody, Outcome::Rejected(_)), "{nobody:?}");
    stripe.balance().await.expect("a balance");
    let hour = crate::random::real_now_ms() - 3_600_000;
    stripe.transactions(hour).await.expect("movements");
    let events = stripe.events(hour).await.expect("events");
    assert!(
        events.iter().any(|event| event.object == opened.id),
        "our own checkout"
    );
}
