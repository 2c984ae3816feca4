//! Engines: one per picture made at once, each of one model, reused, never shared between threads.
//!
//! The one rule: a request is made by an engine of the model that it names.

use crate::machines::{Here, Pace};
use crate::models::{self, Models};
use anyhow::{Result, ensure};
use engine::executor::Executor;
use engine::onnx_runtime::{Native, OnnxRuntime, Provider};
use engine::picture::Picture;
use engine::pipeline::{Engine, Progress, Request};
use engine::{Error, profile};
use schema::recipe::Profile;
use schema::statement::Environment;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// How much is made at once.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Pictures.
    pub count: usize,
    /// Bytes that all engines may keep, idle ones among them; `None` lets as many idle ones wait as pictures are made at once.
    pub memory_bytes: Option<u64>,
}

/// Engines over the models that are here.
#[derive(Clone)]
pub struct Engines {
    models: Arc<Models>,
    runtime: OnnxRuntime,
    /// What makes pictures under `native`, where the operator named a provider.
    native: Option<Native>,
    /// Engines that nobody uses now. Held only to take one out or put one back.
    idle: Arc<Mutex<Vec<Kept>>>,
    /// So many are kept at most, idle or at work.
    count: usize,
    /// As many permits as pictures may be made at once.
    permits: Arc<Semaphore>,
    memory: Option<Memory>,
}

/// The memory that engines share, in megabytes.
#[derive(Clone)]
struct Memory {
    free: Arc<Semaphore>,
    all: u32,
    /// Requests that wait for it: while there are any, an engine that is done is not kept.
    waiting: Arc<AtomicUsize>,
}

/// A request that waits, counted for as long as it does.
struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count.clone())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A picture, and what it took.
#[derive(Debug)]
pub struct Made {
    pub picture: Picture,
    pub took: Pace,
}

/// How far a picture is, and what each of its steps took so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    pub step: u32,
    pub step_us: Option<i64>,
}

/// Set when nobody waits for a picture any more: its engine stops between two steps.
struct Left(Arc<AtomicBool>);

impl Drop for Left {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Measures a picture while it is made.
struct Watch<'a> {
    tell: &'a watch::Sender<Step>,
    left: &'a AtomicBool,
    begun: Instant,
    /// When the first step began, and when the newest ended.
    steps: Option<(Instant, Instant)>,
    done: u32,
}

impl Watch<'_> {
    fn hear(&mut self, progress: Progress) -> ControlFlow<()> {
        let now = Instant::now();
        let first = self.steps.map_or(now, |(first, _)| first);
        self.steps = Some((first, now));
        self.done = progress.step;
        self.tell.send_replace(Step {
            step: progress.step,
            step_us: (progress.step > 0).then(|| us(now - first) / i64::from(progress.step)),
        });
        match self.left.load(Ordering::SeqCst) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    fn took(&self) -> Pace {
        let steps = self.steps.map_or(0, |(first, last)| us(last - first));
        Pace {
            step_us: (steps / i64::from(self.done.max(1))).max(1),
            rest_us: (us(self.begun.elapsed()) - steps).max(0),
        }
    }
}

fn us(time: std::time::Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

/// The model of a request by its digest, and the size of its picture.
#[must_use]
pub fn made_with(request: &Request) -> (String, (i64, i64)) {
    let size = (i64::from(request.width), i64::from(request.height));
    (request.model.to_string(), size)
}

/// An engine with its share of the memory.
struct Kept {
    engine: Engine,
    profile: Profile,
    _share: Option<OwnedSemaphorePermit>,
}

fn megabytes(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(1_000_000)).unwrap_or(u32::MAX)
}

impl Engines {
    /// Loads the runtime and runs the self-test.
    ///
    /// # Errors
    /// When the library is missing or this machine cannot keep `portable-1`: nothing may be certified here. When a model needs more memory
    /// than there may be used.
    pub fn load(runtime: &Path, models: Models, limits: Limits) -> Result<Self> {
        let runtime = OnnxRuntime::load(runtime)?;
        profile::self_test(&runtime)?;
        let memory = limits.memory_bytes.map(|bytes| {
            let all = megabytes(bytes).min(Semaphore::MAX_PERMITS as u32);
            Memory {
                free: Arc::new(Semaphore::new(all as usize)),
                all,
                waiting: Arc::default(),
            }
        });
        for model in models.iter() {
            let needed = megabytes(model.memory_bytes());
            if let Some(memory) = &memory {
                ensure!(
                    needed <= memory.all,
                    "the model {} needs about {needed} MB, and SEEDMARK_ENGINE_MEMORY is {} MB",
                    models::name(model),
                    memory.all
                );
            }
        }
        Ok(Self {
            models: Arc::new(models),
            runtime,
            native: None,
            idle: Arc::default(),
            count: limits.count,
            permits: Arc::new(Semaphore::new(limits.count)),
            memory,
        })
    }

    /// Lets pictures be made under `native`, too, by an execution provider: quick looks, which nothing is certified by.
    ///
    /// # Errors
    /// When the runtime does not have the provider, naming those that it has.
    pub fn with_provider(mut self, provider: Option<Provider>) -> Result<Self> {
        self.native = match provider {
            Some(provider) => Some(Native::new(self.runtime.clone(), provider, 0)?),
            None => None,
        };
        Ok(self)
    }

    /// The execution provider of quick looks, by its name.
    #[must_use]
    pub fn provider(&self) -> Option<&'static str> {
        self.native.as_ref().map(|native| native.provider().name())
    }

    /// What makes pictures under a profile.
    fn executor(&self, profile: Profile) -> Result<&dyn Executor, Error> {
        match (profile, &self.native) {
            (Profile::Portable1, _) => Ok(&self.runtime),
            (Profile::Native, Some(native)) => Ok(native),
            (Profile::Native, None) => Err(Error::new(
                engine::ErrorKind::NotOffered,
                "no execution provider is set on this machine (SEEDMARK_EP)",
            )),
        }
    }

    /// The models that are here.
    #[must_use]
    pub fn models(&self) -> &Models {
        &self.models
    }

    /// The models that pictures are made with here.
    #[must_use]
    pub fn here(&self) -> Here {
        Here::new(self.models.iter().map(|model| model.digest.to_string()))
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

    /// Makes one picture on a thread of its own; `on_step` hears of steps, the newest only when it is slow. Whoever does not wait for it any
    /// more, and drops what this returns, stops it between two steps.
    ///
    /// # Errors
    /// As [`Engine::generate`].
    pub async fn make<F, Fut>(&self, request: Request, mut on_step: F) -> Result<Made, Error>
    where
        F: FnMut(Step) -> Fut,
        Fut: Future<Output = ()>,
    {
        let stopping = |_| Error::new(engine::ErrorKind::Cancelled, "the server is stopping");
        let permits = self.permits.clone();
        let permit = permits.acquire_owned().await.map_err(stopping)?;
        let (tell, mut hear) = watch::channel(Step::default());
        let left = Left(Arc::default());
        let is_left = left.0.clone();
        let idle = self.take_idle(&request);
        let share = match &idle {
            Some(_) => None,
            None => self.share(&request).await?,
        };
        let engines = self.clone();
        let mut work = tokio::task::spawn_blocking(move || {
            // An engine that nobody waits for takes its place until it stops.
            let _until_it_stops = permit;
            engines.run(&request, &tell, &is_left, idle, share)
        });
        let ended = |error| {
            let message = format!("the engine stopped: {error}");
            Err(Error::new(engine::ErrorKind::Runtime, message))
        };
        loop {
            tokio::select! {
                result = &mut work => return result.unwrap_or_else(ended),
                changed = hear.changed() => {
                    if changed.is_err() {
                        return (&mut work).await.unwrap_or_else(ended);
                    }
                    let step = *hear.borrow_and_update();
                    on_step(step).await;
                }
            }
        }
    }

    /// The share of memory that a new engine needs: idle engines of other models go for it, and where that is not enough the request waits
    /// for those at work.
    async fn share(&self, request: &Request) -> Result<Option<OwnedSemaphorePermit>, Error> {
        let Some(memory) = &self.memory else {
            return Ok(None);
        };
        let needed = megabytes(self.models.named(request.model)?.memory_bytes());
        loop {
            if let Ok(share) = memory.free.clone().try_acquire_many_owned(needed) {
                return Ok(Some(share));
            }
            let gone = self.idle.lock().ok().and_then(|mut idle| idle.pop());
            if gone.is_none() {
                break;
            }
        }
        let _counted = Waiting::new(&memory.waiting);
        // One that became idle before it could know that somebody waits.
        let gone = self
            .idle
            .lock()
            .ok()
            .map(|mut idle| std::mem::take(&mut *idle));
        drop(gone);
        let share = memory.free.clone().acquire_many_owned(needed).await;
        share
            .map(Some)
            .map_err(|_| Error::new(engine::ErrorKind::Cancelled, "the server is stopping"))
    }

    fn run(
        &self,
        request: &Request,
        tell: &watch::Sender<Step>,
        left: &AtomicBool,
        idle: Option<Kept>,
        share: Option<OwnedSemaphorePermit>,
    ) -> Result<Made, Error> {
        profile::check_thread()?;
        let mut kept = match idle {
            Some(kept) => kept,
            None => {
                let model = self.models.named(request.model)?;
                Kept {
                    engine: Engine::new(model.clone(), self.executor(request.profile)?)?,
                    profile: request.profile,
                    _share: share,
                }
            }
        };
        let mut watch = Watch {
            tell,
            left,
            begun: Instant::now(),
            steps: None,
            done: 0,
        };
        let made = kept
            .engine
            .generate(request, &mut |progress| watch.hear(progress));
        let took = watch.took();
        let result = made.map(|picture| Made { picture, took });
        if let Ok(mut idle) = self.idle.lock() {
            let wanted = |memory: &Memory| memory.waiting.load(Ordering::SeqCst) > 0;
            if !self.memory.as_ref().is_some_and(wanted) {
                idle.push(kept);
            }
        }
        result
    }

    /// An idle engine of the model that a request names. Where there are only others and no room for one more, one of them goes.
    fn take_idle(&self, request: &Request) -> Option<Kept> {
        let mut idle = self.idle.lock().ok()?;
        let fits = |kept: &Kept| {
            kept.engine.model().digest == request.model && kept.profile == request.profile
        };
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
    use super::{Engines, Limits, us};
    use crate::models::Models;
    use crate::testing::{runtime, second_model};
    use engine::onnx_runtime::Provider;
    use engine::pipeline::{Pictures, Request};
    use schema::recipe::{Recipe, Scheduler, Seed};
    use schema::template::Values;
    use std::time::Instant;

    const ONE: Limits = Limits {
        count: 1,
        memory_bytes: None,
    };

    fn request(digest: schema::recipe::ModelDigest) -> Request {
        let scheduler = Scheduler::FlowEuler { shift_milli: 3000 };
        let recipe = Recipe::new(digest, "a fox".into(), scheduler, 1, 1000, (128, 128));
        Request::of_recipe(&recipe, &Values::new(), Seed(7), &Pictures::default())
            .expect("a request")
    }

    /// Two models that share the memory of one and a half.
    #[tokio::test]
    async fn models_take_turns_where_there_is_memory_for_one() {
        let folder = tempfile::tempdir().expect("a folder");
        second_model(&folder.path().join("second"));
        let models = Models::load(Some(folder.path())).expect("two models");
        let needed = models.usual().memory_bytes();
        let limits = Limits {
            count: 2,
            memory_bytes: Some(needed + needed / 2),
        };
        let engines = Engines::load(&runtime(), models, limits).expect("engines");
        let digests: Vec<_> = engines.models().iter().map(|model| model.digest).collect();
        // At once, and in turns: each waits for the other's share, and none waits for ever.
        let (first, second) = (request(digests[0]), request(digests[1]));
        let both = async || {
            tokio::join!(
                engines.make(first.clone(), |_| async {}),
                engines.make(second.clone(), |_| async {}),
            )
        };
        for _ in 0..3 {
            let (a, b) = both().await;
            a.expect("a picture");
            b.expect("a picture");
            assert!(engines.idle.lock().expect("idle engines").len() <= 1);
        }
    }

    #[test]
    fn a_model_that_never_fits_is_refused_at_start_with_both_numbers() {
        let models = Models::load(None).expect("the embedded model");
        let limits = Limits {
            count: 1,
            memory_bytes: Some(1_000_000),
        };
        let error = Engines::load(&runtime(), models, limits)
            .err()
            .expect("refused");
        assert!(
            error.to_string().contains("SEEDMARK_ENGINE_MEMORY is 1 MB"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_stops_between_two_steps_and_its_engine_is_free() {
        let models = Models::load(None).expect("the embedded model");
        let engines = Engines::load(&runtime(), models, ONE).expect("engines");
        let mut long = request(engines.models().usual().digest);
        long.steps = 200;
        let begun = Instant::now();
        let whole = engines.make(long.clone(), |_| async {}).await;
        let (whole, all) = (whole.expect("a picture"), begun.elapsed());
        assert!(whole.took.step_us > 0 && whole.took.step_us * 200 <= us(all));
        let begun = Instant::now();
        let (sender, mut heard) = tokio::sync::mpsc::unbounded_channel();
        {
            let mut made = std::pin::pin!(engines.make(long, |step| {
                let sender = sender.clone();
                async move {
                    let _gone = sender.send(step.step);
                }
            }));
            tokio::select! {
                made = &mut made => panic!("it was made: {:?}", made.map(|made| made.took)),
                first = heard.recv() => assert!(first.is_some()),
            }
        }
        // One engine: the next one waits until the one that was left has stopped.
        let next = engines.make(request(engines.models().usual().digest), |_| async {});
        next.await.expect("a picture");
        assert!(
            begun.elapsed() < all / 2,
            "{:?} of {all:?}",
            begun.elapsed()
        );
    }

    #[tokio::test]
    async fn each_picture_is_made_by_the_model_that_its_recipe_names() {
        let folder = tempfile::tempdir().expect("a folder");
        second_model(&folder.path().join("second"));
        let models = Models::load(Some(folder.path())).expect("two models");
        let engines = Engines::load(&runtime(), models, ONE).expect("engines");
        let digests: Vec<_> = engines.models().iter().map(|model| model.digest).collect();
        let make = async |digest| engines.make(request(digest), |_| async {}).await;
        // Forth and back: the engine that is idle is of the other model each time.
        for digest in [digests[0], digests[1], digests[0]] {
            let made = make(digest).await.expect("a picture").picture;
            assert_eq!((made.width, made.height), (128, 128));
            let idle = engines.idle.lock().expect("idle engines");
            assert_eq!(idle.len(), 1);
            assert_eq!(idle[0].engine.model().digest, digest);
        }
        let nobodys = schema::recipe::ModelDigest::of(b"nobody's");
        let refused = make(nobodys).await.expect_err("no such model");
        assert_eq!(refused.kind(), engine::ErrorKind::Missing);
    }

    #[tokio::test]
    async fn a_quick_look_is_made_by_the_provider_alone_and_never_by_an_engine_of_portable_1() {
        let models = Models::load(None).expect("the embedded model");
        let digest = models.usual().digest;
        let engines = Engines::load(&runtime(), models, ONE).expect("engines");
        let native = || request(digest).natively();
        let refused = engines.make(native(), |_| async {}).await;
        let refused = refused.expect_err("no provider is set");
        assert!(refused.to_string().contains("SEEDMARK_EP"), "{refused}");
        let missing = engines.clone().with_provider(Some(Provider::Cann));
        let missing = missing.err().expect("not in this library");
        assert!(missing.to_string().contains("cann"), "{missing}");
        let engines = engines.with_provider(Some(Provider::Cpu));
        let engines = engines.expect("the CPU is in every library");
        assert_eq!(engines.provider(), Some("cpu"));
        let portable = || request(digest);
        let first = engines.make(portable(), |_| async {}).await;
        let first = first.expect("a picture").picture;
        for _ in 0..2 {
            let look = engines.make(native(), |_| async {}).await;
            let look = look.expect("a quick look").picture;
            let seen = engine::compare::compare(&first, &look).by_tolerance();
            assert_ne!(seen.outcome, schema::statement::Outcome::Different);
            assert_eq!(engines.idle.lock().expect("idle engines").len(), 1);
            let again = engines.make(portable(), |_| async {}).await;
            assert_eq!(again.expect("a picture").picture, first);
        }
    }
}
