//! `UniPC` (Zhao et al. 2023): a predictor, and a corrector that uses the next run's output for the step before.

use super::config::{Config, Kind, Prediction};
use super::dpm::{self, Point};
use super::{Scheduler, add, mixed, predict};

pub(super) struct UniPc {
    timesteps: Vec<f32>,
    points: Vec<Point>,
    prediction: Prediction,
    order: usize,
    /// B₁(h) = h of the paper, else B₂(h) = e^h − 1.
    first: bool,
    lower_order_final: bool,
    corrects_from: usize,
    /// The last predicted pictures, the newest first.
    pictures: Vec<Vec<f32>>,
    /// The sample and the order of the step before.
    before: Option<(Vec<f32>, usize)>,
}

/// What predictor and corrector share: ratios of λ to the older pictures, `h·φ₁`, `B(h)`, and the right sides of the system for ρ.
struct System {
    ratios: Vec<f32>,
    phi: f32,
    b: f32,
    sides: Vec<f32>,
}

impl UniPc {
    pub(super) fn new(config: &Config, steps: usize) -> Self {
        let (timesteps, points) = dpm::schedule(config, steps, true);
        let (order, first, lower_order_final, corrects_from) = match config.kind {
            Kind::UniPc {
                order,
                first,
                lower_order_final,
                corrects_from,
            } => (
                order as usize,
                first,
                lower_order_final,
                corrects_from as usize,
            ),
            _ => (1, false, true, 0),
        };
        Self {
            timesteps,
            points,
            prediction: config.prediction,
            order,
            first,
            lower_order_final,
            corrects_from,
            pictures: Vec::new(),
            before: None,
        }
    }

    /// The system of a step between two points; `older` are the points of the older pictures.
    fn system(&self, from: Point, to: Point, older: &[Point]) -> System {
        let h = to.lambda - from.lambda;
        let back = -h;
        let phi = libm::expm1(f64::from(back)) as f32;
        let b = if self.first { back } else { phi };
        let ratio = |point: &Point| (point.lambda - from.lambda) / h;
        let mut ratios: Vec<f32> = older.iter().map(ratio).collect();
        ratios.push(1.0);
        let (mut sides, mut next, mut factorial) = (Vec::new(), phi / back - 1.0, 1.0f32);
        for at in 1..=ratios.len() {
            sides.push(next * factorial / b);
            factorial *= at as f32 + 1.0;
            next = next / back - 1.0 / factorial;
        }
        System {
            ratios,
            phi,
            b,
            sides,
        }
    }

    /// `(mᵢ − m₀)/rᵢ` of the older pictures.
    fn differences(&self, ratios: &[f32], count: usize) -> Vec<Vec<f32>> {
        let newest = &self.pictures[0];
        (1..=count)
            .map(|back| {
                let pairs = self.pictures[back].iter().zip(newest);
                pairs
                    .map(|(m, newest)| (m - newest) / ratios[back - 1])
                    .collect()
            })
            .collect()
    }

    fn older(&self, run: usize, count: usize) -> Vec<Point> {
        (1..=count).map(|back| self.points[run - back]).collect()
    }

    /// The sample at a run, with what the model says there.
    fn corrected(&self, run: usize, picture: &[f32], before: &[f32], order: usize) -> Vec<f32> {
        let (from, to) = (self.points[run - 1], self.points[run]);
        let system = self.system(from, to, &self.older(run - 1, order - 1));
        let weights = match order {
            1 => vec![0.5],
            _ => solved(&system.ratios, &system.sides),
        };
        let mut sum = vec![0.0; picture.len()];
        let differences = self.differences(&system.ratios, order - 1);
        for (weight, difference) in weights.iter().zip(&differences) {
            add(&mut sum, *weight, difference);
        }
        let newest = picture.iter().zip(&self.pictures[0]);
        let newest: Vec<f32> = newest.map(|(now, before)| now - before).collect();
        add(&mut sum, weights[order - 1], &newest);
        self.joined(from, to, &system, before, &sum)
    }

    fn joined(
        &self,
        from: Point,
        to: Point,
        system: &System,
        sample: &[f32],
        sum: &[f32],
    ) -> Vec<f32> {
        let keep = to.sigma / from.sigma;
        let mut next = mixed(
            (keep, sample),
            (-(to.alpha * system.phi), &self.pictures[0]),
        );
        add(&mut next, -(to.alpha * system.b), sum);
        next
    }
}

/// Solves `Σ rᵢ^k·ρᵢ = side_k` for ρ, by elimination in f64.
fn solved(ratios: &[f32], sides: &[f32]) -> Vec<f32> {
    let size = ratios.len();
    let mut rows: Vec<Vec<f64>> = (0..size)
        .map(|power| {
            let value =
                |ratio: &f32| (0..power).fold(1.0, |product, _| product * f64::from(*ratio));
            let side = f64::from(sides[power]);
            ratios.iter().map(value).chain([side]).collect()
        })
        .collect();
    for at in 0..size {
        let pivot = (at..size).max_by(|a, b| rows[*a][at].abs().total_cmp(&rows[*b][at].abs()));
        rows.swap(at, pivot.unwrap_or(at));
        for row in 0..size {
            if row != at {
                let factor = rows[row][at] / rows[at][at];
                let taken = rows[at].clone();
                for (value, taken) in rows[row].iter_mut().zip(&taken) {
                    *value -= factor * taken;
                }
            }
        }
    }
    (0..size)
        .map(|at| (rows[at][size] / rows[at][at]) as f32)
        .collect()
}

impl Scheduler for UniPc {
    fn timesteps(&self) -> &[f32] {
        &self.timesteps
    }

    fn step(&mut self, run: usize, output: &[f32], sample: &mut Vec<f32>, _drawn: &[f32]) {
        let here = self.points[run];
        let picture = predict::picture(self.prediction, output, sample, (here.alpha, here.sigma));
        if run > self.corrects_from
            && let Some((before, order)) = self.before.take()
        {
            *sample = self.corrected(run, &picture, &before, order);
        }
        self.pictures.insert(0, picture);
        self.pictures.truncate(self.order.max(1));
        let left = self.timesteps.len() - run;
        let most = if self.lower_order_final {
            self.order.min(left)
        } else {
            self.order
        };
        let order = most.min(self.pictures.len());
        let (from, to) = (here, self.points[run + 1]);
        let system = self.system(from, to, &self.older(run, order - 1));
        let differences = self.differences(&system.ratios, order - 1);
        let weights = match order {
            1 => Vec::new(),
            2 => vec![0.5],
            _ => solved(&system.ratios[..order - 1], &system.sides[..order - 1]),
        };
        let mut sum = vec![0.0; sample.len()];
        for (weight, difference) in weights.iter().zip(&differences) {
            add(&mut sum, *weight, difference);
        }
        let next = self.joined(from, to, &system, sample, &sum);
        self.before = Some((std::mem::replace(sample, next), order));
    }

    fn noised(&self, run: usize, picture: &[f32], noise: &[f32]) -> Vec<f32> {
        let point = self.points[run];
        mixed((point.alpha, picture), (point.sigma, noise))
    }
}
