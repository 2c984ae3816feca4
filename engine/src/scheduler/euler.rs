//! Euler steps over sigmas (Karras et al. 2022), and the ancestral form, which steps further down and adds noise (k-diffusion).

use super::config::{Config, FinalSigma, Prediction, Spacing};
use super::{Scheduler, add, predict, tables};

pub(super) struct Euler {
    timesteps: Vec<f32>,
    sigmas: Vec<f32>,
    start_scale: f32,
    prediction: Prediction,
    ancestral: bool,
}

/// The sigmas and training steps of a run, as Euler and Heun take them: the ends of a spacing are those of the plain one.
pub(super) fn schedule(config: &Config, steps: usize) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
    let all = tables::all_sigmas(&tables::alphas(config, true));
    let taken = tables::timesteps(config, steps, false, false);
    let end = |at: Option<&f64>| at.map_or(1.0, |at| tables::between(&all, *at));
    let ends = (end(taken.first()), end(taken.last()));
    let (sigmas, taken) = tables::spaced(config, taken, &all, false, ends);
    let sigmas = sigmas.into_iter().map(|sigma| sigma as f32).collect();
    (
        sigmas,
        taken.into_iter().map(|step| step as f32).collect(),
        all,
    )
}

impl Euler {
    pub(super) fn new(config: &Config, steps: usize, ancestral: bool) -> Self {
        let (mut sigmas, timesteps, all) = schedule(config, steps);
        let largest = sigmas.iter().copied().fold(0.0, f32::max);
        sigmas.push(match config.final_sigma {
            FinalSigma::Least if !ancestral => all[0],
            _ => 0.0,
        });
        Self {
            start_scale: start_scale(config.spacing, largest),
            timesteps,
            sigmas,
            prediction: config.prediction,
            ancestral,
        }
    }
}

/// How strong the starting noise is.
pub(super) fn start_scale(spacing: Spacing, largest: f32) -> f32 {
    match spacing {
        Spacing::Linspace | Spacing::Trailing => largest,
        Spacing::Leading => (largest * largest + 1.0).sqrt(),
    }
}

/// A sample as the model takes it, which is told ᾱ and not sigma.
pub(super) fn scaled(sample: &[f32], sigma: f32) -> Vec<f32> {
    let scale = (sigma * sigma + 1.0).sqrt();
    sample.iter().map(|x| x / scale).collect()
}

/// `(sample − picture)/sigma`.
pub(super) fn derivative(sample: &[f32], picture: &[f32], sigma: f32) -> Vec<f32> {
    sample
        .iter()
        .zip(picture)
        .map(|(x, p)| (x - p) / sigma)
        .collect()
}

impl Scheduler for Euler {
    fn timesteps(&self) -> &[f32] {
        &self.timesteps
    }

    fn start_scale(&self) -> f32 {
        self.start_scale
    }

    fn input(&self, run: usize, sample: &[f32]) -> Vec<f32> {
        scaled(sample, self.sigmas[run])
    }

    fn draws(&self, _run: usize) -> bool {
        self.ancestral
    }

    fn step(&mut self, run: usize, output: &[f32], sample: &mut Vec<f32>, drawn: &[f32]) {
        let (sigma, next) = (self.sigmas[run], self.sigmas[run + 1]);
        let picture = predict::picture_by_sigma(self.prediction, output, sample, sigma);
        let direction = derivative(sample, &picture, sigma);
        if !self.ancestral {
            return add(sample, next - sigma, &direction);
        }
        let square = |value: f32| value * value;
        let up = (square(next) * (square(sigma) - square(next)) / square(sigma)).sqrt();
        let down = (square(next) - square(up)).sqrt();
        add(sample, down - sigma, &direction);
        add(sample, up, drawn);
    }

    fn noised(&self, run: usize, picture: &[f32], noise: &[f32]) -> Vec<f32> {
        let mut sample = picture.to_vec();
        add(&mut sample, self.sigmas[run], noise);
        sample
    }
}
