//! The server over HTTP: statuses, headers, rights, forms, and what must never be in a page.

mod background;
mod browse;
mod confirmation;
mod earlier;
mod health;
mod limits;
mod own;
mod prices;
mod small;
mod starting;
mod storefront;
mod strangers;
mod studio;
mod till;
mod webhooks;

use crate::harness::client::Client;
use crate::harness::server::{Database, Server};
use crate::harness::{PATIENCE, is_so, until};

const PUBLIC: &[&str] = &[
    "/",
    "/explore",
    "/how-it-works",
    "/licences",
    "/sign-in",
    "/sign-up",
    "/cart",
    "/de",
    "/de/explore",
    "/zh",
    "/zh/how-it-works",
];
const PRIVATE: &[&str] = &[
    "/account",
    "/studio",
    "/library",
    "/money",
    "/sandbox/onboarding",
];

#[tokio::test]
async fn public_pages_answer_with_safe_headers_and_no_inline_style() {
    let server = Server::start(Database::Sqlite);
    let visitor = Client::new(server.url(""));
    for path in PUBLIC {
        let answer = visitor.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        let policy = answer.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'")
                && policy.contains("'nonce-")
                && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe-inline"), "{path}");
        let title = answer.find("<title>(.*?)</title>");
        assert!(title.ends_with(" · Seedmark"), "{path}: {title}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert!(
            !answer.body.contains(" style="),
            "{path} holds a style attribute"
        );
        assert!(
            !answer.body.contains("{$") && !answer.body.contains("{ $"),
            "{path} shows an unfilled variable"
        );
    }
    let german = visitor.get("/de/explore").await;
    assert!(german.body.contains("<html lang=\"de\"") && german.body.contains("Stöbern"));
    let health = visitor.get("/healthz").await;
    assert!(
        health.status == 200 && health.body.contains("\"status\":\"ok\""),
        "{}",
        health.body
    );
}

#[tokio::test]
async fn pages_of_an_account_ask_visitors_to_sign_in_and_the_operators_desk_does_not_exist_for_members()
 {
    let server = Server::start(Database::Sqlite);
    let visitor = Client::new(server.url(""));
    for path in PRIVATE {
        assert_eq!(visitor.get(path).await.status, 401, "{path}");
    }
    let member = Client::member(server.url(""), "ada").await;
    for path in PRIVATE {
        assert_eq!(member.get(path).await.status, 200, "{path}");
    }
    for path in [
        "/operator",
        "/nothing",
        "/listings/no-such-thing",
        "/library/x",
        "/orders/00000000-0000-7000-8000-000000000000",
        "/proofs/00",
        "/media/../keys/log",
    ] {
        assert_eq!(member.get(path).await.status, 404, "{path}");
    }
    assert_eq!(
        member
            .post("/operator/clock", &[("days", "7")])
            .await
            .status,
        404
    );
    assert!(
        server
            .command(&["operator", "--unproven", "--email", "ada@test.example"])
            .status
            .success()
    );
    assert_eq!(member.get("/operator").await.status, 200);
}

#[tokio::test]
async fn forms_from_other_sites_too_large_or_wrong_are_refused() {
    let server = Server::start(Database::Sqlite);
    let member = Client::member(server.url(""), "ada").await;
    for site in ["cross-site", "same-site"] {
        assert_eq!(
            member
                .post_with("/sign-out", ("sec-fetch-site", site), &[])
                .await
                .status,
            403,
            "{site}"
        );
    }
    assert_eq!(
        member
            .post_with("/sign-out", ("origin", "https://evil.example"), &[])
            .await
            .status,
        403
    );
    assert_eq!(member.get("/account").await.status, 200, "still signed in");
    let large = "x".repeat(600 * 1024);
    let huge = "x".repeat(26 * 1024 * 1024);
    for (path, sent) in [
        ("/de/sign-in", &large),
        ("/de/account/link", &large),
        ("/de/explore/picture", &huge),
    ] {
        let answer = member.post(path, &[("email", sent)]).await;
        assert_eq!(answer.status, 413, "{path}");
        assert!(answer.body.contains("Zu groß"), "{path}");
    }
    let visitor = Client::new(server.url(""));
    let answer = visitor
        .post(
            "/sign-up",
            &[
                ("email", "nobody"),
                ("handle", "ok-name"),
                ("password", "short"),
            ],
        )
        .await;
    assert_eq!(answer.status, 422);
    assert!(
        answer.body.contains("value=\"ok-name\"") && answer.body.contains("aria-invalid=\"true\""),
        "what was typed stays"
    );
    assert_eq!(
        visitor.get("/explore?sort=odd").await.status,
        400,
        "an unknown value is refused by name"
    );
    let hop = visitor
        .post(
            "/sign-in",
            &[
                ("email", "ada@test.example"),
                ("password", "correct horse"),
                ("next", "//evil.example"),
            ],
        )
        .await;
    assert_eq!(
        (hop.status, hop.header("location")),
        (303, "/"),
        "only paths of ours are followed"
    );
}

#[tokio::test]
async fn sign_in_is_limited() {
    let server = Server::start(Database::Sqlite);
    let visitor = Client::new(server.url(""));
    let mut last = 0;
    for _ in 0..12 {
        last = visitor
            .post(
                "/sign-in",
                &[("email", "ada@test.example"), ("password", "wrong horse")],
            )
            .await
            .status;
    }
    assert_eq!(last, 429);
}

#[tokio::test]
async fn a_draft_is_checked_stored_and_generated_without_scripts_and_survives_a_kill() {
    for database in [Database::Sqlite, Database::Postgres] {
        let mut server = Server::start(database);
        let ada = Client::member(server.url(""), "ada").await;
        let created = ada.post("/studio/drafts", &[]).await;
        assert_eq!(created.status, 303);
        let draft = created.header("location").to_owned();
        let fields = |template: &'static str, definition: &'static str| {
            vec![
                ("template", template),
                ("negative", ""),
                ("variable_name", "mood"),
                ("variable_kind", "choice"),
                ("variable_choices", definition),
                ("steps", "4"),
                ("guidance", "3"),
                ("title", "Moods"),
                ("description", ""),
                ("category", "faces"),
                ("licence", "standard-1"),
                ("price", "3.00"),
            ]
        };
        for (template, definition, expected) in [
            ("{mood} and {nope}", "a = b, c = d", "has no variable"),
            ("plain", "a = b, c = d", "is not used"),
            ("{mood", "a = b, c = d", "has no partner"),
            ("{mood}", "a", "2 to 64 items"),
        ] {
            let answer = ada.post(&draft, &fields(template, definition)).await;
            assert!(
                answer.status == 422 && answer.body.contains(expected),
                "{template} {definition}: {} {expected}",
                answer.status
            );
        }
        let long = "cat dog horse cow sheep pig goat hen duck goose turkey mouse rat lion tiger bear wolf fox deer elk moose bison yak cat dog horse cow sheep pig goat hen {mood}";
        assert!(
            ada.post(&draft, &fields(long, "a, b"))
                .await
                .body
                .contains("takes 32 tokens"),
            "{database:?}"
        );
        assert_eq!(
            ada.post(
                &draft,
                &fields("{mood} face, 3d style", "happy = grinning, sad = crying")
            )
            .await
            .status,
            303
        );
        assert_eq!(
            ada.post(
                &format!("{draft}/generate"),
                &[("value_mood", "bored"), ("count", "1")]
            )
            .await
            .status,
            422
        );
        let mut sized = fields("{mood} face, 3d style", "happy = grinning, sad = crying");
        sized.push(("size", "99x99"));
        let answer = ada.post(&draft, &sized).await;
        assert!(
            answer.status == 422 && answer.body.contains("not one of the choices"),
            "{database:?}: {}",
            answer.status
        );
        sized.pop();
        sized.push(("size", "128x128"));
        assert_eq!(ada.post(&draft, &sized).await.status, 303);
        let queued = ada
            .post(
                &format!("{draft}/generate"),
                &[("value_mood", "sad"), ("seed", "7"), ("count", "4")],
            )
            .await;
        assert_eq!(queued.status, 303, "{}", queued.body);
        let typed = finished_picture(&ada, &draft).await;
        let refused = ada.get(&format!("{draft}/seal?picture={typed}")).await;
        assert!(
            refused.status == 422 && refused.body.contains("typed seed"),
            "{database:?}: a typed seed is not sold"
        );
        let explored = [("value_mood", "sad"), ("count", "4"), ("explore", "9")];
        let explored = ada.post(&format!("{draft}/generate"), &explored).await;
        assert_eq!(explored.status, 303, "{}", explored.body);
        let shown = ada.get(&draft).await.body;
        assert_eq!(
            shown.matches("class=\"gallery__item").count(),
            4 + 9,
            "{database:?}: one press explores nine seeds"
        );
        // Killed in the middle of the work: the next process takes the jobs up once their leases run out, at the latest.
        server.kill_and_restart();
        let ada = Client::new(server.url(""));
        assert_eq!(
            ada.post(
                "/sign-in",
                &[("email", "ada@test.example"), ("password", "correct horse")]
            )
            .await
            .status,
            303
        );
        let page = ada.get(&draft).await;
        assert!(
            page.status == 200
                && page.body.contains("grinning")
                && page.body.contains("/studio/pictures/"),
            "{database:?}"
        );
        let eve = Client::member(server.url(""), "eve").await;
        assert_eq!(eve.get(&draft).await.status, 404, "a draft is its owner's");
        let progress =
            page.find("(/studio/pictures/[0-9a-f-]+/progress|/studio/pictures/[0-9a-f-]+/file)");
        assert_eq!(eve.get(&progress).await.status, 404, "so are its pictures");
    }
}

#[tokio::test]
async fn the_log_is_served_for_strangers() {
    let server = Server::start(Database::Sqlite);
    let visitor = Client::new(server.url(""));
    let key = visitor.get("/log/vkey").await;
    let verifier = ledger::note::Verifier::parse(key.body.trim()).expect("a verifier key");
    let checkpoint = visitor.get("/log/checkpoint").await;
    assert_eq!(
        checkpoint.header("content-type"),
        "text/plain; charset=utf-8"
    );
    assert_eq!(
        ledger::checkpoint::Checkpoint::open(&checkpoint.body, &verifier)
            .expect("a signed checkpoint")
            .size,
        0
    );
    for path in [
        "/log/tile/0/000",
        "/log/staging/x",
        "/log/lock",
        "/log/tile",
        "/log/tile/0",
        "/log/tile/0/x001",
        "/log/tile/0/000.p",
        "/log/../keys/log",
        "/log/tile/..%2f..%2fkeys/log",
    ] {
        let missing = visitor.get(path).await;
        assert_eq!(missing.status, 404, "{path}");
        // Programs read this; a page costs them three kilobytes.
        if path.starts_with("/log/tile") || path.starts_with("/log/staging") {
            assert!(missing.body.len() < 100, "{path}: {}", missing.body);
            assert_eq!(missing.header("access-control-allow-origin"), "*", "{path}");
        }
    }
    for path in ["/log/vkey", "/log/checkpoint"] {
        let answer = visitor.get(path).await;
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
    }
    let tag = checkpoint.header("etag");
    let request = reqwest::Client::new()
        .get(server.url("/log/checkpoint"))
        .header("if-none-match", tag)
        .send()
        .await
        .expect("an answer");
    assert_eq!(request.status().as_u16(), 304, "{tag}");
    assert_eq!(request.headers()["etag"], tag);
    let health: serde_json::Value =
        serde_json::from_str(&visitor.get("/healthz").await.body).expect("JSON");
    assert_eq!(
        (&health["parts"]["log"]["state"], &health["log_waits"]),
        (&"ok".into(), &().into())
    );
}

#[tokio::test]
async fn health_says_that_the_log_cannot_write_and_that_it_can_again() {
    let server = Server::start(Database::Sqlite);
    let visitor = Client::new(server.url(""));
    let health = async |waits_for: serde_json::Value| {
        until(PATIENCE, async || {
            let answer = visitor.get("/healthz").await;
            let told: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
            match told["log_waits"]["for"] == waits_for {
                true => Ok((answer.status, told)),
                false => Err(format!("the log does not wait for {waits_for}: {told}")),
            }
        })
        .await
    };
    let nobody = serde_json::Value::Null;
    assert_eq!(health(nobody.clone()).await.0, 200);
    // The public checkpoint cannot be put in its place again.
    let place = server.folder.path().join("log/checkpoint");
    std::fs::remove_file(&place).expect("removed");
    std::fs::create_dir(&place).expect("in the way");
    let (status, told) = health("folder".into()).await;
    let log = &told["parts"]["log"]["state"];
    assert_eq!((status, log), (503, &"failing".into()), "{told}");
    std::fs::remove_dir(&place).expect("removed");
    let (status, told) = health(nobody).await;
    assert_eq!(status, 200, "{told}");
}

/// The id of a picture that the workers finished.
async fn finished_picture(client: &Client, draft: &str) -> String {
    let value = regex::Regex::new("value=\"([0-9a-f-]+)\"").expect("a pattern");
    until(PATIENCE, async || {
        let page = client.get(draft).await;
        is_so(
            page.body.contains("name=\"picture\""),
            "no picture was finished",
        )?;
        let input = page.find("(<input[^>]*name=\"picture\"[^>]*>)");
        Ok(value.captures(&input).expect("an id")[1].to_owned())
    })
    .await
}
