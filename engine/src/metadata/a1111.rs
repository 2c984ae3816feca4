//! What A1111's stable-diffusion-webui writes under `parameters`, read and written.
//!
//! The one rule: what is written is read again before it is handed out; where the form cannot hold a prompt as it stands, the prompt stands
//! a second time in pairs that only this program knows.

use super::found::{Found, MAX_NAME, MAX_PROMPT, NoiseSource, Program};
use super::pairs::{NEGATIVE, Parts, is_whole_key, parts, quoted};
use super::remark::Remark;
use super::sampler::{by_sampler, split};
use super::{sd_cpp, syntax};
use crate::scheduler::config::Sigmas;
use schema::recipe::Noise;
use std::fmt::Write as _;

/// Holds a prompt that the form would change.
const EXACT: &str = "Exact prompt";
const EXACT_NEGATIVE: &str = "Exact negative prompt";
/// How this program's version begins.
const OURS: &str = "Seedmark";

/// Whether a text that nothing names is of this form.
pub(super) fn is_likely(text: &str) -> bool {
    parts(text).get("Steps").is_some()
}

/// Reads a text; whatever it holds is a prompt at least.
pub(super) fn read(text: &str) -> Found {
    let parts = parts(text);
    let mut found = Found::new(match parts.get("Version") {
        Some(version) if version.starts_with(OURS) => Program::Seedmark,
        _ => Program::A1111,
    });
    let prompt = parts.get(EXACT).unwrap_or(&parts.prompt);
    found.prompt = found.text("prompt", prompt, MAX_PROMPT);
    let negative = parts.get(EXACT_NEGATIVE).unwrap_or(&parts.negative);
    found.negative = found.text("negative prompt", negative, MAX_PROMPT);
    take(&mut found, &parts);
    if found.noise.is_none() && found.seed.is_some() {
        // A graphics card is what A1111 uses unless it is told otherwise, and Philox is its noise.
        found.draw(Noise::Philox);
        found.say(Remark::NoiseMayDiffer);
    }
    syntax::webui(&mut found);
    found
}

/// Takes every pair into its field, or keeps it.
pub(super) fn take(found: &mut Found, parts: &Parts) {
    if let Some(name) = parts.get("Sampler") {
        let (plain, behind) = split(name);
        found.sample(plain, parts.get("Schedule type").or(behind));
    }
    for (key, value) in &parts.pairs {
        pair(found, key, value);
    }
    if found.remarks.contains(&Remark::HiresFix) {
        // Then the strength is that of the second pass.
        found.remarks.retain(|known| *known != Remark::ImageToImage);
    }
    model(found);
    // The seed stands behind the noise in no file, but may.
    if let Some(name) = parts.get("RNG") {
        noise(found, name);
    }
}

fn pair(found: &mut Found, key: &str, value: &str) {
    match key {
        "Steps" => found.steps = found.whole(key, value),
        "CFG scale" => found.guidance_milli = found.milli(key, value),
        "Seed" => found.seed = found.whole(key, value),
        "Size" => found.size(key, value),
        "Model" => found.model = Some(found.text(key, value, MAX_NAME)),
        "Model hash" => found.model_hash = Some(found.text(key, value, MAX_NAME)),
        "Variation seed" => found.variation_seed = found.whole(key, value),
        "Variation seed strength" => {
            found.variation_milli = found.milli(key, value);
            found.say(Remark::VariationSeed);
        }
        "Denoising strength" => {
            found.denoising_milli = found.milli(key, value);
            found.say(Remark::ImageToImage);
        }
        "Clip skip" => {
            found.clip_skip = found.whole(key, value);
            if found.clip_skip != Some(1) {
                found.say(Remark::ClipSkip);
            }
        }
        "ENSD" => {
            found.seed_delta = found.whole(key, value);
            if found.seed_delta != Some(0) {
                found.say(Remark::SeedDelta);
            }
        }
        "Version" => found.version = Some(found.text(key, value, MAX_NAME)),
        "Sampler" | "Schedule type" | "RNG" | EXACT | EXACT_NEGATIVE => {}
        _ => {
            notice(found, key, value);
            found.keep(key, value);
        }
    }
}

/// Remarks on pairs that have no field.
fn notice(found: &mut Found, key: &str, value: &str) {
    let remark = match key {
        "VAE" => Remark::VaeNotTaken(found.text(key, value, MAX_NAME)),
        "Face restoration" => Remark::FaceRestoration,
        "Tiling" => Remark::Tiling,
        "Seed resize from" => Remark::SeedResize,
        "Refiner" => Remark::Refiner,
        "Mask blur" | "Inpaint area" | "Masked content" => Remark::Inpainting,
        "Batch size" | "Batch pos" => Remark::Batch,
        "Eta" | "Eta DDIM" => Remark::Eta,
        "SLG scale"
        | "Image CFG scale"
        | "NGMS"
        | "Distilled CFG Scale"
        | "Token merging ratio" => Remark::GuidanceChanged(key.to_owned()),
        _ if key.starts_with("Hires") => Remark::HiresFix,
        _ if key.starts_with("ControlNet") => Remark::ControlNet,
        _ => return,
    };
    found.say(remark);
}

pub(super) fn model(found: &mut Found) {
    match (&found.model, &found.model_hash) {
        (None, Some(hash)) => found.say(Remark::ModelByHashOnly(hash.clone())),
        (Some(name), None) => found.say(Remark::ModelByNameOnly(name.clone())),
        _ => {}
    }
}

fn noise(found: &mut Found, name: &str) {
    match name {
        "CPU" => found.draw(Noise::TorchCpu),
        // Philox on a processor, as a card of that maker draws it.
        "NV" => found.draw(Noise::Philox),
        "numpy" => found.draw(Noise::Numpy),
        _ => {
            let name = found.text("RNG", name, MAX_NAME);
            found.noise = Some(NoiseSource::Other(name.clone()));
            found.say(Remark::NoiseUnknown(name));
        }
    }
}

/// The settings as A1111 writes them under `parameters`, for an owner's own download and never for a public copy. Unknown pairs are written
/// where their names can be read back; remarks are not.
#[must_use]
pub fn a1111_text(found: &Found) -> String {
    let mut settings = settings(found);
    let text = joined(found, &settings);
    let again = parts(&text);
    if again.prompt != found.prompt || again.negative != found.negative || again.pairs.is_empty() {
        settings.push((EXACT, found.prompt.clone()));
        settings.push((EXACT_NEGATIVE, found.negative.clone()));
        if settings.len() < super::pairs::FEWEST {
            settings.push(("Version", OURS.to_owned()));
        }
        return joined(found, &settings);
    }
    text
}

fn joined(found: &Found, settings: &[(&str, String)]) -> String {
    let mut text = found.prompt.clone();
    if !found.negative.is_empty() {
        // Writing into a text never fails.
        let _ = write!(text, "\n{NEGATIVE} {}", found.negative);
    }
    let line: Vec<String> = settings
        .iter()
        .map(|(key, value)| format!("{key}: {}", quoted(value)))
        .collect();
    format!("{text}\n{}", line.join(", ")).trim().to_owned()
}

/// The pairs in A1111's order.
fn settings(found: &Found) -> Vec<(&str, String)> {
    let unknown = |key: &str| {
        let known = found.unknown.iter().find(|(known, _)| known == key);
        known.map(|(_, value)| value.clone())
    };
    let sampler = found.sampler.as_ref().map(|sampler| sampler.name.clone());
    let schedule = match found.sigmas {
        Some(Sigmas::Karras) => Some("Karras".to_owned()),
        Some(Sigmas::Exponential) => Some("Exponential".to_owned()),
        // Where nothing is said, some programs choose by the sampler.
        Some(Sigmas::Plain) if sampler.as_deref().is_some_and(by_sampler) => {
            Some("Uniform".to_owned())
        }
        _ => unknown("Schedule type"),
    };
    let noise = match &found.noise {
        Some(NoiseSource::Known(Noise::TorchCpu)) => Some("CPU".to_owned()),
        Some(NoiseSource::Known(Noise::Numpy)) => Some("numpy".to_owned()),
        Some(NoiseSource::Other(name)) => Some(name.clone()),
        Some(NoiseSource::Known(Noise::Philox)) | None => None,
    };
    let size = found.width.zip(found.height);
    let number = |value: Option<u64>| value.map(|value| value.to_string());
    let mut settings = vec![
        ("Steps", number(found.steps.map(u64::from))),
        ("Sampler", sampler),
        ("Schedule type", schedule),
        ("CFG scale", found.guidance_milli.map(decimal)),
    ];
    let order = [
        ("Image CFG scale", None),
        ("Seed", number(found.seed)),
        ("Face restoration", None),
        (
            "Size",
            size.map(|(width, height)| format!("{width}x{height}")),
        ),
        ("Model hash", found.model_hash.clone()),
        ("Model", found.model.clone()),
        ("VAE hash", None),
        ("VAE", None),
        ("Variation seed", number(found.variation_seed)),
        (
            "Variation seed strength",
            found.variation_milli.map(decimal),
        ),
        ("Seed resize from", None),
        ("Denoising strength", found.denoising_milli.map(decimal)),
        ("Conditional mask weight", None),
        ("Clip skip", number(found.clip_skip.map(u64::from))),
        ("ENSD", found.seed_delta.map(|value| value.to_string())),
        ("Token merging ratio", None),
        ("Token merging ratio hr", None),
        ("Init image hash", None),
        ("RNG", noise),
        ("NGMS", None),
        ("Tiling", None),
    ];
    settings.extend(order.map(|(key, value)| (key, value.or_else(|| unknown(key)))));
    let named: Vec<&str> = settings.iter().map(|(key, _)| *key).collect();
    let others = found.unknown.iter().filter(|(key, _)| {
        let ours = [EXACT, EXACT_NEGATIVE, "Version", "User"].contains(&key.as_str());
        is_whole_key(key) && !ours && !named.contains(&key.as_str())
    });
    settings.extend(others.map(|(key, value)| (key.as_str(), Some(value.clone()))));
    // Another program's version would have its own reader take this text for its own.
    let ours = matches!(found.program, Program::A1111 | Program::Seedmark);
    let version = found.version.clone();
    let version = version.filter(|version| ours && !version.starts_with(sd_cpp::NAME));
    settings.push(("Version", version));
    settings.push(("User", unknown("User")));
    settings
        .into_iter()
        .filter_map(|(key, value)| Some((key, value.filter(|value| !value.is_empty())?)))
        .collect()
}

/// Thousandths without idle zeros.
fn decimal(milli: u32) -> String {
    let text = format!("{}.{:03}", milli / 1000, milli % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
