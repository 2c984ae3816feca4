//! Weights of tokens, applied to what a text encoder made of them.
//!
//! The one rule: the same bits on every CPU. Sums run from the first value to the last in `f64`, and there is nothing but
//! addition, multiplication and division, each rounded as IEEE 754 says.

use crate::error::{Error, ErrorKind};

/// Multiplies each token's vector in `hidden`, of `width` values, by its weight, then all of it by one factor that brings the mean
/// back to what it was: the "Original" emphasis of the AUTOMATIC1111 web UI. Where every weight is 1 nothing changes.
///
/// # Errors
/// `ErrorKind::Malformed` when there are not `width` values a weight; `ErrorKind::NotFinite` when weights leave a mean that cannot be
/// brought back, such as nothing but zeros.
pub fn apply(hidden: &mut [f32], width: usize, weights: &[f32]) -> Result<(), Error> {
    if width == 0 || weights.len().checked_mul(width) != Some(hidden.len()) {
        let (values, tokens) = (hidden.len(), weights.len());
        let message =
            format!("emphasis: {values} values are not {width} for each of {tokens} tokens");
        return Err(Error::new(ErrorKind::Malformed, message));
    }
    if weights.iter().all(|weight| *weight == 1.0) {
        return Ok(());
    }
    let before = mean(hidden);
    for (vector, weight) in hidden.chunks_exact_mut(width).zip(weights) {
        for value in vector {
            *value *= weight;
        }
    }
    let factor = (before / mean(hidden)) as f32;
    if !factor.is_finite() {
        let message =
            "emphasis: these weights leave nothing to bring back to the mean: weaken them";
        return Err(Error::new(ErrorKind::NotFinite, message));
    }
    for value in hidden {
        *value *= factor;
    }
    Ok(())
}

fn mean(values: &[f32]) -> f64 {
    let mut sum = 0.0_f64;
    for value in values {
        sum += f64::from(*value);
    }
    sum / values.len() as f64
}
