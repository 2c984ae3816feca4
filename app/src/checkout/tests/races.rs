//! Money that several people move at once.

use super::{person, shop};
use crate::checkout::service::{self, refund};
use crate::db::tests::databases;
use crate::payouts::service as payouts;
use crate::provider::sandbox;

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
                shop.buyers.push(person(&shop.till, &name).await);
                let last = shop.buyers.len() - 1;
                let order = shop.order(last, &[0, 1, 2]).await.expect("an order");
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
                        let mut tx = crate::books::begin(&db).await?;
                        refund::give_back(&mut tx, &line.payee_id, &line.id, 100, now).await?;
                        tx.commit().await?;
                        Ok::<_, service::Error>(())
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
