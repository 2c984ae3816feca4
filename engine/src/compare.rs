//! Comparing a regenerated picture with the sealed one: equal, near, or different; never more than was measured.

use crate::picture::Picture;
use schema::statement::Outcome;

/// From this peak signal-to-noise ratio on, in decibels, two pictures look alike.
pub const NEAR_DECIBELS: f64 = 35.0;

/// What two pictures have in common.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// The verdict.
    pub outcome: Outcome,
    /// Samples that differ.
    pub differing: u64,
    /// The largest difference of one sample.
    pub largest: u8,
    /// Peak signal-to-noise ratio in decibels; `None` for equal pictures and for different sizes.
    pub decibels: Option<f64>,
}

/// Compares two pictures sample by sample.
#[must_use]
pub fn compare(sealed: &Picture, found: &Picture) -> Comparison {
    if (sealed.width, sealed.height) != (found.width, found.height)
        || sealed.samples.len() != found.samples.len()
    {
        return Comparison {
            outcome: Outcome::Different,
            differing: found.samples.len() as u64,
            largest: 255,
            decibels: None,
        };
    }
    let (mut squares, mut differing, mut largest) = (0u64, 0u64, 0u8);
    for (a, b) in sealed.samples.iter().zip(&found.samples) {
        let difference = a.abs_diff(*b);
        squares += u64::from(difference) * u64::from(difference);
        differing += u64::from(difference != 0);
        largest = largest.max(difference);
    }
    if differing == 0 {
        return Comparison {
            outcome: Outcome::Exact,
            differing,
            largest,
            decibels: None,
        };
    }
    let mean = squares as f64 / sealed.samples.len() as f64;
    let decibels = 10.0 * libm::log10(255.0 * 255.0 / mean);
    let outcome = if decibels >= NEAR_DECIBELS {
        Outcome::Near
    } else {
        Outcome::Different
    };
    Comparison {
        outcome,
        differing,
        largest,
        decibels: Some(decibels),
    }
}

impl Comparison {
    /// The same for a picture of an execution provider: samples that happen to be equal prove nothing of bits, so it is near at best.
    #[must_use]
    pub fn by_tolerance(self) -> Self {
        Self {
            outcome: worst([self.outcome, Outcome::Near]),
            ..self
        }
    }
}

/// The worst of several outcomes.
#[must_use]
pub fn worst(outcomes: impl IntoIterator<Item = Outcome>) -> Outcome {
    outcomes
        .into_iter()
        .fold(Outcome::Exact, |worst, outcome| match (worst, outcome) {
            (Outcome::Different, _) | (_, Outcome::Different) => Outcome::Different,
            (Outcome::Near, _) | (_, Outcome::Near) => Outcome::Near,
            _ => Outcome::Exact,
        })
}
