//! What strangers reach by typing somebody else's address: nothing.

use crate::checkout::service::{self, Seen, visitors};
use crate::orders;
use crate::payouts::service as payouts;
use crate::people::guest::{self, Chosen};
use crate::testing::{self, Listing, Person, Shop, shop};
use base::db::{execute, fetch};
use base::lang::Lang;
use base::testing::{TestDb, databases};
use schema::id::ListingId;

const ADDRESS: &str = "vic@test.example";

/// A visitor buys with the address and pays.
async fn bought(
    test: &TestDb,
    shop: &Shop,
    cart: &str,
    listing: usize,
) -> (String, schema::id::OrderId) {
    service::add_to_cart(&test.db, cart, &shop.listings[listing], shop.now_ms)
        .await
        .expect("added");
    let mut tx = money::books::begin(&test.db).await.expect("a transaction");
    let visitor = guest::open(&mut tx, ADDRESS, Lang::En)
        .await
        .expect("a row");
    let seen = Seen::default();
    let placed = service::place(&shop.till, &mut tx, &visitor, cart, &seen, shop.now_ms).await;
    let order = placed.expect("an order");
    tx.commit().await.expect("a commit");
    if order.state == "open" {
        shop.pay(&order, "4242424242424242").await;
    }
    shop.drain().await;
    (visitor, order.id)
}

/// The secret of the newest link that was mailed; how many mails there were.
async fn mailed(test: &TestDb, shop: &Shop) -> (usize, Option<String>) {
    let (mut count, mut token) = (0, None);
    while let Some(job) = base::jobs::claim(&test.db, "w", &[base::mail::SEND], i64::MAX / 2)
        .await
        .expect("a claim")
    {
        let mut tx = test.db.write().await.expect("a transaction");
        let plain = shop
            .till
            .vault
            .open(&mut tx, &job.payload, "test", "test", 1);
        let plain = plain.await.expect("a secret");
        tx.commit().await.expect("a commit");
        let mail: base::mail::Mail = serde_json::from_slice(&plain).expect("a mail");
        assert_eq!(mail.to, ADDRESS);
        count += 1;
        let link = mail.text.split("/account/claim/").nth(1);
        token = link
            .and_then(|rest| rest.split_whitespace().next())
            .map(str::to_owned);
        base::jobs::finish(&test.db, &job, &base::jobs::Outcome::Done, 1)
            .await
            .expect("done");
    }
    (count, token)
}

#[tokio::test]
async fn who_signed_up_with_anothers_address_gets_nothing_that_is_bought_with_it_and_leaves_no_bank()
 {
    for test in databases().await {
        let mut shop = shop(&test).await;
        let stranger = Person::new("vic").unproven().save(&test.db).await;
        shop.sellers.push(stranger.clone());
        shop.onboard(2).await;
        let mut tx = test.db.write().await.expect("a transaction");
        testing::key(&mut tx, &stranger, "k").await;
        tx.commit().await.expect("a commit");

        let (visitor, order) = bought(&test, &shop, "v", 0).await;
        let mut tx = test.db.read().await.expect("a transaction");
        assert!(orders::get_own(&mut tx, &stranger, &order).await.is_err());
        let (_, lines) = orders::get_own(&mut tx, &visitor, &order)
            .await
            .expect("it waits");
        assert_eq!(lines[0].state.name(), "owned", "{}", test.name);
        drop(tx);
        let (_, token) = mailed(&test, &shop).await;
        let token = token.expect("a link, not the way to a library");

        let chosen = Chosen::check(&test.db, &token, "a long night by the lake", "vic-own");
        let chosen = chosen.await.expect("a choice");
        let taken = visitors::take_account(&test.db, &token, &chosen, shop.now_ms).await;
        let owner = taken.expect("opened");
        assert_eq!(owner, stranger, "{}", test.name);

        let mut tx = test.db.read().await.expect("a transaction");
        let (_, lines) = orders::get_own(&mut tx, &owner, &order)
            .await
            .expect("theirs");
        assert_eq!(lines[0].buyer_id, owner, "{}", test.name);
        for left in [
            "select count(*) from payee where person_id = $1",
            "select count(*) from creator_key where person_id = $1",
            "select count(*) from session where person_id = $1",
        ] {
            let count = fetch!(&mut tx, fetch_one, (i64,), left, &stranger)
                .expect("a count")
                .0;
            assert_eq!(count, 0, "{}: {left}", test.name);
        }
        assert!(
            crate::people::service::is_proven(&mut tx, &owner)
                .await
                .expect("an answer")
        );
        drop(tx);
        // Whoever asks the provider for an account again does not get the one that the stranger filled in.
        shop.start_onboarding(2).await;
        let mut tx = test.db.read().await.expect("a transaction");
        let payee = payouts::find_payee(&mut tx, &owner)
            .await
            .expect("an answer");
        assert!(
            !payee.expect("a payee").ready,
            "{}: another's bank",
            test.name
        );
        drop(tx);
        // From now on it comes to the account by itself.
        let (_, order) = bought(&test, &shop, "w", 2).await;
        let mut tx = test.db.read().await.expect("a transaction");
        assert!(orders::get_own(&mut tx, &owner, &order).await.is_ok());
        drop(tx);
        shop.check_settled(test.name).await;
    }
}

#[tokio::test]
async fn a_mailbox_is_not_filled_by_who_types_its_address_and_holds_one_key_at_most() {
    for test in databases().await {
        let shop = shop(&test).await;
        for number in 0..12 {
            bought(&test, &shop, &format!("free {number}"), 3).await;
        }
        let (mails, _) = mailed(&test, &shop).await;
        assert!((1..=5).contains(&mails), "{}: {mails}", test.name);
        let mut tx = test.db.read().await.expect("a transaction");
        let valid = "select count(*) from mail_token where used_ms is null";
        let valid = fetch!(&mut tx, fetch_one, (i64,), valid)
            .expect("a count")
            .0;
        assert_eq!(valid, 1, "{}", test.name);
    }
}

#[tokio::test]
async fn a_cart_that_another_tab_changed_to_the_same_total_is_not_bought_unseen() {
    for test in databases().await {
        let shop = shop(&test).await;
        let other = Listing::of(&shop.sellers[1]).price(1000);
        let other = other.save(&test.db).await;
        let add = async |listing: &ListingId| {
            service::add_to_cart(&test.db, "tabs", listing, shop.now_ms)
                .await
                .expect("added");
        };
        let priced = async || {
            let mut tx = test.db.read().await.expect("a transaction");
            service::cart::price(&mut tx, "tabs", None, shop.now_ms)
                .await
                .expect("prices")
        };
        let place = async |seen: &Seen| {
            let mut tx = money::books::begin(&test.db).await.expect("a transaction");
            service::place(
                &shop.till,
                &mut tx,
                &shop.buyers[0],
                "tabs",
                seen,
                shop.now_ms,
            )
            .await
        };
        add(&shop.listings[0]).await;
        let shown = priced().await;
        let seen = Seen {
            total_minor: Some(shown.total_minor()),
            lines: Some(shown.seen()),
        };
        service::remove_from_cart(&test.db, "tabs", &shop.listings[0])
            .await
            .expect("removed");
        add(&other).await;
        assert_eq!(priced().await.total_minor(), shown.total_minor());
        let refused = place(&seen).await;
        assert!(
            matches!(refused, Err(money::Error::Refused("cart-changed"))),
            "{}",
            test.name
        );
        let shown = priced().await;
        let seen = Seen {
            total_minor: Some(shown.total_minor()),
            lines: Some(shown.seen()),
        };
        assert!(place(&seen).await.is_ok(), "{}", test.name);
    }
}

#[tokio::test]
async fn what_was_bought_before_an_address_was_proven_comes_with_the_proof_and_once() {
    for test in databases().await {
        let mut shop = shop(&test).await;
        let owner = Person::new("vic").unproven().save(&test.db).await;
        shop.buyers.push(owner.clone());
        shop.sell(3, 2).await;
        let mut tx = test.db.write().await.expect("a transaction");
        let token = "insert into mail_token (token_hash, person_id, purpose, expires_ms) values ($1, $2, 'prove', $3)";
        let hash = schema::digest::Digest::sha256(b"secret").hex();
        execute!(&mut tx, token, hash, &owner, i64::MAX / 2).expect("a link");
        tx.commit().await.expect("a commit");
        let (_, first) = bought(&test, &shop, "v", 0).await;
        // This one the account has already.
        let (_, second) = bought(&test, &shop, "w", 2).await;
        let prove = async |token: &str, person: &str| {
            let proven = visitors::prove(&test.db, token, person, shop.now_ms).await;
            proven.expect("an answer")
        };
        assert!(!prove("other", &owner).await, "{}", test.name);
        let other = shop.buyers[0].clone();
        assert!(
            prove("other", &other).await,
            "proven already: nothing to do"
        );
        assert!(prove("secret", &owner).await, "{}", test.name);
        assert!(
            prove("secret", &owner).await,
            "{}: a double click",
            test.name
        );
        shop.drain().await;
        let mut tx = test.db.read().await.expect("a transaction");
        for (order, state) in [(&first, "owned"), (&second, "refunded")] {
            let (_, lines) = orders::get_own(&mut tx, &owner, order)
                .await
                .expect("theirs");
            assert_eq!(
                (lines[0].buyer_id.as_str(), lines[0].state.name()),
                (owner.as_str(), state),
                "{}",
                test.name
            );
        }
        drop(tx);
        shop.check_settled(test.name).await;
    }
}

#[tokio::test]
async fn a_visitors_receipt_does_not_tell_what_the_address_has() {
    for test in databases().await {
        let shop = shop(&test).await;
        // A creator's own listing: it goes straight back.
        service::add_to_cart(&test.db, "v", &shop.listings[0], shop.now_ms)
            .await
            .expect("added");
        let mut tx = money::books::begin(&test.db).await.expect("a transaction");
        let visitor = guest::open(&mut tx, "ada@test.example", Lang::En)
            .await
            .expect("a row");
        let seen = Seen::default();
        let placed = service::place(&shop.till, &mut tx, &visitor, "v", &seen, shop.now_ms).await;
        let order = placed.expect("an order");
        tx.commit().await.expect("a commit");
        shop.pay(&order, "4242424242424242").await;
        shop.drain().await;
        let mut tx = test.db.read().await.expect("a transaction");
        let owner = &shop.sellers[0];
        let (_, lines) = orders::get_own(&mut tx, owner, &order.id)
            .await
            .expect("the owner's");
        assert_eq!(
            lines[0].refund_reason.as_deref(),
            Some("own"),
            "{}",
            test.name
        );
        let asker = orders::Asker {
            person: None,
            cart: Some("v"),
            now_ms: shop.now_ms,
        };
        let (_, lines) = orders::show(&mut tx, asker, &order.id)
            .await
            .expect("the receipt");
        assert_eq!(
            (lines[0].state.name(), lines[0].refunded_cash()),
            ("owned", 0),
            "{}",
            test.name
        );
        assert_eq!(lines[0].refund_reason, None);
    }
}

#[tokio::test]
async fn two_spellings_of_an_address_are_one_account_and_one_mailbox() {
    for test in databases().await {
        let mut tx = test.db.write().await.expect("a transaction");
        // The Kelvin sign folds to a k: its mail must not go to another mailbox than the account's.
        let row = guest::open(&mut tx, "\u{212a}ate@test.example", Lang::En)
            .await
            .expect("a row");
        let sql = "select email, address_folded from person where id = $1";
        let kept = fetch!(&mut tx, fetch_one, (String, String), sql, &row).expect("kept");
        assert_eq!(
            kept,
            ("Kate@test.example".into(), "kate@test.example".into()),
            "{}",
            test.name
        );
    }
}

#[tokio::test]
async fn an_account_that_changes_hands_while_the_provider_is_asked_keeps_no_strangers_bank() {
    for test in databases().await {
        let shop = shop(&test).await;
        let provider = &shop.till.provider;
        let vic = Person::new("vic").save(&test.db).await;
        let opened = provider.open_account(&vic, ADDRESS, "DE").await;
        let money::provider::CallOutcome::Done(strangers) = opened else {
            panic!("{}: {opened:?}", test.name)
        };
        let mut tx = money::books::begin(&test.db).await.expect("a transaction");
        let opening = payouts::provider_account::Opening {
            person: &vic,
            account: &strangers,
            provider: provider.name(),
            country: "DE",
            was_proven: false,
        };
        crate::people::service::prove(&mut tx, &vic)
            .await
            .expect("proven meanwhile");
        let noted = payouts::provider_account::note_opening(&mut tx, &opening, shop.now_ms).await;
        assert!(!noted.expect("an answer"), "{}", test.name);
        tx.commit().await.expect("a commit");
        let mut tx = test.db.read().await.expect("a transaction");
        let payee = payouts::find_payee(&mut tx, &vic).await;
        assert_eq!(payee.expect("an answer"), None, "{}", test.name);
        drop(tx);
        payouts::start_onboarding(
            &test.db,
            provider.as_ref(),
            &vic,
            ADDRESS,
            "DE",
            "/",
            shop.now_ms,
        )
        .await
        .expect("the owner begins");
        let mut tx = test.db.read().await.expect("a transaction");
        let payee = payouts::find_payee(&mut tx, &vic).await;
        let own = payee.expect("an answer").expect("a payee");
        assert_ne!(own.provider_account, strangers, "{}", test.name);
    }
}
