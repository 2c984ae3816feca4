//! What `model.json` says: one document for the embedded family, one for models that were added from a folder.
//!
//! The one rule: no number of a manifest sizes an allocation, divides or indexes before it was checked here or by its family.

use crate::error::{Error, ErrorKind};
use schema::canonical;
use schema::digest::Digest;
use schema::pixels::MAX_SIDE;
use schema::recipe::{MAX_GUIDANCE_MILLI, MAX_STEPS, ModelDigest, Profile, Scheduler};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The manifest's file name.
pub const MANIFEST: &str = "model.json";
/// Rectified flow with guidance as an input: one pass a step, two with a negative prompt.
const FLOW_FORMAT: &str = "seedmark.dev/model/v1";
/// A model of several graphs and tokenizers, made from a folder of diffusers' layout.
pub(crate) const FOLDER_FORMAT: &str = "seedmark.dev/model/v2";
pub(super) const MAX_MANIFEST_BYTES: u64 = 256 * 1024;
/// The most files of a model, and the most bytes of all of them.
const MAX_FILES: usize = 1024;
const MAX_MODEL_BYTES: u64 = 64 * 1024 * 1024 * 1024;
const MAX_SIZES: usize = 64;
const MAX_CHANNELS: u32 = 64;
const MAX_FACTOR: u32 = 64;
/// The most values of one latent: sixteen channels of 512×512 cells.
const MAX_LATENT: u64 = 4 * 1024 * 1024;

/// One file of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// BLAKE3 of the file.
    pub blake3: Digest,
    /// Its length.
    pub bytes: u64,
    /// Its name in the folder; at most one folder deep.
    pub name: String,
}

/// A picture size that the model offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}×{}", self.width, self.height)
    }
}

/// An adapter that was merged into the weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// BLAKE3 of its file.
    pub blake3: Digest,
    /// Its file's name, for people.
    pub name: String,
    /// How much of it, in thousandths; below 0 takes it away.
    pub weight_milli: i32,
}

/// The part of it that decides pixels, as the document has it; its name stands in the card.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MergedWeight {
    pub(crate) blake3: Digest,
    pub(crate) weight_milli: i32,
}

/// Where a text's embeddings come out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextLayer {
    /// The graph, without the ending of its file.
    pub graph: String,
    /// Its output.
    pub output: String,
}

/// A text encoder with its tokenizer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextEncoder {
    /// What conditions the picture, by how many of the last layers are left out, from none on.
    pub layers: Vec<TextLayer>,
    /// The output that stands for the whole text, where the family takes one from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pooled: Option<String>,
    /// The tokenizer's folder.
    pub tokenizer: String,
    /// Tokens, begin and end among them.
    pub tokens: u32,
    /// Width of a token's embedding.
    pub width: u32,
}

/// How pictures become latents and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vae {
    /// What a latent is multiplied with once it was encoded, in thousand-millionths.
    pub scaling_nano: u64,
    /// What is taken from it before, in thousand-millionths.
    pub shift_nano: i64,
}

impl Vae {
    /// What a latent is multiplied with once it was encoded.
    pub(crate) fn scaling(self) -> f32 {
        (self.scaling_nano as f64 / 1e9) as f32
    }

    /// What is taken from it before.
    pub(crate) fn shift(self) -> f32 {
        (self.shift_nano as f64 / 1e9) as f32
    }
}

/// What the embedded family needs beside what all have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FlowNumbers {
    pub(crate) shift_milli: u32,
    pub(crate) text_width: u32,
    pub(crate) time_features: u32,
}

/// What the families of Stable Diffusion need beside what all have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StableParts {
    pub(crate) text: Vec<TextEncoder>,
    pub(crate) vae: Vae,
    /// Channels that the UNet reads: as many as the latent has, or those of a mask and a masked picture too.
    pub(crate) input_channels: u32,
    /// Width of the guidance that a distilled model is told.
    pub(crate) guidance_features: Option<u32>,
    /// An empty negative prompt is no text at all (SDXL).
    pub(crate) zero_negative: bool,
}

/// What a family alone knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Parts {
    Flow(FlowNumbers),
    Stable(StableParts),
}

/// What `model.json` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The document itself, for whoever prints it.
    pub document: serde_json::Value,
    /// The graphs' inputs and how they are driven, as `crate::family` lists them.
    pub family: String,
    /// Every file but this one.
    pub files: Vec<ModelFile>,
    /// Whether its licence lets people sell what they make with it.
    pub for_sale: bool,
    /// Guidance that the model was made for, in thousandths.
    pub guidance_milli: u32,
    /// Channels of the latent.
    pub latent_channels: u32,
    /// Pixels per latent cell, along one side.
    pub latent_factor: u32,
    /// Licence expression of the weights.
    pub licence: String,
    /// Adapters in the weights.
    pub merged: Vec<Merged>,
    /// Name for people.
    pub name: String,
    /// The strictest profile that the graphs keep.
    pub profile: Profile,
    /// The sampler that the model was made for.
    pub scheduler: Scheduler,
    /// Picture sizes on offer; the first is the usual one.
    pub sizes: Vec<Size>,
    /// Sides of the tiles in which larger pictures can be made, from the smallest.
    pub tiles: Vec<u32>,
    /// The files that it was made from.
    pub source: Vec<ModelFile>,
    /// Steps that the model was made for.
    pub steps: u32,
    /// Phrases that name a style, by language, as the model was taught them. Hints for people; any prompt is allowed.
    pub styles: BTreeMap<String, Vec<String>>,
    /// Most tokens of a prompt.
    pub text_tokens: u32,
    /// Version for people.
    pub version: String,
    pub(crate) parts: Parts,
}

/// The document of the embedded family.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FlowDocument {
    format: String,
    family: String,
    files: Vec<ModelFile>,
    guidance_milli: u32,
    latent_channels: u32,
    latent_factor: u32,
    licence: String,
    name: String,
    profile: Profile,
    shift_milli: u32,
    sizes: Vec<Size>,
    steps: u32,
    styles: BTreeMap<String, Vec<String>>,
    text_tokens: u32,
    text_width: u32,
    time_features: u32,
    version: String,
}

/// The document of a model that was added from a folder: what decides pixels, and nothing else, so that everybody who adds the same folder
/// with the same sizes has the same digest.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FolderDocument {
    pub(crate) format: String,
    pub(crate) family: String,
    pub(crate) files: Vec<ModelFile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) guidance_features: Option<u32>,
    pub(crate) input_channels: u32,
    pub(crate) latent_channels: u32,
    pub(crate) latent_factor: u32,
    pub(crate) merged: Vec<MergedWeight>,
    pub(crate) profile: Profile,
    pub(crate) scheduler: Scheduler,
    /// In their natural order.
    pub(crate) sizes: Vec<Size>,
    pub(crate) text: Vec<TextEncoder>,
    /// In their natural order; absent where every picture is made at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tiles: Option<Vec<u32>>,
    pub(crate) vae: Vae,
    pub(crate) zero_negative: bool,
}

/// What people call an added model, and what is usual for it here. It decides no pixel and is under no digest.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Card {
    pub(crate) format: String,
    pub(crate) for_sale: bool,
    pub(crate) guidance_milli: u32,
    pub(crate) licence: String,
    /// Names of the adapters' files, in the document's order.
    pub(crate) merged: Vec<String>,
    pub(crate) name: String,
    pub(crate) source: Vec<ModelFile>,
    pub(crate) steps: u32,
    pub(crate) usual_size: Size,
    pub(crate) version: String,
}

/// The card's file name.
pub(crate) const CARD: &str = "card.json";
pub(crate) const CARD_FORMAT: &str = "seedmark.dev/model-card/v1";

/// The bytes of a card.
///
/// # Errors
/// When a number is beyond what JSON holds exactly.
pub(crate) fn card_bytes(card: &Card) -> Result<Vec<u8>, Error> {
    Ok(canonical::to_bytes(card, CARD)?)
}

/// A document of which only the format is looked at.
#[derive(Deserialize)]
struct Format {
    format: String,
}

pub(crate) fn wrong(message: &str) -> Error {
    Error::new(ErrorKind::Malformed, format!("{MANIFEST}: {message}"))
}

pub(crate) fn within(name: &str, found: u32, least: u32, most: u32) -> Result<(), Error> {
    if (least..=most).contains(&found) {
        return Ok(());
    }
    Err(wrong(&format!(
        "{name} is {found}, {least} to {most} belong"
    )))
}

impl Manifest {
    /// Reads a manifest, and the card beside it where it is of an added model, and checks every number that all families have.
    ///
    /// # Errors
    /// `ErrorKind::Malformed`, naming the field; what reading the card gives.
    pub(crate) fn parse(
        bytes: &[u8],
        card: &dyn Fn() -> Result<Vec<u8>, Error>,
    ) -> Result<Self, Error> {
        let format = serde_json::from_slice::<Format>(bytes).map(|document| document.format);
        let most = MAX_MANIFEST_BYTES as usize;
        let mut manifest = if format.is_ok_and(|format| format == FOLDER_FORMAT) {
            let document =
                canonical::parse::<FolderDocument>(bytes, most, MANIFEST, FOLDER_FORMAT)?;
            let card = canonical::parse::<Card>(&card()?, most, CARD, CARD_FORMAT)?;
            Self::added(document, card)?
        } else {
            Self::from(canonical::parse::<FlowDocument>(
                bytes,
                most,
                MANIFEST,
                FLOW_FORMAT,
            )?)
        };
        manifest.check()?;
        let parsed = serde_json::from_slice(bytes);
        manifest.document = parsed.map_err(|error| wrong(&error.to_string()))?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), Error> {
        within("latent_channels", self.latent_channels, 1, MAX_CHANNELS)?;
        within("latent_factor", self.latent_factor, 1, MAX_FACTOR)?;
        within("steps", self.steps, 1, MAX_STEPS)?;
        within("guidance_milli", self.guidance_milli, 0, MAX_GUIDANCE_MILLI)?;
        self.scheduler
            .check()
            .map_err(|error| wrong(&error.to_string()))?;
        let offered = self.sizes.len();
        if !(1..=MAX_SIZES).contains(&offered) {
            return Err(wrong(&format!("{offered} sizes, 1 to {MAX_SIZES} belong")));
        }
        for size in &self.sizes {
            let (width, height, factor) = (size.width, size.height, self.latent_factor);
            within("sizes.width", width, factor, MAX_SIDE)?;
            within("sizes.height", height, factor, MAX_SIDE)?;
            if !width.is_multiple_of(factor) || !height.is_multiple_of(factor) {
                return Err(wrong(&format!(
                    "the size {size} is no multiple of latent_factor {factor}"
                )));
            }
            let cells = u64::from(width / factor) * u64::from(height / factor);
            if cells * u64::from(self.latent_channels) > MAX_LATENT {
                return Err(wrong(&format!(
                    "the latent of {size} is over {MAX_LATENT} values"
                )));
            }
        }
        check_files(&self.files)
    }

    /// Name and version for people; an added model has no version.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{} {}", self.name, self.version)
            .trim_end()
            .to_owned()
    }

    /// How many of the text encoder's last layers a recipe may leave out.
    #[must_use]
    pub fn most_clip_skip(&self) -> u32 {
        match &self.parts {
            Parts::Flow(_) => 0,
            Parts::Stable(parts) => {
                let layers = parts.text.iter().map(|encoder| encoder.layers.len());
                layers.min().unwrap_or(1).saturating_sub(1) as u32
            }
        }
    }

    /// Whether the model paints into a picture: it reads a mask and what the mask leaves, and makes nothing without them.
    #[must_use]
    pub fn paints_into(&self) -> bool {
        match &self.parts {
            Parts::Flow(_) => false,
            Parts::Stable(parts) => parts.input_channels > self.latent_channels,
        }
    }

    /// Whether a negative prompt means something to the model: one that was distilled to be told its guidance reads none.
    #[must_use]
    pub fn takes_negative(&self) -> bool {
        match &self.parts {
            Parts::Flow(_) => true,
            Parts::Stable(parts) => parts.guidance_features.is_none(),
        }
    }

    /// The values of a latent for a size, by side: channels, down, across.
    pub(crate) fn latent(&self, size: Size) -> [usize; 3] {
        let factor = self.latent_factor;
        [
            self.latent_channels as usize,
            (size.height / factor) as usize,
            (size.width / factor) as usize,
        ]
    }
}

impl From<FlowDocument> for Manifest {
    fn from(document: FlowDocument) -> Self {
        let shift_milli = document.shift_milli;
        Self {
            document: serde_json::Value::Null,
            family: document.family,
            files: document.files,
            for_sale: true,
            guidance_milli: document.guidance_milli,
            latent_channels: document.latent_channels,
            latent_factor: document.latent_factor,
            licence: document.licence,
            merged: Vec::new(),
            name: document.name,
            profile: document.profile,
            scheduler: Scheduler::FlowEuler { shift_milli },
            sizes: document.sizes,
            tiles: Vec::new(),
            source: Vec::new(),
            steps: document.steps,
            styles: document.styles,
            text_tokens: document.text_tokens,
            version: document.version,
            parts: Parts::Flow(FlowNumbers {
                shift_milli,
                text_width: document.text_width,
                time_features: document.time_features,
            }),
        }
    }
}

impl Manifest {
    fn added(document: FolderDocument, card: Card) -> Result<Self, Error> {
        let tokens = document.text.iter().map(|text| text.tokens).min();
        let mut sizes = document.sizes;
        if !sizes.is_sorted() {
            return Err(wrong("sizes are not in their order"));
        }
        // The usual one first, as people are shown them.
        let usual = sizes.iter().position(|size| *size == card.usual_size);
        match usual {
            Some(place) => sizes[..=place].rotate_right(1),
            None => {
                return Err(Error::new(
                    ErrorKind::Malformed,
                    format!("{CARD}: usual_size is no size of the model"),
                ));
            }
        }
        if card.merged.len() != document.merged.len() {
            let message = format!("{CARD}: merged names other files than the model has");
            return Err(Error::new(ErrorKind::Malformed, message));
        }
        let tiles = match document.tiles {
            Some(tiles) if tiles.is_empty() => return Err(wrong("tiles is empty, not absent")),
            tiles => tiles.unwrap_or_default(),
        };
        let merged = document.merged.into_iter().zip(card.merged);
        let merged = merged.map(|(weight, name)| Merged {
            blake3: weight.blake3,
            name,
            weight_milli: weight.weight_milli,
        });
        Ok(Self {
            document: serde_json::Value::Null,
            family: document.family,
            files: document.files,
            for_sale: card.for_sale,
            guidance_milli: card.guidance_milli,
            latent_channels: document.latent_channels,
            latent_factor: document.latent_factor,
            licence: card.licence,
            merged: merged.collect(),
            name: card.name,
            profile: document.profile,
            scheduler: document.scheduler,
            sizes,
            tiles,
            source: card.source,
            steps: card.steps,
            styles: BTreeMap::new(),
            // Two of them are begin and end.
            text_tokens: tokens.unwrap_or(0).saturating_sub(2),
            version: card.version,
            parts: Parts::Stable(StableParts {
                text: document.text,
                vae: document.vae,
                input_channels: document.input_channels,
                guidance_features: document.guidance_features,
                zero_negative: document.zero_negative,
            }),
        })
    }
}

/// Digest and bytes of a document.
///
/// # Errors
/// When a number is beyond what JSON holds exactly.
pub(crate) fn written(document: &FolderDocument) -> Result<(ModelDigest, Vec<u8>), Error> {
    let bytes = canonical::to_bytes(document, MANIFEST)?;
    Ok((ModelDigest::of(&bytes), bytes))
}

/// Plain names at most one folder deep, each once, and no more bytes than a model may have, before any of them is read.
fn check_files(files: &[ModelFile]) -> Result<(), Error> {
    let total = files
        .iter()
        .try_fold(0u64, |sum, file| sum.checked_add(file.bytes))
        .filter(|total| *total <= MAX_MODEL_BYTES);
    if files.len() > MAX_FILES || total.is_none() {
        return Err(wrong(&format!(
            "more than {MAX_FILES} files or {MAX_MODEL_BYTES} bytes"
        )));
    }
    let plain = |part: &str| {
        let known = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.');
        !part.is_empty() && !part.starts_with('.') && part.bytes().all(known)
    };
    for (at, file) in files.iter().enumerate() {
        if file.name.split('/').count() > 2 || !file.name.split('/').all(plain) {
            return Err(wrong(&format!("{:?} is not a plain file name", file.name)));
        }
        if files[..at].iter().any(|other| other.name == file.name) {
            return Err(wrong(&format!("{} is listed twice", file.name)));
        }
    }
    Ok(())
}
