//! What is built of the workspace, and the test programs that come of it.
//!
//! The one rule: every build asks for the same crates with the same features. Another choice would build what they stand on anew: some 200
//! crates were built more than once before.

use crate::root;
use crate::run::{cargo, say};
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Every crate but this one, with every feature that one of them is tested with.
pub(crate) const ALL: &[&str] = &[
    "--workspace",
    "--exclude",
    "xtask",
    "--features",
    "seedmark-engine/ort,seedmark-ledger/client,seedmark-ledger/bucket",
];

/// A program with tests of one crate.
pub(crate) struct Tests {
    /// The crate's name.
    pub(crate) package: String,
    program: PathBuf,
    folder: PathBuf,
}

impl Tests {
    /// It, with arguments and in the folder that cargo would give it.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env("CARGO_MANIFEST_DIR", &self.folder);
        command
    }
}

/// Builds the programs that people run, and those that tests start.
pub(crate) fn programs() -> Result<()> {
    let what = ["build", "--quiet", "--bins", "--example", "append"];
    cargo(&[&what[..], ALL].concat())
}

/// Builds what browsers get: their library, styles and the boot script. It needs heavy crates, so this program runs itself again with them.
pub(crate) fn web() -> Result<()> {
    let what = ["run", "--quiet", "--package", "xtask"];
    cargo(&[&what[..], &["--features", "web", "--", "web"]].concat())
}

/// Builds the server alone, of the same parts.
pub(crate) fn server(release: bool) -> Result<()> {
    let mut what = vec!["build", "--quiet", "--bin", "seedmark-server"];
    if release {
        what.push("--release");
    }
    cargo(&[&what, ALL].concat())
}

/// Builds the server and what asks it for pages in a bench, optimised. Together: built by themselves they would want other features.
pub(crate) fn bench() -> Result<()> {
    let what = ["build", "--quiet", "--release", "--bin", "seedmark-server"];
    let examples = ["--example", "grow_shop", "--example", "load"];
    cargo(&[&what[..], &examples, ALL].concat())
}

/// Builds the test programs of every crate and lists them.
pub(crate) fn tests() -> Result<Vec<Tests>> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let what = [
        "test",
        "--no-run",
        "--message-format",
        "json-render-diagnostics",
    ];
    let mut child = Command::new(cargo)
        .args(what)
        .args(ALL)
        .current_dir(root())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot run cargo")?;
    let errors = child.stderr.take().context("cargo has no errors")?;
    let errors = std::thread::spawn(move || {
        let lines = BufReader::new(errors).lines().map_while(Result::ok);
        // Which crate is being built is no news.
        let told = lines.filter(|line| !line.trim_start().starts_with("Compiling "));
        told.collect::<Vec<_>>()
    });
    let mut found = Vec::new();
    let out = child.stdout.take().context("cargo has no output")?;
    for line in BufReader::new(out).lines() {
        found.extend(read(&line?)?);
    }
    let told = errors.join().unwrap_or_default();
    if !child.wait()?.success() {
        told.iter().for_each(|line| say(line));
        bail!("the tests do not build");
    }
    Ok(found)
}

/// The test program that a message of cargo tells of, if it does.
fn read(line: &str) -> Result<Option<Tests>> {
    let message: Value = serde_json::from_str(line).context("cargo wrote something else")?;
    let (Some(program), Some(manifest)) = (
        message["executable"].as_str(),
        message["manifest_path"].as_str(),
    ) else {
        return Ok(None);
    };
    if message["profile"]["test"] != true {
        return Ok(None);
    }
    let manifest = PathBuf::from(manifest);
    let folder = manifest.parent().context("a manifest lies in a folder")?;
    // `path+file:///…/schema#seedmark-schema@0.1.0`, or `…/seedmark-schema#0.1.0` where the folder is called as the crate is.
    let id = message["package_id"].as_str().unwrap_or_default();
    let end = id.rsplit_once('#').map_or(id, |(_, end)| end);
    let package = match end.split_once('@') {
        Some((name, _)) => name,
        None => id
            .rsplit_once('#')
            .and_then(|(place, _)| place.rsplit('/').next())
            .unwrap_or_default(),
    };
    Ok(Some(Tests {
        package: package.to_owned(),
        program: program.into(),
        folder: folder.to_owned(),
    }))
}
