//! `cargo xtask fuzz`: the decoders under libFuzzer, with the coverage that stable `rustc` can already emit.
//!
//! The one rule: whatever crashes a decoder is kept under `fuzz/artifacts` and fails the run. `cargo fuzz` works on the same folder.

use crate::run::say;
use crate::{root, target};
use anyhow::{Context as _, Result, bail};
use std::process::Command;

const TARGETS: [&str; 5] = [
    "log_texts",
    "log_bytes",
    "documents",
    "prompt_weights",
    "metadata",
];

/// What `cargo fuzz` passes too, but for the sanitizer, which wants a nightly compiler; this code has no unsafe blocks to watch.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing";

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let seconds = match arguments {
        [] => 60,
        [name, seconds] if name == "--seconds" => {
            seconds.parse().context("--seconds needs a number")?
        }
        _ => bail!("usage: cargo xtask fuzz [--seconds N]"),
    };
    for (target, runs) in fuzz(seconds)? {
        say(&format!("{target:<14} {runs}"));
    }
    Ok(())
}

/// Fuzzes each target for some seconds; returns what libFuzzer says it did.
pub(crate) fn fuzz(seconds: u64) -> Result<Vec<(&'static str, String)>> {
    if !crate::run::has("c++") {
        // libFuzzer itself is C++.
        crate::run::debian(&["g++"])?;
    }
    let host = host()?;
    let built = Command::new("cargo")
        .args([
            "build",
            "--quiet",
            "--release",
            "--manifest-path",
            "fuzz/Cargo.toml",
        ])
        // Naming the target keeps the flags away from build scripts.
        .args(["--target", &host, "--target-dir"])
        .arg(target().join("fuzz"))
        .env("RUSTFLAGS", FLAGS)
        .current_dir(root())
        .status()
        .context("cannot run cargo")?;
    if !built.success() {
        bail!("the fuzz targets do not build");
    }
    let mut done = Vec::new();
    for name in TARGETS {
        let corpus = target().join("fuzz/corpus").join(name);
        let artifacts = root().join("fuzz/artifacts").join(name);
        std::fs::create_dir_all(&corpus)?;
        std::fs::create_dir_all(&artifacts)?;
        let output = Command::new(target().join("fuzz").join(&host).join("release").join(name))
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-artifact_prefix={}/", artifacts.display()))
            .args([&corpus, &root().join("fuzz/seeds").join(name)])
            .output()
            .with_context(|| format!("cannot run the fuzz target {name}"))?;
        let told = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            let tail: Vec<&str> = told.lines().rev().take(30).collect();
            for line in tail.iter().rev() {
                say(line);
            }
            bail!(
                "the fuzz target {name} found something; its input lies in {}",
                artifacts.display()
            );
        }
        let runs = told.lines().rev().find(|line| line.starts_with("Done "));
        done.push((name, runs.unwrap_or("did not say how much").to_owned()));
    }
    Ok(done)
}

fn host() -> Result<String> {
    let told =
        crate::run::output("rustc", &["--version", "--verbose"]).context("cannot run rustc")?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .context("rustc does not name its host")
}
