//! Pseudo numerical methods (Liu et al. 2022, formulas 9, 12 and 13): four steps of Runge-Kutta unless they are skipped, then a linear
//! multistep method over the last four outputs.

use super::config::{Config, Prediction};
use super::ddim::{alpha_at, noised};
use super::{Scheduler, add};
use std::collections::VecDeque;

pub(super) struct Pndm {
    timesteps: Vec<f32>,
    /// Runs of the Runge-Kutta part.
    first_part: usize,
    alphas: Vec<f32>,
    first: f32,
    stride: i64,
    velocity: bool,
    skips: bool,
    /// The run that is the first.
    begin: usize,
    /// The last outputs, the newest behind.
    outputs: VecDeque<Vec<f32>>,
    /// The sample at which a step of several runs began.
    begun: Option<Vec<f32>>,
    /// The weighed outputs of such a step.
    sum: Vec<f32>,
}

const ORDER: usize = 4;

impl Pndm {
    pub(super) fn new(config: &Config, steps: usize, skips: bool) -> Self {
        let alphas = super::tables::alphas(config, false);
        let mut rising = super::tables::timesteps(config, steps, true, false);
        rising.reverse();
        let stride = config.train_steps as usize / steps;
        let (begun, rest) = match skips {
            true => (Vec::new(), repeated(&rising)),
            false => runge_kutta(&rising, stride / 2),
        };
        let timesteps = begun.iter().chain(&rest).map(|step| *step as f32);
        Self {
            timesteps: timesteps.collect(),
            first_part: begun.len(),
            first: if config.alpha_to_one { 1.0 } else { alphas[0] },
            stride: stride as i64,
            velocity: config.prediction == Prediction::Velocity,
            skips,
            begin: 0,
            outputs: VecDeque::new(),
            begun: None,
            sum: Vec::new(),
            alphas,
        }
    }

    /// Formula 9: from one training step to another along a noise.
    fn moved(&self, sample: &[f32], now: i64, next: i64, output: &[f32]) -> Vec<f32> {
        let alpha = alpha_at(&self.alphas, self.first, now);
        let after = alpha_at(&self.alphas, self.first, next);
        let (beta, beta_after) = (1.0 - alpha, 1.0 - after);
        let (root, root_beta) = (alpha.sqrt(), beta.sqrt());
        let keep = (after / alpha).sqrt();
        let below = alpha * beta_after.sqrt() + (alpha * beta * after).sqrt();
        let share = after - alpha;
        let pairs = sample.iter().zip(output);
        pairs
            .map(|(x, m)| {
                let noise = if self.velocity {
                    root * m + root_beta * x
                } else {
                    *m
                };
                keep * x - share * noise / below
            })
            .collect()
    }

    fn runge_kutta_step(&mut self, run: usize, output: &[f32], sample: &mut Vec<f32>) {
        let half = if run % 2 == 1 { 0 } else { self.stride / 2 };
        let next = self.timesteps[run] as i64 - half;
        let now = self.timesteps[run / ORDER * ORDER] as i64;
        let output = match run % ORDER {
            0 => {
                self.sum = vec![0.0; output.len()];
                add(&mut self.sum, (1.0f64 / 6.0) as f32, output);
                self.outputs.push_back(output.to_vec());
                self.begun = Some(sample.clone());
                output.to_vec()
            }
            1 | 2 => {
                add(&mut self.sum, (1.0f64 / 3.0) as f32, output);
                output.to_vec()
            }
            _ => {
                let mut sum = std::mem::take(&mut self.sum);
                add(&mut sum, (1.0f64 / 6.0) as f32, output);
                sum
            }
        };
        let begun = self.begun.clone().unwrap_or_else(|| sample.clone());
        *sample = self.moved(&begun, now, next, &output);
    }

    fn multistep(&mut self, run: usize, output: &[f32], sample: &mut Vec<f32>) {
        let (mut now, mut next) = (
            self.timesteps[run] as i64,
            self.timesteps[run] as i64 - self.stride,
        );
        // Where Runge-Kutta is skipped the second run corrects the first step.
        let corrects = self.skips && run == self.begin + 1;
        if corrects {
            (now, next) = (now + self.stride, now);
        } else {
            while self.outputs.len() >= ORDER {
                self.outputs.pop_front();
            }
            self.outputs.push_back(output.to_vec());
        }
        let known: Vec<&Vec<f32>> = self.outputs.iter().rev().collect();
        let joined = match known[..] {
            [only] if corrects => weighed(&[(1.0, output), (1.0, only)], |sum| sum / 2.0),
            [only] => only.clone(),
            [a, b] => weighed(&[(3.0, a), (-1.0, b)], |sum| sum / 2.0),
            [a, b, c] => weighed(&[(23.0, a), (-16.0, b), (5.0, c)], |sum| sum / 12.0),
            [a, b, c, d, ..] => {
                let twenty_fourth = (1.0f64 / 24.0) as f32;
                weighed(&[(55.0, a), (-59.0, b), (37.0, c), (-9.0, d)], |sum| {
                    twenty_fourth * sum
                })
            }
            [] => output.to_vec(),
        };
        let from = match (corrects, self.skips && run == self.begin) {
            (true, _) => self.begun.take().unwrap_or_else(|| sample.clone()),
            (false, true) => {
                self.begun = Some(sample.clone());
                sample.clone()
            }
            (false, false) => sample.clone(),
        };
        *sample = self.moved(&from, now, next, &joined);
    }
}

/// The steps of the multistep part where Runge-Kutta is skipped: the last but one twice.
fn repeated(rising: &[f64]) -> Vec<f64> {
    let falling = rising.iter().rev().copied();
    match rising.len() {
        0 | 1 => falling.collect(),
        _ => {
            let mut steps: Vec<f64> = falling.collect();
            steps.insert(1, steps[1]);
            steps
        }
    }
}

/// The steps of both parts: each of four steps of Runge-Kutta runs the model four times.
fn runge_kutta(rising: &[f64], half: usize) -> (Vec<f64>, Vec<f64>) {
    let last = &rising[rising.len() - ORDER..];
    let both: Vec<f64> = last
        .iter()
        .flat_map(|step| [*step, step + half as f64])
        .collect();
    let twice: Vec<f64> = both[..both.len() - 1]
        .iter()
        .flat_map(|step| [*step, *step])
        .collect();
    let mut begun = twice[1..twice.len() - 1].to_vec();
    begun.reverse();
    let rest = rising[..rising.len() - (ORDER - 1)]
        .iter()
        .rev()
        .copied()
        .collect();
    (begun, rest)
}

fn weighed(parts: &[(f32, &[f32])], last: impl Fn(f32) -> f32) -> Vec<f32> {
    let length = parts.first().map_or(0, |(_, values)| values.len());
    let value = |at: usize| {
        let mut parts = parts.iter().map(|(weight, values)| weight * values[at]);
        let first = parts.next().unwrap_or(0.0);
        last(parts.fold(first, |sum, part| sum + part))
    };
    (0..length).map(value).collect()
}

impl Scheduler for Pndm {
    fn timesteps(&self) -> &[f32] {
        &self.timesteps
    }

    fn begin(&mut self, step: usize) -> usize {
        self.begin = step;
        step
    }

    fn step(&mut self, run: usize, output: &[f32], sample: &mut Vec<f32>, _drawn: &[f32]) {
        match run < self.first_part {
            true => self.runge_kutta_step(run, output, sample),
            false => self.multistep(run, output, sample),
        }
    }

    fn noised(&self, run: usize, picture: &[f32], noise: &[f32]) -> Vec<f32> {
        let alpha = alpha_at(&self.alphas, self.first, self.timesteps[run] as i64);
        noised(alpha, picture, noise)
    }
}
