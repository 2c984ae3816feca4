//! What goes back: unopened lines, money that lies with the seller already, tax, and banks that send back.

use crate::orders::get_line;
use crate::payouts::service as payouts;
use crate::sales;
use crate::sales::Bearer;
use crate::sales::plan_refund;
use crate::testing::shop;
use base::clock::DAY_MS;
use base::db::execute;
use base::testing::databases;
use money::provider::sandbox;
#[tokio::test]
async fn a_return_that_read_an_unopened_line_loses_against_an_opening_that_came_first() {
    for test in databases().await {
        let shop = shop(&test).await;
        let order = shop.sell(0, 0).await;
        let read_before = shop.lines(&order).await.remove(0);
        let mut tx = money::books::begin(&test.db).await.expect("a transaction");
        execute!(
            &mut tx,
            "update purchase_line set opened_ms = 5 where id = $1",
            read_before.id.as_str()
        )
        .expect("opened");
        let planned = plan_refund(
            &mut tx,
            &read_before,
            Bearer::Creator,
            "unopened",
            shop.now_ms,
        )
        .await;
        assert!(!planned.expect("an answer"), "{}", test.name);
        tx.commit().await.expect("a commit");
        shop.check_settled(test.name).await;
    }
}

#[tokio::test]
async fn a_refund_after_the_transfer_is_owed_and_netted_from_the_next_earnings() {
    for test in databases().await {
        let mut shop = shop(&test).await;
        shop.onboard(1).await;
        let order = shop.sell(0, 2).await;
        shop.advance(14).await;
        shop.sweep(shop.now_ms).await;
        shop.drain().await;
        // It is at the bank by now: asking it back is refused.
        shop.advance(1).await;
        shop.advance(2).await;
        shop.drain().await;
        let line = shop.lines(&order).await.remove(0);
        assert_eq!(line.earning.name(), "transferred");
        shop.refund(&line, Bearer::Creator).await;
        shop.drain().await;
        assert_eq!(shop.balances(1).await.owed, 2549, "{}", test.name);
        shop.sell(1, 2).await;
        shop.advance(21).await;
        shop.sweep(shop.now_ms).await;
        let ben = shop.balances(1).await;
        assert_eq!((ben.owed, ben.available), (0, 0), "{}", test.name);
        shop.drain().await;
        shop.advance(3).await;
        shop.drain().await;
        shop.check_settled(test.name).await;
    }
}

#[tokio::test]
async fn what_is_being_asked_back_already_is_not_taken_from_earnings_too() {
    for test in databases().await {
        let mut shop = shop(&test).await;
        let ben = shop.sellers[1].clone();
        shop.onboard(1).await;
        let sold = shop.sell(0, 2).await;
        shop.advance(14).await;
        shop.sweep(shop.now_ms).await;
        shop.drain().await;
        shop.sell(1, 2).await;
        let line = shop.lines(&sold).await.remove(0);
        assert_eq!(
            line.earning.name(),
            "transferred",
            "{}: and not at the bank",
            test.name
        );
        shop.refund(&line, Bearer::Creator).await;
        // The reversal is on its way while the second sale is released.
        let until_ms = shop.now_ms + 14 * DAY_MS;
        payouts::release(&test.db, until_ms)
            .await
            .expect("a release");
        let mut tx = test.db.read().await.expect("a transaction");
        let planned = payouts::sweep::plan_for(&mut tx, &ben, 2500, until_ms);
        let planned = planned.await.expect("a plan");
        drop(tx);
        assert_eq!(
            (
                planned.outcome,
                planned.netted_minor,
                planned.payable_minor()
            ),
            ("paid", 0, 2549),
            "{}: the whole second sale",
            test.name
        );
        shop.sweep(until_ms).await;
        shop.drain().await;
        let ben = shop.balances(1).await;
        assert_eq!((ben.owed, ben.available), (0, 0), "{}", test.name);
        for days in [15, 2] {
            shop.advance(days).await;
            shop.drain().await;
        }
        assert_eq!(
            shop.balances(1).await.paid,
            2549,
            "{}: the second alone",
            test.name
        );
        shop.check_settled(test.name).await;
    }
}

#[tokio::test]
async fn tax_belongs_to_nobody_here_and_goes_back_with_a_part() {
    for test in databases().await {
        let shop = shop(&test).await;
        let order = shop.order(0, &[0, 1]).await.expect("an order");
        shop.pay_from(&order, "4242424242424242", "DE").await;
        shop.drain().await;
        let lines = shop.lines(&order).await;
        let taxes: Vec<i64> = lines.iter().map(|line| line.tax_minor).collect();
        assert_eq!(taxes.iter().sum::<i64>(), 190 + 95, "{}", test.name);
        assert_eq!(
            shop.balances(0).await.held,
            850 + 424,
            "{}: none of it",
            test.name
        );
        let line = lines
            .iter()
            .find(|line| line.price_minor == 1000)
            .expect("a line");
        let mut tx = money::books::begin(&test.db).await.expect("a transaction");
        for (cash, refused) in [(0, true), (1191, true), (595, false)] {
            let line = get_line(&mut tx, &line.id).await.expect("the line");
            let part =
                sales::plan_part(&mut tx, &line, cash, Bearer::Creator, "test", shop.now_ms).await;
            assert_eq!(part.is_err(), refused, "{}: {cash}", test.name);
        }
        tx.commit().await.expect("a commit");
        shop.drain().await;
        let line = shop
            .lines(&order)
            .await
            .into_iter()
            .find(|line| line.price_minor == 1000)
            .expect("a line");
        assert_eq!(
            (
                line.state.name(),
                line.refunded_tax_minor,
                line.refunded_minor,
                line.payee_borne_minor
            ),
            ("owned", 95, 500, 425),
            "{}: half of everything, and it stays theirs",
            test.name
        );
        shop.check_settled(test.name).await;
    }
}

#[tokio::test]
async fn a_payout_that_came_back_stops_the_next_one_until_the_bank_is_changed() {
    for test in databases().await {
        let mut shop = shop(&test).await;
        let ben = shop.sellers[1].clone();
        let onboard = async |bank: &str, now_ms| {
            payouts::onboard(&test.db, &ben, "Ben B", bank, now_ms)
                .await
                .expect("an answer")
        };
        onboard("000999999991", shop.now_ms).await;
        for buyer in [0, 1] {
            let order = shop.order(buyer, &[2]).await.expect("an order");
            shop.pay(&order, "4242424242424242").await;
            shop.drain().await;
            shop.advance(14).await;
            let paid = shop.sweep(shop.now_ms).await;
            // The second time his bank has sent the first payout back.
            assert_eq!(paid, 1 - buyer, "{}", test.name);
            for days in [0, 0, 2, 1] {
                shop.drain().await;
                shop.advance(days).await;
            }
            shop.drain().await;
        }
        let mut tx = test.db.read().await.expect("a transaction");
        let next = payouts::plan_sweep(&mut tx, 2500, shop.now_ms)
            .await
            .expect("a plan");
        drop(tx);
        assert_eq!(next[0].outcome, "bank_rejected", "{}", test.name);
        onboard("000123456789", shop.now_ms).await;
        // The old failure is read again with the account's other payouts, and is no new one.
        payouts::provider_account::catch_up(&test.db, shop.till.provider.as_ref(), shop.now_ms)
            .await
            .expect("an answer");
        let paid = payouts::sweep(&test.db, sandbox::NAME, 2500, shop.now_ms).await;
        assert_eq!(paid.expect("a sweep"), 1, "{}", test.name);
        for days in [0, 0, 2, 0] {
            shop.drain().await;
            shop.advance(days).await;
        }
        shop.drain().await;
        assert_eq!(
            shop.balances(1).await.paid,
            2 * 2549,
            "{}: each once",
            test.name
        );
        shop.check_settled(test.name).await;
    }
}

#[tokio::test]
async fn what_is_left_of_a_sale_after_a_part_went_back_adds_up_to_its_price() {
    for test in databases().await {
        let shop = shop(&test).await;
        let order = shop.sell(0, 2).await;
        let line = shop.lines(&order).await.remove(0);
        let mut tx = money::books::begin(&test.db).await.expect("a transaction");
        let part = sales::refund::give_back(&mut tx, &line.payee_id, &line.id, 169, shop.now_ms);
        part.await.expect("given back");
        tx.commit().await.expect("a commit");
        let mut tx = test.db.read().await.expect("a transaction");
        let sale = payouts::find_sale(&mut tx, &line.payee_id, &line.id).await;
        let sale = sale.expect("an answer").expect("the sale");
        let payee_rest = sale.payee_minor - sale.payee_borne_minor;
        assert_eq!(
            sale.refunded_minor + sale.share_rest() + payee_rest,
            sale.price_minor,
            "{}",
            test.name
        );
        assert!(
            sale.share_rest() < sale.share_minor,
            "our fee shrinks with it"
        );
        let mut text = Vec::new();
        payouts::write_sales(&mut text, std::slice::from_ref(&sale)).expect("written");
        let text = String::from_utf8(text).expect("text");
        let decimal = schema::money::decimal;
        let told = format!(
            ",{},{},1.69,",
            decimal(sale.share_rest()),
            decimal(payee_rest)
        );
        assert!(text.contains(&told), "{told}: {text}");
    }
}

#[tokio::test]
async fn what_is_sold_goes_back_or_is_lost_is_told_and_the_catalogue_counts_who_owns_it() {
    use crate::facts::{Fact, TELL, read};
    for test in databases().await {
        let shop = shop(&test).await;
        let order = shop.sell(0, 0).await;
        let lines = shop.lines(&order).await;
        let told = async || {
            let mut told = Vec::new();
            while let Some(job) = base::jobs::claim(&test.db, "w", &[TELL], i64::MAX / 2)
                .await
                .expect("an answer")
            {
                told.push(read(&job.payload).expect("a fact"));
            }
            told
        };
        let (listing, line) = (lines[0].listing_id.clone(), lines[0].id.clone());
        let sold = Fact::Sold {
            listing: listing.clone(),
            line: line.clone(),
        };
        assert_eq!(told().await, [sold], "{} {}", test.name, order.id);
        let mut tx = test.db.read().await.expect("a transaction");
        let owners = crate::orders::count_owners(&mut tx, &listing).await;
        assert_eq!(owners.expect("a number"), 1, "{}", test.name);
        drop(tx);
        // What cost nothing counts for a proven address alone: anybody types any number of others.
        for (price, proven, counts) in [
            ("0", "null", 0),
            ("0", "1", 1),
            ("price_minor", "null", 1),
            ("price_minor", "1", 1),
        ] {
            let mut tx = test.db.write().await.expect("a transaction");
            let owner = format!("update person set proven_ms = {proven}");
            let line = format!("update purchase_line set promotion_minor = price_minor - {price}");
            for sql in [owner, line] {
                execute!(&mut tx, sqlx::AssertSqlSafe(sql)).expect("changed");
            }
            let owners = crate::orders::count_owners(&mut tx, &listing).await;
            let case = format!("{}: {price} {proven}", test.name);
            assert_eq!(owners.expect("a number"), counts, "{case}");
            let times = crate::orders::list_sale_times(&mut tx, &listing, 9).await;
            assert_eq!(times.expect("times").len() as i64, counts, "{case}");
        }
        shop.refund(&lines[0], Bearer::Creator).await;
        assert_eq!(
            told().await,
            [Fact::Refunded {
                listing: listing.clone(),
                line
            }]
        );
        let mut tx = test.db.read().await.expect("a transaction");
        let owners = crate::orders::count_owners(&mut tx, &listing).await;
        assert_eq!(owners.expect("a number"), 0, "{}", test.name);
    }
}

#[tokio::test]
async fn a_refund_that_is_refused_is_told_as_the_buyers_again() {
    use crate::facts::{Fact, TELL, read};
    for test in databases().await {
        let shop = shop(&test).await;
        let order = shop.sell(0, 0).await;
        let line = shop.lines(&order).await.remove(0);
        shop.refund(&line, Bearer::Creator).await;
        // The provider knows the payment no more, and refuses.
        let mut tx = test.db.write().await.expect("a transaction");
        let sql = "update sandbox_payment set state = 'expired' where order_id = $1";
        execute!(&mut tx, sql, order.id.as_str()).expect("expired");
        tx.commit().await.expect("a commit");
        shop.drain().await;
        let mut told = Vec::new();
        while let Some(job) = base::jobs::claim(&test.db, "w", &[TELL], i64::MAX / 2)
            .await
            .expect("an answer")
        {
            told.push(read(&job.payload).expect("a fact"));
        }
        let (listing, line) = (line.listing_id, line.id);
        let restored = Fact::Restored {
            listing: listing.clone(),
            line: line.clone(),
        };
        assert_eq!(told.len(), 3, "{}: {told:?}", test.name);
        assert!(told.contains(&restored), "{}: {told:?}", test.name);
        let mut tx = test.db.read().await.expect("a transaction");
        let owners = crate::orders::count_owners(&mut tx, &listing).await;
        assert_eq!(owners.expect("a number"), 1, "{}", test.name);
    }
}
