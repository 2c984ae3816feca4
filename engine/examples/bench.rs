//! Times the engine's stages, one picture, and pictures side by side; prints one JSON object. `cargo xtask bench engine` runs it
//! beside `bench_peer.py`, which runs the same graphs with the same inputs.

use engine::executor::{Executor as _, Named, Session};
use engine::model::Model;
use engine::onnx_runtime::OnnxRuntime;
use engine::pipeline::{Engine, Options, Request};
use engine::{embedded, onnx_runtime, profile};
use schema::recipe::{Noise, Profile};
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

type Failure = Box<dyn std::error::Error>;

/// Repetitions of a stage; the median counts.
const REPEATS: usize = 15;
/// Pictures each worker makes when they run side by side.
const PICTURES: u64 = 6;

fn request(model: &Model, seed: u64) -> Request {
    let manifest = &model.manifest;
    Request {
        model: model.digest,
        profile: Profile::Portable1,
        prompt: "red apple, 3d style".into(),
        negative: None,
        seed,
        noise: Noise::Philox,
        scheduler: manifest.scheduler,
        steps: manifest.steps,
        guidance_milli: manifest.guidance_milli,
        width: manifest.sizes[0].width,
        height: manifest.sizes[0].height,
        options: Options::default(),
        start: None,
    }
}

fn make(engine: &mut Engine, seed: u64) -> Result<(), engine::Error> {
    let wanted = request(&engine.model().clone(), seed);
    engine
        .generate(&wanted, &mut |_| ControlFlow::Continue(()))
        .map(drop)
}

fn median(mut act: impl FnMut() -> Result<(), engine::Error>) -> Result<f64, engine::Error> {
    act()?;
    let mut seconds = Vec::with_capacity(REPEATS);
    for _ in 0..REPEATS {
        let start = Instant::now();
        act()?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    Ok(seconds[REPEATS / 2])
}

/// Milliseconds of one run of each graph, with inputs of the shapes that a picture has.
fn stages(model: &Model, runtime: &OnnxRuntime) -> Result<[f64; 3], engine::Error> {
    let session = |name: &str| -> Result<Box<dyn Session>, engine::Error> {
        let (graph, weights) = model.graph(name)?;
        runtime.session(name, graph, weights)
    };
    let m = &model.manifest;
    let (tokens, width) = (m.text_tokens as usize, 192usize);
    let (features, channels) = (128usize, m.latent_channels as usize);
    let (across, down) = (
        (m.sizes[0].width / m.latent_factor) as usize,
        (m.sizes[0].height / m.latent_factor) as usize,
    );
    let ids: Vec<i64> = (1..=tokens as i64).collect();
    let mask = vec![1.0 / tokens as f32; tokens];
    let latent = engine::rng::normal(Noise::Philox, 1, channels * across * down)?;
    let (text, pooled) = (vec![0.1; tokens * width], vec![0.1; width]);
    let time = engine::scheduler::time_features(0.5, features);
    let shape = [1, channels, down, across];
    let (mut encoder, mut transformer, mut decoder) = (
        session("text_encoder.onnx")?,
        session("transformer.onnx")?,
        session("vae_decoder.onnx")?,
    );
    let encode = median(|| {
        let inputs = [
            Named::integers("ids", &[1, tokens], &ids),
            Named::floats("mask", &[1, tokens, 1], &mask),
        ];
        encoder.run(&inputs, &["text", "pooled"]).map(drop)
    })?;
    let step = median(|| {
        let inputs = [
            Named::floats("latent", &shape, &latent),
            Named::floats("time", &[1, features], &time),
            Named::floats("text", &[1, tokens, width], &text),
            Named::floats("pooled", &[1, width], &pooled),
            Named::floats("guidance", &[1, 1], &[3.0]),
        ];
        transformer.run(&inputs, &["velocity"]).map(drop)
    })?;
    let decode = median(|| {
        let inputs = [Named::floats("latent", &shape, &latent)];
        decoder.run(&inputs, &["picture"]).map(drop)
    })?;
    Ok([encode, step, decode].map(|seconds| seconds * 1000.0))
}

/// The most memory that this process has held, in MB (Linux).
fn peak_megabytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1000.0)
}

fn side_by_side(model: &Arc<Model>, runtime: &OnnxRuntime, workers: usize) -> Result<f64, Failure> {
    let count = PICTURES * workers as u64;
    let requests: Vec<Request> = (0..count).map(|seed| request(model, seed)).collect();
    let start = Instant::now();
    engine::workers::generate_all(model, runtime, &requests, workers, &|| {})?;
    Ok(60.0 * count as f64 / start.elapsed().as_secs_f64())
}

fn main() -> Result<(), Failure> {
    // SAFETY: the first line of the program; no other thread runs yet.
    unsafe { onnx_runtime::keep_quiet() };
    let cache = std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let configured = std::env::var_os("ORT_DYLIB_PATH").map(PathBuf::from);
    let path = OnnxRuntime::find(configured, None, cache.as_deref())?;
    let start = Instant::now();
    let runtime = OnnxRuntime::load(&path)?;
    profile::self_test(&runtime)?;
    let model = Arc::new(Model::load(&embedded::DEFAULT)?);
    let mut engine = Engine::new(model.clone(), &runtime)?;
    make(&mut engine, 0)?;
    let first_picture = start.elapsed().as_secs_f64();
    let alone = peak_megabytes();
    let mut seed = 0;
    let picture = median(|| {
        seed += 1;
        make(&mut engine, seed)
    })?;
    drop(engine);
    let [text_encoder, transformer, vae_decoder] = stages(&model, &runtime)?;
    let workers = engine::workers::available();
    let rate = side_by_side(&model, &runtime, workers)?;
    let result = serde_json::json!({
        "first_picture_seconds": first_picture, "picture_seconds": picture, "text_encoder_ms": text_encoder, "transformer_ms": transformer,
        "vae_decoder_ms": vae_decoder, "peak_megabytes": alone, "workers": workers, "pictures_per_minute": rate,
        "peak_megabytes_all_workers": peak_megabytes(),
    });
    writeln!(std::io::stdout(), "{result}")?;
    Ok(())
}
