//! What the UNet is told beside the sample: texts, sizes, guidance.
//!
//! The one rule: f32 in a fixed order, functions of the crate `libm` in f64 and rounded once.

use super::parts;
use crate::component::Component;
use crate::error::{Error, ErrorKind};
use crate::executor::Executor;
use crate::family::Texts;
use crate::graph::tensor::{Data, Tensor};
use crate::model::{Model, Size, TextEncoder};
use crate::text::{self, TextTokenizer, WeightedTokens};
use schema::recipe::PromptWeights;

/// A text with what changes how it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) text: String,
    pub(super) clip_skip: u32,
    pub(super) weights: Option<PromptWeights>,
}

/// A text as the UNet reads it.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub(super) hidden: Tensor,
    pub(super) pooled: Option<Tensor>,
}

impl Default for Condition {
    fn default() -> Self {
        Self {
            hidden: Tensor::integers(Vec::new()),
            pooled: None,
        }
    }
}

impl Condition {
    /// No text at all, in the same shape.
    pub(super) fn zeroed(&self) -> Self {
        let zeros = |tensor: &Tensor| Tensor {
            shape: tensor.shape.clone(),
            data: Data::Floats(vec![0.0; tensor.len()]),
        };
        Self {
            hidden: zeros(&self.hidden),
            pooled: self.pooled.as_ref().map(zeros),
        }
    }
}

/// Runs every text encoder of a model; their outputs lie side by side for each token.
pub(super) fn encode(
    model: &Model,
    executor: &dyn Executor,
    opened: &mut Vec<(String, Component)>,
    asked: &Asked,
) -> Result<Condition, Error> {
    let Texts::Folder(tokenizers) = &model.texts else {
        return Err(Error::new(ErrorKind::Malformed, "another family's texts"));
    };
    let mut made = Vec::new();
    let mut pooled = None;
    let encoders = &parts(&model.manifest)?.text;
    for (encoder, tokenizer) in encoders.iter().zip(tokenizers) {
        let layer = encoder
            .layers
            .get(asked.clip_skip as usize)
            .ok_or_else(|| {
                let most = encoder.layers.len().saturating_sub(1);
                let message = format!(
                    "clip_skip: {} layers are left out, this model offers {most} at most",
                    asked.clip_skip
                );
                Error::new(ErrorKind::NotOffered, message)
            })?;
        let place = match opened.iter().position(|(known, _)| *known == layer.graph) {
            Some(place) => place,
            None => {
                let component = Component::open(model, executor, &layer.graph)?;
                opened.push((layer.graph.clone(), component));
                opened.len() - 1
            }
        };
        let component = &mut opened[place].1;
        let (hidden, whole) = run(component, encoder, &layer.output, tokenizer, asked)?;
        made.push((encoder.width as usize, hidden));
        pooled = whole.or(pooled);
    }
    let tokens = encoders
        .first()
        .map_or(0, |encoder| encoder.tokens as usize);
    let width: usize = made.iter().map(|(width, _)| width).sum();
    let mut hidden = Vec::with_capacity(tokens * width);
    for token in 0..tokens {
        for (width, values) in &made {
            hidden.extend_from_slice(&values[token * width..(token + 1) * width]);
        }
    }
    Ok(Condition {
        hidden: Tensor::floats(&[1, tokens, width], hidden)?,
        pooled,
    })
}

fn run(
    component: &mut Component,
    encoder: &TextEncoder,
    output: &str,
    tokenizer: &TextTokenizer,
    asked: &Asked,
) -> Result<(Vec<f32>, Option<Tensor>), Error> {
    let (ids, mask, weights) = match asked.weights {
        Some(PromptWeights::A1111) => {
            let weighted = WeightedTokens::encode(tokenizer, &asked.text)?;
            (weighted.ids, weighted.mask, Some(weighted.weights))
        }
        None => {
            let padded = tokenizer.encode_masked(&asked.text)?;
            (padded.ids, padded.mask, None)
        }
    };
    let row = |values: Vec<i64>| Tensor::new(vec![1, values.len()], Data::Integers(values));
    let (ids, mask) = (row(ids)?, row(mask)?);
    let wanted: Vec<&str> = std::iter::once(output)
        .chain(encoder.pooled.as_deref())
        .collect();
    let given = [("input_ids", &ids), ("attention_mask", &mask)];
    let mut made = component.run(&given, &wanted)?;
    let pooled = match encoder.pooled {
        Some(_) => {
            let values = made.pop().unwrap_or_default();
            Some(Tensor::floats(&[1, values.len()], values)?)
        }
        None => None,
    };
    let mut hidden = made.pop().unwrap_or_default();
    let size = encoder.tokens as usize * encoder.width as usize;
    if hidden.len() != size {
        let message = format!("a text encoder made {} values, {size} belong", hidden.len());
        return Err(Error::new(ErrorKind::Runtime, message));
    }
    if let Some(weights) = weights {
        text::apply(&mut hidden, encoder.width as usize, &weights)?;
    }
    Ok((hidden, pooled))
}

/// SDXL's sizes: that of the picture twice, and a crop of nothing between.
pub(super) fn time_ids(size: Size) -> Result<Tensor, Error> {
    let (width, height) = (size.width as f32, size.height as f32);
    Tensor::floats(&[1, 6], vec![height, width, 0.0, 0.0, height, width])
}

/// The guidance of a distilled model as sines and cosines of `1000·(w − 1)` (Luo et al. 2023).
pub(super) fn guidance_features(weight: f32, width: usize) -> Result<Tensor, Error> {
    let half = width / 2;
    let step = (libm::log(10_000.0) / (half.max(2) - 1) as f64) as f32;
    let scaled = (weight - 1.0) * 1000.0;
    let angle = |at: usize| {
        let frequency = libm::exp(f64::from(at as f32 * -step)) as f32;
        f64::from(scaled * frequency)
    };
    let sines = (0..half).map(|at| libm::sin(angle(at)) as f32);
    let cosines = (0..half).map(|at| libm::cos(angle(at)) as f32);
    let mut values: Vec<f32> = sines.chain(cosines).collect();
    values.resize(width, 0.0);
    Tensor::floats(&[1, width], values)
}

/// Brings the spread of a guided prediction back towards that of the wanted one (Lin et al. 2023, section 3.4).
pub(super) fn rescale(guided: &mut [f32], wanted: &[f32], share: f32) {
    let factor = (spread(wanted) / spread(guided)) as f32;
    if !factor.is_finite() {
        return;
    }
    for value in guided {
        *value = share * (*value * factor) + (1.0 - share) * *value;
    }
}

/// The standard deviation of a sample, summed in f64 in the order of the values.
fn spread(values: &[f32]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
    let squares = values.iter().map(|value| {
        let off = f64::from(*value) - mean;
        off * off
    });
    libm::sqrt(squares.sum::<f64>() / (count - 1.0).max(1.0))
}
