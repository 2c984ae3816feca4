//! Graphs at work: small tensors, the operators that are evaluated here and not by a runtime, and weights that stay in their files.
//!
//! The one rule: what is computed here is computed in a fixed order with the crate `libm`, so that its bits are equal everywhere.

pub(crate) mod delta;
pub(crate) mod evaluate;
pub(crate) mod host;
pub(crate) mod mapped;
pub(crate) mod tensor;
pub(crate) mod weights;
