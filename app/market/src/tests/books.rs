//! The database itself keeps the books honest, on both databases.

use crate::testing::{shop, traded};
use base::db::{Violation, execute};
use base::testing::{TestDb, databases};
use money::books::service::{
    AccountKind, Entry, Error, audit, balance, days, post, posting, seller_balances,
};

fn entry(key: &str, postings: Vec<money::books::service::Posting>) -> Entry {
    Entry {
        key: key.into(),
        kind: "sale",
        source: "test".into(),
        occurred_ms: 1,
        postings,
    }
}

fn sale(key: &str, amount: i64) -> Entry {
    entry(
        key,
        vec![
            posting(AccountKind::ProcessorPending, "sandbox", amount, None),
            posting(AccountKind::SellerHeld, "ada", -amount, None),
        ],
    )
}

#[tokio::test]
async fn a_fact_is_booked_once_however_often_it_is_told() {
    for test in databases().await {
        let mut tx = money::books::begin(&test.db).await.expect("a transaction");
        assert!(post(&mut tx, &sale("sale:1", 850)).await.expect("booked"));
        assert!(
            !post(&mut tx, &sale("sale:1", 850))
                .await
                .expect("told again"),
            "{}",
            test.name
        );
        assert!(
            matches!(
                post(&mut tx, &sale("sale:1", 851)).await,
                Err(Error::Conflict(_))
            ),
            "{}: another fact",
            test.name
        );
        assert_eq!(
            balance(&mut tx, AccountKind::SellerHeld, "ada")
                .await
                .expect("a balance"),
            850
        );
        tx.commit().await.expect("a commit");
        let mut tx = test.db.read().await.expect("a transaction");
        assert_eq!(
            audit(&mut tx).await.expect("an audit"),
            Ok(1),
            "{}",
            test.name
        );
    }
}

#[tokio::test]
async fn postings_that_do_not_add_up_are_refused_by_the_database() {
    for test in databases().await {
        let mut tx = money::books::begin(&test.db).await.expect("a transaction");
        let lame = entry(
            "sale:2",
            vec![
                posting(AccountKind::ProcessorPending, "sandbox", 100, None),
                posting(AccountKind::RevenueShare, "platform", -99, None),
            ],
        );
        assert!(post(&mut tx, &lame).await.is_err(), "{}", test.name);
        assert!(
            tx.commit().await.is_err(),
            "{}: nothing of it is kept",
            test.name
        );
    }
}

#[tokio::test]
async fn no_account_goes_below_its_floor() {
    for test in databases().await {
        let mut tx = money::books::begin(&test.db).await.expect("a transaction");
        post(&mut tx, &sale("sale:3", 100)).await.expect("booked");
        let over = entry(
            "release:3",
            vec![
                posting(AccountKind::SellerHeld, "ada", 101, None),
                posting(AccountKind::SellerAvailable, "ada", -101, None),
            ],
        );
        let Err(Error::Store(error)) = post(&mut tx, &over).await else {
            panic!("{}: more than was held", test.name)
        };
        assert_eq!(
            error.violation(),
            Some(Violation::Check("account_floor_check".into())),
            "{}",
            test.name
        );
    }
}

#[tokio::test]
async fn what_is_booked_is_never_changed_and_an_unsealed_entry_cannot_be_committed() {
    for test in databases().await {
        let mut tx = money::books::begin(&test.db).await.expect("a transaction");
        post(&mut tx, &sale("sale:4", 100)).await.expect("booked");
        tx.commit().await.expect("a commit");
        for sql in [
            "update posting set amount = 1 where amount > 0",
            "delete from posting where amount > 0",
            "update journal set kind = 'gift' where idem_key = 'sale:4'",
            "delete from seal where journal_id <> ''",
        ] {
            let mut tx = test.db.write().await.expect("a transaction");
            assert!(execute!(&mut tx, sql).is_err(), "{}: {sql}", test.name);
        }
        let mut tx = test.db.write().await.expect("a transaction");
        let sql = "insert into journal (id, idem_key, fingerprint, kind, source, occurred_ms, recorded_ms) values ('open', 'open', 'f', 'k', 's', 1, 1)";
        execute!(&mut tx, sql).expect("a journal row");
        assert!(
            tx.commit().await.is_err(),
            "{}: an entry without seal",
            test.name
        );
    }
}

async fn verdict(test: &TestDb) -> Result<i64, String> {
    let mut tx = test.db.read().await.expect("a transaction");
    audit(&mut tx).await.expect("an audit")
}

#[tokio::test]
async fn the_audit_names_what_does_not_fit_and_finds_nothing_where_all_does() {
    for test in databases().await {
        traded(&test).await;
        verdict(&test)
            .await
            .unwrap_or_else(|why| panic!("{}: {why}", test.name));
        for (change, undo, expected) in [
            (
                "update account set posted = posted + 1 where kind = 'revenue:share'",
                "update account set posted = posted - 1 where kind = 'revenue:share'",
                "its postings",
            ),
            (
                "update account_day set amount = amount + 1 where account_id = (select id from account where kind = 'revenue:share')
                    and day = (select min(day) from account_day)",
                "update account_day set amount = amount - 1 where account_id = (select id from account where kind = 'revenue:share')
                    and day = (select min(day) from account_day)",
                "a day of the account revenue:share",
            ),
            (
                "update purchase_line set refunded_minor = 998 where price_minor = 1000",
                "update purchase_line set refunded_minor = 1000 where price_minor = 1000",
                "was refunded",
            ),
            (
                "update purchase_line set earning = 'held' where price_minor = 2999",
                "update purchase_line set earning = 'transferred' where price_minor = 2999",
                "is held for it",
            ),
            (
                "update purchase_line set payee_minor = 2548, share_minor = 451, earning = 'transferred' where price_minor = 2999",
                "update purchase_line set payee_minor = 2549, share_minor = 450 where price_minor = 2999",
                "the payee's part is",
            ),
            (
                "update outbound_op set state = 'unknown' where kind = 'transfer'",
                "update outbound_op set state = 'ok' where kind = 'transfer'",
                "the calls on their way",
            ),
        ] {
            let run = async |sql: &'static str| {
                let mut tx = test.db.write().await.expect("a transaction");
                assert_eq!(
                    execute!(&mut tx, sql).expect(sql),
                    1,
                    "{}: {sql}",
                    test.name
                );
                tx.commit().await.expect("a commit");
            };
            run(change).await;
            let why = verdict(&test).await.expect_err(change);
            assert!(why.contains(expected), "{}: {why}", test.name);
            run(undo).await;
        }
        verdict(&test).await.expect("all fits again");
    }
}

#[tokio::test]
async fn a_creators_days_add_up_to_their_balances_and_hold_nobody_elses() {
    for test in databases().await {
        let shop = traded(&test).await;
        let mut tx = test.db.read().await.expect("a transaction");
        for seller in &shop.sellers {
            let days = days(&mut tx, seller).await.expect("days");
            assert!(
                days.is_sorted_by_key(|day| day.day) && days.len() > 1,
                "{}: {days:?}",
                test.name
            );
            let sum = |accounts: &[&str]| -> i64 {
                let some = days.iter().filter(|day| accounts.contains(&&*day.account));
                some.map(|day| day.amount).sum()
            };
            let now = seller_balances(&mut tx, seller).await.expect("balances");
            assert_eq!(
                [
                    sum(&["seller:held"]),
                    sum(&["seller:available"]),
                    sum(&["connected:paid_out", "bank:operating"]),
                    sum(&["transit:transfer", "transit:manual", "connected:balance"]),
                ],
                [now.held, now.available, now.paid, now.in_transit],
                "{}: {days:?}",
                test.name
            );
        }
        assert_eq!(days(&mut tx, "nobody").await.expect("days"), []);
    }
}

#[tokio::test]
async fn a_payee_who_got_more_than_was_earned_is_found() {
    for test in databases().await {
        let mut tx = money::books::begin(&test.db).await.expect("a transaction");
        let gift = entry(
            "gift",
            vec![
                posting(AccountKind::ProcessorAvailable, "sandbox", -100, None),
                posting(AccountKind::ExpenseRefunds, "platform", 100, None),
                posting(AccountKind::ConnectedBalance, "eve", 100, None),
                posting(AccountKind::ConnectedFunded, "eve", -100, None),
            ],
        );
        post(&mut tx, &gift).await.expect("booked");
        tx.commit().await.expect("a commit");
        let why = verdict(&test).await.expect_err("unearned");
        assert!(
            why.contains("was paid 100 and earned 0"),
            "{}: {why}",
            test.name
        );
    }
}

#[tokio::test]
async fn a_payee_who_got_more_by_hand_than_was_earned_is_found() {
    for test in databases().await {
        let shop = shop(&test).await;
        let ada = shop.sellers[0].as_str();
        let mut tx = money::books::begin(&test.db).await.expect("a transaction");
        let gift = entry(
            "gift",
            vec![
                posting(AccountKind::ExpenseRefunds, "platform", 100, None),
                posting(AccountKind::BankOperating, ada, -100, None),
            ],
        );
        post(&mut tx, &gift).await.expect("booked");
        tx.commit().await.expect("a commit");
        let why = verdict(&test).await.expect_err("unearned");
        assert!(
            why.contains("was paid 100 and earned 0"),
            "{}: {why}",
            test.name
        );
    }
}

#[tokio::test]
async fn a_creators_list_of_sales_says_where_each_cent_is_and_is_theirs_alone() {
    use crate::payouts::service::{SaleFilter, list_sales, write_sales};
    for test in databases().await {
        let shop = traded(&test).await;
        let mut tx = test.db.read().await.expect("a transaction");
        let mut list = async |seller: usize, state: &str, days: &str| {
            let filter = SaleFilter::parse(state, days).expect("a filter");
            list_sales(&mut tx, &shop.sellers[seller], &filter, shop.now_ms, 100)
                .await
                .expect("sales")
        };
        let all = list(0, "", "").await;
        let states: Vec<&str> = all.iter().map(|sale| sale.state.as_str()).collect();
        // One went back at the platform's cost, which leaves the creator what was earned.
        assert_eq!(states, ["available", "refunded"], "{}", test.name);
        assert_eq!(list(0, "held", "").await, [], "{}", test.name);
        let ben = list(1, "transferred", "30").await;
        let sums: Vec<_> = ben
            .iter()
            .map(|sale| (sale.price_minor, sale.share_minor, sale.payee_minor))
            .collect();
        assert_eq!(sums, [(2999, 450, 2549)], "{}", test.name);
        let mut text = Vec::new();
        let mut sale = ben[0].clone();
        sale.title = "=HYPERLINK(\"evil\")".into();
        write_sales(&mut text, &[sale]).expect("written");
        let text = String::from_utf8(text).expect("text");
        assert!(
            text.contains("\"'=HYPERLINK(\"\"evil\"\")\""),
            "no formula: {text}"
        );
        assert!(
            text.contains(",USD,29.99,1500,0.00,4.50,25.49,0.00,transferred,"),
            "{text}"
        );
    }
    for (state, days) in [("gone", ""), ("", "31"), ("", "x")] {
        assert_eq!(SaleFilter::parse(state, days), None, "{state} {days}");
    }
}

#[tokio::test]
async fn a_payouts_statement_lists_its_lines_to_the_one_who_was_paid() {
    use crate::payouts::service::{SaleFilter, find_statement, overview};
    for test in databases().await {
        let shop = traded(&test).await;
        let mut tx = test.db.read().await.expect("a transaction");
        let (ada, ben) = (&shop.sellers[0], &shop.sellers[1]);
        let filter = SaleFilter::default();
        let money = overview(&mut tx, ben, filter.clone(), 2500, shop.now_ms).await;
        let decision = money.expect("the page").decisions.remove(0);
        assert_eq!(
            (decision.outcome.as_str(), decision.amount_minor),
            ("paid", 2549)
        );
        let statement = find_statement(&mut tx, ben, &decision.id).await;
        let transfers = statement
            .expect("an answer")
            .expect("a statement")
            .transfers;
        let lines: Vec<_> = transfers
            .iter()
            .map(|line| {
                (
                    line.price_minor.unwrap_or(0),
                    line.amount,
                    line.state.as_str(),
                )
            })
            .collect();
        assert_eq!(lines, [(2999, 2549, "ok")], "{}", test.name);
        let theirs = find_statement(&mut tx, ada, &decision.id).await;
        assert!(
            theirs.expect("an answer").is_none(),
            "{}: another's",
            test.name
        );
    }
}
