//! The part `stripe` of the tests: others judge our requests and our stand-in for Stripe.
//!
//! The one rule: the packages come by name and version from npm; what cannot be installed fails the part, and the live suite says
//! that it did not run.

use crate::run::{cargo, debian, has, say};
use crate::{root, target};
use anyhow::{Context as _, Result, bail};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Types, SDK and signatures, each a check.
pub(crate) fn checks(install: bool) -> Result<Vec<(&'static str, Result<()>)>> {
    if !(has("node") && has("npm")) {
        if !install {
            bail!("node and npm are missing and --no-install was given");
        }
        debian(&["nodejs", "npm"])?;
    }
    let folder = target().join("stripe-judges");
    std::fs::create_dir_all(&folder)?;
    for file in ["package.json", "types.mjs", "flows.mjs"] {
        let from = root().join("tests/fake-stripe/sdk").join(file);
        std::fs::copy(&from, folder.join(file)).with_context(|| from.display().to_string())?;
    }
    node(
        &folder,
        "npm",
        &["install", "--no-audit", "--no-fund", "--silent"],
    )?;
    let dump = folder.join("dumps");
    std::fs::create_dir_all(&dump)?;
    let signed = folder.join("signed.json");
    let types = test("tests::stripe::", "SEEDMARK_STRIPE_DUMP", &dump)
        .and_then(|()| node(&folder, "node", &["types.mjs", &dump.display().to_string()]));
    let flows = flows(&folder, &signed);
    let signature = match &flows {
        Ok(()) => test("what_the_official", "SEEDMARK_STRIPE_SIGNED", &signed),
        Err(_) => Err(anyhow::anyhow!("the SDK signed nothing")),
    };
    match std::env::var_os("STRIPE_TEST_KEY") {
        Some(_) => {}
        None => say("live suite: not run against Stripe (STRIPE_TEST_KEY is not set)"),
    }
    let mut checks = vec![
        ("the official types", types),
        ("the official SDK", flows),
        ("the official webhook signer", signature),
    ];
    if std::env::var_os("STRIPE_TEST_KEY").is_some() {
        let live = cargo(&[
            "test",
            "--package",
            "seedmark-market",
            "--lib",
            "--",
            "--ignored",
            "live_suite",
        ]);
        checks.push(("the live suite", live));
    }
    Ok(checks)
}

fn node(folder: &Path, program: &str, arguments: &[&str]) -> Result<()> {
    let status = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .status()
        .with_context(|| program.to_owned())?;
    if !status.success() {
        bail!("{program} {} failed", arguments.join(" "));
    }
    Ok(())
}

/// Runs one test of the shop that reads or writes a file.
fn test(name: &str, variable: &str, path: &Path) -> Result<()> {
    let program = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let status = Command::new(program)
        .args([
            "test",
            "--quiet",
            "--package",
            "seedmark-market",
            "--lib",
            "--",
            name,
        ])
        .env(variable, path)
        .current_dir(root())
        .stdout(Stdio::null())
        .status()?;
    if !status.success() || !path.exists() {
        bail!("{name} failed, or {} was not written", path.display());
    }
    Ok(())
}

/// The stand-in as a program, ended with this value.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn flows(folder: &Path, signed: &Path) -> Result<()> {
    cargo(&["build", "--quiet", "--package", "seedmark-fake-stripe"])?;
    let program = target().join("debug/fake-stripe");
    let mut served = Served(
        Command::new(&program)
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| program.display().to_string())?,
    );
    let output = served.0.stdout.take().context("no output")?;
    let mut address = String::new();
    BufReader::new(output).read_line(&mut address)?;
    node(
        folder,
        "node",
        &["flows.mjs", address.trim(), &signed.display().to_string()],
    )
}
