//! Journeys in Chromium, on both databases: a creator publishes, a buyer buys and reproduces, a sceptic verifies offline, the
//! creator is paid.

mod access;
mod buyer;
mod copycat;
mod killed;
mod models;
mod money;
mod offline;
mod own;
mod sceptic;
mod stripe;

use crate::harness::browser::Browser;
use crate::harness::server::{Database, Server, program, seedmark, text};
use crate::harness::{PATIENCE, is_so, until, until_blocking};
use fantoccini::Locator;
use sceptic::check_offline;
use std::process::Command;

/// A creator's passphrase as one keyboard composes it and as another does.
const COMPOSED: &str = "sch\u{f6}ner Gaul";
const DECOMPOSED: &str = "scho\u{308}ner Gaul";
/// Keys as `WebDriver` names them.
const BACKSPACE: &str = "\u{e003}";
const ENTER: &str = "\u{e007}";

/// Makes an account, publishes and waits until it is on sale; returns the listing's path.
async fn publish(browser: &Browser, base: &str, name: &str, price: &str) -> String {
    browser.sign_up(base, name).await;
    let listing = submit(browser, base, price).await;
    browser.see(".listing__price").await;
    listing
}

/// The same with a recipe that nobody takes for a copy of the first.
async fn another(browser: &Browser, base: &str, name: &str, price: &str) -> String {
    browser.sign_up(base, name).await;
    let template = "a cat that is {mood}, flat style";
    let listing = submit_with(browser, base, price, template, async |browser| {
        browser.click("#category option[value=faces]").await;
    })
    .await;
    browser.see(".listing__price").await;
    listing
}

/// Makes a key, generates, seals and submits; returns the listing's path.
async fn submit(browser: &Browser, base: &str, price: &str) -> String {
    submit_as(browser, base, price, "{mood} face, 3d style").await
}

/// The same with a template of one's own, which has the slot `mood`.
async fn submit_as(browser: &Browser, base: &str, price: &str, template: &str) -> String {
    submit_with(browser, base, price, template, async |_| {}).await
}

/// The same with more that is filled in before the draft is saved.
async fn submit_with(
    browser: &Browser,
    base: &str,
    price: &str,
    template: &str,
    more: impl AsyncFnOnce(&Browser),
) -> String {
    browser.goto_ready(&format!("{base}/account")).await;
    browser.fill("#key-passphrase", DECOMPOSED).await;
    browser.follow("#key-make").await;
    browser.see("#keys li .digest").await;
    browser.goto(&format!("{base}/studio")).await;
    browser.follow("#new-draft").await;
    browser.fill("#template", template).await;
    browser
        .fill(".variable input[name=variable_name]", "mood")
        .await;
    set_choices(browser, ".variable", "happy = grinning, sad = crying").await;
    browser.fill("#steps", "6").await;
    browser.fill("#title", "Two moods").await;
    browser.fill("#price", price).await;
    more(browser).await;
    browser.follow("#save-draft").await;
    browser.see(".flash").await;
    browser.follow("#generate").await;
    // The page loads itself again with each picture that is done; an element found before that would be gone.
    browser.see(".gallery__item input[type=checkbox]").await;
    browser.see_none(".gallery__item--waiting").await;
    for number in 1..=2 {
        browser
            .click(&format!(
                ".gallery__item:nth-child({number}) input[type=checkbox]"
            ))
            .await;
    }
    browser.follow("#to-seal").await;
    browser.see("html[data-ready]").await;
    browser.fill("#seal-passphrase", "wrong horse").await;
    browser.click("#seal-sign").await;
    until(PATIENCE, async || {
        let told = browser.text(".key-maker__message").await;
        is_so(told.contains("passphrase is wrong"), told)
    })
    .await;
    browser.fill("#seal-passphrase", COMPOSED).await;
    browser.follow("#seal-sign").await;
    let url = browser.page.current_url().await.expect("an address");
    assert!(url.path().starts_with("/listings/two-moods-"), "{url}");
    url.path().to_owned()
}

/// Types choices into a variable's row, in place of the chips that stand there.
async fn set_choices(browser: &Browser, row: &str, text: &str) {
    browser.see("html[data-ready]").await;
    let entry = browser.see(&format!("{row} .chips-field > input")).await;
    let chip = format!("{row} .chip__remove");
    let chips = browser.page.find_all(Locator::Css(&chip)).await;
    let keys = chips.expect("a look").len();
    let typed = format!("{}{text}{ENTER}", BACKSPACE.repeat(keys));
    entry.send_keys(&typed).await.expect("what is typed");
}

/// From a listing to a receipt, with plain forms only.
async fn buy(browser: &Browser, base: &str, listing: &str) -> String {
    browser.goto(&format!("{base}{listing}")).await;
    browser.follow("#add-to-cart").await;
    browser.follow("#checkout").await;
    browser.fill("#card", "4000 0000 0000 0002").await;
    browser.follow("#pay").await;
    assert!(browser.text(".field-error").await.contains("declined"));
    browser.fill("#card", "4000 0025 0000 3155").await;
    browser.follow("#pay").await;
    browser.follow("#confirm-yes").await;
    browser.see("#order[data-state=paid]").await;
    browser.attribute("#order a.button", "href").await
}

async fn whole_story(database: Database) {
    let mut server = Server::start(database);
    let base = server.url("");
    let creator = Browser::open(true).await;
    let listing = publish(&creator, &base, "ada", "40.00").await;

    let buyer = Browser::open(true).await;
    buyer.goto(&format!("{base}{listing}")).await;
    let source = buyer.page.source().await.expect("a page");
    assert!(
        !source.contains("grinning") && source.contains("sealed until bought"),
        "the prompt is not in the public page"
    );
    buyer.sign_up(&base, "ben").await;
    let line = buy(&buyer, &base, &listing).await;
    buyer.goto(&format!("{base}{line}")).await;
    assert!(
        !buyer
            .page
            .source()
            .await
            .expect("a page")
            .contains("grinning"),
        "unopened, it is still sealed"
    );
    buyer.follow("#open-recipe").await;
    buyer.see("html[data-ready]").await;
    // The browser opened the commitment itself.
    buyer.see("#own-check[data-state=holds]").await;
    assert!(buyer.text(".template").await.contains("{mood} face"));
    let bundle = buyer.download("#download-bundle").await;
    buyer.follow("#regenerate").await;
    buyer.see("#run[data-outcome=exact]").await;
    check_offline(&bundle);
    attest_in_browser(&buyer, &base).await;
    let proof = attest(&base, bundle.as_bytes());
    buyer.goto(&proof).await;
    // The browser's own verdict, not the server's.
    buyer.see("#own-check[data-state=holds]").await;
    // The platform before the sale and the owner now, on the same kind of machine.
    assert_eq!(buyer.text("#tally td[data-outcome=exact]").await, "2");
    assert_eq!(buyer.text("#tally td[data-outcome=different]").await, "0");

    creator.goto(&format!("{base}/money")).await;
    assert_eq!(
        creator.attribute("#balance-held", "data-minor").await,
        "3400"
    );
    creator.follow("#onboard").await;
    creator.follow("#start-onboarding").await;
    creator.fill("#holder", "Ada A").await;
    creator.fill("#bank", "000123456789").await;
    creator.follow("#send-onboarding").await;
    assert!(
        server
            .command(&["operator", "--unproven", "--email", "ada@test.example"])
            .status
            .success()
    );
    creator.goto(&format!("{base}/operator")).await;
    creator.follow("#days-7").await;
    creator.follow("#sweep").await;
    pay_out(&creator, &base).await;
    creator.goto(&format!("{base}/operator")).await;
    creator.follow("#check-books").await;
    assert_eq!(
        creator.text("#reconciliation").await,
        "equal to the provider's books"
    );
    end_key(&creator, &base, &proof, database).await;
    seal_outlives_its_key(&base, &proof);
    if database == Database::Postgres {
        a_new_engine_runs_it_again(&mut server, &buyer, &proof).await;
    }
    let audited = server.command(&["books", "audit"]);
    assert!(
        audited.status.success(),
        "{}",
        String::from_utf8_lossy(&audited.stderr)
    );
    creator.close().await;
    buyer.close().await;
}

/// The owner signs the run's outcome in the browser, with a key made for it.
async fn attest_in_browser(buyer: &Browser, base: &str) {
    let run = buyer.page.current_url().await.expect("an address");
    buyer.goto_ready(&format!("{base}/account")).await;
    buyer.fill("#key-passphrase", "correct horse").await;
    buyer.follow("#key-make").await;
    buyer.see("#keys li .digest").await;
    buyer.goto_ready(run.as_str()).await;
    buyer.fill("#attest-passphrase", "correct horse").await;
    buyer.follow("#attest-sign").await;
    buyer.see("#own-check[data-state=holds]").await;
    let url = buyer.page.current_url().await.expect("an address");
    assert!(url.path().starts_with("/proofs/"), "{url}");
}

/// The creator ends their key on its own word, in the browser or at home; what it sealed before stands.
async fn end_key(creator: &Browser, base: &str, proof: &str, database: Database) {
    creator.goto_ready(&format!("{base}/account")).await;
    if database == Database::Sqlite {
        creator.follow("#keys a.button").await;
        creator.see("html[data-ready]").await;
        creator.fill("#key-end-passphrase", DECOMPOSED).await;
        creator.follow("#key-end-sign").await;
    } else {
        let folder = tempfile::tempdir().expect("a folder");
        let script =
            "return Object.values(localStorage).find(text => text.includes('seedmark.dev/key'))";
        let file = creator.page.execute(script, Vec::new()).await;
        let file = file.expect("the key file of this browser");
        let path = folder.path().join("ada.key");
        std::fs::write(&path, file.as_str().expect("a text")).expect("written");
        let path = path.to_string_lossy().into_owned();
        let vkey = ledger::client::Remote::new(base).and_then(|shop| shop.text("log/vkey"));
        let vkey = vkey.expect("the log's key");
        let (origin, _) = vkey.split_once('+').expect("a verifier key");
        let end = |origin| {
            let end = [
                "key", "end", "--key", &path, "--reason", "lost", "--shop", base,
            ];
            Command::new(program("seedmark"))
                .args(end)
                .args(["--origin", origin])
                .env("SEEDMARK_PASSPHRASE", COMPOSED)
                .output()
                .expect("the tool")
        };
        assert!(
            !end("another.example/log").status.success(),
            "for another's log it signs nothing"
        );
        let ended = end(origin);
        let told = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(
            ended.status.success() && text(&ended).contains("has ended"),
            "{told}"
        );
        creator.goto(&format!("{base}/account")).await;
    }
    creator.see("#keys a.tag--bad").await;
    creator.goto(proof).await;
    creator.see("#signer-end[data-stands=true]").await;
}

/// A bundle that is fetched after the end of its key says so, and that the seal is older.
fn seal_outlives_its_key(base: &str, proof: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let shop = ledger::client::Remote::new(base).expect("an address");
    let (_, path) = proof.split_once("/proofs/").expect("a proof's address");
    let file = folder
        .path()
        .join("later.seedmark")
        .to_string_lossy()
        .into_owned();
    until_blocking(PATIENCE, || {
        let bundle = shop
            .text(&format!("proofs/{path}/bundle"))
            .expect("a bundle");
        std::fs::write(&file, bundle).expect("written");
        let verified = seedmark(&["verify", &file], folder.path());
        let told = text(&verified);
        assert!(verified.status.success(), "{told}");
        is_so(told.contains("the seal stands"), told)
    });
}

/// What this release of the engine has not regenerated is run again at the next start, without anybody asking.
async fn a_new_engine_runs_it_again(server: &mut Server, buyer: &Browser, proof: &str) {
    server.stop();
    // An older release's statement has other bytes and would be another leaf; one that is missing is as good.
    server.sql("delete from statement where attester = 'platform'");
    // Versions from before there were prints get theirs by the same clock.
    server.sql("delete from likeness");
    server.start_again();
    let (_, path) = proof.split_once("/proofs/").expect("a proof's address");
    until(PATIENCE, async || {
        buyer.goto(&server.url(&format!("/proofs/{path}"))).await;
        let printed = "count(*) > 0 and min(length(text_prints)) > 0 and min(length(picture_prints)) > 0 from likeness";
        let voices = buyer.text("#tally td[data-outcome=exact]").await;
        let again = voices == "2" && server.holds(printed);
        is_so(again, format!("it was not run again: {voices} voices"))
    })
    .await;
}

/// What must not be published: by somebody without a licence, or with an outcome that its digests belie.
fn forged_attestations(bundle: &schema::bundle::Bundle) -> Vec<(u16, &'static str, Vec<u8>)> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use schema::attestation::Attestation;
    use schema::licence::{Licence, LicenceDocument};
    use schema::statement::{Environment, ListingStatement, Outcome, ReproductionStatement};
    let secret = schema::key::SecretKey::from_bytes([7; 32]);
    let owned = bundle.owner.as_ref().expect("an owner's part");
    let licence = owned.licence.as_ref().expect("a licence");
    let opened = bundle
        .listing
        .statement
        .open::<ListingStatement>(&bundle.creator);
    let (listing, _) = opened.expect("a listing");
    let leaf = bundle.leaf().expect("a leaf").hash();
    let statement = |outcome, cpu: &str, lie: bool| {
        let mut found: Vec<_> = listing.anchors.iter().map(|anchor| anchor.pixels).collect();
        if lie {
            found[0].blake3.0[0] ^= 1;
        }
        ReproductionStatement {
            leaf,
            environment: Environment {
                engine: "seedmark-engine 0.1.0".into(),
                runtime: "onnxruntime 1.32.0".into(),
                profile: listing.profile,
                cpu: cpu.into(),
            },
            found,
            outcome,
        }
    };
    let send = |statement: &ReproductionStatement, licence: String, salt: String| {
        let made = Attestation::sign(statement, &bundle.origin, &secret, licence, salt);
        made.and_then(|made| made.to_bytes())
            .expect("an attestation")
    };
    let good = statement(Outcome::Exact, "x86_64 avx2 fma", false);
    let invented = LicenceDocument::new(Licence::Standard, leaf, "line".into(), 1);
    let invented = STANDARD.encode(invented.to_bytes().expect("a licence"));
    let (document, salt) = (licence.document.clone(), licence.salt.clone());
    let lie = statement(Outcome::Exact, "x86_64 avx2 fma", true);
    let sulk = statement(Outcome::Different, "x86_64 avx2 fma", false);
    vec![
        (
            403,
            "an invented licence",
            send(&good, invented, salt.clone()),
        ),
        (
            403,
            "another salt",
            send(&good, document.clone(), owned.salt.clone()),
        ),
        (
            422,
            "exact with other digests",
            send(&lie, document.clone(), salt.clone()),
        ),
        (
            422,
            "different with the sealed digests",
            send(&sulk, document, salt),
        ),
        (422, "no attestation", b"{}".to_vec()),
    ]
}

/// An owner publishes what their own machine made, once however often it is sent; a stranger cannot. Returns the recipe's page.
fn attest(base: &str, bundle: &[u8]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    std::fs::write(at("owned.seedmark"), bundle).expect("the bundle");
    let made = seedmark(&["keygen", "--out", &at("ben.key")], folder.path());
    assert!(made.status.success());
    let publish = |file: &str| {
        let arguments = [
            "reproduce",
            &at(file),
            "--attest",
            base,
            "--key",
            &at("ben.key"),
        ];
        seedmark(
            &arguments.map(str::to_owned).each_ref().map(String::as_str),
            folder.path(),
        )
    };
    let first = publish("owned.seedmark");
    assert!(
        first.status.success(),
        "{}",
        String::from_utf8_lossy(&first.stderr)
    );
    let line = |output: &std::process::Output| {
        let told = text(output);
        let line = told
            .lines()
            .find(|line| line.starts_with("published as entry"));
        line.unwrap_or_else(|| panic!("{told}")).to_owned()
    };
    assert_eq!(
        line(&publish("owned.seedmark")),
        line(&first),
        "one fact, one entry"
    );
    let bundle = schema::bundle::Bundle::parse(bundle).expect("a bundle");
    let leaf = bundle.leaf().expect("a leaf").hash();
    for (status, why, body) in forged_attestations(&bundle) {
        let shop = ledger::client::Remote::new(base).expect("an address");
        let (answered, told) = shop.post("log/attestations", &body).expect("an answer");
        assert_eq!(
            answered,
            status,
            "{why}: {}",
            String::from_utf8_lossy(&told)
        );
    }
    format!("{base}/proofs/{leaf}")
}

/// Lets the transfer arrive and the bank's two days pass.
///
/// The balance counts a transfer as in transit from the moment it is planned, so it is the operation that must be
/// waited for: a day that passes before the provider has the money is a day without a payout.
async fn pay_out(creator: &Browser, base: &str) {
    creator.see_calls_done(base).await;
    creator.goto(&format!("{base}/money")).await;
    assert_eq!(
        creator.attribute("#balance-in-transit", "data-minor").await,
        "3400"
    );
    creator.goto(&format!("{base}/operator")).await;
    // The first day lets the provider send the payout, the following ones let it arrive.
    creator.follow("#days-1").await;
    creator.follow("#days-2").await;
    let money = format!("{base}/money");
    creator
        .see_value(&money, "#balance-paid", "data-minor", "3400")
        .await;
    creator.goto(&format!("{base}/operator")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_made_sealed_sold_reproduced_verified_and_paid_for_on_sqlite() {
    whole_story(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_made_sealed_sold_reproduced_verified_and_paid_for_on_postgres() {
    whole_story(Database::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_scripts_a_buyer_gets_from_the_listing_to_the_receipt() {
    let server = Server::start(Database::Sqlite);
    let base = server.url("");
    let creator = Browser::open(true).await;
    let listing = publish(&creator, &base, "ada", "3.00").await;
    creator.close().await;
    let buyer = Browser::open(false).await;
    buyer.sign_up(&base, "ben").await;
    let line = buy(&buyer, &base, &listing).await;
    assert!(line.starts_with("/library/"));
    buyer.close().await;
}
