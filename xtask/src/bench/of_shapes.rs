//! `cargo xtask bench engine --shapes NAME`: single graphs of a model of real size, ours beside other programs, in turns.
//!
//! The one rule: what is compared ran in one round on one machine; the folder comes from `engine/examples/real_shapes.py`, with random weights.

use super::{ROUNDS, measured, median};
use crate::run::{cargo_with, program, python, say};
use crate::{root, runtime, target};
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// What the others need.
const PEERS: &[&str] = &[
    "onnxruntime==1.32.0",
    "numpy",
    "torch==2.15.0",
    "diffusers==0.42.1",
    "transformers==5.24.0",
    "accelerate",
];
/// Each graph with its part, and the runs in each round of which the median counts.
const GRAPHS: [(&str, &str, &str); 3] = [
    ("text_encoder", "text_encoder", "5"),
    ("unet.512x512", "unet", "1"),
    ("vae_decoder.512x512", "vae_decoder", "1"),
];
/// Name, options and threads.
const CONTESTANTS: [(&str, &str, &str); 7] = [
    ("Seedmark, `portable-1`", "portable", "1"),
    ("its graph, all optimisations", "optimised", "1"),
    ("Python's onnxruntime", "onnxruntime", "1"),
    ("torch", "torch", "1"),
    ("its graph, all optimisations", "optimised", "2"),
    ("Python's onnxruntime", "onnxruntime", "2"),
    ("torch", "torch", "2"),
];

pub(super) fn run(name: &str) -> Result<()> {
    let library = runtime::ensure(true)?.to_string_lossy().into_owned();
    let shapes = target().join("shapes");
    let folder = shapes.join(name);
    if !folder.join("model_index.json").is_file() {
        bail!(
            "{} holds no model; engine/examples/real_shapes.py {} {name} makes it",
            folder.display(),
            shapes.display()
        );
    }
    let python = match std::env::var("SEEDMARK_BENCH_PYTHON") {
        Ok(python) => python,
        Err(_) => python(&target().join("bench-shapes"), PEERS)?,
    };
    // The engine is optimised in this profile too; what is measured is the runtime.
    let build = [
        "build",
        "--quiet",
        "--package",
        "seedmark-cli",
        "--package",
        "seedmark-engine",
        "--features",
        "seedmark-engine/ort",
    ];
    cargo_with(&[&build[..], &["--bin", "seedmark"]].concat(), &[])?;
    cargo_with(&[&build[..], &["--example", "bench_stages"]].concat(), &[])?;
    let set = [("ORT_DYLIB_PATH", library.as_str())];
    let stored = stored(&shapes, &folder)?;
    let ours = text(&target().join("debug/examples/bench_stages"));
    let peer = text(&root().join("engine/examples/bench_stages_peer.py"));
    let mut rounds: Vec<Vec<Value>> = vec![Vec::new(); GRAPHS.len() * CONTESTANTS.len()];
    for round in 1..=ROUNDS {
        say(&format!("round {round} of {ROUNDS}, load {}", load()));
        let mut at = 0;
        for (graph, part, runs) in GRAPHS {
            for (_, options, threads) in CONTESTANTS {
                let told = match options {
                    "portable" | "optimised" => measured(
                        &ours,
                        &[&text(&stored), graph, options, threads, runs],
                        &set,
                    )?,
                    peer_name => {
                        let told = [&peer, peer_name, &text(&folder), part, threads, runs];
                        measured(&python, &told, &[])?
                    }
                };
                say(&format!("{graph} {options} {threads}: {told}"));
                rounds[at].push(told);
                at += 1;
            }
        }
    }
    for (graph, rows) in GRAPHS.iter().zip(rounds.chunks(CONTESTANTS.len())) {
        say(&format!(
            "\n| {} | threads | seconds | ratio | seconds of a core | ratio | to open, s | most memory, MB | of its own at the end, MB |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
            graph.0
        ));
        let of_ours = |name: &str| median(&rows[0], name);
        for ((label, _, threads), list) in CONTESTANTS.iter().zip(rows) {
            let number = |name: &str| median(list, name);
            say(&format!(
                "| {label} | {threads} | {:.3} | {:.2} | {:.3} | {:.2} | {:.2} | {:.0} | {:.0} |",
                number("seconds"),
                of_ours("seconds") / number("seconds"),
                number("processor_seconds"),
                of_ours("processor_seconds") / number("processor_seconds"),
                number("open_seconds"),
                number("peak_megabytes"),
                number("own_megabytes")
            ));
        }
    }
    for (graph, ..) in GRAPHS {
        let path = text(&stored.join(format!("{graph}.onnx")));
        let spent = measured(&python, &[&peer, "profile", &path], &[])?;
        say(&format!("\n{graph}, by operator: {spent}"));
    }
    Ok(())
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The model in a store of its own, added when there is none.
fn stored(shapes: &Path, folder: &Path) -> Result<PathBuf> {
    let store = folder.file_name().unwrap_or_default().to_string_lossy();
    let store = shapes.join(format!("{store}.store"));
    let first = || {
        let entries = std::fs::read_dir(&store).into_iter().flatten().flatten();
        let mut paths = entries.map(|entry| entry.path());
        paths.find(|path| path.join("model.json").is_file())
    };
    if let Some(found) = first() {
        return Ok(found);
    }
    let tool = text(&target().join("debug/seedmark"));
    let (folder, at) = (text(folder), text(&store));
    let add = ["model", "add", &folder, "--store", &at, "--licence", "MIT"];
    program(&tool, &add)?;
    first().context("no model was added")
}

/// What else the machine did in the last minute.
fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split_whitespace().next().unwrap_or("?").to_owned()
}
