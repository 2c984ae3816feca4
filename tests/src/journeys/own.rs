//! An owner makes pictures with values of their own, with and without scripts; before that a visitor tries it.

use super::{buy, submit_with};
use crate::harness::browser::Browser;
use crate::harness::server::{Database, Server};
use crate::harness::{PATIENCE, is_so, until};
use serde_json::json;

/// What must not be seen before the sale: the texts behind the labels, and the template.
const SEALED: [&str; 3] = ["grinning", "crying", "3d style"];

/// A listing with a closed and an open variable that visitors may try.
async fn list(browser: &Browser, base: &str) -> String {
    browser.sign_up(base, "ada").await;
    let template = "{mood} face, {thing}, 3d style";
    let listing = submit_with(browser, base, "4.00", template, async |browser| {
        browser.follow("#add-variable").await;
        browser.see("html[data-ready]").await;
        let second = ".variable:nth-of-type(2)";
        let at = |css: &str| format!("{second} {css}");
        browser
            .fill(&at("input[name=variable_name]"), "thing")
            .await;
        browser.click(&at("option[value=text]")).await;
        browser
            .fill(&at("input[name=variable_text]"), "red hat")
            .await;
        let most = at("input[name=variable_characters]");
        browser.fill(&most, "20").await;
        browser.click("#trial").await;
    })
    .await;
    browser.see(".listing__price").await;
    listing
}

async fn shows_nothing_sealed(browser: &Browser) {
    let source = browser.page.source().await.expect("a page");
    for text in SEALED {
        assert!(
            !source.contains(text),
            "{text} is in a page before the sale"
        );
    }
}

/// A visitor without account and without scripts has three tries.
async fn try_it(base: &str, listing: &str) {
    let visitor = Browser::open(false).await;
    visitor.goto(&format!("{base}{listing}")).await;
    let told = visitor.text("#values").await;
    assert!(told.contains("up to 20 characters"), "{told}");
    // What can be tried is chosen where it is tried, and stands there once.
    let offered = visitor.text("#try-it").await;
    assert!(
        offered.contains("One of these 2") && offered.contains("happy"),
        "{offered}"
    );
    assert!(!told.contains("happy"), "{told}");
    shows_nothing_sealed(&visitor).await;
    for left in (0..3).rev() {
        visitor
            .click("#try-form input[name=value_mood][value=sad]")
            .await;
        visitor.follow("#try").await;
        shows_nothing_sealed(&visitor).await;
        let told = visitor.text("#tries-left").await;
        let number = match left {
            0 => "used all your tries".to_owned(),
            1 => "One try left".to_owned(),
            many => format!("{many} tries left"),
        };
        assert!(told.contains(&number), "{told}");
    }
    // The page asks again by itself until they are made.
    visitor.see("#tries li[data-state=done]:nth-child(3)").await;
    visitor.see("#try[disabled]").await;
    let told = visitor.text("#tries").await;
    assert!(
        told.contains("not the sealed picture") && told.contains("mood: sad"),
        "{told}"
    );
    shows_nothing_sealed(&visitor).await;
    visitor.close().await;
}

/// Fetches a file with the browser's own session: its kind, its name, and how it begins.
async fn fetched(browser: &Browser, path: &str) -> (String, String, String) {
    let script = "const done = arguments[arguments.length - 1];
        fetch(arguments[0]).then(async answer => {
            const bytes = new Uint8Array(await answer.arrayBuffer());
            done([answer.headers.get('content-type'), answer.headers.get('content-disposition'), String.fromCharCode(...bytes.slice(0, 8))]);
        }, error => done(['' + error, '', '']));";
    let found = browser.page.execute_async(script, vec![json!(path)]).await;
    let found = found.expect("a file");
    let part = |at: usize| found[at].as_str().unwrap_or_default().to_owned();
    (part(0), part(1), part(2))
}

/// Waits until all of them are made: two are made at once, and the second may be done first.
async fn done(browser: &Browser, count: usize) {
    for number in 1..=count {
        let picture = format!("#own-run .own-picture[data-state=done]:nth-child({number})");
        browser.see(&picture).await;
    }
}

/// Another mood and an own thing, a labelled picture, a bare one after the word was given, and a print sheet.
async fn make_own(buyer: &Browser, base: &str, line: &str) {
    buyer.goto_ready(&format!("{base}{line}")).await;
    buyer
        .click("#own-form input[name=value_mood][value=sad]")
        .await;
    buyer
        .fill("#own-form input[name=value_thing]", "blue scarf")
        .await;
    buyer.fill("#own-count", "2").await;
    buyer.follow("#own-make").await;
    done(buyer, 2).await;
    buyer.see("html[data-ready]").await;
    let told = buyer.text("main").await;
    assert!(told.contains("mood: sad · thing: blue scarf"), "{told}");
    assert!(told.contains("not its sealed pictures"), "{told}");
    let labelled = buyer.attribute("#own-run .own-files a", "href").await;
    let (kind, name, begin) = fetched(buyer, &labelled).await;
    assert_eq!(kind, "image/png");
    assert!(name.contains("-own-1-labelled.png"), "{name}");
    assert!(begin.contains("PNG"), "{begin}");

    // Without a label the file is not there before the word is given.
    let bare = buyer.attribute("#own-run .own-bare", "href").await;
    let (kind, ..) = fetched(buyer, &bare).await;
    assert!(kind.starts_with("text/html"), "{kind}");
    buyer.follow("#own-run .own-bare").await;
    buyer.see("#unlabelled").await;
    buyer.follow("#acknowledge").await;
    assert!(buyer.text(".flash").await.contains("open to you now"));
    let (kind, name, _) = fetched(buyer, &bare).await;
    assert_eq!(kind, "image/png");
    assert!(name.contains("-own-1.png"), "{name}");

    let run = buyer.page.current_url().await.expect("an address");
    let sheet = format!(
        "{}/sheet?preset=sticker&paper=a4&picture=0&picture=1",
        run.path()
    );
    let (kind, name, begin) = fetched(buyer, &format!("{sheet}&format=pdf&page=1")).await;
    assert_eq!(kind, "application/pdf");
    assert!(
        name.contains("-sticker-a4-sheet.pdf") && begin.starts_with("%PDF-"),
        "{name}"
    );
    let (kind, ..) = fetched(buyer, &format!("{sheet}&format=png&page=1")).await;
    assert_eq!(kind, "image/png");

    // Once more with the same values: another run, and both in the history.
    buyer.follow("#own-run button[value=new]").await;
    done(buyer, 2).await;
    buyer.goto(&format!("{base}{line}/own")).await;
    buyer.see(".own-run:nth-child(2)").await;
    buyer.see_none(".own-run:nth-child(3)").await;
}

/// The same without scripts: what is refused comes back as it was typed, and a sealed picture is found equal.
async fn make_sealed_without_scripts(base: &str, line: &str) {
    let buyer = Browser::open(false).await;
    buyer.goto(&format!("{base}/sign-in")).await;
    buyer.fill("#email", "ben@test.example").await;
    buyer.fill("#password", "correct horse").await;
    buyer.follow("main form button[type=submit]").await;
    buyer.goto(&format!("{base}{line}/own")).await;
    buyer
        .click("#own-form input[name=value_mood][value=happy]")
        .await;
    // The browser keeps to the limit itself, so it is the number of pictures that is wrong.
    let thing = "#own-form input[name=value_thing]";
    buyer.fill(thing, "&quot;<b>\"hat").await;
    buyer.click("#own-form input[value=typed]").await;
    buyer
        .fill("#own-form input[name=typed_seed]", "seven")
        .await;
    buyer.follow("#own-make").await;
    assert!(buyer.text(".field-error").await.contains("whole number"));
    assert_eq!(buyer.attribute(thing, "value").await, "&quot;<b>\"hat");

    buyer.fill(thing, "red hat").await;
    buyer.click("#own-form input[value=sealed-0]").await;
    buyer.follow("#own-make").await;
    done(&buyer, 1).await;
    let told = buyer.text("#own-run .own-equal").await;
    assert!(
        told.contains("sealed picture 1, equal bit for bit"),
        "{told}"
    );
    buyer.close().await;
}

async fn own_values(database: Database) {
    let server = Server::start(database);
    let base = server.url("");
    let creator = Browser::open(true).await;
    let listing = list(&creator, &base).await;
    try_it(&base, &listing).await;

    let buyer = Browser::open(true).await;
    buyer.sign_up(&base, "ben").await;
    let line = buy(&buyer, &base, &listing).await;
    // Before it is opened there is nothing to make, and it is said where to open it.
    buyer.goto(&format!("{base}{line}/own")).await;
    buyer.follow("#open-recipe").await;
    make_own(&buyer, &base, &line).await;
    make_sealed_without_scripts(&base, &line).await;

    // The creator makes pictures as an owner does, and ends the tries.
    creator.goto(&format!("{base}/studio")).await;
    // What was published is a listing, and no draft beside it.
    creator.see_none("#drafts li").await;
    creator.see("#listings a[href^='/studio/drafts/']").await;
    creator.follow("form[action$=trial] button").await;
    creator.goto(&format!("{base}{listing}")).await;
    creator.see_none("#try-form").await;
    creator.goto(&format!("{base}/studio")).await;
    creator.follow("a[href$='/own']").await;
    creator.follow("#own-make").await;
    done(&creator, 4).await;
    until(PATIENCE, async || {
        let shown = creator.text("main").await;
        is_so(shown.contains("not its sealed pictures"), shown)
    })
    .await;
    creator.close().await;
    buyer.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_makes_their_own_and_a_visitor_tries_it_on_sqlite() {
    own_values(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_makes_their_own_and_a_visitor_tries_it_on_postgres() {
    own_values(Database::Postgres).await;
}
