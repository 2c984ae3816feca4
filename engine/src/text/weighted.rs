//! A prompt with weights, as tokens that each have one.
//!
//! The one rule: each run is tokenised on its own and the tokens are joined, as the AUTOMATIC1111 web UI does it, so a bracket in the
//! middle of a word parts it. What frames the text (first token, last, padding) has the weight 1.

use super::tokenizer::TextTokenizer;
use super::weights;
use crate::error::Error;

/// Tokens with their weights, as long as the encoder wants them.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightedTokens {
    /// The first token, the text's, the last, and padding up to the limit.
    pub ids: Vec<i64>,
    /// 1 for each token up to the last of the text, 0 for padding.
    pub mask: Vec<i64>,
    /// One weight a token, for [`super::emphasis::apply`].
    pub weights: Vec<f32>,
}

impl WeightedTokens {
    /// Reads the weights in `prompt` and tokenises its runs.
    ///
    /// # Errors
    /// What [`weights::parse`] refuses, and `ErrorKind::PromptTooLong` when all runs together have more tokens than fit.
    pub fn encode(tokenizer: &TextTokenizer, prompt: &str) -> Result<Self, Error> {
        let mut tokens = Vec::new();
        // The first token's.
        let mut each = vec![1.0];
        for run in weights::parse(prompt)? {
            let of_run = tokenizer.tokens(&run.text)?;
            each.resize(each.len() + of_run.len(), run.weight as f32);
            tokens.extend(of_run);
        }
        let padded = tokenizer.padded(&tokens)?;
        each.resize(padded.ids.len(), 1.0);
        Ok(Self {
            ids: padded.ids,
            mask: padded.mask,
            weights: each,
        })
    }
}
