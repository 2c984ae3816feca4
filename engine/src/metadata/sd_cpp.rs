//! What stable-diffusion.cpp writes under `parameters`: A1111's form with words of its own, and in newer versions JSON behind it.
//!
//! The one rule: where the JSON says it too, the JSON is believed, for its prompt is quoted.

use super::a1111;
use super::found::{Found, MAX_NAME, MAX_PROMPT, NoiseSource, Program};
use super::pairs::{Parts, parts};
use super::remark::Remark;
use super::syntax;
use crate::json;
use schema::recipe::Noise;
use serde_json::Value;

/// What its version begins with.
pub(super) const NAME: &str = "stable-diffusion.cpp";
/// The pair that holds JSON.
const JSON: &str = "SDCPP";

/// Reads a text that names this program.
pub(super) fn read(text: &str) -> Option<Found> {
    let mut parts = parts(text);
    let version = parts.get("Version")?;
    if !version.starts_with(NAME) {
        return None;
    }
    let mut found = Found::new(Program::StableDiffusionCpp);
    let document = parts.get(JSON).and_then(json::parse);
    // Its own names for what A1111 has other values for.
    let taken = [
        "Sampler",
        "RNG",
        "Sampler RNG",
        "Guidance",
        "Eta",
        "Custom Sigmas",
        JSON,
    ];
    let own: Vec<(String, String)> = parts
        .pairs
        .extract_if(.., |(key, _)| taken.contains(&key.as_str()))
        .collect();
    a1111::take(&mut found, &parts);
    let own = Parts {
        pairs: own,
        ..Parts::default()
    };
    pairs(&mut found, &own);
    prompts(&mut found, &parts, document.as_ref());
    syntax::webui(&mut found);
    if let Some(document) = &document {
        exact(&mut found, document);
    }
    Some(found)
}

fn prompts(found: &mut Found, parts: &Parts, document: Option<&Value>) {
    let said = |name: &str| document?.get("prompt")?.get(name)?.as_str();
    let prompt = said("positive").unwrap_or(&parts.prompt);
    found.prompt = found.text("prompt", prompt, MAX_PROMPT);
    let negative = said("negative").unwrap_or(&parts.negative);
    found.negative = found.text("negative prompt", negative, MAX_PROMPT);
}

fn pairs(found: &mut Found, own: &Parts) {
    if let Some(name) = own.get("Sampler") {
        // `euler_a karras`
        let (name, schedule) = name.split_once(' ').unwrap_or((name, "discrete"));
        found.sample(name, Some(schedule));
    }
    for (key, value) in &own.pairs {
        match key.as_str() {
            // What models without guidance in two runs are told.
            "Guidance" => found.keep(key, value),
            // Infinite is how newer versions say that nobody chose it.
            "Eta" if matches!(value.trim().parse(), Ok(0.0 | f64::INFINITY)) => {}
            "Eta" => {
                found.keep(key, value);
                found.say(Remark::Eta);
            }
            "Custom Sigmas" => {
                found.sigmas = None;
                found.keep(key, value);
                found.say(Remark::StepsChosen);
            }
            "Sampler RNG" => {
                let same = own.get("RNG") == Some(value.as_str());
                if !same {
                    let name = found.text(key, value, MAX_NAME);
                    found.say(Remark::NoiseUnknown(format!("{key} {name}")));
                }
                found.keep(key, value);
            }
            _ => {}
        }
    }
    match own.get("RNG") {
        // Philox, on whatever it runs.
        Some("cuda") | None => found.draw(Noise::Philox),
        Some("cpu") => found.draw(Noise::TorchCpu),
        Some(other) => {
            let name = found.text("RNG", other, MAX_NAME);
            found.noise = Some(NoiseSource::Other(name.clone()));
            found.say(Remark::NoiseUnknown(name));
        }
    }
}

/// What the JSON says exactly.
fn exact(found: &mut Found, document: &Value) {
    let number = |name: &str| document.get(name).and_then(json::plain);
    if let Some(seed) = number("seed").and_then(|seed| found.whole("seed", &seed)) {
        found.seed = Some(seed);
    }
    let loras = document.get("loras").and_then(Value::as_array);
    for lora in loras.into_iter().flatten() {
        let name = lora.get("name").and_then(Value::as_str).unwrap_or_default();
        let name = found.text("LoRA", name, MAX_NAME);
        found.say(Remark::LoraNotTaken(name));
    }
    if document.get("control_net").is_some()
        || document
            .get("models")
            .is_some_and(|models| models.get("control_net").is_some())
    {
        found.say(Remark::ControlNet);
    }
    if document.get("hires").is_some() {
        found.say(Remark::HiresFix);
    }
}
