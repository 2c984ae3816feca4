//! `cargo xtask parity`: what other programs make of the same settings, compared with what is recorded, or recorded anew.
//!
//! The one rule: recording needs Python, gigabytes and minutes, and happens where somebody asks for it; comparing needs neither and is a part
//! of every test run.

use crate::run::{cargo, program, python, say};
use crate::{root, runtime, target};
use anyhow::Result;
use std::time::Instant;

/// Torch, diffusers and transformers as people have them now.
const RUN: &[&str] = &[
    "torch==2.15.0",
    "diffusers==0.42.1",
    "transformers==5.24.0",
    "scipy==1.17.1",
];
/// The exporter that people use wants an older transformers, which the above no longer takes.
const EXPORT: &[&str] = &[
    "torch==2.15.0",
    "diffusers==0.39.0",
    "optimum-onnx[onnxruntime]==0.1.0",
    "onnxscript==0.7.2",
    "accelerate",
    "ftfy==6.3.1",
    "peft==0.21.2",
];
const HERE: &str = "engine/tests/reference";

/// Compares; with `--record` records first.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    if arguments.iter().any(|argument| argument == "--record") {
        record()?;
    }
    compare()
}

/// Runs the tests that hold the engine against the records, and prints their tables.
pub(crate) fn compare() -> Result<()> {
    let library = runtime::ensure(true)?;
    // SAFETY: this program has one thread here; nothing reads the environment at the same time.
    unsafe { std::env::set_var("ORT_DYLIB_PATH", library) };
    let start = Instant::now();
    let mut words = vec![
        "test",
        "--quiet",
        "--package",
        "seedmark-engine",
        "--features",
        "ort",
    ];
    for test in ["noise", "parity", "pipelines", "tokens", "lora", "metadata"] {
        words.extend(["--test", test]);
    }
    words.extend(["--", "--nocapture"]);
    cargo(&words)?;
    say(&format!("compared in {} s", start.elapsed().as_secs()));
    Ok(())
}

/// Makes models and records with pinned versions, in environments of their own below the target folder.
fn record() -> Result<()> {
    let folder = target().join("reference-python");
    say("installing torch, diffusers and transformers twice: about 6 GB, once");
    let export = python(&folder.join("export"), EXPORT)?;
    let run = python(&folder.join("run"), RUN)?;
    let script = |python: &str, name: &str, more: &[&str]| -> Result<()> {
        let place = root().join(HERE).join(name).to_string_lossy().into_owned();
        say(&format!("── {name}"));
        let words: Vec<&str> = std::iter::once(place.as_str())
            .chain(more.iter().copied())
            .collect();
        program(python, &words)
    };
    script(&export, "models.py", &[])?;
    script(&run, "schedulers.py", &[])?;
    script(&run, "pipelines.py", &[])?;
    script(&run, "tokens.py", &[])?;
    script(&export, "tokens.py", &["--older"])?;
    script(&export, "lora.py", &[])
}
