//! What axe, other people's accessibility checker, says about the shop's pages: nothing, best practices included.
//!
//! The one rule: a page that anybody reaches stands in a list here.

use super::{buy, publish};
use crate::harness::browser::Browser;
use crate::harness::server::{Database, Server, target};
use fantoccini::Locator;
use serde_json::Value;

/// What a visitor sees.
const PUBLIC: &[&str] = &[
    "/",
    "/explore",
    "/explore?q=mood",
    "/explore?q=zzzzzz",
    "/explore?category=stickers&kind=template",
    "/creators/ada",
    "/cart",
    "/sign-in",
    "/sign-up",
    "/account/link",
    "/how-it-works",
    "/licences",
    "/priority",
    "/no-such-page",
];
/// What a buyer sees.
const OWN: &[&str] = &[
    "/library",
    "/library?q=nothing",
    "/account",
    "/cart",
    "/account/confirm",
];
/// What a creator sees who is the operator, too.
const WORK: &[&str] = &[
    "/studio",
    "/money",
    "/money/coupons",
    "/money/sets",
    "/money/onboarding",
    "/operator",
    "/operator/background",
    "/operator/copies",
    "/operator/disputes",
    "/operator/inbox",
    "/operator/operations",
    "/operator/payouts",
    "/operator/reconciliation",
];

/// axe itself, as `cargo xtask test` unpacked it.
fn axe() -> String {
    let file = target().join("axe/axe_playwright_python/axe.min.js");
    let missing = format!("{}: run this by `cargo xtask test browser`", file.display());
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{missing}: {error}"))
}

/// What axe finds on the page that a browser shows.
async fn findings(browser: &Browser, axe: &str) -> Vec<String> {
    browser.page.execute(axe, Vec::new()).await.expect("axe");
    let script = "const done = arguments[arguments.length - 1];
        axe.run(document, { resultTypes: ['violations'] }).then(
            found => done(found.violations.flatMap(rule => rule.nodes.map(node => rule.id + ': ' + node.html.slice(0, 200)))),
            error => done(['' + error]));";
    let found = browser.page.execute_async(script, Vec::new()).await;
    let found = found.expect("an answer of axe");
    let list = found.as_array().cloned().unwrap_or_default();
    list.iter().map(Value::to_string).collect()
}

/// Looks at pages in the light and in the dark.
async fn look(browser: &Browser, base: &str, axe: &str, paths: &[&str]) -> Vec<String> {
    let mut all = Vec::new();
    for theme in ["light", "dark"] {
        browser.goto(base).await;
        let button = format!("footer button[value={theme}]");
        browser.follow(&button).await;
        for path in paths {
            browser.goto(&format!("{base}{path}")).await;
            let found = findings(browser, axe).await;
            all.extend(
                found
                    .into_iter()
                    .map(|one| format!("{path} ({theme}) {one}")),
            );
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_on_any_page() {
    let (server, axe) = (Server::start(Database::Sqlite), axe());
    let base = server.url("");
    let creator = Browser::open(true).await;
    let listing = publish(&creator, &base, "ada", "40.00").await;
    let buyer = Browser::open(true).await;
    buyer.sign_up(&base, "ben").await;
    let line = buy(&buyer, &base, &listing).await;
    let order = buyer.page.current_url().await.expect("an address");
    let order = order.path().to_owned();
    buyer.goto(&format!("{base}{line}")).await;
    let mut all = look(&buyer, &base, &axe, &[&line, &order]).await;
    buyer.goto(&format!("{base}{line}")).await;
    buyer.follow("#open-recipe").await;
    buyer.follow("#regenerate").await;
    buyer.see("#run[data-outcome=exact]").await;
    let run = buyer.page.current_url().await.expect("an address");
    let run = run.path().to_owned();
    let own = format!("{line}/own");
    let lines: Vec<&str> = [&*line, &run, &own]
        .into_iter()
        .chain(OWN.iter().copied())
        .collect();
    all.extend(look(&buyer, &base, &axe, &lines).await);
    buyer.close().await;

    let made = server.command(&["operator", "--unproven", "--email", "ada@test.example"]);
    assert!(made.status.success());
    creator.goto(&format!("{base}/studio")).await;
    let drafts = creator
        .page
        .find_all(Locator::Css("a[href^='/studio/drafts/']"))
        .await;
    let mut work: Vec<String> = WORK.iter().map(|path| (*path).to_owned()).collect();
    for draft in drafts.expect("a look") {
        work.extend(draft.attr("href").await.expect("an address"));
    }
    let work: Vec<&str> = work.iter().map(String::as_str).collect();
    all.extend(look(&creator, &base, &axe, &work).await);
    creator.close().await;

    let visitor = Browser::open(true).await;
    visitor.goto(&format!("{base}{listing}")).await;
    let proof = visitor
        .attribute(".listing__evidence a[href*='/proofs/']", "href")
        .await;
    let pages: Vec<&str> = [&*listing, &proof]
        .into_iter()
        .chain(PUBLIC.iter().copied())
        .collect();
    all.extend(look(&visitor, &base, &axe, &pages).await);
    visitor.close().await;
    assert!(all.is_empty(), "{}", all.join("\n"));
}
