//! Money that several people move at once.

use crate::payouts::service as payouts;
use crate::sales::refund;
use crate::settlement;
use crate::testing::shop;
use base::db::execute;
use base::testing::databases;
use money::books::service as books;
use money::provider::sandbox;
use std::time::Duration;

/// Rounds of refunds and payouts at once. Each is its own order of locks: without one order for all, PostgreSQL ends some of them.
const ROUNDS: usize = 40;
const BUYERS: usize = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn refunds_that_meet_a_payout_run_all_go_through() {
    for test in databases().await {
        let mut shop = shop(&test).await;
        for seller in [0, 1] {
            shop.onboard(seller).await;
        }
        for round in 0..ROUNDS {
            let mut lines = Vec::new();
            for number in 0..BUYERS {
                let name = format!("buyer-{round}-{number}");
                let buyer = shop.add_buyer(&name).await;
                let order = shop.order(buyer, &[0, 1, 2]).await.expect("an order");
                shop.pay(&order, "4242424242424242").await;
                shop.drain().await;
                lines.extend(shop.lines(&order).await);
            }
            shop.advance(15).await;
            shop.drain().await;
            let now = shop.now_ms;
            let sweep = {
                let db = test.db.clone();
                tokio::spawn(async move { payouts::sweep(&db, sandbox::NAME, 0, now).await })
            };
            let refunds: Vec<_> = lines
                .into_iter()
                .rev()
                .map(|line| {
                    let db = test.db.clone();
                    tokio::spawn(async move {
                        let mut tx = money::books::begin(&db).await?;
                        refund::give_back(&mut tx, &line.payee_id, &line.id, 100, now).await?;
                        tx.commit().await?;
                        Ok::<_, money::Error>(())
                    })
                })
                .collect();
            for refund in refunds {
                let went = refund.await.expect("no panic");
                assert!(went.is_ok(), "{} {round}: {went:?}", test.name);
            }
            let swept = sweep.await.expect("no panic");
            assert!(swept.is_ok(), "{} {round}: {swept:?}", test.name);
            shop.drain().await;
        }
        shop.check_settled(test.name).await;
    }
}

/// The books are held against the provider so often while sales run.
const LOOKS: usize = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_check_of_the_books_raises_no_false_alarm_while_sales_run() {
    let pauses = [10, 20, 40, 80, 160].map(Duration::from_millis);
    for test in databases().await {
        let mut shop = shop(&test).await;
        let (stop, stopped) = tokio::sync::watch::channel(false);
        for number in 0..400 {
            let name = format!("buyer-{number}");
            shop.add_buyer(&name).await;
        }
        let till = shop.till.clone();
        let selling = tokio::spawn(async move {
            let mut sold = 0;
            for buyer in 3..shop.buyers.len() {
                if *stopped.borrow() {
                    break;
                }
                shop.sell(buyer, 0).await;
                sold += 1;
            }
            (shop, sold)
        });
        let mut first_looks = 0;
        for look in 0..LOOKS {
            let once = settlement::reconcile(&till.db, till.provider.as_ref()).await;
            first_looks += usize::from(once.expect("a look").verdict().is_err());
            let settled =
                settlement::reconcile_settled(&till.db, till.provider.as_ref(), &pauses).await;
            let verdict = settled.expect("an answer").verdict();
            assert!(verdict.is_ok(), "{} {look}: {verdict:?}", test.name);
            let mut tx = till.db.read().await.expect("a transaction");
            let audit = books::audit(&mut tx).await.expect("an audit");
            assert!(audit.is_ok(), "{} {look}: {audit:?}", test.name);
        }
        stop.send_replace(true);
        let (shop, sold) = selling.await.expect("no panic");
        assert!(sold > 0, "{}: nothing was sold meanwhile", test.name);
        println!(
            "{}: {sold} sales, {first_looks} of {LOOKS} first looks differed",
            test.name
        );
        shop.check_settled(test.name).await;
        // What stands is still an alarm, whatever else moves.
        let mut tx = test.db.write().await.expect("a transaction");
        let lost = "update sandbox_entry set amount_minor = amount_minor + 7 where id in (select id from sandbox_entry where account = 'platform' limit 1)";
        execute!(&mut tx, lost).expect("a provider that says something else");
        tx.commit().await.expect("a commit");
        let settled =
            settlement::reconcile_settled(&till.db, till.provider.as_ref(), &pauses).await;
        assert!(
            settled.expect("an answer").verdict().is_err(),
            "{}",
            test.name
        );
    }
}
