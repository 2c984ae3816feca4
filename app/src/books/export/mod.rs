//! What accountants and authorities ask for, as tables that are written as CSV or JSON: sums by creator and year, by creator and
//! quarter, by line, tax by country, the journal, and balances at the end of a year.
//!
//! The one rule: rows have a stable order, and their totals equal the books.

mod store;
mod sums;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use store::ALL as STATEMENTS;
pub use sums::Sums;

use super::service::CURRENCY;
use crate::clock::DAY_MS;
use crate::db::{self, Tx};
use schema::money::decimal;
use schema::time::{civil, utc, year_start_ms};
use std::collections::BTreeMap;
use store::Sum;

/// Stands in every JSON export and in the help.
pub const NOTE: &str = "Sums of what was booked, by business time in UTC. Not tax advice.";

/// What can be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Report {
    /// Each creator's sums of each year
    Years,
    /// Each creator's sums of each quarter with country and number of sales, as DAC7 and 1099-K ask for them
    Quarters,
    /// Each line that was sold, with what became of it
    Lines,
    /// Tax by the buyer's country and quarter: what it was taken of, taken, given back, owed
    Tax,
    /// Every posting of every entry
    Journal,
    /// Every account's balance at the end of the year, or now
    Balances,
}

impl Report {
    /// All of them, as pages offer them.
    pub const ALL: [Self; 6] = [
        Self::Years,
        Self::Quarters,
        Self::Lines,
        Self::Tax,
        Self::Journal,
        Self::Balances,
    ];

    /// Its name in commands, addresses and file names.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Years => "years",
            Self::Quarters => "quarters",
            Self::Lines => "lines",
            Self::Tax => "tax",
            Self::Journal => "journal",
            Self::Balances => "balances",
        }
    }
}

/// How a table is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// With a line of names first
    #[default]
    Csv,
    /// An object with the rows as objects
    Json,
}

/// Which part of the books.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Range {
    pub year: Option<i64>,
    /// A creator's handle; reports that are not about creators ignore it.
    pub creator: Option<String>,
}

/// A table of text; amounts are decimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub report: Report,
    pub columns: &'static [&'static str],
    pub rows: Vec<Vec<String>>,
}

impl Range {
    /// From and to, milliseconds, business time.
    async fn span_ms(&self, tx: &mut Tx) -> db::Result<(i64, i64)> {
        Ok(match (self.year, store::span(tx).await?) {
            (Some(year), _) => (year_start_ms(year), year_start_ms(year + 1)),
            (None, (Some(first), Some(last))) => (first, last + 1),
            (None, _) => (0, 0),
        })
    }

    fn wants(&self, handle: &str) -> bool {
        self.creator
            .as_deref()
            .is_none_or(|wanted| wanted == handle)
    }
}

/// Reads a report.
///
/// # Errors
/// When the database fails.
pub async fn table(tx: &mut Tx, report: Report, range: &Range) -> db::Result<Table> {
    let (from_ms, to_ms) = range.span_ms(tx).await?;
    let (columns, rows): (&'static [&'static str], Vec<Vec<String>>) = match report {
        Report::Journal => (JOURNAL, journal(tx, from_ms, to_ms).await?),
        Report::Balances => (BALANCES, balances(tx, to_ms).await?),
        Report::Years | Report::Quarters => creators(tx, report, range, from_ms, to_ms).await?,
        Report::Lines => (LINES, lines(tx, range, from_ms, to_ms).await?),
        Report::Tax => (TAX, tax(tx, from_ms, to_ms).await?),
    };
    Ok(Table {
        report,
        columns,
        rows,
    })
}

/// Each creator's sums of each year, by year and handle.
///
/// # Errors
/// When the database fails.
pub async fn years(tx: &mut Tx, range: &Range) -> db::Result<Vec<(i64, String, Sums)>> {
    let (from_ms, to_ms) = range.span_ms(tx).await?;
    let sums = by_creator(tx, range, from_ms, to_ms, |day| (year_of(day), 0)).await?;
    let rows = sums.into_iter();
    Ok(rows
        .map(|(((year, _), handle, _), sums)| (year, handle, sums))
        .collect())
}

type Creators = BTreeMap<((i64, i64), String, String), Sums>;

async fn by_creator(
    tx: &mut Tx,
    range: &Range,
    from_ms: i64,
    to_ms: i64,
    period: impl Fn(i64) -> (i64, i64),
) -> db::Result<Creators> {
    let mut creators = Creators::new();
    let key = |sum: &Sum| (period(sum.day), sum.handle.clone(), sum.country.clone());
    for sum in store::list_lines(tx, from_ms, to_ms).await? {
        if range.wants(&sum.handle) {
            creators.entry(key(&sum)).or_default().add(&sum);
        }
    }
    for sum in store::list_paid(tx, from_ms, to_ms).await? {
        if range.wants(&sum.handle) {
            creators.entry(key(&sum)).or_default().add_paid(&sum);
        }
    }
    Ok(creators)
}

fn year_of(day: i64) -> i64 {
    civil(day * DAY_MS).0
}

/// Year and quarter, the latter from 1.
fn quarter_of(day: i64) -> (i64, i64) {
    let (year, month, ..) = civil(day * DAY_MS);
    (year, i64::try_from(month.div_ceil(3)).unwrap_or(1))
}

const YEARS: &[&str] = &[
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
];
const QUARTERS: &[&str] = &[
    "year",
    "quarter",
    "creator",
    "country",
    "sales",
    "currency",
    "gross",
    "fees",
    "tax",
    "refunds",
    "refunds_borne_by_platform",
    "net",
    "paid",
];
const LINES: &[&str] = &[
    "line",
    "sold",
    "creator",
    "listing",
    "buyer_country",
    "currency",
    "gross",
    "fees",
    "tax",
    "refunds",
    "refunds_borne_by_platform",
    "net",
    "transferred",
];
const TAX: &[&str] = &[
    "year",
    "quarter",
    "buyer_country",
    "sales",
    "currency",
    "taxable",
    "tax_taken",
    "tax_given_back",
    "tax_owed",
];
const JOURNAL: &[&str] = &[
    "entry", "time", "kind", "source", "account", "owner", "currency", "amount", "line",
];
const BALANCES: &[&str] = &["account", "owner", "currency", "balance"];

fn amounts(head: Vec<String>, amounts: &[i64]) -> Vec<String> {
    let mut row = head;
    row.push(CURRENCY.to_owned());
    row.extend(amounts.iter().copied().map(decimal));
    row
}

fn of_creator(sums: &Sums, last: i64) -> [i64; 7] {
    [
        sums.gross,
        sums.fees,
        sums.tax,
        sums.refunds,
        sums.refunds_borne,
        sums.net,
        last,
    ]
}

async fn creators(
    tx: &mut Tx,
    report: Report,
    range: &Range,
    from_ms: i64,
    to_ms: i64,
) -> db::Result<(&'static [&'static str], Vec<Vec<String>>)> {
    if report == Report::Years {
        let years = years(tx, range).await?.into_iter();
        let rows = years.map(|(year, handle, sums)| {
            amounts(
                vec![year.to_string(), handle],
                &of_creator(&sums, sums.paid),
            )
        });
        return Ok((YEARS, rows.collect()));
    }
    let quarters = by_creator(tx, range, from_ms, to_ms, quarter_of).await?;
    let rows = quarters
        .into_iter()
        .map(|(((year, quarter), handle, country), sums)| {
            let head = vec![
                year.to_string(),
                quarter.to_string(),
                handle,
                country,
                sums.sold.to_string(),
            ];
            amounts(head, &of_creator(&sums, sums.paid))
        });
    Ok((QUARTERS, rows.collect()))
}

async fn lines(
    tx: &mut Tx,
    range: &Range,
    from_ms: i64,
    to_ms: i64,
) -> db::Result<Vec<Vec<String>>> {
    let mut lines: Vec<(Sum, Sums)> = Vec::new();
    for sum in store::list_lines(tx, from_ms, to_ms).await? {
        if !range.wants(&sum.handle) {
            continue;
        }
        // Rows of one line stand together.
        match lines.last_mut().filter(|(last, _)| last.line == sum.line) {
            Some((_, sums)) => sums.add(&sum),
            None => {
                let mut sums = Sums::default();
                sums.add(&sum);
                lines.push((sum, sums));
            }
        }
    }
    let rows = lines.into_iter().map(|(line, sums)| {
        let head = vec![
            line.line,
            utc(line.sold_ms),
            line.handle,
            line.listing,
            line.buyer_country,
        ];
        amounts(head, &of_creator(&sums, sums.transferred))
    });
    Ok(rows.collect())
}

async fn tax(tx: &mut Tx, from_ms: i64, to_ms: i64) -> db::Result<Vec<Vec<String>>> {
    let mut countries: BTreeMap<((i64, i64), String), Sums> = BTreeMap::new();
    for sum in store::list_lines(tx, from_ms, to_ms).await? {
        let key = (quarter_of(sum.day), sum.buyer_country.clone());
        countries.entry(key).or_default().add(&sum);
    }
    let rows = countries
        .into_iter()
        .map(|(((year, quarter), country), sums)| {
            let head = vec![
                year.to_string(),
                quarter.to_string(),
                country,
                sums.sold.to_string(),
            ];
            let figures = [sums.taxable, sums.tax_taken, sums.tax_back, sums.tax];
            amounts(head, &figures)
        });
    Ok(rows.collect())
}

async fn journal(tx: &mut Tx, from_ms: i64, to_ms: i64) -> db::Result<Vec<Vec<String>>> {
    let rows = store::list_journal(tx, from_ms, to_ms).await?.into_iter();
    let rows = rows.map(|row| {
        vec![
            row.id,
            utc(row.occurred_ms),
            row.kind,
            row.source,
            row.account,
            row.owner,
            CURRENCY.to_owned(),
            decimal(row.amount),
            row.line,
        ]
    });
    Ok(rows.collect())
}

async fn balances(tx: &mut Tx, before_ms: i64) -> db::Result<Vec<Vec<String>>> {
    let rows = store::list_balances(tx, before_ms).await?.into_iter();
    let rows = rows.map(|(account, owner, amount)| amounts(vec![account, owner], &[amount]));
    Ok(rows.collect())
}

impl Table {
    /// Writes the table. No handle, id or slug can begin with what a spreadsheet takes for a formula.
    ///
    /// # Errors
    /// When writing fails.
    pub fn write(&self, out: impl std::io::Write, format: Format) -> std::io::Result<()> {
        match format {
            Format::Csv => {
                let mut writer = csv::Writer::from_writer(out);
                writer.write_record(self.columns)?;
                for row in &self.rows {
                    writer.write_record(row)?;
                }
                writer.flush()
            }
            Format::Json => self.write_json(out),
        }
    }

    fn write_json(&self, mut out: impl std::io::Write) -> std::io::Result<()> {
        let rows: Vec<serde_json::Map<String, serde_json::Value>> = self
            .rows
            .iter()
            .map(|row| {
                let cells = self.columns.iter().zip(row);
                cells
                    .map(|(name, cell)| ((*name).to_owned(), cell.clone().into()))
                    .collect()
            })
            .collect();
        let all = serde_json::json!({ "report": self.report.name(), "note": NOTE, "rows": rows });
        serde_json::to_writer_pretty(&mut out, &all)?;
        writeln!(out)
    }
}
