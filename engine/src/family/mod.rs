//! Families of models: how a request becomes a condition, a condition a prediction, and a latent a picture.
//!
//! The one rule: the loop from noise to latent is [`crate::pipeline`]'s and knows no family; a family is one folder here and one line in
//! [`FAMILIES`].

pub(crate) mod flow;
#[cfg(feature = "ort")]
pub(crate) mod stable;

use crate::error::{Error, ErrorKind};
use crate::executor::Executor;
use crate::model::{Manifest, Model};
use crate::picture::Picture;
use crate::pipeline::Request;
#[cfg(feature = "ort")]
use crate::text::TextTokenizer;
use crate::tokenizer::Tokenizer;
use std::borrow::Cow;
use std::sync::Arc;

/// Files of a model that are neither graphs nor mapped weights.
pub(crate) type Files = [(String, Cow<'static, [u8]>)];

type MakeDriver = fn(Arc<Model>, &dyn Executor) -> Result<Box<dyn Driver>, Error>;

/// A family, as a model is checked and driven by it.
pub(crate) struct Family {
    /// As a manifest calls it.
    pub(crate) name: &'static str,
    /// Checks the numbers that the family alone has.
    pub(crate) check: fn(&Manifest) -> Result<(), Error>,
    /// Checks what a graph declares against the manifest.
    pub(crate) check_graph: fn(&str, &[u8], &Manifest) -> Result<(), Error>,
    /// Reads the tokenizers.
    pub(crate) texts: fn(&Manifest, &Files) -> Result<Texts, Error>,
    /// Makes what drives its graphs.
    pub(crate) driver: MakeDriver,
}

/// Without a runtime there is the embedded family alone: added models are added by running them, and the crate `tokenizers` does not build for a
/// browser.
const FAMILIES: &[Family] = &[
    flow::FAMILY,
    #[cfg(feature = "ort")]
    stable::STABLE_DIFFUSION,
    #[cfg(feature = "ort")]
    stable::XL,
];

/// The family that a manifest names.
///
/// # Errors
/// `ErrorKind::NotOffered`, listing the families.
pub(crate) fn named(manifest: &Manifest) -> Result<&'static Family, Error> {
    let found = FAMILIES
        .iter()
        .find(|family| family.name == manifest.family);
    found.ok_or_else(|| {
        let known: Vec<&str> = FAMILIES.iter().map(|family| family.name).collect();
        let message = format!(
            "the model family {:?} is not known; this engine has {}",
            manifest.family,
            known.join(", ")
        );
        Error::new(ErrorKind::NotOffered, message)
    })
}

/// The tokenizers of a model.
pub(crate) enum Texts {
    /// The embedded family's own.
    Flow(Tokenizer),
    /// One for each text encoder.
    #[cfg(feature = "ort")]
    Folder(Vec<TextTokenizer>),
}

impl Texts {
    /// How many tokens a text takes, begin and end not counted.
    pub(crate) fn count(&self, text: &str) -> Result<usize, Error> {
        match self {
            Self::Flow(tokenizer) => Ok(tokenizer.encode(text).len()),
            #[cfg(feature = "ort")]
            Self::Folder(tokenizers) => {
                let mut most = 0;
                for tokenizer in tokenizers {
                    most = most.max(tokenizer.encode(text)?.len().saturating_sub(2));
                }
                Ok(most)
            }
        }
    }

    /// Refuses a text that does not fit.
    pub(crate) fn check(&self, text: &str, limit: usize) -> Result<(), Error> {
        match self {
            Self::Flow(tokenizer) => tokenizer.encode_padded(text, limit).map(drop),
            #[cfg(feature = "ort")]
            Self::Folder(tokenizers) => tokenizers
                .iter()
                .try_for_each(|tokenizer| tokenizer.encode_padded(text).map(drop)),
        }
    }
}

/// A picture's way into latents.
pub(crate) struct Encoded {
    /// The middle of what the encoder takes the picture for.
    pub(crate) mean: Vec<f32>,
    /// How far around it, where the encoder says so.
    pub(crate) deviation: Option<Vec<f32>>,
}

/// What drives the graphs of one model, for one thread.
pub(crate) trait Driver: Send {
    /// Takes a request before its first step: texts become conditions. The same texts again cost nothing.
    fn prepare(&mut self, request: &Request) -> Result<(), Error>;

    /// What the model says of a sample at a time, guided as the request wants.
    fn predict(&mut self, sample: &[f32], time: f32) -> Result<Vec<f32>, Error>;

    /// A latent as a picture.
    fn decode(&mut self, latent: &[f32]) -> Result<Picture, Error>;

    /// A picture as a latent: values of the size at work, channels first, from −1 to 1.
    ///
    /// # Errors
    /// `ErrorKind::NotOffered` for a model without an encoder.
    fn encode(&mut self, values: &[f32]) -> Result<Encoded, Error>;

    /// Whether a run may begin with a picture.
    fn takes_pictures(&self) -> bool;

    /// Whether the model reads a mask and the masked picture beside the sample.
    fn reads_masks(&self) -> bool {
        false
    }

    /// Whether the model was distilled to be told its guidance: its steps lie within a part of the noise, and none is left out.
    fn is_told_guidance(&self) -> bool {
        false
    }

    /// Gives the masked picture to a model that reads it.
    fn mask(&mut self, _mask: &[f32], _masked: &[f32]) {}
}
