//! Single facts about an installation, by name: its log's origin, how far something was read, how the last check ended.
//!
//! The one rule: what has a second row is no setting but a table.

use super::{Result, Tx, execute, fetch, statements};

statements! {
    READ = "select value from setting where name = $1";
    WRITE = "insert into setting (name, value) values ($1, $2) on conflict (name) do update set value = excluded.value";
}

/// A fact about this database.
///
/// # Errors
/// When the database fails.
pub async fn read_setting(tx: &mut Tx, name: &str) -> Result<Option<String>> {
    Ok(fetch!(tx, fetch_optional, (String,), READ, name)?.map(|row| row.0))
}

/// A number that is a fact about this database; 0 while nobody wrote it.
///
/// # Errors
/// When the database fails.
pub async fn read_number(tx: &mut Tx, name: &str) -> Result<i64> {
    let text = read_setting(tx, name).await?;
    Ok(text.and_then(|text| text.parse().ok()).unwrap_or(0))
}

/// Writes a fact about this database.
///
/// # Errors
/// When the database fails.
pub async fn write_setting(tx: &mut Tx, name: &str, value: &str) -> Result<()> {
    execute!(tx, WRITE, name, value).map(|_| ())
}
