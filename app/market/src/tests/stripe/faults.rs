//! Faults between the shop and Stripe: nothing is paid or refunded twice, and nothing is poisoned.

use crate::tests::stripe::*;

#[tokio::test]
async fn no_fault_between_us_and_stripe_pays_or_refunds_twice() {
    for test in databases().await {
        let mut on = StripeShop::new(&test).await;
        on.onboard(0, "000123456789").await;
        let mut tx = test.db.write().await.expect("a transaction");
        let coupon = NewCoupon {
            code: "house".into(),
            percent: None,
            amount_minor: Some(100),
            minimum_minor: 0,
            uses: None,
            once_per_buyer: false,
            ends_ms: None,
        };
        crate::offers::coupon::create(&mut tx, None, &coupon, on.shop.now_ms)
            .await
            .expect("a coupon");
        tx.commit().await.expect("a commit");
        for (number, fault) in Fault::ALL.into_iter().enumerate() {
            let buyer = on.shop.add_buyer(&format!("b{number}")).await;
            cart::set_code(&test.db, "cart", "house", "192.0.2.1")
                .await
                .expect("a code");
            let order = on.shop.order(buyer, &[0]).await.expect("an order");
            assert!(on.pay(&order, "4000000000000077", "US").await);
            on.settle().await;
            let line = on.shop.lines(&order).await.remove(0);
            if number % 2 == 0 {
                let mut tx = money::books::begin(&test.db).await.expect("a transaction");
                refund::plan_refund(&mut tx, &line, Bearer::Creator, "unopened", on.shop.now_ms)
                    .await
                    .expect("planned");
                tx.commit().await.expect("a commit");
            }
            on.fake.world().faults.push_back(("refunds".into(), fault));
            on.fake
                .world()
                .faults
                .push_back(("transfers".into(), fault));
            send_all(&on).await;
            on.advance(15).await;
            on.sweep().await;
            send_all(&on).await;
            on.settle().await;
        }
        // Keys are forgotten after a day: what is still unknown is looked up, and sent anew only when it is not there.
        age_operations(&test).await;
        on.fake.world().forget_keys();
        send_all(&on).await;
        on.settle().await;
        let mut tx = test.db.read().await.expect("a transaction");
        let open = outbound::list(&mut tx, "", 1000).await.expect("operations");
        let open: Vec<_> = open.iter().filter(|op| op.is_open()).collect();
        assert!(open.is_empty(), "{}: {open:?}", test.name);
        drop(tx);
        on.shop.check_settled(test.name).await;
        let refunds = on.fake.world().newest("refund").len();
        assert_eq!(
            refunds,
            Fault::ALL.len().div_ceil(2),
            "{}: each once",
            test.name
        );
    }
}

#[tokio::test]
async fn a_refusal_that_stripe_saved_poisons_nothing_that_is_planned_anew() {
    for test in databases().await {
        let mut on = StripeShop::new(&test).await;
        on.onboard(1, "000123456789").await;
        let order = on.shop.order(0, &[2]).await.expect("an order");
        assert!(on.pay(&order, "4000000000000077", "US").await);
        on.settle().await;
        on.shop.now_ms += 14 * DAY_MS;
        payouts::release(&test.db, on.shop.now_ms)
            .await
            .expect("a release");
        // Stripe stopped the account, and its word of that is still on the way.
        on.fake.world().allow_transfers(false);
        assert_eq!(on.sweep().await, 1, "{}", test.name);
        send_all(&on).await;
        let line = on.shop.lines(&order).await.remove(0);
        assert_eq!(
            line.earning.name(),
            "available",
            "{}: theirs again",
            test.name
        );
        on.fake.world().allow_transfers(true);
        on.shop.now_ms += 8 * DAY_MS;
        assert_eq!(on.sweep().await, 1, "{}", test.name);
        send_all(&on).await;
        let line = on.shop.lines(&order).await.remove(0);
        assert_eq!(line.earning.name(), "transferred", "{}", test.name);
        on.settle().await;
        on.shop.check_settled(test.name).await;
    }
}
