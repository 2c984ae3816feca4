//! Latent consistency models (Luo et al. 2023): each step predicts the picture and puts noise on it again.

use super::config::{Config, Prediction};
use super::ddim::{alpha_at, noised};
use super::{Scheduler, mixed, predict, tables};
use crate::error::{Error, ErrorKind};

/// The share of data in the boundary condition.
const DATA: f32 = 0.5;

pub(super) struct Lcm {
    timesteps: Vec<f32>,
    /// Training steps between two distilled ones, and how many those are.
    every: usize,
    original: u32,
    alphas: Vec<f32>,
    first: f32,
    scaling: f32,
    prediction: Prediction,
    clip: Option<f32>,
}

/// The distilled steps that are taken, the largest first.
pub(super) fn distilled(config: &Config, steps: usize, original: u32) -> Vec<f32> {
    let every = config.train_steps as usize / original as usize;
    taken(every, steps, original as usize)
}

/// So many of the first `original` distilled steps, the largest first.
fn taken(every: usize, steps: usize, original: usize) -> Vec<f32> {
    let place = |at: usize| original - 1 - (at * original) / steps;
    (0..steps)
        .map(|at| ((place(at) + 1) * every - 1) as f32)
        .collect()
}

impl Lcm {
    pub(super) fn new(config: &Config, steps: usize, original: u32, scaling: f64) -> Self {
        let alphas = tables::alphas(config, false);
        Self {
            timesteps: distilled(config, steps, original),
            every: config.train_steps as usize / original as usize,
            original,
            first: if config.alpha_to_one { 1.0 } else { alphas[0] },
            scaling: scaling as f32,
            prediction: config.prediction,
            clip: config.clip,
            alphas,
        }
    }
}

impl Scheduler for Lcm {
    fn timesteps(&self) -> &[f32] {
        &self.timesteps
    }

    fn shorten(&mut self, strength_milli: u32) -> Result<bool, Error> {
        let (steps, original) = (self.timesteps.len(), self.original as usize);
        let within = original * strength_milli as usize / 1000;
        if within < steps {
            return Err(Error::new(
                ErrorKind::NotOffered,
                format!(
                    "init.strength_milli: {strength_milli} of {original} distilled steps are {within}, and {steps} are asked for"
                ),
            ));
        }
        self.timesteps = taken(self.every, steps, within);
        Ok(true)
    }

    fn draws(&self, run: usize) -> bool {
        run + 1 < self.timesteps.len()
    }

    fn step(&mut self, run: usize, output: &[f32], sample: &mut Vec<f32>, drawn: &[f32]) {
        let now = self.timesteps[run];
        let alpha = alpha_at(&self.alphas, self.first, now as i64);
        let roots = (alpha.sqrt(), (1.0 - alpha).sqrt());
        let mut picture = predict::picture(self.prediction, output, sample, roots);
        predict::clip(&mut picture, self.clip);
        let time = now * self.scaling;
        let square = time * time + DATA * DATA;
        let (skip, out) = (DATA * DATA / square, time / square.sqrt());
        let denoised = mixed((out, &picture), (skip, sample));
        *sample = match self.timesteps.get(run + 1) {
            None => denoised,
            Some(next) => {
                let alpha = alpha_at(&self.alphas, self.first, *next as i64);
                mixed((alpha.sqrt(), &denoised), ((1.0 - alpha).sqrt(), drawn))
            }
        };
    }

    fn noised(&self, run: usize, picture: &[f32], noise: &[f32]) -> Vec<f32> {
        let alpha = alpha_at(&self.alphas, self.first, self.timesteps[run] as i64);
        noised(alpha, picture, noise)
    }
}
