//! A whole sale on Stripe: the running server, the stand-in that speaks Stripe's HTTP, and signed webhooks between them, told late,
//! twice, out of order, or not at all.

use super::publish;
use crate::harness::browser::Browser;
use crate::harness::client::Client;
use crate::harness::server::{Database, Server};
use crate::harness::{PATIENCE, is_so, until};
use fake_stripe::FakeStripe;
use fake_stripe::webhooks::Endpoint;
use std::time::{SystemTime, UNIX_EPOCH};

const DAY_S: i64 = 86_400;

fn now_s() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(now.expect("after 1970").as_secs()).expect("a time")
}

/// The server, the stand-in, and how many of its events were told.
struct OnStripe {
    server: Server,
    fake: FakeStripe,
    told: usize,
}

impl OnStripe {
    async fn start(database: Database) -> Self {
        let fake = FakeStripe::start(0, now_s()).await.expect("a port");
        let mut server = Server::start(database);
        server.stop();
        for (name, value) in [
            ("SEEDMARK_STRIPE_SECRET_KEY", "sk_test_1"),
            ("SEEDMARK_STRIPE_WEBHOOK_SECRET", "whsec_platform"),
            ("SEEDMARK_STRIPE_CONNECT_WEBHOOK_SECRET", "whsec_connect"),
            ("SEEDMARK_STRIPE_AUTOMATIC_TAX", "yes"),
            ("SEEDMARK_STRIPE_URL", fake.url.as_str()),
        ] {
            server.set(name, value);
        }
        server.start_again();
        Self {
            server,
            fake,
            told: 0,
        }
    }

    /// Tells every event that was not told yet, the newest first and each twice.
    async fn tell(&mut self) {
        let endpoint = |path: &str, secret: &str, connect| Endpoint {
            url: self.server.url(path),
            secret: secret.into(),
            connect,
        };
        let endpoints = [
            endpoint("/webhooks/stripe", "whsec_platform", false),
            endpoint("/webhooks/stripe/connect", "whsec_connect", true),
        ];
        let events: Vec<_> = self.fake.world().events.split_off(0);
        let fresh = events[self.told..].iter().rev();
        for event in fresh.flat_map(|event| [event, event]) {
            let answer = self.fake.deliver(event, &endpoints, now_s()).await;
            assert_eq!(answer.expect("sent"), Some(200), "{event}");
        }
        self.told = events.len();
        self.fake.world().events = events;
    }

    /// Forgets to tell what happened.
    fn lose(&mut self) {
        self.told = self.fake.world().events.len();
    }

    /// Puts a listing into a cart, orders, and pays on the provider's page; returns the order's path.
    async fn buy(&self, buyer: &Client, listing: &str) -> String {
        let added = buyer.post("/cart/add", &[("listing", listing)]).await;
        assert_eq!(added.status, 303, "{}", added.body);
        let cart = buyer.get("/cart").await;
        let key = cart.find(r#"name="form_key" value="([0-9a-f]+)""#);
        let fields = [("form_key", key.as_str()), ("total", "4000")];
        let away = buyer.post("/checkout", &fields).await;
        let page = away.find(r#"href="([^"]+)" rel="noreferrer" id="to-payment""#);
        let session = self.fake.world().newest("checkout.session").remove(0);
        assert_eq!(session["url"].as_str(), Some(page.as_str()));
        let id = session["id"].as_str().expect("an id").to_owned();
        assert!(
            !self.fake.world().pay(&id, "4000000000000002", "DE"),
            "the first card is declined"
        );
        assert!(self.fake.world().pay(&id, "4242424242424242", "DE"));
        let order = session["client_reference_id"].as_str().expect("the order");
        format!("/orders/{order}")
    }
}

/// Asks for a page until its text matches; events and jobs take a moment.
async fn page_says(client: &Client, path: &str, wanted: &str) -> String {
    until(PATIENCE, async || {
        let body = client.get(path).await.body;
        match body.contains(wanted) {
            true => Ok(body),
            false => Err(format!("{path}: no {wanted:?} in {body}")),
        }
    })
    .await
}

async fn on_stripe(database: Database) {
    let mut on = OnStripe::start(database).await;
    let base = on.server.url("");
    let ada = Browser::open(true).await;
    let listing = publish(&ada, &base, "ada", "40.00").await;
    let made = on
        .server
        .command(&["operator", "--unproven", "--email", "ada@test.example"]);
    assert!(made.status.success());

    // The sandbox's own pages do not exist beside Stripe.
    let buyer = Client::member(base.clone(), "ben").await;
    let absent = buyer.get("/sandbox/onboarding").await;
    assert_eq!(absent.status, 404);
    let fields = [("holder", "Ben"), ("bank", "000123456789")];
    let absent = buyer.post("/sandbox/onboarding", &fields).await;
    assert_eq!(absent.status, 404);

    // A sale with tax, told late, twice and in the wrong order.
    let id = buyer
        .get(&listing)
        .await
        .find(r#"name="listing" value="([^"]+)""#);
    let order = on.buy(&buyer, &id).await;
    let waiting = buyer.get(&order).await;
    assert!(
        !waiting.body.contains("data-state=\"paid\""),
        "coming back proves nothing"
    );
    on.tell().await;
    let paid = page_says(&buyer, &order, "data-state=\"paid\"").await;
    assert!(paid.contains("47.60"), "40.00 and 19 % of it");
    let line = buyer.get(&order).await.find(r#"href="(/library/[^"]+)""#);
    let opened = buyer.post(&format!("{line}/open"), &[]).await;
    assert_eq!(opened.status, 303, "{}", opened.body);

    // Another one, of which nobody tells us: it is swept up at the next start.
    let other = Client::member(base.clone(), "cyn").await;
    let lost = on.buy(&other, &id).await;
    on.lose();
    on.server.kill_and_restart();
    let base = on.server.url("");
    for client in [&buyer, &other] {
        client.move_to(base.clone());
    }
    let paid = page_says(&other, &lost, "data-state=\"paid\"").await;
    assert!(paid.contains("47.60"));
    // It goes back unopened, tax and all.
    let line = other.get(&lost).await.find(r#"href="(/library/[^"]+)""#);
    let back = other.post(&format!("{line}/cancel"), &[]).await;
    assert_eq!(back.status, 303, "{}", back.body);
    let refund = async || {
        let refunds = on.fake.world().newest("refund");
        refunds.into_iter().next().ok_or("no refund".to_owned())
    };
    assert_eq!(until(PATIENCE, refund).await["amount"], 4760);

    payout(&mut on, &ada, &base).await;
    ada.goto(&format!("{base}/operator/reconciliation")).await;
    ada.see("#report[data-agrees=true]").await;
    let audited = on.server.command(&["books", "audit"]);
    let told = String::from_utf8_lossy(&audited.stderr).into_owned();
    assert!(audited.status.success(), "{told}");
    ada.close().await;
}

/// The creator answers what Stripe asks, is paid after the hold, and the bank receives it.
async fn payout(on: &mut OnStripe, ada: &Browser, base: &str) {
    // Without a browser: the hand-over page leads to where no test may go.
    let form = Client::new(base.to_owned());
    let fields = [("email", "ada@test.example"), ("password", "correct horse")];
    assert_eq!(form.post("/sign-in", &fields).await.status, 303);
    let away = form.post("/money/onboarding", &[("country", "DE")]).await;
    let page = away.find(r#"href="([^"]+)" rel="noreferrer" id="to-payment""#);
    assert!(page.starts_with("https://connect."), "{page}");
    let account = on.fake.world().newest("account").remove(0);
    let account = account["id"].as_str().expect("an id").to_owned();
    on.fake.world().onboard(&account, "000123456789");
    on.fake.world().advance(3 * DAY_S);
    on.tell().await;
    ada.goto(&format!("{base}/operator")).await;
    ada.follow("#days-14").await;
    ada.goto(&format!("{base}/operator/payouts")).await;
    ada.see("#dry-run tr[data-outcome=paid]").await;
    ada.follow("#sweep").await;
    until(PATIENCE, async || {
        let balance = on.fake.world().account_balance(&account);
        is_so(balance == 3400, balance)
    })
    .await;
    on.fake.world().advance(60);
    on.fake.world().advance(3 * DAY_S);
    on.tell().await;
    // The part of the sale that stayed.
    let money = format!("{base}/money");
    ada.see_value(&money, "#balance-paid", "data-minor", "3400")
        .await;
    // Whatever waits for an answer has had one.
    ada.see_calls_done(base).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_on_stripe_is_paid_taxed_returned_and_paid_out_over_http() {
    on_stripe(Database::Postgres).await;
}
