//! From a prompt to what a text encoder reads: tokens of CLIP and BERT, and the weights that brackets give them.
//!
//! The one rule: a prompt is taken whole or refused with a reason. Too many tokens, unknown syntax and tokenizers of other families
//! are errors; nothing is cut, and no bracket is quietly dropped.
//!
//! [`tokenizer`] reads a model's folder and makes ids; [`weights`] reads brackets; [`weighted`] joins both; [`emphasis`] applies the
//! weights to the encoder's output. The embedded model family has its own tokenizer, in [`crate::tokenizer`]. Without a runtime there
//! are `weights` and `emphasis` alone: the crate `tokenizers` can draw lots, and does not build there without a source of them.

pub mod emphasis;
mod marks;
#[cfg(test)]
#[cfg(feature = "ort")]
mod tests;
#[cfg(feature = "ort")]
pub mod tokenizer;
#[cfg(feature = "ort")]
pub mod weighted;
pub mod weights;

pub use emphasis::apply;
#[cfg(feature = "ort")]
pub use tokenizer::{Family, Padded, TextTokenizer};
#[cfg(feature = "ort")]
pub use weighted::WeightedTokens;
pub use weights::{Run, parse};
