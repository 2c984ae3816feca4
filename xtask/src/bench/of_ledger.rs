//! `cargo xtask bench ledger`: how many leaves a second become durable and public, for 1, 16 and 256 clients, on both databases.

use super::{ROUNDS, measured, median};
use crate::run::{cargo_with, output, program, say};
use crate::{postgres, root, target};
use anyhow::{Context as _, Result};
use serde_json::Value;

/// Clients, and leaves that each of them appends one after another.
const LOADS: [(u32, u32); 3] = [(1, 300), (16, 120), (256, 30)];

pub(super) fn run() -> Result<()> {
    let _private = postgres::ensure(true)?;
    let admin = std::env::var("SEEDMARK_TEST_POSTGRES").context("no PostgreSQL")?;
    let (server, _) = admin
        .rsplit_once('/')
        .context("no database in the address")?;
    let example = ["--example", "bench_ledger"];
    let build = [
        "build",
        "--quiet",
        "--release",
        "--package",
        "seedmark-market",
    ];
    cargo_with(&[&build[..], &example].concat(), &[])?;
    let bench = target().join("release/examples/bench_ledger");
    let bench = bench.to_string_lossy();
    // In the target folder: a temporary folder may lie in memory, where nothing is ever flushed.
    let folder = target().join("bench-ledger");
    let place = folder.to_string_lossy();
    say(
        "| clients | database | appends a second | p50 ms | p95 ms | p99 ms | proofs a second | verifications a second |\n| --- | --- | --- | --- | --- | --- | --- | --- |",
    );
    for (clients, each) in LOADS {
        let (clients, each) = (clients.to_string(), each.to_string());
        let mut rounds: [Vec<Value>; 2] = Default::default();
        for _ in 0..ROUNDS {
            for (rounds, database) in rounds.iter_mut().zip(["sqlite", "postgres"]) {
                let _missing = std::fs::remove_dir_all(&folder);
                let mut arguments = vec![&*place, &clients, &each];
                let url = format!("{server}/seedmark_bench");
                if database == "postgres" {
                    for sql in [
                        "drop database if exists seedmark_bench with (force)",
                        "create database seedmark_bench template template0 locale 'C' encoding 'UTF8'",
                    ] {
                        program(
                            "psql",
                            &["--no-psqlrc", "--quiet", "--command", sql, &admin],
                        )?;
                    }
                    arguments.push(&url);
                }
                rounds.push(measured(&bench, &arguments, &[])?);
            }
        }
        for (rounds, database) in rounds.iter().zip(["SQLite", "PostgreSQL"]) {
            let number = |name: &str| median(rounds, name);
            say(&format!(
                "| {clients} | {database} | {:.0} | {:.1} | {:.1} | {:.1} | {:.0} | {:.0} |",
                number("appends_a_second"),
                number("p50_ms"),
                number("p95_ms"),
                number("p99_ms"),
                number("proofs_a_second"),
                number("verifications_a_second")
            ));
        }
    }
    let _missing = std::fs::remove_dir_all(&folder);
    let system = output(
        "stat",
        &["--file-system", "--format", "%T", &root().to_string_lossy()],
    );
    say(&format!(
        "medians of {ROUNDS} rounds; every append is a signed, distinct leaf, checked for duplicates, fsynced and answered from the public checkpoint; no witness; {}",
        system.unwrap_or_default().trim()
    ));
    Ok(())
}
