//! Stable Diffusion 1, 2 and XL, and what was distilled or retold from them: text encoders, a UNet over latents, a decoder.
//!
//! The one rule: one text a pass. Guidance weighs two passes, so no batch can change a bit.

mod condition;
mod interface;
mod tiles;

use super::{Driver, Encoded, Family, Files, Texts};
use crate::component::Component;
use crate::error::{Error, ErrorKind};
use crate::executor::Executor;
use crate::graph::tensor::Tensor;
use crate::model::tiles::{DECODER, sized};
use crate::model::{MANIFEST, Manifest, Model, Parts, Size, StableParts};
use crate::picture::Picture;
use crate::pipeline::Request;
use crate::scheduler;
use crate::text::TextTokenizer;
use condition::{Asked, Condition};
use schema::recipe::Scheduler;
use std::sync::Arc;
use tiles::{Planes, Tiling};

pub(super) const STABLE_DIFFUSION: Family = Family {
    name: "stable-diffusion",
    check: interface::check_numbers,
    check_graph: interface::check_graph,
    texts,
    driver: |model, executor| Ok(Box::new(Stable::new(model, executor, false)?)),
};

pub(super) const XL: Family = Family {
    name: "stable-diffusion-xl",
    driver: |model, executor| Ok(Box::new(Stable::new(model, executor, true)?)),
    ..STABLE_DIFFUSION
};

/// The part that makes latents of pictures.
const ENCODER: &str = "vae_encoder";

/// Conditions that are kept: those of a grid of values, and the negative one.
const KEPT_CONDITIONS: usize = 16;

/// What a manifest of this family has of its own.
fn parts(manifest: &Manifest) -> Result<&StableParts, Error> {
    match &manifest.parts {
        Parts::Stable(parts) => Ok(parts),
        Parts::Flow(_) => Err(Error::new(
            ErrorKind::Malformed,
            format!("{MANIFEST}: family and format belong to different models"),
        )),
    }
}

fn texts(manifest: &Manifest, files: &Files) -> Result<Texts, Error> {
    let read = |folder: &str| {
        let file = |name: &str| {
            let found = files.iter().find(|(known, _)| known == name);
            found.map(|(_, bytes)| bytes.to_vec())
        };
        TextTokenizer::read(&file, folder)
    };
    let encoders = parts(manifest)?.text.iter();
    encoders
        .map(|encoder| read(&encoder.tokenizer))
        .collect::<Result<_, _>>()
        .map(Texts::Folder)
}

struct Stable {
    model: Arc<Model>,
    executor: Box<dyn Executor>,
    xl: bool,
    /// Text encoders that were opened, by graph.
    encoders: Vec<(String, Component)>,
    /// Graphs of the size at work, by component.
    sized: Vec<(&'static str, Component)>,
    size: Size,
    /// Side of the tiles in which this request's pictures are taken.
    tile: Option<u32>,
    conditions: Vec<(Asked, Condition)>,
    /// The conditions of this request: what is wanted, and what is not.
    wanted: Condition,
    unwanted: Option<Condition>,
    weight: f32,
    rescale: Option<f32>,
    guidance_features: Option<Tensor>,
    time_ids: Tensor,
    /// Mask and masked picture, for a model that reads them.
    beside: Vec<f32>,
}

impl Stable {
    fn new(model: Arc<Model>, executor: &dyn Executor, xl: bool) -> Result<Self, Error> {
        parts(&model.manifest)?;
        Ok(Self {
            executor: executor.boxed(),
            xl,
            encoders: Vec::new(),
            sized: Vec::new(),
            size: model.manifest.sizes[0],
            tile: None,
            conditions: Vec::new(),
            wanted: Condition::default(),
            unwanted: None,
            weight: 1.0,
            rescale: None,
            guidance_features: None,
            time_ids: Tensor::integers(Vec::new()),
            beside: Vec::new(),
            model,
        })
    }

    /// A graph of the size at work.
    fn component(&mut self, name: &'static str) -> Result<&mut Component, Error> {
        let place = self.sized.iter().position(|(known, _)| *known == name);
        let place = match place {
            Some(place) => place,
            None => {
                let graph = sized(name, self.size);
                let opened = Component::open(&self.model, self.executor.as_ref(), &graph)?;
                self.sized.push((name, opened));
                self.sized.len() - 1
            }
        };
        Ok(&mut self.sized[place].1)
    }

    /// A text's condition, from memory where it was asked for before.
    fn condition(&mut self, asked: Asked) -> Result<Condition, Error> {
        if let Some((_, known)) = self.conditions.iter().find(|(known, _)| *known == asked) {
            return Ok(known.clone());
        }
        let made = condition::encode(
            &self.model,
            self.executor.as_ref(),
            &mut self.encoders,
            &asked,
        )?;
        if self.conditions.len() == KEPT_CONDITIONS {
            self.conditions.remove(0);
        }
        self.conditions.push((asked, made.clone()));
        Ok(made)
    }

    /// Takes the picture at work through one part, at once or in tiles; `of_input` and `of_output` are the pixels to one value along a side.
    fn taken(
        &mut self,
        part: &'static str,
        input: Planes,
        (of_input, of_output): (u32, u32),
    ) -> Result<Planes, Error> {
        let (name, output) = match part {
            ENCODER => {
                // Exporters call it by different names, in every size by the same.
                let shape = self.tile.map_or(self.size, |tile| Size {
                    width: tile.min(self.size.width),
                    height: tile.min(self.size.height),
                });
                (
                    "sample",
                    interface::encoder_output(&self.model, &sized(part, shape))?,
                )
            }
            _ => ("latent_sample", "sample".to_owned()),
        };
        let run = |component: &mut Component, input: &Planes| {
            let (height, width) = (input.height, input.width);
            let tensor = Tensor::floats(&[1, input.channels, height, width], input.values.clone())?;
            let made = component.run(&[(name, &tensor)], &[&output])?.pop();
            let values = made.unwrap_or_default();
            let steps = |side: usize| side * of_input as usize / of_output as usize;
            let (height, width) = (steps(height), steps(width));
            match values.len() % (height * width).max(1) {
                0 => Ok(Planes {
                    channels: values.len() / (height * width).max(1),
                    height,
                    width,
                    values,
                }),
                _ => Err(Error::new(
                    ErrorKind::Runtime,
                    format!("{part} made {} values of {width}×{height}", values.len()),
                )),
            }
        };
        let Some(tile) = self.tile else {
            return run(self.component(part)?, &input);
        };
        let tiling = Tiling {
            size: self.size,
            tile,
            of_input,
            of_output,
        };
        tiling.run(&input, &mut |shape| {
            let graph = sized(part, shape);
            let mut opened = Component::open(&self.model, self.executor.as_ref(), &graph)?;
            Ok(move |tile: &Planes| run(&mut opened, tile))
        })
    }

    /// One pass of the UNet under one condition.
    fn pass(
        &mut self,
        sample: &[f32],
        time: f32,
        condition: &Condition,
    ) -> Result<Vec<f32>, Error> {
        let latent = self.model.manifest.latent(self.size);
        let channels = parts(&self.model.manifest)?.input_channels as usize;
        let mut input = sample.to_vec();
        input.extend_from_slice(&self.beside);
        let sample_input = Tensor::floats(&[1, channels, latent[1], latent[2]], input)?;
        let time = Tensor::floats(&[1], vec![time])?;
        let (features, time_ids) = (self.guidance_features.clone(), self.time_ids.clone());
        let mut given = vec![
            ("sample", &sample_input),
            ("timestep", &time),
            ("encoder_hidden_states", &condition.hidden),
            ("time_ids", &time_ids),
        ];
        if let Some(pooled) = &condition.pooled {
            given.push(("text_embeds", pooled));
        }
        if let Some(features) = &features {
            given.push(("timestep_cond", features));
        }
        let size = sample.len();
        let unet = self.component("unet")?;
        unet.run_one(&given, "out_sample", size)
    }
}

/// What a recipe may ask for and this model does not do.
fn refuse_options(
    request: &Request,
    manifest: &Manifest,
    parts: &StableParts,
) -> Result<(), Error> {
    let masked = request
        .start
        .as_ref()
        .is_some_and(|start| start.mask.is_some());
    if manifest.paints_into() && !masked {
        return Err(Error::new(
            ErrorKind::NotOffered,
            "init: this model paints into a picture, and the recipe names no picture with a mask",
        ));
    }
    let refused = match request {
        _ if matches!(request.scheduler, Scheduler::FlowEuler { .. }) => Some("scheduler"),
        _ if parts.guidance_features.is_some() && request.negative.is_some() => Some("negative"),
        _ => None,
    };
    match refused {
        Some(field) => Err(Error::new(
            ErrorKind::NotOffered,
            format!("{field}: this model does not offer what the recipe names"),
        )),
        None => Ok(()),
    }
}

impl Driver for Stable {
    fn prepare(&mut self, request: &Request) -> Result<(), Error> {
        let model = self.model.clone();
        let parts = parts(&model.manifest)?;
        refuse_options(request, &model.manifest, parts)?;
        let size = Size {
            width: request.width,
            height: request.height,
        };
        model.manifest.check_tile(size, request.options.tile)?;
        if self.size != size {
            // Graphs of another size would hold its memory beside this one's.
            self.sized.clear();
            self.size = size;
        }
        self.tile = request.options.tile;
        self.weight = request.guidance();
        let share = |milli: u32| (f64::from(milli) / 1000.0) as f32;
        self.rescale = request.options.guidance_rescale_milli.map(share);
        self.beside.clear();
        self.time_ids = condition::time_ids(size)?;
        let asked = |text: &str| Asked {
            text: text.to_owned(),
            clip_skip: request.options.clip_skip.unwrap_or(0),
            weights: request.options.prompt_weights,
        };
        self.wanted = self.condition(asked(&request.prompt))?;
        self.guidance_features = match parts.guidance_features {
            Some(width) => Some(condition::guidance_features(self.weight, width as usize)?),
            None => None,
        };
        let twice = self.weight > 1.0 && parts.guidance_features.is_none();
        self.unwanted = match (&request.negative, twice) {
            (_, false) => None,
            (None, true) if self.xl && parts.zero_negative => Some(self.wanted.zeroed()),
            (negative, true) => {
                let text = negative.as_deref().unwrap_or_default();
                Some(self.condition(asked(text))?)
            }
        };
        Ok(())
    }

    fn predict(&mut self, sample: &[f32], time: f32) -> Result<Vec<f32>, Error> {
        let wanted = self.wanted.clone();
        let conditional = self.pass(sample, time, &wanted)?;
        let Some(unwanted) = self.unwanted.clone() else {
            return Ok(conditional);
        };
        let mut guided = self.pass(sample, time, &unwanted)?;
        scheduler::guide(&mut guided, &conditional, self.weight);
        if let Some(share) = self.rescale {
            condition::rescale(&mut guided, &conditional, share);
        }
        Ok(guided)
    }

    fn decode(&mut self, latent: &[f32]) -> Result<Picture, Error> {
        let [channels, height, width] = self.model.manifest.latent(self.size);
        let vae = parts(&self.model.manifest)?.vae;
        let scaling = vae.scaling();
        let values = latent.iter().map(|value| value / scaling + vae.shift());
        let input = Planes {
            channels,
            height,
            width,
            values: values.collect(),
        };
        let factor = self.model.manifest.latent_factor;
        let made = self.taken(DECODER, input, (factor, 1))?;
        Picture::from_decoder(self.size.width, self.size.height, &made.values)
    }

    fn encode(&mut self, values: &[f32]) -> Result<Encoded, Error> {
        let (model, size) = (self.model.clone(), self.size);
        let vae = parts(&model.manifest)?.vae;
        let input = Planes {
            channels: 3,
            height: size.height as usize,
            width: size.width as usize,
            values: values.to_vec(),
        };
        let latent: usize = model.manifest.latent(size).iter().product();
        let made = self.taken(ENCODER, input, (1, model.manifest.latent_factor))?;
        let made = made.values;
        let scale = |mean: &f32| (mean - vae.shift()) * vae.scaling();
        match made.len() {
            found if found == latent => Ok(Encoded {
                mean: made.iter().map(scale).collect(),
                deviation: None,
            }),
            found if found == latent * 2 => {
                let (means, logarithms) = made.split_at(latent);
                let deviation = |log: &f32| {
                    let log = log.clamp(-30.0, 20.0) * 0.5;
                    libm::exp(f64::from(log)) as f32 * vae.scaling()
                };
                Ok(Encoded {
                    mean: means.iter().map(scale).collect(),
                    deviation: Some(logarithms.iter().map(deviation).collect()),
                })
            }
            found => Err(Error::new(
                ErrorKind::Runtime,
                format!("the encoder made {found} values, {latent} or twice as many belong"),
            )),
        }
    }

    fn takes_pictures(&self) -> bool {
        self.model.makes_latents()
    }

    fn reads_masks(&self) -> bool {
        self.model.manifest.paints_into()
    }

    fn is_told_guidance(&self) -> bool {
        parts(&self.model.manifest).is_ok_and(|parts| parts.guidance_features.is_some())
    }

    fn mask(&mut self, mask: &[f32], masked: &[f32]) {
        self.beside = [mask, masked].concat();
    }
}
