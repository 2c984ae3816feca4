//! Times the engine: one picture, then as many side by side as there are cores. `cargo xtask bench` runs it.

use engine::model::Model;
use engine::onnx_runtime::OnnxRuntime;
use engine::pipeline::{Engine, Request};
use engine::{embedded, profile};
use schema::recipe::{Noise, Scheduler};
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

fn request(seed: u64) -> Request {
    Request {
        prompt: "red apple, 3d style".into(),
        negative: None,
        seed,
        noise: Noise::Philox,
        scheduler: Scheduler::FlowEuler { shift_milli: 1000 },
        steps: 24,
        guidance_milli: 3000,
        width: 128,
        height: 128,
    }
}

fn make(engine: &mut Engine, count: u64) -> Result<(), engine::Error> {
    for seed in 0..count {
        engine.generate(&request(seed), &mut |_| ControlFlow::Continue(()))?;
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cache = std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let path = OnnxRuntime::find(
        std::env::var_os("ORT_DYLIB_PATH").map(PathBuf::from),
        None,
        cache.as_deref(),
    )?;
    let runtime = OnnxRuntime::load(&path)?;
    profile::self_test(&runtime)?;
    let model = Arc::new(Model::load(&embedded::DEFAULT)?);
    let mut first = Engine::new(model.clone(), &runtime)?;
    make(&mut first, 1)?;
    let start = Instant::now();
    make(&mut first, 8)?;
    let alone = start.elapsed().as_secs_f64() / 8.0;
    let cores = std::thread::available_parallelism()?.get();
    let engines = (0..cores)
        .map(|_| Engine::new(model.clone(), &runtime))
        .collect::<Result<Vec<_>, _>>()?;
    let start = Instant::now();
    std::thread::scope(|scope| {
        let threads: Vec<_> = engines
            .into_iter()
            .map(|mut engine| scope.spawn(move || make(&mut engine, 8)))
            .collect();
        threads.into_iter().try_for_each(|thread| {
            thread
                .join()
                .map_err(|_| "a thread panicked".to_owned())?
                .map_err(|error| error.to_string())
        })
    })?;
    let rate = 8.0 * cores as f64 / start.elapsed().as_secs_f64();
    let mut out = std::io::stdout();
    writeln!(
        out,
        "one picture, one core: {alone:.3} s\n{cores} side by side: {:.1} pictures a minute, {:.2} times one core",
        rate * 60.0,
        rate * alone
    )?;
    Ok(())
}
