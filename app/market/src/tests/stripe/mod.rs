//! The shop on Stripe, against the stand-in: the flows of the sandbox again, with everything between the two that can go wrong.

mod answers;
mod faults;
mod flows;
mod live;
mod walk;

use crate::checkout::service::cart;
use crate::offers::coupon::NewCoupon;
use crate::orders;
use crate::payouts::service as payouts;
use crate::sales::Bearer;
use crate::sales::dispute;
use crate::sales::refund;
use crate::settlement::events;
use crate::testing::{Shop, shop};
use base::clock::DAY_MS;
use base::testing::{TestDb, databases};
use fake_stripe::{FakeStripe, Fault};
use money::books::service as books;
use money::provider::inbox::{self, Event};
use money::provider::stripe::{Settings, Stripe, webhook};
use money::provider::{
    Account, Call, CallOutcome, Checkout, CheckoutLine, Parameters, PaymentProvider, PaymentState,
    PayoutProvider as _, PayoutState, outbound,
};
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
    async fn pay(&self, order: &orders::Order, card: &str, country: &str) -> bool {
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
    let CallOutcome::Done(opened) = stripe.open_checkout(&checkout).await else {
        panic!("no page")
    };
    let again = stripe.open_checkout(&checkout).await;
    assert_eq!(
        again,
        CallOutcome::Done(opened.clone()),
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
        payment.tax_basis_points,
        Some(1900),
        "what its invoice says"
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
    assert!(matches!(refused, CallOutcome::Rejected(_)), "{refused:?}");
    payment.charge.expect("a charge")
}

/// Sends every open operation, whatever its job waits for.
pub(super) async fn send_all(on: &StripeShop) {
    for _ in 0..4 {
        let mut tx = on.shop.till.db.read().await.expect("a transaction");
        let open = outbound::list(&mut tx, "", 1000).await.expect("operations");
        drop(tx);
        for op in open.iter().filter(|op| op.is_open()) {
            events::operation(&on.shop.till, &op.id, on.shop.now_ms)
                .await
                .expect("an outcome");
        }
    }
}

/// As if every unfinished call had been made two days ago.
pub(super) async fn age_operations(test: &TestDb) {
    let mut tx = test.db.write().await.expect("a transaction");
    base::db::execute!(
        &mut tx,
        "update outbound_op set first_sent_ms = first_sent_ms - 172800000, sent_ms = sent_ms - 172800000 where state in ('sent', 'unknown')"
    )
    .expect("aged");
    tx.commit().await.expect("a commit");
}
