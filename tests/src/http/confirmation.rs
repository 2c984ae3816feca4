//! What moves money asks for a password that was given lately: an open browser of an operator is not enough.

use crate::harness::client::Client;
use crate::harness::server::{Database, Server};

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_whose_password_was_given_long_ago_moves_no_money_before_giving_it_again() {
    let server = Server::start(Database::Postgres);
    let client = Client::member(server.url(""), "ada").await;
    assert_eq!(client.get("/operator").await.status, 404, "a member");
    let made = server.command(&["operator", "--email", "ada@test.example"]);
    assert!(made.status.success());
    let fresh = client.post("/operator/sweep", &[]).await;
    assert_eq!(fresh.status, 303, "signing up a moment ago counts");
    server.sql("update session set confirmed_ms = confirmed_ms - 600001");
    let desk = client.get("/operator/payouts").await;
    assert!(desk.body.contains("confirm-first"), "{}", desk.body);
    for path in [
        "/operator/sweep",
        "/operator/withdraw",
        "/operator/payouts/any",
        "/operator/operations/any/by-hand",
        "/operator/operations/any/again",
        "/operator/disputes/any",
        "/operator/disputes/any/accept",
        "/operator/reconciliation/suspense",
        "/operator/coupons",
        "/operator/coupons/any/end",
    ] {
        let refused = client.post(path, &[("slug", "any")]).await;
        assert_eq!(refused.status, 403, "{path}: {}", refused.body);
        assert!(refused.body.contains("to-confirm"), "{path}: a way on");
    }
    let batch = client.get("/operator/payouts/batch.csv").await;
    assert_eq!(batch.status, 403, "bank details are not shown either");
    let page = client.get("/account/confirm?next=/operator").await;
    assert_eq!(page.status, 200);
    let wrong = client
        .post(
            "/account/confirm",
            &[("password", "wrong horse"), ("next", "/operator")],
        )
        .await;
    assert_eq!(wrong.status, 422);
    let away = [
        ("password", "correct horse"),
        ("next", "//elsewhere.example"),
    ];
    let right = client.post("/account/confirm", &away).await;
    assert_eq!((right.status, right.header("location")), (303, "/account"));
    assert_eq!(client.post("/operator/sweep", &[]).await.status, 303);
}
