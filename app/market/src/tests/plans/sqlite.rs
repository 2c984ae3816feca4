//! Plans of SQLite: `explain query plan`, read line by line.

use crate::tests::plans::{FIXED, Finding, OPEN_ROWS, SHOP, statements};
use base::db::Db;
use sqlx::{AssertSqlSafe, SqliteConnection};
use std::collections::BTreeMap;

pub(super) async fn load(db: &Db) -> Vec<(String, i64)> {
    let (write, _) = db.sqlite().expect("SQLite");
    let mut connection = write.acquire().await.expect("a connection");
    for sql in [
        "pragma foreign_keys = off; pragma synchronous = off; begin;",
        SHOP,
        "commit; pragma foreign_keys = on;",
    ] {
        sqlx::raw_sql(sql)
            .execute(&mut *connection)
            .await
            .expect("the large shop");
    }
    let tables: Vec<(String,)> = sqlx::query_as(
        "select name from sqlite_schema where type = 'table' and name not like 'sqlite\\_%' escape '\\'",
    )
    .fetch_all(&mut *connection)
    .await
    .expect("tables");
    let mut rows = Vec::new();
    for (table,) in tables {
        let count = count(&mut connection, &table).await;
        rows.push((table, count));
    }
    rows
}

async fn count(connection: &mut SqliteConnection, table: &str) -> i64 {
    let sql = AssertSqlSafe(format!("select count(*) from \"{table}\""));
    let row: (i64,) = sqlx::query_as(sql)
        .fetch_one(connection)
        .await
        .expect("a count");
    row.0
}

/// A table of two columns, each with an index: the values of one tell more than those of the other.
pub(super) async fn fill_sample(db: &Db, values: &str, rows: i64) {
    let (write, _) = db.sqlite().expect("SQLite");
    let mut connection = write.acquire().await.expect("a connection");
    let sql = AssertSqlSafe(format!(
        "create table if not exists sample (a bigint, b bigint);
        create index if not exists sample_a_idx on sample (a);
        create index if not exists sample_b_idx on sample (b);
        delete from sample;
        insert into sample (a, b) with recursive n (i) as (select 0 union all select i + 1 from n where i < {rows}) select {values} from n;"
    ));
    sqlx::raw_sql(sql)
        .execute(&mut *connection)
        .await
        .expect("a sample");
}

/// By which index a reader looks into it.
pub(super) async fn plan_of_sample(db: &Db) -> String {
    let (_, read) = db.sqlite().expect("SQLite");
    let mut connection = read.acquire().await.expect("a connection");
    // To explain is not to run: only what runs sees that the schema changed.
    let _rows = count(&mut connection, "sample").await;
    let sql = "explain query plan select * from sample where a = 1 and b = 1";
    lines(&mut connection, sql).await.join("\n")
}

async fn lines(connection: &mut SqliteConnection, sql: &str) -> Vec<String> {
    let rows: Vec<(i64, i64, i64, String)> = sqlx::query_as(AssertSqlSafe(sql.to_owned()))
        .persistent(false)
        .fetch_all(connection)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    rows.into_iter().map(|row| row.3).collect()
}

/// How many entries each index has, told by its own table and condition.
async fn index_rows(connection: &mut SqliteConnection) -> BTreeMap<String, i64> {
    let indexes: Vec<(String, String, Option<String>)> =
        sqlx::query_as("select name, tbl_name, sql from sqlite_schema where type = 'index'")
            .fetch_all(&mut *connection)
            .await
            .expect("indexes");
    let mut rows = BTreeMap::new();
    for (index, table, sql) in indexes {
        let condition = sql
            .as_deref()
            .and_then(|sql| sql.split_once(" where "))
            .map_or("1 = 1", |parts| parts.1);
        let sql = AssertSqlSafe(format!(
            "select count(*) from (select 1 from \"{table}\" where {condition} limit {OPEN_ROWS})"
        ));
        let row: (i64,) = sqlx::query_as(sql)
            .fetch_one(&mut *connection)
            .await
            .expect("a count");
        rows.insert(index, row.0);
    }
    rows
}

pub(super) async fn plan(db: &Db) -> Vec<Finding> {
    let (_, read) = db.sqlite().expect("SQLite");
    let mut connection = read.acquire().await.expect("a connection");
    let open = index_rows(&mut connection).await;
    let mut findings = Vec::new();
    for (store, statement, sql) in statements("sqlite") {
        if sql.starts_with("pragma") {
            continue;
        }
        let plan = lines(&mut connection, &format!("explain query plan {sql}")).await;
        for line in &plan {
            let sorts = sql.contains("limit ") && line == "USE TEMP B-TREE FOR ORDER BY";
            if sorts || touches_too_much(line, &plan, &open) {
                findings.push(Finding {
                    store,
                    statement,
                    how: format!("SQLite: {line}"),
                });
            }
        }
    }
    findings
}

fn touches_too_much(line: &str, plan: &[String], open: &BTreeMap<String, i64>) -> bool {
    // An index that is built for one statement is a scan, too.
    if line.contains("AUTOMATIC") {
        return true;
    }
    let Some(rest) = line.strip_prefix("SCAN ") else {
        return false;
    };
    let mut words = rest.split(' ');
    let name = words.next().unwrap_or_default();
    // Rows that the statement itself made, or a table of fixed size.
    let own = |kind: &str| plan.contains(&format!("{kind} {name}"));
    if name == "CONSTANT" || own("CO-ROUTINE") || own("MATERIALIZE") || FIXED.contains(&name) {
        return false;
    }
    let index = rest.split_once("INDEX ").map(|parts| parts.1);
    let index = index.and_then(|text| text.split(' ').next());
    index.is_none_or(|index| open.get(index).is_none_or(|rows| *rows >= OPEN_ROWS))
}
