//! What takes a listing or a version on keeps to the table of its steps.

use super::store;
use crate::catalog::{ListingState, VersionState, service};
use crate::testing::shop;
use base::db::execute;
use base::testing::databases;

#[tokio::test]
async fn whatever_takes_a_listing_on_keeps_to_the_table() {
    use ListingState::{Certifying, Failed, Live, Withdrawn};
    for test in databases().await {
        let shop = shop(&test).await;
        let id = &shop.listings[0];
        for from in [Certifying, Live, Failed, Withdrawn] {
            for step in ["sell", "fail", "suspend", "withdraw"] {
                let mut tx = test.db.write().await.expect("a transaction");
                let sql = "update listing set state = $2 where id = $1";
                execute!(&mut tx, sql, id.as_str(), from.name()).expect("a state");
                let listing = service::get(&mut tx, id).await.expect("a listing");
                let sold = &listing.version_id;
                let version = service::get_version(&mut tx, sold).await;
                let version = version.expect("a version");
                let done = match step {
                    "sell" => store::sell_version(&mut tx, id, sold, 1).await.map(drop),
                    "fail" => store::fail_first_version(&mut tx, id, sold).await,
                    "suspend" => service::suspend(&mut tx, &version).await.map(drop),
                    _ => service::withdraw(&mut tx, id).await.map(drop),
                };
                done.expect("an answer");
                let next = service::get(&mut tx, id).await.expect("a listing").state;
                assert!(
                    from.may_become(next),
                    "{}: {step} made {next:?} of {from:?}",
                    test.name
                );
            }
        }
    }
}

#[tokio::test]
async fn a_step_that_no_version_may_take_is_refused_and_nothing_is_written() {
    for test in databases().await {
        let shop = shop(&test).await;
        let mut tx = test.db.write().await.expect("a transaction");
        let listing = service::get(&mut tx, &shop.listings[0]).await;
        let id = listing.expect("a listing").version_id;
        let why = Some("too late");
        let refused =
            store::set_version_state(&mut tx, &id, VersionState::Certifying, why, None).await;
        let refused = refused.expect_err("it is on sale").to_string();
        assert!(
            refused.ends_with(&format!("the version {id} from live to certifying")),
            "{}: {refused}",
            test.name
        );
        let row = store::get_version(&mut tx, &id).await.expect("a version");
        assert_eq!((row.state, row.error), (VersionState::Live, None));
    }
}
