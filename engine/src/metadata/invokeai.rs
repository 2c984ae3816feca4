//! What InvokeAI writes under `invokeai_metadata`.
//!
//! The one rule: its own words are turned into ours where they count differently (it counts skipped layers from 0), never copied.

use super::found::{Found, MAX_NAME, MAX_PROMPT, NoiseSource, Program};
use super::remark::Remark;
use super::{a1111, syntax};
use crate::json::plain;
use schema::recipe::Noise;
use serde_json::{Map, Value};

/// Names that have a field, or say nothing about the picture.
const TAKEN: &[&str] = &[
    "positive_prompt",
    "negative_prompt",
    "width",
    "height",
    "seed",
    "rand_device",
    "cfg_scale",
    "steps",
    "scheduler",
    "clip_skip",
    "model",
    "strength",
    "app_version",
];

/// Reads the metadata, if they are an object.
pub(super) fn read(document: &Value) -> Option<Found> {
    let values = document.as_object()?;
    let mut found = Found::new(Program::InvokeAi);
    let text = |name: &str| values.get(name).and_then(plain).unwrap_or_default();
    found.prompt = found.text("prompt", &text("positive_prompt"), MAX_PROMPT);
    found.negative = found.text("negative prompt", &text("negative_prompt"), MAX_PROMPT);
    let given = |name: &str| values.get(name).and_then(plain);
    found.seed = given("seed").and_then(|value| found.whole("seed", &value));
    found.steps = given("steps").and_then(|value| found.whole("steps", &value));
    found.width = given("width").and_then(|value| found.whole("width", &value));
    found.height = given("height").and_then(|value| found.whole("height", &value));
    found.guidance_milli = given("cfg_scale").and_then(|value| found.milli("cfg_scale", &value));
    found.denoising_milli = given("strength").and_then(|value| found.milli("strength", &value));
    found.version = given("app_version").map(|value| found.text("version", &value, MAX_NAME));
    let skipped = given("clip_skip").and_then(|value| found.whole("clip_skip", &value));
    found.clip_skip = skipped.map(|skipped: u32| skipped.saturating_add(1));
    if found.clip_skip.is_some_and(|layer| layer > 1) {
        found.say(Remark::ClipSkip);
    }
    if let Some(name) = given("scheduler") {
        let karras = name.strip_suffix("_k");
        found.sample(
            karras.unwrap_or(&name),
            Some(karras.map_or("normal", |_| "karras")),
        );
    }
    noise(&mut found, given("rand_device").as_deref());
    model(&mut found, values);
    remarks(&mut found, values);
    for (name, value) in values {
        if !TAKEN.contains(&name.as_str())
            && let Some(value) =
                plain(value).filter(|value| !matches!(value.as_str(), "" | "false"))
        {
            found.keep(name, &value);
        }
    }
    syntax::invokeai(&mut found);
    Some(found)
}

fn noise(found: &mut Found, device: Option<&str>) {
    match device {
        // The processor draws unless a setting of old versions said otherwise.
        Some("cpu") | None => found.draw(Noise::TorchCpu),
        Some("cuda") => {
            found.draw(Noise::Philox);
            found.say(Remark::NoiseMayDiffer);
        }
        Some(other) => {
            let name = found.text("rand_device", other, MAX_NAME);
            found.noise = Some(NoiseSource::Other(name.clone()));
            found.say(Remark::NoiseUnknown(name));
        }
    }
}

/// A model's name, under either of the two names that versions gave it.
fn name(model: &Value) -> Option<String> {
    let name = model.get("name").or_else(|| model.get("model_name"))?;
    Some(name.as_str()?.to_owned())
}

fn model(found: &mut Found, values: &Map<String, Value>) {
    let Some(model) = values.get("model") else {
        return;
    };
    found.model = name(model)
        .or_else(|| plain(model))
        .map(|name| found.text("model", &name, MAX_NAME));
    let hash = model
        .get("hash")
        .and_then(plain)
        .filter(|hash| !hash.is_empty());
    found.model_hash = hash.map(|hash| found.text("model hash", &hash, MAX_NAME));
    a1111::model(found);
}

fn remarks(found: &mut Found, values: &Map<String, Value>) {
    let list = |name: &str| values.get(name).and_then(Value::as_array);
    let filled = |name: &str| list(name).is_some_and(|list| !list.is_empty());
    for lora in list("loras").into_iter().flatten() {
        let model = lora.get("model").or_else(|| lora.get("lora"));
        let name = model.and_then(name).unwrap_or_default();
        let name = found.text("LoRA", &name, MAX_NAME);
        found.say(Remark::LoraNotTaken(name));
    }
    if let Some(vae) = values.get("vae").and_then(name) {
        let vae = found.text("VAE", &vae, MAX_NAME);
        found.say(Remark::VaeNotTaken(vae));
    }
    let mode = values.get("generation_mode").and_then(Value::as_str);
    let mode = mode.unwrap_or_default();
    let flag = |name: &str| values.get(name).and_then(Value::as_bool) == Some(true);
    let number = |name: &str| values.get(name).and_then(Value::as_f64).unwrap_or_default();
    for (present, remark) in [
        (
            filled("controlnets") || filled("t2iAdapters"),
            Remark::ControlNet,
        ),
        (filled("ipAdapters"), Remark::ImagePrompt),
        (
            mode.ends_with("inpaint") || mode.ends_with("outpaint"),
            Remark::Inpainting,
        ),
        (
            mode.ends_with("img2img") || values.contains_key("init_image"),
            Remark::ImageToImage,
        ),
        (flag("hrf_enabled"), Remark::HiresFix),
        (flag("seamless_x") || flag("seamless_y"), Remark::Tiling),
        (values.contains_key("refiner_model"), Remark::Refiner),
        (
            number("cfg_rescale_multiplier") > 0.0,
            Remark::GuidanceChanged("cfg_rescale_multiplier".to_owned()),
        ),
        (
            values.get("cfg_scale").is_some_and(Value::is_array),
            Remark::GuidanceChanged("cfg_scale".to_owned()),
        ),
    ] {
        if present {
            found.say(remark);
        }
    }
    let style = values.get("positive_style_prompt").and_then(Value::as_str);
    if let Some(style) = style.filter(|style| !style.is_empty() && *style != found.prompt) {
        let style = found.text("style prompt", style, MAX_NAME);
        found.say(Remark::SecondPrompt(style));
    }
}
