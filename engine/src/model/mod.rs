//! A model: `model.json` lists every file with its size and digest, and the model's own digest is over its bytes.
//!
//! The one rule: no file is used before its digest was checked. Graphs and tokenizers are read; the weights of an added model stay on disk,
//! where the runtime maps them.

mod manifest;
mod source;
pub(crate) mod tiles;

#[cfg(feature = "ort")]
pub(crate) use manifest::{
    CARD, CARD_FORMAT, Card, FOLDER_FORMAT, FolderDocument, MergedWeight, StableParts, Vae,
    card_bytes, written, wrong,
};
pub(crate) use manifest::{FlowNumbers, Parts, within};
pub use manifest::{MANIFEST, Manifest, Merged, ModelFile, Size, TextEncoder, TextLayer};
pub use source::Source;

use crate::error::{Error, ErrorKind};
use crate::executor::Weights;
use crate::family::{self, Texts};
use crate::portable;
use schema::recipe::{ModelDigest, Profile};
use std::borrow::Cow;
use std::sync::Arc;

/// How a graph's file is called, and that of the program that the host runs before it.
pub(crate) const GRAPH: &str = ".onnx";
pub(crate) const HOST: &str = ".host.onnx";
/// The file of the embedded family's weights.
pub(crate) const WEIGHTS_F16: &str = "weights.f16";

/// A checked model, ready for sessions; shared by all workers.
pub struct Model {
    /// What a recipe names.
    pub digest: ModelDigest,
    /// Its description.
    pub manifest: Manifest,
    pub(crate) texts: Texts,
    graphs: Vec<(String, Cow<'static, [u8]>)>,
    weights: Weights,
    /// What the linter says of the graphs, whatever the manifest claims.
    portable: Result<(), Error>,
    /// Values of the largest attention of any graph.
    attended: u64,
}

impl Model {
    /// Reads every file, checks it against the manifest and the manifest against the graphs.
    ///
    /// # Errors
    /// `ErrorKind::Missing` or `ErrorKind::WrongDigest` naming the file; `ErrorKind::NotOffered` for another family; `ErrorKind::Malformed` for a number of
    /// the manifest that is out of bounds or not the graphs'; `ErrorKind::NotPortable` when the manifest claims `portable-1` and a graph
    /// leaves its operator set.
    pub fn load(source: &Source) -> Result<Self, Error> {
        let (digest, manifest) = source.manifest()?;
        let family = family::named(&manifest)?;
        (family.check)(&manifest)?;
        let (mut graphs, mut others) = (Vec::new(), Vec::new());
        let (mut portable, mut attended) = (Ok(()), 0);
        for file in &manifest.files {
            if file.name.ends_with(".f32") {
                source.check(file)?;
                continue;
            }
            let bytes = source.checked(file)?;
            if !file.name.ends_with(".onnx") {
                others.push((file.name.clone(), bytes));
                continue;
            }
            (family.check_graph)(&file.name, &bytes, &manifest)?;
            // A program of the host is evaluated by this engine on every CPU alike.
            if !file.name.ends_with(HOST) {
                let linted = portable::largest_product(&file.name, &bytes);
                if manifest.profile == Profile::Portable1 {
                    linted.clone()?;
                }
                attended = attended.max(*linted.as_ref().unwrap_or(&0));
                portable = portable.and(linted.map(drop));
            }
            graphs.push((file.name.clone(), bytes));
        }
        let weights = weights(source, &others)?;
        for (name, bytes) in &graphs {
            check_external(name, bytes, &manifest, &weights)?;
        }
        Ok(Self {
            digest,
            texts: (family.texts)(&manifest, &others)?,
            weights,
            manifest,
            graphs,
            portable,
            attended,
        })
    }

    /// Whether the graphs keep `portable-1`, as the linter read them; what the manifest says of them counts for nothing.
    ///
    /// # Errors
    /// `ErrorKind::NotPortable`, naming the graph and the node.
    pub fn check_portable(&self) -> Result<(), Error> {
        self.portable.clone()
    }

    /// A graph's bytes and the weights that it refers to.
    ///
    /// # Errors
    /// `ErrorKind::Missing` when the manifest lists no such graph.
    pub fn graph(&self, name: &str) -> Result<(&[u8], Weights), Error> {
        let found = self.graphs.iter().find(|(known, _)| known == name);
        let (_, bytes) = found
            .ok_or_else(|| Error::new(ErrorKind::Missing, format!("{MANIFEST} lists no {name}")))?;
        Ok((bytes, self.weights.clone()))
    }

    /// Whether a run may begin with a picture: the model has an encoder for them.
    #[must_use]
    pub fn makes_latents(&self) -> bool {
        self.graphs
            .iter()
            .any(|(name, _)| name.starts_with("vae_encoder."))
    }

    /// How many tokens a text takes, begin and end not counted; more than fit are counted too. For texts whose length is known to be small.
    ///
    /// # Errors
    /// `ErrorKind::PromptTooLong` for a text that is longer than any prompt.
    pub fn count_tokens(&self, text: &str) -> Result<usize, Error> {
        self.texts.count(text)
    }

    /// Whether a text fits into the model.
    ///
    /// # Errors
    /// `ErrorKind::PromptTooLong` with the limit, before much work is done on a text that cannot fit.
    pub fn check_text(&self, text: &str) -> Result<(), Error> {
        self.texts.check(text, self.manifest.text_tokens as usize)
    }

    /// Bytes that a run of one picture keeps in memory, about: the weights, packed once by the runtime, and what lies between layers.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        let weights: u64 = self.manifest.files.iter().map(|file| file.bytes).sum();
        let widened = match self.manifest.parts {
            Parts::Flow(_) => weights * 2,
            Parts::Stable(_) => weights,
        };
        // Feature maps of a decoder: some hundred channels at the picture's own size, seven at a time (measured at 512², docs/engine-speed.md).
        let decoding = self.manifest.largest_decoded() * 4 * 256 * 7;
        // Scores, their exponentials and what these are divided by.
        let attending = self.attended.saturating_mul(4 * 3);
        widened.saturating_add(decoding.max(attending))
    }

    /// Refuses a size that the model does not offer.
    ///
    /// # Errors
    /// `ErrorKind::NotOffered`, listing the sizes.
    pub fn check_size(&self, width: u32, height: u32) -> Result<(), Error> {
        if self.manifest.sizes.contains(&Size { width, height }) {
            return Ok(());
        }
        let offered = self.manifest.sizes.iter().map(ToString::to_string);
        let offered = offered.collect::<Vec<_>>().join(", ");
        Err(Error::new(
            ErrorKind::NotOffered,
            format!("the size {width}×{height} is not offered by this model; it makes {offered}"),
        ))
    }
}

/// The weights: widened in memory for the embedded family, in their folder for others.
fn weights(source: &Source, others: &[(String, Cow<'static, [u8]>)]) -> Result<Weights, Error> {
    let halves = others.iter().find(|(name, _)| name == WEIGHTS_F16);
    match (halves, source) {
        (Some((_, bytes)), _) => Ok(Weights::Memory(family::flow::WEIGHTS, widen(bytes)?)),
        (None, Source::Folder(folder)) => Ok(Weights::Folder(folder.clone())),
        (None, Source::Embedded(_)) => Err(Error::new(
            ErrorKind::Missing,
            format!("{MANIFEST} lists no {WEIGHTS_F16}"),
        )),
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
        .map_err(|_| source::no_memory(WEIGHTS_F16))?;
    for pair in bytes.chunks_exact(2) {
        wide.extend_from_slice(
            &half::f16::from_le_bytes([pair[0], pair[1]])
                .to_f32()
                .to_le_bytes(),
        );
    }
    Ok(wide.into())
}

/// Checks that what a graph takes from outside are the model's own weights, which its digest covers, and lies within them.
fn check_external(
    name: &str,
    graph: &[u8],
    manifest: &Manifest,
    weights: &Weights,
) -> Result<(), Error> {
    let wrong = |message: String| Error::new(ErrorKind::Malformed, message);
    let length_of = |location: &str| match weights {
        Weights::Memory(known, bytes) => (*known == location).then_some(bytes.len() as u64),
        Weights::Folder(_) => {
            let file = manifest.files.iter().find(|file| file.name == location);
            file.filter(|file| file.name.ends_with(".f32"))
                .map(|file| file.bytes)
        }
    };
    for part in crate::onnx::external(name, graph)? {
        let within = length_of(&part.location)
            .zip(part.offset.checked_add(part.length))
            .is_some_and(|(length, end)| end <= length);
        if !within {
            return Err(wrong(format!(
                "{name}: the constant {:?} is taken from outside the model's weights",
                part.constant
            )));
        }
    }
    Ok(())
}
