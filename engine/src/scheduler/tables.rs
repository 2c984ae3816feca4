//! The tables that schedulers of noise-prediction models stand on: ᾱ by training step, and which steps are taken.
//!
//! The one rule: every number is made in f64 with the crate `libm` and rounded once to f32, so that it is equal everywhere. Formulas: Ho et
//! al. 2020 (ᾱ), Nichol and Dhariwal 2021 (cosine), Lin et al. 2023 (spacings, zero terminal SNR), Karras et al. 2022 (ρ = 7).

use super::config::{Betas, Config, Sigmas, Spacing};

/// ᾱ of the last training step where the terminal signal is taken to be none: the least number of float16, so that no sigma is infinite.
const LEAST_SIGNAL: f32 = 1.0 / 16_777_216.0;
/// Karras' ρ.
const RHO: f64 = 7.0;
/// The largest step of the cosine schedule.
const LARGEST_BETA: f64 = 0.999;

/// `count` values from `from` to `to`.
pub(super) fn linspace(from: f64, to: f64, count: usize) -> Vec<f64> {
    match count {
        0 => Vec::new(),
        1 => vec![from],
        _ => {
            let last = count - 1;
            let step = (to - from) / last as f64;
            let value = |at: usize| {
                if at == last {
                    to
                } else {
                    from + step * at as f64
                }
            };
            (0..count).map(value).collect()
        }
    }
}

/// β by training step, as f32 holds them.
fn betas(config: &Config) -> Vec<f32> {
    let count = config.train_steps as usize;
    let Betas { start, end, .. } = config.betas;
    match config.betas.schedule {
        super::config::BetaSchedule::Linear => linspace(start, end, count)
            .into_iter()
            .map(|beta| beta as f32)
            .collect(),
        super::config::BetaSchedule::ScaledLinear => {
            let roots = linspace(start.sqrt(), end.sqrt(), count);
            let square = |root: f64| {
                let root = root as f32;
                root * root
            };
            roots.into_iter().map(square).collect()
        }
        super::config::BetaSchedule::Cosine => {
            let share = |t: f64| {
                let cosine = libm::cos((t + 0.008) / 1.008 * std::f64::consts::PI / 2.0);
                cosine * cosine
            };
            let count = count as f64;
            let beta =
                |at: f64| (1.0 - share((at + 1.0) / count) / share(at / count)).min(LARGEST_BETA);
            (0..config.train_steps)
                .map(|at| beta(f64::from(at)) as f32)
                .collect()
        }
    }
}

/// Products of `1 − β` so far, kept in f64 and rounded for each step.
fn products(betas: &[f32]) -> Vec<f32> {
    let mut product = 1.0f64;
    let next = |beta: &f32| {
        product *= f64::from(1.0 - beta);
        product as f32
    };
    betas.iter().map(next).collect()
}

/// Shifts and scales `√ᾱ` so that the last is nothing and the first stays (Lin et al., algorithm 1).
fn without_last_signal(betas: &[f32]) -> Vec<f32> {
    let roots: Vec<f32> = products(betas)
        .iter()
        .map(|product| product.sqrt())
        .collect();
    let (Some(first), Some(last)) = (roots.first().copied(), roots.last().copied()) else {
        return Vec::new();
    };
    let scale = first / (first - last);
    let shares: Vec<f32> = roots
        .iter()
        .map(|root| {
            let root = (root - last) * scale;
            root * root
        })
        .collect();
    let mut before = 1.0;
    let next = |share: &f32| {
        let beta = 1.0 - share / before;
        before = *share;
        beta
    };
    shares.iter().map(next).collect()
}

/// ᾱ by training step.
pub(super) fn alphas(config: &Config, least_signal: bool) -> Vec<f32> {
    let mut betas = betas(config);
    if config.zero_snr {
        betas = without_last_signal(&betas);
    }
    let mut alphas = products(&betas);
    if config.zero_snr
        && least_signal
        && let Some(last) = alphas.last_mut()
    {
        *last = LEAST_SIGNAL;
    }
    alphas
}

/// `√((1 − ᾱ)/ᾱ)` by training step.
pub(super) fn all_sigmas(alphas: &[f32]) -> Vec<f32> {
    alphas
        .iter()
        .map(|alpha| ((1.0 - alpha) / alpha).sqrt())
        .collect()
}

/// Half-way cases go to the even neighbour.
fn rounded(value: f64) -> f64 {
    value.round_ties_even()
}

/// The training steps that are taken, the largest first. `whole` rounds those of `linspace`; `more` takes one more and leaves the least
/// out, as multistep solvers do.
pub(super) fn timesteps(config: &Config, steps: usize, whole: bool, more: bool) -> Vec<f64> {
    let train = config.train_steps as usize;
    let count = if more { steps + 1 } else { steps };
    let mut taken: Vec<f64> = match config.spacing {
        Spacing::Linspace => {
            let values = linspace(0.0, train as f64 - 1.0, count).into_iter();
            let values = values.map(|value| {
                if whole {
                    rounded(value)
                } else {
                    f64::from(value as f32)
                }
            });
            values.rev().collect()
        }
        Spacing::Leading => {
            let ratio = train / count;
            let value = |at: usize| (at * ratio) as f64 + f64::from(config.offset);
            (0..count).rev().map(value).collect()
        }
        Spacing::Trailing => {
            let ratio = train as f64 / steps as f64;
            let value = |at: usize| rounded(train as f64 - at as f64 * ratio) - 1.0;
            return (0..steps).map(value).collect();
        }
    };
    taken.truncate(steps);
    taken
}

/// A table read between its entries.
pub(super) fn between(table: &[f32], at: f64) -> f64 {
    let last = table.len().saturating_sub(1);
    let low = (at.max(0.0) as usize).min(last);
    let high = (low + 1).min(last);
    let (a, b) = (f64::from(table[low]), f64::from(table[high]));
    a + (b - a) * (at - low as f64).clamp(0.0, 1.0)
}

/// The training step of a sigma, between steps by its logarithm.
pub(super) fn timestep_of(sigma: f64, all: &[f32]) -> f64 {
    let log = |value: f64| libm::log(value.max(1e-10));
    let wanted = log(sigma);
    let logs: Vec<f64> = all
        .iter()
        .map(|sigma| f64::from(libm::log(f64::from(*sigma)) as f32))
        .collect();
    let below = logs.iter().filter(|log| wanted >= **log).count();
    let low = below.saturating_sub(1).min(logs.len().saturating_sub(2));
    let (a, b) = (logs[low], logs[low + 1]);
    let share = ((a - wanted) / (a - b)).clamp(0.0, 1.0);
    (1.0 - share) * low as f64 + share * (low + 1) as f64
}

/// The sigmas of the steps, and the training steps that belong to them, after the wanted spacing of sigmas. `whole` rounds the steps of
/// Karras' sigmas. `ends` are the largest and the least sigma.
pub(super) fn spaced(
    config: &Config,
    taken: Vec<f64>,
    all: &[f32],
    whole: bool,
    (largest, least): (f64, f64),
) -> (Vec<f64>, Vec<f64>) {
    let count = taken.len();
    let sigmas: Vec<f64> = match config.sigmas {
        Sigmas::Plain => {
            let sigmas = taken.iter().map(|at| between(all, *at)).collect();
            return (sigmas, taken);
        }
        Sigmas::Karras => {
            let root = |value: f64| libm::pow(value, 1.0 / RHO);
            let (from, to) = (root(largest), root(least));
            let ramp = linspace(0.0, 1.0, count).into_iter();
            ramp.map(|share| libm::pow(from + share * (to - from), RHO))
                .collect()
        }
        Sigmas::Exponential => {
            let logs = linspace(libm::log(largest), libm::log(least), count);
            logs.into_iter().map(libm::exp).collect()
        }
    };
    let steps = sigmas.iter().map(|sigma| {
        let step = timestep_of(*sigma, all);
        if whole && config.sigmas == Sigmas::Karras {
            rounded(step)
        } else {
            step
        }
    });
    let steps = steps.collect();
    (sigmas, steps)
}
