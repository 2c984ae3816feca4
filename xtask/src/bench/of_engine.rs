//! `cargo xtask bench engine`: our engine beside Python's onnxruntime on the same graphs, in turns, so that the ratio holds on any machine.

use super::{ROUNDS, measured, median};
use crate::run::{cargo_with, python, say};
use crate::{root, runtime, target};
use anyhow::Result;
use serde_json::Value;

const PEER: &str = "onnxruntime==1.32.0";

pub(super) fn run() -> Result<()> {
    let library = runtime::ensure(true)?.to_string_lossy().into_owned();
    let build = [
        "build",
        "--quiet",
        "--release",
        "--package",
        "seedmark-engine",
        "--features",
        "ort",
        "--example",
        "bench",
    ];
    cargo_with(&build, &[])?;
    let python = python(&target().join("bench"), &[PEER, "numpy"])?;
    let ours = target()
        .join("release/examples/bench")
        .to_string_lossy()
        .into_owned();
    let script = root()
        .join("engine/examples/bench_peer.py")
        .to_string_lossy()
        .into_owned();
    let model = root()
        .join("engine/model/files")
        .to_string_lossy()
        .into_owned();
    let set = [("ORT_DYLIB_PATH", library.as_str())];
    let mut rounds: [Vec<Value>; 3] = Default::default();
    for round in 1..=ROUNDS {
        say(&format!("round {round} of {ROUNDS}"));
        rounds[0].push(measured(&ours, &[], &set)?);
        rounds[1].push(measured(&python, &[&script, &model, "portable"], &set)?);
        rounds[2].push(measured(&python, &[&script, &model, "default"], &set)?);
    }
    let [ours, same, free] = rounds.map(|list| move |name: &str| median(&list, name));
    say(
        "\n| | Seedmark | Python, same options | ratio | Python, all optimisations | ratio |\n| --- | --- | --- | --- | --- | --- |",
    );
    for (label, name) in [
        ("text encoder, ms", "text_encoder_ms"),
        ("transformer, ms a step", "transformer_ms"),
        ("decoder, ms", "vae_decoder_ms"),
        ("one picture, s", "picture_seconds"),
        (
            "from start to the first picture, s",
            "first_picture_seconds",
        ),
        ("most memory, MB", "peak_megabytes"),
    ] {
        let (a, b, c) = (ours(name), same(name), free(name));
        say(&format!(
            "| {label} | {a:.3} | {b:.3} | {:.2} | {c:.3} | {:.2} |",
            a / b,
            a / c
        ));
    }
    say(&format!(
        "\n{:.0} workers side by side: {:.0} pictures a minute, {:.2} times one worker; most memory {:.0} MB",
        ours("workers"),
        ours("pictures_per_minute"),
        ours("pictures_per_minute") * ours("picture_seconds") / 60.0,
        ours("peak_megabytes_all_workers")
    ));
    Ok(())
}
