//! Figures, on both databases.

use super::{EPOCH_MS, HALF_LIFE_MS, hear, trend};
use crate::catalog::service as catalog;
use crate::facts::Fact;
use crate::testing::{Bought, Listing, Person, Version};
use base::db::execute;
use base::testing::databases;

#[test]
fn two_sales_now_are_worth_one_a_half_life_later_and_old_ones_hardly_anything() {
    let at = |lives: i64| EPOCH_MS + lives * HALF_LIFE_MS;
    assert_eq!(trend(&[at(3), at(3)]), trend(&[at(4)]));
    assert!(trend(&[at(9)]) > trend(&[at(2); 100]));
    assert!(trend(&[at(5), at(1)]) > trend(&[at(5)]));
    assert!(trend(&[]) < trend(&[0]));
    assert!(trend(&vec![at(5000); 200]) > 0);
}

#[tokio::test]
async fn each_owner_counts_once_for_and_once_against_whatever_they_ran() {
    for test in databases().await {
        let mut tx = test.db.write().await.expect("a transaction");
        let ada = Person::new("ada").insert(&mut tx).await;
        let listing = Listing::of(&ada).published(EPOCH_MS);
        let listing = listing
            .version(Version::new().id("fox"))
            .insert(&mut tx)
            .await;
        for (buyer, outcomes) in [
            ("cy", &["exact", "exact"][..]),
            ("di", &["different", "exact"]),
            ("ed", &[]),
        ] {
            let buyer = Person::new(buyer).insert(&mut tx).await;
            let line = Bought::by(&buyer, "fox").insert(&mut tx).await;
            for outcome in outcomes {
                let sql = "insert into run (id, line_id, version_id, person_id, state, anchor, step, steps, outcome, created_ms)
                    select $1, purchase_line.id, version_id, buyer_id, 'done', 0, 1, 1, $2, 1 from purchase_line where id = $3";
                let id = base::random::id();
                execute!(&mut tx, sql, &id, *outcome, &line).expect("a run");
            }
        }
        tx.commit().await.expect("a commit");
        let line = schema::id::LineId::parse(&base::random::id()).expect("an id");
        let sold = Fact::Sold {
            listing: listing.clone(),
            line,
        };
        for _ in 0..2 {
            hear(&test.db, &sold).await.expect("counted");
        }
        let mut tx = test.db.read().await.expect("a transaction");
        let sql = "select sales, reproduced, differed from listing where id = $1";
        let row = base::db::fetch!(&mut tx, fetch_one, (i64, i64, i64), sql, listing.as_str());
        assert_eq!(row.expect("a row"), (3, 2, 1), "{}", test.name);
        assert!(catalog::get(&mut tx, &listing).await.is_ok());
    }
}
