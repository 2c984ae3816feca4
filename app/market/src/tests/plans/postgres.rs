//! Plans of PostgreSQL: generic ones, as for binds that nobody knows; only a page's limit is known to be small.

use crate::tests::plans::{FIXED, Finding, OPEN_ROWS, SHOP, statements};
use base::db::Db;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use std::collections::BTreeMap;
use std::fmt::Write as _;

pub(super) async fn load(db: &Db) -> Vec<(String, i64)> {
    let pool = db.postgres().expect("PostgreSQL");
    let mut connection = pool.acquire().await.expect("a connection");
    for sql in [
        // No triggers and no foreign keys while it is filled.
        "set session_replication_role = replica; set synchronous_commit = off; begin;",
        SHOP,
        "commit;",
    ] {
        sqlx::raw_sql(sql)
            .execute(&mut *connection)
            .await
            .expect("the large shop");
    }
    let tables: Vec<(String,)> = sqlx::query_as(
        "select relname::text from pg_class where relkind = 'r' and relnamespace = current_schema()::regnamespace",
    )
    .fetch_all(&mut *connection)
    .await
    .expect("tables");
    let mut rows = Vec::new();
    for (table,) in tables {
        let sql = AssertSqlSafe(format!("select count(*) from \"{table}\""));
        let row: (i64,) = sqlx::query_as(sql)
            .fetch_one(&mut *connection)
            .await
            .expect("a count");
        rows.push((table, row.0));
    }
    // What it counted is known to others when it ends.
    connection.close().await.expect("closed");
    rows
}

pub(super) async fn plan(db: &Db) -> Vec<Finding> {
    let pool = db.postgres().expect("PostgreSQL");
    let mut connection = pool.acquire().await.expect("a connection");
    sqlx::raw_sql("set plan_cache_mode = force_generic_plan; set jit = off;")
        .execute(&mut *connection)
        .await
        .expect("settings");
    let open: Vec<(String, f32)> =
        sqlx::query_as("select relname::text, reltuples from pg_class where relkind = 'i'")
            .fetch_all(&mut *connection)
            .await
            .expect("indexes");
    let open = open
        .into_iter()
        .map(|(index, rows)| (index, rows as i64))
        .collect();
    let mut findings = Vec::new();
    for (number, (store, statement, sql)) in statements("postgres").enumerate() {
        let plan = explain(&mut connection, number, sql).await;
        let mut found = Vec::new();
        look(&plan[0]["Plan"], &open, &mut found);
        findings.extend(found.into_iter().map(|how| Finding {
            store,
            statement,
            how: format!("PostgreSQL: {how}"),
        }));
    }
    findings
}

async fn explain(connection: &mut PgConnection, number: usize, sql: &str) -> Value {
    let (sql, binds) = with_known_limit(sql);
    let name = format!("planned_{number}");
    let mut text = format!("prepare {name} as {sql}; explain (format json) execute {name}");
    if binds > 0 {
        let nulls = vec!["null"; binds].join(", ");
        write!(text, " ({nulls})").expect("text grows");
    }
    let rows = sqlx::raw_sql(AssertSqlSafe(text))
        .fetch_all(connection)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    let text: String = rows
        .last()
        .expect("a plan")
        .try_get_unchecked(0)
        .expect("a plan's text");
    serde_json::from_str(&text).expect("a plan in JSON")
}

/// A generic plan takes a limit that it does not know for a tenth of the table. Ours are pages: the bind becomes a number, and later
/// binds move up. Returns how many are left.
fn with_known_limit(sql: &str) -> (String, usize) {
    let (before, number, after) = match sql.split_once("limit $") {
        Some((before, rest)) => {
            let digits = rest.chars().take_while(char::is_ascii_digit).count();
            let number: usize = rest[..digits].parse().expect("a number");
            let again = format!("${number}");
            // One that is used elsewhere as well stays a bind.
            let used = before.contains(&again) || rest[digits..].contains(&again);
            match used {
                true => (sql.to_owned(), 0, String::new()),
                false => (
                    format!("{before}limit 50"),
                    number,
                    rest[digits..].to_owned(),
                ),
            }
        }
        None => (sql.to_owned(), 0, String::new()),
    };
    let text = format!("{before}{after}");
    let (mut moved, mut most) = (String::new(), 0);
    let mut parts = text.split('$');
    moved.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let digits = part.chars().take_while(char::is_ascii_digit).count();
        let bind: usize = part[..digits].parse().expect("a bind");
        let bind = if number > 0 && bind > number {
            bind - 1
        } else {
            bind
        };
        most = most.max(bind);
        write!(moved, "${bind}{}", &part[digits..]).expect("text grows");
    }
    (moved, most)
}

fn look(node: &Value, open: &BTreeMap<String, i64>, found: &mut Vec<String>) {
    let text = |name: &str| node[name].as_str().unwrap_or_default();
    let (kind, index, table) = (text("Node Type"), text("Index Name"), text("Relation Name"));
    let bound = node.get("Index Cond").is_some();
    match kind {
        "Seq Scan" if !FIXED.contains(&table) => found.push(format!("Seq Scan on {table}")),
        "Index Scan" | "Index Only Scan" | "Bitmap Index Scan"
            if !bound && open.get(index).is_none_or(|rows| *rows >= OPEN_ROWS) =>
        {
            found.push(format!("{kind} of all of {index}"));
        }
        _ => {}
    }
    for child in node["Plans"].as_array().into_iter().flatten() {
        look(child, open, found);
    }
}
