//! The yearly sums of each creator, for accountants, as CSV.
//!
//! The one rule: every figure is a sum of postings, so that an export can be re-derived and never says what was not booked.

use super::service::CURRENCY;
use super::store;
use crate::db::{self, Tx};
use schema::money::decimal;
use schema::time::{civil, year_start_ms};
use std::collections::BTreeMap;

/// A sum of postings of one creator, account and kind of entry.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Sum {
    pub person_id: String,
    pub handle: String,
    pub account: String,
    pub kind: String,
    pub amount: i64,
}

/// A creator's year, in minor units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Year {
    /// Who.
    pub handle: String,
    /// What buyers paid for their lines, without tax.
    pub gross: i64,
    /// What the platform kept, less what it gave back with refunds.
    pub fees: i64,
    /// Tax that the platform collected and owes.
    pub tax: i64,
    /// What of the price went back to buyers.
    pub refunds: i64,
    /// … of which the platform bore this much in the creator's stead.
    pub refunds_borne: i64,
    /// What is the creator's: gross less fees and refunds, with what the platform bore.
    pub net: i64,
    /// What reached the creator's bank.
    pub paid: i64,
}

/// Kinds of entries by which a line's money goes back to its buyer, or does not after all.
fn goes_back(kind: &str) -> bool {
    matches!(
        kind,
        "refund planned" | "refund rejected" | "refund free" | "dispute lost"
    )
}

impl Year {
    fn add(&mut self, sum: &Sum) {
        let credit = -sum.amount;
        match (sum.account.as_str(), sum.kind.as_str()) {
            ("seller:held", "sale") => self.gross += credit,
            ("revenue:share", "sale") => {
                self.gross += credit;
                self.fees += credit;
            }
            ("revenue:share", _) => self.fees += credit,
            ("tax:payable", kind) => {
                self.tax += credit;
                // What goes back to a buyer holds the tax; this column is the price's part.
                if goes_back(kind) {
                    self.refunds += credit;
                }
            }
            ("transit:refund" | "dispute:held" | "expense:promotion", kind) if goes_back(kind) => {
                self.refunds += credit;
            }
            ("expense:refunds", _) => self.refunds_borne += sum.amount,
            ("connected:paid_out", _) => self.paid += sum.amount,
            // By hand, from our own bank account.
            ("bank:operating", _) => self.paid += credit,
            _ => {}
        }
        self.net = self.gross - self.fees - self.refunds + self.refunds_borne;
    }
}

/// Every creator's sums of each year with an entry, or of one year, by year and handle. Business time, UTC.
///
/// # Errors
/// When the database fails.
pub async fn years(tx: &mut Tx, only: Option<i64>) -> db::Result<Vec<(i64, Year)>> {
    let (Some(first), Some(last)) = store::span(tx).await? else {
        return Ok(Vec::new());
    };
    let (first, last) = match only {
        Some(year) => (year, year),
        None => (civil(first).0, civil(last).0),
    };
    let mut found = Vec::new();
    for year in first..=last {
        let (from, to) = (year_start_ms(year), year_start_ms(year + 1));
        let mut people: BTreeMap<(String, String), Year> = BTreeMap::new();
        for sum in store::list_sums(tx, from, to).await? {
            let person = (sum.handle.clone(), sum.person_id.clone());
            let entry = people.entry(person).or_insert_with(|| Year {
                handle: sum.handle.clone(),
                ..Year::default()
            });
            entry.add(&sum);
        }
        found.extend(people.into_values().map(|sums| (year, sums)));
    }
    Ok(found)
}

/// Writes the export. A handle cannot hold what a spreadsheet would take for a formula.
///
/// # Errors
/// When writing fails.
pub fn write(out: impl std::io::Write, years: &[(i64, Year)]) -> csv::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record([
        "year",
        "creator",
        "currency",
        "gross",
        "fees",
        "tax",
        "refunds",
        "refunds_borne_by_platform",
        "net",
        "paid",
    ])?;
    for (year, sums) in years {
        let amounts = [
            sums.gross,
            sums.fees,
            sums.tax,
            sums.refunds,
            sums.refunds_borne,
            sums.net,
            sums.paid,
        ]
        .map(decimal);
        let head = [year.to_string(), sums.handle.clone(), CURRENCY.to_owned()];
        writer.write_record(head.iter().chain(&amounts))?;
    }
    writer.flush()?;
    Ok(())
}
