//! The plan of every statement in a large shop, on both databases, with statistics and without.
//!
//! The one rule: no statement scans a table that grows with the shop, walks a whole index of it, or sorts all that matches to show a
//! page. The few that may stand in [`MAY_SCAN`], each with its reason.

mod postgres;
mod sqlite;

use super::statements::STORES;
use crate::catalog::stretch::Stretch;
use base::testing::{TestDb, databases};
use std::collections::BTreeSet;
use std::time::Instant;

/// One text for both databases.
const SHOP: &str = include_str!("shop.sql");

/// Tables that have as many rows in a large shop as in a small one.
const FIXED: &[&str] = &[
    "_sqlx_migrations",
    "counter",
    "log_checkpoint",
    "model",
    "pace",
    "recurring",
    "setting",
    "sqlite_schema",
    "worker",
    "worker_model",
];

/// An index with fewer entries in the large shop holds only what is open: to walk it costs little.
const OPEN_ROWS: i64 = 3_000;

const PAGED: &str = "walks an index in the order of the page, and stops when the page is full";
const AUDIT: &str = "the check of the books reads everything, once a day, on the jobs' connections";
const EXPORT: &str = "an export reads its whole period, or all that came before it";
const OWN: &str = "sorts what belongs to one of something, which is little";
const RECONCILED: &str = "reconciliation reads everything that moved at the provider";

/// Store, statement, and why it may.
const MAY_SCAN: &[(&str, &str, &str)] = &[
    (
        "browse",
        "COUNT_LIVE",
        "counted when the index is built anew, and for nothing else",
    ),
    ("browse", "FIND_MAP_START", "walks one file's worth of ids"),
    ("browse", "FIRST_CHANGE", PAGED),
    ("browse", "LAST_CHANGE", PAGED),
    ("browse", "LIST_LIVE", PAGED),
    ("browse", "LIST_MAPPED", "walks one file's worth of ids"),
    (
        "keys",
        "LIST_ALL_KEYS",
        "adopting a newer log is a command, and tries every key",
    ),
    ("books", "COUNT", AUDIT),
    (
        "books",
        "MOVEMENTS",
        "sorts the newest of each of one person's accounts",
    ),
    ("books", "DAYS", OWN),
    ("books", "FIND_BELOW_FLOOR", AUDIT),
    ("books", "FIND_CONNECTED_DRIFT", AUDIT),
    ("books", "FIND_DAY_DRIFT", AUDIT),
    ("books", "FIND_DISPUTE_DRIFT", AUDIT),
    ("books", "FIND_DRIFT", AUDIT),
    ("books", "FIND_FROZEN_DRIFT", AUDIT),
    ("books", "FIND_HELD_DRIFT", AUDIT),
    ("books", "FIND_OVERPAID_LINE", AUDIT),
    ("books", "FIND_OVERPAID_PAYEE", AUDIT),
    ("books", "FIND_REFUND_DRIFT", AUDIT),
    ("books", "FIND_TRANSIT_DRIFT", AUDIT),
    ("books", "FIND_UNBALANCED", AUDIT),
    ("books", "FIND_UNSEALED", AUDIT),
    ("exports", "BALANCES", EXPORT),
    ("exports", "JOURNAL", EXPORT),
    ("exports", "LINES", EXPORT),
    ("exports", "PAID", EXPORT),
    ("catalog", "LIST_NEWEST", PAGED),
    ("catalog", "LIST_REPRODUCED", PAGED),
    ("catalog", "LIST_FREE", PAGED),
    ("catalog", "LIST_CHEAP", PAGED),
    ("catalog", "LIST_LIKE", PAGED),
    ("catalog", "FIND_LATEST_PROOF", PAGED),
    ("catalog", "LIST_VERSIONS", OWN),
    ("catalog", "FIND_PUBLIC_PICTURE", OWN),
    ("catalog", "FIND_CREATOR", OWN),
    ("orders", "LIST_DISPUTED_OF_CREATOR", OWN),
    ("offers", "LIST_NEWEST_SETS", PAGED),
    ("offers", "LIST_SETS_OF_LISTING", OWN),
    ("sales", "FIND_WITHDRAWN", OWN),
    ("sales", "LIST_DISPUTES", PAGED),
    ("moderation", "LIST_DECIDED", PAGED),
    ("moderation", "LIST_RESEMBLANCES", OWN),
    ("payouts", "LIST_BEST", OWN),
    (
        "payouts",
        "LIST_BUSY",
        "accounts of everybody with money or a late payout, six times an hour",
    ),
    (
        "payouts",
        "LIST_PAYEES",
        "everybody with earnings, once for each payout run",
    ),
    ("payouts", "LIST_RECENT", PAGED),
    ("provider", "FIND_TRANSFER", OWN),
    ("provider", "LIST_EVENTS", PAGED),
    ("provider", "LIST_OPS", PAGED),
    ("sandbox", "LIST_RETURNED", OWN),
    ("sandbox", "PLATFORM_BALANCE", RECONCILED),
    ("versions", "FIND_EQUAL_PICTURE", OWN),
    (
        "versions",
        "INSERT_LISTING",
        "SQLite looks for rows that wait for this one, where a key is open within the transaction; none ever is",
    ),
    (
        "own",
        "FORGET_ACKNOWLEDGEMENTS",
        "the sweep of what is a year old; PostgreSQL guesses that it is a third of all",
    ),
    (
        "own",
        "FORGET_DOWNLOADS",
        "the sweep of what is a year old; PostgreSQL guesses that it is a third of all",
    ),
];

/// A statement that touches too much, and how.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    store: &'static str,
    statement: &'static str,
    how: String,
}

fn allowed(finding: &Finding) -> bool {
    MAY_SCAN
        .iter()
        .any(|(store, name, _)| (*store, *name) == (finding.store, finding.statement))
}

/// Every statement that this database understands.
fn statements(database: &str) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let other = if database == "sqlite" {
        "_POSTGRES"
    } else {
        "_SQLITE"
    };
    STORES
        .iter()
        .flat_map(|(store, all)| all.iter().map(|(name, sql)| (*store, *name, *sql)))
        .filter(move |(_, name, _)| !name.ends_with(other))
}

async fn plan(test: &TestDb) -> Vec<Finding> {
    match test.name {
        "sqlite" => sqlite::plan(&test.db).await,
        _ => postgres::plan(&test.db).await,
    }
}

/// Fills one database, and plans every statement there.
async fn fill_and_plan(test: &TestDb) -> Vec<Finding> {
    let begun = Instant::now();
    let rows = match test.name {
        "sqlite" => sqlite::load(&test.db).await,
        _ => postgres::load(&test.db).await,
    };
    for (table, rows) in rows {
        assert!(
            rows >= 1_000 || FIXED.contains(&table.as_str()),
            "{}: {table} has {rows} rows in the large shop: fill it in shop.sql, or say in FIXED that it does not grow",
            test.name
        );
    }
    let mut found = Vec::new();
    if test.name == "sqlite" {
        // A shop grows for a while before anybody looks at its tables.
        found.extend(plan(test).await);
    }
    assert!(
        test.db.take_statistics().await.expect("statistics"),
        "{}: the tables are known now",
        test.name
    );
    found.extend(plan(test).await);
    // Fifty full ones, and one that finds nothing more.
    assert_eq!(stretches(test).await, 51, "{}", test.name);
    eprintln!("{}: filled and planned in {:?}", test.name, begun.elapsed());
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn no_statement_scans_a_table_that_grows() {
    let tests = databases().await;
    let mut found = BTreeSet::new();
    match tests.as_slice() {
        [sqlite, postgres] => {
            let (one, other) = tokio::join!(fill_and_plan(sqlite), fill_and_plan(postgres));
            found.extend(one);
            found.extend(other);
        }
        alone => {
            for test in alone {
                found.extend(fill_and_plan(test).await);
            }
        }
    }
    let new: Vec<&Finding> = found.iter().filter(|finding| !allowed(finding)).collect();
    assert!(
        new.is_empty(),
        "statements that touch too much of a large shop: give them an index or a bound (docs/scale.md):\n{new:#?}"
    );
    let gone: Vec<_> = MAY_SCAN
        .iter()
        .filter(|(store, name, _)| {
            let of = |other: &&(&str, &[(&str, &str)])| other.0 == *store;
            let all = STORES.iter().find(of).map_or(&[][..], |(_, all)| *all);
            !all.iter().any(|(other, _)| other == name)
        })
        .collect();
    assert!(gone.is_empty(), "there are no such statements: {gone:#?}");
}

/// A walk in stretches meets every version once, and begins again.
async fn stretches(test: &TestDb) -> usize {
    let mut count = 0;
    loop {
        let mut tx = test.db.write().await.expect("a transaction");
        let stretch = Stretch::next(&mut tx, "walk").await.expect("a stretch");
        assert_eq!(stretch.is_first(), count == 0, "{stretch:?}");
        stretch.pass(&mut tx).await.expect("passed");
        tx.commit().await.expect("a commit");
        count += 1;
        if stretch.is_last() {
            return count;
        }
    }
}

#[tokio::test]
async fn connections_that_are_open_learn_of_new_statistics() {
    // On PostgreSQL every connection reads them from the catalogue.
    let tests = databases().await;
    let test = tests.first().expect("SQLite");
    sqlite::fill_sample(&test.db, "i, 1", 2_000).await;
    assert!(test.db.take_statistics().await.expect("statistics"));
    let few = sqlite::plan_of_sample(&test.db).await;
    assert!(few.contains("sample_a_idx"), "{few}");
    sqlite::fill_sample(&test.db, "1, i", 100_000).await;
    assert!(test.db.take_statistics().await.expect("statistics"));
    let many = sqlite::plan_of_sample(&test.db).await;
    assert!(many.contains("sample_b_idx"), "as it is now: {many}");
    assert!(
        !test.db.take_statistics().await.expect("statistics"),
        "nothing changed since"
    );
}
