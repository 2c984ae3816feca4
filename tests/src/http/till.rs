//! Orders that were left, and what costs nothing: the ways on, and whose they are.

use super::strangers::{LISTING, list_something};
use crate::harness::client::Client;
use crate::harness::server::{Database, Server};

/// Puts the listing into the cart, orders it, and returns the order's path.
async fn left_order(buyer: &Client) -> String {
    buyer.post("/cart/add", &[("listing", LISTING)]).await;
    let placed = buyer.post("/checkout", &[("total", "1000")]).await;
    let payment = placed.header("location").to_owned();
    assert!(payment.contains("/sandbox/payments/"), "{payment}");
    let cart = buyer.get("/cart").await;
    let open = cart.find("<ul[^>]*id=\"open-orders\".*?href=\"(/orders/[^\"]*)\"");
    assert!(open.starts_with("/orders/"), "{}", cart.body);
    open
}

#[tokio::test]
async fn an_order_that_was_left_says_what_it_is_of_and_is_paid_or_cancelled_by_its_buyer_alone() {
    let server = Server::start(Database::Postgres);
    list_something(&server);
    let ada = Client::member(server.url(""), "ada").await;
    let kim = Client::member(server.url(""), "kim").await;
    let order = left_order(&ada).await;
    let cart = ada.get("/cart").await.body;
    let (_, open) = cart.split_once("open-orders").expect("open orders");
    let (open, _) = open.split_once("</ul>").expect("its end");
    assert!(open.contains("Fox in the snow"), "{open}");
    let cancel = format!("{order}/cancel");
    let stranger = kim.post(&cancel, &[]).await;
    assert_eq!(stranger.status, 404);
    let nobody = Client::new(server.url("")).post(&cancel, &[]).await;
    assert_ne!(nobody.header("location"), order, "{}", nobody.status);
    assert!(server.holds("exists (select 1 from purchase where state = 'open')"));

    let ended = ada.post(&cancel, &[]).await;
    assert_eq!((ended.status, ended.header("location")), (303, &*order));
    let page = ada.get(&order).await.body;
    assert!(page.contains("You cancelled this order"), "{page}");
    assert!(!page.contains("id=\"pay-order\""));
    // Late and twice lead to the same page.
    for late in [cancel, format!("{order}/pay")] {
        let answer = ada.post(&late, &[]).await;
        assert_eq!(answer.header("location"), order, "{late}");
    }
    assert!(!ada.get("/cart").await.body.contains("open-orders"));
}

#[tokio::test]
async fn an_order_of_what_was_bought_meanwhile_ends_instead_of_being_paid() {
    let server = Server::start(Database::Postgres);
    list_something(&server);
    let ada = Client::member(server.url(""), "ada").await;
    let order = left_order(&ada).await;
    server.sql("update listing set price_minor = 0");
    ada.post("/cart/remove", &[("listing", LISTING)]).await;
    let page = ada.get("/listings/fox").await.body;
    assert!(page.contains("id=\"take\""), "{page}");
    let taken = ada.post("/listings/fox/take", &[]).await;
    let line = taken.header("location").to_owned();
    assert!(line.starts_with("/library/"), "{line}");
    let again = ada.post("/listings/fox/take", &[]).await;
    assert_eq!(again.header("location"), line, "it is owned once");
    let paid = ada.post(&format!("{order}/pay"), &[]).await;
    assert_eq!(paid.header("location"), order);
    let page = ada.get(&order).await.body;
    assert!(page.contains("You own something in it already"), "{page}");
    assert!(server.holds("(select count(*) from purchase_line where state = 'owned') = 1"));
}

#[tokio::test]
async fn only_what_costs_nothing_is_taken_and_only_by_whoever_is_signed_in() {
    let server = Server::start(Database::Postgres);
    list_something(&server);
    let ada = Client::member(server.url(""), "ada").await;
    let priced = ada.post("/listings/fox/take", &[]).await;
    assert_eq!(priced.header("location"), "/listings/fox");
    assert_eq!(ada.post("/listings/none/take", &[]).await.status, 404);
    server.sql("update listing set price_minor = 0");
    let visitor = Client::new(server.url(""));
    let page = visitor.get("/listings/fox").await.body;
    assert!(page.contains("id=\"add-to-cart\"") && !page.contains("id=\"take\""));
    let refused = visitor.post("/listings/fox/take", &[]).await;
    assert!(
        refused.header("location").contains("/sign-in") || refused.status == 401,
        "{}",
        refused.status
    );
    server.sql("update listing set state = 'withdrawn'");
    assert_eq!(ada.post("/listings/fox/take", &[]).await.status, 404);
    assert!(server.holds("not exists (select 1 from purchase_line)"));
}

#[tokio::test]
async fn the_way_into_a_visitors_purchase_is_mailed_and_nowhere_on_a_page() {
    let server = Server::start(Database::Postgres);
    list_something(&server);
    server.sql("update listing set price_minor = 0");
    let visitor = Client::new(server.url(""));
    visitor.post("/cart/add", &[("listing", LISTING)]).await;
    let email = ("email", "nele@test.example");
    let bought = visitor.post("/checkout", &[("total", "0"), email]).await;
    let order = bought.header("location").to_owned();
    assert!(order.starts_with("/orders/"), "{order} {}", bought.body);
    let page = visitor.get(&order).await.body;
    assert!(page.contains("id=\"mailed\""), "{page}");
    assert!(
        !page.contains("nele@test.example"),
        "whose it is now is theirs to say"
    );
    assert!(!page.contains("open-mail"), "that is a demo's");
    let asked = visitor.post(&format!("{order}/mail"), &[]).await;
    assert_eq!(asked.status, 404);
    let stranger = Client::new(server.url(""));
    let stranger = stranger.post(&format!("{order}/mail"), &[]).await;
    assert!(!stranger.header("location").contains("/account/claim"));
}
