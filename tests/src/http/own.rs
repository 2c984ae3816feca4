//! Own values and tries over HTTP: who is let in, what a form answers, and that nothing of a recipe is in it.

use super::strangers::list_something;
use crate::harness::client::Client;
use crate::harness::server::{Database, Server};

#[tokio::test]
async fn pages_of_own_values_are_their_owners_alone() {
    let server = Server::start(Database::Sqlite);
    let id = "01a00000-0000-7000-8000-000000000000";
    let pages = [
        format!("/library/{id}/own"),
        format!("/library/{id}/own/{id}"),
        format!("/library/{id}/own/{id}/progress"),
        format!("/library/{id}/own/{id}/pictures/0"),
        format!("/library/{id}/own/{id}/pictures/0-unlabelled"),
        format!("/library/{id}/own/{id}/sheet?format=pdf&preset=nails&paper=a4&picture=0"),
        format!("/library/{id}/unlabelled"),
        "/library/x/own".to_owned(),
        format!("/library/{id}/own/x"),
        format!("/library/{id}/own/{id}/pictures/x"),
        format!("/library/{id}/own/{id}/pictures/0-raw"),
    ];
    let visitor = Client::new(server.url(""));
    let member = Client::member(server.url(""), "ada").await;
    for page in &pages {
        assert_eq!(visitor.get(page).await.status, 401, "{page}");
        let answer = member.get(page).await;
        assert_eq!(answer.status, 404, "{page}");
    }
    for form in [
        format!("/library/{id}/own"),
        format!("/library/{id}/own/{id}/again"),
        format!("/library/{id}/own/{id}/remove"),
        format!("/library/{id}/unlabelled"),
    ] {
        assert_eq!(visitor.post(&form, &[]).await.status, 401, "{form}");
        assert_eq!(member.post(&form, &[]).await.status, 404, "{form}");
        let no_key = member.post(&form, &[("form_key", "")]).await;
        assert_eq!(no_key.status, 422, "{form}");
    }
    let stop = format!("/library/{id}/own/{id}/stop");
    assert_eq!(visitor.post(&stop, &[]).await.status, 401);
    assert_eq!(member.post(&stop, &[]).await.status, 404);
    let give_up = format!("/listings/fox/try/{id}/give-up");
    assert_eq!(visitor.post(&give_up, &[]).await.status, 404);
}

#[tokio::test]
async fn a_listing_is_tried_only_while_its_creator_wants_it_and_its_model_is_here() {
    let server = Server::start(Database::Postgres);
    list_something(&server);
    let visitor = Client::new(server.url(""));
    for _ in 0..2 {
        assert_eq!(visitor.get("/listings/fox/try").await.status, 404);
        assert_eq!(visitor.post("/listings/fox/try", &[]).await.status, 404);
    }
    server.sql("update listing set trial = true; update version set model = 'none'");
    let page = visitor.get("/listings/fox/try").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("cache-control"), "private, no-store");
    let shown = visitor.get("/listings/fox").await;
    assert!(shown.body.contains("id=\"try-form\""));
    let wrong = visitor
        .post("/listings/fox/try", &[("value_colour", "red")])
        .await;
    assert_eq!(wrong.status, 422, "it has no such variable");
    let wrong = visitor
        .post("/listings/fox/try", &[("form_key", "x")])
        .await;
    assert_eq!(wrong.status, 422);
    // The model of this listing is none of ours.
    let busy = visitor.post("/listings/fox/try", &[]).await;
    assert_eq!(busy.status, 503, "{}", busy.body);
    assert!(server.holds("not exists (select 1 from trial)"));
    assert!(shown.body.contains("id=\"model-away\""), "it says so");
    let listing = [("listing", super::strangers::LISTING)];
    assert_eq!(visitor.post("/cart/add", &listing).await.status, 303);
    let order = [("total", "1000"), ("email", "eve@test.example")];
    assert_eq!(visitor.post("/checkout", &order).await.status, 409);
    assert!(server.holds("not exists (select 1 from purchase)"));
    server.sql("update listing set state = 'withdrawn'");
    assert_eq!(visitor.get("/listings/fox/try").await.status, 410);
    assert_eq!(visitor.post("/listings/fox/try", &[]).await.status, 410);
    let strange = Client::member(server.url(""), "eve").await;
    let toggle = "/studio/listings/01900000-0000-7000-8000-000000000001/trial";
    assert_eq!(strange.post(toggle, &[("trial", "1")]).await.status, 404);
    assert_eq!(visitor.post(toggle, &[("trial", "1")]).await.status, 401);
}
