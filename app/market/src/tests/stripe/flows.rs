//! The flows of the shop on Stripe, to books that are equal on both sides.

use crate::orders;
use crate::tests::stripe::*;

#[tokio::test]
async fn the_shop_sells_pays_refunds_and_disputes_on_stripe_and_the_books_are_equal() {
    for test in databases().await {
        let mut on = StripeShop::new(&test).await;
        on.onboard(1, "000123456789").await;
        let order = on.shop.order(0, &[0, 1, 2]).await.expect("an order");
        assert!(!on.pay(&order, "4000000000000002", "DE").await, "declined");
        assert!(on.pay(&order, "4242424242424242", "DE").await);
        on.settle().await;
        let lines = on.shop.lines(&order).await;
        assert!(
            lines.iter().all(|line| line.state.name() == "owned"),
            "{}",
            test.name
        );
        assert_eq!(
            lines.iter().map(|line| line.tax_minor).sum::<i64>(),
            190 + 95 + 570
        );
        on.shop.check_settled(test.name).await;
        // A part, then the rest at our cost.
        let line = lines
            .iter()
            .find(|line| line.price_minor == 1000)
            .expect("a line");
        let mut tx = money::books::begin(&test.db).await.expect("a transaction");
        refund::give_back(&mut tx, &line.payee_id, &line.id, 333, on.shop.now_ms)
            .await
            .expect("planned");
        let line = orders::get_line(&mut tx, &line.id).await.expect("the line");
        refund::plan_refund(
            &mut tx,
            &line,
            Bearer::Platform,
            "does-not-reproduce",
            on.shop.now_ms,
        )
        .await
        .expect("planned");
        tx.commit().await.expect("a commit");
        on.settle().await;
        on.advance(15).await;
        assert_eq!(
            on.sweep().await,
            1,
            "{}: Ben is onboarded, Ada is not",
            test.name
        );
        on.advance(1).await;
        on.advance(3).await;
        assert_eq!(on.shop.balances(1).await.paid, 2549, "{}", test.name);
        on.shop.check_settled(test.name).await;
        // A dispute after the money is at the bank: asking it back is refused, and the loss is owed.
        let charge = {
            let mut tx = test.db.read().await.expect("a transaction");
            let found = orders::get_own(&mut tx, &order.person_id, &order.id).await;
            found.expect("the order").0.charge_id.expect("a charge")
        };
        on.fake
            .world()
            .dispute(&charge, "product_not_received", false);
        on.settle().await;
        on.advance(10).await;
        let ben = on.shop.balances(1).await;
        assert_eq!(ben.owed, 2549, "{}: nobody answered the bank", test.name);
        on.shop.check_settled(test.name).await;
        let mut tx = test.db.read().await.expect("a transaction");
        let lost = dispute::list(&mut tx, 10)
            .await
            .expect("disputes")
            .remove(0);
        assert_eq!((lost.state.as_str(), lost.amount_minor), ("lost", 5353));
        dump(&on.fake, "shop");
    }
}

#[tokio::test]
async fn a_bank_that_asks_is_answered_and_a_warning_of_fraud_is_refunded_at_our_cost() {
    for test in databases().await {
        let mut on = StripeShop::new(&test).await;
        let inquiry = on.shop.order(0, &[0]).await.expect("an order");
        assert!(on.pay(&inquiry, "4000000000001976", "US").await);
        let warned = on.shop.order(1, &[1]).await.expect("an order");
        assert!(on.pay(&warned, "4000000000005423", "US").await);
        let disputed = on.shop.order(2, &[2]).await.expect("an order");
        assert!(on.pay(&disputed, "4000000000002685", "US").await);
        on.settle().await;
        let line = on.shop.lines(&warned).await.remove(0);
        assert_eq!(line.refund_reason.as_deref(), Some("fraud-warning"));
        assert_eq!(
            on.shop.balances(0).await.held,
            424,
            "{}: at our cost",
            test.name
        );
        assert_eq!(
            on.shop.balances(0).await.frozen,
            850,
            "{}: asked about",
            test.name
        );
        let mut tx = test.db.write().await.expect("a transaction");
        for open in dispute::list(&mut tx, 10).await.expect("disputes") {
            let text = "winning_evidence, escalate_inquiry_evidence";
            assert!(
                dispute::submit(&mut tx, &open, text, on.shop.now_ms)
                    .await
                    .expect("planned")
            );
        }
        tx.commit().await.expect("a commit");
        on.settle().await;
        // The question became a dispute; the other one is won.
        on.advance(1).await;
        assert_eq!(on.shop.balances(1).await.held, 2549, "{}: won", test.name);
        let mut tx = money::books::begin(&test.db).await.expect("a transaction");
        let open = dispute::list(&mut tx, 10)
            .await
            .expect("disputes")
            .remove(0);
        assert_eq!(open.state, "withdrawn", "{}", test.name);
        // A claim is upheld meanwhile: giving up pays the buyer, at our cost.
        let line = on.shop.lines(&inquiry).await.remove(0);
        refund::plan_refund(
            &mut tx,
            &line,
            Bearer::Platform,
            "does-not-reproduce",
            on.shop.now_ms,
        )
        .await
        .expect("given up");
        tx.commit().await.expect("a commit");
        on.settle().await;
        let ada = on.shop.balances(0).await;
        assert_eq!(
            (ada.held, ada.frozen, ada.owed),
            (850 + 424, 0, 0),
            "{}",
            test.name
        );
        let line = on.shop.lines(&inquiry).await.remove(0);
        assert_eq!(
            line.state.name(),
            "refunded",
            "{}: and loses access",
            test.name
        );
        on.shop.check_settled(test.name).await;
        dump(&on.fake, "disputes");
    }
}

#[tokio::test]
async fn events_that_are_lost_are_swept_up_and_order_does_not_matter() {
    for test in databases().await {
        let mut on = StripeShop::new(&test).await;
        for listing in [0, 1, 2] {
            let order = on.shop.order(listing, &[listing]).await.expect("an order");
            assert!(on.pay(&order, "4242424242424242", "US").await);
        }
        on.deliver(true).await;
        on.shop.drain().await;
        let lost = inbox::sweep(&test.db, on.shop.till.provider.as_ref())
            .await
            .expect("a sweep");
        assert!(lost > 0, "{}: a third was lost", test.name);
        on.shop.drain().await;
        on.shop.check_settled(test.name).await;
        let again = inbox::sweep(&test.db, on.shop.till.provider.as_ref()).await;
        assert_eq!(again.expect("a sweep"), 0, "{}", test.name);
    }
}

#[tokio::test]
async fn the_platforms_own_payouts_the_providers_costs_and_what_nobody_explains_are_booked_once() {
    for test in databases().await {
        let mut on = StripeShop::new(&test).await;
        let order = on.shop.order(0, &[2]).await.expect("an order");
        assert!(on.pay(&order, "4000000000000077", "US").await);
        on.settle().await;
        on.shop.check_settled(test.name).await;
        let provider = on.shop.till.provider.clone();
        let book = async |now_ms: i64| {
            let booked = payouts::movements::book_own(&test.db, provider.as_ref(), now_ms).await;
            booked.expect("booked")
        };
        let balance = async |kind: books::AccountKind| {
            let mut tx = test.db.read().await.expect("a transaction");
            books::balance(&mut tx, kind, "stripe-test")
                .await
                .expect("a balance")
        };
        let kept = on.fake.world().pay_out_own(300);
        let lost = on.fake.world().pay_out_own(50);
        on.fake.world().move_own(-200, "stripe_fee");
        on.fake.world().move_own(55, "reserved_funds");
        assert_eq!(book(on.shop.now_ms).await, 4, "{}", test.name);
        assert_eq!(book(on.shop.now_ms).await, 0, "{}: once", test.name);
        assert_eq!(balance(books::AccountKind::BankInTransit).await, 350);
        on.shop.check_settled(test.name).await;
        on.advance(3).await;
        book(on.shop.now_ms).await;
        assert_eq!(
            (
                balance(books::AccountKind::BankInTransit).await,
                balance(books::AccountKind::BankOperating).await
            ),
            (0, 350),
            "{}: arrived",
            test.name
        );
        on.fake.world().fail_own_payout(&lost);
        assert_eq!(book(on.shop.now_ms).await, 1, "{}: it came back", test.name);
        assert_eq!(
            (
                balance(books::AccountKind::BankInTransit).await,
                balance(books::AccountKind::BankOperating).await
            ),
            (0, 300),
            "{}: {kept} stays",
            test.name
        );
        on.shop.check_settled(test.name).await;
        let mut tx = money::books::begin(&test.db).await.expect("a transaction");
        let found = books::suspense(&mut tx, "stripe-test")
            .await
            .expect("a list");
        assert_eq!(found.len(), 1, "{}", test.name);
        assert_eq!(
            found[0].amount, -55,
            "{}: theirs until a person decides",
            test.name
        );
        for wanted in [true, false] {
            let settled = payouts::movements::settle_suspense(
                &mut tx,
                "stripe-test",
                &found[0].source,
                on.shop.now_ms,
            );
            assert_eq!(settled.await.expect("an answer"), wanted, "{}", test.name);
        }
        tx.commit().await.expect("a commit");
        assert_eq!(
            balance(books::AccountKind::Suspense).await,
            0,
            "{}",
            test.name
        );
        on.shop.check_settled(test.name).await;
        dump(&on.fake, "own");
    }
}
