//! Trajectory consistency distillation (Zheng et al. 2024): a step lands below the next one and noise leads back up to it.

use super::config::{Config, Prediction};
use super::ddim::{alpha_at, noised};
use super::lcm::distilled;
use super::{Scheduler, mixed, predict, tables};

pub(super) struct Tcd {
    timesteps: Vec<f32>,
    alphas: Vec<f32>,
    first: f32,
    eta: f32,
    prediction: Prediction,
}

impl Tcd {
    pub(super) fn new(config: &Config, steps: usize, original: u32, eta: f64) -> Self {
        let alphas = tables::alphas(config, false);
        Self {
            timesteps: distilled(config, steps, original),
            first: if config.alpha_to_one { 1.0 } else { alphas[0] },
            eta: eta as f32,
            prediction: config.prediction,
            alphas,
        }
    }
}

impl Scheduler for Tcd {
    fn timesteps(&self) -> &[f32] {
        &self.timesteps
    }

    fn draws(&self, run: usize) -> bool {
        self.eta > 0.0 && run + 1 < self.timesteps.len()
    }

    fn step(&mut self, run: usize, output: &[f32], sample: &mut Vec<f32>, drawn: &[f32]) {
        let at = |step: i64| alpha_at(&self.alphas, self.first, step);
        let next = self.timesteps.get(run + 1).copied().unwrap_or(0.0);
        let below = ((1.0 - self.eta) * next).floor() as i64;
        let (alpha, landed, next) = (at(self.timesteps[run] as i64), at(below), at(next as i64));
        let roots = (alpha.sqrt(), (1.0 - alpha).sqrt());
        let picture = predict::picture(self.prediction, output, sample, roots);
        let noise = predict::noise(self.prediction, output, sample, &picture, roots);
        let under = mixed((landed.sqrt(), &picture), ((1.0 - landed).sqrt(), &noise));
        *sample = match self.draws(run) {
            false => under,
            true => {
                let ratio = next / landed;
                mixed((ratio.sqrt(), &under), ((1.0 - ratio).sqrt(), drawn))
            }
        };
    }

    fn noised(&self, run: usize, picture: &[f32], noise: &[f32]) -> Vec<f32> {
        let alpha = alpha_at(&self.alphas, self.first, self.timesteps[run] as i64);
        noised(alpha, picture, noise)
    }
}
