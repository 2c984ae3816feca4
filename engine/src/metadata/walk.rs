//! Walks over a graph of ComfyUI: from a sampler back to its prompts, its model and its first picture.
//!
//! The one rule: a walk ends at what it looks for, at nothing, or after so many links, and a node that is not known on the way is named.

use super::comfyui::is_sampler;
use super::found::{Found, MAX_NAME};
use super::graph::{DEEPEST, Graph, Node, Scalar};
use super::remark::Remark;
use serde_json::Value;

/// A graph, and what was found in it so far.
pub(super) struct Walk<'a> {
    pub(super) graph: Graph<'a>,
    pub(super) found: Found,
}

impl<'a> Walk<'a> {
    /// The value of the first of some inputs.
    pub(super) fn scalar(
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

    pub(super) fn whole<T: std::str::FromStr>(
        &mut self,
        node: Node<'a>,
        inputs: &[&'static str],
    ) -> Option<T> {
        let (name, value) = self.scalar(node, inputs)?;
        self.found.whole(name, &value)
    }

    pub(super) fn milli(&mut self, node: Node<'a>, inputs: &[&'static str]) -> Option<u32> {
        let (name, value) = self.scalar(node, inputs)?;
        self.found.milli(name, &value)
    }

    pub(super) fn unknown(&mut self, node: Node<'a>) {
        let class = self.found.text("node", node.class, MAX_NAME);
        self.found.say(Remark::NodeUnknown(class));
    }

    /// The text that a conditioning comes from.
    pub(super) fn prompt(&mut self, node: Node<'a>, inputs: &[&str], side: &'static str) -> String {
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

    pub(super) fn model(&mut self, node: Node<'a>) {
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

    pub(super) fn latent(&mut self, node: Node<'a>) {
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
