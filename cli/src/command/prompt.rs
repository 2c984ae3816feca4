//! What `generate` was asked for on the command line, as a recipe; every refusal names the option and its limits.

use crate::arguments::Generate;
use crate::machine;
use anyhow::{Result, anyhow, ensure};
use engine::metadata::scheduler_for;
use engine::model::{Manifest, Size};
use schema::recipe::{
    self, Anchor, Init, ModelDigest, Noise, PromptWeights, Recipe, Seed, Variation,
};
use schema::template::{MAX_TEMPLATE_BYTES, Values};

/// A recipe of one picture; the prompt is text, so its braces are doubled.
pub(crate) fn recipe_of(
    options: &Generate,
    model: ModelDigest,
    manifest: &Manifest,
    size: Size,
    init: Option<Init>,
) -> Result<Recipe> {
    let guidance_milli = match &options.guidance {
        Some(text) => guidance(text)?,
        None => manifest.guidance_milli,
    };
    let noise = noise(&options.noise)?;
    let seed = match &options.seed {
        Some(text) => seed(text, noise)?,
        None => fresh_seed(noise)?,
    };
    let prompt = escape("--prompt", options.prompt.as_deref().unwrap_or_default())?;
    let scheduler = match &options.sampler {
        Some(name) => scheduler_for(name, &manifest.scheduler)
            .map_err(|error| anyhow!("--sampler: {error}"))?,
        None => manifest.scheduler,
    };
    let steps = options.steps.unwrap_or(manifest.steps);
    ensure!(
        (1..=recipe::MAX_STEPS).contains(&steps),
        "--steps {steps}: 1 to {} are made",
        recipe::MAX_STEPS
    );
    let mut recipe = Recipe::new(
        model,
        prompt,
        scheduler,
        steps,
        guidance_milli,
        (size.width, size.height),
    );
    let negative = options.negative.as_deref();
    recipe.negative = negative
        .map(|text| escape("--negative", text))
        .transpose()?;
    recipe.noise = noise;
    recipe.clip_skip = options.clip_skip;
    recipe.tile = options.tile.or_else(|| manifest.usual_tile(size));
    recipe.prompt_weights = options.weights.then_some(PromptWeights::A1111);
    recipe.guidance_rescale_milli = match &options.rescale {
        Some(text) => Some(share("--rescale", text)?),
        None => None,
    };
    recipe.variation = match &options.variation {
        Some(text) => Some(variation(text, noise)?),
        None => None,
    };
    recipe.init = init;
    let more = (1..options.explore.unwrap_or(1))
        .map(|_| fresh_seed(noise))
        .collect::<Result<Vec<_>>>()?;
    recipe.anchors = std::iter::once(seed)
        .chain(more)
        .map(|seed| Anchor {
            values: Values::new(),
            seed,
        })
        .collect();
    recipe.check()?;
    Ok(recipe)
}

/// Plain text as a template, within the limit that a template has.
pub(crate) fn escape(option: &str, text: &str) -> Result<String> {
    let template = text.replace('{', "{{").replace('}', "}}");
    ensure!(
        template.len() <= MAX_TEMPLATE_BYTES,
        "{option}: is {} bytes long, the limit is {MAX_TEMPLATE_BYTES} (a brace counts twice)",
        template.len()
    );
    Ok(template)
}

/// As many bits as the noise takes.
fn fresh_seed(noise: Noise) -> Result<Seed> {
    Ok(Seed(match noise {
        Noise::Philox => u64::from_le_bytes(machine::random()?),
        Noise::TorchCpu | Noise::Numpy => u32::from_le_bytes(machine::random()?).into(),
    }))
}

fn seed(text: &str, noise: Noise) -> Result<Seed> {
    let most = match noise {
        Noise::Philox => u64::MAX,
        Noise::TorchCpu | Noise::Numpy => u32::MAX.into(),
    };
    let seed = Seed::parse(text).ok().filter(|seed| seed.0 <= most);
    seed.ok_or_else(|| {
        anyhow!(
            "--seed {text}: a seed of {} noise is a whole number from 0 to {most}",
            noise.name()
        )
    })
}

/// The size asked for, or the model's usual one; whether it is offered, the engine says.
pub(crate) fn size(wanted: Option<&str>, manifest: &Manifest) -> Result<Size> {
    let Some(text) = wanted else {
        let usual = manifest.sizes.first().copied();
        return usual.ok_or_else(|| anyhow!("the model offers no size"));
    };
    size_of(text)
}

/// Reads `128x128`.
pub(crate) fn size_of(text: &str) -> Result<Size> {
    text.split_once(['x', '×'])
        .and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)))
        .map(|(width, height)| Size { width, height })
        .ok_or_else(|| anyhow!("--size {text}: is not a size such as 128x128"))
}

fn noise(text: &str) -> Result<Noise> {
    let known = [Noise::Philox, Noise::TorchCpu, Noise::Numpy];
    known
        .into_iter()
        .find(|noise| noise.name() == text)
        .ok_or_else(|| anyhow!("--noise {text}: known are philox, torch-cpu and numpy"))
}

/// Reads a share such as `0.7` as thousandths, 1 to 1000.
pub(crate) fn share(option: &str, text: &str) -> Result<u32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let thousandths = (digits(whole) && digits(part) && part.len() <= 3 && !text.is_empty())
        .then(|| format!("{whole:0>1}{part:0<3}").parse::<u32>().ok())
        .flatten();
    thousandths
        .filter(|share| (1..=1000).contains(share))
        .ok_or_else(|| anyhow!("{option} {text}: is not a share from 0.001 to 1"))
}

/// Reads `42:0.2`.
fn variation(text: &str, noise: Noise) -> Result<Variation> {
    let (number, strength) = text
        .split_once(':')
        .ok_or_else(|| anyhow!("--variation {text}: is not a seed and a share, such as 42:0.2"))?;
    Ok(Variation {
        seed: seed(number, noise)?,
        strength_milli: share("--variation", strength)?,
    })
}

/// Reads `3` or `3.5` as thousandths.
pub(crate) fn guidance(text: &str) -> Result<u32> {
    let most = recipe::MAX_GUIDANCE_MILLI;
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    ensure!(
        !whole.is_empty() && digits(whole) && digits(part),
        "--guidance {text}: is not a number such as 3 or 3.5, from 0 to {}",
        most / 1000
    );
    ensure!(
        part.len() <= 3,
        "--guidance {text}: has more than three decimals"
    );
    let thousandths = whole.parse::<u32>().ok().and_then(|whole| {
        let part: u32 = format!("{part:0<3}").parse().ok()?;
        whole.checked_mul(1000)?.checked_add(part)
    });
    thousandths
        .filter(|found| *found <= most)
        .ok_or_else(|| anyhow!("--guidance {text}: the limit is {}", most / 1000))
}
