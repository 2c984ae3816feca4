//! Sales from cart to bank: what is charged, held, released and paid, and what a cart refuses.

use super::{listing, shop};
use crate::books::service as books;
use crate::checkout::service::read;
use crate::checkout::service::{self, Bearer, get_line, list_cart, plan_refund};
use crate::db::execute;
use crate::db::tests::databases;
use crate::payouts::service as payouts;
use crate::provider::{Outcome, inbox, outbound, sandbox};
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
            read::event(&shop.till, &event, shop.now_ms)
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
        let mut tx = shop.till.db.write().await.expect("a transaction");
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
            Outcome::Done(op.key())
        );
        for _ in 0..2 {
            read::operation(&shop.till, &op.id, shop.now_ms)
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
        let code = |result: Result<service::Order, service::Error>| match result {
            Err(service::Error::Refused(code)) => code,
            other => panic!("expected a refusal, got {other:?}"),
        };
        assert_eq!(code(shop.order(0, &[]).await), "cart-empty");
        let cheap = listing(&shop.till, &shop.sellers[0].clone(), 100).await;
        shop.listings.push(cheap);
        assert_eq!(code(shop.order(0, &[4]).await), "cart-minimum");
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
            shop.lines(&order).await[0].state,
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
        assert_eq!(shop.lines(&first).await[0].state, "owned", "{}", test.name);
        let line = shop.lines(&second).await.remove(0);
        assert_eq!(
            (line.state.as_str(), line.refund_reason.as_deref()),
            ("refunded", Some("duplicate")),
            "{}",
            test.name
        );
        assert_eq!(shop.balances(0).await.held, 850, "{}: one sale", test.name);
        shop.check_settled(test.name).await;
    }
}

#[tokio::test]
async fn money_that_comes_for_an_order_that_was_given_up_waits_for_a_person() {
    for test in databases().await {
        let shop = shop(&test).await;
        let order = shop.order(0, &[0]).await.expect("an order");
        let payment = shop.pay(&order, "4242424242424242").await;
        // As if it had been given up while the bank still worked.
        let mut tx = test.db.write().await.expect("a transaction");
        let sql = "update purchase set state = 'cancelled' where id = $1";
        execute!(&mut tx, sql, &order.id).expect("given up");
        tx.commit().await.expect("a commit");
        let event = format!("checkout.session.completed:{}", payment.id);
        let read = read::event(&shop.till, &event, shop.now_ms).await;
        let why = read.expect_err("not for us to decide").to_string();
        assert!(
            why.contains("is cancelled and was paid"),
            "{}: {why}",
            test.name
        );
        let mut tx = test.db.read().await.expect("a transaction");
        let waiting = inbox::list(&mut tx, "received", 10).await.expect("events");
        assert!(
            waiting
                .iter()
                .any(|waits| waits.id == event && waits.last_error.is_some()),
            "{}: in sight",
            test.name
        );
    }
}
