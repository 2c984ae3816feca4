//! DPM-Solver++ (Lu et al. 2022) of one to three steps, and its SDE form.
//!
//! Notation of the paper: λ is half the logarithm of the signal-to-noise ratio, h how far it moves in a step, D the differences of predicted
//! pictures.

use super::config::{Config, FinalSigma, Kind, Prediction};
use super::{Scheduler, add, mixed, predict, tables};

pub(super) struct Dpm {
    timesteps: Vec<f32>,
    points: Vec<Point>,
    prediction: Prediction,
    order: usize,
    stochastic: bool,
    midpoint: bool,
    lower_order_final: bool,
    euler_at_final: bool,
    ends_in_zero: bool,
    /// The last predicted pictures, the newest first.
    pictures: Vec<Vec<f32>>,
}

/// A noise level: √ᾱ, √(1 − ᾱ), and λ.
#[derive(Clone, Copy)]
pub(super) struct Point {
    pub(super) alpha: f32,
    pub(super) sigma: f32,
    pub(super) lambda: f32,
}

impl Point {
    fn of(sigma: f32) -> Self {
        let alpha = 1.0 / (sigma * sigma + 1.0).sqrt();
        let log = |value: f32| libm::log(f64::from(value)) as f32;
        let noise = sigma * alpha;
        Self {
            alpha,
            sigma: noise,
            lambda: log(alpha) - log(noise),
        }
    }
}

/// The training steps and noise levels of a multistep solver. Its spacing of sigmas has the ends of the whole table.
pub(super) fn schedule(
    config: &Config,
    steps: usize,
    whole_karras: bool,
) -> (Vec<f32>, Vec<Point>) {
    let all = tables::all_sigmas(&tables::alphas(config, true));
    let taken = tables::timesteps(config, steps, true, true);
    let ends = (f64::from(all[all.len() - 1]), f64::from(all[0]));
    let (sigmas, taken) = tables::spaced(config, taken, &all, whole_karras, ends);
    let last = match config.final_sigma {
        FinalSigma::Zero => 0.0,
        FinalSigma::Least => all[0],
    };
    let sigmas = sigmas.into_iter().map(|sigma| sigma as f32);
    let points = sigmas.chain([last]).map(Point::of).collect();
    // The model is told whole steps.
    let taken = taken.into_iter().map(|step| step.trunc() as f32).collect();
    (taken, points)
}

/// `e^value − 1` as the difference of two roundings.
fn grown(value: f32) -> f32 {
    libm::exp(f64::from(value)) as f32 - 1.0
}

impl Dpm {
    pub(super) fn new(config: &Config, steps: usize) -> Self {
        let (timesteps, points) = schedule(
            config,
            steps,
            config.betas.schedule != super::config::BetaSchedule::Cosine,
        );
        let (order, stochastic, midpoint, lower_order_final, euler_at_final) = match config.kind {
            Kind::Dpm {
                order,
                stochastic,
                midpoint,
                lower_order_final,
                euler_at_final,
            } => (
                order as usize,
                stochastic,
                midpoint,
                lower_order_final,
                euler_at_final,
            ),
            _ => (1, false, true, true, false),
        };
        Self {
            timesteps,
            points,
            prediction: config.prediction,
            order,
            stochastic,
            midpoint,
            lower_order_final,
            euler_at_final,
            ends_in_zero: config.final_sigma == FinalSigma::Zero,
            pictures: Vec::new(),
        }
    }

    /// How many steps are joined at a run.
    fn order_at(&self, run: usize) -> usize {
        let count = self.timesteps.len();
        let few = self.lower_order_final && count < 15;
        let last = run + 1 == count && (self.euler_at_final || few || self.ends_in_zero);
        if last {
            return 1;
        }
        let most = if run + 2 == count && few {
            2
        } else {
            self.order
        };
        self.order.min(most).min(self.pictures.len())
    }

    /// `(m₀ − m₁)/r` of the newest pictures, by how far apart they lie, for each pair that the order takes.
    fn differences(&self, run: usize, order: usize, h: f32) -> Vec<(f32, Vec<f32>)> {
        (1..order)
            .map(|back| {
                let (newer, older) = (self.points[run + 1 - back], self.points[run - back]);
                let ratio = (newer.lambda - older.lambda) / h;
                let scale = 1.0 / ratio;
                let pairs = self.pictures[back - 1].iter().zip(&self.pictures[back]);
                (ratio, pairs.map(|(a, b)| scale * (a - b)).collect())
            })
            .collect()
    }
}

impl Scheduler for Dpm {
    fn timesteps(&self) -> &[f32] {
        &self.timesteps
    }

    fn draws(&self, _run: usize) -> bool {
        self.stochastic
    }

    fn step(&mut self, run: usize, output: &[f32], sample: &mut Vec<f32>, drawn: &[f32]) {
        let (from, to) = (self.points[run], self.points[run + 1]);
        let picture = predict::picture(self.prediction, output, sample, (from.alpha, from.sigma));
        self.pictures.insert(0, picture);
        self.pictures.truncate(self.order.max(1));
        let order = self.order_at(run);
        let h = to.lambda - from.lambda;
        let differences = self.differences(run, order, h);
        // With noise the step is twice as long in λ, and as much noise comes in as goes out.
        let (keep, twice) = match self.stochastic {
            false => (to.sigma / from.sigma, h),
            true => (
                to.sigma / from.sigma * libm::exp(f64::from(-h)) as f32,
                2.0 * h,
            ),
        };
        let gone = grown(-twice);
        let weight = to.alpha * gone;
        let mut next = mixed((keep, sample), (-weight, &self.pictures[0]));
        let slope = to.alpha * (gone / twice + 1.0);
        match &differences[..] {
            [] => {}
            [(_, first)] if self.midpoint => add(&mut next, -0.5 * weight, first),
            [(_, first)] => add(
                &mut next,
                if self.stochastic {
                    to.alpha * (-gone / -twice + 1.0)
                } else {
                    slope
                },
                first,
            ),
            [(r0, first), (r1, second), ..] => {
                let span = r0 + r1;
                let bend: Vec<f32> = first.iter().zip(second).map(|(a, b)| a - b).collect();
                let share = r0 / span;
                let d1: Vec<f32> = first
                    .iter()
                    .zip(&bend)
                    .map(|(a, b)| a + share * b)
                    .collect();
                let d2: Vec<f32> = bend.iter().map(|b| 1.0 / span * b).collect();
                let curve = match self.stochastic {
                    false => -to.alpha * ((gone + twice) / (twice * twice) - 0.5),
                    true => to.alpha * ((-gone - twice) / (twice * twice) - 0.5),
                };
                add(&mut next, slope, &d1);
                add(&mut next, curve, &d2);
            }
        }
        if self.stochastic {
            add(&mut next, to.sigma * (-gone).sqrt(), drawn);
        }
        *sample = next;
    }

    fn noised(&self, run: usize, picture: &[f32], noise: &[f32]) -> Vec<f32> {
        let point = self.points[run];
        mixed((point.alpha, picture), (point.sigma, noise))
    }
}
