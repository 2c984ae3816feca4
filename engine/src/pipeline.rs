//! From a prompt to a picture: condition → noise → scheduler's loop with the model's predictions → decoder → 8 bits.
//!
//! The one rule: one [`Engine`] belongs to one thread and makes one picture at a time; pictures run side by side in several
//! engines over one shared [`Model`], never in several threads of one kernel. What a family does differently is in `crate::family`.

mod start;

pub use start::{Pictures, Start};

use crate::error::{Error, ErrorKind};
use crate::executor::Executor;
use crate::family::{self, Driver};
use crate::model::{Model, Size};
use crate::picture::Picture;
use crate::{rng, scheduler};
use schema::recipe::{
    ModelDigest, Noise, Profile, PromptWeights, Recipe, Scheduler, Seed, Variation,
};
use schema::template::Values;
use std::ops::ControlFlow;
use std::sync::Arc;

/// What a recipe may add to the plain way from noise to a picture; absent, nothing is added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Last layers of the text encoder that are left out.
    pub clip_skip: Option<u32>,
    /// Brackets in the prompt as weights.
    pub prompt_weights: Option<PromptWeights>,
    /// How much of the guided prediction's spread is brought back, in thousandths.
    pub guidance_rescale_milli: Option<u32>,
    /// Added to the seed for the noise of the steps.
    pub step_seed_offset: Option<u32>,
    /// Side of the tiles in which pictures are taken through encoder and decoder.
    pub tile: Option<u32>,
    /// A second noise.
    pub variation: Option<Variation>,
}

/// Everything that decides the pixels of one picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The model that the recipe names; another one refuses it.
    pub model: ModelDigest,
    /// The rules that the pixels are to keep; a model whose graphs do not keep them refuses it.
    pub profile: Profile,
    /// Expanded prompt.
    pub prompt: String,
    /// Expanded negative prompt. What its absence means is the family's: the embedded one runs one pass under its own guidance, the others
    /// weigh against an empty text.
    pub negative: Option<String>,
    /// Seed of the noise.
    pub seed: u64,
    /// Noise generator.
    pub noise: Noise,
    /// Sampler.
    pub scheduler: Scheduler,
    /// Steps.
    pub steps: u32,
    /// Guidance in thousandths; 1000 and below turns it off.
    pub guidance_milli: u32,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// What is added.
    pub options: Options,
    /// The picture that the run begins with, instead of noise alone.
    pub start: Option<Start>,
}

impl Request {
    /// Every anchor of a recipe, in order, after checking that it is for this model and profile.
    ///
    /// # Errors
    /// `ErrorKind::Missing` when the recipe names another model, `ErrorKind::NotPortable` naming the node of the loaded graphs that does not keep
    /// the profile; else as [`Request::of_recipe`].
    pub fn of_anchors(
        recipe: &Recipe,
        model: &Model,
        pictures: &Pictures,
    ) -> Result<Vec<Self>, Error> {
        fits(recipe.model, recipe.profile, model)?;
        let anchors = recipe.anchors.iter();
        anchors
            .map(|anchor| Self::of_recipe(recipe, &anchor.values, anchor.seed, pictures))
            .collect()
    }

    /// One picture of a recipe; `pictures` are those that came with it.
    ///
    /// # Errors
    /// When the values do not fit the recipe, or it asks for what this engine does not do; `ErrorKind::Missing` naming the digest of a picture that
    /// is not among them.
    pub fn of_recipe(
        recipe: &Recipe,
        values: &Values,
        seed: Seed,
        pictures: &Pictures,
    ) -> Result<Self, Error> {
        if recipe
            .adapters
            .as_ref()
            .is_some_and(|adapters| !adapters.is_empty())
        {
            return Err(Error::new(
                ErrorKind::NotOffered,
                "adapters beside a model are not offered: they are merged when a model is added",
            ));
        }
        let picture = recipe.picture(values, seed)?;
        Ok(Self {
            model: recipe.model,
            profile: recipe.profile,
            prompt: picture.prompt,
            negative: picture.negative,
            seed: picture.seed,
            noise: recipe.noise,
            scheduler: recipe.scheduler,
            steps: recipe.steps,
            guidance_milli: recipe.guidance_milli,
            width: recipe.width,
            height: recipe.height,
            options: Options {
                clip_skip: recipe.clip_skip,
                prompt_weights: recipe.prompt_weights,
                guidance_rescale_milli: recipe.guidance_rescale_milli,
                step_seed_offset: recipe.step_seed_offset,
                tile: recipe.tile,
                variation: recipe.variation,
            },
            start: match &recipe.init {
                Some(init) => Some(pictures.start(init)?),
                None => None,
            },
        })
    }

    /// The same under `native`: what an execution provider makes of it, which is near and not equal.
    #[must_use]
    pub fn natively(self) -> Self {
        Self {
            profile: Profile::Native,
            ..self
        }
    }

    /// One rounding of the exact thousandths; the recipe says `f32(guidance_milli / 1000)`, and 1 and below is off.
    pub(crate) fn guidance(&self) -> f32 {
        (f64::from(self.guidance_milli.max(1000)) / 1000.0) as f32
    }

    /// Whether its texts fit into a model, before anything else is done with it.
    ///
    /// # Errors
    /// `ErrorKind::PromptTooLong` with the limit.
    pub fn check_texts(&self, model: &Model) -> Result<(), Error> {
        let texts = std::iter::once(&self.prompt).chain(&self.negative);
        fit(texts, self.options.prompt_weights, model)
    }
}

/// Whether a recipe's texts with these values fit into a model; of the pictures that it begins with nothing is needed.
///
/// # Errors
/// When the values do not fit the recipe; `ErrorKind::PromptTooLong` with the limit.
pub fn check_texts(recipe: &Recipe, values: &Values, model: &Model) -> Result<(), Error> {
    let picture = recipe.picture(values, Seed(0))?;
    let texts = std::iter::once(&picture.prompt).chain(&picture.negative);
    fit(texts, recipe.prompt_weights, model)
}

fn fit<'a>(
    texts: impl Iterator<Item = &'a String>,
    weights: Option<PromptWeights>,
    model: &Model,
) -> Result<(), Error> {
    for text in texts {
        model.check_text(text)?;
        if weights.is_some() {
            crate::text::parse(text)?;
        }
    }
    Ok(())
}

/// What a recipe claims, against the graphs that are loaded and not against what their manifest says of them.
fn fits(wanted: ModelDigest, profile: Profile, model: &Model) -> Result<(), Error> {
    if wanted != model.digest {
        let message = format!(
            "the recipe needs the model {wanted}, which is not here (this is {})",
            model.digest
        );
        return Err(Error::new(ErrorKind::Missing, message));
    }
    match profile {
        Profile::Portable1 => model.check_portable(),
        Profile::Native => Ok(()),
    }
}

/// How far a picture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Steps done.
    pub step: u32,
    /// Steps in all.
    pub steps: u32,
}

/// Hears of every step once, and may stop the run.
struct Teller<'a> {
    progress: &'a mut dyn FnMut(Progress) -> ControlFlow<()>,
    told: u32,
    steps: u32,
}

impl Teller<'_> {
    fn tell(&mut self) -> Result<(), Error> {
        let progress = Progress {
            step: self.told,
            steps: self.steps,
        };
        match (self.progress)(progress) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Error::new(
                ErrorKind::Cancelled,
                format!("stopped at step {} of {}", self.told, self.steps),
            )),
        }
    }

    /// So many of all runs of the model are done: a step may take two of them, and a run may begin late.
    fn done(&mut self, runs: usize, all: usize) -> Result<(), Error> {
        let reached = (runs * self.steps as usize).checked_div(all).unwrap_or(0) as u32;
        while self.told < reached {
            self.told += 1;
            self.tell()?;
        }
        Ok(())
    }
}

/// A model with what drives it, for one thread.
pub struct Engine {
    model: Arc<Model>,
    driver: Box<dyn Driver>,
    /// That of the executor: pictures are made under no other.
    profile: Profile,
}

impl Engine {
    /// Builds the sessions of a model, or what opens them once they are asked for.
    ///
    /// # Errors
    /// When a graph is missing or the executor refuses it.
    pub fn new(model: Arc<Model>, executor: &dyn Executor) -> Result<Self, Error> {
        let driver = (family::named(&model.manifest)?.driver)(model.clone(), executor)?;
        Ok(Self {
            model,
            driver,
            profile: executor.profile(),
        })
    }

    /// Refuses a picture under other rules than those that the graphs are run by.
    fn check_profile(&self, wanted: Profile) -> Result<(), Error> {
        let message = match (wanted, self.profile) {
            (Profile::Portable1, Profile::Native) => {
                "an execution provider keeps no portable-1: its pictures are native"
            }
            (Profile::Native, Profile::Portable1) => {
                "the profile native wants an execution provider, and this engine runs portable-1 alone"
            }
            _ => return Ok(()),
        };
        Err(Error::new(ErrorKind::NotOffered, message))
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// Makes one picture. `progress` is called before the first and after every step, and may stop the run.
    ///
    /// # Errors
    /// `ErrorKind::PromptTooLong`, `ErrorKind::NotOffered`, `ErrorKind::NotPortable`, `ErrorKind::NotFinite`, `ErrorKind::Cancelled`, or what the executor refuses;
    /// `ErrorKind::Missing` for a request that names another model.
    pub fn generate(
        &mut self,
        request: &Request,
        progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Picture, Error> {
        self.generate_watched(request, progress, &mut |_, _| ())
    }

    /// As [`Engine::generate`]; `watch` sees the latent after every run of the model, for whoever looks for the first that differs.
    ///
    /// # Errors
    /// As [`Engine::generate`].
    pub fn generate_watched(
        &mut self,
        request: &Request,
        progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
        watch: &mut dyn FnMut(usize, &[f32]),
    ) -> Result<Picture, Error> {
        self.check_profile(request.profile)?;
        fits(request.model, request.profile, &self.model)?;
        self.model.check_size(request.width, request.height)?;
        request.noise.check_seed(request.seed)?;
        let mut scheduler = scheduler::of_recipe(&request.scheduler, request.steps)?;
        self.driver.prepare(request)?;
        let size = Size {
            width: request.width,
            height: request.height,
        };
        let shape = self.model.manifest.latent(size);
        let mut stream = rng::Stream::new(request.noise, request.seed)?;
        let begun = start::begin(
            request,
            self.driver.as_mut(),
            scheduler.as_mut(),
            shape,
            &mut stream,
        )?;
        let mut latent = begun.latent;
        if let Some(offset) = request.options.step_seed_offset {
            let seed = request.seed.wrapping_add(u64::from(offset));
            let seed = match request.noise {
                Noise::Philox => seed,
                _ => seed & u64::from(u32::MAX),
            };
            stream = rng::Stream::new(request.noise, seed)?;
        }
        let timesteps = scheduler.timesteps().to_vec();
        let all = timesteps.len() - begun.run;
        let mut teller = Teller {
            progress,
            told: 0,
            steps: request.steps,
        };
        teller.tell()?;
        for (run, time) in timesteps.iter().enumerate().skip(begun.run) {
            let input = scheduler.input(run, &latent);
            let output = self.driver.predict(&input, *time)?;
            let noise = match scheduler.draws(run) {
                true => stream.draw(latent.len())?,
                false => Vec::new(),
            };
            scheduler.step(run, &output, &mut latent, &noise);
            if let Some(kept) = &begun.kept {
                kept.put_back(scheduler.as_ref(), run, &mut latent);
            }
            let done = run + 1 - begun.run;
            if latent.iter().any(|value| !value.is_finite()) {
                return Err(Error::new(
                    ErrorKind::NotFinite,
                    format!("step {done}: the latent holds a value that is not a number"),
                ));
            }
            watch(run, &latent);
            teller.done(done, all)?;
        }
        self.driver.decode(&latent)
    }
}
