//! The model and its engines: one engine per picture made at once, reused, never shared between threads.

use anyhow::{Context as _, Result};
use engine::executor::Executor as _;
use engine::model::Model;
use engine::onnx_runtime::OnnxRuntime;
use engine::picture::Picture;
use engine::pipeline::{Engine, Progress, Request};
use engine::{Error, embedded, profile};
use schema::recipe::Profile;
use schema::statement::Environment;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::sync::{Semaphore, watch};

/// Engines over one model.
#[derive(Clone)]
pub struct Engines {
    model: Arc<Model>,
    runtime: OnnxRuntime,
    /// Engines that nobody uses now. Held only to take one out or put one back.
    idle: Arc<Mutex<Vec<Engine>>>,
    /// As many permits as pictures may be made at once.
    permits: Arc<Semaphore>,
}

impl Engines {
    /// Loads the embedded model and the runtime, and runs the self-test.
    ///
    /// # Errors
    /// When the library is missing or this machine cannot keep `portable-1`: nothing may be certified here.
    pub fn load(runtime: &Path, count: usize) -> Result<Self> {
        let runtime = OnnxRuntime::load(runtime)?;
        profile::self_test(&runtime)?;
        let model = Model::load(&embedded::DEFAULT).context("the embedded model is damaged")?;
        Ok(Self {
            model: Arc::new(model),
            runtime,
            idle: Arc::default(),
            permits: Arc::new(Semaphore::new(count)),
        })
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
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
            .map_err(|_| Error::new(engine::Kind::Cancelled, "the server is stopping"))?;
        let (tell, mut hear) = watch::channel(0);
        let engines = self.clone();
        let mut work = tokio::task::spawn_blocking(move || engines.run(&request, &tell));
        loop {
            tokio::select! {
                result = &mut work => return result.unwrap_or_else(|error| Err(Error::new(engine::Kind::Runtime, format!("the engine stopped: {error}")))),
                changed = hear.changed() => {
                    if changed.is_ok() {
                        let step = *hear.borrow_and_update();
                        on_step(step).await;
                    } else {
                        return (&mut work).await.unwrap_or_else(|error| Err(Error::new(engine::Kind::Runtime, format!("the engine stopped: {error}"))));
                    }
                }
            }
        }
    }

    fn run(&self, request: &Request, tell: &watch::Sender<u32>) -> Result<Picture, Error> {
        profile::check_thread()?;
        let taken = self.idle.lock().map(|mut idle| idle.pop()).ok().flatten();
        let mut engine = match taken {
            Some(engine) => engine,
            None => Engine::new(self.model.clone(), &self.runtime)?,
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
}
