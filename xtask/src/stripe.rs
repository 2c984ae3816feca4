//! The part `stripe` of the tests: others judge our requests and our stand-in for Stripe.
//!
//! The one rule: the packages come by name and version from npm; what cannot be installed fails the part, and the live suite says
//! that it did not run.

use crate::built::{self, Tests};
use crate::run::{debian, has, say};
use crate::{root, target};
use anyhow::{Context as _, Result, bail};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Types, SDK and signatures, each a check.
pub(crate) fn checks(built: &[Tests], install: bool) -> Result<Vec<(&'static str, Result<()>)>> {
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
    // What an earlier run wrote proves nothing.
    let _none_yet = std::fs::remove_dir_all(&dump);
    std::fs::create_dir_all(&dump)?;
    let signed = folder.join("signed.json");
    let types = test(built, "tests::stripe::", "SEEDMARK_STRIPE_DUMP", &dump)
        .and_then(|()| node(&folder, "node", &["types.mjs", &dump.display().to_string()]));
    let flows = flows(&folder, &signed);
    let signature = match &flows {
        Ok(()) => test(
            built,
            "what_the_official",
            "SEEDMARK_STRIPE_SIGNED",
            &signed,
        ),
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
        let status = market(built)?
            .command(&["--ignored", "live_suite"])
            .status()?;
        let live = match status.success() {
            true => Ok(()),
            false => Err(anyhow::anyhow!("the live suite failed")),
        };
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

/// Runs tests of the shop that read or write a file.
fn test(built: &[Tests], name: &str, variable: &str, path: &Path) -> Result<()> {
    let market = market(built)?;
    let output = market.command(&[name]).env(variable, path).output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() || said.contains(" 0 passed;") || !path.exists() {
        bail!("{name} failed, or {} was not written", path.display());
    }
    Ok(())
}

fn market(built: &[Tests]) -> Result<&Tests> {
    let found = built
        .iter()
        .find(|tests| tests.package == "seedmark-market");
    found.context("the shop's tests were not built")
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
    built::programs()?;
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
