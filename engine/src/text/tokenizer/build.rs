//! The crate `tokenizers`, put together by a plan.
//!
//! The one rule: what a stranger's folder says must not be able to make the crate panic, wait or draw lots.

use super::folder::malformed;
use super::plan::{LONGEST_WORD, Pieces, Plan};
use crate::error::{Error, ErrorKind};
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::{
    BertNormalizer, Lowercase, NFC, Replace, Sequence, replace::ReplacePattern,
};
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence as Steps;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{AddedToken, SplitDelimiterBehavior};

/// The tokens to look for before all else, each once.
pub(super) fn added(plan: &Plan) -> Result<Vec<AddedToken>, Error> {
    let mut added: Vec<(AddedToken, bool)> = Vec::new();
    for token in &plan.added {
        let content = token.content.as_str();
        let place = format!("{}: the added token {content:?}", plan.place);
        // Spelled otherwise, normalizing could leave nothing of it, and nothing is found everywhere.
        let is_plain = !content.is_empty() && content.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_plain || content.len() > 64 {
            return Err(malformed(
                &place,
                "is not of 1 to 64 visible ASCII characters",
            ));
        }
        match (plan.vocabulary.get(content), token.id) {
            (None, _) => return Err(malformed(&place, "is not listed")),
            (Some(listed), Some(id)) if *listed != id => {
                return Err(malformed(
                    &place,
                    &format!("has the id {listed} there, not {id}"),
                ));
            }
            _ => {}
        }
        if token.single_word || token.lstrip || token.rstrip {
            let message =
                format!("{place} takes spaces or whole words alone, which is not offered");
            return Err(Error::new(ErrorKind::NotOffered, message));
        }
        let listed = token.id.is_some();
        match added.iter_mut().find(|(known, _)| known.content == content) {
            // As transformers 5: a list of added tokens decides; of the roles, the one that wants the text as it was written.
            Some((known, was_listed)) => known.normalized &= token.normalized || *was_listed,
            None => {
                let new = AddedToken::from(content, token.special).normalized(token.normalized);
                added.push((new, listed));
            }
        }
    }
    Ok(added.into_iter().map(|(token, _)| token).collect())
}

/// Puts the crate's parts together, as transformers does.
pub(super) fn build(plan: Plan) -> Result<tokenizers::Tokenizer, Error> {
    let place = plan.place;
    let wrong = |error: tokenizers::Error| malformed(&place, &error.to_string());
    match plan.pieces {
        Pieces::Clip { merges, words } => {
            let vocabulary: Vocab = plan.vocabulary.into_iter().collect();
            let model = BPE::builder()
                .vocab_and_merges(vocabulary, merges)
                .unk_token(plan.unknown)
                .end_of_word_suffix("</w>".to_owned())
                // A cache would keep strangers' words, and lock.
                .cache_capacity(0)
                .build()
                .map_err(wrong)?;
            let spaces =
                Replace::new(ReplacePattern::Regex(r"\s+".to_owned()), " ").map_err(wrong)?;
            let words = SplitPattern::Regex(words.to_owned());
            let words = Split::new(words, SplitDelimiterBehavior::Removed, true).map_err(wrong)?;
            let mut tokenizer = tokenizers::Tokenizer::new(model);
            tokenizer.with_normalizer(Some(Sequence::new(vec![
                NFC.into(),
                spaces.into(),
                Lowercase.into(),
            ])));
            let bytes = ByteLevel::default().add_prefix_space(false);
            tokenizer.with_pre_tokenizer(Some(Steps::new(vec![words.into(), bytes.into()])));
            Ok(tokenizer)
        }
        Pieces::Bert {
            lower_case,
            strip_accents,
            chinese,
        } => {
            let model = WordPiece::builder()
                .vocab(plan.vocabulary.into_iter().collect::<Vocab>())
                .unk_token(plan.unknown)
                .max_input_chars_per_word(LONGEST_WORD)
                .build()
                .map_err(wrong)?;
            let mut tokenizer = tokenizers::Tokenizer::new(model);
            tokenizer.with_normalizer(Some(BertNormalizer::new(
                true,
                chinese,
                strip_accents,
                lower_case,
            )));
            tokenizer.with_pre_tokenizer(Some(BertPreTokenizer));
            Ok(tokenizer)
        }
    }
}
