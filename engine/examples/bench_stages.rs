//! Times one graph of an added model; prints one JSON object. `cargo xtask bench engine --shapes` runs it beside `bench_stages_peer.py`.
//!
//! Usage: `bench_stages MODEL_FOLDER GRAPH portable|optimised THREADS RUNS`

use engine::executor::Executor;
use engine::model::{Model, Source};
use engine::onnx_runtime::{self, Native, OnnxRuntime, Provider};
use engine::stages::Stage;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

type Failure = Box<dyn std::error::Error>;

/// A line of what Linux says of this process, in MB.
fn megabytes(field: &str) -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(field))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1000.0)
}

/// Seconds that this process has had of any core (Linux): what a busy machine does not stretch.
fn spent() -> f64 {
    let status = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let rest = status.rsplit(')').next().unwrap_or_default();
    let ticks = rest.split_whitespace().skip(11).take(2);
    ticks
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum::<f64>()
        / 100.0
}

fn median(mut seconds: Vec<f64>) -> Option<f64> {
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied()
}

fn main() -> Result<(), Failure> {
    // SAFETY: the first line of the program; no other thread runs yet.
    unsafe { onnx_runtime::keep_quiet() };
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, graph, options, threads, runs] = &arguments[..] else {
        return Err("bench_stages MODEL_FOLDER GRAPH portable|optimised THREADS RUNS".into());
    };
    let cache = std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let configured = std::env::var_os("ORT_DYLIB_PATH").map(PathBuf::from);
    let runtime = OnnxRuntime::load(&OnnxRuntime::find(configured, None, cache.as_deref())?)?;
    let threads: usize = threads.parse()?;
    let executor: Box<dyn Executor> = match options.as_str() {
        "portable" => Box::new(runtime),
        _ => Box::new(Native::new(runtime, Provider::Cpu, threads)?),
    };
    let model = Model::load(&Source::Folder(PathBuf::from(folder)))?;
    let start = Instant::now();
    let mut stage = Stage::open(&model, executor.as_ref(), graph)?;
    let opened = start.elapsed().as_secs_f64();
    let (mut seconds, mut processor) = (Vec::new(), Vec::new());
    for _ in 0..runs.parse()? {
        let (start, before) = (Instant::now(), spent());
        stage.run()?;
        seconds.push(start.elapsed().as_secs_f64());
        processor.push(spent() - before);
    }
    let result = serde_json::json!({
        "open_seconds": opened, "seconds": median(seconds), "processor_seconds": median(processor),
        "peak_megabytes": megabytes("VmHWM"), "own_megabytes": megabytes("RssAnon"),
    });
    writeln!(std::io::stdout(), "{result}")?;
    Ok(())
}
