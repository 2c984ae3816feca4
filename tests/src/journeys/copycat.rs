//! Somebody buys a recipe and submits it as their own: a person looks, and the log says who was first.

use super::{buy, publish, submit};
use crate::harness::browser::Browser;
use crate::harness::client::Client;
use crate::harness::server::{Database, Server};

/// Makes an account that may open the operator's pages.
async fn operator(server: &Server, browser: &Browser, name: &str) {
    browser.sign_up(&server.url(""), name).await;
    let email = format!("{name}@test.example");
    assert!(
        server
            .command(&["operator", "--unproven", "--email", &email])
            .status
            .success()
    );
}

/// The leaf that a live listing's page leads to.
async fn leaf_of(browser: &Browser, base: &str, listing: &str) -> String {
    browser.goto(&format!("{base}{listing}")).await;
    let href = browser
        .attribute(".listing__evidence a.button", "href")
        .await;
    let (_, leaf) = href.rsplit_once('/').expect("a proof's address");
    leaf.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bought_recipe_that_is_submitted_again_waits_for_a_person_and_the_log_says_who_was_first()
{
    let server = Server::start(Database::Sqlite);
    let base = server.url("");
    let (ada, ben, eve) = (
        Browser::open(true).await,
        Browser::open(true).await,
        Browser::open(false).await,
    );
    let first = publish(&ada, &base, "ada", "3.00").await;
    let first_leaf = leaf_of(&ada, &base, &first).await;
    ben.sign_up(&base, "ben").await;
    let line = buy(&ben, &base, &first).await;
    ben.goto(&format!("{base}{line}")).await;
    ben.follow("#open-recipe").await;
    // The same words with seeds of his own: other pictures, and the same recipe.
    let copy = submit(&ben, &base, "2.50").await;
    ben.see("#in-review").await;
    let page = ben.page.source().await.expect("a page");
    // As a word, since an id in hexadecimal may well hold these three letters.
    let mut words = page.split(|letter: char| !letter.is_alphanumeric());
    assert!(
        !page.contains(&first_leaf) && words.all(|word| word != "ada"),
        "he learns nothing about what it resembles"
    );
    let visitor = Client::new(server.url(""));
    assert_eq!(visitor.get(&copy).await.status, 404, "it is not on sale");

    operator(&server, &eve, "eve").await;
    eve.goto(&format!("{base}/operator")).await;
    eve.follow("#to-copies").await;
    eve.follow("#copies a").await;
    let evidence = eve.text(".compare__match").await;
    assert!(
        evidence.contains("ada") && evidence.contains("100 %") && !evidence.contains("never"),
        "whose it is, how alike, and that it was bought: {evidence}"
    );
    let case = eve.page.current_url().await.expect("an address");
    // The one whose recipe was copied is an operator too, and neither judge nor reader of the other's text.
    assert!(
        server
            .command(&["operator", "--unproven", "--email", "ada@test.example"])
            .status
            .success()
    );
    ada.goto(case.as_str()).await;
    assert!(ada.page.source().await.expect("a page").contains("403"));
    eve.follow("#refuse").await;
    eve.see(".empty").await;
    ben.goto(&format!("{base}{copy}")).await;
    let told = ben.text(".field-error").await;
    assert!(told.contains("copy of a listing"), "{told}");
    eve.goto(case.as_str()).await;
    eve.follow(".compare__match a.button").await;
    let verdict = eve.text("#verdict").await;
    assert!(verdict.contains("was logged first"), "{verdict}");
    assert_eq!(
        eve.attribute("[data-first=true] h2 a", "href").await,
        first,
        "ada's stands in front"
    );
    for browser in [ada, ben, eve] {
        browser.close().await;
    }
}
