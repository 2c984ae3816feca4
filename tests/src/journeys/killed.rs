//! A shop that is killed again and again while people buy, return and are paid: nothing is lost, and nothing happens twice.
//!
//! `SEEDMARK_KILL_CHECKOUTS=1000` takes so many checkouts; the usual run has fewer.

use super::publish;
use crate::harness::browser::Browser;
use crate::harness::client::{Answer, Client};
use crate::harness::server::{Database, Server, text};
use crate::harness::{is_so, until};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::watch;

const BUYERS: usize = 6;
const CHECKOUTS: usize = 60;
const PRICE_MINOR: i64 = 1000;

/// One request in a shop that comes and goes may meet several ends.
const BETWEEN_KILLS: Duration = Duration::from_secs(300);

/// Somebody who buys, and counts with all others the answers that they get.
struct Buyer {
    client: Client,
    answers: watch::Sender<usize>,
}

impl Buyer {
    /// Asks until there is an answer.
    async fn page(&self, path: &str) -> Answer {
        let ask = async || self.answered(path, self.client.try_get(path).await);
        until(BETWEEN_KILLS, ask).await
    }

    /// Sends the same form until there is an answer; its key makes the repetition harmless.
    async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let send = async || self.answered(path, self.client.try_post(path, fields).await);
        until(BETWEEN_KILLS, send).await
    }

    fn answered(&self, path: &str, answer: Option<Answer>) -> Result<Answer, String> {
        let answer = answer.ok_or_else(|| format!("{path}: no answer"))?;
        is_so(answer.status < 500, format!("{path}: {}", answer.status))?;
        self.answers.send_modify(|answers| *answers += 1);
        Ok(answer)
    }
}

/// Buys once, whatever happens to the server meanwhile, and returns the line's path in the library.
async fn buy(buyer: &Buyer, listing: &str) -> String {
    let added = buyer.form("/cart/add", &[("listing", listing)]).await;
    assert_eq!(added.status, 303, "{}", added.body);
    let cart = buyer.page("/cart").await;
    let key = cart.find(r#"name="form_key" value="([0-9a-f]+)""#);
    let placed = buyer
        .form("/checkout", &[("form_key", &key), ("total", "1000")])
        .await;
    assert_eq!(placed.status, 303, "{}", placed.body);
    let mut location = placed.header("location").to_owned();
    if let Some(order) = location.strip_prefix("/orders/") {
        // The answer to the first try was lost: the order is there, and its payment is opened from its page.
        let pay = buyer.form(&format!("/orders/{order}/pay"), &[]).await;
        location = pay.header("location").to_owned();
    }
    if location.starts_with("/sandbox/payments/") {
        let path = location.split('?').next().unwrap_or_default().to_owned();
        let paid = buyer
            .form(&path, &[("card", "4242424242424242"), ("country", "US")])
            .await;
        location = paid.header("location").to_owned();
    }
    assert!(location.starts_with("/orders/"), "{location}");
    until(BETWEEN_KILLS, async || {
        let order = buyer.page(&location).await;
        is_so(
            order.body.contains("data-state=\"paid\""),
            "it is never booked",
        )?;
        Ok(order.find(r#"href="(/library/[^"]+)""#))
    })
    .await
}

async fn buy_and_return(buyer: Arc<Buyer>, listing: String, times: usize, done: Arc<AtomicUsize>) {
    for number in 0..times {
        let line = buy(&buyer, &listing).await;
        done.fetch_add(1, Ordering::Relaxed);
        // All but the last go back, so that the same thing can be bought again.
        if number + 1 < times {
            let back = buyer.form(&format!("{line}/cancel"), &[]).await;
            assert!(
                matches!(back.status, 303 | 409 | 410),
                "{} {}",
                back.status,
                back.body
            );
        }
    }
}

/// Kills and restarts, while one buyer has just had an answer and the others wait for theirs, until everybody is done.
async fn kill_until_done(
    server: &mut Server,
    buyers: &[Arc<Buyer>],
    mut work: tokio::task::JoinSet<()>,
    mut answers: watch::Receiver<usize>,
    limit: usize,
) -> usize {
    let mut kills = 0;
    let mut next = 20;
    loop {
        let all_done = loop {
            tokio::select! {
                _ = answers.wait_for(|answers| *answers >= next), if kills < limit => break false,
                ended = work.join_next() => match ended {
                    Some(ended) => ended.expect("a buyer"),
                    None => break true,
                },
            }
        };
        if all_done {
            return kills;
        }
        server.kill_and_restart();
        kills += 1;
        for buyer in buyers {
            buyer.client.move_to(server.url(""));
        }
        // After another number of answers each time, the same in every run.
        next = *answers.borrow() + 5 + (kills * 7919) % 37;
    }
}

async fn killed(database: Database) {
    let checkouts = std::env::var("SEEDMARK_KILL_CHECKOUTS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(CHECKOUTS);
    let mut server = Server::start(database);
    let ada = Browser::open(true).await;
    let listing = publish(&ada, &server.url(""), "ada", "10.00").await;
    let (answers, answered) = watch::channel(0);
    let mut buyers = Vec::new();
    for number in 0..BUYERS {
        let client = Client::member(server.url(""), &format!("buyer{number}")).await;
        let answers = answers.clone();
        buyers.push(Arc::new(Buyer { client, answers }));
    }
    let id = buyers[0]
        .client
        .get(&listing)
        .await
        .find(r#"name="listing" value="([^"]+)""#);
    let done = Arc::new(AtomicUsize::new(0));
    let mut work = tokio::task::JoinSet::new();
    for buyer in &buyers {
        let times = checkouts / BUYERS;
        work.spawn(buy_and_return(
            buyer.clone(),
            id.clone(),
            times,
            done.clone(),
        ));
    }
    let most = checkouts / 6;
    let mut kills = kill_until_done(&mut server, &buyers, work, answered, most).await;
    assert_eq!(kills, most, "everybody was done before");
    let bought = done.load(Ordering::Relaxed);

    // The payout run, killed at once and again on its way.
    let base = server.url("");
    ada.goto(&format!("{base}/sandbox/onboarding")).await;
    ada.fill("#holder", "Ada A").await;
    ada.fill("#bank", "000123456789").await;
    ada.follow("#send-onboarding").await;
    let made = server.command(&["operator", "--unproven", "--email", "ada@test.example"]);
    assert!(made.status.success());
    ada.goto(&format!("{base}/operator")).await;
    ada.follow("#days-14").await;
    ada.follow("#sweep").await;
    for _ in 0..3 {
        server.kill_and_restart();
        kills += 1;
    }
    let base = server.url("");
    ada.see_calls_done(&base).await;
    let part = PRICE_MINOR - 150;
    ada.goto(&format!("{base}/money")).await;
    let transit = ada.attribute("#balance-in-transit", "data-minor").await;
    assert_eq!(transit, (part * BUYERS as i64).to_string(), "{kills} kills");
    let audited = server.command(&["books", "audit"]);
    let told = String::from_utf8_lossy(&audited.stderr).into_owned();
    assert!(audited.status.success(), "{kills} kills: {told}");
    let export = text(&server.command(&["books", "export", "--creator", "ada"]));
    let gross = schema::money::decimal(PRICE_MINOR * bought as i64);
    assert!(
        export.contains(&format!(",USD,{gross},")),
        "{bought} checkouts, {kills} kills: {export}"
    );
    eprintln!("{database:?}: {bought} checkouts, {kills} kills");
    ada.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_is_killed_while_it_sells_on_sqlite_loses_and_doubles_nothing() {
    killed(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_is_killed_while_it_sells_on_postgres_loses_and_doubles_nothing() {
    killed(Database::Postgres).await;
}
