//! Many pictures side by side: one engine a worker, and no more workers than pictures.
//!
//! The one rule: the number of workers changes how long it takes and how much memory it needs, never a bit.

use crate::error::{Error, ErrorKind};
use crate::executor::Executor;
use crate::model::Model;
use crate::picture::Picture;
use crate::pipeline::{Engine, Request};
use crate::profile;
use schema::recipe::Profile;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// As many workers as this machine can run at the same time.
#[must_use]
pub fn available() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Makes every picture and returns them in the order of the requests. `on_step` is called after each step of any picture, from
/// the worker's thread. Memory grows with the number of workers, not with the number of requests, but for the pictures themselves.
///
/// # Errors
/// The error of the first request that failed; the others are then stopped.
pub fn generate_all(
    model: &Arc<Model>,
    executor: &dyn Executor,
    requests: &[Request],
    workers: usize,
    on_step: &(dyn Fn() + Sync),
) -> Result<Vec<Picture>, Error> {
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let work = || -> Result<Vec<(usize, Picture)>, (usize, Error)> {
        let mut made = Vec::new();
        let mut engine = None;
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(request) = requests.get(at) else {
                return Ok(made);
            };
            let result = own_engine(&mut engine, model, executor).and_then(|engine| {
                engine.generate(request, &mut |progress| {
                    if failed.load(Ordering::Relaxed) {
                        return ControlFlow::Break(());
                    }
                    if progress.step > 0 {
                        on_step();
                    }
                    ControlFlow::Continue(())
                })
            });
            match result {
                Ok(picture) => made.push((at, picture)),
                Err(error) => {
                    failed.store(true, Ordering::Relaxed);
                    return Err((at, error));
                }
            }
        }
    };
    let ended = std::thread::scope(|scope| {
        let started: Vec<_> = (0..workers.clamp(1, requests.len().max(1)))
            .map(|_| scope.spawn(work))
            .collect();
        let panicked = |_| Err((0, Error::new(ErrorKind::Runtime, "a worker stopped")));
        started
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(panicked))
            .collect::<Vec<_>>()
    });
    let (mut made, mut errors) = (Vec::new(), Vec::new());
    for result in ended {
        match result {
            Ok(pictures) => made.extend(pictures),
            Err(error) => errors.push(error),
        }
    }
    // Workers that were stopped because of another's error say so; the cause comes first.
    errors.sort_by_key(|(at, error)| (error.kind() == ErrorKind::Cancelled, *at));
    if let Some((_, error)) = errors.into_iter().next() {
        return Err(error);
    }
    made.sort_by_key(|(at, _)| *at);
    Ok(made.into_iter().map(|(_, picture)| picture).collect())
}

/// The worker's engine, built on its own thread after that thread was checked.
fn own_engine<'a>(
    engine: &'a mut Option<Engine>,
    model: &Arc<Model>,
    executor: &dyn Executor,
) -> Result<&'a mut Engine, Error> {
    match engine {
        Some(engine) => Ok(engine),
        None => {
            if executor.profile() == Profile::Portable1 {
                profile::check_thread()?;
            }
            Ok(engine.insert(Engine::new(model.clone(), executor)?))
        }
    }
}
