//! Makes a large shop of a small one, for benches: listings, creators, orders and their books, on either database.
//!
//!     cargo run --release --package seedmark-market --example grow_shop -- DATABASE LISTINGS ORDERS
//!
//! DATABASE is SQLite's file or `postgres://…`, of a demo that is loaded and whose server is stopped. The one rule: what is copied was
//! sealed, logged and certified for real, so that every page of a copy has as much to read as the page of an original.

use anyhow::{Context as _, Result};
use schema::digest::Digest;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use std::fmt::Write as _;

const SQL: &str = include_str!("grow_shop.sql");
/// Names of concepts in three languages.
const NAMES: &str = include_str!("../../search/synonyms/v1.tsv");
const LISTINGS_EACH: u64 = 20;
/// Half of all is in English.
const LANGUAGES: [(&str, usize); 4] = [("en", 0), ("en", 0), ("de", 1), ("zh", 2)];

/// The table of words, as SQL, and how many there are of a language.
fn words() -> (String, usize) {
    let mut names: [Vec<&str>; 3] = Default::default();
    for line in NAMES.lines().filter(|line| !line.starts_with('#')) {
        for (list, cell) in names.iter_mut().zip(line.split('\t').skip(2)) {
            list.extend(cell.split("; ").filter(|name| !name.is_empty()).take(2));
        }
    }
    let count = names.iter().map(Vec::len).min().unwrap_or(0);
    let mut sql = String::from(
        "create table word (kind bigint, place bigint, language text, name text, tag text, primary key (kind, place));\n",
    );
    for (kind, (language, at)) in LANGUAGES.iter().enumerate() {
        for (place, name) in names[*at].iter().take(count).enumerate() {
            let name = name.replace('\'', "");
            let tag: String = name
                .to_lowercase()
                .chars()
                .filter(|letter| letter.is_alphanumeric())
                .take(20)
                .collect();
            let _text = writeln!(
                sql,
                "insert into word (kind, place, language, name, tag) values ({kind}, {place}, '{language}', '{name}', '{tag}');"
            );
        }
    }
    (sql, count)
}

/// Buyers that are signed in: their tokens are `bench-0` and so on.
const SIGNED_IN: u64 = 40;

fn sessions() -> String {
    let mut sql = String::new();
    let now_ms = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |now| now.as_millis());
    let ends_ms = now_ms + 86_400_000;
    for number in 0..SIGNED_IN {
        let hash = Digest::sha256(format!("bench-{number}").as_bytes()).hex();
        let _text = writeln!(
            sql,
            "insert into session (id_hash, person_id, created_ms, seen_ms, expires_ms)
                values ('{hash}', '00000000-0000-7000-8002-{number:012}', {now_ms}, {now_ms}, {ends_ms});"
        );
    }
    sql
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |name: &str| {
        arguments
            .next()
            .with_context(|| format!("{name} is missing"))
    };
    let database = next("DATABASE")?;
    let listings: u64 = next("LISTINGS")?.parse()?;
    let orders: u64 = next("ORDERS")?.parse()?;
    let (words, count) = words();
    let most = listings.max(orders).max(30_000);
    let sql = SQL
        .replace("{listings}", &listings.to_string())
        // As many listings of each, however large the shop is.
        .replace(
            "{creators}",
            &(listings / LISTINGS_EACH).clamp(1, 5_000).to_string(),
        )
        .replace("{orders}", &orders.to_string())
        .replace("{most}", &most.to_string())
        .replace("{words}", &count.to_string());
    let (first, last) = match database.starts_with("postgres") {
        true => ("begin;", "commit; vacuum analyze;"),
        // Nothing else has the file open, and it is made again when this is cut off.
        false => (
            "pragma foreign_keys = off; pragma synchronous = off; pragma cache_size = -400000; pragma temp_store = memory; begin;",
            "commit; pragma wal_checkpoint(truncate); pragma optimize;",
        ),
    };
    let sql = [first, &words, &sql, &sessions(), last].join("\n");
    run(&database, &sql).await
}

async fn run(database: &str, sql: &str) -> Result<()> {
    if database.starts_with("postgres") {
        let mut connection = PgConnection::connect(database).await?;
        for statement in statements(sql) {
            let done = sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection);
            done.await.with_context(|| statement.to_owned())?;
        }
    } else {
        let mut connection = SqliteConnection::connect(&format!("sqlite:{database}")).await?;
        for statement in statements(sql) {
            let done = sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection);
            done.await.with_context(|| statement.to_owned())?;
        }
    }
    Ok(())
}

/// Statement by statement, so that an error names its own.
fn statements(sql: &str) -> impl Iterator<Item = &str> {
    sql.split_inclusive(';')
        .filter(|text| !text.trim().is_empty())
}
