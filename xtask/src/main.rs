//! `cargo xtask`: everything that a newcomer and CI run. Imports none of the rooms; it builds and starts them.

mod bench;
mod built;
mod check;
mod fuzz;
mod parity;
mod portable;
mod postgres;
mod rooms;
mod run;
mod runtime;
mod serve;
mod stripe;
mod test;
#[cfg(feature = "web")]
mod web;

use anyhow::{Result, bail};
use std::path::PathBuf;

const HELP: &str = "\
cargo xtask serve    build everything and serve the shop
    --port N         port (4610)
    --data FOLDER    data folder (data)
    --database-url U postgres://… instead of SQLite
    --release        optimised build
    --no-demo        no demo catalogue
cargo xtask test     run every check; `cargo xtask test NAME…` runs parts
    parts            format lint check unit parity fuzz portable app stripe http browser outside docs
    --no-install     refuse to install what is missing
cargo xtask web      build browser library, styles and boot script into site/ of the target folder
cargo xtask check    import rules and other promises of the house
cargo xtask parity   what diffusers, transformers and others made of the same settings, compared
    --record         make the reference models and run those programs again first (6 GB of Python)
cargo xtask portable the embedded model's pictures on AVX2 and Arm64 CPUs, emulated, beside this one
    --short          four pictures instead of 32
    --write          publish this machine's digests, after a new model
cargo xtask fuzz     every decoder under libFuzzer
    --seconds N      time for each of them (60)
cargo xtask runtime  find or fetch the ONNX Runtime library
cargo xtask bench    engine: its stages and pictures beside Python's onnxruntime, as ratios
                     ledger: durable appends, latencies and proofs, on SQLite and PostgreSQL
                     money: checkouts and payout lines, on SQLite and PostgreSQL
                     web SIZE…: pages and purchases in shops of 1,000, 100,000 and 1,000,000 listings, beside django-oscar";

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map_or_else(|| PathBuf::from("."), PathBuf::from)
}

/// Cargo's folder of build outputs: where this very program lies, so that `CARGO_TARGET_DIR` and `build.target-dir` are followed.
pub(crate) fn target() -> PathBuf {
    std::env::current_exe()
        .ok()
        .and_then(|program| Some(program.parent()?.parent()?.to_owned()))
        .unwrap_or_else(|| root().join("target"))
}

fn main() -> std::process::ExitCode {
    match task() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            run::say(&format!("error: {error:#}"));
            std::process::ExitCode::FAILURE
        }
    }
}

fn task() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    match command.as_str() {
        "serve" => serve::run(&rest),
        "test" => test::run(&rest),
        "check" => check::run(),
        "fuzz" => fuzz::run(&rest),
        "parity" => parity::run(&rest),
        "portable" => portable::run(&rest, true),
        "runtime" => runtime::ensure(true).map(|path| run::say(&path.display().to_string())),
        "web" => web(),
        "bench" => bench::run(&rest),
        "help" | "--help" | "-h" | "" => {
            run::say(HELP);
            Ok(())
        }
        other => bail!("there is no task {other:?}\n\n{HELP}"),
    }
}

#[cfg(not(feature = "web"))]
fn web() -> Result<()> {
    built::web()
}

#[cfg(feature = "web")]
fn web() -> Result<()> {
    web::build()
}
