//! How often something may happen, on both databases.

use super::*;
use crate::testing::databases;

#[tokio::test]
async fn many_uses_at_once_are_as_many_as_one_by_one() {
    let limit = Limit {
        name: "test",
        window_ms: i64::MAX / 2,
        count: 10,
    };
    for test in databases().await {
        let mut tx = test.db.write().await.expect("a transaction");
        for (uses, expected) in [(9, true), (1, true), (1, false), (100, false)] {
            let allowed = allow_many(&mut tx, limit, "ada", uses).await;
            assert_eq!(
                allowed.expect("an answer"),
                expected,
                "{}: {uses}",
                test.name
            );
        }
        let other = allow(&mut tx, limit, "ben").await;
        assert!(other.expect("an answer"), "{}: another's", test.name);
    }
}

const TEN: Limit = Limit {
    name: "ten",
    window_ms: i64::MAX / 2,
    count: 10,
};

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_as_many_go_through_as_are_allowed() {
    for test in databases().await {
        let mut asked = tokio::task::JoinSet::new();
        for _ in 0..25 {
            let db = test.db.clone();
            asked.spawn(async move {
                let mut tx = db.write().await.expect("a transaction");
                let allowed = allow(&mut tx, TEN, "ada").await.expect("an answer");
                tx.commit().await.expect("a commit");
                allowed
            });
        }
        let allowed = asked.join_all().await;
        let through = allowed.iter().filter(|allowed| **allowed).count();
        assert_eq!(through, 10, "{}", test.name);
    }
}

#[tokio::test]
async fn what_was_undone_is_not_counted_and_another_limit_neither() {
    let other = Limit {
        name: "other",
        ..TEN
    };
    for test in databases().await {
        let mut tx = test.db.write().await.expect("a transaction");
        let used = allow_many(&mut tx, TEN, "ada", 10).await;
        assert!(used.expect("an answer"), "{}", test.name);
        drop(tx);
        let mut tx = test.db.write().await.expect("a transaction");
        for (limit, uses, expected) in [(TEN, 10, true), (other, 10, true), (TEN, 1, false)] {
            let allowed = allow_many(&mut tx, limit, "ada", uses).await;
            let allowed = allowed.expect("an answer");
            assert_eq!(allowed, expected, "{}: {}", test.name, limit.name);
        }
    }
}

#[tokio::test]
async fn a_window_that_is_over_is_forgotten_and_one_that_runs_is_not() {
    for test in databases().await {
        let mut tx = test.db.write().await.expect("a transaction");
        let now = random::real_now_ms();
        store::count(&mut tx, "day:ada", now - 3 * PUBLISH.window_ms, 40)
            .await
            .expect("an old use");
        let used = allow(&mut tx, PUBLISH, "ada").await;
        assert!(used.expect("an answer"), "{}", test.name);
        sweep(&mut tx).await.expect("swept");
        let rows = crate::db::fetch!(
            &mut tx,
            fetch_all,
            (String,),
            "select subject from rate order by subject"
        );
        let rows: Vec<_> = rows.expect("rows").into_iter().map(|row| row.0).collect();
        assert_eq!(rows, ["publish:ada"], "{}", test.name);
    }
}

#[test]
fn the_rest_of_a_window_is_at_least_a_second_and_at_most_all_of_it() {
    for limit in [SIGN_IN, LINK, PUBLISH] {
        let rest_s = limit.rest_s();
        let whole_s = u64::try_from(limit.window_ms / 1000).expect("a time");
        assert!(
            (1..=whole_s + 1).contains(&rest_s),
            "{}: {rest_s}",
            limit.name
        );
    }
}

#[test]
fn addresses_of_one_subscriber_are_one_block() {
    for (address, expected) in [
        ("192.0.2.7", "192.0.2.0/24"),
        ("::ffff:192.0.2.200", "192.0.2.0/24"),
        ("2001:db8:7:1::9", "2001:db8:7::/48"),
        ("unknown", "unknown"),
    ] {
        assert_eq!(block(address), expected);
    }
}
