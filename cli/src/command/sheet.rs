//! `seedmark sheet`: pictures laid out for stickers, badges, nails and shirts.

use crate::arguments::Sheet;
use crate::exit::Exit;
use crate::target::{Content, Target};
use crate::{input, output};
use anyhow::{Context as _, Result, anyhow, bail, ensure};
use engine::label::{self, notice::Words};
use engine::picture::Picture;
use engine::sheet::{self, Paper, Preset, document, layout, raster};
use schema::digest::Digest;
use std::path::{Path, PathBuf};

/// The largest picture file that is read.
const MAX_PICTURE_BYTES: usize = 32 * 1024 * 1024;
/// The longest caption.
const MAX_CAPTION_CHARACTERS: usize = 400;

/// Where the pages of a sheet go, found fit before the work begins.
pub(super) struct Places {
    preset: Preset,
    paper: Paper,
    document: Option<(PathBuf, Target)>,
    pages: Vec<(PathBuf, Target)>,
}

impl Places {
    /// A PDF and all pages as PNG, named by how their names begin.
    pub(super) fn both(
        begin: &Path,
        preset: Preset,
        paper: Paper,
        pictures: usize,
    ) -> Result<Self> {
        let named = |ending: &str| PathBuf::from(format!("{}{ending}", begin.display()));
        let path = named(".pdf");
        let document = Target::file(&path, Content::Document)?;
        let pages = (1..=page_count(paper, preset, pictures)).map(|number| {
            let path = named(&format!("-{number}.png"));
            Ok((path.clone(), Target::file(&path, Content::Picture)?))
        });
        Ok(Self {
            preset,
            paper,
            document: Some((path, document)),
            pages: pages.collect::<Result<_>>()?,
        })
    }

    /// Makes the files, labelled if `notice` says how, and returns where they lie.
    pub(super) fn write(
        self,
        pictures: &[Picture],
        note: &str,
        notice: Option<Words>,
    ) -> Result<Vec<PathBuf>> {
        let names: String = pictures
            .iter()
            .map(|picture| picture.digest().map(|digest| digest.blake3.hex()))
            .collect::<Result<_, _>>()?;
        let code = format!("sheet-{}", &Digest::sha256(names.as_bytes()).hex()[..16]);
        let caption = format!("{note} AI 生成 · AI-generated · print at 100%");
        let sheet = sheet::Sheet {
            paper: self.paper,
            preset: self.preset,
            pictures,
            notice,
            caption: &caption,
            xmp: &label::described("SEEDMARK", &code, &[("en", note.to_owned())]),
        };
        let mut written = Vec::new();
        if let Some((path, place)) = self.document {
            place.write(&document::pdf(&sheet, note)?)?;
            written.push(path);
        }
        for (number, (path, place)) in self.pages.into_iter().enumerate() {
            let page = raster::png(&sheet, number)?;
            place.write(&page.ok_or_else(|| anyhow!("the sheet has no page {}", number + 1))?)?;
            written.push(path);
        }
        Ok(written)
    }
}

fn page_count(paper: Paper, preset: Preset, pictures: usize) -> usize {
    // How many pages there are depends on the number of pictures alone.
    layout::pages(paper, preset, &vec![(1, 1); pictures], "").len()
}

pub(crate) fn run(options: &Sheet) -> Result<Exit> {
    let preset = Preset::parse(&options.preset).ok_or_else(|| anyhow!("--preset: is none"))?;
    let paper = Paper::parse(&options.paper).ok_or_else(|| anyhow!("--paper: is none"))?;
    let places = places(options, preset, paper)?;
    let (mut pictures, mut notes) = (Vec::new(), Vec::new());
    for path in &options.pictures {
        let bytes = input::read(path, "picture", MAX_PICTURE_BYTES)?;
        let shown = || path.display().to_string();
        pictures.push(Picture::from_png(&bytes).with_context(shown)?);
        notes.extend(label::description_in(&bytes));
    }
    notes.dedup();
    let note = match (&options.caption, notes.as_slice()) {
        (Some(text), _) => {
            ensure!(
                text.chars().count() <= MAX_CAPTION_CHARACTERS,
                "--caption: has more than {MAX_CAPTION_CHARACTERS} characters"
            );
            text.clone()
        }
        (None, notes) => notes.join(" "),
    };
    let written: Vec<String> = places
        .write(&pictures, &note, options.label.as_deref().map(Words::of))?
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    if options.label.is_none() && matches!(preset, Preset::Badge32 | Preset::Badge58) {
        output::hint(
            "hint: a label that is part of a picture may lie on the round cut; take unlabelled files and --label, and it is drawn within",
        );
    }
    if options.json {
        output::json(
            &serde_json::json!({ "files": written, "preset": preset.name(), "paper": paper.name() }),
        );
    } else {
        for path in written {
            output::line(path);
        }
    }
    Ok(Exit::Success)
}

fn places(options: &Sheet, preset: Preset, paper: Paper) -> Result<Places> {
    let out = &options.out;
    let ending = out.extension().map(|ending| ending.to_ascii_lowercase());
    let (mut document, mut pages) = (None, Vec::new());
    match ending.as_deref().and_then(std::ffi::OsStr::to_str) {
        Some("pdf") => document = Some((out.clone(), Target::file(out, Content::Document)?)),
        Some("png") => {
            for number in 1..=page_count(paper, preset, options.pictures.len()) {
                let path = match number {
                    1 => out.clone(),
                    number => {
                        let stem = out.with_extension("");
                        PathBuf::from(format!("{}-{number}.png", stem.display()))
                    }
                };
                pages.push((path.clone(), Target::file(&path, Content::Picture)?));
            }
        }
        _ => bail!("--out {}: a sheet is a .pdf or a .png", out.display()),
    }
    Ok(Places {
        preset,
        paper,
        document,
        pages,
    })
}
