//! Rectified flow: straight paths from noise to a picture, as the embedded model takes them and as Stable Diffusion 3 does; and what models
//! are told beside the sample.

use super::config::{Config, Prediction};
use super::{predict, tables};

/// The noise shares of a run: `steps + 1` values from 1 (noise) to 0 (picture).
#[must_use]
pub fn sigmas(shift_milli: u32, steps: u32) -> Vec<f32> {
    let shift = f64::from(shift_milli) / 1000.0;
    (0..=steps)
        .map(|step| {
            let sigma = 1.0 - f64::from(step) / f64::from(steps);
            (shift * sigma / (1.0 + (shift - 1.0) * sigma)) as f32
        })
        .collect()
}

/// One Euler step of rectified flow: `x + (σ' − σ)·v`, two roundings each.
pub fn euler_step(sample: &mut [f32], velocity: &[f32], sigma: f32, next: f32) {
    let delta = next - sigma;
    for (x, v) in sample.iter_mut().zip(velocity) {
        *x += delta * v;
    }
}

/// Euler steps over the noise shares of [`sigmas`], which are the times that the embedded family is told.
pub(super) struct FlowEuler {
    sigmas: Vec<f32>,
}

impl FlowEuler {
    pub(super) fn new(shift_milli: u32, steps: u32) -> Self {
        let sigmas = sigmas(shift_milli, steps);
        Self { sigmas }
    }
}

impl super::Scheduler for FlowEuler {
    fn timesteps(&self) -> &[f32] {
        &self.sigmas[..self.sigmas.len() - 1]
    }

    fn step(&mut self, run: usize, output: &[f32], sample: &mut Vec<f32>, _drawn: &[f32]) {
        euler_step(sample, output, self.sigmas[run], self.sigmas[run + 1]);
    }

    fn noised(&self, run: usize, picture: &[f32], noise: &[f32]) -> Vec<f32> {
        let sigma = self.sigmas[run];
        super::mixed((sigma, noise), (1.0 - sigma, picture))
    }
}

/// Guidance: `u + w·(c − u)`; off at w of 1 and below.
pub fn guide(unconditional: &mut [f32], conditional: &[f32], weight: f32) {
    for (u, c) in unconditional.iter_mut().zip(conditional) {
        *u += weight * (c - *u);
    }
}

/// Sinusoidal features of one time: sines, then cosines, of `1000·t` at falling frequencies.
#[must_use]
pub fn time_features(sigma: f32, count: usize) -> Vec<f32> {
    let half = count / 2;
    let angle = |index: usize| {
        let frequency = libm::exp(-libm::log(10_000.0) * index as f64 / half as f64);
        f64::from(sigma) * 1000.0 * frequency
    };
    let sines = (0..half).map(|index| libm::sin(angle(index)) as f32);
    let cosines = (0..half).map(|index| libm::cos(angle(index)) as f32);
    sines.chain(cosines).collect()
}

/// Rectified flow as Stable Diffusion 3 takes it: its times are shifted, and the least of them is that of the shifted training steps, which
/// are then shifted once more.
pub(super) struct FlowMatchEuler {
    timesteps: Vec<f32>,
    sigmas: Vec<f32>,
    stochastic: bool,
}

impl FlowMatchEuler {
    pub(super) fn new(config: &Config, steps: usize, shift: f64, stochastic: bool) -> Self {
        let train = f64::from(config.train_steps);
        let shifted = |sigma: f64| shift * sigma / (1.0 + (shift - 1.0) * sigma);
        let ends = (shifted(1.0), shifted(1.0 / train));
        let plain = tables::linspace(ends.0 * train, ends.1 * train, steps);
        let taken: Vec<f64> = plain
            .into_iter()
            .map(|time| shifted(time / train))
            .collect();
        let ends = (
            taken.first().copied().unwrap_or(1.0),
            taken.last().copied().unwrap_or(1.0),
        );
        let taken = match config.sigmas {
            super::config::Sigmas::Plain => taken,
            _ => tables::spaced(config, taken, &[1.0, 2.0], false, ends).0,
        };
        let mut sigmas: Vec<f32> = taken.into_iter().map(|sigma| sigma as f32).collect();
        let timesteps = sigmas.iter().map(|sigma| sigma * train as f32).collect();
        sigmas.push(0.0);
        Self {
            timesteps,
            sigmas,
            stochastic,
        }
    }
}

impl super::Scheduler for FlowMatchEuler {
    fn timesteps(&self) -> &[f32] {
        &self.timesteps
    }

    fn draws(&self, _run: usize) -> bool {
        self.stochastic
    }

    fn step(&mut self, run: usize, output: &[f32], sample: &mut Vec<f32>, drawn: &[f32]) {
        let (sigma, next) = (self.sigmas[run], self.sigmas[run + 1]);
        if !self.stochastic {
            return euler_step(sample, output, sigma, next);
        }
        let picture = predict::picture_by_sigma(Prediction::Flow, output, sample, sigma);
        *sample = super::mixed((1.0 - next, &picture), (next, drawn));
    }

    fn noised(&self, run: usize, picture: &[f32], noise: &[f32]) -> Vec<f32> {
        let sigma = self.sigmas[run];
        super::mixed((sigma, noise), (1.0 - sigma, picture))
    }
}
