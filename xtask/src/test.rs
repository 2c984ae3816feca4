//! `cargo xtask test`: every check, cheap ones first, with counts at the end.
//!
//! The one rule: nothing is skipped silently. What is missing is installed where that is possible; otherwise the run fails.

use crate::run::{cargo, debian, ensure_wasm_target, has, output, program, say};
use crate::{check, fuzz, portable, postgres, root, runtime, stripe, target};
use anyhow::{Context as _, Result, bail};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

const PARTS: &[&str] = &[
    "format", "check", "lint", "unit", "fuzz", "portable", "app", "stripe", "http", "browser",
    "outside", "docs",
];

/// The crates of the website, always all of them: each choice of crates would build what they stand on anew.
const APP: &[&str] = &[
    "--package",
    "seedmark-base",
    "--package",
    "seedmark-money",
    "--package",
    "seedmark-market",
    "--package",
    "seedmark-islands",
    "--package",
    "seedmark-site",
];

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
    let parts: Vec<&str> = PARTS
        .iter()
        .copied()
        .filter(|part| wanted.is_empty() || wanted.contains(part))
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
        cargo(&[
            "run",
            "--quiet",
            "--package",
            "xtask",
            "--features",
            "web",
            "--",
            "web",
        ])?;
        cargo(&[
            "build",
            "--quiet",
            "--package",
            "seedmark-site",
            "--bin",
            "seedmark-server",
        ])?;
        cargo(&["build", "--quiet", "--package", "seedmark-cli"])?;
    }
    let mut counts = Counts::default();
    for part in parts {
        let start = Instant::now();
        say(&format!("── {part}"));
        match part {
            "format" => step(&mut counts, cargo(&["fmt", "--all", "--check"])),
            "check" => step(&mut counts, check::run()),
            "lint" => lint(&mut counts),
            "unit" => unit(&mut counts)?,
            "app" => tests(&mut counts, &[&["test", "--lib"], APP].concat())?,
            "stripe" => match stripe::checks(install) {
                Ok(checks) => {
                    for (name, result) in checks {
                        step(&mut counts, result.with_context(|| name.to_owned()));
                    }
                }
                Err(error) => step(&mut counts, Err(error)),
            },
            "http" => tests(
                &mut counts,
                &[
                    "test",
                    "--package",
                    "seedmark-tests",
                    "--",
                    "http::",
                    "tool::",
                ],
            )?,
            "browser" => tests(
                &mut counts,
                &[
                    "test",
                    "--package",
                    "seedmark-tests",
                    "--",
                    "journeys::",
                    "--test-threads=1",
                ],
            )?,
            "fuzz" => step(
                &mut counts,
                fuzz::fuzz(FUZZ_SECONDS).map(|runs| {
                    runs.iter()
                        .for_each(|(target, runs)| say(&format!("{target}: {runs}")))
                }),
            ),
            "portable" => step(&mut counts, portable::run(&["--short".to_owned()], install)),
            "outside" => outside(&mut counts, install)?,
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
    let app = [quiet, APP, &["--", "--deny", "warnings"]].concat();
    let builds: [&[&str]; 3] = [
        &[
            "clippy",
            "--quiet",
            "--all-targets",
            "--package",
            "seedmark-schema",
            "--package",
            "seedmark-ledger",
            "--package",
            "seedmark-engine",
            "--package",
            "seedmark-cli",
            "--package",
            "seedmark-tests",
            "--package",
            "xtask",
            "--features",
            "seedmark-engine/ort,seedmark-ledger/client,seedmark-ledger/bucket",
            "--",
            "--deny",
            "warnings",
        ],
        &app,
        &[
            "clippy",
            "--quiet",
            "--package",
            "seedmark-islands",
            "--lib",
            "--target",
            "wasm32-unknown-unknown",
            "--",
            "--deny",
            "warnings",
        ],
    ];
    for build in builds {
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
            "wasm32-unknown-unknown",
        ]),
    );
}

fn unit(counts: &mut Counts) -> Result<()> {
    tests(counts, &["test", "--package", "seedmark-schema"])?;
    tests(
        counts,
        &[
            "test",
            "--package",
            "seedmark-ledger",
            "--features",
            "client,bucket",
        ],
    )?;
    tests(
        counts,
        &["test", "--package", "seedmark-engine", "--features", "ort"],
    )?;
    tests(counts, &["test", "--package", "seedmark-cli"])
}

/// Checks by other people's programs: Python packages in a folder below target, and Debian's Go packages.
fn outside(counts: &mut Counts, install: bool) -> Result<()> {
    let folder = target().join("outside");
    let python = folder.join("bin/python");
    if !python.is_file() {
        if !install {
            bail!("{} is missing and --no-install was given", python.display());
        }
        if output("python3", &["-m", "venv", &folder.to_string_lossy()]).is_none() {
            debian(&["python3-venv"])?;
            program("python3", &["-m", "venv", &folder.to_string_lossy()])?;
        }
    }
    let requirements = root().join("tests/outside/requirements.txt");
    program(
        &python.to_string_lossy(),
        &[
            "-m",
            "pip",
            "install",
            "--quiet",
            // The AICS packages ask for Python 3.12 and run on Debian's 3.11 all the same, which is what these tests show.
            "--ignore-requires-python",
            "--requirement",
            &requirements.to_string_lossy(),
        ],
    )?;
    vectors(&folder, &python.to_string_lossy())?;
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
    program(
        "cargo",
        &[
            "build",
            "--quiet",
            "--package",
            "seedmark-ledger",
            "--features",
            "client,bucket",
            "--example",
            "append",
        ],
    )?;
    tests(
        counts,
        &["test", "--package", "seedmark-tests", "--", "outside::"],
    )
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

/// Runs tests, passes their output on and adds up their closing lines.
fn tests(counts: &mut Counts, arguments: &[&str]) -> Result<()> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let mut child = Command::new(cargo)
        .args(arguments)
        .current_dir(root())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run cargo")?;
    let out = child.stdout.take().context("cargo has no output")?;
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
        // Nothing ran: a build that fails must not look like no tests.
        counts.failed += 1;
    }
    Ok(())
}

fn browser(install: bool) -> Result<()> {
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
