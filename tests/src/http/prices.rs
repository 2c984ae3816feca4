//! Prices as buyers read them: with the tax of their country, from the first page to the invoice.

use super::strangers::{LISTING, list_something};
use crate::harness::client::Client;
use crate::harness::server::{Database, Server};
use crate::harness::{PATIENCE, is_so, until};

#[tokio::test]
async fn a_price_shows_its_tax_from_the_first_page_to_the_invoice() {
    let server = Server::start(Database::Postgres);
    list_something(&server);
    let visitor = Client::new(server.url(""));
    // 10.00, and nobody knows of which country.
    for path in ["/", "/explore?q=fox", "/listings/fox"] {
        let seen = async || {
            let page = visitor.get(path).await;
            {
                let found = page.body.contains("$10.00") && !page.body.contains("being prepared");
                is_so(found, format!("{path}: {}", page.body))
            }
        };
        until(PATIENCE, seen).await;
    }
    let page = visitor.get("/listings/fox").await;
    assert!(page.body.contains("Plus tax"), "it is said");

    let german = visitor
        .get_with("/de/listings/fox", ("accept-language", "de-DE,de;q=0.9"))
        .await;
    assert!(
        german.body.contains("11,90") && german.body.contains("inkl. 19 % Steuer (Deutschland)"),
        "by the browser's language"
    );

    let chosen = visitor
        .post("/country", &[("country", "AT"), ("next", "/explore")])
        .await;
    assert_eq!(
        (chosen.status, chosen.header("location")),
        (303, "/explore")
    );
    for path in ["/", "/explore", "/explore?q=fox&max=12", "/listings/fox"] {
        let page = visitor.get(path).await;
        assert!(page.body.contains("$12.00"), "{path}");
    }
    let below = visitor.get("/explore?max=11.99").await;
    assert!(
        !below.body.contains("Fox in the snow"),
        "whoever reads prices with tax asks for prices with tax"
    );
    visitor.post("/cart/add", &[("listing", LISTING)]).await;
    let cart = visitor.get("/cart").await;
    assert!(
        cart.body.contains("$12.00")
            && cart.body.contains("of which tax 20 % (Austria)")
            && cart.body.contains("$2.00")
    );

    let fields = [("total", "1000"), ("email", "kim@test.example")];
    let placed = visitor.post("/checkout", &fields).await;
    let payment = placed.header("location").to_owned();
    let page = visitor.get(&payment).await;
    assert!(
        page.body.contains("$12.00"),
        "the payment begins with the same sum"
    );
    // Another country than the one on the page: nobody is charged a sum that they have not seen.
    let card = ("card", "4242424242424242");
    let moved = [card, ("country", "DE"), ("seen", "AT")];
    let asked = visitor.post(&payment, &moved).await;
    assert_eq!(
        asked.header("location"),
        format!("{payment}?country=DE&repriced=1")
    );
    let again = visitor.get(asked.header("location")).await.body;
    assert!(again.contains("$11.90") && again.contains("id=\"repriced\""));
    assert!(server.holds("not exists (select 1 from purchase where state = 'paid')"));
    let shown = [("country", "DE"), ("seen", "AT"), ("change", "1")];
    let only_shown = visitor.post(&payment, &shown).await;
    assert!(only_shown.header("location").contains("?country=DE"));
    let order = visitor
        .post(&payment, &[card, ("country", "AT"), ("seen", "AT")])
        .await;
    let order = order.header("location").to_owned();
    let paid = async || {
        let receipt = visitor.get(&order).await.body;
        match receipt.contains("data-state=\"paid\"") {
            true => Ok(receipt),
            false => Err(receipt),
        }
    };
    let receipt = until(PATIENCE, paid).await;
    assert!(receipt.contains("Tax 20 % (Austria)") && receipt.contains("$12.00"));
    until(PATIENCE, async || {
        let sold = server.holds("exists (select 1 from listing where sales = 1)");
        is_so(sold, "the sale is not counted")
    })
    .await;
    let invoice = visitor.get(&format!("{order}/invoice.pdf")).await;
    assert!(
        invoice.body.contains("Tax 20 % (Austria)")
            && invoice.body.contains("Buyer's country")
            && invoice
                .header("content-disposition")
                .contains("SM-000001.pdf"),
        "{}",
        invoice.body
    );

    let elsewhere = visitor.post("/country", &[("country", "XX")]).await;
    assert_eq!(elsewhere.status, 303);
    let page = visitor
        .get_with("/listings/fox", ("accept-language", "de-DE"))
        .await;
    assert!(
        page.body.contains("$10.00"),
        "a choice counts before a guess"
    );
}
