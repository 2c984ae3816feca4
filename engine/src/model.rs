//! A model folder: `model.json` lists every file with its size and digest, and the model's own digest is over its bytes.
//!
//! The one rule: no file is used before its digest was checked.

use crate::error::{Error, ErrorKind};
use crate::tokenizer::Tokenizer;
use crate::{interface, portable};
use schema::canonical;
use schema::digest::Digest;
use schema::recipe::{ModelDigest, Profile};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;

const FORMAT: &str = "seedmark.dev/model/v1";
/// Rectified flow with guidance as an input: one pass a step, two with a negative prompt.
const FAMILY: &str = "flow-transformer-2";
const MAX_MANIFEST_BYTES: u64 = 64 * 1024;
/// The most files of a model, and the most bytes of all of them.
const MAX_FILES: usize = 32;
const MAX_MODEL_BYTES: u64 = 16 * 1024 * 1024 * 1024;
/// The manifest's file name.
pub const MANIFEST: &str = "model.json";

/// One file of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// BLAKE3 of the file.
    pub blake3: Digest,
    /// Its length.
    pub bytes: u64,
    /// Its name in the folder.
    pub name: String,
}

/// A picture size that the model offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

/// What `model.json` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    format: String,
    /// The graphs' inputs and how they are driven; one family is known.
    pub family: String,
    /// Every file but this one.
    pub files: Vec<ModelFile>,
    /// Guidance that the model was made for, in thousandths.
    pub guidance_milli: u32,
    /// Channels of the latent.
    pub latent_channels: u32,
    /// Pixels per latent cell, along one side.
    pub latent_factor: u32,
    /// Licence expression of the weights.
    pub licence: String,
    /// Name for people.
    pub name: String,
    /// The strictest profile that the graphs keep.
    pub profile: Profile,
    /// Time shift that the model was made for, in thousandths.
    pub shift_milli: u32,
    /// Picture sizes on offer; the first is the usual one.
    pub sizes: Vec<Size>,
    /// Steps that the model was made for.
    pub steps: u32,
    /// Phrases that name a style, by language, as the model was taught them. Hints for people; any prompt is allowed.
    pub styles: BTreeMap<String, Vec<String>>,
    /// Most tokens of a prompt.
    pub text_tokens: u32,
    /// Width of a token's embedding.
    pub text_width: u32,
    /// Number of time features.
    pub time_features: u32,
    /// Version for people.
    pub version: String,
}

/// Where a model's files come from.
pub enum Source {
    /// A folder on disk.
    Folder(PathBuf),
    /// Files inside the program.
    Embedded(&'static [(&'static str, &'static [u8])]),
}

impl Source {
    /// Reads a file of at most `most` bytes, and one byte of a longer one, which then has the wrong length.
    fn read(&self, name: &str, most: u64) -> Result<Cow<'static, [u8]>, Error> {
        let missing = |place: String| {
            Error::new(
                ErrorKind::Missing,
                format!("model file {name} is missing ({place})"),
            )
        };
        match self {
            Self::Folder(folder) => {
                let path = folder.join(name);
                let cannot =
                    |error: std::io::Error| missing(format!("{}: {error}", path.display()));
                let file = File::open(&path).map_err(cannot)?;
                let length = file.metadata().map_err(cannot)?;
                if !length.is_file() {
                    return Err(missing(format!("{} is no file", path.display())));
                }
                let mut bytes = Vec::new();
                let room = usize::try_from(length.len().min(most) + 1).unwrap_or(usize::MAX);
                bytes.try_reserve_exact(room).map_err(|_| no_memory(name))?;
                file.take(most + 1)
                    .read_to_end(&mut bytes)
                    .map_err(cannot)?;
                Ok(Cow::Owned(bytes))
            }
            Self::Embedded(files) => {
                let found = files.iter().find(|(known, _)| *known == name);
                found
                    .map(|(_, bytes)| Cow::Borrowed(*bytes))
                    .ok_or_else(|| missing("not embedded".into()))
            }
        }
    }
}

/// A checked model, ready for sessions; shared by all workers.
pub struct Model {
    /// What a recipe names.
    pub digest: ModelDigest,
    /// Its description.
    pub manifest: Manifest,
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
    graphs: Vec<(String, Cow<'static, [u8]>)>,
    weights: Arc<[u8]>,
    /// What the linter says of the graphs, whatever the manifest claims.
    portable: Result<(), Error>,
}

impl Model {
    /// Reads every file, checks it against the manifest and the manifest against the graphs, and widens the weights to float32.
    ///
    /// # Errors
    /// `ErrorKind::Missing` or `ErrorKind::WrongDigest` naming the file; `ErrorKind::NotOffered` for another family; `ErrorKind::Malformed` for a number of
    /// the manifest that is out of bounds or not the graphs'; `ErrorKind::NotPortable` when the manifest claims `portable-1` and a graph
    /// leaves its operator set.
    pub fn load(source: &Source) -> Result<Self, Error> {
        let manifest_bytes = source.read(MANIFEST, MAX_MANIFEST_BYTES)?;
        let manifest: Manifest = canonical::parse(
            &manifest_bytes,
            MAX_MANIFEST_BYTES as usize,
            MANIFEST,
            FORMAT,
        )?;
        if manifest.family != FAMILY {
            return Err(Error::new(
                ErrorKind::NotOffered,
                format!(
                    "model family {:?} is not known to this engine",
                    manifest.family
                ),
            ));
        }
        interface::check_numbers(&manifest)?;
        check_files(&manifest.files)?;
        let mut graphs = Vec::new();
        let mut portable = Ok(());
        let (mut weights, mut tokenizer) = (None, None);
        for file in &manifest.files {
            let bytes = source.read(&file.name, file.bytes)?;
            let found = Digest(*blake3::hash(&bytes).as_bytes());
            if found != file.blake3 || bytes.len() as u64 != file.bytes {
                let message = format!(
                    "model file {} has the digest {found}, {MANIFEST} says {}",
                    file.name, file.blake3
                );
                return Err(Error::new(ErrorKind::WrongDigest, message));
            }
            match file.name.as_str() {
                "weights.f16" => weights = Some(widen(&bytes)?),
                "tokenizer.json" => tokenizer = Some(Tokenizer::parse(&bytes)?),
                name => {
                    interface::check_graph(name, &bytes, &manifest)?;
                    let linted = portable::check(name, &bytes);
                    if manifest.profile == Profile::Portable1 {
                        linted.clone()?;
                    }
                    portable = portable.and(linted);
                    graphs.push((name.to_owned(), bytes));
                }
            }
        }
        let missing =
            |name: &str| Error::new(ErrorKind::Missing, format!("{MANIFEST} lists no {name}"));
        let weights = weights.ok_or_else(|| missing("weights.f16"))?;
        for (name, bytes) in &graphs {
            interface::check_external(name, bytes, weights.len())?;
        }
        Ok(Self {
            digest: ModelDigest::of(&manifest_bytes),
            tokenizer: tokenizer.ok_or_else(|| missing("tokenizer.json"))?,
            weights,
            manifest,
            graphs,
            portable,
        })
    }

    /// Whether the graphs keep `portable-1`, as the linter read them; what the manifest says of them counts for nothing.
    ///
    /// # Errors
    /// `ErrorKind::NotPortable`, naming the graph and the node.
    pub fn check_portable(&self) -> Result<(), Error> {
        self.portable.clone()
    }

    /// A graph's bytes and the widened weights that it refers to.
    ///
    /// # Errors
    /// `ErrorKind::Missing` when the manifest lists no such graph.
    pub fn graph(&self, name: &str) -> Result<(&[u8], Arc<[u8]>), Error> {
        let found = self.graphs.iter().find(|(known, _)| known == name);
        let (_, bytes) = found
            .ok_or_else(|| Error::new(ErrorKind::Missing, format!("{MANIFEST} lists no {name}")))?;
        Ok((bytes, self.weights.clone()))
    }

    /// Refuses a size that the model does not offer.
    ///
    /// # Errors
    /// `ErrorKind::NotOffered`, listing the sizes.
    pub fn check_size(&self, width: u32, height: u32) -> Result<(), Error> {
        if self.manifest.sizes.contains(&Size { width, height }) {
            return Ok(());
        }
        let offered = self
            .manifest
            .sizes
            .iter()
            .map(|size| format!("{}×{}", size.width, size.height))
            .collect::<Vec<_>>()
            .join(", ");
        Err(Error::new(
            ErrorKind::NotOffered,
            format!("the size {width}×{height} is not offered by this model; it makes {offered}"),
        ))
    }
}

/// float16 to float32, which is exact. Done before a session is built: a cast inside the graph would make weights dynamic
/// and change the order of their sums.
fn widen(bytes: &[u8]) -> Result<Arc<[u8]>, Error> {
    if !bytes.len().is_multiple_of(2) {
        return Err(Error::new(
            ErrorKind::Malformed,
            "weights.f16 ends within a value",
        ));
    }
    let mut wide = Vec::new();
    wide.try_reserve_exact(bytes.len() * 2)
        .map_err(|_| no_memory("weights.f16"))?;
    for pair in bytes.chunks_exact(2) {
        wide.extend_from_slice(
            &half::f16::from_le_bytes([pair[0], pair[1]])
                .to_f32()
                .to_le_bytes(),
        );
    }
    Ok(wide.into())
}

fn no_memory(name: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("there is not enough memory for the model file {name}"),
    )
}

/// Plain names, each once, and no more bytes than a model may have, before any of them is read.
fn check_files(files: &[ModelFile]) -> Result<(), Error> {
    let wrong = |what: String| Error::new(ErrorKind::Malformed, format!("{MANIFEST}: {what}"));
    let total = files
        .iter()
        .try_fold(0u64, |sum, file| sum.checked_add(file.bytes))
        .filter(|total| *total <= MAX_MODEL_BYTES);
    if files.len() > MAX_FILES || total.is_none() {
        return Err(wrong(format!(
            "more than {MAX_FILES} files or {MAX_MODEL_BYTES} bytes"
        )));
    }
    for (at, file) in files.iter().enumerate() {
        let plain = !file.name.is_empty()
            && file
                .name
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.'));
        if !plain || file.name.starts_with('.') {
            return Err(wrong(format!("{:?} is not a plain file name", file.name)));
        }
        if files[..at].iter().any(|other| other.name == file.name) {
            return Err(wrong(format!("{} is listed twice", file.name)));
        }
    }
    Ok(())
}
