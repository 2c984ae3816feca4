//! What ComfyUI writes under `prompt`: the graph that was executed, walked backwards from its sampler.
//!
//! The one rule: of several samplers none is guessed; a node that is not known is followed and named.

use super::found::{Choice, Found, MAX_LISTED, MAX_NAME, MAX_PROMPT, Program};
use super::graph::{Graph, Node};
use super::remark::Remark;
use super::syntax;
use super::walk::Walk;
use crate::error::{Error, ErrorKind};
use schema::recipe::Noise;
use serde_json::Value;

/// Samplers that are put together of parts.
const COMPOSED: [&str; 2] = ["SamplerCustom", "SamplerCustomAdvanced"];
/// Samplers that are known; others are taken for one by their inputs.
const KNOWN: [&str; 2] = ["KSampler", "KSamplerAdvanced"];

/// Whether a node makes a picture out of noise.
pub(super) fn is_sampler(node: Node<'_>) -> bool {
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
}
