//! Text to tokens as the text encoders of SD 1, SD 2, SDXL and Taiyi were trained on them.
//!
//! The one rule: ids are those of transformers' fast tokenizers, and a prompt with more tokens than the encoder takes is refused,
//! never cut. The work stands in the crate `tokenizers`; what it may be asked to do is decided in
//! `tokenizer/plan.rs`.

mod build;
mod document;
mod folder;
mod plan;
mod settings;

use crate::error::{Error, ErrorKind};
use build::{added, build};
pub use folder::MAX_FILE_BYTES;
use folder::{Folder, malformed};
use plan::{Pieces, Plan};
use schema::template::MAX_PROMPT_BYTES;
use settings::Settings;
pub use settings::{Family, MAX_LIMIT};

/// Tokens of a text, as long as the encoder wants them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Padded {
    /// The first token, the text's, the last, and padding up to the limit.
    pub ids: Vec<i64>,
    /// 1 for each token up to the last of the text, 0 for padding.
    pub mask: Vec<i64>,
}

/// The tokenizer of one text encoder.
pub struct TextTokenizer {
    inner: tokenizers::Tokenizer,
    family: Family,
    begin: i64,
    end: i64,
    pad: i64,
    limit: usize,
}

impl TextTokenizer {
    /// Reads the tokenizer in `folder` of a model; `files` is asked for names such as `tokenizer_2/vocab.json`.
    ///
    /// # Errors
    /// When a file is missing, too large or malformed, or describes a tokenizer that is not CLIP's or BERT's: with file and field.
    pub fn read(files: &dyn Fn(&str) -> Option<Vec<u8>>, folder: &str) -> Result<Self, Error> {
        let folder = Folder {
            files,
            name: folder,
        };
        let settings = Settings::read(&folder)?;
        let plan = Plan::read(&folder, &settings)?;
        let place = plan.place.clone();
        let id = |token: &str| {
            let found = plan.vocabulary.get(token).copied().map(i64::from);
            found.ok_or_else(|| malformed(&place, &format!("the token {token:?} is not listed")))
        };
        let (family, usual_pad, usual_limit) = match plan.pieces {
            Pieces::Clip { .. } => (Family::Clip, plan.end.as_str(), 77),
            Pieces::Bert { .. } => (Family::Bert, "[PAD]", 512),
        };
        let (begin, end) = (id(&plan.begin)?, id(&plan.end)?);
        let pad = id(&settings.role("pad_token", usual_pad))?;
        id(&plan.unknown)?;
        let added = added(&plan)?;
        let mut inner = build(plan)?;
        inner.add_tokens(&added);
        Ok(Self {
            inner,
            family,
            begin,
            end,
            pad,
            limit: settings.limit.unwrap_or(usual_limit),
        })
    }

    /// How the tokenizer works.
    #[must_use]
    pub fn family(&self) -> Family {
        self.family
    }

    /// How many tokens the encoder takes, the first and the last among them.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// The tokens of `text` between the first and the last, without padding and however many.
    ///
    /// # Errors
    /// `ErrorKind::PromptTooLong` for more than [`MAX_PROMPT_BYTES`].
    pub fn encode(&self, text: &str) -> Result<Vec<i64>, Error> {
        let tokens = self.tokens(text)?;
        Ok([[self.begin].as_slice(), &tokens, &[self.end]].concat())
    }

    /// The tokens of `text` between the first and the last, padded to [`Self::limit`].
    ///
    /// # Errors
    /// `ErrorKind::PromptTooLong` when they are more than that.
    pub fn encode_padded(&self, text: &str) -> Result<Vec<i64>, Error> {
        Ok(self.encode_masked(text)?.ids)
    }

    /// As [`Self::encode_padded`], with the mask that tells padding from tokens.
    ///
    /// # Errors
    /// `ErrorKind::PromptTooLong` when they are more than the limit.
    pub fn encode_masked(&self, text: &str) -> Result<Padded, Error> {
        self.padded(&self.tokens(text)?)
    }

    /// The tokens of a piece of text, without the first and the last.
    pub(super) fn tokens(&self, text: &str) -> Result<Vec<i64>, Error> {
        if text.len() > MAX_PROMPT_BYTES {
            let size = text.len();
            let message = format!(
                "the prompt is {size} bytes long, {MAX_PROMPT_BYTES} is the limit: shorten it"
            );
            return Err(Error::new(ErrorKind::PromptTooLong, message));
        }
        let encoding = self
            .inner
            .encode_fast(text, false)
            .map_err(|error| Error::new(ErrorKind::Malformed, format!("the tokenizer: {error}")))?;
        Ok(encoding.get_ids().iter().copied().map(i64::from).collect())
    }

    /// Puts tokens between the first and the last and fills up with padding.
    pub(super) fn padded(&self, tokens: &[i64]) -> Result<Padded, Error> {
        // At least one by what `Settings` takes.
        let room = self.limit - 2;
        if tokens.len() > room {
            let count = tokens.len();
            let message =
                format!("the prompt has {count} tokens, this model takes {room}: shorten it");
            return Err(Error::new(ErrorKind::PromptTooLong, message));
        }
        let mut ids = [[self.begin].as_slice(), tokens, &[self.end]].concat();
        let mut mask = vec![1; ids.len()];
        ids.resize(self.limit, self.pad);
        mask.resize(self.limit, 0);
        Ok(Padded { ids, mask })
    }
}
