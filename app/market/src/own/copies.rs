//! What of an owner's pictures leaves the shop: single pictures and print sheets, with or without the visible label.
//!
//! The one rule: each file says in its metadata that a machine made it, whose recipe, and whether it is a sealed picture; prompt, values and
//! seed are in none but those that an owner asks for with them. Without the visible label a file is noted before it leaves.

use super::holding::internal;
use super::service::{Error, Holding, OwnPicture, OwnRun, get_run, has_acknowledged, hold};
use super::{settings, store, unlabelled};
use crate::shop::Shop;
use base::compute::{self, Turns};
use base::db::Tx;
use base::lang::Lang;
use base::limits;
use engine::Error as EngineError;
use engine::label::{
    self,
    notice::{self, Spot, Words},
};
use engine::picture::Picture;
use engine::sheet::{MAX_PICTURES, Paper, Preset, Sheet, document, raster};
use schema::failure::FieldError;
use schema::id::{OwnRunId, PersonId};
use std::sync::LazyLock;

/// Everybody's own pictures, one after the other: a page of them must not take every thread.
static FILES: LazyLock<Turns> = LazyLock::new(|| Turns::new(1, 128));
/// A sheet is a page of nine million dots.
static SHEETS: LazyLock<Turns> = LazyLock::new(|| Turns::new(1, 4));

/// Whether a file carries the visible label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// It does, in words of this language.
    Shown(Lang),
    /// It does, on a copy for a page.
    OnPage(Lang),
    /// It does not: for whoever acknowledged what they owe.
    Left,
    /// It does not, and prompt, values and seed stand in the file: for owners who go on in another program.
    Settings,
}

impl Label {
    /// What it says.
    fn words(self) -> Option<Words> {
        match self {
            Self::Shown(lang) | Self::OnPage(lang) => Some(Words::of(lang.tag())),
            Self::Left | Self::Settings => None,
        }
    }

    /// Whether the file is one without a visible label, which is noted.
    #[must_use]
    pub fn is_bare(self) -> bool {
        matches!(self, Self::Left | Self::Settings)
    }
}

/// A file to take away.
#[derive(Debug)]
pub struct File {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// What a picture is, for its metadata, in every language: the recipe's name, and whether it is a sealed picture.
#[must_use]
pub fn about(title: &str, sealed: Option<i64>) -> Vec<(&'static str, String)> {
    let texts = Lang::ALL
        .into_iter()
        .map(|lang| (lang.tag(), note(lang, title, sealed)));
    texts.collect()
}

/// The same for a page in one language.
#[must_use]
pub fn note(lang: Lang, title: &str, sealed: Option<i64>) -> String {
    let title = ("title", title.to_owned().into());
    match sealed {
        None => lang.with("own-note", &[title]),
        Some(number) => lang.with("own-note-sealed", &[title, ("number", (number + 1).into())]),
    }
}

/// The end of a run's id, so that files of several runs lie in one folder.
fn mark_of(run: &OwnRunId) -> &str {
    let id = run.as_str();
    id.get(id.len().saturating_sub(4)..).unwrap_or(id)
}

fn name_of(holding: &Holding, run: &OwnRunId, picture: &OwnPicture, label: Label) -> String {
    let slug = &holding.version.slug;
    let suffix = match label {
        Label::Shown(_) | Label::OnPage(_) => "-labelled",
        Label::Left => "",
        Label::Settings => "-settings",
    };
    match picture.sealed() {
        None => format!(
            "{slug}-{}-own-{}{suffix}.png",
            mark_of(run),
            picture.idx + 1
        ),
        Some(anchor) => format!("{slug}-sealed-{}{suffix}.png", anchor + 1),
    }
}

fn code_of(run: &OwnRunId, what: &str) -> String {
    format!("own-{run}-{what}")
}

/// A holding, one of its runs, and the run's pictures.
async fn look_up(
    shop: &Shop,
    person: &PersonId,
    holding: &str,
    run: &OwnRunId,
) -> Result<(Holding, OwnRun, Vec<OwnPicture>), Error> {
    let mut tx: Tx = shop.db.read().await?;
    let held = hold(&mut tx, person, holding).await?;
    let run = get_run(&mut tx, &held, run).await?;
    let pictures = store::list_pictures(&mut tx, &run.id).await?;
    Ok((held, run, pictures))
}

/// Whether a file may be made at all: without a label only for an owner who acknowledged.
async fn check(shop: &Shop, held: &Holding, label: Label) -> Result<(), Error> {
    if !label.is_bare() {
        return Ok(());
    }
    let mut tx = shop.db.read().await?;
    match has_acknowledged(shop, &mut tx, held).await? {
        true => Ok(()),
        false => Err(Error::NotAcknowledged),
    }
}

/// The right to a file that is made: without a label it is noted as `what`, which only an owner who acknowledged may.
async fn admit(
    shop: &Shop,
    person: &PersonId,
    holding: &str,
    run: &OwnRunId,
    (label, what): (Label, &str),
) -> Result<(), Error> {
    if label.is_bare() {
        let mut tx = shop.db.write().await?;
        let held = hold(&mut tx, person, holding).await?;
        unlabelled::note(shop, &mut tx, &held, &code_of(run, what)).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn read(shop: &Shop, picture: &OwnPicture) -> Result<Vec<u8>, Error> {
    let blob = picture.blob.as_deref().ok_or(Error::NoFile)?;
    shop.media.get(blob).await?.ok_or(Error::NoFile)
}

fn decoded(file: &[u8], label: Label) -> Result<Picture, EngineError> {
    let mut picture = Picture::from_png(file)?;
    match label {
        Label::OnPage(lang) => return Ok(notice::for_page(&picture, Words::of(lang.tag()))),
        Label::Shown(lang) => notice::draw(&mut picture, Words::of(lang.tag()), Spot::Corner),
        Label::Left | Label::Settings => {}
    }
    Ok(picture)
}

/// One picture as a file.
///
/// # Errors
/// [`Error::NoFile`] while it is not made, [`Error::NotAcknowledged`] without a label; or as [`hold`].
pub async fn picture(
    shop: &Shop,
    person: &PersonId,
    holding: &str,
    run: &OwnRunId,
    index: i64,
    label: Label,
) -> Result<File, Error> {
    let what = index.to_string();
    let (held, run, pictures) = look_up(shop, person, holding, run).await?;
    let found = pictures.into_iter().find(|picture| picture.idx == index);
    let found = found.ok_or(Error::NotFound)?;
    check(shop, &held, label).await?;
    let file = read(shop, &found).await?;
    let name = name_of(&held, &run.id, &found, label);
    let packet = label::described(
        "SEEDMARK",
        &code_of(&run.id, &what),
        &about(&held.version.title, found.sealed()),
    );
    let made = FILES.run(move || decoded(&file, label)?.to_png(Some(&packet)));
    let mut bytes = made.await?.map_err(internal)?;
    if label == Label::Settings {
        bytes = settings::of_own(shop, &held, &run, index, bytes).await?;
    }
    admit(shop, person, holding, &run.id, (label, &what)).await?;
    Ok(File { name, bytes })
}

/// A print sheet as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SheetWish {
    pub paper: Paper,
    pub preset: Preset,
    /// A page as PNG, counted from 0; or all of them as PDF.
    pub page: Option<usize>,
    /// Which of the run's pictures; all that are made when it names none.
    pub pictures: Vec<i64>,
    pub label: Label,
}

/// A print sheet of a run's pictures. Its caption is in the reader's language.
///
/// # Errors
/// [`Error::Invalid`] when nothing is left to print, [`Error::NoPage`] for a page that it has not, [`Error::TooMany`]; or as [`picture`].
pub async fn sheet(
    shop: &Shop,
    person: &PersonId,
    holding: &str,
    run: &OwnRunId,
    wish: SheetWish,
    lang: Lang,
) -> Result<File, Error> {
    // What cannot be begun uses nothing up.
    if SHEETS.is_full() {
        return Err(compute::Busy.into());
    }
    let mut tx = shop.db.write().await?;
    if !limits::allow(&mut tx, limits::SHEETS, person.as_str()).await? {
        return Err(Error::TooMany(limits::SHEETS));
    }
    tx.commit().await?;
    let label = wish.label;
    let (held, run, pictures) = look_up(shop, person, holding, run).await?;
    check(shop, &held, label).await?;
    let mut chosen: Vec<OwnPicture> = pictures
        .into_iter()
        .filter(|picture| picture.blob.is_some())
        .filter(|picture| wish.pictures.is_empty() || wish.pictures.contains(&picture.idx))
        .collect();
    chosen.truncate(MAX_PICTURES);
    if chosen.is_empty() {
        return Err(Error::Invalid(vec![FieldError::new(
            "picture",
            "sheet-empty",
        )]));
    }
    let mut files = Vec::new();
    for picture in &chosen {
        files.push(read(shop, picture).await?);
    }
    let title = held.version.title.clone();
    // Only a sheet of nothing but one sealed picture carries a seal.
    let first = chosen[0].sealed();
    let sealed = first.filter(|_| chosen.iter().all(|picture| picture.sealed() == first));
    let caption = lang.with(
        "sheet-caption",
        &[
            ("note", note(lang, &title, sealed).into()),
            ("creator", held.version.handle.clone().into()),
        ],
    );
    let packet = label::described(
        "SEEDMARK",
        &code_of(&run.id, "sheet"),
        &about(&title, sealed),
    );
    let ending = match wish.page {
        Some(page) => format!("{}.png", page + 1),
        None => "sheet.pdf".to_owned(),
    };
    let (slug, preset, paper) = (&held.version.slug, wish.preset.name(), wish.paper.name());
    let name = format!("{slug}-{}-{preset}-{paper}-{ending}", mark_of(&run.id));
    let made = SHEETS.run(move || draw(&files, &wish, (&title, &caption, &packet)));
    let bytes = made.await?.map_err(internal)?.ok_or(Error::NoPage)?;
    admit(shop, person, holding, &run.id, (label, "sheet")).await?;
    Ok(File { name, bytes })
}

fn draw(
    files: &[Vec<u8>],
    wish: &SheetWish,
    (title, caption, xmp): (&str, &str, &str),
) -> Result<Option<Vec<u8>>, EngineError> {
    let pictures = files.iter().map(|file| Picture::from_png(file));
    let pictures: Vec<Picture> = pictures.collect::<Result<_, _>>()?;
    let sheet = Sheet {
        paper: wish.paper,
        preset: wish.preset,
        pictures: &pictures,
        notice: wish.label.words(),
        caption,
        xmp,
    };
    match wish.page {
        Some(page) => raster::png(&sheet, page),
        None => document::pdf(&sheet, title).map(Some),
    }
}
