//! `seedmark generate`: pictures from a prompt or a recipe.

use crate::arguments::Generate;
use crate::exit::Exit;
use crate::{machine, output};
use anyhow::{Result, anyhow};
use engine::executor::Executor as _;
use engine::model::{Manifest, Size};
use engine::picture::Picture;
use engine::pipeline::Request;
use schema::recipe::{Anchor, ModelDigest, Noise, Recipe, Scheduler, Seed};
use schema::template::Values;
use serde_json::json;
use std::path::{Path, PathBuf};

pub(crate) fn run(options: &Generate) -> Result<Exit> {
    let (model, runtime) = machine::engine(options.model.as_deref())?;
    let recipe = match &options.recipe {
        Some(path) => read_recipe(path)?,
        None => recipe_of(options, model.digest, &model.manifest)?,
    };
    let requests = Request::of_anchors(&recipe, &model)?;
    let pictures = machine::generate(&model, &runtime, &requests, options.workers.workers)?;
    let sheet = options.explore.is_some();
    if sheet {
        machine::write(&options.out, &grid(&pictures).to_png(None)?, false)?;
    }
    let mut made = Vec::new();
    for (index, (picture, anchor)) in pictures.iter().zip(&recipe.anchors).enumerate() {
        let path = if options.recipe.is_some() {
            options.out.join(format!("anchor-{index}.png"))
        } else {
            options.out.clone()
        };
        if !sheet {
            machine::write(&path, &picture.to_png(None)?, false)?;
        }
        made.push(describe(picture, anchor, &recipe, path)?);
    }
    if let Some(path) = &options.save_recipe {
        machine::write(path, &recipe.to_bytes()?, false)?;
    }
    if options.json {
        output::json(&json!({
            "model": recipe.model, "profile": recipe.profile, "engine": engine::NAME, "runtime": runtime.runtime(), "pictures": made,
        }));
    } else if sheet {
        output::line(&format!(
            "{}: {} pictures, left to right, then down",
            options.out.display(),
            made.len()
        ));
        for (number, row) in (1..).zip(&made) {
            output::line(&format!("{number:>2}  seed {}", text(&row["seed"])));
        }
        output::line("Make one of them alone with --seed SEED.");
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
    let size = size(options.size.as_deref(), manifest)?;
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
    let more = (1..options.explore.unwrap_or(1))
        .map(|_| Ok(Seed(u64::from_le_bytes(machine::random()?))))
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

/// The size asked for, or the model's usual one; whether it is offered, the engine says.
fn size(wanted: Option<&str>, manifest: &Manifest) -> Result<Size> {
    let Some(text) = wanted else {
        let usual = manifest.sizes.first().copied();
        return usual.ok_or_else(|| anyhow!("the model offers no size"));
    };
    text.split_once(['x', '×'])
        .and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)))
        .map(|(width, height)| Size { width, height })
        .ok_or_else(|| anyhow!("--size {text}: is not a size such as 128x128"))
}

/// Pictures of one size on a sheet as square as it gets, white where none is left.
fn grid(pictures: &[Picture]) -> Picture {
    let (width, height) = pictures.first().map_or((1, 1), |p| (p.width, p.height));
    let columns = (1..)
        .find(|side| side * side >= pictures.len())
        .unwrap_or(1);
    let rows = pictures.len().div_ceil(columns);
    let (line, across) = (width as usize * 3, width as usize * 3 * columns);
    let mut samples = vec![255; across * height as usize * rows];
    for (at, picture) in pictures.iter().enumerate() {
        let (left, top) = (at % columns * line, at / columns * height as usize);
        for (y, row) in picture.samples.chunks_exact(line).enumerate() {
            let start = (top + y) * across + left;
            samples[start..start + line].copy_from_slice(row);
        }
    }
    Picture {
        width: width * columns as u32,
        height: height * rows as u32,
        samples,
    }
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
