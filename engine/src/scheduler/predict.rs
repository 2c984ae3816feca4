//! What a model predicts, made into what a scheduler needs: the picture without noise, and the noise.
//!
//! The one rule: two roundings for every product and sum, in the written order.

use super::config::Prediction;

/// The picture that a prediction stands for, with `√ᾱ` and `√(1 − ᾱ)` of its step.
pub(super) fn picture(
    kind: Prediction,
    output: &[f32],
    sample: &[f32],
    (alpha, sigma): (f32, f32),
) -> Vec<f32> {
    let pairs = output.iter().zip(sample);
    match kind {
        Prediction::Epsilon => pairs.map(|(m, x)| (x - sigma * m) / alpha).collect(),
        Prediction::Velocity => pairs.map(|(m, x)| alpha * x - sigma * m).collect(),
        Prediction::Flow => pairs.map(|(m, x)| x - sigma * m).collect(),
        Prediction::Sample => output.to_vec(),
    }
}

/// The noise that a prediction stands for.
pub(super) fn noise(
    kind: Prediction,
    output: &[f32],
    sample: &[f32],
    picture: &[f32],
    (alpha, sigma): (f32, f32),
) -> Vec<f32> {
    let pairs = output.iter().zip(sample);
    match kind {
        Prediction::Velocity => pairs.map(|(m, x)| alpha * m + sigma * x).collect(),
        Prediction::Sample => picture
            .iter()
            .zip(sample)
            .map(|(p, x)| (x - alpha * p) / sigma)
            .collect(),
        Prediction::Epsilon | Prediction::Flow => output.to_vec(),
    }
}

/// The picture of a model that is told sigma instead of ᾱ (Karras et al. 2022).
pub(super) fn picture_by_sigma(
    kind: Prediction,
    output: &[f32],
    sample: &[f32],
    sigma: f32,
) -> Vec<f32> {
    let square = sigma * sigma + 1.0;
    let skip = -sigma / square.sqrt();
    let pairs = output.iter().zip(sample);
    match kind {
        Prediction::Epsilon | Prediction::Flow => pairs.map(|(m, x)| x - sigma * m).collect(),
        Prediction::Velocity => pairs.map(|(m, x)| m * skip + x / square).collect(),
        Prediction::Sample => output.to_vec(),
    }
}

/// Keeps a picture within its range, where the scheduler's configuration asks for it.
pub(super) fn clip(picture: &mut [f32], range: Option<f32>) {
    if let Some(range) = range {
        for value in picture {
            *value = value.clamp(-range, range);
        }
    }
}
