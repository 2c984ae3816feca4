//! Heun steps over sigmas (Karras et al. 2022, algorithm 1 without churn): the model is run twice a step, and once at the last.

use super::config::{Config, Prediction};
use super::{Scheduler, add, euler, predict};

pub(super) struct Heun {
    timesteps: Vec<f32>,
    /// One for each run, and none behind the last.
    sigmas: Vec<f32>,
    start_scale: f32,
    prediction: Prediction,
    clip: Option<f32>,
    /// What the first half of a step leaves for the second: the direction, and the sample before.
    half: Option<(Vec<f32>, Vec<f32>)>,
}

/// The first once, the others twice.
fn doubled(values: &[f32]) -> Vec<f32> {
    let rest = values.iter().skip(1).flat_map(|value| [*value, *value]);
    values.iter().take(1).copied().chain(rest).collect()
}

impl Heun {
    pub(super) fn new(config: &Config, steps: usize) -> Self {
        let (sigmas, timesteps, _) = euler::schedule(config, steps);
        let largest = sigmas.iter().copied().fold(0.0, f32::max);
        let mut sigmas = doubled(&sigmas);
        sigmas.push(0.0);
        Self {
            start_scale: euler::start_scale(config.spacing, largest),
            timesteps: doubled(&timesteps),
            sigmas,
            prediction: config.prediction,
            clip: config.clip,
            half: None,
        }
    }
}

impl Scheduler for Heun {
    fn timesteps(&self) -> &[f32] {
        &self.timesteps
    }

    /// Two runs a step but for the last: a late start skips the pairs.
    fn begin(&mut self, step: usize) -> usize {
        step * 2
    }

    fn start_scale(&self) -> f32 {
        self.start_scale
    }

    fn input(&self, run: usize, sample: &[f32]) -> Vec<f32> {
        euler::scaled(sample, self.sigmas[run])
    }

    fn step(&mut self, run: usize, output: &[f32], sample: &mut Vec<f32>, _drawn: &[f32]) {
        let sigma = self.sigmas[run];
        let mut picture = predict::picture_by_sigma(self.prediction, output, sample, sigma);
        predict::clip(&mut picture, self.clip);
        let direction = euler::derivative(sample, &picture, sigma);
        match self.half.take() {
            None => {
                let next = self.sigmas[run + 1];
                let before = sample.clone();
                add(sample, next - sigma, &direction);
                self.half = Some((direction, before));
            }
            Some((first, before)) => {
                let pairs = first.iter().zip(&direction);
                let mean: Vec<f32> = pairs.map(|(a, b)| (a + b) / 2.0).collect();
                let step = sigma - self.sigmas[run - 1];
                *sample = before;
                add(sample, step, &mean);
            }
        }
    }

    fn noised(&self, run: usize, picture: &[f32], noise: &[f32]) -> Vec<f32> {
        let mut sample = picture.to_vec();
        add(&mut sample, self.sigmas[run], noise);
        sample
    }
}
