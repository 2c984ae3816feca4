//! What accountants and authorities ask for, as tables that are written as CSV or JSON: sums by creator and year, by creator and
//! quarter, by line, tax by country, the journal, and balances at the end of a year.
//!
//! The one rule: rows have a stable order, and their totals equal the books.

mod store;
mod sums;
#[cfg(test)]
mod tests;
#[cfg(any(test, feature = "testing"))]
pub use store::ALL as STATEMENTS;
use sums::Sums;

use base::clock::DAY_MS;
use base::db::{self, Tx};
use clap::ValueEnum as _;
use money::books::service::CURRENCY;
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
    /// Its name in commands, addresses and file names.
    #[must_use]
    pub fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
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

/// Reads a year that books can have.
///
/// # Errors
/// Says what a year is.
pub fn parse_year(text: &str) -> Result<i64, String> {
    let year = text
        .parse()
        .ok()
        .filter(|year| (1970..=9999).contains(year));
    year.ok_or_else(|| format!("{text:?} is no year from 1970 to 9999"))
}

impl Range {
    /// From and to, milliseconds, business time.
    async fn span_ms(&self, tx: &mut Tx) -> db::Result<(i64, i64)> {
        if let Some(year) = self.year {
            return Ok((year_start_ms(year), year_start_ms(year + 1)));
        }
        Ok(match store::span(tx).await? {
            (Some(first), Some(last)) => (first, last + 1),
            _ => (0, 0),
        })
    }
}

type Rows = Vec<Vec<String>>;
/// A year, and a quarter of it from 1; 0 is the whole year.
type Period = (i64, i64);

/// Reads a report.
///
/// # Errors
/// When the database fails.
pub async fn table(tx: &mut Tx, report: Report, range: &Range) -> db::Result<Table> {
    let span = range.span_ms(tx).await?;
    let creator = range.creator.as_deref().unwrap_or_default();
    let (columns, rows) = match report {
        Report::Years => (YEARS, years(tx, span, creator).await?),
        Report::Quarters => (QUARTERS, quarters(tx, span, creator).await?),
        Report::Lines => (LINES, lines(tx, span, creator).await?),
        Report::Tax => (TAX, tax(tx, span).await?),
        Report::Journal => (JOURNAL, journal(tx, span).await?),
        Report::Balances => (BALANCES, balances(tx, span.1).await?),
    };
    Ok(Table {
        report,
        columns,
        rows,
    })
}

/// Sums by period, handle and country.
async fn by_creator(
    tx: &mut Tx,
    span: (i64, i64),
    creator: &str,
    period: impl Fn(i64) -> Period,
) -> db::Result<BTreeMap<(Period, String, String), Sums>> {
    let mut creators: BTreeMap<_, Sums> = BTreeMap::new();
    let key = |sum: &Sum| (period(sum.day), sum.handle.clone(), sum.country.clone());
    for sum in store::list_lines(tx, span, creator).await? {
        creators.entry(key(&sum)).or_default().add(&sum);
    }
    for sum in store::list_paid(tx, span, creator).await? {
        creators.entry(key(&sum)).or_default().add_paid(&sum);
    }
    Ok(creators)
}

fn year_of(day: i64) -> Period {
    (civil(day * DAY_MS).0, 0)
}

fn quarter_of(day: i64) -> Period {
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
        sums.tax(),
        sums.refunds,
        sums.refunds_borne,
        sums.net(),
        last,
    ]
}

async fn years(tx: &mut Tx, span: (i64, i64), creator: &str) -> db::Result<Rows> {
    let years = by_creator(tx, span, creator, year_of).await?.into_iter();
    let rows = years.map(|(((year, _), handle, _), sums)| {
        let head = vec![year.to_string(), handle];
        amounts(head, &of_creator(&sums, sums.paid))
    });
    Ok(rows.collect())
}

async fn quarters(tx: &mut Tx, span: (i64, i64), creator: &str) -> db::Result<Rows> {
    let quarters = by_creator(tx, span, creator, quarter_of).await?.into_iter();
    let rows = quarters.map(|(((year, quarter), handle, country), sums)| {
        let (year, quarter) = (year.to_string(), quarter.to_string());
        let head = vec![year, quarter, handle, country, sums.sold.to_string()];
        amounts(head, &of_creator(&sums, sums.paid))
    });
    Ok(rows.collect())
}

async fn lines(tx: &mut Tx, span: (i64, i64), creator: &str) -> db::Result<Rows> {
    let mut lines: Vec<(Sum, Sums)> = Vec::new();
    for sum in store::list_lines(tx, span, creator).await? {
        // Rows of one line stand together.
        if lines.last().is_none_or(|(last, _)| last.line != sum.line) {
            lines.push((sum.clone(), Sums::default()));
        }
        if let Some((_, sums)) = lines.last_mut() {
            sums.add(&sum);
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

async fn tax(tx: &mut Tx, span: (i64, i64)) -> db::Result<Rows> {
    let mut countries: BTreeMap<(Period, String), Sums> = BTreeMap::new();
    for sum in store::list_lines(tx, span, "").await? {
        let key = (quarter_of(sum.day), sum.buyer_country.clone());
        countries.entry(key).or_default().add(&sum);
    }
    let rows = countries
        .into_iter()
        .map(|(((year, quarter), country), sums)| {
            let (year, quarter) = (year.to_string(), quarter.to_string());
            let head = vec![year, quarter, country, sums.sold.to_string()];
            let figures = [sums.taxable, sums.tax_taken, sums.tax_back, sums.tax()];
            amounts(head, &figures)
        });
    Ok(rows.collect())
}

async fn journal(tx: &mut Tx, (from_ms, to_ms): (i64, i64)) -> db::Result<Rows> {
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

async fn balances(tx: &mut Tx, before_ms: i64) -> db::Result<Rows> {
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

    /// The table as a file's bytes.
    ///
    /// # Errors
    /// Never: memory takes what is written.
    pub fn to_bytes(&self, format: Format) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.write(&mut bytes, format)?;
        Ok(bytes)
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
