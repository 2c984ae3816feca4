//! Money in the browser: a cart over two sellers with a coupon and a guest, a card that is declined, a refund because it does not
//! regenerate, a dispute, and a payout that the bank sends back.

use super::{publish, submit_as};
use crate::harness::browser::Browser;
use crate::harness::server::{Database, Server};
use crate::harness::{PATIENCE, is_so, until};

async fn pay(browser: &Browser, card: &str) {
    browser.fill("#card", card).await;
    browser.follow("#pay").await;
}

/// A guest buys from two sellers with one of their coupons, and keeps the purchase by a link in a mail.
async fn guest_buys(server: &Server, base: &str, first: &str, second: &str) -> Browser {
    let guest = Browser::open(true).await;
    for listing in [first, second] {
        guest.goto(&format!("{base}{listing}")).await;
        guest.follow("#add-to-cart").await;
    }
    assert_eq!(guest.attribute("#cart", "data-total").await, "4500");
    guest.goto(&format!("{base}/cart")).await;
    guest.click(".coupon summary").await;
    guest.fill("#coupon", "ada 20").await;
    guest.follow("#apply-coupon").await;
    assert_eq!(
        guest.attribute("#cart", "data-total").await,
        "3700",
        "20 % of Ada's 40.00 alone"
    );
    guest.fill("#email", "guest@test.example").await;
    guest.follow("#checkout").await;
    pay(&guest, "4000 0000 0000 9995").await;
    assert!(guest.text(".field-error").await.contains("insufficient"));
    guest
        .page
        .execute(
            "document.querySelector('#country').value = 'DE'",
            Vec::new(),
        )
        .await
        .expect("a choice");
    guest.follow("#set-country").await;
    assert!(guest.text("#tax").await.contains("7.03"), "19 % of 37.00");
    pay(&guest, "4242 4242 4242 4242").await;
    guest.see("#order[data-state=paid]").await;
    let invoice = guest.download("#invoice").await;
    assert!(
        invoice.starts_with("%PDF-") && invoice.contains("STSong-Light"),
        "a PDF that Chinese titles fit into"
    );
    // Somebody who only typed the address keeps nothing once its owner opens the link.
    let link = format!("{base}{}", server.mailed("claim").await);
    let owner = Browser::open(true).await;
    owner.goto(&link).await;
    owner.fill("#password", "correct horse").await;
    owner.follow("#claim").await;
    owner.see(".flash").await;
    owner.goto(&link).await;
    owner.see("#send-link").await;
    // The browser that bought keeps its cart's cookie, and gets into nothing by typing the address again.
    guest.goto(&format!("{base}{first}")).await;
    guest.follow("#add-to-cart").await;
    guest.fill("#email", "guest@test.example").await;
    guest.follow("#checkout").await;
    guest.see("#pay").await;
    for path in ["/account", "/library", "/money"] {
        guest.goto(&format!("{base}{path}")).await;
        let source = guest.page.source().await.expect("a page");
        assert!(source.contains("401"), "{path}: nobody is signed in");
    }
    guest.close().await;
    owner
}

/// An owner's run that comes out different is refunded at our cost.
async fn refund_by_re_run(server: &Server, base: &str, owner: &Browser) {
    owner.goto(&format!("{base}/library")).await;
    let line = owner.attribute("a[href^='/library/']", "href").await;
    owner.goto(&format!("{base}{line}")).await;
    owner.follow("#open-recipe").await;
    // The picture on our disk is not the sealed one any more: as if an engine had changed.
    server.sql("update anchor set blob = (select other.blob from anchor other where other.version_id = anchor.version_id and other.idx = 1) where idx = 0");
    owner.follow("#regenerate").await;
    owner.see("#run[data-outcome=different]").await;
    server.sql("update listing set state = 'live' where state <> 'live'");
}

/// A bank takes the money back; the operator answers with what the shop wrote down.
async fn dispute_is_won(base: &str, ada: &Browser, listing: &str) {
    let buyer = Browser::open(true).await;
    buyer.sign_up(base, "dora").await;
    buyer.goto(&format!("{base}{listing}")).await;
    buyer.follow("#add-to-cart").await;
    buyer.follow("#checkout").await;
    pay(&buyer, "4000 0000 0000 2685").await;
    buyer.see("#order[data-state=paid]").await;
    ada.see_value(
        &format!("{base}/money"),
        "#disputes li",
        "data-state",
        "withdrawn",
    )
    .await;
    assert_eq!(ada.attribute("#balance-frozen", "data-minor").await, "3400");
    ada.goto(&format!("{base}/operator/disputes")).await;
    ada.follow("#dispute-list a").await;
    let evidence = ada.text("#evidence").await;
    assert!(
        evidence.contains("Sealed and signed before the sale")
            && evidence.contains("dora@test.example"),
        "{evidence}"
    );
    assert!(!evidence.contains("grinning"), "no word of the recipe");
    ada.fill("#remark", "winning_evidence").await;
    ada.follow("#answer").await;
    ada.see(".flash").await;
    until(PATIENCE, async || {
        ada.goto(&format!("{base}/operator/operations?state=ok"))
            .await;
        let page = ada.page.source().await.expect("a page");
        is_so(page.contains("Answer a dispute"), "no answer was sent")
    })
    .await;
    ada.goto(&format!("{base}/operator")).await;
    ada.follow("#days-1").await;
    let desk = format!("{base}/operator/disputes");
    ada.see_value(&desk, "#dispute-list tbody tr", "data-state", "won")
        .await;
    buyer.close().await;
}

/// What is taken off sale for cause is refunded at once, and the creator keeps the part.
async fn withdrawn_for_cause(base: &str, ada: &Browser, listing: &str) {
    let (_, slug) = listing.rsplit_once('/').expect("an address");
    ada.goto(&format!("{base}{listing}")).await;
    let proof = ada.attribute("a[href^='/proofs/']", "href").await;
    ada.goto(&format!("{base}/operator")).await;
    ada.fill("#withdraw-slug", slug).await;
    ada.follow("#withdraw").await;
    ada.see(".flash").await;
    let operations = format!("{base}/operator/operations?state=ok");
    until(PATIENCE, async || {
        ada.goto(&operations).await;
        let text = ada.text("#operation-list").await;
        let refunded = text.matches("Refund").count() >= 2;
        is_so(refunded, format!("its owner was not refunded: {text}"))
    })
    .await;
    // The log says that it is gone, and why.
    ada.goto(&format!("{base}{proof}")).await;
    ada.follow("#withdrawal a").await;
    ada.see("#checks li:nth-child(3)").await;
    assert!(ada.text("main").await.contains("A withdrawal"));
}

/// The bank takes a payout and sends it back a day later; with another bank account it arrives.
async fn payout_fails_then_arrives(base: &str, ada: &Browser) {
    ada.goto(&format!("{base}/money")).await;
    ada.follow("#onboard").await;
    ada.follow("#start-onboarding").await;
    ada.fill("#holder", "Ada A").await;
    ada.fill("#bank", "000999999991").await;
    ada.follow("#send-onboarding").await;
    ada.goto(&format!("{base}/operator")).await;
    ada.follow("#days-14").await;
    ada.goto(&format!("{base}/operator/payouts")).await;
    ada.see("#dry-run tr[data-outcome=paid]").await;
    ada.follow("#sweep").await;
    let money = format!("{base}/money");
    let list = "#bank-payouts li";
    for (day, wanted) in [
        ("#days-1", "pending"),
        ("#days-2", "paid"),
        ("#days-1", "failed"),
    ] {
        // A day that passes before the provider has the money is a day without a payout.
        ada.see_calls_done(base).await;
        ada.goto(&format!("{base}/operator")).await;
        ada.follow(day).await;
        ada.see_value(&money, list, "data-state", wanted).await;
    }
    assert_eq!(ada.attribute("#paused", "data-by").await, "bank_rejected");
    assert_eq!(ada.attribute("#balance-paid", "data-minor").await, "0");
    ada.follow("#change-account").await;
    ada.follow("#start-onboarding").await;
    ada.fill("#holder", "Ada A").await;
    ada.fill("#bank", "000123456789").await;
    ada.follow("#send-onboarding").await;
    ada.see_none("#paused").await;
    for day in ["#days-1", "#days-2"] {
        ada.goto(&format!("{base}/operator")).await;
        ada.follow(day).await;
    }
    ada.see_value(&money, list, "data-state", "paid").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_goes_every_way_that_it_can_go() {
    let server = Server::start(Database::Postgres);
    let base = server.url("");
    let (ada, ben) = (Browser::open(true).await, Browser::open(true).await);
    let first = publish(&ada, &base, "ada", "40.00").await;
    ben.sign_up(&base, "ben").await;
    let second = submit_as(&ben, &base, "5.00", "{mood} teapot on a shelf, clay style").await;
    ben.see(".listing__price").await;
    ada.goto(&format!("{base}/money/coupons")).await;
    ada.fill("#code", "ada20").await;
    ada.fill("#off", "20").await;
    ada.follow("#make-coupon").await;
    ada.see("#coupons li").await;
    let made = server.command(&["operator", "--unproven", "--email", "ada@test.example"]);
    assert!(made.status.success());
    let owner = guest_buys(&server, &base, &first, &second).await;
    refund_by_re_run(&server, &base, &owner).await;
    dispute_is_won(&base, &ada, &first).await;
    payout_fails_then_arrives(&base, &ada).await;
    withdrawn_for_cause(&base, &ada, &second).await;
    ada.goto(&format!("{base}/operator/reconciliation")).await;
    ada.see("#report[data-agrees=true]").await;
    let audited = server.command(&["books", "audit"]);
    let told = String::from_utf8_lossy(&audited.stderr).into_owned();
    assert!(audited.status.success(), "{told}");
    for browser in [ada, ben, owner] {
        browser.close().await;
    }
}
