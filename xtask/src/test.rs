//! `cargo xtask test`: every check, cheap ones first, with counts at the end.
//!
//! The one rule: nothing is skipped silently. What is missing is installed where that is possible; otherwise the run fails.

use crate::built::{self, Tests};
use crate::run::{cargo, debian, ensure_wasm_target, has, output, program, python, say};
use crate::{check, fuzz, parity, portable, postgres, root, runtime, stripe, target};
use anyhow::{Context as _, Result, bail};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

const PARTS: &[&str] = &[
    "format", "check", "lint", "unit", "parity", "fuzz", "portable", "app", "stripe", "http",
    "browser", "outside", "docs",
];

const WASM: &str = "wasm32-unknown-unknown";

/// Crates whose tests need no service.
const UNIT: &[&str] = &[
    "seedmark-schema",
    "seedmark-ledger",
    "seedmark-engine",
    "seedmark-cli",
    "seedmark-islands",
    "seedmark-search",
    "seedmark-fake-stripe",
];
/// Crates whose tests run on both databases.
const APP: &[&str] = &[
    "seedmark-base",
    "seedmark-money",
    "seedmark-market",
    "seedmark-site",
];
/// Tests from outside.
const OUTSIDE: &[&str] = &["seedmark-tests"];

/// Enough to walk over the seeds and some way beyond; longer runs are `cargo xtask fuzz`.
const FUZZ_SECONDS: u64 = 8;

#[derive(Default)]
struct Counts {
    passed: u64,
    failed: u64,
}

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let install = !arguments.iter().any(|argument| argument == "--no-install");
    let wanted: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    if let Some(unknown) = wanted.iter().find(|part| !PARTS.contains(part)) {
        bail!(
            "there is no part {unknown:?}; parts are {}",
            PARTS.join(" ")
        );
    }
    // The comparisons are among the units; named alone, they print their tables.
    let usual = |part: &&str| wanted.is_empty() && *part != "parity";
    let parts: Vec<&str> = PARTS
        .iter()
        .copied()
        .filter(|part| usual(part) || wanted.contains(part))
        .collect();
    let needs = |names: &[&str]| parts.iter().any(|part| names.contains(part));
    if needs(&["unit", "app", "stripe", "http", "browser", "outside"]) {
        let library = runtime::ensure(install)?;
        // SAFETY: this program has one thread here; nothing reads the environment at the same time.
        unsafe { std::env::set_var("ORT_DYLIB_PATH", library) };
    }
    let mut _private = None;
    if needs(&["app", "stripe", "http", "browser", "outside"]) {
        _private = postgres::ensure(install)?;
    }
    if needs(&["browser"]) {
        browser(install)?;
    }
    if needs(&["lint", "http", "browser", "outside"]) {
        ensure_wasm_target()?;
    }
    if needs(&["http", "browser", "outside"]) {
        built::web()?;
        built::programs()?;
    }
    let built = match needs(&["unit", "app", "stripe", "http", "browser", "outside"]) {
        true => built::tests()?,
        false => Vec::new(),
    };
    let mut counts = Counts::default();
    for part in parts {
        let start = Instant::now();
        say(&format!("── {part}"));
        match part {
            "format" => step(&mut counts, cargo(&["fmt", "--all", "--check"])),
            "check" => {
                step(&mut counts, check::run());
                step(
                    &mut counts,
                    cargo(&["test", "--quiet", "--package", "xtask"]),
                );
            }
            "lint" => lint(&mut counts),
            "unit" => {
                tests(&mut counts, &built, UNIT, &[])?;
                step(
                    &mut counts,
                    cargo(&[&["test", "--quiet", "--doc"], built::ALL].concat()),
                );
            }
            "parity" => step(&mut counts, parity::compare()),
            "app" => tests(&mut counts, &built, APP, &[])?,
            "stripe" => match stripe::checks(&built, install) {
                Ok(checks) => {
                    for (name, result) in checks {
                        step(&mut counts, result.with_context(|| name.to_owned()));
                    }
                }
                Err(error) => step(&mut counts, Err(error)),
            },
            "http" => tests(&mut counts, &built, OUTSIDE, &["http::", "tool::"])?,
            "browser" => {
                // Each mostly waits for its browser and its server; more than two make each other late.
                let journeys = ["journeys::", "--test-threads=2"];
                tests(&mut counts, &built, OUTSIDE, &journeys)?;
            }
            "fuzz" => step(
                &mut counts,
                fuzz::fuzz(FUZZ_SECONDS).map(|runs| {
                    runs.iter()
                        .for_each(|(target, runs)| say(&format!("{target}: {runs}")))
                }),
            ),
            "portable" => step(&mut counts, portable::check(install)),
            "outside" => outside(&mut counts, &built, install)?,
            _ => step(&mut counts, docs()),
        }
        say(&format!("   {part} took {} s", start.elapsed().as_secs()));
    }
    say(&format!(
        "{} passed, {} failed",
        counts.passed, counts.failed
    ));
    if counts.failed > 0 {
        bail!("{} checks failed", counts.failed);
    }
    Ok(())
}

fn step(counts: &mut Counts, result: Result<()>) {
    match result {
        Ok(()) => counts.passed += 1,
        Err(error) => {
            say(&format!("{error:#}"));
            counts.failed += 1;
        }
    }
}

fn lint(counts: &mut Counts) {
    let quiet: &[&str] = &["clippy", "--quiet", "--all-targets"];
    let deny: &[&str] = &["--", "--deny", "warnings"];
    let own: &[&str] = &["--package", "xtask"];
    let islands: &[&str] = &["--package", "seedmark-islands", "--target", WASM];
    let builds = [
        [quiet, built::ALL, deny].concat(),
        [quiet, own, deny].concat(),
        [&["clippy", "--quiet", "--lib"], islands, deny].concat(),
    ];
    for build in &builds {
        step(counts, cargo(build));
    }
    step(
        counts,
        cargo(&[
            "check",
            "--quiet",
            "--package",
            "seedmark-schema",
            "--package",
            "seedmark-ledger",
            "--package",
            "seedmark-engine",
            "--target",
            WASM,
        ]),
    );
}

/// Checks by other people's programs: Python packages in a folder below target, and Debian's Go packages.
fn outside(counts: &mut Counts, built: &[Tests], install: bool) -> Result<()> {
    let folder = target().join("outside");
    if !install && !folder.join("bin/python").is_file() {
        bail!(
            "{} has no Python and --no-install was given",
            folder.display()
        );
    }
    let requirements = root().join("tests/outside/requirements.txt");
    let packages = [
        // The AICS packages ask for Python 3.12 and run on Debian's 3.11 all the same, which is what these tests show.
        "--ignore-requires-python",
        "--requirement",
        &requirements.to_string_lossy(),
    ];
    let python = python(&folder, &packages)?;
    vectors(&folder, &python)?;
    if output("go", &["version"]).is_none()
        || !Path::new("/usr/share/gocode/src/golang.org/x/mod").is_dir()
    {
        if !install {
            bail!("go and its x/mod packages are missing and --no-install was given");
        }
        debian(&["golang-go", "golang-golang-x-mod-dev"])?;
    }
    if output("strace", &["--version"]).is_none() {
        if !install {
            bail!("strace is missing and --no-install was given");
        }
        debian(&["strace"])?;
    }
    tests(counts, built, OUTSIDE, &["outside::"])
}

/// The test vectors of RFC 8785's authors, which PyPI's source package carries and the installed one does not.
fn vectors(folder: &Path, python: &str) -> Result<()> {
    let packages = folder.join("sources");
    if packages.join("rfc8785-0.1.4").is_dir() {
        return Ok(());
    }
    let packages = packages.to_string_lossy();
    let download = ["-m", "pip", "download", "--quiet", "--no-deps"];
    let what = [
        "--no-binary",
        "rfc8785",
        "--dest",
        &packages,
        "rfc8785==0.1.4",
    ];
    program(python, &[&download[..], &what[..]].concat())?;
    let unpack = root().join("tests/outside/unpack.py");
    program(python, &[&unpack.to_string_lossy(), &packages])
}

fn docs() -> Result<()> {
    crate::run::cargo_with(
        &[
            "doc",
            "--quiet",
            "--no-deps",
            "--package",
            "seedmark-schema",
            "--package",
            "seedmark-ledger",
            "--package",
            "seedmark-engine",
            "--features",
            "seedmark-engine/ort,seedmark-ledger/client,seedmark-ledger/bucket",
        ],
        &[("RUSTDOCFLAGS", "--deny warnings")],
    )
}

/// Runs the test programs of crates, passes their output on and adds up their closing lines.
fn tests(counts: &mut Counts, built: &[Tests], crates: &[&str], arguments: &[&str]) -> Result<()> {
    let before = counts.passed + counts.failed;
    for name in crates {
        let of_crate: Vec<&Tests> = built
            .iter()
            .filter(|tests| tests.package == *name)
            .collect();
        if of_crate.is_empty() {
            bail!("there are no tests of {name}");
        }
        for tests in of_crate {
            run_tests(counts, tests.command(arguments))?;
        }
    }
    if counts.passed + counts.failed == before {
        bail!("no test of {} was run", crates.join(", "));
    }
    Ok(())
}

fn run_tests(counts: &mut Counts, mut command: Command) -> Result<()> {
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let out = child.stdout.take().context("a test has no output")?;
    let before = counts.failed;
    for line in BufReader::new(out).lines() {
        let line = line?;
        if let Some(result) = line.strip_prefix("test result: ") {
            let number = |word: &str| {
                result
                    .split([';', '.'])
                    .find_map(|piece| piece.trim().strip_suffix(word)?.trim().parse::<u64>().ok())
                    .unwrap_or(0)
            };
            counts.passed += number("passed");
            counts.failed += number("failed");
        }
        if !line.ends_with("... ok") && !line.is_empty() && !line.starts_with("running ") {
            say(&line);
        }
    }
    if !child.wait()?.success() && counts.failed == before {
        // It died before it could count.
        counts.failed += 1;
    }
    Ok(())
}

/// Deque's axe, which PyPI has in this package; the newest of 2026.
const AXE: &str = "axe-playwright-python==0.1.8";

/// A browser with its driver, and the accessibility checker that runs in it.
fn browser(install: bool) -> Result<()> {
    chromium(install)?;
    let folder = target().join("axe");
    if folder.join("axe_playwright_python/axe.min.js").is_file() {
        return Ok(());
    }
    if !install {
        bail!("axe is missing and --no-install was given");
    }
    let place = folder.to_string_lossy();
    let download = ["-m", "pip", "download", "--quiet", "--no-deps", "--dest"];
    program("python3", &[&download[..], &[&*place, AXE]].concat())?;
    let wheel = "axe_playwright_python-0.1.8-py3-none-any.whl";
    let wheel = folder.join(wheel).to_string_lossy().into_owned();
    program("python3", &["-m", "zipfile", "-e", &wheel, &*place])
}

fn chromium(install: bool) -> Result<()> {
    if has("chromedriver") && has("chromium") {
        return Ok(());
    }
    if !install {
        bail!("chromium and chromedriver are missing and --no-install was given");
    }
    debian(&[
        "chromium",
        "chromium-driver",
        "fonts-noto-core",
        "fonts-wqy-zenhei",
    ])
}
