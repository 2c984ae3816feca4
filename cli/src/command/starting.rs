//! The pictures that a recipe begins with: as they are given, as they lie beside its file, as an owner's bundle holds them.
//!
//! The one rule: a recipe names them by their pixels, so whatever lies around is read, and what fits is taken.

use crate::arguments::Generate;
use crate::input;
use crate::target::{Content, Target};
use anyhow::{Context as _, Result};
use engine::model::Size;
use engine::photo::{self, Photo};
use engine::pipeline::Pictures;
use ledger::bundle::{Check, Report, Verdict};
use schema::bundle::{Bundle, OwnerPart};
use schema::recipe::{Init, Recipe};
use std::path::{Path, PathBuf};

/// Endings of the files beside a recipe's.
const BESIDE: [&str; 2] = ["start.png", "mask.png"];

/// What `generate` is told to begin with, and how its recipe names it.
pub(crate) fn given(options: &Generate, size: Size) -> Result<(Option<Init>, Pictures)> {
    let mut pictures = Pictures::default();
    let Some(file) = &options.init else {
        return Ok((None, pictures));
    };
    let photo = read(file)?;
    let pixels = pictures.add(photo.fitted(size))?;
    let mask = match &options.mask {
        Some(file) => Some(read(file)?.bright(size)),
        None => photo.holes(size),
    };
    let init = Init {
        pixels,
        strength_milli: super::prompt::share("--strength", &options.strength)?,
        mask: mask.map(|mask| pictures.add(mask)).transpose()?,
    };
    Ok((Some(init), pictures))
}

/// The pictures for a recipe's file: those that are named, and those that `--save-recipe` wrote beside it.
pub(crate) fn of_recipe_file(file: &Path, named: &[PathBuf], recipe: &Recipe) -> Result<Pictures> {
    let mut pictures = Pictures::default();
    if recipe.init.is_none() && named.is_empty() {
        return Ok(pictures);
    }
    let size = Size {
        width: recipe.width,
        height: recipe.height,
    };
    let beside = BESIDE.map(|ending| file.with_extension(ending));
    let beside = beside.into_iter().filter(|path| path.is_file());
    for file in named.iter().cloned().chain(beside) {
        let photo = read(&file)?;
        pictures.add(photo.fitted(size))?;
        pictures.add(photo.bright(size))?;
        if let Some(holes) = photo.holes(size) {
            pictures.add(holes)?;
        }
    }
    Ok(pictures)
}

/// Places beside a recipe's file for what it begins with.
pub(crate) fn places(file: &Path, options: &Generate) -> Result<Vec<Target>> {
    let wanted = BESIDE.iter().take(match options.init {
        Some(_) => 2,
        None => 0,
    });
    let places = wanted.map(|ending| Target::file(&file.with_extension(ending), Content::Picture));
    places.collect()
}

/// The pictures that an owner's bundle holds.
pub(crate) fn of_bundle(owner: Option<&OwnerPart>) -> Result<Pictures> {
    let files = owner.map(OwnerPart::picture_files).transpose()?;
    Ok(Pictures::of_files(&files.unwrap_or_default())?)
}

/// Adds to a report whether a bundle holds what its recipe begins with.
pub(crate) fn note(bundle: &Bundle, report: &mut Report) {
    let Some(init) = report
        .recipe
        .as_ref()
        .and_then(|recipe| recipe.init.as_ref())
    else {
        return;
    };
    let held = of_bundle(bundle.owner.as_ref()).and_then(|held| Ok(held.files(init)?));
    report.checks.push(Check {
        name: "starting picture",
        verdict: match held {
            Ok(files) if files.len() > 1 => {
                Verdict::Passed("picture and mask have the pixels that the recipe names".into())
            }
            Ok(_) => Verdict::Passed("has the pixels that the recipe names".into()),
            Err(error) => Verdict::Failed(format!("{error:#}")),
        },
    });
}

fn read(file: &Path) -> Result<Photo> {
    let bytes = input::read(file, "picture", photo::MAX_BYTES)?;
    Photo::read(&bytes).with_context(|| file.display().to_string())
}
