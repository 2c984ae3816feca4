//! `seedmark generate`: pictures from a prompt or a recipe.

use super::starting;
use crate::arguments::Generate;
use crate::exit::Exit;
use crate::maker::{self, Maker};
use crate::target::{Content, Target};
use crate::{input, output};
use anyhow::{Context as _, Result, anyhow, bail, ensure};
use engine::metadata::{self, PARAMETERS, a1111_text, with_text};
use engine::model::Model;
use engine::onnx_runtime::Provider;
use engine::picture::Picture;
use engine::pipeline::{Pictures, Request};
use schema::canonical;
use schema::invisible;
use schema::recipe::{self, Anchor, Profile, Recipe};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A recipe as people write it has spaces and line ends, which its canonical form has not.
const MAX_WRITTEN_BYTES: usize = 4 * recipe::MAX_BYTES;

pub(crate) fn run(options: &Generate) -> Result<Exit> {
    if let Some(bundle) = &options.bundle {
        ensure!(
            options.runs.ep.is_none(),
            "--ep: pictures of what you own are made with portable-1, so that the sealed ones among them come out equal"
        );
        return super::own::run(options, bundle);
    }
    // Without a bundle the parser asks for it.
    let out = options.out.as_deref().unwrap_or(Path::new("."));
    let written = options.recipe.as_deref().map(read_recipe).transpose()?;
    // Every place is looked at before the minutes of work, not after them.
    let mut places = places(options, out, written.as_ref())?;
    let save = match &options.save_recipe {
        Some(path) => Some(Target::file(path, Content::Recipe)?),
        None => None,
    };
    let mut beside = match &options.save_recipe {
        Some(path) => starting::places(path, options)?,
        None => Vec::new(),
    }
    .into_iter();
    if save
        .as_ref()
        .is_some_and(|save| places.iter().any(|(_, place)| place.is(save)))
    {
        bail!("--save-recipe and --out name the same file");
    }
    let provider = provider(options, written.as_ref())?;
    let (model, maker) = Maker::open(provider, options.model.as_deref(), written.as_ref())?;
    let (mut recipe, begun) = match (written, &options.recipe) {
        (Some(recipe), Some(file)) => {
            let begun = starting::of_recipe_file(file, &options.picture, &recipe)?;
            (recipe, begun)
        }
        _ => {
            let size = super::prompt::size(options.size.as_deref(), &model.manifest)?;
            let (init, begun) = starting::given(options, size)?;
            let (digest, manifest) = (model.digest, &model.manifest);
            let recipe = super::prompt::recipe_of(options, digest, manifest, size, init)?;
            (recipe, begun)
        }
    };
    // Whatever a recipe says, what is made of it here is what is told.
    recipe.profile = maker.profile();
    hint_at(&recipe);
    let requests = of_anchors(&recipe, &model, &begun)?;
    let pictures = maker.make(&model, &requests, options.workers.workers)?;
    let sheet = options.explore.is_some();
    let mut made = Vec::new();
    for (index, (picture, anchor)) in pictures.iter().zip(&recipe.anchors).enumerate() {
        let path = places.get(index).map_or(out, |(path, _)| path);
        made.push(describe(picture, anchor, &recipe, path)?);
    }
    if sheet {
        let (_, place) = places.remove(0);
        place.write(&grid(&pictures).to_png(None)?)?;
    } else {
        for ((picture, anchor), (_, place)) in pictures.iter().zip(&recipe.anchors).zip(places) {
            let mut file = picture.to_png(None)?;
            if options.parameters {
                let of_anchor = recipe.picture(&anchor.values, anchor.seed)?;
                let found = metadata::of_recipe(&recipe, &of_anchor, &model);
                file = with_text(&file, PARAMETERS, &a1111_text(&found))?;
            }
            place.write(&file)?;
        }
    }
    if let Some(place) = save {
        place.write(&recipe.to_bytes()?)?;
        let files = recipe.init.as_ref().map(|init| begun.files(init));
        for file in files.transpose()?.unwrap_or_default() {
            if let Some(place) = beside.next() {
                place.write(&file)?;
            }
        }
    }
    if options.json {
        output::json(&json!({
            "model": recipe.model, "profile": recipe.profile, "engine": engine::NAME, "runtime": maker.executor().runtime(), "pictures": made,
        }));
    } else if sheet {
        output::line(format!(
            "{}: {} pictures, left to right, then down",
            out.display(),
            made.len()
        ));
        for (number, row) in (1..).zip(&made) {
            output::line(format!("{number:>2}  seed {}", text(&row["seed"])));
        }
        output::line("Make one of them alone with --seed SEED.");
    } else {
        for row in &made {
            output::line(text(&row["file"]));
            for name in ["seed", "blake3", "sha256"] {
                output::line(format!("  {name:<6}  {}", text(&row[name])));
            }
        }
    }
    maker.tell();
    Ok(Exit::Success)
}

/// How to give what is missing.
pub(crate) const GIVEN_WITH: &str =
    "the pictures that a recipe begins with are given with --picture";

/// Requests for a recipe's pictures; where one that it begins with is missing, how to give it.
pub(crate) fn of_anchors(recipe: &Recipe, model: &Model, begun: &Pictures) -> Result<Vec<Request>> {
    let requests = Request::of_anchors(recipe, model, begun);
    match &recipe.init {
        Some(_) => requests.context(GIVEN_WITH),
        None => Ok(requests?),
    }
}

/// What makes the pictures; nothing said, `portable-1`. A recipe of `native` is made by the CPU unless something else is named.
fn provider(options: &Generate, recipe: Option<&Recipe>) -> Result<Option<Provider>> {
    let named = options.runs.ep.as_deref();
    let chosen = options.profile.as_deref();
    let native = Profile::Native;
    if chosen.is_some_and(|chosen| chosen != native.name()) {
        ensure!(
            named.is_none(),
            "--ep: an execution provider keeps no portable-1; leave one of them out"
        );
        return Ok(None);
    }
    let is_native = chosen.is_some() || recipe.is_some_and(|recipe| recipe.profile == native);
    Ok(maker::provider(named)?.or(is_native.then_some(Provider::Cpu)))
}

/// Where the pictures go: one file for one picture or a sheet, a folder for a recipe's.
fn places(
    options: &Generate,
    out: &Path,
    recipe: Option<&Recipe>,
) -> Result<Vec<(PathBuf, Target)>> {
    if let Some(recipe) = recipe {
        return Target::folder(out, recipe.anchors.len());
    }
    let place = Target::file(out, Content::Picture)?;
    if options.json && place.is_stdout() {
        bail!("--out -: the picture and the JSON would both go to standard output");
    }
    Ok(vec![(out.to_owned(), place)])
}

fn text(value: &serde_json::Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn describe(
    picture: &Picture,
    anchor: &Anchor,
    recipe: &Recipe,
    file: &Path,
) -> Result<serde_json::Value> {
    let digest = picture.digest()?;
    let prompt = recipe.picture(&anchor.values, anchor.seed)?.prompt;
    Ok(json!({
        "file": file.display().to_string(), "prompt": prompt, "seed": anchor.seed, "width": picture.width, "height": picture.height,
        "blake3": digest.blake3, "sha256": digest.sha256,
    }))
}

/// Says what changes the picture unseen, or looks as if it did and does not.
pub(crate) fn hint_at(recipe: &Recipe) {
    let mut hidden = BTreeSet::new();
    for anchor in &recipe.anchors {
        let Ok(picture) = recipe.picture(&anchor.values, anchor.seed) else {
            continue;
        };
        let texts = [
            ("prompt", Some(picture.prompt)),
            ("negative", picture.negative),
        ];
        for (name, text) in texts {
            for found in invisible::find(text.as_deref().unwrap_or_default()) {
                hidden.insert(format!("the {name} holds {found}"));
            }
        }
    }
    for found in hidden {
        output::hint(format!(
            "hint: {found}: nobody sees it, and the picture changes with it"
        ));
    }
    if recipe.negative.is_some() && recipe.guidance_milli <= 1000 {
        output::hint("hint: at guidance 1 and below the negative prompt changes nothing");
    }
}

/// Reads a recipe as a person or a program wrote it; what is sealed later are our canonical bytes.
pub(crate) fn read_recipe(path: &Path) -> Result<Recipe> {
    let file = input::read(path, "recipe", MAX_WRITTEN_BYTES)?;
    let bytes = canonical::body(&file);
    if let Ok(recipe) = Recipe::parse(bytes) {
        return Ok(recipe);
    }
    let recipe: Recipe =
        serde_json::from_slice(bytes).map_err(|error| anyhow!("{}: {error}", path.display()))?;
    Ok(Recipe::parse(&recipe.to_bytes()?)?)
}

/// Pictures of one size on a sheet as square as it gets, white where none is left.
fn grid(pictures: &[Picture]) -> Picture {
    let columns = (1..)
        .find(|side| side * side >= pictures.len())
        .unwrap_or(1);
    tiled(pictures, columns)
}

/// Pictures in so many columns, each in a cell as large as the largest, white where none is left.
pub(crate) fn tiled(pictures: &[Picture], columns: usize) -> Picture {
    let width = pictures.iter().map(|p| p.width).max().unwrap_or(1);
    let height = pictures.iter().map(|p| p.height).max().unwrap_or(1);
    let rows = pictures.len().div_ceil(columns);
    let (line, across) = (width as usize * 3, width as usize * 3 * columns);
    let mut samples = vec![255; across * height as usize * rows];
    for (at, picture) in pictures.iter().enumerate() {
        let (left, top) = (at % columns * line, at / columns * height as usize);
        let own = picture.width as usize * 3;
        for (y, row) in picture.samples.chunks_exact(own).enumerate() {
            let start = (top + y) * across + left;
            samples[start..start + own].copy_from_slice(row);
        }
    }
    Picture {
        width: width * columns as u32,
        height: height * rows as u32,
        samples,
    }
}
