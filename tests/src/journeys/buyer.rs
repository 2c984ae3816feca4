//! A buyer without account finds two recipes, checks one, buys both, makes an account of the mailed link, reproduces one, makes a picture
//! of their own and gives the other back; in three languages, with and without scripts.

use super::{another, publish};
use crate::harness::browser::Browser;
use crate::harness::server::{Database, Server, seedmark, text};
use fantoccini::Locator;

/// A buyer's browser and the shop in their language.
struct Visitor<'a> {
    browser: Browser,
    base: &'a str,
    /// Before every path; empty for English.
    prefix: &'static str,
    scripts: bool,
}

impl Visitor<'_> {
    async fn goto(&self, path: &str) {
        let prefix = if path.starts_with(self.prefix) {
            ""
        } else {
            self.prefix
        };
        self.browser
            .goto(&format!("{}{prefix}{path}", self.base))
            .await;
    }

    async fn count(&self, css: &str) -> usize {
        let found = self.browser.page.find_all(Locator::Css(css)).await;
        found.expect(css).len()
    }

    async fn query(&self) -> String {
        let url = self.browser.page.current_url().await.expect("an address");
        url.query().unwrap_or_default().to_owned()
    }

    /// Narrows the list by a facet, goes back, and narrows it by another and by words; the address says all of it.
    async fn find(&self) {
        self.goto("/explore").await;
        assert_eq!(self.count("main .listing-card").await, 2);
        let facet = "a.facet__choice[href*='category=faces']";
        self.browser.follow(facet).await;
        assert!(self.query().await.contains("category=faces"));
        assert_eq!(self.count("main .listing-card").await, 1);
        self.browser.see(".chips .chip--off").await;
        self.browser.page.back().await.expect("a way back");
        self.browser.see_none(".chips .chip--off").await;
        assert_eq!(self.count("main .listing-card").await, 2);
        self.browser
            .follow("a.facet__choice[href*='creator=ada']")
            .await;
        self.browser
            .fill(".top__search input[name=q]", "mood")
            .await;
        self.browser.follow(".top__go").await;
        let query = self.query().await;
        assert!(
            query.contains("q=mood") && query.contains("creator=ada"),
            "{query}"
        );
        assert_eq!(self.count("main .listing-card").await, 1);
        self.browser.see("main .listing-card mark").await;
        let told = self.browser.text(".explore__count").await;
        assert!(told.contains('1'), "{told}");
    }

    /// The page and the proof tell what is sealed and nothing of it; the public bundle holds as far as it goes.
    async fn check(&self, listing: &str) {
        self.goto(listing).await;
        let source = self.browser.page.source().await.expect("a page");
        assert!(!source.contains("grinning"), "the prompt is in the page");
        self.browser
            .follow(".listing__evidence a[href*='/proofs/']")
            .await;
        self.browser.see("#verdict[data-holds=true]").await;
        assert_eq!(self.count(".timeline__step").await, 3);
        let path = self.browser.attribute("#public-bundle", "href").await;
        let shop = ledger::client::Remote::new(self.base).expect("an address");
        let bundle = shop.text(path.trim_start_matches('/')).expect("a bundle");
        assert!(!bundle.contains("grinning"));
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("public.seedmark");
        std::fs::write(&file, bundle).expect("written");
        let verified = seedmark(&["verify", &file.to_string_lossy()], folder.path());
        let told = text(&verified);
        assert!(
            verified.status.success() && told.contains("sealed: this is a public bundle"),
            "{told}"
        );
    }

    async fn pay(&self, card: &str) {
        self.browser.fill("#card", card).await;
        self.browser.follow("#pay").await;
    }

    /// Two sellers' recipes with one's coupon and a country's tax; a declined card keeps the cart.
    async fn buy(&self, listings: [&str; 2]) {
        let browser = &self.browser;
        for listing in listings {
            self.goto(listing).await;
            browser.follow("#add-to-cart").await;
        }
        browser.click(".coupon summary").await;
        browser.fill("#coupon", "ada20").await;
        browser.follow("#apply-coupon").await;
        let told = browser.text("#coupon-counts").await;
        assert!(told.contains("ADA20") && told.contains("ada"), "{told}");
        browser.click("#prices-for option[value=DE]").await;
        browser.follow("#prices-for button").await;
        self.goto("/cart").await;
        browser.see("#tax").await;
        browser.fill("#email", "ben@test.example").await;
        browser.follow("#checkout").await;
        self.pay("4000 0000 0000 0002").await;
        browser.see(".field-error").await;
        self.goto("/cart").await;
        assert_eq!(self.count(".till__items .row").await, 2);
        browser.follow("#open-orders a").await;
        browser.follow("#pay-order").await;
        self.pay("4242 4242 4242 4242").await;
        browser.see("#order[data-state=paid]").await;
        browser.see("#mailed").await;
        assert_eq!(self.count("#order .row").await, 2);
    }

    /// The mailed link makes an account; both recipes are in its library.
    async fn claim(&self, server: &Server) {
        let link = server.mailed("claim").await;
        self.browser.goto(&format!("{}{link}", self.base)).await;
        self.browser.fill("#password", "correct horse").await;
        self.browser.follow("#claim").await;
        self.goto("/library").await;
        assert_eq!(self.count(".listing-card").await, 2);
        self.goto("/library?q=nothing-is-called-so").await;
        assert_eq!(self.count(".listing-card").await, 0);
    }

    /// The address of the line whose seller this is.
    async fn line_of(&self, seller: &str) -> String {
        self.goto(&format!("/library?q={seller}&state=unopened"))
            .await;
        assert_eq!(self.count(".listing-card").await, 1, "{seller}'s");
        self.browser.attribute(".listing-card__link", "href").await
    }

    async fn open_and_reproduce(&self) {
        let line = self.line_of("ada").await;
        self.goto(&line).await;
        self.browser.follow("#open-recipe").await;
        if self.scripts {
            self.browser.see("#own-check[data-state=holds]").await;
        }
        assert!(self.browser.text(".template").await.contains("{mood} face"));
        self.browser.follow("#regenerate").await;
        self.browser.see("#run[data-outcome=exact]").await;
        self.goto(&line).await;
        self.browser
            .click("#own-form input[name=value_mood][value=sad]")
            .await;
        self.browser.follow("#own-make").await;
        self.browser
            .see("#own-run .own-picture[data-state=done]")
            .await;
        self.browser.see("#own-run .own-files a").await;
    }

    async fn give_back(&self) {
        let line = self.line_of("eve").await;
        self.goto(&line).await;
        self.browser.follow("#return").await;
        self.goto("/library?state=refunded").await;
        assert_eq!(self.count(".listing-card").await, 1);
    }
}

async fn story(database: Database, prefix: &'static str, scripts: bool) {
    let server = Server::start(database);
    let base = server.url("");
    let mut listings = Vec::new();
    for name in ["ada", "eve"] {
        let creator = Browser::open(true).await;
        let listing = match name {
            "ada" => publish(&creator, &base, name, "40.00").await,
            _ => another(&creator, &base, name, "40.00").await,
        };
        listings.push(listing);
        if name == "ada" {
            creator.goto(&format!("{base}/money/coupons")).await;
            creator.fill("#code", "ada20").await;
            creator.fill("#off", "20").await;
            creator.follow("#make-coupon").await;
            creator.see("#coupons li").await;
        }
        creator.close().await;
    }
    let visitor = Visitor {
        browser: Browser::open(scripts).await,
        base: &base,
        prefix,
        scripts,
    };
    visitor.find().await;
    visitor.check(&listings[0]).await;
    visitor.buy([&listings[0], &listings[1]]).await;
    visitor.claim(&server).await;
    visitor.open_and_reproduce().await;
    visitor.give_back().await;
    let audited = server.command(&["books", "audit"]);
    let told = String::from_utf8_lossy(&audited.stderr).into_owned();
    assert!(audited.status.success(), "{told}");
    visitor.browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_gets_from_looking_around_to_a_picture_of_their_own_in_english() {
    story(Database::Sqlite, "", true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_gets_from_looking_around_to_a_picture_of_their_own_in_german() {
    story(Database::Postgres, "/de", true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_gets_from_looking_around_to_a_picture_of_their_own_in_chinese_without_scripts() {
    story(Database::Sqlite, "/zh", false).await;
}
