//! `cargo xtask bench money`: checkouts and payout lines a second, on SQLite and PostgreSQL, one after another in one run.

use crate::run::cargo_with;
use crate::{postgres, target};
use anyhow::Result;

pub(super) fn run() -> Result<()> {
    let _private = postgres::ensure(true)?;
    // In the target folder: a temporary folder may lie in memory, where nothing is ever flushed.
    let folder = target().join("bench-money");
    std::fs::create_dir_all(&folder)?;
    let place = folder.to_string_lossy();
    cargo_with(
        &[
            "test",
            "--quiet",
            "--release",
            "--package",
            "seedmark-market",
            "--lib",
            "--",
            "--ignored",
            "--nocapture",
            "bench_checkouts",
        ],
        &[("TMPDIR", &*place)],
    )
}
