//! A model folder as the ecosystem makes it → a model of this engine, in a store by digest.
//!
//! The one rule: the folder is only read, and the store gets a model when everything about it was proven; what was written until then is
//! taken away again.

mod graphs;
mod index;
mod licence;
mod store;

pub use licence::Licence;
pub use store::{Entry, Store};

use super::lora::{Adapters, Part};
use super::prove::Proof;
use crate::error::{Error, ErrorKind};
use crate::executor::Executor;
use crate::model::tiles;
use crate::model::{
    CARD, CARD_FORMAT, Card, FOLDER_FORMAT, FolderDocument, MANIFEST, MergedWeight, Model,
    ModelFile, Size, Source, TextEncoder, Vae, card_bytes, written,
};
use crate::text::TextTokenizer;
use graphs::Graphs;
use index::{Folder, Index, Kind};
use schema::digest::Digest;
use schema::recipe::{ModelDigest, Profile};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What the caller states of a model.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// Its name for people; that of the folder if none is given.
    pub name: Option<String>,
    /// Picture sizes; the one that the UNet was made for if none is given.
    pub sizes: Vec<Size>,
    /// Sides of tiles, in pixels, in which pictures that are larger are to be made too.
    pub tiles: Vec<u32>,
    /// Pictures that are larger than a tile are made in tiles alone: no graph takes the memory of a whole one.
    pub tiles_only: bool,
    /// The licence, where no card says it.
    pub licence: Option<String>,
    /// Pictures of it are not to be sold.
    pub for_own_use: bool,
    /// Steps that are usual for it.
    pub steps: Option<u32>,
    /// Guidance that is usual for it, in thousandths.
    pub guidance_milli: Option<u32>,
    /// LoRAs that are merged into its weights, in this order, each with how much of it in thousandths; below 0 takes it away.
    pub adapters: Vec<(PathBuf, i32)>,
}

/// A graph that was rewritten and proven.
#[derive(Clone, Debug)]
pub struct Proven {
    /// Its name, with the picture size where it serves one.
    pub graph: String,
    /// Nodes that a runtime runs.
    pub nodes: usize,
    /// How far it is from what it was made from.
    pub proof: Proof,
}

/// A model that was added.
#[derive(Clone, Debug)]
pub struct Added {
    /// What recipes name.
    pub digest: ModelDigest,
    /// Where it lies.
    pub path: PathBuf,
    /// Every graph, measured.
    pub proven: Vec<Proven>,
    /// What the model cannot do because a part could not be made portable, in words.
    pub without: Vec<String>,
    /// Whether it was in the store before.
    pub known: bool,
}

/// Adds a folder to a store; `tell` hears which graph is worked on.
///
/// # Errors
/// An error that names file and field: a folder that is not whole, a class or option that is not known, a node that cannot be rewritten or
/// differs, an adapter of which one tensor is not understood or has no place, a licence that forbids sale, a disk that is full.
pub fn add(
    path: &Path,
    store: &Store,
    wishes: &Wishes,
    executor: &dyn Executor,
    tell: &mut dyn FnMut(&str),
) -> Result<Added, Error> {
    let folder = Folder::new(path);
    let index = Index::read(&folder)?;
    let licence = licence::read(&folder, wishes.licence.as_deref(), wishes.for_own_use)?;
    let adapters = Adapters::read(&wishes.adapters)?;
    let work = store.begin()?;
    let mut graphs = Graphs::new(&folder, work.path(), &adapters, executor, tell);
    graphs.check_adapters(match index.kind {
        Kind::Stable => &[Part::Text, Part::Unet],
        Kind::Xl => &[Part::Text, Part::SecondText, Part::Unet],
    })?;
    let measured = graphs.measure()?;
    let tokenizers = tokenizers(&folder, index.kind)?;
    let mut text = Vec::new();
    for (name, tokenizer) in &tokenizers {
        let component = name.replace("tokenizer", "text_encoder");
        text.push(graphs.text_encoder(&component, name, tokenizer, index.kind)?);
    }
    let factor = measured.factor;
    let sizes = match &wishes.sizes[..] {
        [] => vec![Size {
            width: index.sample_cells * factor,
            height: index.sample_cells * factor,
        }],
        // Each once, the first being the usual one; graphs are written in one order, whatever the wish.
        sizes => {
            let mut each: Vec<Size> = Vec::new();
            for size in sizes {
                if !each.contains(size) {
                    each.push(*size);
                }
            }
            each
        }
    };
    let mut ordered = sizes.clone();
    ordered.sort();
    let condition = Condition::of(&index, &text);
    for size in &sizes {
        if !size.width.is_multiple_of(factor) || !size.height.is_multiple_of(factor) {
            return Err(Error::new(
                ErrorKind::NotOffered,
                format!(
                    "the size {size} is no multiple of {factor}, the pixels of one latent cell"
                ),
            ));
        }
    }
    let mut tiles = wishes.tiles.clone();
    tiles.sort_unstable();
    tiles.dedup();
    let decoded = decoded(&ordered, &tiles, wishes.tiles_only, factor)?;
    graphs.pictures(&ordered, &decoded, &measured, &condition)?;
    let mut without = Vec::new();
    if let Err(error) = graphs.picture_encoder(&decoded) {
        if error.kind() != ErrorKind::NotPortable && error.kind() != ErrorKind::Missing {
            return Err(error);
        }
        graphs.forget("vae_encoder")?;
        without.push(format!("image to image and inpainting: {error}"));
    }
    let (mut files, proven) = graphs.end()?;
    adapters.check_used()?;
    for (name, _) in &tokenizers {
        files.extend(copy_tokenizer(&folder, name, work.path())?);
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    let usual_size = sizes
        .first()
        .copied()
        .ok_or_else(|| Error::new(ErrorKind::NotOffered, "a model makes at least one size"))?;
    let merged = adapters.recorded();
    let weights = merged.iter().map(|merged| MergedWeight {
        blake3: merged.blake3,
        weight_milli: merged.weight_milli,
    });
    let weights = weights.collect();
    let card = Card {
        format: CARD_FORMAT.into(),
        for_sale: licence.for_sale,
        guidance_milli: wishes.guidance_milli.unwrap_or(usual_guidance(&index)),
        licence: licence.name,
        merged: merged.into_iter().map(|merged| merged.name).collect(),
        name: named(wishes.name.as_deref(), path)?,
        source: source_files(&folder, index.kind)?,
        steps: wishes.steps.unwrap_or(usual_steps(&index)),
        usual_size,
        version: String::new(),
    };
    let document = FolderDocument {
        format: FOLDER_FORMAT.into(),
        family: match index.kind {
            Kind::Stable => "stable-diffusion".into(),
            Kind::Xl => "stable-diffusion-xl".into(),
        },
        files,
        guidance_features: index.guidance_features,
        input_channels: measured.input_channels,
        latent_channels: measured.latent_channels,
        latent_factor: factor,
        merged: weights,
        profile: Profile::Portable1,
        scheduler: index.scheduler,
        sizes: ordered,
        text,
        tiles: (!tiles.is_empty()).then_some(tiles),
        vae: Vae {
            scaling_nano: nano("scaling_factor", index.scaling)?.unsigned_abs(),
            shift_nano: nano("shift_factor", index.shift)?,
        },
        zero_negative: index.zero_negative,
    };
    let (digest, bytes) = written(&document)?;
    store::write(&work.path().join(MANIFEST), &bytes)?;
    store::write(&work.path().join(CARD), &card_bytes(&card)?)?;
    // As whoever uses it will read it.
    let model = Model::load(&Source::Folder(work.path().to_owned()))?;
    model.check_portable()?;
    drop(model);
    let (path, known) = store.keep(work, digest)?;
    Ok(Added {
        digest,
        path,
        proven,
        without,
        known,
    })
}

/// Every shape that becomes a picture at once: whole pictures, and tiles of larger ones.
fn decoded(
    sizes: &[Size],
    tiles: &[u32],
    tiles_only: bool,
    factor: u32,
) -> Result<Vec<Size>, Error> {
    let mut shapes = BTreeSet::new();
    for tile in tiles {
        tiles::check_side(*tile, factor)?;
        let larger: Vec<&Size> = sizes.iter().filter(|s| tiles::takes(**s, *tile)).collect();
        if larger.is_empty() {
            return Err(Error::new(
                ErrorKind::NotOffered,
                format!("no size is larger than a tile of {tile}"),
            ));
        }
        shapes.extend(
            larger
                .into_iter()
                .flat_map(|size| tiles::shapes(*size, *tile)),
        );
    }
    let in_tiles = |size: &Size| tiles.iter().any(|tile| tiles::takes(*size, *tile));
    shapes.extend(sizes.iter().filter(|size| !tiles_only || !in_tiles(size)));
    Ok(shapes.into_iter().collect())
}

/// Widths of what the UNet is told beside the sample.
struct Condition {
    tokens: usize,
    width: usize,
    guidance_features: Option<usize>,
}

impl Condition {
    fn of(index: &Index, text: &[TextEncoder]) -> Self {
        Self {
            tokens: text.first().map_or(0, |encoder| encoder.tokens as usize),
            width: text.iter().map(|encoder| encoder.width as usize).sum(),
            guidance_features: index.guidance_features.map(|width| width as usize),
        }
    }
}

fn usual_steps(index: &Index) -> u32 {
    match (index.turbo, index.consistent) {
        (true, _) => 1,
        (_, true) => 4,
        _ => 30,
    }
}

fn usual_guidance(index: &Index) -> u32 {
    match (index.turbo, index.guidance_features) {
        (true, _) => 0,
        (_, Some(_)) => 8500,
        _ if index.consistent => 1500,
        _ => 7500,
    }
}

/// A fraction of a model folder in thousand-millionths, if that is what it says.
fn nano(field: &str, value: f64) -> Result<i64, Error> {
    let scaled = (value * 1e9).round();
    if (scaled / 1e9 - value).abs() > f64::EPSILON * value.abs() || scaled.abs() > 1e12 {
        return Err(index::wrong(
            "vae_decoder/config.json",
            field,
            &format!("is {value}, which has more digits than a manifest holds"),
        ));
    }
    Ok(scaled as i64)
}

fn named(name: Option<&str>, path: &Path) -> Result<String, Error> {
    let folder = || {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
    };
    let name = name.map(str::to_owned).or_else(folder).unwrap_or_default();
    let sound = !name.trim().is_empty()
        && name.chars().count() <= 80
        && !name.chars().any(|c| c.is_control());
    match sound {
        true => Ok(name),
        false => Err(Error::new(
            ErrorKind::Malformed,
            "a model's name has 1 to 80 printable characters; state one with --name",
        )),
    }
}

fn tokenizers(folder: &Folder, kind: Kind) -> Result<Vec<(String, TextTokenizer)>, Error> {
    let names: &[&str] = match kind {
        Kind::Stable => &["tokenizer"],
        Kind::Xl => &["tokenizer", "tokenizer_2"],
    };
    let read = |name: &&str| {
        let file = |file: &str| folder.file(file).ok().flatten();
        let tokenizer = TextTokenizer::read(&file, name)?;
        Ok(((*name).to_owned(), tokenizer))
    };
    names.iter().map(read).collect()
}

/// The files of a tokenizer that are read, as they are.
fn copy_tokenizer(folder: &Folder, name: &str, to: &Path) -> Result<Vec<ModelFile>, Error> {
    const FILES: [&str; 6] = [
        "tokenizer.json",
        "vocab.json",
        "merges.txt",
        "vocab.txt",
        "tokenizer_config.json",
        "special_tokens_map.json",
    ];
    let mut copied = Vec::new();
    for file in FILES {
        let place = format!("{name}/{file}");
        if let Some(bytes) = folder.file(&place)? {
            store::folder(&to.join(name))?;
            store::write(&to.join(&place), &bytes)?;
            copied.push(ModelFile {
                blake3: Digest(*blake3::hash(&bytes).as_bytes()),
                bytes: bytes.len() as u64,
                name: place,
            });
        }
    }
    Ok(copied)
}

/// Digests of the graphs and settings that a model was made from, so that two people can tell whether they began with the same.
fn source_files(folder: &Folder, kind: Kind) -> Result<Vec<ModelFile>, Error> {
    let mut parts = vec!["text_encoder", "unet", "vae_decoder", "vae_encoder"];
    if kind == Kind::Xl {
        parts.push("text_encoder_2");
    }
    let mut files = Vec::new();
    for part in parts {
        let entries = std::fs::read_dir(folder.path.join(part))
            .into_iter()
            .flatten();
        for entry in entries.flatten() {
            let file = entry.file_name().to_string_lossy().into_owned();
            let is_part = file.contains(".onnx") || file.ends_with(".data") || file == "weights.pb";
            if !is_part || !entry.path().is_file() {
                continue;
            }
            files.push(store::digest(&entry.path(), &format!("{part}/{file}"))?);
        }
    }
    files.push(store::digest(
        &folder.path.join(index::INDEX),
        index::INDEX,
    )?);
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}
