//! The graphs of a folder, one after another: mapped, rewritten for every picture size, proven, written.
//!
//! The one rule: one file of weights for each part, shared by its graphs, and one tensor of it in memory at a time.

use super::index::{Folder, Kind};
use super::store;
use super::{Condition, Proven};
use crate::error::{Error, ErrorKind};
use crate::executor::{Executor, Weights};
use crate::graph::mapped;
use crate::import::lora::{Adapters, Part};
use crate::import::{Rewritten, Settings, Sink, Source, prove, rewrite};
use crate::model::tiles::{DECODER, sized};
use crate::model::{GRAPH, HOST, ModelFile, Size, TextEncoder, TextLayer};
use crate::onnx::ModelProto;
use crate::stages::example;
use crate::text::TextTokenizer;
use bytes::Bytes;
use prost::Message as _;
use schema::digest::Digest;
use schema::recipe::MAX_CLIP_SKIP;
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
/// Cells of the latent along one side, where a folder is measured.
const PROBE: usize = 16;

/// Numbers that the graphs themselves say.
pub(super) struct Measured {
    pub(super) latent_channels: u32,
    pub(super) input_channels: u32,
    pub(super) factor: u32,
    pooled: Option<usize>,
}

pub(super) struct Graphs<'a> {
    folder: &'a Folder,
    to: &'a Path,
    adapters: &'a Adapters,
    executor: &'a dyn Executor,
    tell: &'a mut dyn FnMut(&str),
    files: Vec<ModelFile>,
    proven: Vec<Proven>,
}

/// What is done to a source before it is rewritten.
type Change = Box<dyn Fn(&mut ModelProto) -> bool>;

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

    /// Reads what the graphs declare, and asks the decoder how large its pictures are.
    pub(super) fn measure(&mut self) -> Result<Measured, Error> {
        let unet = self.open("unet")?.graph;
        let sides = |name: &str, bytes: &Bytes, output: bool| -> Result<Vec<i64>, Error> {
            let model = ModelProto::decode(bytes.clone()).map_err(|error| {
                Error::new(ErrorKind::Malformed, format!("unet/model.onnx: {error}"))
            })?;
            let graph = model.graph.unwrap_or_default();
            let values = if output { graph.output } else { graph.input };
            let found = values.into_iter().find(|value| value.name == name);
            let shape = found
                .and_then(|value| value.kind)
                .and_then(|kind| kind.tensor_type)
                .and_then(|tensor| tensor.shape);
            let dims = shape.map(|shape| shape.dim).unwrap_or_default();
            Ok(dims.into_iter().map(|dim| dim.dim_value).collect())
        };
        let known = |sides: &[i64], at: usize| {
            sides
                .get(at)
                .and_then(|side| u32::try_from(*side).ok())
                .filter(|side| *side > 0)
        };
        let output = sides("out_sample", &unet, true)?;
        let input = sides("sample", &unet, false)?;
        let configured = self.folder.json("unet/config.json")?.unwrap_or_default();
        let of_config = |field: &str| {
            configured[field]
                .as_u64()
                .and_then(|n| u32::try_from(n).ok())
        };
        let latent_channels = known(&output, 1).or(of_config("out_channels")).unwrap_or(4);
        let input_channels = known(&input, 1)
            .or(of_config("in_channels"))
            .unwrap_or(latent_channels);
        let pooled = known(&sides("text_embeds", &unet, false)?, 1).map(|side| side as usize);
        let latent = vec![1, latent_channels as usize, PROBE, PROBE];
        let job = Job {
            name: "vae_decoder".into(),
            shape: &|_| Some(latent.clone()),
            change: None,
        };
        let mut sink = Sink::dry("vae_decoder.f32");
        let opened = self.open("vae_decoder")?;
        let made = rewritten(&opened, self.adapters, "vae_decoder", &job, &mut sink)?;
        let made = made
            .portable
            .outputs
            .first()
            .map(|(_, shape)| shape.clone());
        let factor = match made.as_deref() {
            Some([1, 3, height, width]) if height == width && height.is_multiple_of(PROBE) => {
                (height / PROBE) as u32
            }
            other => {
                return Err(Error::new(
                    ErrorKind::NotOffered,
                    format!(
                        "vae_decoder/model.onnx: makes {other:?} of {PROBE}×{PROBE} cells, which is no picture"
                    ),
                ));
            }
        };
        Ok(Measured {
            latent_channels,
            input_channels,
            factor,
            pooled,
        })
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

    /// A text encoder, with as many of its last layers left out as its graph lets one see.
    pub(super) fn text_encoder(
        &mut self,
        component: &str,
        tokenizer_name: &str,
        tokenizer: &TextTokenizer,
        kind: Kind,
    ) -> Result<TextEncoder, Error> {
        let config = self
            .folder
            .json(&format!("{component}/config.json"))?
            .unwrap_or_default();
        let places = config["max_position_embeddings"].as_u64().unwrap_or(77);
        let tokens = tokenizer.limit().min(usize::try_from(places).unwrap_or(77));
        let shape = |name: &str| match name {
            "input_ids" | "attention_mask" | "token_type_ids" | "position_ids" => {
                Some(vec![1, tokens])
            }
            _ => None,
        };
        let layers = match kind {
            Kind::Stable => super::super::layers::skippable(&self.open(component)?.graph),
            Kind::Xl => 0,
        };
        let changes: Vec<Change> = (0..=layers)
            .map(|skip| -> Change {
                Box::new(move |model| super::super::layers::skip(model, skip))
            })
            .collect();
        let jobs: Vec<Job<'_>> = (0..=layers)
            .map(|skip| Job {
                name: match skip {
                    0 => component.to_owned(),
                    skip => format!("{component}.skip{skip}"),
                },
                shape: &shape,
                change: (skip > 0).then(|| changes[skip].as_ref()),
            })
            .collect();
        let made = self.part(component, &jobs)?;
        let outputs = &made[0].portable.outputs;
        let (hidden, width) = hidden(component, outputs, tokens, kind)?;
        let layers = match kind {
            Kind::Stable => jobs
                .iter()
                .map(|job| TextLayer {
                    graph: job.name.clone(),
                    output: hidden.clone(),
                })
                .collect(),
            Kind::Xl => shown_layers(component, &hidden),
        };
        let pooled = match (kind, component) {
            (Kind::Xl, "text_encoder_2") => Some("text_embeds".to_owned()),
            _ => None,
        };
        Ok(TextEncoder {
            layers,
            pooled,
            tokenizer: tokenizer_name.to_owned(),
            tokens: tokens as u32,
            width: width as u32,
        })
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

/// The layers that a graph shows, from the usual one to the first.
fn shown_layers(component: &str, hidden: &str) -> Vec<TextLayer> {
    let number = hidden
        .rsplit('.')
        .next()
        .and_then(|n| n.parse::<usize>().ok());
    let first = number.unwrap_or(0);
    (first.saturating_sub(MAX_CLIP_SKIP as usize)..=first)
        .rev()
        .map(|number| TextLayer {
            graph: component.to_owned(),
            output: format!("hidden_states.{number}"),
        })
        .collect()
}

/// The output that conditions the picture, with its width.
fn hidden(
    component: &str,
    outputs: &[(String, Vec<usize>)],
    tokens: usize,
    kind: Kind,
) -> Result<(String, usize), Error> {
    let name = match kind {
        Kind::Stable => "last_hidden_state".to_owned(),
        // The last layer but one, before its norm.
        Kind::Xl => {
            let layers = outputs
                .iter()
                .filter(|(name, _)| name.starts_with("hidden_states."));
            format!("hidden_states.{}", layers.count().saturating_sub(2))
        }
    };
    let found = outputs.iter().find(|(known, _)| *known == name);
    match found.map(|(_, shape)| &shape[..]) {
        Some([1, rows, width]) if *rows == tokens => Ok((name, *width)),
        other => Err(Error::new(
            ErrorKind::NotOffered,
            format!(
                "{component}/model.onnx: the output {name} is {other:?}; [1, {tokens}, width] belongs"
            ),
        )),
    }
}
