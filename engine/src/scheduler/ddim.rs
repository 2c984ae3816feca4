//! DDIM (Song, Meng and Ermon 2020, formulas 12 and 16).

use super::config::{Config, Prediction};
use super::{Scheduler, add, mixed, predict, tables};

pub(super) struct Ddim {
    timesteps: Vec<f32>,
    alphas: Vec<f32>,
    /// ᾱ before the first training step.
    first: f32,
    /// Training steps between two that are taken.
    stride: i64,
    eta: f32,
    prediction: Prediction,
    clip: Option<f32>,
}

impl Ddim {
    pub(super) fn new(config: &Config, steps: usize, eta: f64) -> Self {
        let alphas = tables::alphas(config, false);
        let taken = tables::timesteps(config, steps, true, false);
        Self {
            timesteps: taken.iter().map(|step| *step as f32).collect(),
            first: if config.alpha_to_one { 1.0 } else { alphas[0] },
            stride: (config.train_steps as usize / steps) as i64,
            eta: eta as f32,
            prediction: config.prediction,
            clip: config.clip,
            alphas,
        }
    }
}

/// ᾱ of a training step; `first` for one before the first.
pub(super) fn alpha_at(alphas: &[f32], first: f32, step: i64) -> f32 {
    match usize::try_from(step) {
        Ok(step) => alphas[step.min(alphas.len() - 1)],
        Err(_) => first,
    }
}

/// `√ᾱ·picture + √(1 − ᾱ)·noise`.
pub(super) fn noised(alpha: f32, picture: &[f32], noise: &[f32]) -> Vec<f32> {
    mixed((alpha.sqrt(), picture), ((1.0 - alpha).sqrt(), noise))
}

impl Scheduler for Ddim {
    fn timesteps(&self) -> &[f32] {
        &self.timesteps
    }

    fn draws(&self, _run: usize) -> bool {
        self.eta > 0.0
    }

    fn step(&mut self, run: usize, output: &[f32], sample: &mut Vec<f32>, drawn: &[f32]) {
        let now = self.timesteps[run] as i64;
        let alpha = alpha_at(&self.alphas, self.first, now);
        let next = alpha_at(&self.alphas, self.first, now - self.stride);
        let roots = (alpha.sqrt(), (1.0 - alpha).sqrt());
        let mut picture = predict::picture(self.prediction, output, sample, roots);
        let noise = predict::noise(self.prediction, output, sample, &picture, roots);
        predict::clip(&mut picture, self.clip);
        let variance = ((1.0 - next) / (1.0 - alpha)) * (1.0 - alpha / next);
        let deviation = self.eta * variance.sqrt();
        let direction = (1.0 - next - deviation * deviation).sqrt();
        *sample = mixed((next.sqrt(), &picture), (direction, &noise));
        add(sample, deviation, drawn);
    }

    fn noised(&self, run: usize, picture: &[f32], noise: &[f32]) -> Vec<f32> {
        let alpha = alpha_at(&self.alphas, self.first, self.timesteps[run] as i64);
        noised(alpha, picture, noise)
    }
}
