//! A shop that is killed again and again while people buy, return and are paid: nothing is lost, and nothing happens twice.
//!
//! `SEEDMARK_KILL_CHECKOUTS=1000` takes so many checkouts; the usual run has fewer.

use super::publish;
use crate::harness::browser::Browser;
use crate::harness::client::Client;
use crate::harness::server::{Database, Server, text};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const BUYERS: usize = 6;
const CHECKOUTS: usize = 60;
const PRICE_MINOR: i64 = 1000;

/// Asks until there is an answer.
async fn page(client: &Client, path: &str) -> crate::harness::client::Answer {
    loop {
        if let Some(answer) = client.try_get(path).await
            && answer.status < 500
        {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Sends the same form until there is an answer; its key makes the repetition harmless.
async fn form(
    client: &Client,
    path: &str,
    fields: &[(&str, &str)],
) -> crate::harness::client::Answer {
    loop {
        if let Some(answer) = client.try_post(path, fields).await
            && answer.status < 500
        {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Buys once, whatever happens to the server meanwhile, and returns the line's path in the library.
async fn buy(client: &Client, listing: &str) -> String {
    let added = form(client, "/cart/add", &[("listing", listing)]).await;
    assert_eq!(added.status, 303, "{}", added.body);
    let cart = page(client, "/cart").await;
    let key = cart.find(r#"name="form_key" value="([0-9a-f]+)""#);
    let placed = form(
        client,
        "/checkout",
        &[("form_key", &key), ("total", "1000")],
    )
    .await;
    assert_eq!(placed.status, 303, "{}", placed.body);
    let mut location = placed.header("location").to_owned();
    if let Some(order) = location.strip_prefix("/orders/") {
        // The answer to the first try was lost: the order is there, and its payment is opened from its page.
        let pay = form(client, &format!("/orders/{order}/pay"), &[]).await;
        location = pay.header("location").to_owned();
    }
    if location.starts_with("/sandbox/payments/") {
        let path = location.split('?').next().unwrap_or_default().to_owned();
        let paid = form(
            client,
            &path,
            &[("card", "4242424242424242"), ("country", "US")],
        )
        .await;
        location = paid.header("location").to_owned();
    }
    assert!(location.starts_with("/orders/"), "{location}");
    loop {
        let order = page(client, &location).await;
        if order.body.contains("data-state=\"paid\"") {
            return order.find(r#"href="(/library/[^"]+)""#);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn buyer(client: Arc<Client>, listing: String, times: usize, done: Arc<AtomicUsize>) {
    for number in 0..times {
        let line = buy(&client, &listing).await;
        done.fetch_add(1, Ordering::Relaxed);
        // All but the last go back, so that the same thing can be bought again.
        if number + 1 < times {
            let back = form(&client, &format!("{line}/cancel"), &[]).await;
            assert!(
                matches!(back.status, 303 | 409 | 410),
                "{} {}",
                back.status,
                back.body
            );
        }
    }
}

/// Kills and restarts at random moments until everybody is done.
async fn kill_until_done(
    server: &mut Server,
    clients: &[Arc<Client>],
    work: tokio::task::JoinSet<()>,
    limit: usize,
) -> usize {
    let mut work = work;
    let mut kills = 0;
    let mut pause_ms = 700u64;
    loop {
        let pause = tokio::time::sleep(Duration::from_millis(pause_ms));
        tokio::pin!(pause);
        let all_done = loop {
            tokio::select! {
                () = &mut pause, if kills < limit => break false,
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
        for client in clients {
            client.move_to(server.url(""));
        }
        // A different moment each time, the same in every run.
        pause_ms = 300 + (pause_ms * 7919) % 1700;
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
    let mut clients = Vec::new();
    for number in 0..BUYERS {
        let client = Client::member(server.url(""), &format!("buyer{number}")).await;
        clients.push(Arc::new(client));
    }
    let id = clients[0]
        .get(&listing)
        .await
        .find(r#"name="listing" value="([^"]+)""#);
    let done = Arc::new(AtomicUsize::new(0));
    let mut work = tokio::task::JoinSet::new();
    for client in &clients {
        let times = checkouts / BUYERS;
        work.spawn(buyer(client.clone(), id.clone(), times, done.clone()));
    }
    let mut kills = kill_until_done(&mut server, &clients, work, checkouts / 6).await;
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
    for _ in 0..400 {
        ada.goto(&format!("{base}/operator")).await;
        if ada.attribute("#operations", "data-open").await == "0" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
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
