//! The graphs of a folder, one after another: mapped, rewritten for every picture size, proven, written.
//!
//! The one rule: one file of weights for each part, shared by its graphs, and one tensor of it in memory at a time.

mod measure;
mod texts;

pub(super) use measure::Measured;

use super::index::Folder;
use super::store;
use super::{Condition, Proven};
use crate::error::{Error, ErrorKind};
use crate::executor::{Executor, Weights};
use crate::graph::mapped;
use crate::import::lora::{Adapters, Part};
use crate::import::{Rewritten, Settings, Sink, Source, prove, rewrite};
use crate::model::tiles::{DECODER, sized};
use crate::model::{GRAPH, HOST, ModelFile, Size};
use crate::onnx::ModelProto;
use crate::stages::example;
use bytes::Bytes;
use prost::Message as _;
use schema::digest::Digest;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

/// Inputs that go to a graph; every other one is looked at by the host.
const GIVEN: &[&str] = &[
    "sample",
    "latent_sample",
    "encoder_hidden_states",
    "text_embeds",
    "timestep_cond",
];

pub(super) struct Graphs<'a> {
    folder: &'a Folder,
    to: &'a Path,
    adapters: &'a Adapters,
    executor: &'a dyn Executor,
    tell: &'a mut dyn FnMut(&str),
    files: Vec<ModelFile>,
    proven: Vec<Proven>,
}

/// A part's graph and the files beside it, each mapped once for every size: what was written is known again by where it lies.
struct Opened {
    place: PathBuf,
    graph: Bytes,
    files: RefCell<HashMap<String, Bytes>>,
}

impl Opened {
    fn outside(&self, component: &str, name: &str) -> Result<Bytes, Error> {
        if name.contains(['/', '\\']) || name == ".." {
            let message =
                format!("{component}/model.onnx: weights in {name:?}, outside of its folder");
            return Err(Error::new(ErrorKind::Malformed, message));
        }
        if let Some(known) = self.files.borrow().get(name) {
            return Ok(known.clone());
        }
        let mapped = mapped::map(&self.place.join(name))?;
        let mut files = self.files.borrow_mut();
        files.insert(name.to_owned(), mapped.clone());
        Ok(mapped)
    }
}

/// A graph with the shapes of its inputs.
struct Job<'j> {
    /// What it is called in the model, without an ending.
    name: String,
    shape: &'j dyn Fn(&str) -> Option<Vec<usize>>,
    /// Changes the source before it is rewritten.
    change: Option<&'j dyn Fn(&mut ModelProto) -> bool>,
}

impl<'a> Graphs<'a> {
    pub(super) fn new(
        folder: &'a Folder,
        to: &'a Path,
        adapters: &'a Adapters,
        executor: &'a dyn Executor,
        tell: &'a mut dyn FnMut(&str),
    ) -> Self {
        Self {
            folder,
            to,
            adapters,
            executor,
            tell,
            files: Vec::new(),
            proven: Vec::new(),
        }
    }

    fn open(&self, component: &str) -> Result<Opened, Error> {
        let place = self.folder.path.join(component);
        Ok(Opened {
            graph: mapped::map(&place.join("model.onnx"))?,
            files: RefCell::default(),
            place,
        })
    }

    /// Whether every tensor of the adapters has its place, before anything takes time.
    pub(super) fn check_adapters(&self, parts: &[Part]) -> Result<(), Error> {
        if self.adapters.is_empty() {
            return Ok(());
        }
        self.adapters.check_parts(parts)?;
        for part in parts {
            let component = part.folder();
            let bytes = self.open(component)?.graph;
            let model = ModelProto::decode(bytes).map_err(|error| {
                let message = format!("{component}/model.onnx: {error}");
                Error::new(ErrorKind::Malformed, message)
            })?;
            self.adapters
                .plan(*part, &model.graph.unwrap_or_default())?;
        }
        Ok(())
    }

    /// Rewrites, proves and writes the graphs of one part, which share a file of weights.
    fn part(&mut self, component: &str, jobs: &[Job<'_>]) -> Result<Vec<Rewritten>, Error> {
        let weights = format!("{component}.f32");
        let path = self.to.join(&weights);
        let cannot = |error: std::io::Error| {
            Error::new(
                ErrorKind::Runtime,
                format!("{} cannot be written: {error}", path.display()),
            )
        };
        let mut file = BufWriter::new(File::create(&path).map_err(cannot)?);
        let mut sink = Sink::new(&weights, &mut file);
        let mut all = Vec::new();
        let opened = self.open(component)?;
        for job in jobs {
            (self.tell)(&job.name);
            all.push(rewritten(
                &opened,
                self.adapters,
                component,
                job,
                &mut sink,
            )?);
        }
        drop(opened);
        let (bytes, hash) = sink.end();
        file.flush().map_err(cannot)?;
        file.into_inner()
            .map_err(|error| cannot(error.into_error()))?
            .sync_all()
            .map_err(cannot)?;
        self.files.push(ModelFile {
            blake3: Digest(*hash.as_bytes()),
            bytes,
            name: weights,
        });
        let weights = Weights::Folder(self.to.to_owned());
        for (job, made) in jobs.iter().zip(&all) {
            (self.tell)(&format!("{} (proof)", job.name));
            crate::portable::check(&job.name, &made.portable.graph)?;
            let proof = prove(self.executor, &job.name, &weights, made, &example)?;
            self.write(&format!("{}{GRAPH}", job.name), &made.portable.graph)?;
            self.write(
                &format!("{}{HOST}", job.name),
                &made.portable.host.to_bytes(),
            )?;
            self.proven.push(Proven {
                graph: job.name.clone(),
                nodes: made.portable.nodes,
                proof,
            });
        }
        Ok(all)
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        store::write(&self.to.join(name), bytes)?;
        self.files.push(ModelFile {
            blake3: Digest(*blake3::hash(bytes).as_bytes()),
            bytes: bytes.len() as u64,
            name: name.to_owned(),
        });
        Ok(())
    }

    /// The UNet for every size, and the decoder for every shape that it decodes at once.
    pub(super) fn pictures(
        &mut self,
        sizes: &[Size],
        decoded: &[Size],
        measured: &Measured,
        condition: &Condition,
    ) -> Result<(), Error> {
        let unets: Vec<_> = sizes
            .iter()
            .map(|size| {
                let factor = measured.factor;
                let sample = vec![
                    1,
                    measured.input_channels as usize,
                    (size.height / factor) as usize,
                    (size.width / factor) as usize,
                ];
                move |name: &str| match name {
                    "sample" => Some(sample.clone()),
                    "encoder_hidden_states" => Some(vec![1, condition.tokens, condition.width]),
                    "timestep_cond" => condition.guidance_features.map(|width| vec![1, width]),
                    "text_embeds" => measured.pooled.map(|width| vec![1, width]),
                    "time_ids" => Some(vec![1, 6]),
                    _ => None,
                }
            })
            .collect();
        let jobs: Vec<Job<'_>> = sizes
            .iter()
            .zip(&unets)
            .map(|(size, shape)| Job {
                name: sized("unet", *size),
                shape,
                change: None,
            })
            .collect();
        self.part("unet", &jobs)?;
        let decoders: Vec<_> = decoded
            .iter()
            .map(|size| {
                let latent = vec![
                    1,
                    measured.latent_channels as usize,
                    (size.height / measured.factor) as usize,
                    (size.width / measured.factor) as usize,
                ];
                move |_: &str| Some(latent.clone())
            })
            .collect();
        let jobs: Vec<Job<'_>> = decoded
            .iter()
            .zip(&decoders)
            .map(|(size, shape)| Job {
                name: sized(DECODER, *size),
                shape,
                change: None,
            })
            .collect();
        self.part(DECODER, &jobs).map(drop)
    }

    /// The encoder for every shape that it encodes at once, where the folder has one.
    pub(super) fn picture_encoder(&mut self, sizes: &[Size]) -> Result<(), Error> {
        let shapes: Vec<_> = sizes
            .iter()
            .map(|size| {
                let picture = vec![1, 3, size.height as usize, size.width as usize];
                move |_: &str| Some(picture.clone())
            })
            .collect();
        let jobs: Vec<Job<'_>> = sizes
            .iter()
            .zip(&shapes)
            .map(|(size, shape)| Job {
                name: sized("vae_encoder", *size),
                shape,
                change: None,
            })
            .collect();
        self.part("vae_encoder", &jobs).map(drop)
    }

    /// Takes back what was written of a part.
    pub(super) fn forget(&mut self, component: &str) -> Result<(), Error> {
        let belongs = |name: &str| name.split('.').next() == Some(component);
        self.files.retain(|file| !belongs(&file.name));
        self.proven.retain(|proven| !belongs(&proven.graph));
        for entry in std::fs::read_dir(self.to).into_iter().flatten().flatten() {
            if belongs(&entry.file_name().to_string_lossy()) {
                std::fs::remove_file(entry.path()).map_err(|error| {
                    let message = format!("{} cannot be removed: {error}", entry.path().display());
                    Error::new(ErrorKind::Runtime, message)
                })?;
            }
        }
        Ok(())
    }

    pub(super) fn end(self) -> Result<(Vec<ModelFile>, Vec<Proven>), Error> {
        Ok((self.files, self.proven))
    }
}

fn rewritten(
    opened: &Opened,
    adapters: &Adapters,
    component: &str,
    job: &Job<'_>,
    sink: &mut Sink<'_>,
) -> Result<Rewritten, Error> {
    let name = match job.name.split_once('.') {
        Some((_, what)) => format!("{component}/model.onnx ({what})"),
        None => format!("{component}/model.onnx"),
    };
    let mut model = ModelProto::decode(opened.graph.clone()).map_err(|error| {
        let message = format!("{name}: is not an ONNX graph: {error}");
        Error::new(ErrorKind::Malformed, message)
    })?;
    if let Some(change) = job.change {
        change(&mut model);
    }
    let source = Source {
        name: &name,
        model,
        outside: &|file| opened.outside(component, file),
    };
    let shape = |input: &str, open: &[Option<usize>]| -> Result<Vec<usize>, Error> {
        let wanted = (job.shape)(input).unwrap_or_else(|| vec![1; open.len()]);
        // A scalar that is declared with an axis, or without.
        match wanted.len() == open.len() {
            true => Ok(wanted),
            false if wanted.iter().all(|side| *side == 1) => Ok(vec![1; open.len()]),
            false => Err(Error::new(
                ErrorKind::NotOffered,
                format!("{input:?} has {} axes, {} belong", open.len(), wanted.len()),
            )),
        }
    };
    let settings = Settings {
        shape: &shape,
        given: GIVEN,
        adapters: Part::of(component).map(|part| (adapters, part)),
    };
    rewrite(&source, &settings, sink)
}
