//! What `tokenizer_config.json` and `special_tokens_map.json` say about a tokenizer.
//!
//! The one rule: they are read as transformers reads them. The map is the older form and wins, unless the configuration lists its
//! added tokens itself.

use super::folder::{Document, Folder};
use crate::error::Error;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

/// More tokens than any text encoder of these families takes.
pub const MAX_LIMIT: usize = 1024;

/// From here on a length means that there is none: transformers writes 10^30.
const NO_LIMIT: f64 = 1e9;

const ROLES: [&str; 7] = [
    "bos_token",
    "eos_token",
    "unk_token",
    "sep_token",
    "pad_token",
    "cls_token",
    "mask_token",
];

/// How a tokenizer works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Byte pairs, as CLIP's text encoders want them.
    Clip,
    /// Pieces of words, as BERT wants them.
    Bert,
}

/// A token that is found in the text before anything else is.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Token {
    pub(super) content: String,
    /// The id that the file gives it, where it does.
    #[serde(default)]
    pub(super) id: Option<u32>,
    #[serde(default)]
    pub(super) single_word: bool,
    #[serde(default)]
    pub(super) lstrip: bool,
    #[serde(default)]
    pub(super) rstrip: bool,
    /// Looked for after the text was normalized, or before.
    #[serde(default)]
    pub(super) normalized: bool,
    #[serde(default)]
    pub(super) special: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Spelled {
    Plain(String),
    Whole(Token),
}

impl From<Spelled> for Token {
    fn from(spelled: Spelled) -> Self {
        match spelled {
            Spelled::Whole(token) => Self {
                special: true,
                ..token
            },
            Spelled::Plain(content) => Self {
                content,
                id: None,
                single_word: false,
                lstrip: false,
                rstrip: false,
                normalized: false,
                special: true,
            },
        }
    }
}

/// The settings of one folder.
pub(super) struct Settings {
    /// `None` where the files that are there decide.
    pub(super) family: Option<Family>,
    pub(super) limit: Option<usize>,
    pub(super) lower_case: Option<bool>,
    pub(super) strip_accents: Option<bool>,
    pub(super) chinese: Option<bool>,
    /// Every token to look for, those of [`ROLES`] among them.
    pub(super) added: Vec<Token>,
    roles: BTreeMap<&'static str, String>,
}

impl Settings {
    /// Reads both files; a folder may lack them.
    pub(super) fn read(folder: &Folder<'_>) -> Result<Self, Error> {
        let read = |file: &str| -> Result<Document, Error> {
            let document = folder.document(file)?;
            Ok(document.unwrap_or_else(|| Document::empty(folder.place(file))))
        };
        let mut config = read("tokenizer_config.json")?;
        let mut map = read("special_tokens_map.json")?;
        config.expect("do_basic_tokenize", &json!(true))?;
        config.expect("never_split", &json!([]))?;
        let listed: Option<BTreeMap<u32, Token>> = config.take("added_tokens_decoder")?;
        let is_listed = listed.is_some();
        let mut added: Vec<Token> = Vec::new();
        for (id, token) in listed.unwrap_or_default() {
            added.push(Token {
                id: Some(id),
                ..token
            });
        }
        let mut roles = BTreeMap::new();
        let mut more: Vec<Spelled> = Vec::new();
        for role in ROLES {
            let (new, old) = (config.take::<Spelled>(role)?, map.take::<Spelled>(role)?);
            let chosen = if is_listed { new.or(old) } else { old.or(new) };
            if let Some(token) = chosen.map(Token::from) {
                roles.insert(role, token.content.clone());
                added.push(token);
            }
        }
        for document in [&mut config, &mut map] {
            more.extend(
                document
                    .take::<Vec<Spelled>>("additional_special_tokens")?
                    .unwrap_or_default(),
            );
        }
        added.extend(more.into_iter().map(Token::from));
        match config.take::<Value>("extra_special_tokens")? {
            Some(extra) if extra != json!([]) && extra != json!({}) => {
                return Err(config.strange("extra_special_tokens", &extra));
            }
            _ => {}
        }
        // Tokens of an older form yet: a map from what they are to their ids.
        let ids: BTreeMap<String, u32> = match folder.bytes("added_tokens.json")? {
            None => BTreeMap::new(),
            Some(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                super::folder::malformed(&folder.place("added_tokens.json"), &error.to_string())
            })?,
        };
        for (content, id) in ids {
            let token = Token::from(Spelled::Plain(content));
            added.push(Token {
                id: Some(id),
                ..token
            });
        }
        Ok(Self {
            family: family(&mut config)?,
            limit: limit(&mut config)?,
            lower_case: config.take("do_lower_case")?,
            strip_accents: config.take("strip_accents")?,
            chinese: config.take("tokenize_chinese_chars")?,
            added,
            roles,
        })
    }

    /// The tokens to look for, and those that transformers takes where no file names one for a role.
    pub(super) fn added_with(
        &self,
        vocabulary: &HashMap<String, u32>,
        usual: &[(&str, &str)],
    ) -> Vec<Token> {
        let mut added = self.added.clone();
        for (role, content) in usual {
            if !self.roles.contains_key(role) && vocabulary.contains_key(*content) {
                added.push(Spelled::Plain((*content).to_owned()).into());
            }
        }
        added
    }

    /// The token of a role, or what transformers takes where no file names one.
    pub(super) fn role(&self, role: &str, usual: &str) -> String {
        self.roles
            .get(role)
            .map_or_else(|| usual.to_owned(), Clone::clone)
    }
}

fn family(config: &mut Document) -> Result<Option<Family>, Error> {
    let Some(class) = config.take::<String>("tokenizer_class")? else {
        return Ok(None);
    };
    match class.as_str() {
        "CLIPTokenizer" | "CLIPTokenizerFast" => Ok(Some(Family::Clip)),
        "BertTokenizer" | "BertTokenizerFast" => Ok(Some(Family::Bert)),
        // Names for whatever `tokenizer.json` says.
        "PreTrainedTokenizerFast" | "TokenizersBackend" => Ok(None),
        _ => Err(config.strange("tokenizer_class", &Value::from(class))),
    }
}

fn limit(config: &mut Document) -> Result<Option<usize>, Error> {
    let Some(stated) = config.take::<f64>("model_max_length")? else {
        return Ok(None);
    };
    if stated >= NO_LIMIT {
        return Ok(None);
    }
    // One token between the first and the last.
    let wanted = (3..=MAX_LIMIT).find(|limit| *limit as f64 == stated);
    let range = || format!("must be a whole number from 3 to {MAX_LIMIT}");
    wanted
        .map(Some)
        .ok_or_else(|| config.wrong("model_max_length", &range()))
}
