//! `seedmark compare`: prompts down, models across, one seed, one sheet; each picture with a recipe of its own.

use super::generate::tiled;
use super::prompt;
use crate::arguments::Compare;
use crate::exit::Exit;
use crate::maker::{self, Maker};
use crate::target::{Content, Target};
use crate::{machine, output};
use anyhow::{Result, anyhow, bail, ensure};
use engine::metadata::scheduler_for;
use engine::model::Model;
use engine::pipeline::{Pictures, Request};
use schema::recipe::{Anchor, Recipe, Seed};
use schema::template::Values;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

/// What one model makes of one prompt; what is not said is the model's own.
fn recipe(options: &Compare, model: &Model, prompt: &str) -> Result<Recipe> {
    let manifest = &model.manifest;
    let size = prompt::size(options.size.as_deref(), manifest)?;
    let guidance = options.guidance.as_deref().map(prompt::guidance);
    let scheduler = match (&options.sampler, manifest.scheduler.schedule()) {
        // The embedded family has one sampler.
        (Some(name), Some(_)) => scheduler_for(name, &manifest.scheduler)
            .map_err(|error| anyhow!("--sampler: {error}"))?,
        _ => manifest.scheduler,
    };
    let mut recipe = Recipe::new(
        model.digest,
        prompt::escape("--prompt", prompt)?,
        scheduler,
        options.steps.unwrap_or(manifest.steps),
        guidance.transpose()?.unwrap_or(manifest.guidance_milli),
        (size.width, size.height),
    );
    let negative = options.negative.as_deref();
    recipe.negative = negative
        .map(|text| prompt::escape("--negative", text))
        .transpose()?;
    recipe.tile = manifest.usual_tile(size);
    Ok(recipe)
}

/// The most pictures of one sheet.
const MOST: usize = 64;

pub(crate) fn run(options: &Compare) -> Result<Exit> {
    let models: Vec<Option<&Path>> = match &options.model[..] {
        [] => vec![None],
        named => named.iter().map(|path| Some(path.as_path())).collect(),
    };
    let count = models.len() * options.prompt.len();
    ensure!(
        count <= MOST,
        "{} prompts and {} models are {count} pictures; {MOST} are made",
        options.prompt.len(),
        models.len()
    );
    let sheet = Target::file(&options.out, Content::Picture)?;
    if options.json && sheet.is_stdout() {
        bail!("--out -: the picture and the JSON would both go to standard output");
    }
    let mut places = match &options.recipes {
        Some(folder) => Target::recipes(folder, &names(options.prompt.len(), models.len()))?,
        None => Vec::new(),
    }
    .into_iter();
    let seed = match options.seed {
        Some(seed) => Seed(seed),
        None => Seed(u64::from_le_bytes(machine::random()?)),
    };
    let provider = maker::provider(options.runs.ep.as_deref())?;
    // A model at a time: several large ones together would not fit into memory.
    let mut columns = Vec::new();
    let mut names = Vec::new();
    for named in models {
        let (model, maker) = Maker::open(provider, named, None)?;
        let recipes = options.prompt.iter();
        let recipes = recipes
            .map(|prompt| {
                let mut recipe = recipe(options, &model, prompt)?;
                recipe.profile = maker.profile();
                recipe.anchors = vec![Anchor {
                    values: Values::new(),
                    seed,
                }];
                recipe.check()?;
                Ok(recipe)
            })
            .collect::<Result<Vec<_>>>()?;
        let mut requests = Vec::new();
        for recipe in &recipes {
            requests.extend(Request::of_anchors(recipe, &model, &Pictures::default())?);
        }
        let model = Arc::clone(&model);
        let made = maker.make(&model, &requests, options.workers.workers)?;
        maker.tell();
        names.push(model.manifest.title());
        columns.push((recipes, made));
    }
    let (mut pictures, mut rows) = (Vec::new(), Vec::new());
    for (row, prompt) in options.prompt.iter().enumerate() {
        for (column, (recipes, made)) in columns.iter().enumerate() {
            let picture = made[row].clone();
            rows.push(json!({
                "row": row + 1, "column": column + 1, "prompt": prompt, "model": recipes[row].model, "name": names[column],
                "seed": seed, "blake3": picture.digest()?.blake3,
            }));
            pictures.push(picture);
            if let Some(place) = places.next() {
                place.write(&recipes[row].to_bytes()?)?;
            }
        }
    }
    sheet.write(&tiled(&pictures, names.len()).to_png(None)?)?;
    if options.json {
        output::json(&json!({ "file": options.out.display().to_string(), "pictures": rows }));
        return Ok(Exit::Success);
    }
    output::line(format!(
        "{}: a row for each prompt, a column for each model, all with the seed {seed}",
        options.out.display()
    ));
    for (number, name) in (1..).zip(&names) {
        output::line(format!("column {number}  {name}"));
    }
    for (number, prompt) in (1..).zip(&options.prompt) {
        output::line(format!("row {number}     {prompt}"));
    }
    Ok(Exit::Success)
}

fn names(rows: usize, columns: usize) -> Vec<String> {
    let row =
        |row: usize| (1..=columns).map(move |column| format!("row-{row}-column-{column}.json"));
    (1..=rows).flat_map(row).collect()
}
