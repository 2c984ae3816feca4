//! The recipe: everything the engine needs to make the pictures that are for sale. Secret until sold.
//!
//! The one rule: a recipe's bytes are canonical, and those exact bytes are what is committed to, encrypted and delivered.

use crate::canonical;
use crate::commitment::MAX_ANCHORS;
use crate::digest::Digest;
use crate::error::{Error, ErrorKind, quoted};
pub use crate::scheduler::Scheduler;
use crate::template::{self, Template, Values, Variable};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// The format's name.
pub const FORMAT: &str = "seedmark.dev/recipe/v1";
/// The longest recipe, in bytes.
pub const MAX_BYTES: usize = 64 * 1024;
/// The most sampling steps.
pub const MAX_STEPS: u32 = 200;
/// The most guidance, in thousandths.
pub const MAX_GUIDANCE_MILLI: u32 = 30_000;
/// The most layers of a text encoder that are left out.
pub const MAX_CLIP_SKIP: u32 = 12;
/// The most pixels across or down.
pub const MAX_SIDE: u32 = 16_384;
/// The smallest tile.
pub const MIN_TILE: u32 = 16;
/// A seed that is sold is at least so large: whoever tries smaller ones in turn needs more than a lifetime of one machine.
pub const MIN_SOLD_SEED: u64 = 1 << 32;
/// Two seeds that are sold with one recipe are at least so far apart.
pub const MIN_SOLD_DISTANCE: u64 = 1 << 20;

/// `blake3:<hex>` of the exact bytes of a `model.json`, which lists every file's size and digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ModelDigest(pub Digest);

impl ModelDigest {
    /// The digest of a manifest's bytes.
    #[must_use]
    pub fn of(manifest: &[u8]) -> Self {
        Self(Digest(*blake3::hash(manifest).as_bytes()))
    }

    /// Reads `blake3:<hex>`.
    ///
    /// # Errors
    /// For any other text.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let hex = text
            .strip_prefix("blake3:")
            .ok_or_else(|| Error::malformed("model", "does not begin with \"blake3:\""))?;
        Digest::parse(hex, "model").map(Self)
    }
}

impl std::fmt::Display for ModelDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "blake3:{}", self.0)
    }
}

impl Serialize for ModelDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ModelDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// The rules under which pixels are made (design, section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Profile {
    /// Equal pixels on every supported CPU; the only one that can be certified for sale.
    #[serde(rename = "portable-1")]
    Portable1,
    /// Ordinary ONNX Runtime; compared by tolerance.
    #[serde(rename = "native")]
    Native,
}

impl Profile {
    /// The name in documents.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable1 => "portable-1",
            Self::Native => "native",
        }
    }
}

/// Where the starting noise comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Noise {
    /// Philox 4x32-10 with a 64-bit seed: for anything on sale.
    Philox,
    /// `torch.randn` on an AVX2 CPU; 32 bits of seed, for recipes made elsewhere.
    TorchCpu,
    /// `numpy.random.RandomState`; 32 bits of seed.
    Numpy,
}

impl Noise {
    /// The name in documents.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Philox => "philox",
            Self::TorchCpu => "torch-cpu",
            Self::Numpy => "numpy",
        }
    }

    /// Refuses seeds of which the noise would silently drop bits.
    ///
    /// # Errors
    /// For seeds of 2^32 or more with `torch-cpu` and `numpy`.
    pub fn check_seed(self, seed: u64) -> Result<(), Error> {
        if self != Self::Philox && seed > u64::from(u32::MAX) {
            return Err(Error::invalid(
                "seed",
                format!(
                    "{seed} is 2^32 or more, of which {} noise would use 32 bits",
                    self.name()
                ),
            ));
        }
        Ok(())
    }
}

/// A seed: 64 bits, a decimal string in JSON because JSON numbers lose bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seed(pub u64);

impl Seed {
    /// Reads decimal digits without sign or leading zeros.
    ///
    /// # Errors
    /// For anything else, or 2^64 and more.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let value: u64 = text.parse().map_err(|_| {
            Error::invalid(
                "seed",
                format!("{} is not a number below 2^64", quoted(text)),
            )
            .rule("seed", "")
        })?;
        if value.to_string() != text {
            return Err(Error::invalid(
                "seed",
                format!("{} is not written in plain decimal digits", quoted(text)),
            )
            .rule("seed", ""));
        }
        Ok(Self(value))
    }
}

impl std::fmt::Display for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Seed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Seed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// One picture of the recipe whose digest is sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// A value for every variable.
    pub values: Values,
    /// Seed of the noise.
    pub seed: Seed,
}

/// The starting picture of image-to-image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Init {
    /// BLAKE3 pixel digest of the starting picture.
    pub pixels: Digest,
    /// Strength in thousandths.
    pub strength_milli: u32,
    /// BLAKE3 pixel digest of the mask of inpainting: white is painted, black stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<Digest>,
}

/// How brackets in a prompt are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PromptWeights {
    /// `(more)`, `[less]`, `(so much:1.3)`, as A1111 documents it. Absent from a recipe, brackets are text.
    A1111,
}

/// A second noise, mixed into the first along the sphere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variation {
    /// Its seed.
    pub seed: Seed,
    /// How much of it, in thousandths.
    pub strength_milli: u32,
}

/// A file that changes the model, by digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adapter {
    /// `blake3:<hex>` of the adapter's manifest.
    pub model: ModelDigest,
    /// Weight in thousandths.
    pub weight_milli: u32,
}

/// A recipe. What is an `Option` may be absent, and absent differs from empty; everything else is always there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    format: String,
    /// Which model.
    pub model: ModelDigest,
    /// Under which rules.
    pub profile: Profile,
    /// Prompt with `{name}` slots.
    pub template: String,
    /// The slots' types.
    pub variables: BTreeMap<String, Variable>,
    /// The pictures, in order.
    pub anchors: Vec<Anchor>,
    /// Negative prompt; may hold slots too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negative: Option<String>,
    /// Noise generator.
    pub noise: Noise,
    /// Sampler with its constants.
    pub scheduler: Scheduler,
    /// Sampling steps.
    pub steps: u32,
    /// Guidance in thousandths.
    pub guidance_milli: u32,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Image-to-image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<Init>,
    /// Adapters, in the order in which they are applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapters: Option<Vec<Adapter>>,
    /// Last layers of the text encoder that are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_skip: Option<u32>,
    /// How much of the guided prediction's spread is brought back to that of the unguided one, in thousandths (Lin et al. 2023).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guidance_rescale_milli: Option<u32>,
    /// Brackets in the prompt as weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_weights: Option<PromptWeights>,
    /// Added to the seed for the noise of the steps (A1111's ENSD); absent, one generator goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_seed_offset: Option<u32>,
    /// Side of the tiles, in pixels, in which latents become a picture and pictures latents; absent, the picture is taken whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tile: Option<u32>,
    /// A second noise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variation: Option<Variation>,
}

/// What one picture needs: the recipe's settings with one set of values put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Expanded prompt.
    pub prompt: String,
    /// Expanded negative prompt.
    pub negative: Option<String>,
    /// Seed of the noise.
    pub seed: u64,
}

impl Recipe {
    /// A recipe for one model with common settings; callers fill in the rest and call [`Recipe::check`].
    #[must_use]
    pub fn new(
        model: ModelDigest,
        template: String,
        scheduler: Scheduler,
        steps: u32,
        guidance_milli: u32,
        (width, height): (u32, u32),
    ) -> Self {
        Self {
            format: FORMAT.into(),
            model,
            profile: Profile::Portable1,
            template,
            variables: BTreeMap::new(),
            anchors: Vec::new(),
            negative: None,
            noise: Noise::Philox,
            scheduler,
            steps,
            guidance_milli,
            width,
            height,
            init: None,
            adapters: None,
            clip_skip: None,
            guidance_rescale_milli: None,
            prompt_weights: None,
            step_seed_offset: None,
            tile: None,
            variation: None,
        }
    }

    /// Reads and checks a recipe.
    ///
    /// # Errors
    /// Names the field and the rule.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let recipe: Self = canonical::parse(bytes, MAX_BYTES, "recipe", FORMAT)?;
        recipe.check()?;
        Ok(recipe)
    }

    /// The canonical bytes of a recipe that passes [`Recipe::check`].
    ///
    /// # Errors
    /// As [`Recipe::check`], or when it is longer than [`MAX_BYTES`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        self.check()?;
        let bytes = canonical::to_bytes(self, "recipe")?;
        if bytes.len() > MAX_BYTES {
            return Err(Error::malformed(
                "recipe",
                format!("is {} bytes long, the limit is {MAX_BYTES}", bytes.len()),
            ));
        }
        Ok(bytes)
    }

    /// Checks every rule that does not need the model.
    ///
    /// # Errors
    /// Names the field and the rule.
    pub fn check(&self) -> Result<(), Error> {
        if self.anchors.is_empty() || self.anchors.len() > MAX_ANCHORS {
            return Err(Error::invalid(
                "anchors",
                format!("{} pictures, 1 to {MAX_ANCHORS} belong", self.anchors.len()),
            ));
        }
        if !(1..=MAX_STEPS).contains(&self.steps) {
            return Err(Error::invalid(
                "steps",
                format!("{} is not in 1..={MAX_STEPS}", self.steps),
            )
            .rule("range", format!("1–{MAX_STEPS}")));
        }
        if self.guidance_milli > MAX_GUIDANCE_MILLI {
            return Err(Error::invalid(
                "guidance_milli",
                format!("{} is over {MAX_GUIDANCE_MILLI}", self.guidance_milli),
            )
            .rule("range", format!("0–{}", MAX_GUIDANCE_MILLI / 1000)));
        }
        for (place, side) in [("width", self.width), ("height", self.height)] {
            if !(1..=MAX_SIDE).contains(&side) {
                return Err(
                    Error::invalid(place, format!("{side} is not in 1..={MAX_SIDE}"))
                        .rule("range", format!("1–{MAX_SIDE}")),
                );
            }
        }
        self.scheduler.check()?;
        self.check_options()?;
        template::check(&self.template, self.negative.as_deref(), &self.variables)?;
        for (index, anchor) in self.anchors.iter().enumerate() {
            let at = |error: Error| error.within(&format!("anchors[{index}]"));
            self.noise.check_seed(anchor.seed.0).map_err(at)?;
            if let Some(extra) = anchor
                .values
                .keys()
                .find(|name| !self.variables.contains_key(*name))
            {
                return Err(Error::invalid(
                    format!("anchors[{index}].values.{}", quoted(extra)),
                    "is not a variable",
                )
                .rule("value-unknown", quoted(extra)));
            }
            self.picture(&anchor.values, anchor.seed).map_err(at)?;
        }
        Ok(())
    }

    fn check_options(&self) -> Result<(), Error> {
        let within = |place: &str, found: Option<u32>, least: u32, most: u32| match found {
            Some(found) if !(least..=most).contains(&found) => Err(Error::invalid(
                place,
                format!("{found} is not in {least}..={most}"),
            )
            .rule("range", format!("{least}–{most}"))),
            _ => Ok(()),
        };
        let init = self.init.as_ref().map(|init| init.strength_milli);
        let variation = self.variation.map(|variation| variation.strength_milli);
        within("clip_skip", self.clip_skip, 1, MAX_CLIP_SKIP)?;
        within(
            "guidance_rescale_milli",
            self.guidance_rescale_milli,
            1,
            1000,
        )?;
        within("init.strength_milli", init, 1, 1000)?;
        // A tile that holds the whole picture would be a second way of saying nothing.
        let longer = self.width.max(self.height);
        within("tile", self.tile, MIN_TILE, longer.saturating_sub(1))?;
        within("variation.strength_milli", variation, 1, 1000)?;
        self.variation.map_or(Ok(()), |variation| {
            let at = |error: Error| error.within("variation");
            self.noise.check_seed(variation.seed.0).map_err(at)
        })
    }

    /// Refuses what may be made but not sold: profile, noise and features outside the certified set.
    ///
    /// # Errors
    /// Names the field.
    pub fn check_for_sale(&self) -> Result<(), Error> {
        if self.profile != Profile::Portable1 {
            return Err(Error::invalid(
                "profile",
                "only portable-1 can be certified for sale",
            ));
        }
        if self.noise != Noise::Philox {
            return Err(Error::invalid(
                "noise",
                "only philox noise is sold: the others' seeds can be found from a picture",
            ));
        }
        if self.adapters.is_some() {
            return Err(Error::new(
                ErrorKind::Unknown,
                "recipe",
                "adapters are merged when a model is added; beside a model they cannot be certified",
            ));
        }
        Ok(())
    }

    /// Refuses seeds that somebody can find by trying: small ones, equal ones, and ones in a row. Seeds drawn from the operating
    /// system pass.
    ///
    /// # Errors
    /// Says what is wrong with them, and no seed.
    pub fn check_seeds_for_sale(&self) -> Result<(), Error> {
        let refuse = |message: String| Err(Error::invalid("anchors", message).rule("seeds", ""));
        let anchors = self.anchors.iter().map(|anchor| anchor.seed.0);
        let varied = self.variation.iter().map(|variation| variation.seed.0);
        let mut seeds: Vec<u64> = anchors.chain(varied).collect();
        seeds.sort_unstable();
        if seeds.first().is_some_and(|least| *least < MIN_SOLD_SEED) {
            return refuse(format!(
                "a seed is below {MIN_SOLD_SEED}, and so could be found by trying: draw 64 bits from the operating system"
            ));
        }
        let gaps: Vec<u64> = seeds.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let in_a_row = gaps.windows(2).any(|pair| pair[0] == pair[1]);
        if in_a_row || gaps.iter().any(|gap| *gap < MIN_SOLD_DISTANCE) {
            return refuse(
                "seeds are equal, near each other or in a row, so that one tells another: draw each from the operating system"
                    .into(),
            );
        }
        Ok(())
    }

    /// Puts values and seed in.
    ///
    /// # Errors
    /// As [`Template::expand`].
    pub fn picture(&self, values: &Values, seed: Seed) -> Result<Picture, Error> {
        let expand = |text: &str, place: &str| {
            Template::parse(text, place)?.expand(place, &self.variables, values)
        };
        Ok(Picture {
            prompt: expand(&self.template, "template")?,
            negative: self
                .negative
                .as_deref()
                .map(|text| expand(text, "negative"))
                .transpose()?,
            seed: seed.0,
        })
    }

    /// Every variable at its default.
    #[must_use]
    pub fn default_values(&self) -> Values {
        self.variables
            .iter()
            .map(|(name, variable)| (name.clone(), variable.default_value()))
            .collect()
    }
}
