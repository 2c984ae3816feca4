//! Graphs of ComfyUI that go in circles, deep, or in several directions.

use super::super::{MAX_LISTED, Program, Syntax, read_choice, read_text};
use super::*;
use serde_json::{Map, Value, json};

fn from(graph: &Value) -> Found {
    must(&png(&[text("prompt", &graph.to_string())]))
}

/// A graph as the program's own first example.
fn simple() -> Value {
    json!({
        "3": {"class_type": "KSampler", "inputs": {
            "seed": 18_446_744_073_709_551_615_u64, "steps": 20, "cfg": 8.0, "sampler_name": "dpmpp_2m",
            "scheduler": "karras", "denoise": 1.0, "model": ["4", 0], "positive": ["6", 0],
            "negative": ["7", 0], "latent_image": ["5", 0]}},
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "v1-5.safetensors"}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 768, "batch_size": 4}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a {red|blue} fox", "clip": ["10", 0]}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "embedding:bad", "clip": ["4", 1]}},
        "10": {"class_type": "CLIPSetLastLayer", "inputs": {"stop_at_clip_layer": -2, "clip": ["4", 1]}},
    })
}

#[test]
fn a_simple_graph_is_read_whole() {
    let found = from(&simple());
    assert_eq!(found.program, Program::ComfyUi);
    assert_eq!(
        (found.prompt.as_str(), found.negative.as_str()),
        ("a {red|blue} fox", "embedding:bad")
    );
    assert_eq!(
        (found.seed, found.steps, found.guidance_milli),
        (Some(u64::MAX), Some(20), Some(8000))
    );
    assert_eq!(
        (found.width, found.height, found.clip_skip),
        (Some(512), Some(768), Some(2))
    );
    assert_eq!(found.model.as_deref(), Some("v1-5.safetensors"));
    let scheduler = found.scheduler().expect("a scheduler");
    assert_eq!(scheduler["_class_name"], "DPMSolverMultistepScheduler");
    assert_eq!(scheduler["use_karras_sigmas"], true);
    for remark in [
        Remark::SeedOver32Bits { low: u32::MAX },
        Remark::Batch,
        Remark::ClipSkip,
        Remark::PromptSyntax(Syntax::Wildcard),
        Remark::PromptSyntax(Syntax::Embedding),
    ] {
        assert!(found.remarks.contains(&remark), "{remark:?}");
    }
}

#[test]
fn words_that_json_lacks_are_read_as_nothing() {
    let text = simple().to_string().replace(
        "\"denoise\":1.0",
        "\"denoise\":NaN,\"is_changed\":[Infinity]",
    );
    let found = read_text(&text).expect("a graph").expect("settings");
    assert_eq!(found.steps, Some(20));
}

#[test]
fn several_samplers_are_asked_about_and_each_can_be_chosen() {
    let mut graph = simple();
    graph["11"] = json!({"class_type": "KSamplerAdvanced", "inputs": {
        "noise_seed": ["12", 0], "steps": 12, "cfg": 3.5, "sampler_name": "restart", "scheduler": "beta",
        "start_at_step": 4, "end_at_step": 10000, "positive": ["6", 0], "latent_image": ["3", 0],
        "model": ["13", 0]}});
    graph["12"] = json!({"class_type": "PrimitiveInt", "inputs": {"value": 99}});
    graph["13"] = json!({"class_type": "LoraLoader", "inputs": {"lora_name": "l.safetensors", "model": ["4", 0]}});
    let file = png(&[text("prompt", &graph.to_string())]);
    let asked = must(&file);
    let choices: Vec<_> = asked
        .choices
        .iter()
        .map(|choice| (choice.node.as_str(), choice.steps, choice.seed))
        .collect();
    assert_eq!(
        choices,
        [("11", Some(12), Some(99)), ("3", Some(20), Some(u64::MAX))]
    );
    assert_eq!(asked.remarks, [Remark::SeveralSamplers]);
    assert_eq!((asked.seed, asked.prompt.as_str()), (None, ""));
    let found = read_choice(&file, "11").expect("a file").expect("settings");
    assert_eq!(
        (found.seed, found.guidance_milli, found.sigmas),
        (Some(99), Some(3500), None)
    );
    for remark in [
        Remark::SamplerUnknown("restart".into()),
        Remark::SigmasUnknown("beta".into()),
        Remark::StepsChosen,
        Remark::HiresFix,
        Remark::LoraNotTaken("l.safetensors".into()),
    ] {
        assert!(found.remarks.contains(&remark), "{remark:?}");
    }
    assert_eq!(
        read_choice(&file, "3")
            .expect("a file")
            .expect("settings")
            .steps,
        Some(20)
    );
    for node in ["4", "99", ""] {
        assert!(read_choice(&file, node).is_err());
    }
}

#[test]
fn links_in_circles_end_with_a_remark() {
    for (node, input) in [
        ("6", "text"),
        ("6", "clip"),
        ("3", "seed"),
        ("3", "model"),
        ("3", "positive"),
        ("3", "latent_image"),
    ] {
        let mut graph = simple();
        graph[node]["inputs"][input] = json!(["20", 0]);
        graph["20"] = json!({"class_type": "Reroute", "inputs": {
            "text": ["21", 0], "value": ["21", 0], "clip": ["21", 0], "model": ["21", 0],
            "conditioning": ["21", 0], "samples": ["21", 0]}});
        if matches!(input, "positive") {
            graph["20"]["inputs"] = json!({"conditioning": ["21", 0]});
        }
        graph["21"] = graph["20"].clone();
        graph["21"]["inputs"] =
            serde_json::from_str(&graph["20"]["inputs"].to_string().replace("21", "20"))
                .expect("inputs");
        let found = from(&graph);
        assert!(
            found.remarks.contains(&Remark::GraphEndless),
            "{node} {input}"
        );
    }
    let own = json!({"1": {"class_type": "KSampler", "inputs": {
        "seed": ["1", 0], "positive": ["1", 0], "negative": ["1", 1], "model": ["1", 0], "latent_image": ["1", 0]}}});
    assert_eq!(from(&own).seed, None);
}

#[test]
fn a_chain_of_thousands_of_links_ends_too() {
    let mut graph = Map::new();
    for at in 0..5000 {
        graph.insert(
            format!("n{at}"),
            json!({"class_type": "Reroute", "inputs": {
            "conditioning": [format!("n{}", at + 1), 0], "model": [format!("n{}", at + 1), 0],
            "value": [format!("n{}", at + 1), 0]}}),
        );
    }
    graph.insert(
        "s".into(),
        json!({"class_type": "KSampler", "inputs": {
        "seed": ["n0", 0], "steps": 4, "positive": ["n0", 0], "model": ["n0", 0]}}),
    );
    let found = from(&Value::Object(graph));
    assert_eq!(found.steps, Some(4));
    assert!(found.remarks.contains(&Remark::GraphEndless));
    assert!(
        found
            .remarks
            .contains(&Remark::NodeUnknown("Reroute".into()))
    );
}

#[test]
fn samplers_put_together_of_parts_are_followed() {
    let graph = json!({
        "1": {"class_type": "SamplerCustomAdvanced", "inputs": {"noise": ["2", 0], "guider": ["3", 0],
            "sampler": ["4", 0], "sigmas": ["5", 0], "latent_image": ["6", 0]}},
        "2": {"class_type": "RandomNoise", "inputs": {"noise_seed": 42}},
        "3": {"class_type": "BasicGuider", "inputs": {"model": ["7", 0], "conditioning": ["8", 0]}},
        "4": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
        "5": {"class_type": "BasicScheduler", "inputs": {"scheduler": "simple", "steps": 28, "denoise": 0.5, "model": ["7", 0]}},
        "6": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 1024, "height": 1024, "batch_size": 1}},
        "7": {"class_type": "UNETLoader", "inputs": {"unet_name": "flux1-dev.safetensors"}},
        "8": {"class_type": "FluxGuidance", "inputs": {"guidance": 3.5, "conditioning": ["9", 0]}},
        "9": {"class_type": "CLIPTextEncodeFlux", "inputs": {"t5xxl": "long words", "clip_l": "short"}},
    });
    let found = from(&graph);
    assert_eq!(
        (found.seed, found.steps, found.denoising_milli),
        (Some(42), Some(28), Some(500))
    );
    assert_eq!(
        (found.prompt.as_str(), found.width),
        ("long words", Some(1024))
    );
    assert_eq!(found.model.as_deref(), Some("flux1-dev.safetensors"));
    assert!(found.unknown.contains(&("Guidance".into(), "3.5".into())));
    assert!(
        found
            .remarks
            .contains(&Remark::SecondPrompt("short".into()))
    );
    let custom = json!({"1": {"class_type": "SamplerCustom", "inputs": {"noise_seed": 1, "cfg": 7,
        "sampler": ["2", 0], "sigmas": ["3", 0]}},
        "2": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "dpmpp_2m"}},
        "3": {"class_type": "KarrasScheduler", "inputs": {"steps": 9, "sigma_max": 14.6}}});
    let found = from(&custom);
    assert_eq!((found.steps, found.guidance_milli), (Some(9), Some(7000)));
    assert_eq!(found.sigmas, Some(crate::scheduler::config::Sigmas::Karras));
}

#[test]
fn what_is_no_graph_is_an_error_or_nothing() {
    for prompt in [
        "",
        "nothing",
        "[]",
        "{}",
        "{\"1\": 2}",
        "{\"1\": {\"class_type\": 3}}",
    ] {
        assert!(read(&png(&[text("prompt", prompt)])).is_err(), "{prompt}");
    }
    let many: Map<String, Value> = (0..1000)
        .map(|at| {
            (
                at.to_string(),
                json!({"class_type": "KSampler", "inputs": {}}),
            )
        })
        .collect();
    assert_eq!(from(&Value::Object(many)).choices.len(), MAX_LISTED);
}

#[test]
fn savers_that_write_both_forms_are_read_in_the_one_that_names_a_sampler() {
    let file = png(&[text("prompt", "{}"), text("parameters", SETTINGS)]);
    assert_eq!(must(&file).program, Program::A1111);
    let wrapped = json!({"prompt": simple(), "workflow": {}}).to_string();
    let exif = super::exif::comment(false, b"ASCII\0\0\0", wrapped.as_bytes());
    assert_eq!(must(&webp(&[(b"EXIF", exif)])).steps, Some(20));
}
