//! What a model folder of diffusers' layout says of itself: `model_index.json` and the `config.json` of its parts.
//!
//! The one rule: a part, class or option that would change a picture and is not known is an error by file and field.

use crate::error::{Error, ErrorKind};
use crate::json;
use crate::scheduler::Config;
use crate::scheduler::config as scheduler_config;
use schema::scheduler::Scheduler;
use serde_json::Value;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

pub(super) const INDEX: &str = "model_index.json";
/// The most bytes of a file of settings, tokenizers among them.
const MAX_BYTES: u64 = 32 * 1024 * 1024;

/// A folder to read from.
pub(super) struct Folder {
    pub(super) path: PathBuf,
}

/// A failure of one field of one file.
pub(super) fn wrong(file: &str, field: &str, what: &str) -> Error {
    Error::new(ErrorKind::NotOffered, format!("{file}: {field} {what}"))
}

impl Folder {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// A small file; `None` when there is none.
    ///
    /// # Errors
    /// `ErrorKind::Missing` for one that cannot be read, `ErrorKind::Malformed` for one that is too large.
    pub(super) fn file(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let path = self.path.join(name);
        let cannot = |error: std::io::Error| {
            let message = format!("{} cannot be read: {error}", path.display());
            Error::new(ErrorKind::Missing, message)
        };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(cannot(error)),
        };
        let mut bytes = Vec::new();
        file.take(MAX_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(cannot)?;
        if bytes.len() as u64 > MAX_BYTES {
            let message = format!("{name} is over {MAX_BYTES} bytes");
            return Err(Error::new(ErrorKind::Malformed, message));
        }
        Ok(Some(bytes))
    }

    /// A file of settings; `None` when there is none.
    ///
    /// # Errors
    /// As [`Folder::file`], and for what is no JSON.
    pub(super) fn json(&self, name: &str) -> Result<Option<Value>, Error> {
        let Some(bytes) = self.file(name)? else {
            return Ok(None);
        };
        match std::str::from_utf8(&bytes).ok().and_then(json::parse) {
            Some(value) => Ok(Some(value)),
            None => Err(Error::new(
                ErrorKind::Malformed,
                format!("{name} is no JSON"),
            )),
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.path.join(name).is_file()
    }
}

/// Which family a folder's pipeline is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Stable,
    Xl,
}

/// What the settings of a folder come to.
pub(super) struct Index {
    pub(super) kind: Kind,
    pub(super) scheduler: Scheduler,
    /// Distilled to a few steps without guidance.
    pub(super) turbo: bool,
    /// Distilled to a few steps and told its guidance.
    pub(super) consistent: bool,
    pub(super) zero_negative: bool,
    /// Cells of the latent along one side that the UNet was made for.
    pub(super) sample_cells: u32,
    pub(super) guidance_features: Option<u32>,
    pub(super) scaling: f64,
    pub(super) shift: f64,
}

/// Parts that are run, and those that a folder may name and that change no picture.
const KNOWN: &[&str] = &[
    "text_encoder",
    "text_encoder_2",
    "tokenizer",
    "tokenizer_2",
    "unet",
    "vae",
    "vae_encoder",
    "vae_decoder",
    "scheduler",
    "safety_checker",
    "feature_extractor",
];

impl Index {
    /// Reads the settings.
    ///
    /// # Errors
    /// `ErrorKind::Missing` for a folder that is not whole, `ErrorKind::NotOffered` for a class or option that is not known.
    pub(super) fn read(folder: &Folder) -> Result<Self, Error> {
        let missing = |name: &str, why: &str| {
            let message = format!("{} holds no {name}: {why}", folder.path.display());
            Error::new(ErrorKind::Missing, message)
        };
        if folder.path.is_file() {
            let message = format!(
                "{} is a file; a single checkpoint becomes a folder first, as docs/models.md shows",
                folder.path.display()
            );
            return Err(Error::new(ErrorKind::NotOffered, message));
        }
        if !folder.path.is_dir() {
            let message = format!("{} is not there", folder.path.display());
            return Err(Error::new(ErrorKind::Missing, message));
        }
        let index = folder.json(INDEX)?.ok_or_else(|| {
            missing(
                INDEX,
                "a model folder is what `optimum-cli export onnx` writes; docs/models.md shows how",
            )
        })?;
        let class = index["_class_name"].as_str().unwrap_or_default();
        let kind = kind(class)?;
        let parts = index.as_object().into_iter().flatten();
        for (name, value) in parts {
            let there = value
                .as_array()
                .is_some_and(|pair| pair.iter().any(|part| !part.is_null()));
            if there && !KNOWN.contains(&name.as_str()) {
                return Err(wrong(
                    INDEX,
                    name,
                    "is a part that this engine does not run",
                ));
            }
        }
        for name in needed(kind) {
            if !folder.has(name) {
                // Exports carry no weights of torch; whoever has some has not exported yet.
                let torch = ["unet", "text_encoder", "vae"].iter().any(|part| {
                    [
                        "diffusion_pytorch_model.safetensors",
                        "model.safetensors",
                        "diffusion_pytorch_model.fp16.safetensors",
                        "diffusion_pytorch_model.bin",
                        "pytorch_model.bin",
                    ]
                    .iter()
                    .any(|file| folder.has(&format!("{part}/{file}")))
                });
                let why = match torch {
                    true => {
                        "this is a PyTorch folder; export it to ONNX first, as docs/models.md shows"
                    }
                    false => "the folder is not whole",
                };
                return Err(missing(name, why));
            }
        }
        let file = format!("scheduler/{}", scheduler_config::FILE);
        let text = folder
            .file(&file)?
            .ok_or_else(|| missing(&file, "the folder is not whole"))?;
        let text = String::from_utf8(text)
            .map_err(|_| Error::new(ErrorKind::Malformed, format!("{file} is not UTF-8")))?;
        let scheduler = Config::parse(&text)?.to_recipe()?;
        let unet = folder.json("unet/config.json")?.unwrap_or_default();
        check_unet(&unet, kind)?;
        let vae = folder.json("vae_decoder/config.json")?;
        let vae = vae.or(folder.json("vae/config.json")?).unwrap_or_default();
        check_vae(&vae)?;
        let features = unet["time_cond_proj_dim"].as_u64();
        let spaced = scheduler.schedule().map(|schedule| schedule.spacing);
        Ok(Self {
            kind,
            scheduler,
            turbo: features.is_none()
                && matches!(
                    scheduler,
                    Scheduler::Euler { .. } | Scheduler::EulerAncestral { .. }
                )
                && spaced == Some(schema::scheduler::Spacing::Trailing),
            consistent: matches!(scheduler, Scheduler::Lcm { .. } | Scheduler::Tcd { .. }),
            zero_negative: index["force_zeros_for_empty_prompt"]
                .as_bool()
                .unwrap_or(kind == Kind::Xl),
            sample_cells: unet["sample_size"]
                .as_u64()
                .and_then(|side| u32::try_from(side).ok())
                .unwrap_or(if kind == Kind::Xl { 128 } else { 64 }),
            guidance_features: features.and_then(|width| u32::try_from(width).ok()),
            scaling: vae["scaling_factor"].as_f64().unwrap_or(match kind {
                Kind::Stable => 0.18215,
                Kind::Xl => 0.13025,
            }),
            shift: vae["shift_factor"].as_f64().unwrap_or(0.0),
        })
    }
}

fn kind(class: &str) -> Result<Kind, Error> {
    let plain = class
        .trim_start_matches("Onnx")
        .trim_start_matches("ORT")
        .trim_end_matches("Pipeline");
    match plain {
        "StableDiffusion"
        | "StableDiffusionImg2Img"
        | "StableDiffusionInpaint"
        | "LatentConsistencyModel"
        | "LatentConsistencyModelImg2Img" => Ok(Kind::Stable),
        "StableDiffusionXL" | "StableDiffusionXLImg2Img" | "StableDiffusionXLInpaint" => {
            Ok(Kind::Xl)
        }
        _ => Err(wrong(
            INDEX,
            "_class_name",
            &format!(
                "is {class:?}; pipelines of Stable Diffusion 1, 2 and XL and what was made from them are run"
            ),
        )),
    }
}

/// The files without which nothing can be made.
fn needed(kind: Kind) -> Vec<&'static str> {
    let mut names = vec![
        "text_encoder/model.onnx",
        "unet/model.onnx",
        "vae_decoder/model.onnx",
    ];
    if kind == Kind::Xl {
        names.push("text_encoder_2/model.onnx");
    }
    names
}

/// Options of a UNet that ask for inputs which nobody gives.
fn check_unet(unet: &Value, kind: Kind) -> Result<(), Error> {
    const FILE: &str = "unet/config.json";
    for field in [
        "class_embed_type",
        "num_class_embeds",
        "encoder_hid_dim_type",
    ] {
        if !unet[field].is_null() {
            return Err(wrong(
                FILE,
                field,
                &format!("is {}; null is run", unet[field]),
            ));
        }
    }
    let added = &unet["addition_embed_type"];
    let known = match kind {
        Kind::Stable => added.is_null(),
        Kind::Xl => added.is_null() || added == "text_time",
    };
    match known {
        true => Ok(()),
        false => Err(wrong(
            FILE,
            "addition_embed_type",
            &format!("is {added}, which this pipeline does not have"),
        )),
    }
}

fn check_vae(vae: &Value) -> Result<(), Error> {
    for field in ["latents_mean", "latents_std"] {
        if !vae[field].is_null() {
            return Err(wrong(
                "vae_decoder/config.json",
                field,
                "is not null, which is not run",
            ));
        }
    }
    Ok(())
}
