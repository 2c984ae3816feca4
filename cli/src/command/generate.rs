//! `seedmark generate`: pictures from a prompt or a recipe.

use crate::arguments::Generate;
use crate::exit::Exit;
use crate::{machine, output};
use anyhow::{Result, anyhow};
use engine::executor::Executor as _;
use engine::model::Manifest;
use engine::picture::Picture;
use schema::recipe::{Anchor, ModelDigest, Noise, Recipe, Scheduler, Seed};
use schema::template::Values;
use serde_json::json;
use std::path::{Path, PathBuf};

pub(crate) fn run(options: &Generate) -> Result<Exit> {
    let (mut engine, runtime) = machine::engine(options.model.as_deref())?;
    let recipe = match &options.recipe {
        Some(path) => read_recipe(path)?,
        None => recipe_of(options, engine.model().digest, &engine.model().manifest)?,
    };
    let pictures = machine::regenerate(&mut engine, &recipe)?;
    let mut made = Vec::new();
    for (index, (picture, anchor)) in pictures.iter().zip(&recipe.anchors).enumerate() {
        let path = if options.recipe.is_some() {
            options.out.join(format!("anchor-{index}.png"))
        } else {
            options.out.clone()
        };
        machine::write(&path, &picture.to_png(None)?, false)?;
        made.push(describe(picture, anchor, &recipe, path)?);
    }
    if let Some(path) = &options.save_recipe {
        machine::write(path, &recipe.to_bytes()?, false)?;
    }
    if options.json {
        output::json(&json!({
            "model": recipe.model, "profile": recipe.profile, "engine": engine::NAME, "runtime": runtime.runtime(), "pictures": made,
        }));
    } else {
        for row in &made {
            output::line(&format!(
                "{}\n  seed    {}\n  blake3  {}\n  sha256  {}",
                text(&row["file"]),
                text(&row["seed"]),
                text(&row["blake3"]),
                text(&row["sha256"])
            ));
        }
    }
    Ok(Exit::Success)
}

fn text(value: &serde_json::Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn describe(
    picture: &Picture,
    anchor: &Anchor,
    recipe: &Recipe,
    file: PathBuf,
) -> Result<serde_json::Value> {
    let digest = picture.digest()?;
    let prompt = recipe.picture(&anchor.values, anchor.seed)?.prompt;
    Ok(json!({
        "file": file, "prompt": prompt, "seed": anchor.seed, "width": picture.width, "height": picture.height,
        "blake3": digest.blake3, "sha256": digest.sha256,
    }))
}

/// Reads a recipe as a person or a program wrote it; what is sealed later are our canonical bytes.
pub(crate) fn read_recipe(path: &Path) -> Result<Recipe> {
    let bytes = machine::read(path)?;
    if let Ok(recipe) = Recipe::parse(&bytes) {
        return Ok(recipe);
    }
    let recipe: Recipe =
        serde_json::from_slice(&bytes).map_err(|error| anyhow!("{}: {error}", path.display()))?;
    Ok(Recipe::parse(&recipe.to_bytes()?)?)
}

/// A recipe of one picture; the prompt is text, so its braces are doubled.
fn recipe_of(options: &Generate, model: ModelDigest, manifest: &Manifest) -> Result<Recipe> {
    let escape = |text: &str| text.replace('{', "{{").replace('}', "}}");
    let size = manifest
        .sizes
        .first()
        .ok_or_else(|| anyhow!("the model offers no size"))?;
    let guidance_milli = match &options.guidance {
        Some(text) => thousandths(text)
            .ok_or_else(|| anyhow!("--guidance {text}: is not a number such as 3 or 3.5"))?,
        None => manifest.guidance_milli,
    };
    let seed = match &options.seed {
        Some(text) => Seed::parse(text)?,
        None => Seed(u64::from_le_bytes(machine::random()?)),
    };
    let prompt = escape(options.prompt.as_deref().unwrap_or_default());
    let scheduler = Scheduler::FlowEuler {
        shift_milli: manifest.shift_milli,
    };
    let steps = options.steps.unwrap_or(manifest.steps);
    let mut recipe = Recipe::new(
        model,
        prompt,
        scheduler,
        steps,
        guidance_milli,
        (size.width, size.height),
    );
    recipe.negative = options.negative.as_deref().map(escape);
    recipe.noise = noise(&options.noise)?;
    recipe.anchors = vec![Anchor {
        values: Values::new(),
        seed,
    }];
    recipe.check()?;
    Ok(recipe)
}

fn noise(text: &str) -> Result<Noise> {
    let known = [Noise::Philox, Noise::TorchCpu, Noise::Numpy];
    known
        .into_iter()
        .find(|noise| noise.name() == text)
        .ok_or_else(|| anyhow!("--noise {text}: known are philox, torch-cpu and numpy"))
}

/// Reads `3` or `3.5` as thousandths.
fn thousandths(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > 3 || !digits(whole) || !digits(part) {
        return None;
    }
    whole
        .parse::<u32>()
        .ok()?
        .checked_mul(1000)?
        .checked_add(format!("{part:0<3}").parse().ok()?)
}
