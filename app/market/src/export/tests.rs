//! Exports against the books that they are sums of, on both databases.

use crate::export::{Format, Range, Report, Sums, Table, by_creator, parse_year, table, year_of};
use crate::payouts::service::manual;
use crate::sales::Bearer;
use crate::testing::traded;
use crate::testing::{Shop, shop};
use base::clock::DAY_MS;
use base::testing::{TestDb, databases};
use base::vault::Vault;
use clap::ValueEnum as _;
use money::books::service::{self as books, AccountKind};
use schema::time::year_start_ms;

async fn read(test: &TestDb, report: Report, range: &Range) -> Table {
    let mut tx = test.db.read().await.expect("a transaction");
    table(&mut tx, report, range).await.expect("a table")
}

/// The sum of an amount's column, in minor units.
fn total(table: &Table, column: &str) -> i64 {
    let at = table.columns.iter().position(|name| *name == column);
    let at = at.unwrap_or_else(|| panic!("{column} is no column"));
    let cents = |row: &Vec<String>| row[at].replace('.', "").parse::<i64>().expect("an amount");
    table.rows.iter().map(cents).sum()
}

#[tokio::test]
async fn an_export_is_the_years_sum_of_what_was_booked() {
    for test in databases().await {
        let shop = traded(&test).await;
        let mut tx = test.db.read().await.expect("a transaction");
        let year = schema::time::civil(shop.now_ms).0;
        assert!(
            shop.now_ms - 20 * DAY_MS > year_start_ms(year),
            "one year in this story"
        );
        let span = (0, i64::MAX);
        let found = by_creator(&mut tx, span, "", year_of).await.expect("sums");
        let ada = Sums {
            sold: 2,
            gross: 1499,
            // Both lines went back, and with them our share.
            fees: 0,
            refunds: 1499,
            refunds_borne: 850,
            ..Sums::default()
        };
        let ben = Sums {
            sold: 1,
            gross: 2999,
            taxable: 2999,
            fees: 450,
            transferred: 2549,
            paid: 2549,
            ..Sums::default()
        };
        let key = |name: &str, country: &str| ((year, 0), name.to_owned(), country.to_owned());
        let expected = [(key("ada", ""), ada), (key("ben", "US"), ben)];
        assert_eq!(found, expected.into(), "{}", test.name);
        for (seller, sums) in shop.sellers.iter().zip(found.values()) {
            let lies = [
                AccountKind::SellerHeld,
                AccountKind::SellerAvailable,
                AccountKind::ConnectedPaidOut,
            ];
            let mut booked = 0;
            for kind in lies {
                booked += books::balance(&mut tx, kind, seller)
                    .await
                    .expect("a balance");
            }
            assert_eq!(
                booked,
                sums.net(),
                "{}: what is theirs lies somewhere",
                test.name
            );
        }
        drop(tx);
        let before = Range {
            year: Some(year - 1),
            creator: None,
        };
        for report in Report::value_variants() {
            let report = *report;
            let none = read(&test, report, &before).await;
            assert!(none.rows.is_empty(), "{} {report:?}", test.name);
        }
        let only = Range {
            year: Some(year),
            creator: Some("ben".into()),
        };
        let written = read(&test, Report::Years, &only).await;
        let text = written.to_bytes(Format::Csv).expect("written");
        let row = format!("{year},ben,USD,29.99,4.50,0.00,0.00,0.00,25.49,25.49\n");
        assert_eq!(
            String::from_utf8(text).expect("text"),
            format!("{}\n{row}", crate::export::YEARS.join(",")),
            "{}",
            test.name
        );
    }
}

/// A German order with tax, of which one line goes back, and one that is paid by hand.
async fn taxed(test: &TestDb) -> Shop {
    let mut shop = shop(test).await;
    let order = shop.order(0, &[0, 2]).await.expect("an order");
    shop.pay_from(&order, "4242424242424242", "DE").await;
    shop.drain().await;
    let lines = shop.lines(&order).await;
    let back = lines.iter().find(|line| line.price_minor == 1000);
    shop.refund(back.expect("a line"), Bearer::Creator).await;
    let mut tx = money::books::begin(&test.db).await.expect("a transaction");
    let (ben, vault) = (shop.sellers[1].clone(), Vault::new(&[1; 32]));
    manual::set_details(
        &mut tx,
        &vault,
        (&ben, true),
        "CN",
        "ICBC 1234 5678",
        shop.now_ms,
    )
    .await
    .expect("details");
    tx.commit().await.expect("a commit");
    shop.drain().await;
    shop.advance(14).await;
    assert_eq!(shop.sweep(shop.now_ms).await, 1, "{}", test.name);
    let mut tx = money::books::begin(&test.db).await.expect("a transaction");
    let batch = manual::list(&mut tx, 10).await.expect("a batch");
    manual::enter(&mut tx, &batch[0].0.id, "operator", "wire 7", shop.now_ms)
        .await
        .expect("paid");
    tx.commit().await.expect("a commit");
    shop.check(test.name).await;
    shop
}

#[tokio::test]
async fn every_report_adds_up_to_what_the_books_say() {
    for test in databases().await {
        let shop = taxed(&test).await;
        let all = Range::default();
        let tax = read(&test, Report::Tax, &all).await;
        assert!(tax.rows.iter().all(|row| row[2] == "DE"), "{:?}", tax.rows);
        assert_eq!(
            (
                total(&tax, "taxable"),
                total(&tax, "tax_taken"),
                total(&tax, "tax_given_back"),
                total(&tax, "tax_owed")
            ),
            (2999, 190 + 570, 190, 570),
            "{}: 19 % of 29.99, and of 10.00 that went back",
            test.name
        );
        let mut tx = test.db.read().await.expect("a transaction");
        for (kind, report, column) in [
            (AccountKind::TaxPayable, &tax, "tax_owed"),
            (
                AccountKind::RevenueShare,
                &read(&test, Report::Lines, &all).await,
                "fees",
            ),
        ] {
            let booked = books::balance(&mut tx, kind, "platform")
                .await
                .expect("a balance");
            assert_eq!(total(report, column), booked, "{} {kind:?}", test.name);
        }
        drop(tx);
        let quarters = read(&test, Report::Quarters, &all).await;
        let ben = quarters.rows.iter().find(|row| row[2] == "ben");
        let ben = ben.expect("a row");
        assert_eq!((ben[3].as_str(), ben[4].as_str()), ("CN", "1"), "{ben:?}");
        assert_eq!(total(&quarters, "paid"), 2549, "{}: by hand", test.name);
        let lines = read(&test, Report::Lines, &all).await;
        assert_eq!(total(&lines, "transferred"), 2549, "{}", test.name);
        assert_eq!(lines.rows.len(), 2, "{}", test.name);
        let journal = read(&test, Report::Journal, &all).await;
        assert_eq!(total(&journal, "amount"), 0, "{}", test.name);
        let balances = read(&test, Report::Balances, &all).await;
        assert_eq!(total(&balances, "balance"), 0, "{}", test.name);
        let held = balances.rows.iter().find(|row| row[0] == "tax:payable");
        assert_eq!(held.expect("a row")[3], "-5.70", "{}", test.name);
        let text = journal.to_bytes(Format::Json).expect("written");
        let json: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
        assert_eq!(
            json["rows"].as_array().map(Vec::len),
            Some(journal.rows.len())
        );
        assert_eq!(json["rows"][0]["currency"], "USD");
        assert!(
            json["note"]
                .as_str()
                .is_some_and(|note| note.contains("Not tax advice")),
            "{}",
            shop.now_ms
        );
    }
}

#[test]
fn a_year_that_books_cannot_have_is_refused_and_not_taken_for_all_years() {
    assert_eq!(parse_year("2026"), Ok(2026));
    for text in ["26", "0", "-5", "99999999999999", "zwei", ""] {
        assert!(parse_year(text).is_err(), "{text}");
    }
}
