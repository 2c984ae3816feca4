//! Money from cart to bank, on both databases: a small shop, and what is told about it.

use super::{Listing, ORIGIN, Person, runtime};
use crate::checkout::service::{self, open_payment, place};
use crate::engines::{Engines, Limits};
use crate::finder::Finder;
use crate::log::intake::intake;
use crate::log::service::PublicLog;
use crate::machines::Here;
use crate::models::Models;
use crate::orders;
use crate::payouts::service as payouts;
use crate::sales::Bearer;
use crate::settlement;
use crate::settlement::jobs as till_jobs;
use crate::shop::{Shop as Rules, Waits};
use crate::till::Till;
use base::clock::{Clock, DAY_MS};
use base::db::execute;
use base::mail::Mailer;
use base::media::Media;
use base::testing::TestDb;
use base::vault::Vault;
use base::{jobs, random};
use ledger::note::Verifier;
use money::books::service as books;
use money::provider::sandbox::{self, Sandbox};
use schema::digest::Digest;
use schema::id::ListingId;
use schema::key::SecretKey;
use schema::money::FeeSchedule;
use schema::recipe::ModelDigest;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

const START_MS: i64 = 1_800_000_000_000;

pub(crate) struct Shop {
    pub till: Till,
    pub now_ms: i64,
    pub listings: Vec<ListingId>,
    pub sellers: Vec<String>,
    pub buyers: Vec<String>,
}

/// A public log that nobody writes.
pub(crate) fn public_log(test: &TestDb) -> PublicLog {
    let secret = || SecretKey::from_bytes([7; 32]);
    let verifier = Verifier::new(ORIGIN, secret().public()).expect("a name");
    let place = test.folder.path().join("log");
    PublicLog::new(ORIGIN.into(), verifier, place, secret(), None).expect("a log")
}

fn till(test: &TestDb) -> Till {
    Till {
        db: test.db.clone(),
        vault: Vault::new(&[1; 32]),
        log: public_log(test),
        fee: FeeSchedule::new(1500, 0).expect("a schedule"),
        minimum_order_minor: 250,
        provider: Arc::new(Sandbox {
            db: test.db.clone(),
        }),
        // What listings of tests need that are about no model.
        here: Here::new(["m".into(), ModelDigest(Digest([2; 32])).to_string()]),
        public_url: "http://localhost".into(),
    }
}

/// The engines of all tests: loading them takes a moment.
fn engines() -> Engines {
    static ENGINES: OnceLock<Engines> = OnceLock::new();
    let one = Limits {
        count: 1,
        memory_bytes: None,
    };
    let load = || {
        let models = Models::load(None).expect("the embedded model");
        Engines::load(&runtime(), models, one).expect("engines")
    };
    ENGINES.get_or_init(load).clone()
}

/// Two sellers, three buyers, and listings at 10.00, 4.99, 29.99 (the second seller's) and free.
pub(crate) async fn shop(test: &TestDb) -> Shop {
    let till = till(test);
    let (mut sellers, mut buyers, mut listings) = (Vec::new(), Vec::new(), Vec::new());
    for name in ["ada", "ben"] {
        sellers.push(Person::new(name).save(&till.db).await);
    }
    for name in ["cy", "di", "ed"] {
        buyers.push(Person::new(name).save(&till.db).await);
    }
    for (seller, price) in [(0, 1000), (0, 499), (1, 2999), (1, 0)] {
        let listing = Listing::of(&sellers[seller]).price(price);
        listings.push(listing.save(&till.db).await);
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
    /// What the rules share that are about more than money.
    pub(crate) fn rules(&self, test: &TestDb) -> Rules {
        let folder = test.folder.path();
        Rules {
            db: self.till.db.clone(),
            clock: Clock::default(),
            provider: self.till.provider.clone(),
            vault: self.till.vault.clone(),
            mailer: Mailer::new(None, folder).expect("a folder of mails"),
            media: Media::folder(&folder.join("media")).expect("a folder"),
            log: self.till.log.clone(),
            intake: intake(ORIGIN).0,
            here: engines().here(),
            engines: engines(),
            workers: 1,
            fee: self.till.fee,
            minimum_order_minor: self.till.minimum_order_minor,
            minimum_payout_minor: 2500,
            waits: Waits::NONE,
            public_url: self.till.public_url.clone(),
            demo: false,
            finder: Finder::new(Some(folder.join("search"))),
            turn: Arc::default(),
        }
    }

    /// One more buyer; returns their number.
    pub(crate) async fn add_buyer(&mut self, name: &str) -> usize {
        self.buyers
            .push(Person::new(name).save(&self.till.db).await);
        self.buyers.len() - 1
    }

    /// One more listing of a seller; returns its number.
    pub(crate) async fn add_listing(&mut self, seller: usize, price_minor: i64) -> usize {
        let listing = Listing::of(&self.sellers[seller]).price(price_minor);
        self.listings.push(listing.save(&self.till.db).await);
        self.listings.len() - 1
    }

    pub(crate) async fn order(
        &self,
        buyer: usize,
        listings: &[usize],
    ) -> Result<orders::Order, money::Error> {
        for index in listings {
            service::add_to_cart(&self.till.db, "cart", &self.listings[*index], self.now_ms)
                .await?;
        }
        let mut tx = money::books::begin(&self.till.db).await?;
        let placed = place(
            &self.till,
            &mut tx,
            &self.buyers[buyer],
            "cart",
            &service::Seen::default(),
            self.now_ms,
        )
        .await;
        match placed {
            Ok(order) => {
                // The next order of this shop is of another browser: a cart is kept until it is paid for.
                let cart = format!("cart {}", order.id);
                for sql in [
                    "update purchase set cart = $2 where id = $1",
                    "update cart_line set cart = $2 where cart = 'cart' and $1 <> ''",
                    "update cart_coupon set cart = $2 where cart = 'cart' and $1 <> ''",
                ] {
                    execute!(&mut tx, sql, order.id.as_str(), &cart)?;
                }
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

    pub(crate) async fn pay(&self, order: &orders::Order, card: &str) -> sandbox::Record {
        self.pay_from(order, card, "US").await
    }

    pub(crate) async fn pay_from(
        &self,
        order: &orders::Order,
        card: &str,
        country: &str,
    ) -> sandbox::Record {
        let mut tx = self.till.db.read().await.expect("a transaction");
        let known = orders::get_order(&mut tx, &order.id).await;
        drop(tx);
        // A page that was opened before an order ended stays open in its tab.
        let payment = match known.expect("the order").payment_id {
            Some(payment) => payment,
            None => {
                let url = open_payment(&self.till, order, self.now_ms).await;
                let url = url.expect("a payment");
                url.rsplit('/').next().expect("an id").to_owned()
            }
        };
        sandbox::charge(&self.till.db, &payment, card, country, self.now_ms)
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

    /// A seller gives the sandbox a bank account that it accepts.
    pub(crate) async fn onboard(&self, seller: usize) {
        let person = &self.sellers[seller];
        let asked = payouts::onboard(&self.till.db, person, "Some Body", "000123456789", 1);
        assert_eq!(asked.await.expect("an answer"), None);
    }

    /// A seller asks for an account at the provider, and fills in nothing yet.
    pub(crate) async fn start_onboarding(&self, seller: usize) {
        let (db, provider) = (&self.till.db, self.till.provider.as_ref());
        let person = &self.sellers[seller];
        let begun = payouts::start_onboarding(db, provider, person, "", "US", "", 1);
        begun.await.expect("a page to fill in");
    }

    /// One buyer buys one listing, and its event is read.
    pub(crate) async fn sell(&self, buyer: usize, listing: usize) -> orders::Order {
        let order = self.order(buyer, &[listing]).await.expect("an order");
        self.pay(&order, "4242424242424242").await;
        self.drain().await;
        order
    }

    /// A payout run at this time; how many are paid.
    pub(crate) async fn sweep(&self, now_ms: i64) -> usize {
        payouts::sweep(&self.till.db, sandbox::NAME, 2500, now_ms)
            .await
            .expect("a sweep")
    }

    /// Gives a whole line back.
    pub(crate) async fn refund(&self, line: &orders::Line, bearer: crate::sales::Bearer) {
        let mut tx = money::books::begin(&self.till.db)
            .await
            .expect("a transaction");
        let planned = crate::sales::plan_refund(&mut tx, line, bearer, "test", self.now_ms);
        assert!(planned.await.expect("planned"));
        tx.commit().await.expect("a commit");
    }

    pub(crate) async fn lines(&self, order: &orders::Order) -> Vec<orders::Line> {
        let mut tx = self.till.db.read().await.expect("a transaction");
        orders::get_own(&mut tx, &order.person_id, &order.id)
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
        settlement::reconcile(&self.till.db, self.till.provider.as_ref())
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

/// A cart over both sellers, paid; one line refunded at our cost, one returned, one transferred and paid out.
pub(crate) async fn traded(test: &TestDb) -> Shop {
    let mut shop = shop(test).await;
    let order = shop.order(0, &[0, 1, 2]).await.expect("an order");
    shop.pay(&order, "4242424242424242").await;
    shop.drain().await;
    let lines = shop.lines(&order).await;
    for (price, bearer) in [(1000, Bearer::Platform), (499, Bearer::Creator)] {
        let line = lines.iter().find(|line| line.price_minor == price);
        shop.refund(line.expect("a line"), bearer).await;
    }
    shop.drain().await;
    shop.onboard(1).await;
    shop.advance(14).await;
    assert_eq!(shop.sweep(shop.now_ms).await, 1);
    shop.drain().await;
    shop.advance(1).await;
    shop.advance(2).await;
    shop.drain().await;
    shop
}
