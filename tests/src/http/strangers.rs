//! The whole way of a stranger who signs up with somebody else's address, over HTTP: until that somebody opens the mailed link, and after.

use crate::harness::client::Client;
use crate::harness::server::{Database, Server};
use crate::harness::{PATIENCE, is_so, until};

pub(super) const LISTING: &str = "01900000-0000-7000-8000-000000000001";
const VERSION: &str = "01900000-0000-7000-8000-000000000002";

/// A listing of another creator, as far as a sale needs it: of no model, so that every shop may sell it.
pub(super) fn list_something(server: &Server) {
    let sql = format!(
        "insert into person (id, email, email_folded, address_folded, handle, password_hash, role, created_ms)
            values ('maker', 'maker@test.example', 'maker@test.example', 'maker@test.example', 'maker', 'x', 'member', 1);
        insert into log_leaf (leaf_hash, origin, kind, digest, key_hash, leaf, queued_ms)
            values (repeat('a', 64), 'elsewhere', 1, repeat('a', 64), 'k', 'x', 1), (repeat('b', 64), 'elsewhere', 6, repeat('b', 64), 'k', 'x', 1);
        insert into secret (id, wrapped_key, ciphertext, created_ms) values ('s', 'w', 'c', 1);
        insert into listing (id, slug, person_id, title, description, category, language, price_minor, licence, state, created_ms, published_ms, sales)
            values ('{LISTING}', 'fox', 'maker', 'Fox in the snow', '', 'faces', 'en', 1000, 'standard-1', 'live', 1, 1, 0);
        insert into version (id, listing_id, state, secret_id, model, profile, scheduler, steps, width, height, variables, creator_key, leaf_hash, listing_leaf_hash, listing_statement, created_ms)
            values ('{VERSION}', '{LISTING}', 'live', 's', '', 'portable-1', 's', 1, 1, 1, '{{}}', 'k', repeat('a', 64), repeat('b', 64), '{{}}', 1);
        update listing set version_id = '{VERSION}' where id = '{LISTING}';
        insert into anchor (version_id, idx, blob, labelled_blob, pixel_blake3, pixel_sha256, width, height) values ('{VERSION}', 0, 'b', 'l', 'p', 'p', 1, 1)"
    );
    server.sql(&sql);
}

/// A visitor buys it with this address.
async fn buy(server: &Server, email: &str) -> Client {
    let visitor = Client::new(server.url(""));
    let added = visitor.post("/cart/add", &[("listing", LISTING)]).await;
    assert_eq!(added.status, 303);
    let placed = visitor
        .post("/checkout", &[("total", "1000"), ("email", email)])
        .await;
    let payment = placed.header("location").to_owned();
    assert!(
        payment.starts_with("/sandbox/payments/"),
        "{} {payment}",
        placed.status
    );
    let page = visitor.get(&payment).await;
    assert!(
        page.body.contains("Fox in the snow"),
        "what is paid for is named"
    );
    let card = [("card", "4242424242424242"), ("country", "US")];
    let paid = visitor.post(&payment, &card).await;
    let order = paid.header("location").to_owned();
    until(PATIENCE, async || {
        let receipt = visitor.get(&order).await.body;
        is_so(receipt.contains("data-state=\"paid\""), receipt)
    })
    .await;
    visitor
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_up_with_anothers_address_neither_gets_what_they_buy_nor_leaves_a_bank_behind() {
    let server = Server::start(Database::Postgres);
    list_something(&server);
    let stranger = Client::member(server.url(""), "vic").await;
    stranger
        .post("/money/onboarding", &[("country", "DE")])
        .await;
    let bank = [("holder", "Mallory"), ("bank", "000123456789")];
    assert_eq!(
        stranger.post("/sandbox/onboarding", &bank).await.status,
        303
    );
    assert!(server.holds("exists (select 1 from payee)"));

    let victim = buy(&server, "vic@test.example").await;
    let library = stranger.get("/library").await;
    assert!(
        !library.body.contains("Fox in the snow"),
        "bought by somebody else"
    );
    // The link that proves an address does so in its account's own session alone: a click does not let a stranger in.
    let proving = server.mailed("prove").await;
    assert_eq!(victim.post(&proving, &[]).await.status, 401);
    assert!(server.holds("not exists (select 1 from person where proven_ms is not null)"));

    let link = server.mailed("claim").await;
    let chosen = [("password", "a long night by the lake")];
    let claimed = victim.post(&link, &chosen).await;
    assert_eq!(claimed.status, 303, "{}", claimed.body);
    assert!(
        victim
            .get("/library")
            .await
            .body
            .contains("Fox in the snow")
    );
    assert_eq!(stranger.get("/account").await.status, 401);
    assert!(server.holds("not exists (select 1 from payee)"));
    let again = [("email", "vic@test.example"), ("password", "correct horse")];
    assert_ne!(stranger.post("/sign-in", &again).await.status, 303);
    assert_eq!(
        victim.post(&link, &chosen).await.status,
        410,
        "a link works once"
    );

    // On a shared computer the next visitor finds nobody signed in by an address.
    let next = Client::new(server.url(""));
    assert_eq!(next.get("/library").await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_known_once_its_own_session_opened_the_mailed_link() {
    let server = Server::start(Database::Postgres);
    list_something(&server);
    let owner = Client::member(server.url(""), "vic").await;
    assert!(owner.get("/account").await.body.contains("id=\"unproven\""));
    let operator = ["operator", "--email", "vic@test.example"];
    let refused = server.command(&operator);
    assert!(
        !refused.status.success(),
        "anybody may have signed up with it"
    );
    let link = server.mailed("prove").await;
    assert_eq!(owner.get(&link).await.status, 200);
    assert_eq!(owner.post(&link, &[]).await.status, 303);
    assert!(!owner.get("/account").await.body.contains("id=\"unproven\""));
    assert_eq!(owner.post(&link, &[]).await.status, 303, "a double click");
    assert!(server.command(&operator).status.success());
    // What is bought with the address in another browser is theirs at once.
    buy(&server, "VIC@test.example").await;
    assert!(owner.get("/library").await.body.contains("Fox in the snow"));
}
