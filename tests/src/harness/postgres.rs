//! A PostgreSQL database of one's own, spoken to with `psql`.
//!
//! The one rule: it is gone when the test is over, also when it failed. What must be looked at afterwards stands in the test's output.

use super::server::text;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU64, Ordering};

static COUNT: AtomicU64 = AtomicU64::new(0);

/// A database that is dropped at the end.
pub(super) struct Postgres {
    name: String,
    pub(super) url: String,
}

/// The address of a database where others can be made.
fn admin() -> String {
    std::env::var("SEEDMARK_TEST_POSTGRES").expect("SEEDMARK_TEST_POSTGRES: run `cargo xtask test`")
}

fn psql(url: &str, sql: &str) -> Output {
    Command::new("psql")
        .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"])
        .args(["--command", sql, url])
        .output()
        .expect("psql")
}

fn done(url: &str, sql: &str) -> String {
    let output = psql(url, sql);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{sql}: {said}");
    text(&output)
}

impl Postgres {
    /// An empty database.
    pub(super) fn fresh() -> Self {
        let admin = admin();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("seedmark_http_{}_{count}", std::process::id());
        let (server, _) = admin.rsplit_once('/').expect("a database in the address");
        let url = format!("{server}/{name}");
        // A killed run's database of the same process number would be in the way.
        done(
            &admin,
            &format!("drop database if exists {name} with (force)"),
        );
        let sql = format!("create database {name} template template0 locale 'C' encoding 'UTF8'");
        done(&admin, &sql);
        Self { name, url }
    }

    pub(super) fn run(&self, sql: &str) {
        done(&self.url, sql);
    }

    pub(super) fn holds(&self, condition: &str) -> bool {
        done(&self.url, &format!("select {condition}")).trim() == "t"
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let dropped = psql(
            &admin(),
            &format!("drop database if exists {} with (force)", self.name),
        );
        // A panic here would hide why the test failed.
        if !dropped.status.success() {
            eprintln!(
                "{} stays behind: {}",
                self.name,
                String::from_utf8_lossy(&dropped.stderr)
            );
        }
    }
}
