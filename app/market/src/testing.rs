//! Money from cart to bank, on both databases: a small shop, and what is told about it.

use crate::checkout::service::{self, open_payment, place};
use crate::log::service::PublicLog;
use crate::orders;
use crate::payouts::service as payouts;
use crate::sales::Bearer;
use crate::settlement;
use crate::settlement::jobs as till_jobs;
use crate::till::Till;
use base::clock::DAY_MS;
use base::db::execute;
use base::testing::TestDb;
use base::vault::Vault;
use base::{jobs, random};
use ledger::note::Verifier;
use money::books::service as books;
use money::provider::sandbox::{self, Sandbox};
use schema::digest::Digest;
use schema::key::SecretKey;
use schema::money::FeeSchedule;
use std::collections::BTreeMap;
use std::sync::Arc;

const START_MS: i64 = 1_800_000_000_000;

pub(crate) struct Shop {
    pub till: Till,
    pub now_ms: i64,
    pub listings: Vec<String>,
    pub sellers: Vec<String>,
    pub buyers: Vec<String>,
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
    let sql = "insert into person (id, email, email_folded, address_folded, handle, password_hash, role, created_ms, proven_ms)
        values ($1, $3, $3, $3, $2, 'x', 'member', 1, 1)";
    let email = format!("{name}@test.example");
    execute!(&mut tx, sql, &id, name, &email).expect("a person");
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
    let sql = "update listing set version_id = $2 where id = $1";
    execute!(&mut tx, sql, &id, &version).expect("its version");
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
                    execute!(&mut tx, sql, &order.id, &cart)?;
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

/// The embedded model under another name, and so under another digest, in a folder of its own.
pub(crate) fn second_model(folder: &std::path::Path) {
    let engine::model::Source::Embedded(files) = engine::embedded::DEFAULT else {
        unreachable!("the usual model is inside the program")
    };
    std::fs::create_dir_all(folder).expect("a folder");
    for (name, bytes) in files {
        let mut bytes = bytes.to_vec();
        if *name == engine::model::MANIFEST {
            let mut manifest: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
            manifest["name"] = "Another".into();
            manifest["version"] = "1.0".into();
            bytes = schema::canonical::to_bytes(&manifest, "model.json").expect("canonical");
        }
        std::fs::write(folder.join(name), bytes).expect("a file");
    }
}

/// The ONNX Runtime library.
pub(crate) fn runtime() -> std::path::PathBuf {
    let path = std::env::var_os("ORT_DYLIB_PATH");
    path.expect("ORT_DYLIB_PATH: cargo xtask test sets it")
        .into()
}
