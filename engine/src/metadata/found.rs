//! What was found in a file: one form for every program, in this engine's words.
//!
//! The one rule: every text is bounded, and what was cut, rounded or not understood has a remark.

use super::remark::Remark;
use super::sampler::Sampler;
use crate::scheduler::config::Sigmas;
use schema::recipe::Noise;
use serde_json::{Map, Value};

/// The longest prompt that is kept, in bytes; a recipe takes no more.
pub const MAX_PROMPT: usize = 64 * 1024;
/// The longest name, in bytes.
pub const MAX_NAME: usize = 512;
/// The longest value that is not understood, in bytes.
pub const MAX_VALUE: usize = 4096;
/// The most pairs that are not understood, the most remarks and the most choices.
pub const MAX_LISTED: usize = 256;

/// The program that made the file, as far as its metadata tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Program {
    /// A1111's stable-diffusion-webui, Forge, and whoever writes as they do.
    #[default]
    A1111,
    /// ComfyUI.
    ComfyUi,
    /// InvokeAI.
    InvokeAi,
    /// stable-diffusion.cpp.
    StableDiffusionCpp,
    /// This one.
    Seedmark,
}

/// Where noise came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoiseSource {
    /// A kind that this engine draws.
    Known(Noise),
    /// Another one, as the file names it.
    Other(String),
}

/// One of several samplers of a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The node's id, for [`super::read_choice`].
    pub node: String,
    /// The node's class.
    pub class: String,
    /// Its steps.
    pub steps: Option<u32>,
    /// Its seed.
    pub seed: Option<u64>,
}

/// Generation settings, a draft of a recipe and never called exact: others' tables of noise differ.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Who wrote them.
    pub program: Program,
    /// The program's version, as it stands.
    pub version: Option<String>,
    /// What to draw.
    pub prompt: String,
    /// What not to draw.
    pub negative: String,
    /// The seed.
    pub seed: Option<u64>,
    /// Sampling steps.
    pub steps: Option<u32>,
    /// Guidance, in thousandths.
    pub guidance_milli: Option<u32>,
    /// Pixels across.
    pub width: Option<u32>,
    /// Pixels down.
    pub height: Option<u32>,
    /// The sampler.
    pub sampler: Option<Sampler>,
    /// How its sigmas lie, where that is offered.
    pub sigmas: Option<Sigmas>,
    /// Where noise came from.
    pub noise: Option<NoiseSource>,
    /// The model's name or file.
    pub model: Option<String>,
    /// The model's hash, as it stands.
    pub model_hash: Option<String>,
    /// Layers of the text encoder from the end, 1 for the last.
    pub clip_skip: Option<u32>,
    /// How much of another picture was drawn over, in thousandths.
    pub denoising_milli: Option<u32>,
    /// The seed of a variation.
    pub variation_seed: Option<u64>,
    /// How much of it, in thousandths.
    pub variation_milli: Option<u32>,
    /// Added to the seed behind the first draw.
    pub seed_delta: Option<i64>,
    /// The code of a labelled file of Seedmark.
    pub content: Option<String>,
    /// The sentence about the picture in a labelled file of Seedmark.
    pub description: Option<String>,
    /// Samplers of which one must be chosen; then nothing else is filled in.
    pub choices: Vec<Choice>,
    /// Pairs that this engine has no word for, as they stand.
    pub unknown: Vec<(String, String)>,
    /// What cannot be reproduced, and why.
    pub remarks: Vec<Remark>,
}

impl Found {
    /// Nothing yet.
    #[must_use]
    pub fn new(program: Program) -> Self {
        Self {
            program,
            ..Self::default()
        }
    }

    /// What a `scheduler_config.json` would say of the sampler: class, options and sigmas. None for a sampler that is not recognised.
    #[must_use]
    pub fn scheduler(&self) -> Option<Map<String, Value>> {
        let mut options = self.sampler.as_ref()?.options()?;
        match self.sigmas {
            Some(Sigmas::Karras) => options.insert("use_karras_sigmas".into(), true.into()),
            Some(Sigmas::Exponential) => {
                options.insert("use_exponential_sigmas".into(), true.into())
            }
            Some(Sigmas::Plain) | None => None,
        };
        Some(options)
    }

    /// Adds a remark once.
    pub(super) fn say(&mut self, remark: Remark) {
        if self.remarks.len() < MAX_LISTED && !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }

    /// Keeps a pair that has no field.
    pub(super) fn keep(&mut self, name: &str, value: &str) {
        if self.unknown.len() >= MAX_LISTED {
            return self.say(Remark::Cut(bounded(name, MAX_NAME).to_owned()));
        }
        let name = self.text(name, name, MAX_NAME);
        let value = self.text(&name, value, MAX_VALUE);
        self.unknown.push((name, value));
    }

    /// A text within its bound.
    pub(super) fn text(&mut self, name: &str, text: &str, most: usize) -> String {
        let kept = bounded(text, most);
        if kept.len() < text.len() {
            self.say(Remark::Cut(bounded(name, MAX_NAME).to_owned()));
        }
        kept.to_owned()
    }

    /// A value that is none of its name.
    pub(super) fn unread(&mut self, name: &str, value: &str) {
        let value = bounded(value, MAX_NAME).to_owned();
        self.say(Remark::ValueUnread {
            name: bounded(name, MAX_NAME).to_owned(),
            value,
        });
    }

    /// A whole number, or a remark.
    pub(super) fn whole<T: std::str::FromStr>(&mut self, name: &str, text: &str) -> Option<T> {
        let number = text.trim().parse().ok();
        if number.is_none() {
            self.unread(name, text);
        }
        number
    }

    /// A number in thousandths, or a remark.
    pub(super) fn milli(&mut self, name: &str, text: &str) -> Option<u32> {
        let number: Option<f64> = text.trim().parse().ok();
        let Some(number) = number.filter(|number| (0.0..=1e6).contains(number)) else {
            self.unread(name, text);
            return None;
        };
        let thousandths = (number * 1000.0).round();
        if (number * 1000.0 - thousandths).abs() > 1e-6 {
            self.say(Remark::Rounded(name.to_owned()));
        }
        Some(thousandths as u32)
    }

    /// `512x768`.
    pub(super) fn size(&mut self, name: &str, text: &str) {
        let sides = text.split_once('x').and_then(|(width, height)| {
            Some((width.trim().parse().ok()?, height.trim().parse().ok()?))
        });
        match sides {
            Some((width, height)) => (self.width, self.height) = (Some(width), Some(height)),
            None => self.unread(name, text),
        }
    }

    /// The noise, with what the seed means to it.
    pub(super) fn draw(&mut self, noise: Noise) {
        self.noise = Some(NoiseSource::Known(noise));
        if let (Some(seed), true) = (self.seed, noise != Noise::Philox)
            && seed > u64::from(u32::MAX)
        {
            let low = (seed & u64::from(u32::MAX)) as u32;
            self.say(Remark::SeedOver32Bits { low });
        }
    }
}

/// The longest beginning of so many bytes that ends between two characters.
pub(super) fn bounded(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}
