//! Sales from cart to bank: what is charged, held, released and paid, and what a cart refuses.

use crate::checkout::service::cart::{close_ended, end_if_owned, give_up};
use crate::checkout::service::{self, Seen, list_cart};
use crate::offers::ending::{EndReason, Holding, end_open};
use crate::orders;
use crate::orders::get_line;
use crate::payouts::service as payouts;
use crate::people::{guest, service as people};
use crate::sales::Bearer;
use crate::sales::plan_refund;
use crate::settlement::events;
use crate::testing::shop;
use base::db::execute;
use base::lang::Lang;
use base::testing::databases;
use money::books::service as books;
use money::provider::{CallOutcome, inbox, outbound, sandbox};
#[tokio::test]
async fn a_sale_is_held_released_transferred_and_paid_out() {
    for test in databases().await {
        let mut shop = shop(&test).await;
        let order = shop.order(0, &[0, 1, 2]).await.expect("an order");
        assert_eq!(order.total_minor, 4498);
        assert_eq!(shop.pay(&order, "4242 4242 4242 4242").await.state, "paid");
        shop.drain().await;
        assert_eq!(
            (shop.balances(0).await.held, shop.balances(1).await.held),
            (850 + 424, 2549),
            "{}",
            test.name
        );
        shop.advance(13).await;
        assert_eq!(
            shop.balances(1).await.available,
            0,
            "{}: unopened lines are held for 14 days",
            test.name
        );
        shop.advance(1).await;
        shop.drain().await;
        assert_eq!(shop.balances(1).await.available, 2549);
        assert_eq!(
            shop.sweep(shop.now_ms).await,
            0,
            "{}: nobody is onboarded",
            test.name
        );
        assert_eq!(
            shop.sweep(shop.now_ms).await,
            0,
            "{}: and an hour later neither, which is not written down again",
            test.name
        );
        let mut tx = test.db.read().await.expect("a transaction");
        let decided = payouts::sweep::list_recent(&mut tx, 10).await;
        drop(tx);
        let mut decided: Vec<_> = decided
            .expect("decisions")
            .into_iter()
            .map(|(decision, handle)| (handle, decision.outcome, decision.amount_minor))
            .collect();
        decided.sort();
        let skipped = |name: &str, amount| (name.to_owned(), "not_onboarded".to_owned(), amount);
        assert_eq!(
            decided,
            [skipped("ada", 850 + 424), skipped("ben", 2549)],
            "{}: every cent that is not paid has a reason",
            test.name
        );
        for (holder, bank, missing) in [
            ("Reject Me", "000123456789", Some("holder")),
            ("Ben B", "12", Some("bank")),
            ("Ben B", "000123456789", None),
        ] {
            assert_eq!(
                payouts::onboard(&shop.till.db, &shop.sellers[1], holder, bank, shop.now_ms)
                    .await
                    .expect("an answer"),
                missing
            );
        }
        assert_eq!(shop.sweep(shop.now_ms).await, 1);
        shop.drain().await;
        assert_eq!(shop.balances(1).await.in_transit, 2549, "{}", test.name);
        shop.advance(0).await;
        shop.advance(2).await;
        shop.drain().await;
        let ben = shop.balances(1).await;
        assert_eq!(
            (ben.held, ben.available, ben.in_transit, ben.paid),
            (0, 0, 0, 2549),
            "{}",
            test.name
        );
        shop.check_settled(test.name).await;
    }
}

#[tokio::test]
async fn the_same_event_and_the_same_operation_twice_happen_once() {
    for test in databases().await {
        let shop = shop(&test).await;
        let order = shop.order(0, &[0]).await.expect("an order");
        let payment = shop.pay(&order, "4242424242424242").await;
        let event = format!("checkout.session.completed:{}", payment.id);
        for _ in 0..3 {
            events::event(&shop.till, &event, shop.now_ms)
                .await
                .expect("handled");
        }
        // Told again days later, or by a person's press: the fact was booked.
        let mut tx = test.db.write().await.expect("a transaction");
        assert!(inbox::replay(&mut tx, &event).await.expect("found"));
        tx.commit().await.expect("a commit");
        shop.drain().await;
        shop.check_settled(test.name).await;
        let line = shop.lines(&order).await.remove(0);
        let mut tx = money::books::begin(&shop.till.db)
            .await
            .expect("a transaction");
        assert!(
            plan_refund(&mut tx, &line, Bearer::Creator, "unopened", shop.now_ms)
                .await
                .expect("planned")
        );
        let line = get_line(&mut tx, &line.id).await.expect("the line");
        assert!(
            !plan_refund(&mut tx, &line, Bearer::Creator, "unopened", shop.now_ms)
                .await
                .expect("refused"),
            "{}: refunded once",
            test.name
        );
        let op = outbound::list(&mut tx, "", 10)
            .await
            .expect("operations")
            .remove(0);
        tx.commit().await.expect("a commit");
        // The process died after the provider acted and before we noted it: sending again changes nothing.
        assert_eq!(
            shop.till.provider.refund(&op.call(1)).await,
            CallOutcome::Done(op.key())
        );
        for _ in 0..2 {
            events::operation(&shop.till, &op.id, shop.now_ms)
                .await
                .expect("sent");
        }
        shop.drain().await;
        shop.check_settled(test.name).await;
        assert_eq!(
            shop.balances(0).await,
            books::SellerBalances::default(),
            "{}",
            test.name
        );
    }
}

#[tokio::test]
async fn a_cart_that_cannot_be_bought_says_why_and_nothing_is_charged() {
    for test in databases().await {
        let mut shop = shop(&test).await;
        let code = |result: Result<orders::Order, money::Error>| match result {
            Err(money::Error::Refused(code)) => code,
            other => panic!("expected a refusal, got {other:?}"),
        };
        assert_eq!(code(shop.order(0, &[]).await), "cart-empty");
        let cheap = shop.add_listing(0, 100).await;
        assert_eq!(code(shop.order(0, &[cheap]).await), "cart-minimum");
        let seller = shop.sellers[0].clone();
        shop.buyers.push(seller);
        assert_eq!(code(shop.order(3, &[0]).await), "cart-own");
        let free = shop.order(0, &[3]).await.expect("a free order");
        assert_eq!(
            free.state, "paid",
            "{}: free touches no provider",
            test.name
        );
        assert_eq!(code(shop.order(0, &[3]).await), "cart-owned");
        let order = shop.order(1, &[0]).await.expect("an order");
        for (card, decline) in [
            ("4000000000000002", "generic_decline"),
            ("4000 0000 0000 9995", "insufficient_funds"),
            ("1", "unknown_card"),
        ] {
            let payment = shop.pay(&order, card).await;
            assert_eq!(
                (payment.state.as_str(), payment.decline_code.as_deref()),
                ("open", Some(decline))
            );
        }
        let asked = shop.pay(&order, "4000002500003155").await;
        assert_eq!(asked.state, "confirming");
        assert_eq!(
            sandbox::confirm(&test.db, &asked.id, false, 1)
                .await
                .expect("an answer")
                .expect("the payment")
                .state,
            "open"
        );
        shop.drain().await;
        assert_eq!(
            shop.lines(&order).await[0].state.name(),
            "open",
            "{}: nothing was handed over",
            test.name
        );
        shop.check_settled(test.name).await;
        let mut tx = test.db.read().await.expect("a transaction");
        assert!(
            list_cart(&mut tx, "cart")
                .await
                .expect("the cart")
                .is_empty()
        );
    }
}

#[tokio::test]
async fn what_is_paid_for_twice_in_two_tabs_goes_straight_back() {
    for test in databases().await {
        let shop = shop(&test).await;
        let (first, second) = (
            shop.order(0, &[0]).await.expect("an order"),
            shop.order(0, &[0]).await.expect("another tab's order"),
        );
        for order in [&first, &second] {
            shop.pay(order, "4242424242424242").await;
            shop.drain().await;
        }
        assert_eq!(
            shop.lines(&first).await[0].state.name(),
            "owned",
            "{}",
            test.name
        );
        let line = shop.lines(&second).await.remove(0);
        assert_eq!(
            (line.state.name(), line.refund_reason.as_deref()),
            ("refunded", Some("duplicate")),
            "{}",
            test.name
        );
        assert_eq!(shop.balances(0).await.held, 850, "{}: one sale", test.name);
        shop.check_settled(test.name).await;
    }
}

/// Withdraws a listing as the operator's page does, without the log's leaf.
async fn withdraw(shop: &crate::testing::Shop, listing: usize) -> usize {
    let mut tx = shop.till.db.write().await.expect("a transaction");
    let listing = &shop.listings[listing];
    let sql = "update listing set state = 'withdrawn' where id = $1";
    execute!(&mut tx, sql, listing.as_str()).expect("withdrawn");
    let ended = end_open(&mut tx, Holding::Listing(listing), EndReason::Withdrawn).await;
    tx.commit().await.expect("a commit");
    ended.expect("ended")
}

#[tokio::test]
async fn an_open_order_ends_with_what_it_holds_and_a_payment_that_comes_all_the_same_goes_back() {
    for test in databases().await {
        let shop = shop(&test).await;
        let order = shop.order(0, &[0, 2]).await.expect("an order");
        let other = shop.order(1, &[1]).await.expect("an order");
        // Its payment page is open when it happens.
        service::open_payment(&shop.till, &order, shop.now_ms)
            .await
            .expect("a payment");
        assert_eq!(withdraw(&shop, 0).await, 1, "{}", test.name);
        let mut tx = test.db.read().await.expect("a transaction");
        let (ended, _) = orders::get_own(&mut tx, &order.person_id, &order.id)
            .await
            .expect("the order");
        drop(tx);
        assert_eq!(
            (ended.state.as_str(), ended.end_reason.as_deref()),
            ("cancelled", Some("withdrawn"))
        );
        shop.pay(&order, "4242424242424242").await;
        shop.pay(&other, "4242424242424242").await;
        shop.drain().await;
        for line in shop.lines(&order).await {
            assert_eq!(
                (line.state.name(), line.refund_reason.as_deref()),
                ("refunded", Some("order-ended")),
                "{}",
                test.name
            );
        }
        assert_eq!(
            shop.lines(&other).await[0].state.name(),
            "owned",
            "{}",
            test.name
        );
        assert_eq!(shop.balances(1).await.held, 0, "{}", test.name);
        shop.check_settled(test.name).await;
    }
}

#[tokio::test]
async fn a_buyer_gives_an_order_up_and_nobody_else_does_and_what_was_paid_all_the_same_goes_back() {
    for test in databases().await {
        let shop = shop(&test).await;
        let order = shop.order(0, &[0]).await.expect("an order");
        let url = service::open_payment(&shop.till, &order, shop.now_ms).await;
        let url = url.expect("a payment");
        let asker = |person| orders::Asker {
            person: Some(person),
            cart: None,
            now_ms: shop.now_ms,
        };
        let (own, stranger) = (asker(&*order.person_id), asker(&*shop.buyers[1]));
        let refused = give_up(&shop.till, stranger, &order.id).await;
        assert!(
            matches!(refused, Err(money::Error::NotFound)),
            "{}: {refused:?}",
            test.name
        );
        let ended = async || give_up(&shop.till, own, &order.id).await.expect("an end");
        assert!(ended().await, "{}", test.name);
        assert!(!ended().await, "{}: it ends once", test.name);
        let mut tx = test.db.read().await.expect("a transaction");
        let (found, _) = orders::show(&mut tx, own, &order.id)
            .await
            .expect("the order");
        drop(tx);
        assert_eq!(found.end_reason.as_deref(), Some("given-up"));
        // Another tab takes no card any more.
        let payment = url.rsplit('/').next().expect("an id");
        let (card, now_ms) = ("4242424242424242", shop.now_ms);
        let late = sandbox::charge(&test.db, payment, card, "US", now_ms).await;
        let late = late.expect("an answer").expect("the payment");
        assert_eq!(late.state, "expired", "{}", test.name);
        assert_eq!(close_ended(&shop.till).await.expect("a round"), 0, "closed");
        // One whose card was charged a moment before.
        let order = shop.order(0, &[0]).await.expect("an order");
        shop.pay(&order, card).await;
        let ended = give_up(&shop.till, own, &order.id).await;
        assert!(ended.expect("an end"), "{}", test.name);
        shop.drain().await;
        let line = shop.lines(&order).await.remove(0);
        assert_eq!(
            (line.state.name(), line.refund_reason.as_deref()),
            ("refunded", Some("order-ended")),
            "{}",
            test.name
        );
        assert!(
            !give_up(&shop.till, own, &order.id)
                .await
                .expect("an answer"),
            "{}: what was paid is not given up",
            test.name
        );
        shop.check_settled(test.name).await;
    }
}

#[tokio::test]
async fn an_order_of_what_its_buyer_got_meanwhile_ends_before_it_is_paid() {
    for test in databases().await {
        let shop = shop(&test).await;
        let first = shop.order(0, &[0]).await.expect("an order");
        let second = shop.order(0, &[0, 2]).await.expect("another tab's order");
        let own = orders::Asker {
            person: Some(&*first.person_id),
            cart: None,
            now_ms: shop.now_ms,
        };
        let ended = async |order: &orders::Order| {
            let ended = end_if_owned(&shop.till, own, &order.id).await;
            ended.expect("an answer")
        };
        assert!(!ended(&second).await, "{}: nothing is owned", test.name);
        shop.pay(&first, "4242424242424242").await;
        shop.drain().await;
        assert!(!ended(&first).await, "{}: it is paid", test.name);
        assert!(ended(&second).await, "{}", test.name);
        let mut tx = test.db.read().await.expect("a transaction");
        let (found, _) = orders::show(&mut tx, own, &second.id)
            .await
            .expect("the order");
        drop(tx);
        assert_eq!(found.end_reason.as_deref(), Some("owned"), "{}", test.name);
        shop.check_settled(test.name).await;
    }
}

#[tokio::test]
async fn what_went_off_sale_between_payment_and_booking_is_not_handed_over() {
    for test in databases().await {
        let shop = shop(&test).await;
        let order = shop.order(0, &[0, 1]).await.expect("an order");
        shop.pay(&order, "4242424242424242").await;
        let mut tx = test.db.write().await.expect("a transaction");
        let sql = "update listing set state = 'failed' where id = $1";
        execute!(&mut tx, sql, shop.listings[0].as_str()).expect("suspended");
        tx.commit().await.expect("a commit");
        shop.drain().await;
        let mut reasons: Vec<_> = shop
            .lines(&order)
            .await
            .into_iter()
            .map(|line| (line.state.name().to_owned(), line.refund_reason))
            .collect();
        reasons.sort();
        assert_eq!(
            reasons,
            [
                ("owned".to_owned(), None),
                ("refunded".to_owned(), Some("not-for-sale".to_owned()))
            ],
            "{}",
            test.name
        );
        shop.check_settled(test.name).await;
    }
}

#[tokio::test]
async fn a_second_order_of_a_cart_takes_the_firsts_place_and_its_coupon() {
    for test in databases().await {
        let shop = shop(&test).await;
        let buyer = shop.buyers[0].clone();
        let place = async |seen: &Seen| {
            let mut tx = money::books::begin(&test.db).await.expect("a transaction");
            let placed = service::place(&shop.till, &mut tx, &buyer, "kept", seen, shop.now_ms);
            let placed = placed.await.expect("an order");
            tx.commit().await.expect("a commit");
            placed
        };
        service::add_to_cart(&test.db, "kept", &shop.listings[0], shop.now_ms)
            .await
            .expect("added");
        let seen = Seen {
            total_minor: Some(1000),
            lines: None,
        };
        let first = place(&Seen::default()).await;
        let second = place(&seen).await;
        let mut tx = test.db.read().await.expect("a transaction");
        let found = orders::get_own(&mut tx, &buyer, &first.id).await;
        let found = found.expect("the order").0;
        assert_eq!(found.end_reason.as_deref(), Some("superseded"));
        assert_eq!(
            list_cart(&mut tx, "kept").await.expect("the cart").len(),
            1,
            "{}: kept until it is paid",
            test.name
        );
        drop(tx);
        shop.pay(&second, "4242424242424242").await;
        shop.drain().await;
        let mut tx = test.db.read().await.expect("a transaction");
        assert!(
            list_cart(&mut tx, "kept")
                .await
                .expect("the cart")
                .is_empty()
        );
        drop(tx);
        shop.check_settled(test.name).await;
    }
}

#[tokio::test]
async fn a_visitors_order_holds_no_address_before_it_is_paid_and_is_the_owners_afterwards() {
    for test in databases().await {
        let shop = shop(&test).await;
        let visit = async |listing: usize, email: &str| {
            service::add_to_cart(&test.db, "v", &shop.listings[listing], shop.now_ms)
                .await
                .expect("added");
            let mut tx = money::books::begin(&test.db).await.expect("a transaction");
            let buyer = guest::open(&mut tx, email, Lang::En).await.expect("a row");
            let seen = Seen::default();
            let placed = service::place(&shop.till, &mut tx, &buyer, "v", &seen, shop.now_ms);
            let placed = placed.await.expect("an order");
            tx.commit().await.expect("a commit");
            (buyer, placed)
        };
        let find = async |email: &str| {
            let mut tx = test.db.read().await.expect("a transaction");
            people::find_by_email(&mut tx, email)
                .await
                .expect("an answer")
        };
        let (first, order) = visit(0, "Vic@Test.example").await;
        assert!(order.by_visitor);
        assert_eq!(
            find("vic@test.example").await,
            None,
            "{}: not paid",
            test.name
        );
        shop.pay(&order, "4242424242424242").await;
        shop.drain().await;
        assert_eq!(find("vic@test.example").await, Some(first.clone()));
        // The next one with that address is found with the first, and its row stays nobody.
        let (second, order) = visit(2, "vic@test.example").await;
        assert_ne!(first, second);
        shop.pay(&order, "4242424242424242").await;
        shop.drain().await;
        let mut tx = test.db.read().await.expect("a transaction");
        let (order, lines) = orders::get_own(&mut tx, &first, &order.id)
            .await
            .expect("the owner's");
        assert_eq!(lines[0].buyer_id, first, "{}", test.name);
        // Whoever placed it sees the receipt for a day, by the cart alone.
        let asker = |cart, now_ms| orders::Asker {
            person: None,
            cart: Some(cart),
            now_ms,
        };
        assert!(asker("v", shop.now_ms + 1).may_see(&order));
        assert!(!asker("w", shop.now_ms + 1).may_see(&order));
        assert!(!asker("v", shop.now_ms + 2 * base::clock::DAY_MS).may_see(&order));
        drop(tx);
        // A creator's own address buys nothing of theirs.
        let (_, order) = visit(1, "ada@test.example").await;
        shop.pay(&order, "4242424242424242").await;
        shop.drain().await;
        let mut tx = test.db.read().await.expect("a transaction");
        let own = orders::get_own(&mut tx, &shop.sellers[0], &order.id).await;
        let line = own.expect("the order").1.remove(0);
        assert_eq!(line.refund_reason.as_deref(), Some("own"), "{}", test.name);
        drop(tx);
        shop.check_settled(test.name).await;
    }
}

#[tokio::test]
async fn the_checkout_of_an_order_that_ended_is_closed_so_that_nobody_pays_in_vain() {
    for test in databases().await {
        let shop = shop(&test).await;
        let order = shop.order(0, &[0]).await.expect("an order");
        let url = service::open_payment(&shop.till, &order, shop.now_ms)
            .await
            .expect("a payment");
        let payment = url.rsplit('/').next().expect("an id");
        assert_eq!(close_ended(&shop.till).await.expect("a round"), 0, "open");
        withdraw(&shop, 0).await;
        assert_eq!(close_ended(&shop.till).await.expect("a round"), 1);
        assert_eq!(close_ended(&shop.till).await.expect("a round"), 0, "once");
        let charged = sandbox::charge(&test.db, payment, "4242424242424242", "US", shop.now_ms)
            .await
            .expect("an answer");
        assert_ne!(charged.expect("the payment").state, "paid", "{}", test.name);
        shop.drain().await;
        shop.check_settled(test.name).await;
    }
}

#[tokio::test]
async fn who_only_typed_an_address_neither_takes_a_coupon_from_its_owner_nor_learns_who_used_it() {
    for test in databases().await {
        let shop = shop(&test).await;
        let once = crate::offers::coupon::NewCoupon {
            code: "once".into(),
            percent: Some(10),
            amount_minor: None,
            minimum_minor: 0,
            uses: None,
            once_per_buyer: true,
            ends_ms: None,
        };
        let mut tx = test.db.write().await.expect("a transaction");
        crate::offers::coupon::create(&mut tx, None, &once, shop.now_ms)
            .await
            .expect("a coupon");
        tx.commit().await.expect("a commit");
        let buy = async |cart: &str, buyer: Option<&str>, listing: usize| {
            service::add_to_cart(&test.db, cart, &shop.listings[listing], shop.now_ms)
                .await
                .expect("added");
            service::cart::set_code(&test.db, cart, "ONCE", "192.0.2.1")
                .await
                .expect("a code");
            let mut tx = money::books::begin(&test.db).await.expect("a transaction");
            let buyer = match buyer {
                Some(buyer) => buyer.to_owned(),
                None => guest::open(&mut tx, "cy@test.example", Lang::En)
                    .await
                    .expect("a row"),
            };
            let placed = service::place(
                &shop.till,
                &mut tx,
                &buyer,
                cart,
                &Seen::default(),
                shop.now_ms,
            )
            .await;
            tx.commit().await.expect("a commit");
            placed
        };
        let is_refused = |placed: &Result<orders::Order, money::Error>| {
            matches!(placed, Err(money::Error::Refused("coupon-account")))
        };
        let before = buy("stranger", None, 2).await;
        assert!(is_refused(&before), "{}: {before:?}", test.name);
        let own = buy("cy", Some(&shop.buyers[0]), 0)
            .await
            .expect("the owner's");
        assert_eq!(own.total_minor, 900, "{}", test.name);
        shop.pay(&own, "4242424242424242").await;
        shop.drain().await;
        let after = buy("other", None, 1).await;
        assert!(is_refused(&after), "{}: {after:?}", test.name);
        let again = buy("cy", Some(&shop.buyers[0]), 1).await;
        assert!(
            matches!(again, Err(money::Error::Refused("coupon-used"))),
            "{}: {again:?}",
            test.name
        );
    }
}
