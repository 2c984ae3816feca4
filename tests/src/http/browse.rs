//! Looking around over HTTP: what is asked stands in the address, what is found is on sale, and programs read the same lists.

use super::strangers::list_something;
use crate::harness::client::Client;
use crate::harness::server::{Database, Server};
use crate::harness::{PATIENCE, is_so, until};

const TITLE: &str = "Fox in the snow";

/// Waits until a page shows the listing, or until it does not.
async fn shows(visitor: &Client, path: &str, wanted: bool) {
    let seen = async || {
        let page = visitor.get(path).await;
        is_so(
            page.status == 200 && page.body.contains(TITLE) == wanted,
            format!("{path}: {} {}", page.status, page.body),
        )
    };
    until(PATIENCE, seen).await;
}

#[tokio::test]
async fn a_listing_is_found_in_three_languages_and_by_programs_and_nowhere_once_it_is_withdrawn() {
    {
        // Rows are written with SQL in PostgreSQL alone.
        let server = Server::start(Database::Postgres);
        list_something(&server);
        let visitor = Client::new(server.url(""));
        let everywhere = [
            "/explore?q=snow+FOX",
            "/explore?q=fxo+snow",
            "/de/explore?q=Fuchs",
            "/zh/explore?q=%E7%8B%90%E7%8B%B8",
            "/explore?category=faces&price=paid&kind=fixed&licence=standard-1&language=en",
            "/explore?q=%40maker",
            "/explore?creator=maker&sort=sales&since=",
            "/explore.atom?q=fox",
        ];
        for path in everywhere {
            shows(&visitor, path, true).await;
        }
        for path in ["/explore?q=walrus", "/explore?q=fox&category=food"] {
            let page = visitor.get(path).await;
            assert!(!page.body.contains(TITLE), "{path}");
        }
        let way = visitor.get("/explore?q=fox&category=food").await;
        assert!(way.body.contains("Without Food"), "{}", way.body);

        let offered = visitor.get("/explore/suggest?q=fo").await;
        assert!(offered.body.contains(TITLE), "{}", offered.body);
        let map = visitor.get("/sitemap.xml").await;
        let file = map.find("(/sitemaps/listings/[0-9a-f-]+.xml)");
        assert!(visitor.get(&file).await.body.contains("/listings/fox<"));
        let feed = visitor.get("/explore.atom?q=fox").await;
        let known = ("if-none-match", feed.header("etag"));
        let again = visitor.get_with("/explore.atom?q=fox", known).await;
        assert_eq!(again.status, 304);
        assert_eq!(visitor.get("/explore.atom?colour=red").await.status, 400);

        server.sql("update listing set state = 'withdrawn'");
        for path in everywhere {
            let page = visitor.get(path).await;
            assert!(!page.body.contains(TITLE), "at once: {path}");
        }
        assert!(!visitor.get(&file).await.body.contains("/listings/fox<"));
    }
}

#[tokio::test]
async fn a_file_that_is_no_picture_is_refused_by_name() {
    let server = Server::start(Database::Sqlite);
    let visitor = Client::new(server.url(""));
    shows(&visitor, "/explore", false).await;
    let ready = async || {
        let answer = visitor.upload("/explore/picture", "picture", b"GIF89a".to_vec());
        let answer = answer.await;
        is_so(answer.status == 422, answer.status)
    };
    until(PATIENCE, ready).await;
    let large = visitor.upload("/explore/picture", "picture", vec![0; 6 * 1024 * 1024 + 1]);
    assert_eq!(large.await.status, 422);
    let other = visitor.upload("/explore/picture", "other", b"x".to_vec());
    assert_eq!(other.await.status, 422);
    assert_eq!(visitor.get("/explore/picture").await.status, 303);
}

#[tokio::test]
async fn whoever_types_words_of_their_own_is_offered_what_the_model_was_shown() {
    let server = Server::start(Database::Sqlite);
    let visitor = Client::new(server.url(""));
    let offered = async |query: &str| {
        let path = format!("/explore/suggest?of=things&{query}");
        let answer = visitor.get(&path).await.body;
        serde_json::from_str::<Vec<String>>(&answer).expect(&answer)
    };
    assert!(offered("in=en&q=pand").await.contains(&"panda".to_owned()));
    assert!(
        offered("in=de&q=tomat")
            .await
            .contains(&"Tomate".to_owned())
    );
    assert!(
        offered("in=zh&q=%E7%86%8A")
            .await
            .iter()
            .any(|name| name.contains('熊'))
    );
    let short = offered("in=de&q=ste&most=5").await;
    assert!(!short.is_empty() && short.iter().all(|name| name.chars().count() <= 5));
    let long = format!("in=en&q={}", "panda".repeat(100));
    for nothing in ["in=en&q=", "in=xx&q=%00", "in=en&q=qqqq", &long] {
        let path = format!("/explore/suggest?of=things&{nothing}");
        let answer = visitor.get(&path).await;
        assert!(
            answer.body == "[]" || answer.status == 422,
            "{nothing}: {}",
            answer.body
        );
    }
}
