//! Signed webhooks at the running server, delivered by the stand-in for Stripe: what is stored, what is refused, and how a half-set
//! configuration is told.

use crate::harness::server::{Database, Server};
use fake_stripe::FakeStripe;
use fake_stripe::webhooks::{Endpoint, sign};
use std::time::{SystemTime, UNIX_EPOCH};

fn now_s() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(now.expect("after 1970").as_secs()).expect("a time")
}

async fn post(url: &str, header: &str, body: &str) -> u16 {
    let request = reqwest::Client::new().post(url).body(body.to_owned());
    let sent = request.header("Stripe-Signature", header).send().await;
    sent.expect("an answer").status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_webhooks_are_stored_once_and_nothing_else_is() {
    let fake = FakeStripe::start(0, now_s()).await.expect("a port");
    let mut server = Server::start(Database::Postgres);
    let half = server.refuses_to_start_with("SEEDMARK_STRIPE_SECRET_KEY", "sk_test_1");
    assert!(
        half.contains("SEEDMARK_STRIPE_WEBHOOK_SECRET") && !half.contains("sk_test_1"),
        "what is missing, and no secret: {half}"
    );
    server.set("SEEDMARK_STRIPE_SECRET_KEY", "sk_test_1");
    server.set("SEEDMARK_STRIPE_WEBHOOK_SECRET", "whsec_old,whsec_platform");
    server.set("SEEDMARK_STRIPE_CONNECT_WEBHOOK_SECRET", "whsec_connect");
    server.set("SEEDMARK_STRIPE_URL", &fake.url);
    server.start_again();
    let (platform, connect) = (
        server.url("/webhooks/stripe"),
        server.url("/webhooks/stripe/connect"),
    );
    let body = r#"{"id":"evt_1","object":"event","type":"product.created","created":1,"livemode":false,"data":{"object":{"id":"prod_1"}}}"#;
    let good = sign("whsec_platform", now_s(), body);
    for (url, header, body, expected) in [
        (&platform, &good, body, 200),
        (&platform, &good, body, 200),
        (&platform, &sign("whsec_old", now_s(), body), body, 200),
        (&platform, &sign("whsec_other", now_s(), body), body, 400),
        (
            &platform,
            &sign("whsec_platform", now_s() - 400, body),
            body,
            400,
        ),
        (&platform, &good, "{}", 400),
        (&connect, &good, body, 400),
        (&connect, &sign("whsec_connect", now_s(), body), body, 400),
        (&platform, &String::new(), body, 400),
    ] {
        assert_eq!(post(url, header, body).await, expected, "{url} {header}");
    }
    assert!(
        server.holds("count(*) = 1 and min(state) = 'ignored' from provider_event"),
        "told three times, stored once, and nothing of the others"
    );
    // A database that fails is no reason to say "stored": the provider tells it again.
    let later = body.replace("evt_1", "evt_2");
    let signed = sign("whsec_platform", now_s(), &later);
    server.sql("alter table provider_event rename to provider_event_away");
    assert_eq!(post(&platform, &signed, &later).await, 500);
    server.sql("alter table provider_event_away rename to provider_event");
    assert_eq!(post(&platform, &signed, &later).await, 200);
    assert!(server.holds("count(*) = 2 from provider_event"));
    // What others mistook for news: the fact is told by the refund's and the reversal's own answers.
    for (id, kind) in [("evt_3", "charge.refunded"), ("evt_4", "transfer.reversed")] {
        let told = body.replace("evt_1", id).replace("product.created", kind);
        let signed = sign("whsec_platform", now_s(), &told);
        assert_eq!(post(&platform, &signed, &told).await, 200, "{kind}");
    }
    assert!(server.holds("count(*) = 4 from provider_event where state = 'ignored'"));
    // As large as the module allows, and no larger.
    for (id, length, expected) in [("evt_5", 600_000, 200), ("evt_6", 1_100_000, 413)] {
        let padding = "x".repeat(length);
        let large = body.replace("evt_1", id).replace(
            "\"id\":\"prod_1\"",
            &format!("\"id\":\"prod_1\",\"description\":\"{padding}\""),
        );
        let signed = sign("whsec_platform", now_s(), &large);
        assert_eq!(post(&platform, &signed, &large).await, expected, "{length}");
    }
    // What the stand-in itself tells, to the endpoint that it belongs to.
    let account = {
        let mut world = fake.world();
        world.seller("DE")
    };
    fake.world().onboard(&account, "000123456789");
    let endpoints = [
        Endpoint {
            url: platform,
            secret: "whsec_platform".into(),
            connect: false,
        },
        Endpoint {
            url: connect,
            secret: "whsec_connect".into(),
            connect: true,
        },
    ];
    let events: Vec<_> = fake.world().events.clone();
    assert!(!events.is_empty());
    for event in &events {
        let status = fake
            .deliver(event, &endpoints, now_s())
            .await
            .expect("sent");
        assert_eq!(status, Some(200), "{event}");
    }
    let stored = format!(
        "count(*) = {} from provider_event where account = '{account}' and body is not null",
        events.len()
    );
    assert!(server.holds(&stored), "with the raw body");
}
