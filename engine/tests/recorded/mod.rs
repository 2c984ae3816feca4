//! Runs that diffusers made, and what the engine makes of the same settings.
//!
//! The one rule: 1e-4 of the largest value for a latent; whoever compares says what a sample may differ by.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::model::Model;
use engine::onnx_runtime::OnnxRuntime;
use engine::picture::Picture;
use engine::pipeline::{Engine, Pictures, Request};
use engine::scheduler::Config;
use schema::digest::Digest;
use schema::recipe::{Init, Noise, Recipe, Scheduler, Seed};
use schema::template::Values;
use serde_json::Value;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// The reference models and records.
pub(crate) const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference");
/// The largest difference of a latent, relative to its largest value.
const TOLERANCE: f32 = 1e-4;
/// The same where the exporter wrote float16: not the weights alone are rounded there, but constants such as the root of two as well, which
/// torch has in full.
const TOLERANCE_OF_HALVES: f32 = 1e-3;

/// The runtime of this machine.
pub(crate) fn runtime() -> OnnxRuntime {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")));
    let configured = std::env::var_os("ORT_DYLIB_PATH").map(PathBuf::from);
    let path = OnnxRuntime::find(configured, None, cache.as_deref()).expect("the library");
    OnnxRuntime::load(&path).expect("a library that loads")
}

fn bytes(value: &Value) -> Vec<u8> {
    STANDARD
        .decode(value.as_str().expect("base64"))
        .expect("base64")
}

fn floats(value: &Value) -> Vec<f32> {
    let bytes = bytes(value);
    let words = bytes.as_chunks::<4>().0.iter();
    words.map(|word| f32::from_le_bytes(*word)).collect()
}

/// A small number of a record.
pub(crate) fn number(value: &Value) -> u32 {
    u32::try_from(value.as_u64().expect("a number")).expect("a small number")
}

/// The side of a case's tiles.
pub(crate) fn tile(case: &Value) -> Option<u32> {
    (!case["tile"].is_null()).then(|| number(&case["tile"]))
}

fn milli(value: &Value) -> u32 {
    (value.as_f64().expect("a number") * 1000.0).round() as u32
}

fn scheduler(case: &Value) -> Scheduler {
    let text = case["scheduler"].to_string();
    let named = Config::parse(&text).and_then(|config| config.to_recipe());
    let mut named = named.unwrap_or_else(|error| panic!("{}: {error}", case["name"]));
    // The pipelines tell their scheduler an eta of 0 where nobody names one, whatever it would do by itself.
    if let Scheduler::Ddim { eta_milli, .. } | Scheduler::Tcd { eta_milli, .. } = &mut named {
        *eta_milli = (case["eta"].as_f64().unwrap_or(0.0) * 1000.0).round() as u32;
    }
    named
}

/// A case as a recipe, with the pictures that it begins with.
fn request(case: &Value, pictures: &Value, model: &Model) -> Request {
    let (width, height) = (number(&case["width"]), number(&case["height"]));
    let mut recipe = Recipe::new(
        model.digest,
        case["prompt"]
            .as_str()
            .expect("a prompt")
            .replace('{', "{{")
            .replace('}', "}}"),
        scheduler(case),
        number(&case["steps"]),
        milli(&case["guidance"]),
        (width, height),
    );
    recipe.negative = case["negative"].as_str().map(str::to_owned);
    recipe.noise = Noise::TorchCpu;
    recipe.clip_skip = case["clip_skip"]
        .as_u64()
        .map(|skip| skip as u32)
        .filter(|skip| *skip > 0);
    recipe.guidance_rescale_milli = case["guidance_rescale"]
        .as_f64()
        .map(|share| (share * 1000.0).round() as u32);
    recipe.tile = tile(case);
    let mut known = Pictures::default();
    if case["mode"] != "text" {
        let size = format!("{width}x{height}");
        let entry = &pictures[&size];
        assert!(
            !entry.is_null(),
            "{size}: {:?}",
            pictures
                .as_object()
                .map(|all| all.keys().collect::<Vec<_>>())
        );
        let samples = bytes(&entry["rgb"]);
        let picture = Picture {
            width,
            height,
            samples,
        };
        let pixels = known.add(picture).expect("a picture");
        let mask: Option<Digest> = (case["mode"] == "inpaint").then(|| {
            let shades = bytes(&entry["mask"]);
            let samples = shades.into_iter().flat_map(|shade| [shade; 3]).collect();
            known
                .add(Picture {
                    width,
                    height,
                    samples,
                })
                .expect("a mask")
        });
        recipe.init = Some(Init {
            pixels,
            // diffusers floors 0.29 · 100 in float64, which is 28; here that is 29, and 28 is a strength of 280.
            strength_milli: match (number(&case["strength_thousandths"]), recipe.steps) {
                (290, 100) => 280,
                (strength, _) => strength,
            },
            mask,
        });
    }
    let seed = Seed(case["seed"].as_u64().expect("a seed"));
    Request::of_recipe(&recipe, &Values::new(), seed, &known).expect("a request")
}

/// The largest difference of any latent and of any sample; what is wrong otherwise.
pub(crate) fn compare(
    case: &Value,
    pictures: &Value,
    engine: &mut Engine,
) -> Result<(f32, u8), String> {
    let wanted = floats(&case["latents"]);
    let tolerance = match case["model"].as_str() {
        Some("turbo" | "inpaint") => TOLERANCE_OF_HALVES,
        _ => TOLERANCE,
    };
    let request = request(case, pictures, &engine.model().clone());
    let mut latents = Vec::new();
    let made = engine.generate_watched(
        &request,
        &mut |_| ControlFlow::Continue(()),
        &mut |_, latent| latents.push(latent.to_vec()),
    );
    let made = made.map_err(|error| error.to_string())?;
    let size = latents.first().map_or(1, Vec::len);
    if wanted.len() != size * latents.len() {
        return Err(format!(
            "{} runs, {} recorded",
            latents.len(),
            wanted.len() / size
        ));
    }
    let mut largest = 0.0f32;
    let mut first_bad = None;
    for (at, (found, wanted)) in latents.iter().zip(wanted.chunks_exact(size)).enumerate() {
        let most = wanted
            .iter()
            .fold(f32::MIN_POSITIVE, |most, v| most.max(v.abs()));
        let off = found
            .iter()
            .zip(wanted)
            .fold(0.0f32, |off, (a, b)| off.max((a - b).abs()));
        if off / most > tolerance && first_bad.is_none() {
            first_bad = Some(at);
        }
        largest = largest.max(off / most);
    }
    let samples = bytes(&case["picture"]);
    if samples.len() != made.samples.len() {
        return Err(format!(
            "{} samples, {} recorded",
            made.samples.len(),
            samples.len()
        ));
    }
    let pixels = made
        .samples
        .iter()
        .zip(&samples)
        .map(|(a, b)| a.abs_diff(*b))
        .max();
    match first_bad {
        Some(at) => Err(format!(
            "run {at} of {} differs, by up to {largest:.1e} at last",
            latents.len()
        )),
        None => Ok((largest, pixels.unwrap_or(0))),
    }
}
