//! Limits: whom they count together, what they leave open, and when to come again.

use crate::harness::client::{Answer, Client};
use crate::harness::server::{Database, Server};

/// What the counter of one network address allows in a quarter of an hour.
const ALLOWED: usize = 100;

/// Asks for a mailed link, as from behind a proxy.
async fn ask(client: &Client, from: &str, number: usize) -> Answer {
    let email = format!("nobody{number}@test.example");
    let fields = [("email", email.as_str())];
    client
        .post_with("/account/link", ("x-forwarded-for", from), &fields)
        .await
}

#[tokio::test]
async fn behind_a_named_proxy_each_visitor_has_limits_of_their_own() {
    let mut server = Server::start(Database::Sqlite);
    server.stop();
    server.set("SEEDMARK_TRUSTED_PROXIES", "127.0.0.1, ::1");
    server.start_again();
    let client = Client::new(server.url(""));
    for number in 0..ALLOWED {
        let answer = ask(&client, "198.51.100.1", number).await;
        assert_ne!(answer.status, 429, "{number}");
    }
    let refused = ask(&client, "1.2.3.4, 198.51.100.1", ALLOWED).await;
    assert_eq!(refused.status, 429);
    let wait: u64 = refused.header("retry-after").parse().expect("seconds");
    assert!((1..=900).contains(&wait), "{wait}");
    assert_ne!(ask(&client, "198.51.100.2", 1000).await.status, 429);
    // One machine has as many addresses of its /64 as it likes.
    for number in 0..ALLOWED {
        let from = format!("2001:db8::{number:x}");
        assert_ne!(ask(&client, &from, 2000 + number).await.status, 429);
    }
    assert_eq!(ask(&client, "2001:db8::ffff", 3000).await.status, 429);
}

#[tokio::test]
async fn a_header_that_anybody_can_write_opens_no_limit() {
    let server = Server::start(Database::Sqlite);
    let client = Client::new(server.url(""));
    for number in 0..ALLOWED {
        let from = format!("198.51.100.{number}");
        assert_ne!(ask(&client, &from, number).await.status, 429, "{number}");
    }
    assert_eq!(ask(&client, "198.51.100.200", 1000).await.status, 429);
}

#[tokio::test]
async fn coupons_cannot_be_guessed_by_trying() {
    let server = Server::start(Database::Sqlite);
    let client = Client::new(server.url(""));
    let mut refused = None;
    for number in 0..60 {
        let code = format!("GUESS{number}");
        let answer = client.post("/cart/coupon", &[("code", &code)]).await;
        if answer.status == 429 {
            refused = Some((number, answer));
            break;
        }
    }
    let (number, answer) = refused.expect("it is refused at last");
    assert!((20..=50).contains(&number), "{number}");
    assert!(!answer.header("retry-after").is_empty());
    // Taking a code out again is no guess.
    let cleared = client.post("/cart/coupon", &[("code", "")]).await;
    assert_eq!(cleared.status, 303);
}
