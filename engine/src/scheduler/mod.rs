//! Schedulers: how a sample goes from noise to a picture, in f32 with a fixed order of operations.
//!
//! The one rule: two roundings for every product and sum in the written order; scalars are made in f64 with the crate `libm` and rounded
//! once. A new scheduler is a file here, a name in [`config`] and a line in [`new`]; `docs/parity.md` says how near each is to diffusers'.

pub mod config;
mod ddim;
mod dpm;
mod euler;
mod flow;
mod heun;
mod lcm;
mod pndm;
mod predict;
mod recipe;
mod tables;
mod tcd;
mod unipc;

pub use config::Config;
use config::Kind;
pub use flow::{euler_step, guide, sigmas, time_features};

use crate::error::{Error, ErrorKind};
use schema::recipe::Scheduler as Named;

/// A run from noise to a picture. The model is run once for each of [`Scheduler::timesteps`], and [`Scheduler::step`] takes what it gave.
pub trait Scheduler {
    /// What the model is told at each run.
    fn timesteps(&self) -> &[f32];

    /// What the starting noise is multiplied with.
    fn start_scale(&self) -> f32 {
        1.0
    }

    /// What the model is given at a run.
    fn input(&self, _run: usize, sample: &[f32]) -> Vec<f32> {
        sample.to_vec()
    }

    /// Whether the step behind a run draws noise.
    fn draws(&self, _run: usize) -> bool {
        false
    }

    /// Takes the model's output and moves the sample. `noise` is as long as the sample where [`Scheduler::draws`] says so, and empty else.
    fn step(&mut self, run: usize, output: &[f32], sample: &mut Vec<f32>, noise: &[f32]);

    /// Begins at a step instead of the first, and gives the run that this is.
    fn begin(&mut self, step: usize) -> usize {
        step
    }

    /// Lays all steps into the less noisy part that a strength names, as consistency models are run; false for a scheduler of other
    /// models, whose first steps are left out instead.
    ///
    /// # Errors
    /// `ErrorKind::NotOffered` when that part has fewer steps.
    fn shorten(&mut self, _strength_milli: u32) -> Result<bool, Error> {
        Ok(false)
    }

    /// A picture under the noise with which a run begins, for image to image.
    fn noised(&self, run: usize, picture: &[f32], noise: &[f32]) -> Vec<f32>;
}

/// The scheduler that a recipe names, for so many steps.
///
/// # Errors
/// As [`new`].
pub fn of_recipe(named: &Named, steps: u32) -> Result<Box<dyn Scheduler>, Error> {
    match (Config::of_recipe(named), named) {
        (Some(config), _) => new(&config?, steps),
        (None, Named::FlowEuler { shift_milli }) if steps > 0 => {
            Ok(Box::new(flow::FlowEuler::new(*shift_milli, steps)))
        }
        (None, _) => Err(Error::new(
            ErrorKind::NotOffered,
            "a picture needs at least one step",
        )),
    }
}

/// A scheduler for so many steps.
///
/// # Errors
/// `ErrorKind::NotOffered` for steps that its tables do not have.
pub fn new(config: &Config, steps: u32) -> Result<Box<dyn Scheduler>, Error> {
    let most = match config.kind {
        Kind::Lcm { original_steps, .. } | Kind::Tcd { original_steps, .. } => original_steps,
        _ => config.train_steps / 2,
    };
    if steps == 0 || steps > most {
        let message =
            format!("{steps} steps are not offered by this scheduler; it takes 1 to {most}");
        return Err(Error::new(ErrorKind::NotOffered, message));
    }
    let steps = steps as usize;
    Ok(match config.kind {
        Kind::Ddim { eta } => Box::new(ddim::Ddim::new(config, steps, eta)),
        Kind::Pndm { skip_runge_kutta } => {
            if !skip_runge_kutta && steps < 4 {
                let message = "skip_prk_steps is false, which takes 4 steps or more";
                return Err(Error::new(ErrorKind::NotOffered, message));
            }
            Box::new(pndm::Pndm::new(config, steps, skip_runge_kutta))
        }
        Kind::Euler => Box::new(euler::Euler::new(config, steps, false)),
        Kind::EulerAncestral => Box::new(euler::Euler::new(config, steps, true)),
        Kind::Heun => Box::new(heun::Heun::new(config, steps)),
        Kind::Dpm { .. } => Box::new(dpm::Dpm::new(config, steps)),
        Kind::UniPc { .. } => Box::new(unipc::UniPc::new(config, steps)),
        Kind::Lcm {
            original_steps,
            scaling,
        } => Box::new(lcm::Lcm::new(config, steps, original_steps, scaling)),
        Kind::Tcd {
            original_steps,
            eta,
        } => Box::new(tcd::Tcd::new(config, steps, original_steps, eta)),
        Kind::FlowMatchEuler { shift, stochastic } => {
            Box::new(flow::FlowMatchEuler::new(config, steps, shift, stochastic))
        }
    })
}

/// `a·x + b·y` with two roundings of products and one of the sum.
fn mixed((a, x): (f32, &[f32]), (b, y): (f32, &[f32])) -> Vec<f32> {
    x.iter().zip(y).map(|(x, y)| a * x + b * y).collect()
}

/// Adds `a·x`.
fn add(sample: &mut [f32], a: f32, x: &[f32]) {
    for (value, x) in sample.iter_mut().zip(x) {
        *value += a * x;
    }
}
