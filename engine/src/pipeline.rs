//! From a prompt to a picture: tokenise → text encoder → noise → flow Euler loop with guidance → decoder → 8 bits.
//!
//! The one rule: one [`Engine`] belongs to one thread and makes one picture at a time; pictures run side by side in several
//! engines over one shared [`Model`], never in several threads of one kernel.

use crate::error::{Error, ErrorKind};
use crate::executor::{Executor, Named, Session};
use crate::model::Model;
use crate::picture::Picture;
use crate::{interface, rng, scheduler};
use schema::recipe::{ModelDigest, Noise, Profile, Recipe, Scheduler, Seed};
use schema::template::Values;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Everything that decides the pixels of one picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The model that the recipe names; another one refuses it.
    pub model: ModelDigest,
    /// The rules that the pixels are to keep; a model whose graphs do not keep them refuses it.
    pub profile: Profile,
    /// Expanded prompt.
    pub prompt: String,
    /// Expanded negative prompt. Absent, the model's own guidance is used, one pass a step; present, even empty, a second pass
    /// runs over it and the two are weighed against each other.
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
}

impl Request {
    /// Every anchor of a recipe, in order, after checking that it is for this model and profile.
    ///
    /// # Errors
    /// `ErrorKind::Missing` when the recipe names another model, `ErrorKind::NotOffered` for another profile, `ErrorKind::NotPortable` naming the node
    /// of the loaded graphs that does not keep it; else as [`Request::of_recipe`].
    pub fn of_anchors(recipe: &Recipe, model: &Model) -> Result<Vec<Self>, Error> {
        fits(recipe.model, recipe.profile, model)?;
        let anchors = recipe.anchors.iter();
        anchors
            .map(|anchor| Self::of_recipe(recipe, &anchor.values, anchor.seed))
            .collect()
    }

    /// One picture of a recipe.
    ///
    /// # Errors
    /// When the values do not fit the recipe, or it asks for what this engine does not do.
    pub fn of_recipe(recipe: &Recipe, values: &Values, seed: Seed) -> Result<Self, Error> {
        if recipe.init.is_some()
            || recipe
                .adapters
                .as_ref()
                .is_some_and(|adapters| !adapters.is_empty())
        {
            return Err(Error::new(
                ErrorKind::NotOffered,
                "image-to-image and adapters are not offered by this engine",
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
        })
    }
}

impl Request {
    /// Whether its texts fit into a model, before anything else is done with it.
    ///
    /// # Errors
    /// `ErrorKind::PromptTooLong` with the limit.
    pub fn check_texts(&self, model: &Model) -> Result<(), Error> {
        let limit = model.manifest.text_tokens as usize;
        let texts = std::iter::once(&self.prompt).chain(&self.negative);
        for text in texts {
            model.tokenizer.encode_padded(text, limit)?;
        }
        Ok(())
    }
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
        Profile::Native => Err(Error::new(
            ErrorKind::NotOffered,
            "the profile native is not run by this engine yet",
        )),
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

/// A model with its sessions, for one thread.
pub struct Engine {
    model: Arc<Model>,
    text_encoder: Box<dyn Session>,
    transformer: Box<dyn Session>,
    decoder: Box<dyn Session>,
    /// The last prompts with their text embeddings and means: a grid of seeds asks for the same ones again and again.
    encoded: (Vec<String>, Vec<f32>, Vec<f32>),
}

impl Engine {
    /// Builds the sessions of a model.
    ///
    /// # Errors
    /// When a graph is missing or the executor refuses it.
    pub fn new(model: Arc<Model>, executor: &dyn Executor) -> Result<Self, Error> {
        let session = |name: &str| {
            let (graph, weights) = model.graph(name)?;
            executor.session(name, graph, (interface::WEIGHTS, weights))
        };
        Ok(Self {
            text_encoder: session(interface::TEXT_ENCODER)?,
            transformer: session(interface::TRANSFORMER)?,
            decoder: session(interface::DECODER)?,
            encoded: Default::default(),
            model,
        })
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
        fits(request.model, request.profile, &self.model)?;
        self.model.check_size(request.width, request.height)?;
        request.noise.check_seed(request.seed)?;
        if request.steps == 0 {
            return Err(Error::new(
                ErrorKind::NotOffered,
                "a picture needs at least one step",
            ));
        }
        let manifest = self.model.manifest.clone();
        // One rounding of the exact thousandths; the recipe says f32(guidance_milli / 1000), and 1 and below is off.
        let weight = (f64::from(request.guidance_milli.max(1000)) / 1000.0) as f32;
        let against = request.negative.as_deref().filter(|_| weight > 1.0);
        let prompts: Vec<&str> = against
            .into_iter()
            .chain([request.prompt.as_str()])
            .collect();
        // Two passes weigh plain predictions, which the model gives at guidance 1.
        let guidance = vec![if against.is_some() { 1.0 } else { weight }; prompts.len()];
        self.encode(&prompts)?;
        let (_, text, pooled) = &self.encoded;
        let factor = manifest.latent_factor;
        let shape = [
            prompts.len(),
            manifest.latent_channels as usize,
            (request.height / factor) as usize,
            (request.width / factor) as usize,
        ];
        let size: usize = shape[1..].iter().product();
        let mut latent = rng::normal(request.noise, request.seed, size)?;
        let sigmas = scheduler::sigmas(request.scheduler, request.steps);
        let tell = |step| Progress {
            step,
            steps: request.steps,
        };
        let mut go_on = |step| match progress(tell(step)) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Error::new(
                ErrorKind::Cancelled,
                format!("stopped at step {step} of {}", request.steps),
            )),
        };
        go_on(0)?;
        for (step, pair) in (1..).zip(sigmas.windows(2)) {
            let time = scheduler::time_features(pair[0], manifest.time_features as usize)
                .repeat(prompts.len());
            let batch = latent.repeat(prompts.len());
            let inputs = [
                Named::floats("latent", &shape, &batch),
                Named::floats(
                    "time",
                    &[prompts.len(), manifest.time_features as usize],
                    &time,
                ),
                Named::floats(
                    "text",
                    &[
                        prompts.len(),
                        manifest.text_tokens as usize,
                        manifest.text_width as usize,
                    ],
                    text,
                ),
                Named::floats(
                    "pooled",
                    &[prompts.len(), manifest.text_width as usize],
                    pooled,
                ),
                Named::floats("guidance", &[prompts.len(), 1], &guidance),
            ];
            let mut velocity = self.transformer.run(&inputs, &["velocity"])?.remove(0);
            if velocity.len() != batch.len() {
                let message = format!(
                    "{} made {} values of velocity, {} belong",
                    interface::TRANSFORMER,
                    velocity.len(),
                    batch.len()
                );
                return Err(Error::new(ErrorKind::Runtime, message));
            }
            if against.is_some() {
                let (unconditional, conditional) = velocity.split_at_mut(size);
                scheduler::guide(unconditional, conditional, weight);
            }
            scheduler::euler_step(&mut latent, &velocity[..size], pair[0], pair[1]);
            if latent.iter().any(|value| !value.is_finite()) {
                return Err(Error::new(
                    ErrorKind::NotFinite,
                    format!("step {step}: the latent holds a value that is not a number"),
                ));
            }
            go_on(step)?;
        }
        let values = self
            .decoder
            .run(
                &[Named::floats(
                    "latent",
                    &[1, shape[1], shape[2], shape[3]],
                    &latent,
                )],
                &["picture"],
            )?
            .remove(0);
        Picture::from_decoder(request.width, request.height, &values)
    }

    /// Fills `encoded` with the text embeddings of the prompts and their means; the same prompts again cost nothing.
    fn encode(&mut self, prompts: &[&str]) -> Result<(), Error> {
        if !prompts.is_empty() && self.encoded.0 == prompts {
            return Ok(());
        }
        let tokens = self.model.manifest.text_tokens as usize;
        let (mut ids, mut mask) = (Vec::new(), Vec::new());
        for prompt in prompts {
            let row = self.model.tokenizer.encode_padded(prompt, tokens)?;
            let count = row.iter().filter(|id| **id != 0).count().max(1);
            mask.extend(
                row.iter()
                    .map(|id| if *id == 0 { 0.0 } else { 1.0 / count as f32 }),
            );
            ids.extend(row);
        }
        let inputs = [
            Named::integers("ids", &[prompts.len(), tokens], &ids),
            Named::floats("mask", &[prompts.len(), tokens, 1], &mask),
        ];
        let mut outputs = self.text_encoder.run(&inputs, &["text", "pooled"])?;
        let pooled = outputs.remove(1);
        let owned = prompts.iter().map(|prompt| (*prompt).to_owned()).collect();
        self.encoded = (owned, outputs.remove(0), pooled);
        Ok(())
    }
}
