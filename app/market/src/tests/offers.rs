//! Coupons and sets.

use crate::checkout::service::cart::{self, give_up_stale, set_code};
use crate::checkout::service::{self, Seen};
use crate::offers::coupon::{self, NewCoupon};
use crate::offers::sets;
use crate::people::{guest, service as people};
use crate::sales::Bearer;
use crate::testing::{Shop, shop};
use base::clock::DAY_MS;
use base::db::{execute, fetch};
use base::lang::Lang;
use base::testing::databases;
/// A coupon, made now.
async fn coupon(shop: &Shop, person: Option<&str>, new: NewCoupon) {
    let mut tx = shop.till.db.write().await.expect("a transaction");
    coupon::create(&mut tx, person, &new, shop.now_ms)
        .await
        .expect("a coupon");
    tx.commit().await.expect("a commit");
}

fn percent(code: &str, percent: i64) -> NewCoupon {
    NewCoupon {
        code: code.into(),
        percent: Some(percent),
        amount_minor: None,
        minimum_minor: 0,
        uses: None,
        once_per_buyer: false,
        ends_ms: None,
    }
}

#[tokio::test]
async fn a_creators_coupon_lowers_the_price_and_the_platforms_lowers_only_what_the_buyer_pays() {
    for test in databases().await {
        let shop = shop(&test).await;
        let ada = shop.sellers[0].clone();
        coupon(&shop, Some(&ada), percent("ada20", 20)).await;
        coupon(
            &shop,
            None,
            NewCoupon {
                percent: None,
                amount_minor: Some(200),
                ..percent("house", 1)
            },
        )
        .await;
        // 20 % of Ada's 10.00, nothing of Ben's 29.99.
        set_code(&test.db, "cart", " Ada 20 ", "192.0.2.1")
            .await
            .expect("a code");
        let order = shop.order(0, &[0, 2]).await.expect("an order");
        assert_eq!((order.total_minor, order.discount_minor), (3799, 200));
        let line = shop.lines(&order).await.remove(0);
        assert_eq!(
            (
                line.list_minor,
                line.price_minor,
                line.share_minor,
                line.payee_minor
            ),
            (1000, 800, 120, 680),
            "{}",
            test.name
        );
        // Two dollars of ours: the creator earns as if there were none, and a refund gives back what was paid.
        set_code(&test.db, "cart", "HOUSE", "192.0.2.1")
            .await
            .expect("a code");
        let order = shop.order(1, &[0]).await.expect("an order");
        assert_eq!(order.total_minor, 800);
        shop.pay(&order, "4242424242424242").await;
        shop.drain().await;
        assert_eq!(shop.balances(0).await.held, 850, "{}", test.name);
        shop.check_settled(test.name).await;
        let line = shop.lines(&order).await.remove(0);
        shop.refund(&line, Bearer::Creator).await;
        shop.drain().await;
        assert_eq!(shop.balances(0).await.held, 0, "{}", test.name);
        assert_eq!(shop.lines(&order).await[0].refunded_cash(), 800);
        shop.check_settled(test.name).await;
    }
}

#[tokio::test]
async fn a_coupon_that_does_not_count_says_why_and_its_last_use_is_had_once() {
    for test in databases().await {
        let mut shop = shop(&test).await;
        let ada = shop.sellers[0].clone();
        let limited = NewCoupon {
            uses: Some(1),
            once_per_buyer: true,
            minimum_minor: 500,
            ends_ms: Some(shop.now_ms + DAY_MS),
            ..percent("few", 50)
        };
        coupon(&shop, Some(&ada), limited).await;
        let refused = async |shop: &Shop, buyer: usize, listings: &[usize], code: &str| {
            set_code(&shop.till.db, "cart", code, "192.0.2.1")
                .await
                .expect("a code");
            match shop.order(buyer, listings).await {
                Err(money::Error::Refused(code)) => code,
                other => panic!("{code}: {other:?}"),
            }
        };
        assert_eq!(refused(&shop, 0, &[0], "nobody").await, "coupon-unknown");
        assert_eq!(refused(&shop, 0, &[2], "few").await, "coupon-elsewhere");
        assert_eq!(refused(&shop, 0, &[1], "few").await, "coupon-minimum");
        set_code(&test.db, "cart", "few", "192.0.2.1")
            .await
            .expect("a code");
        let order = shop.order(0, &[0]).await.expect("an order");
        assert_eq!(order.total_minor, 500);
        assert_eq!(refused(&shop, 1, &[0], "few").await, "coupon-used-up");
        // The order is not paid for a day: its use is free again, and the provider takes no money for it any more.
        shop.now_ms += DAY_MS + 1;
        let given_up = give_up_stale(&shop.till, shop.now_ms)
            .await
            .expect("an answer");
        assert_eq!(given_up, 1, "{}", test.name);
        assert_eq!(
            refused(&shop, 1, &[0], "few").await,
            "coupon-over",
            "{}",
            test.name
        );
        let mut tx = test.db.read().await.expect("a transaction");
        let left = coupon::list(&mut tx, Some(&ada)).await.expect("coupons")[0].uses_left;
        assert_eq!(left, Some(1), "{}", test.name);
        shop.check_settled(test.name).await;
    }
}

#[tokio::test]
async fn a_set_costs_less_and_what_is_owned_already_takes_its_part_away() {
    use crate::checkout::service::cart::add_set_to_cart;
    for test in databases().await {
        let shop = shop(&test).await;
        let ada = shop.sellers[0].clone();
        let mut tx = test.db.write().await.expect("a transaction");
        let chosen = [shop.listings[0].clone(), shop.listings[1].clone()];
        let slug = sets::create(&mut tx, &ada, "Both", 1200, &chosen, shop.now_ms)
            .await
            .expect("a set");
        let another = sets::create(&mut tx, &shop.sellers[1], "Stolen", 100, &chosen, 1).await;
        assert!(another.is_err(), "{}: of another's listings", test.name);
        let (set, items) = sets::get(&mut tx, &slug).await.expect("the set");
        assert_eq!(items.len(), 2);
        tx.commit().await.expect("a commit");
        let buy = async |buyer: usize| {
            add_set_to_cart(&test.db, "cart", &set.id, shop.now_ms)
                .await
                .expect("in the cart");
            shop.order(buyer, &[]).await.expect("an order")
        };
        let order = buy(0).await;
        let prices: Vec<i64> = shop
            .lines(&order)
            .await
            .iter()
            .map(|line| line.price_minor)
            .collect();
        // 12.00 by 10.00 and 4.99, to the cent.
        assert_eq!(
            (order.total_minor, prices.iter().sum::<i64>()),
            (1200, 1200)
        );
        shop.sell(1, 0).await;
        let rest = buy(1).await;
        assert_eq!(
            rest.total_minor, 399,
            "{}: the other's part alone",
            test.name
        );
        // One taken out of the cart: the other goes back to its own price.
        add_set_to_cart(&test.db, "cart", &set.id, shop.now_ms)
            .await
            .expect("in the cart");
        service::remove_from_cart(&test.db, "cart", &shop.listings[0])
            .await
            .expect("out");
        let alone = shop.order(2, &[]).await.expect("an order");
        assert_eq!(alone.total_minor, 499, "{}", test.name);
    }
}

#[tokio::test]
async fn what_is_left_of_a_set_costs_its_own_price_however_it_was_taken_apart() {
    use crate::checkout::service::cart::add_set_to_cart;
    for test in databases().await {
        let shop = shop(&test).await;
        let ada = shop.sellers[0].clone();
        let mut tx = test.db.write().await.expect("a transaction");
        let chosen = [shop.listings[0].clone(), shop.listings[1].clone()];
        let mut ids = Vec::new();
        for (title, price) in [("First", 600), ("Second", 1400)] {
            let slug = sets::create(&mut tx, &ada, title, price, &chosen, shop.now_ms).await;
            let found = sets::get(&mut tx, &slug.expect("a set")).await;
            ids.push(found.expect("the set").0.id);
        }
        tx.commit().await.expect("a commit");
        let add = async |set: &str| {
            let added = add_set_to_cart(&test.db, "cart", set, shop.now_ms).await;
            added.expect("in the cart");
        };
        let total = async || {
            let mut tx = test.db.read().await.expect("a transaction");
            let priced = cart::price(&mut tx, "cart", None, shop.now_ms).await;
            let priced = priced.expect("a price");
            (priced.total_minor(), priced.lines[0].line.set_id.is_some())
        };
        add(&ids[0]).await;
        assert_eq!(total().await, (600, true), "{}", test.name);
        // The second set takes both listings with it, and one of them back leaves neither set.
        add(&ids[1]).await;
        assert_eq!(total().await, (1400, true), "{}", test.name);
        let mut tx = test.db.write().await.expect("a transaction");
        let sql = "update cart_line set set_id = $1 where listing_id = $2";
        execute!(&mut tx, sql, &ids[0], shop.listings[0].as_str()).expect("moved");
        tx.commit().await.expect("a commit");
        assert_eq!(total().await, (1499, false), "{}: one of each", test.name);
    }
}

#[tokio::test]
async fn a_coupon_that_counts_once_tells_nobody_who_used_it_and_codes_are_forgotten() {
    for test in databases().await {
        let shop = shop(&test).await;
        let once = NewCoupon {
            once_per_buyer: true,
            ..percent("once", 50)
        };
        coupon(&shop, Some(&shop.sellers[0]), once).await;
        let code = async |code: &str| {
            let set = set_code(&test.db, "cart", code, "192.0.2.1").await;
            set.expect("a code");
        };
        code("once").await;
        let order = shop.order(0, &[0]).await.expect("an order");
        shop.pay(&order, "4242424242424242").await;
        shop.drain().await;
        let added = service::add_to_cart(&test.db, "v", &shop.listings[0], shop.now_ms).await;
        added.expect("in the cart");
        let typed = set_code(&test.db, "v", "once", "192.0.2.1").await;
        typed.expect("a code");
        let mut tx = test.db.read().await.expect("a transaction");
        let email = people::find_email(&mut tx, &shop.buyers[0]).await;
        let email = email.expect("a look").expect("an address");
        drop(tx);
        for typed in [email.as_str(), "nobody@test.example"] {
            let mut tx = money::books::begin(&test.db).await.expect("a transaction");
            let visitor = guest::open(&mut tx, typed, Lang::En).await.expect("a row");
            let seen = Seen::default();
            let refused =
                service::place(&shop.till, &mut tx, &visitor, "v", &seen, shop.now_ms).await;
            assert!(
                matches!(refused, Err(money::Error::Refused("coupon-account"))),
                "{}: {typed}: {refused:?}",
                test.name
            );
        }
        code("").await;
        let typed = set_code(&test.db, "v", "", "192.0.2.1").await;
        typed.expect("no code");
        let mut tx = test.db.write().await.expect("a transaction");
        let count = "select count(*) from cart_coupon";
        let left = fetch!(&mut tx, fetch_one, (i64,), count).expect("a count");
        assert_eq!(left.0, 0, "{}: an empty code is none", test.name);
    }
}
