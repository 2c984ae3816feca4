//! The embedded family: a transformer over rectified flow that is told its guidance.
//!
//! The one rule: one pass a step; with a negative prompt two, weighed against each other.

pub(crate) mod interface;

use super::{Driver, Encoded, Family, Files, Texts};
use crate::error::{Error, ErrorKind};
use crate::executor::{Executor, Named, Session};
use crate::model::{MANIFEST, Manifest, Model, Parts, Size};
use crate::picture::Picture;
use crate::pipeline::Request;
use crate::scheduler;
use crate::tokenizer::Tokenizer;
use schema::recipe::Scheduler;
use std::sync::Arc;

/// The name that the graphs use for the widened weights.
pub(crate) const WEIGHTS: &str = "weights.f32";
const TOKENIZER: &str = "tokenizer.json";

pub(super) const FAMILY: Family = Family {
    name: "flow-transformer-2",
    check: interface::check_numbers,
    check_graph: interface::check_graph,
    texts,
    driver: |model, executor| Ok(Box::new(Flow::new(model, executor)?)),
};

/// What a manifest of this family has of its own.
fn numbers(manifest: &Manifest) -> Result<crate::model::FlowNumbers, Error> {
    match &manifest.parts {
        Parts::Flow(numbers) => Ok(*numbers),
        Parts::Stable(_) => Err(Error::new(
            ErrorKind::Malformed,
            format!("{MANIFEST}: family and format belong to different models"),
        )),
    }
}

fn texts(_: &Manifest, files: &Files) -> Result<Texts, Error> {
    let found = files.iter().find(|(name, _)| name == TOKENIZER);
    let (_, bytes) = found.ok_or_else(|| {
        Error::new(
            ErrorKind::Missing,
            format!("{MANIFEST} lists no {TOKENIZER}"),
        )
    })?;
    Tokenizer::parse(bytes).map(Texts::Flow)
}

struct Flow {
    model: Arc<Model>,
    numbers: crate::model::FlowNumbers,
    text_encoder: Box<dyn Session>,
    transformer: Box<dyn Session>,
    decoder: Box<dyn Session>,
    /// The last prompts with their text embeddings and means: a grid of seeds asks for the same ones again and again.
    encoded: (Vec<String>, Vec<f32>, Vec<f32>),
    size: Size,
    weight: f32,
    against: bool,
}

impl Flow {
    fn new(model: Arc<Model>, executor: &dyn Executor) -> Result<Self, Error> {
        let session = |name: &str| {
            let (graph, weights) = model.graph(name)?;
            executor.session(name, graph, weights)
        };
        Ok(Self {
            numbers: numbers(&model.manifest)?,
            text_encoder: session(interface::TEXT_ENCODER)?,
            transformer: session(interface::TRANSFORMER)?,
            decoder: session(interface::DECODER)?,
            encoded: Default::default(),
            size: model.manifest.sizes[0],
            weight: 1.0,
            against: false,
            model,
        })
    }

    /// Fills `encoded` with the text embeddings of the prompts and their means; the same prompts again cost nothing.
    fn encode_texts(&mut self, prompts: &[&str]) -> Result<(), Error> {
        if !prompts.is_empty() && self.encoded.0 == prompts {
            return Ok(());
        }
        let Texts::Flow(tokenizer) = &self.model.texts else {
            return Err(Error::new(ErrorKind::Malformed, "another family's texts"));
        };
        let tokens = self.model.manifest.text_tokens as usize;
        let (mut ids, mut mask) = (Vec::new(), Vec::new());
        for prompt in prompts {
            let row = tokenizer.encode_padded(prompt, tokens)?;
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

/// What a recipe may ask for and this family does not do.
fn refuse_options(request: &Request) -> Result<(), Error> {
    let refused = [
        (request.options.clip_skip.is_some(), "clip_skip"),
        (request.options.prompt_weights.is_some(), "prompt_weights"),
        (
            request.options.guidance_rescale_milli.is_some(),
            "guidance_rescale_milli",
        ),
        (request.options.tile.is_some(), "tile"),
        (
            !matches!(request.scheduler, Scheduler::FlowEuler { .. }),
            "scheduler",
        ),
    ];
    match refused.iter().find(|(asked, _)| *asked) {
        Some((_, field)) => Err(Error::new(
            ErrorKind::NotOffered,
            format!("{field}: this model family does not offer what the recipe names"),
        )),
        None => Ok(()),
    }
}

impl Driver for Flow {
    fn prepare(&mut self, request: &Request) -> Result<(), Error> {
        refuse_options(request)?;
        self.size = Size {
            width: request.width,
            height: request.height,
        };
        self.weight = request.guidance();
        let against = request.negative.as_deref().filter(|_| self.weight > 1.0);
        self.against = against.is_some();
        let prompts: Vec<&str> = against
            .into_iter()
            .chain([request.prompt.as_str()])
            .collect();
        self.encode_texts(&prompts)
    }

    fn predict(&mut self, sample: &[f32], sigma: f32) -> Result<Vec<f32>, Error> {
        let (rows, manifest) = (self.encoded.0.len(), &self.model.manifest);
        let features = self.numbers.time_features as usize;
        let (tokens, width) = (
            manifest.text_tokens as usize,
            self.numbers.text_width as usize,
        );
        let [channels, down, across] = manifest.latent(self.size);
        // Two passes weigh plain predictions, which the model gives at guidance 1.
        let guidance = vec![if self.against { 1.0 } else { self.weight }; rows];
        let time = scheduler::time_features(sigma, features).repeat(rows);
        let batch = sample.repeat(rows);
        let (_, text, pooled) = &self.encoded;
        let inputs = [
            Named::floats("latent", &[rows, channels, down, across], &batch),
            Named::floats("time", &[rows, features], &time),
            Named::floats("text", &[rows, tokens, width], text),
            Named::floats("pooled", &[rows, width], pooled),
            Named::floats("guidance", &[rows, 1], &guidance),
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
        if self.against {
            let (unconditional, conditional) = velocity.split_at_mut(sample.len());
            scheduler::guide(unconditional, conditional, self.weight);
        }
        velocity.truncate(sample.len());
        Ok(velocity)
    }

    fn decode(&mut self, latent: &[f32]) -> Result<Picture, Error> {
        let [channels, down, across] = self.model.manifest.latent(self.size);
        let input = Named::floats("latent", &[1, channels, down, across], latent);
        let values = self.decoder.run(&[input], &["picture"])?.remove(0);
        Picture::from_decoder(self.size.width, self.size.height, &values)
    }

    fn takes_pictures(&self) -> bool {
        false
    }

    fn encode(&mut self, _: &[f32]) -> Result<Encoded, Error> {
        Err(Error::new(
            ErrorKind::NotOffered,
            "image to image is not offered by this model: it has no encoder for pictures",
        ))
    }
}
