//! What ComfyUI writes under `prompt`: the graph that was executed, walked backwards from its sampler.
//!
//! The one rule: of several samplers none is guessed; a node that is not known is followed and named.

use super::found::{Choice, Found, MAX_LISTED, MAX_NAME, MAX_PROMPT, Program};
use super::graph::{DEEPEST, Graph, Node, Scalar};
use super::remark::Remark;
use super::syntax;
use crate::error::{Error, ErrorKind};
use schema::recipe::Noise;
use serde_json::Value;

/// Samplers that are put together of parts.
const COMPOSED: [&str; 2] = ["SamplerCustom", "SamplerCustomAdvanced"];
/// Samplers that are known; others are taken for one by their inputs.
const KNOWN: [&str; 2] = ["KSampler", "KSamplerAdvanced"];

fn is_sampler(node: Node<'_>) -> bool {
    let has = |name: &str| node.inputs.contains_key(name);
    COMPOSED.contains(&node.class)
        || KNOWN.contains(&node.class)
        || (has("steps") && has("sampler_name") && (has("seed") || has("noise_seed")))
}

/// Whether a document is a graph at all.
pub(super) fn is_graph(document: &Value) -> bool {
    Graph::of(document).is_some()
}

/// Reads a graph; `node` is the sampler that was chosen.
///
/// # Errors
/// `ErrorKind::Malformed` for a graph without a sampler, or without the one that was chosen.
pub(super) fn read(document: &Value, node: Option<&str>) -> Result<Found, Error> {
    let wrong = |message: String| Error::new(ErrorKind::Malformed, message);
    let graph = Graph::of(document).ok_or_else(|| wrong("ComfyUI: this is no graph".into()))?;
    let samplers: Vec<Node<'_>> = match node {
        Some(id) => graph
            .node(id)
            .filter(|node| is_sampler(*node))
            .into_iter()
            .collect(),
        None => graph.nodes().filter(|node| is_sampler(*node)).collect(),
    };
    let mut walk = Walk {
        graph,
        found: Found::new(Program::ComfyUi),
    };
    match samplers.as_slice() {
        [] => {
            let which = node.map(|id| super::found::bounded(id, MAX_NAME));
            let which = which.map_or(String::new(), |id| format!(" {id:?}"));
            return Err(wrong(format!("ComfyUI: the graph holds no sampler{which}")));
        }
        [sampler] => walk.sampler(*sampler),
        several => {
            for sampler in several.iter().take(MAX_LISTED) {
                let choice = walk.choice(*sampler);
                walk.found.choices.push(choice);
            }
            // Whatever reading the choices said belongs to none of them.
            walk.found.remarks.clear();
            walk.found.say(Remark::SeveralSamplers);
        }
    }
    Ok(walk.found)
}

struct Walk<'a> {
    graph: Graph<'a>,
    found: Found,
}

impl<'a> Walk<'a> {
    fn choice(&mut self, node: Node<'a>) -> Choice {
        let id = self.found.text("node", node.id, MAX_NAME);
        let class = self.found.text("node", node.class, MAX_NAME);
        let noise = self
            .graph
            .link(node, "noise")
            .map_or(node, |(noise, _)| noise);
        let sigmas = self
            .graph
            .link(node, "sigmas")
            .map_or(node, |(sigmas, _)| sigmas);
        Choice {
            seed: self.whole(noise, &["seed", "noise_seed"]),
            steps: self.whole(sigmas, &["steps"]),
            node: id,
            class,
        }
    }

    /// The value of the first of some inputs.
    fn scalar(
        &mut self,
        node: Node<'a>,
        inputs: &[&'static str],
    ) -> Option<(&'static str, String)> {
        for input in inputs {
            match self.graph.scalar(node, input) {
                Scalar::Is(value) => return Some((input, value)),
                Scalar::Endless => self.found.say(Remark::GraphEndless),
                Scalar::Absent if node.inputs.contains_key(*input) => {
                    self.found
                        .unread(input, &format!("{}: another node's", node.class));
                }
                Scalar::Absent => {}
            }
        }
        None
    }

    fn whole<T: std::str::FromStr>(
        &mut self,
        node: Node<'a>,
        inputs: &[&'static str],
    ) -> Option<T> {
        let (name, value) = self.scalar(node, inputs)?;
        self.found.whole(name, &value)
    }

    fn milli(&mut self, node: Node<'a>, inputs: &[&'static str]) -> Option<u32> {
        let (name, value) = self.scalar(node, inputs)?;
        self.found.milli(name, &value)
    }

    fn unknown(&mut self, node: Node<'a>) {
        let class = self.found.text("node", node.class, MAX_NAME);
        self.found.say(Remark::NodeUnknown(class));
    }

    fn sampler(&mut self, node: Node<'a>) {
        let to = |walk: &Self, input: &str| walk.graph.link(node, input).map(|(node, _)| node);
        let noise = to(self, "noise").unwrap_or(node);
        let guider = to(self, "guider").unwrap_or(node);
        let sigmas = to(self, "sigmas").unwrap_or(node);
        let select = to(self, "sampler").unwrap_or(node);
        if !KNOWN.contains(&node.class) && !COMPOSED.contains(&node.class) {
            self.unknown(node);
        }
        self.found.seed = self.whole(noise, &["seed", "noise_seed"]);
        self.found.draw(Noise::TorchCpu);
        self.found.steps = self.whole(sigmas, &["steps"]);
        self.found.guidance_milli = self.milli(guider, &["cfg"]);
        self.spacing(sigmas, select);
        self.part(node, sigmas);
        let positive = self.prompt(guider, &["positive", "conditioning"], "positive");
        let negative = self.prompt(guider, &["negative"], "negative");
        self.found.prompt = self.found.text("prompt", &positive, MAX_PROMPT);
        self.found.negative = self.found.text("negative prompt", &negative, MAX_PROMPT);
        let sources = [guider, sigmas];
        let modelled = sources
            .into_iter()
            .find(|node| node.inputs.contains_key("model"));
        self.model(modelled.unwrap_or(node));
        self.latent(node);
        syntax::comfyui(&mut self.found);
    }

    fn spacing(&mut self, sigmas: Node<'a>, select: Node<'a>) {
        let Some((_, name)) = self.scalar(select, &["sampler_name"]) else {
            // `SamplerEulerAncestral` and its kin have settings of their own.
            return self.unknown(select);
        };
        let schedule = match sigmas.class {
            "KarrasScheduler" => Some("karras".to_owned()),
            "ExponentialScheduler" => Some("exponential".to_owned()),
            _ => self.scalar(sigmas, &["scheduler"]).map(|(_, name)| name),
        };
        let schedule = schedule.unwrap_or_else(|| sigmas.class.to_owned());
        self.found.sample(&name, Some(&schedule));
    }

    /// Whether a part of the steps alone was taken.
    fn part(&mut self, node: Node<'a>, sigmas: Node<'a>) {
        self.found.denoising_milli = match self.milli(sigmas, &["denoise"]) {
            Some(1000) => None,
            part => part,
        };
        let begin: Option<u32> = self.whole(node, &["start_at_step"]);
        let end: Option<u32> = self.whole(node, &["end_at_step"]);
        let steps = self.found.steps.unwrap_or(u32::MAX);
        if begin.is_some_and(|at| at > 0) || end.is_some_and(|at| at < steps) {
            self.found.say(Remark::StepsChosen);
        }
    }

    /// The text that a conditioning comes from.
    fn prompt(&mut self, node: Node<'a>, inputs: &[&str], side: &'static str) -> String {
        let Some((mut node, mut output)) = self.graph.first_link(node, inputs) else {
            return String::new();
        };
        for _ in 0..DEEPEST {
            if let Some(text) = self.text(node, side) {
                self.clip_skip(node);
                return text;
            }
            let by_output = if output == 1 { "negative" } else { "positive" };
            match node.class {
                "ConditioningZeroOut" => return String::new(),
                "FluxGuidance" => {
                    if let Some((_, guidance)) = self.scalar(node, &["guidance"]) {
                        self.found.keep("Guidance", &guidance);
                    }
                }
                _ if node.inputs.contains_key("control_net") => self.found.say(Remark::ControlNet),
                "ConditioningCombine" | "ConditioningConcat" | "ConditioningAverage" => {
                    self.found.say(Remark::PromptsJoined);
                }
                _ => self.unknown(node),
            }
            let inputs = [
                "conditioning",
                "conditioning_1",
                "conditioning_to",
                by_output,
            ];
            let Some(next) = self.graph.first_link(node, &inputs) else {
                return String::new();
            };
            (node, output) = next;
        }
        self.found.say(Remark::GraphEndless);
        String::new()
    }

    /// The text of a node that encodes one.
    fn text(&mut self, node: Node<'a>, side: &'static str) -> Option<String> {
        let names: &[&'static str] = &["text", "text_g", "t5xxl", "prompt"];
        let present = |name: &&&'static str| node.inputs.contains_key(**name);
        let name = match names.iter().find(present) {
            Some(name) => *name,
            // Loaders of some packs hold both prompts themselves.
            None if node.inputs.get(side).is_some_and(Value::is_string) => side,
            None => return None,
        };
        let (_, text) = self.scalar(node, &[name]).unwrap_or((name, String::new()));
        let others: &[&'static str] = &["text_l", "clip_l"];
        for other in others {
            let second = match node.inputs.contains_key(*other) {
                true => self.scalar(node, &[other]),
                false => None,
            };
            if let Some((_, second)) = second.filter(|(_, second)| *second != text) {
                let second = self.found.text(other, &second, MAX_NAME);
                self.found.say(Remark::SecondPrompt(second));
            }
        }
        Some(text)
    }

    fn clip_skip(&mut self, node: Node<'a>) {
        let mut at = node;
        for _ in 0..DEEPEST {
            let Some((node, _)) = self.graph.link(at, "clip") else {
                return;
            };
            if node.inputs.contains_key("stop_at_clip_layer") {
                let layer: Option<i32> = self.whole(node, &["stop_at_clip_layer"]);
                self.found.clip_skip = layer.map(i32::unsigned_abs);
                if layer != Some(-1) {
                    self.found.say(Remark::ClipSkip);
                }
                return;
            }
            at = node;
        }
        self.found.say(Remark::GraphEndless);
    }

    fn model(&mut self, node: Node<'a>) {
        let mut at = node;
        for _ in 0..DEEPEST {
            let Some((node, _)) = self.graph.first_link(at, &["model", "model1"]) else {
                return;
            };
            let names = ["ckpt_name", "unet_name", "model_name"];
            if names.iter().any(|name| node.inputs.contains_key(*name)) {
                if let Some((_, name)) = self.scalar(node, &names) {
                    let name = self.found.text("model", &name, MAX_NAME);
                    self.found.say(Remark::ModelByNameOnly(name.clone()));
                    self.found.model = Some(name);
                }
                return;
            }
            match self.graph.scalar(node, "lora_name") {
                Scalar::Is(name) => {
                    let name = self.found.text("LoRA", &name, MAX_NAME);
                    self.found.say(Remark::LoraNotTaken(name));
                }
                _ => self.unknown(node),
            }
            at = node;
        }
        self.found.say(Remark::GraphEndless);
    }

    fn latent(&mut self, node: Node<'a>) {
        let mut at = node;
        for _ in 0..DEEPEST {
            let inputs = ["latent_image", "samples", "latent"];
            let Some((node, _)) = self.graph.first_link(at, &inputs) else {
                return;
            };
            let first = self.graph.first_link(node, &inputs).is_none();
            let has = |name: &str| node.inputs.contains_key(name);
            if is_sampler(node) || (!first && node.class.contains("Upscale")) {
                self.found.say(Remark::HiresFix);
            }
            if is_sampler(node) {
                return;
            }
            if has("mask") {
                self.found.say(Remark::Inpainting);
            }
            if has("pixels") {
                return self.found.say(Remark::ImageToImage);
            }
            if first && has("width") && has("height") {
                self.found.width = self.whole(node, &["width"]);
                self.found.height = self.whole(node, &["height"]);
                let batch: Option<u32> = self.whole(node, &["batch_size"]);
                if batch.is_some_and(|size| size > 1) {
                    self.found.say(Remark::Batch);
                }
                return;
            }
            if !node.class.contains("Upscale") && !has("mask") {
                self.unknown(node);
            }
            at = node;
        }
        self.found.say(Remark::GraphEndless);
    }
}
