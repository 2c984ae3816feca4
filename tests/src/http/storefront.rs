//! A listing's page and what leads on from it: its creator, its pictures, a report and its receipt.

use super::strangers::list_something;
use crate::harness::client::Client;
use crate::harness::server::{Database, Server};

#[tokio::test]
async fn a_listing_leads_to_its_creator_and_category_and_says_what_one_gets() {
    let server = Server::start(Database::Postgres);
    list_something(&server);
    let visitor = Client::new(server.url(""));
    for (path, said) in [
        ("/listings/fox", "Return it unopened for 14 days"),
        ("/de/listings/fox", "Ungeöffnet 14 Tage lang"),
        ("/zh/listings/fox", "未打开可在 14 天内退回"),
    ] {
        let page = visitor.get(path).await;
        assert!(page.body.contains(said), "{path}");
    }
    let page = visitor.get("/listings/fox").await.body;
    for link in [
        "/creators/maker",
        "/explore?category=faces",
        "/listings/fox/report",
    ] {
        assert!(page.contains(&format!("href=\"{link}\"")), "{link}");
    }
    let creator = visitor.get("/creators/maker").await;
    assert!(creator.body.contains("Fox in the snow") && creator.body.contains("1 listing"));
    for nobody in ["/creators/kim", "/creators/%00", "/creators/maker'--"] {
        assert_eq!(visitor.get(nobody).await.status, 404, "{nobody}");
    }
    server.sql("update listing set price_minor = 0");
    let free = visitor.get("/listings/fox").await.body;
    assert!(
        !free.contains("14 days") && free.contains("A gift"),
        "nothing goes back that cost nothing"
    );
}

#[tokio::test]
async fn whoever_only_buys_is_not_shown_what_creators_need() {
    let server = Server::start(Database::Sqlite);
    let member = Client::member(server.url(""), "ada").await;
    let page = member.get("/how-it-works").await.body;
    assert!(!page.contains("href=\"/money\"") && page.contains("Start selling"));
    member.post("/studio/drafts", &[]).await;
    let page = member.get("/how-it-works").await.body;
    assert!(page.contains("href=\"/money\"") && !page.contains("Start selling"));
}

#[tokio::test]
async fn pictures_have_only_the_addresses_that_pages_name() {
    let server = Server::start(Database::Sqlite);
    let visitor = Client::new(server.url(""));
    let name = "ab".repeat(32);
    for path in [
        format!("/pictures/{name}-128-en.webp"),
        format!("/pictures/{name}-127-en.webp"),
        format!("/pictures/{name}-128-fr.png"),
        "/pictures/../keys/log".to_owned(),
        "/pictures/x".to_owned(),
    ] {
        assert_eq!(visitor.get(&path).await.status, 404, "{path}");
    }
    for font in ["bricolage-grotesque-700.1", "instrument-sans.1"] {
        let font = visitor.get(&format!("/fonts/{font}.woff2")).await;
        assert_eq!(font.status, 200);
        assert!(font.header("cache-control").contains("immutable"));
    }
    // What is missing may be a file of the next release: nobody keeps that it is missing.
    for path in ["/fonts/none.woff2", "/assets/style.ffffffffffff.css"] {
        let missing = visitor.get(path).await;
        assert_eq!(missing.status, 404, "{path}");
        assert_eq!(missing.header("cache-control"), "no-store", "{path}");
    }
    assert_eq!(visitor.get("/site.webmanifest").await.status, 200);
}

#[tokio::test]
async fn a_report_is_answered_with_a_receipt_that_says_how_it_stands() {
    let server = Server::start(Database::Postgres);
    list_something(&server);
    let visitor = Client::new(server.url(""));
    let form = "/listings/fox/report";
    let missing = visitor
        .post(form, &[("reason", ""), ("details", "mine")])
        .await;
    assert_eq!(missing.status, 422);
    assert!(
        missing.body.contains("Choose a reason.") && missing.body.contains(">mine</textarea>")
            || missing.body.contains("mine</textarea>"),
        "what was written is kept"
    );
    let fields = [
        ("reason", "copied_listing"),
        ("details", "It is <b>mine</b>, of last year."),
    ];
    let sent = visitor.post(form, &fields).await;
    assert_eq!(sent.status, 303, "{}", sent.body);
    let receipt = sent.header("location").to_owned();
    let page = visitor.get(&receipt).await;
    assert!(
        page.body.contains("Copied from another listing")
            && page.body.contains("waiting for a person")
    );
    assert!(
        !page.body.contains("of last year"),
        "what was written is for whoever decides"
    );
    assert!(server.holds(
        "exists (select 1 from report where person_id is null and reason = 'copied_listing')"
    ));
    assert_eq!(visitor.get("/reports/AAAA-AAAA-AAAA").await.status, 404);
    let gone = visitor.post("/listings/nothing/report", &fields).await;
    assert_eq!(gone.status, 404);
}
