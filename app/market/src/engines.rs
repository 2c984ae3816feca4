//! Engines: one per picture made at once, each of one model, reused, never shared between threads.
//!
//! The one rule: a request is made by an engine of the model that it names.

use crate::models::Models;
use anyhow::Result;
use engine::executor::Executor as _;
use engine::onnx_runtime::OnnxRuntime;
use engine::picture::Picture;
use engine::pipeline::{Engine, Progress, Request};
use engine::{Error, profile};
use schema::recipe::Profile;
use schema::statement::Environment;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::sync::{Semaphore, watch};

/// Engines over the models that are here.
#[derive(Clone)]
pub struct Engines {
    models: Arc<Models>,
    runtime: OnnxRuntime,
    /// Engines that nobody uses now. Held only to take one out or put one back.
    idle: Arc<Mutex<Vec<Engine>>>,
    /// So many are kept at most, idle or at work.
    count: usize,
    /// As many permits as pictures may be made at once.
    permits: Arc<Semaphore>,
}

impl Engines {
    /// Loads the runtime and runs the self-test.
    ///
    /// # Errors
    /// When the library is missing or this machine cannot keep `portable-1`: nothing may be certified here.
    pub fn load(runtime: &Path, models: Models, count: usize) -> Result<Self> {
        let runtime = OnnxRuntime::load(runtime)?;
        profile::self_test(&runtime)?;
        Ok(Self {
            models: Arc::new(models),
            runtime,
            idle: Arc::default(),
            count,
            permits: Arc::new(Semaphore::new(count)),
        })
    }

    /// The models that are here.
    #[must_use]
    pub fn models(&self) -> &Models {
        &self.models
    }

    /// Where pictures are made, for statements.
    #[must_use]
    pub fn environment(&self) -> Environment {
        profile::environment(&self.runtime, Profile::Portable1)
    }

    /// Runtime and version.
    #[must_use]
    pub fn runtime(&self) -> String {
        self.runtime.runtime()
    }

    /// Makes one picture on a thread of its own; `on_step` hears of steps, the newest only when it is slow.
    ///
    /// # Errors
    /// As [`Engine::generate`].
    pub async fn generate<F, Fut>(&self, request: Request, mut on_step: F) -> Result<Picture, Error>
    where
        F: FnMut(u32) -> Fut,
        Fut: Future<Output = ()>,
    {
        let _permit = self
            .permits
            .acquire()
            .await
            .map_err(|_| Error::new(engine::ErrorKind::Cancelled, "the server is stopping"))?;
        let (tell, mut hear) = watch::channel(0);
        let engines = self.clone();
        let mut work = tokio::task::spawn_blocking(move || engines.run(&request, &tell));
        loop {
            tokio::select! {
                result = &mut work => return result.unwrap_or_else(|error| Err(Error::new(engine::ErrorKind::Runtime, format!("the engine stopped: {error}")))),
                changed = hear.changed() => {
                    if changed.is_ok() {
                        let step = *hear.borrow_and_update();
                        on_step(step).await;
                    } else {
                        return (&mut work).await.unwrap_or_else(|error| Err(Error::new(engine::ErrorKind::Runtime, format!("the engine stopped: {error}"))));
                    }
                }
            }
        }
    }

    fn run(&self, request: &Request, tell: &watch::Sender<u32>) -> Result<Picture, Error> {
        profile::check_thread()?;
        let mut engine = match self.take_idle(request) {
            Some(engine) => engine,
            None => {
                let model = self.models.named(request.model)?;
                Engine::new(model.clone(), &self.runtime)?
            }
        };
        let result = engine.generate(request, &mut |progress: Progress| {
            tell.send_replace(progress.step);
            ControlFlow::Continue(())
        });
        if let Ok(mut idle) = self.idle.lock() {
            idle.push(engine);
        }
        result
    }

    /// An idle engine of the model that a request names. Where there are only others and no room for one more, one of them goes.
    fn take_idle(&self, request: &Request) -> Option<Engine> {
        let mut idle = self.idle.lock().ok()?;
        let fits = |engine: &Engine| engine.model().digest == request.model;
        if let Some(place) = idle.iter().position(fits) {
            return Some(idle.swap_remove(place));
        }
        // Whoever asks is at work already.
        let at_work = self.count - self.permits.available_permits().min(self.count);
        let gone = match idle.len() + at_work > self.count {
            true => idle.pop(),
            false => None,
        };
        // Its memory is given back while nobody waits.
        drop(idle);
        drop(gone);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::Engines;
    use crate::models::Models;
    use crate::testing::{runtime, second_model};
    use engine::pipeline::Request;
    use schema::recipe::{Recipe, Scheduler, Seed};
    use schema::template::Values;

    #[tokio::test]
    async fn each_picture_is_made_by_the_model_that_its_recipe_names() {
        let folder = tempfile::tempdir().expect("a folder");
        second_model(&folder.path().join("second"));
        let models = Models::load(Some(folder.path())).expect("two models");
        let engines = Engines::load(&runtime(), models, 1).expect("engines");
        let digests: Vec<_> = engines.models().iter().map(|model| model.digest).collect();
        let make = async |digest| {
            let scheduler = Scheduler::FlowEuler { shift_milli: 3000 };
            let recipe = Recipe::new(digest, "a fox".into(), scheduler, 1, 1000, (128, 128));
            let request = Request::of_recipe(&recipe, &Values::new(), Seed(7)).expect("a request");
            engines.generate(request, |_| async {}).await
        };
        // Forth and back: the engine that is idle is of the other model each time.
        for digest in [digests[0], digests[1], digests[0]] {
            let made = make(digest).await.expect("a picture");
            assert_eq!((made.width, made.height), (128, 128));
            let idle = engines.idle.lock().expect("idle engines");
            assert_eq!(idle.len(), 1);
            assert_eq!(idle[0].model().digest, digest);
        }
        let nobodys = schema::recipe::ModelDigest::of(b"nobody's");
        let refused = make(nobodys).await.expect_err("no such model");
        assert_eq!(refused.kind(), engine::ErrorKind::Missing);
    }
}
