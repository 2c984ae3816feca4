//! Running other programs, and saying what happens.

use crate::root;
use anyhow::{Context as _, Result, bail};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Prints a line; a closed pipe is no reason to fail.
pub(crate) fn say(text: &str) {
    let _closed = writeln!(std::io::stdout(), "{text}");
}

/// Runs a program in the repository's root and fails when it fails.
pub(crate) fn program(name: &str, arguments: &[&str]) -> Result<()> {
    command(
        Command::new(name).args(arguments).current_dir(root()),
        name,
        arguments,
    )
}

fn command(command: &mut Command, name: &str, arguments: &[&str]) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot run {name}"))?;
    if !status.success() {
        bail!("`{name} {}` failed ({status})", arguments.join(" "));
    }
    Ok(())
}

/// Runs cargo.
pub(crate) fn cargo(arguments: &[&str]) -> Result<()> {
    cargo_with(arguments, &[])
}

/// Runs cargo with environment variables.
pub(crate) fn cargo_with(arguments: &[&str], variables: &[(&str, &str)]) -> Result<()> {
    let name = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    command(
        Command::new(&name)
            .args(arguments)
            .envs(variables.iter().copied())
            .current_dir(root()),
        "cargo",
        arguments,
    )
}

/// Whether a program is there.
pub(crate) fn has(name: &str) -> bool {
    output(name, &["--version"]).is_some()
}

/// A program's standard output when it succeeds.
pub(crate) fn output(name: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(name)
        .args(arguments)
        .stderr(Stdio::null())
        .stdin(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Adds the WebAssembly target when rustup lacks it.
pub(crate) fn ensure_wasm_target() -> Result<()> {
    const TARGET: &str = "wasm32-unknown-unknown";
    match output("rustup", &["target", "list", "--installed"]) {
        Some(list) if list.lines().any(|line| line == TARGET) => Ok(()),
        Some(_) => program("rustup", &["target", "add", TARGET]),
        // Without rustup the target comes with the compiler, or the build will say that it is missing.
        None => Ok(()),
    }
}

/// A Python in a folder of its own with these packages, as pip names them; returns the program.
pub(crate) fn python(folder: &Path, packages: &[&str]) -> Result<String> {
    let python = folder.join("bin/python").to_string_lossy().into_owned();
    if output(&python, &["--version"]).is_none() {
        let make = ["-m", "venv", &folder.to_string_lossy()];
        if output("python3", &make).is_none() {
            debian(&["python3-venv"])?;
            program("python3", &make)?;
        }
    }
    let install = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ];
    program(&python, &[&install[..], packages].concat())?;
    Ok(python)
}

/// Installs Debian packages.
pub(crate) fn debian(packages: &[&str]) -> Result<()> {
    if !has("apt-get") {
        bail!(
            "missing: {}; install it with your system's package manager",
            packages.join(" ")
        );
    }
    program("apt-get", &["update", "--quiet=2"])?;
    let mut arguments = vec!["install", "--yes", "--quiet=2", "--no-install-recommends"];
    arguments.extend(packages);
    program("apt-get", &arguments)
}
