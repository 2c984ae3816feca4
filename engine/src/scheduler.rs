//! Samplers, in f32 with a fixed order of operations; scalars are made in f64 and rounded once.

use schema::recipe::Scheduler;

/// The noise shares of a run: `steps + 1` values from 1 (noise) to 0 (picture).
#[must_use]
pub fn sigmas(scheduler: Scheduler, steps: u32) -> Vec<f32> {
    let Scheduler::FlowEuler { shift_milli } = scheduler;
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
