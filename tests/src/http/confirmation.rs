//! What moves money asks for a password that was given lately: an open browser of an operator is not enough.

use crate::harness::client::Client;
use crate::harness::server::{Database, Server};

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_whose_password_was_given_long_ago_moves_no_money_before_giving_it_again() {
    let server = Server::start(Database::Postgres);
    let client = Client::member(server.url(""), "ada").await;
    assert_eq!(client.get("/operator").await.status, 404, "a member");
    let made = server.command(&["operator", "--unproven", "--email", "ada@test.example"]);
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

/// The rows of the table of forms that ask for a password: path, and whether the form itself has a field for it.
fn asking() -> Vec<(String, bool)> {
    let table = include_str!("../../../app/site/src/web/forms.rs");
    let rows = table.split("keyed(").skip(1).filter_map(|row| {
        let row = row.split(");").next()?.split("),").next()?;
        let path = row.split('"').nth(1)?;
        row.contains("Ask::Password")
            .then(|| (path.to_owned(), row.contains("Ask::PasswordInForm")))
    });
    rows.collect()
}

/// A path with a value for each name in braces.
fn filled(path: &str) -> String {
    let pieces = path.split('/').map(|piece| match piece.starts_with('{') {
        true => "any",
        false => piece,
    });
    pieces.collect::<Vec<_>>().join("/")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_form_that_touches_money_keys_or_bank_is_looked_at_without_the_password_given_lately() {
    let server = Server::start(Database::Postgres);
    let rows = asking();
    assert!(rows.len() > 25, "{rows:?}");
    let visitor = Client::new(server.url(""));
    let member = Client::member(server.url(""), "ada").await;
    server.sql("update session set confirmed_ms = null");
    for (path, in_form) in &rows {
        let path = filled(path);
        let nobody = visitor.post(&path, &[]).await;
        assert_eq!(nobody.status, 401, "{path}");
        let refused = member.post(&path, &[]).await;
        let expected = if path.starts_with("/operator/") {
            404
        } else {
            403
        };
        assert_eq!(refused.status, expected, "{path}: {}", refused.body);
        if *in_form {
            let wrong = member.post(&path, &[("password", "wrong horse")]).await;
            assert_ne!(wrong.status, 303, "{path} with a wrong password");
        }
    }
    assert!(
        !server.holds("exists (select 1 from payee)"),
        "no bank account was set"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_its_key_or_changed_after_it_was_sent_acts_on_nothing() {
    let server = Server::start(Database::Postgres);
    let member = Client::member(server.url(""), "ada").await;
    let without = member
        .post("/money/onboarding", &[("form_key", ""), ("country", "DE")])
        .await;
    assert_eq!(without.status, 422, "{}", without.body);
    let key = ("form_key", "0123456789abcdef0123456789abcdef");
    let coupon = |percent| {
        [
            key,
            ("code", "SPRING"),
            ("kind", "percent"),
            ("off", percent),
        ]
    };
    let first = member.post("/money/coupons", &coupon("20")).await;
    assert_eq!(first.status, 303, "{}", first.body);
    let again = member.post("/money/coupons", &coupon("20")).await;
    assert_eq!(
        (again.status, again.header("location")),
        (303, first.header("location")),
        "the first one's answer"
    );
    let changed = member.post("/money/coupons", &coupon("90")).await;
    assert_eq!(changed.status, 422, "{}", changed.body);
    assert!(server.holds("(select count(*) from coupon) = 1"));
    // What is refused is free again: the same page can be corrected and sent.
    let other = ("form_key", "fedcba9876543210fedcba9876543210");
    let wrong = [
        other,
        ("code", "AUTUMN"),
        ("kind", "percent"),
        ("off", "900"),
    ];
    assert_ne!(member.post("/money/coupons", &wrong).await.status, 303);
    let right = [other, ("code", "AUTUMN"), ("kind", "percent"), ("off", "9")];
    assert_eq!(member.post("/money/coupons", &right).await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_of_a_refused_form_leads_to_the_page_that_holds_it() {
    let server = Server::start(Database::Postgres);
    let visitor = Client::new(server.url(""));
    for (path, page) in [
        ("/checkout", "/cart"),
        ("/de/checkout", "/de/cart"),
        ("/zh/money/sales/x/refund", "/zh/money/sales/x"),
        ("/theme", "/"),
    ] {
        let answer = visitor.get(path).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, page),
            "{path}"
        );
    }
    let refused = visitor
        .post("/account/link", &[("email", "no address")])
        .await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.body.contains("href=\"/de/account/link\""),
        "{}",
        refused.body
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_for_a_mailed_link_learns_nothing_about_the_address() {
    let server = Server::start(Database::Postgres);
    Client::member(server.url(""), "ada").await;
    let visitor = Client::new(server.url(""));
    let mut answers = Vec::new();
    for email in ["ada@test.example", "nobody@test.example"] {
        let answer = visitor.post("/account/link", &[("email", email)]).await;
        answers.push((
            answer.status,
            answer.header("location").to_owned(),
            answer.body,
        ));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0].0, 303);
    assert!(server.holds("(select count(*) from mail_token where purpose = 'claim') = 1"));
    for email in [
        "ada@@example.com",
        "<ada@example.org>",
        "ada,bob@example.com",
        "x1<victim@example.com>",
        "ada@example.com>",
    ] {
        let refused = visitor.post("/account/link", &[("email", email)]).await;
        assert_eq!(refused.status, 422, "{email}");
    }
    let gone = visitor
        .get("/account/claim/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
        .await;
    assert_eq!(gone.status, 410);
    assert!(gone.body.contains("send-link"), "a way to another one");
}
