//! `seedmark import`: what another program left in a picture, as a recipe and in words.

use crate::arguments::Import;
use crate::exit::Exit;
use crate::target::{Content, Target};
use crate::{input, machine, output};
use anyhow::{Result, bail};
use engine::metadata::{self, Fault, Found, NoiseSource, Program, Remark, Syntax};
use schema::recipe::Recipe;
use serde_json::json;

pub(crate) fn run(options: &Import) -> Result<Exit> {
    let target = match &options.out {
        Some(path) => Some(Target::file(path, Content::Recipe)?),
        None => None,
    };
    let bytes = input::read(&options.file, "picture", metadata::MAX_FILE)?;
    let found = match &options.node {
        Some(node) => metadata::read_choice(&bytes, node)?,
        None => metadata::read(&bytes)?,
    };
    let Some(found) = found else {
        bail!(
            "{}: no program that is known left its settings in this file",
            options.file.display()
        );
    };
    if !found.choices.is_empty() {
        for choice in &found.choices {
            output::line(format!(
                "--node {:<6} {}{}{}",
                choice.node,
                choice.class,
                choice
                    .steps
                    .map(|steps| format!(", {steps} steps"))
                    .unwrap_or_default(),
                choice
                    .seed
                    .map(|seed| format!(", seed {seed}"))
                    .unwrap_or_default(),
            ));
        }
        bail!("this graph holds several samplers; choose one with --node");
    }
    let store = machine::store(None)?;
    // A file of ours, or of a recipe of ours, names its model by the beginning of its digest.
    let named = found.model_hash.as_deref();
    let known = named.and_then(|hash| store.find(hash).ok());
    let known = known.map(|entry| entry.digest);
    let model = machine::model_in(&store, options.model.as_deref(), known)?;
    let recipe = found.draft(&model);
    let remarks: Vec<String> = found.remarks.iter().map(words).collect();
    if options.json {
        let recipe = recipe.as_ref().ok();
        output::json(&json!({
            "program": program(found.program), "version": found.version, "prompt": found.prompt, "negative": found.negative,
            "seed": found.seed.map(|seed| seed.to_string()), "steps": found.steps, "guidance_milli": found.guidance_milli,
            "width": found.width, "height": found.height, "sampler": found.sampler.as_ref().map(|sampler| &sampler.name),
            "model": found.model, "model_hash": found.model_hash, "clip_skip": found.clip_skip, "unknown": found.unknown,
            "remarks": remarks, "recipe": recipe,
        }));
    } else {
        print(&found);
        for (remark, text) in found.remarks.iter().zip(&remarks) {
            let mark = match recipe.as_ref().is_ok_and(|recipe| is_taken(remark, recipe)) {
                true => "✓",
                false => "!",
            };
            output::line(format!("{mark} {text}"));
        }
        if let (Ok(recipe), Some((width, height))) = (&recipe, found.width.zip(found.height))
            && (recipe.width, recipe.height) != (width, height)
        {
            output::line(format!(
                "! the size {width}×{height} is not offered by this model; the recipe has {}×{}",
                recipe.width, recipe.height
            ));
        }
        let manifest = &model.manifest;
        output::line(format!(
            "recipe for {}: {}",
            manifest.title(),
            match &recipe {
                Ok(recipe) => recipe.scheduler.name().to_owned(),
                Err(error) => format!("none can be made: {error}"),
            }
        ));
    }
    if let Some(target) = target {
        target.write(&recipe?.to_bytes()?)?;
    }
    Ok(Exit::Success)
}

fn program(program: Program) -> &'static str {
    match program {
        Program::A1111 => "A1111",
        Program::ComfyUi => "ComfyUI",
        Program::InvokeAi => "InvokeAI",
        Program::StableDiffusionCpp => "stable-diffusion.cpp",
        Program::Seedmark => "Seedmark",
    }
}

fn print(found: &Found) {
    let row = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            output::line(format!("{name:<10} {value}"));
        }
    };
    let milli = |value: u32| format!("{}.{:03}", value / 1000, value % 1000);
    let version = found.version.clone().unwrap_or_default();
    row(
        "program",
        Some(
            format!("{} {version}", program(found.program))
                .trim()
                .to_owned(),
        ),
    );
    row("prompt", Some(found.prompt.clone()));
    row("negative", Some(found.negative.clone()));
    row("seed", found.seed.map(|seed| seed.to_string()));
    row("steps", found.steps.map(|steps| steps.to_string()));
    row("guidance", found.guidance_milli.map(milli));
    let size = found.width.zip(found.height);
    row(
        "size",
        size.map(|(width, height)| format!("{width}×{height}")),
    );
    row(
        "sampler",
        found.sampler.as_ref().map(|sampler| sampler.name.clone()),
    );
    row(
        "noise",
        found.noise.as_ref().map(|noise| match noise {
            NoiseSource::Known(noise) => noise.name().to_owned(),
            NoiseSource::Other(name) => name.clone(),
        }),
    );
    row("model", found.model.clone());
    row("hash", found.model_hash.clone());
    row("clip skip", found.clip_skip.map(|skip| skip.to_string()));
    row("strength", found.denoising_milli.map(milli));
    for (name, value) in &found.unknown {
        output::line(format!("{name:<10} {value}  (not known here)"));
    }
}

/// Whether the recipe follows what is remarked; the rest is another picture's.
fn is_taken(remark: &Remark, recipe: &Recipe) -> bool {
    match remark {
        Remark::ClipSkip => recipe.clip_skip.is_some(),
        Remark::VariationSeed => recipe.variation.is_some(),
        Remark::SeedDelta => recipe.step_seed_offset.is_some(),
        Remark::PromptSyntax(Syntax::Weight) => recipe.prompt_weights.is_some(),
        _ => false,
    }
}

/// A remark for people.
fn words(remark: &Remark) -> String {
    match remark {
        Remark::Damaged { place, fault } => {
            format!("{place} was left out: {}", fault_words(*fault))
        }
        Remark::Cut(name) => format!("{name} was too long and was cut"),
        Remark::ValueUnread { name, value } => {
            format!("{name} is {value:?}, which is no value of it")
        }
        Remark::Rounded(name) => format!("{name} has more than three decimals and was rounded"),
        Remark::NoiseMayDiffer => {
            "its noise was drawn on a graphics card, or nobody knows where: ours may differ".into()
        }
        Remark::NoiseUnknown(name) => format!("the noise {name:?} is not drawn here"),
        Remark::SeedOver32Bits { low } => format!("that noise uses 32 bits of the seed: {low}"),
        Remark::SamplerUnknown(name) => {
            format!("no sampler here does what {name:?} does; the model's own is taken")
        }
        Remark::SamplerDiffers(name) => {
            format!("the sampler of the name {name:?} is a variant here")
        }
        Remark::SigmasUnknown(name) => format!("the spacing {name:?} is not offered"),
        Remark::SigmasBySampler => {
            "that program chose the spacing of sigmas by itself, differently in each version".into()
        }
        Remark::ModelByHashOnly(hash) => format!("the model is named by the hash {hash} alone"),
        Remark::ModelByNameOnly(name) => {
            format!("the model is named {name:?}, which anybody may call another file")
        }
        Remark::VaeNotTaken(name) => format!("another VAE than the model's own was used: {name}"),
        Remark::LoraNotTaken(name) => {
            format!("a LoRA changed the model: {name}; merge it when you add the model")
        }
        Remark::ControlNet => "a ControlNet steered the picture, which is not offered".into(),
        Remark::ImagePrompt => "an image prompt steered the picture, which is not offered".into(),
        Remark::HiresFix => "the picture was enlarged and drawn over, which is not offered".into(),
        Remark::Refiner => "a second model finished the picture, which is not offered".into(),
        Remark::ImageToImage => {
            "it was drawn over another picture; give that one with --init".into()
        }
        Remark::Inpainting => {
            "a part of another picture was drawn over; give picture and mask with --init and --mask"
                .into()
        }
        Remark::FaceRestoration => "faces were painted over, which is not offered".into(),
        Remark::Tiling => "the picture continues over its edges, which is not offered".into(),
        Remark::VariationSeed => "a second seed was mixed in".into(),
        Remark::SeedDelta => "the noise of the steps came from another seed".into(),
        Remark::SeedResize => "the noise was drawn for another size, which is not offered".into(),
        Remark::ClipSkip => "last layers of the text encoder were left out".into(),
        Remark::GuidanceChanged(name) => {
            format!("guidance was changed by {name}, which is not offered")
        }
        Remark::Eta => "the sampler's own noise was scaled, which is not taken".into(),
        Remark::StepsChosen => "the steps were chosen by hand, or a part of them was run".into(),
        Remark::Batch => "it was one of several pictures that were drawn together".into(),
        Remark::PromptSyntax(syntax) => format!("the prompt holds {}", syntax_words(*syntax)),
        Remark::SecondPrompt(text) => {
            format!("a second text encoder was given another prompt: {text}")
        }
        Remark::PromptsJoined => "several prompts were joined; the first is taken".into(),
        Remark::NodeUnknown(class) => {
            format!("the graph goes through {class}, which may change the picture")
        }
        Remark::GraphEndless => "the graph goes in a circle, or deeper than it is followed".into(),
        Remark::SeveralSamplers => {
            "the graph holds several samplers; choose one with --node".into()
        }
    }
}

fn fault_words(fault: Fault) -> &'static str {
    match fault {
        Fault::Truncated => "the file ends inside of it",
        Fault::WrongChecksum => "its checksum is that of other bytes",
        Fault::TooLarge => "it is more than is read",
        Fault::Unreadable => "it is not written as its format says",
        Fault::TooMany => "there are more such parts than are read",
    }
}

fn syntax_words(syntax: Syntax) -> &'static str {
    match syntax {
        Syntax::Weight => "weights in brackets; the recipe reads them where its model can",
        Syntax::Editing => {
            "words that change while the picture is made; here they are words like all others"
        }
        Syntax::Composed => "several prompts joined by AND; here that is a word like all others",
        Syntax::Break => "BREAK; here that is a word like all others",
        Syntax::Wildcard => "words drawn at random; here they are text",
        Syntax::Embedding => "words that the model was taught elsewhere; here they are text",
        Syntax::ExtraNetwork => "the name of an extra network; here that is text",
    }
}
