//! Which layer of a model a weight of a graph belongs to, and how adapters call that layer.
//!
//! The one rule: an exporter's own words decide, the node's name before the constant's; a weight that neither places belongs to no layer.

use super::keys::Part;
use crate::graph::tensor::shape_of;
use crate::onnx::{GraphProto, NodeProto, TensorProto};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A node that reads a layer's weight.
#[derive(Debug)]
pub(super) struct Place {
    /// The node's first output.
    pub(super) output: String,
    /// The layer as diffusers calls it.
    pub(super) layer: String,
    /// The weight as torch has it: what goes out first.
    pub(super) shape: Vec<usize>,
    /// Whether it lies with what goes in first.
    pub(super) turned: bool,
}

/// The weights of a graph.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) places: Vec<Place>,
    /// Weights of which nobody says what they belong to.
    pub(super) unnamed: usize,
}

/// A constant with what it was called, while it is only turned.
type Constants<'g> = HashMap<&'g str, (&'g str, Vec<usize>)>;

/// Finds every product and convolution with a constant weight.
pub(super) fn find(graph: &GraphProto) -> Found {
    let mut constants: Constants<'_> = HashMap::new();
    let known = |tensor: &TensorProto| shape_of(tensor).ok();
    for tensor in &graph.initializer {
        if let Some(shape) = known(tensor) {
            constants.insert(&tensor.name, (&tensor.name, shape));
        }
    }
    let mut found = Found::default();
    for node in &graph.node {
        let output = node.output.first().map_or("", String::as_str);
        if node.op_type == "Constant" {
            let tensor = node.attribute.first().and_then(|value| value.t.as_ref());
            if let Some(shape) = tensor.and_then(known) {
                constants.insert(output, (output, shape));
            }
        } else if let Some(moved) = moved(node, &constants) {
            constants.insert(output, moved);
        } else if let Some((shape, turned, name)) = weight(node, &constants) {
            match layer(node, name) {
                Some(layer) => found.places.push(Place {
                    output: output.to_owned(),
                    layer,
                    shape,
                    turned,
                }),
                None => found.unnamed += 1,
            }
        }
    }
    found
}

/// What a node that only turns or widens a constant makes of it.
fn moved<'g>(node: &'g NodeProto, constants: &Constants<'g>) -> Option<(&'g str, Vec<usize>)> {
    let (name, shape) = constants.get(node.input.first()?.as_str())?;
    match node.op_type.as_str() {
        "Identity" | "Cast" => Some((name, shape.clone())),
        "Transpose" => {
            let order = node.ints("perm");
            let sides: Option<Vec<usize>> = match order {
                [] => Some(shape.iter().rev().copied().collect()),
                order => {
                    let place = |at: &i64| usize::try_from(*at).ok();
                    let side = |at: &i64| shape.get(place(at)?).copied();
                    order.iter().map(side).collect()
                }
            };
            Some((name, sides?))
        }
        _ => None,
    }
}

/// The weight of a product or convolution: its shape as torch has it, whether it lies turned, its constant's name.
fn weight<'g>(node: &NodeProto, constants: &Constants<'g>) -> Option<(Vec<usize>, bool, &'g str)> {
    let (name, shape) = constants.get(node.input.get(1)?.as_str())?;
    let turned = match node.op_type.as_str() {
        "MatMul" => true,
        "Gemm" => node.int("transB", 0) == 0,
        "Conv" if node.int("group", 1) == 1 && shape.len() > 2 => {
            return Some((shape.clone(), false, name));
        }
        _ => return None,
    };
    match &shape[..] {
        [inner, outer] if turned => Some((vec![*outer, *inner], true, name)),
        [_, _] => Some((shape.clone(), false, name)),
        _ => None,
    }
}

/// Where torch's newer exporter notes the modules that a node came from.
const SCOPES: &str = "pkg.torch.onnx.name_scopes";

/// `/down_blocks.0/…/to_q/MatMul`, or what the newer exporter notes, or else `down_blocks.0.….to_q.weight`, as `down_blocks.0.….to_q`.
fn layer(node: &NodeProto, constant: &str) -> Option<String> {
    let of_node = || {
        let (path, last) = node.name.strip_prefix('/')?.rsplit_once('/')?;
        let is_own = last.starts_with(&node.op_type);
        is_own.then(|| path.replace('/', "."))
    };
    let of_notes = || scope(&node.notes.iter().find(|note| note.key == SCOPES)?.value);
    let of_constant = || Some(constant.strip_suffix(".weight")?.to_owned());
    of_node().or_else(of_notes).or_else(of_constant)
}

/// The last module in `['', 'down_blocks.0', 'down_blocks.0.resnets.0', 'linear_8']`, whose last word is the node's own.
fn scope(noted: &str) -> Option<String> {
    let list = noted.trim().strip_prefix('[')?.strip_suffix(']')?;
    let (modules, _) = list.rsplit_once(',')?;
    let module = modules.rsplit(',').next()?.trim();
    let name = module.strip_prefix('\'')?.strip_suffix('\'')?;
    (!name.is_empty()).then(|| name.to_owned())
}

/// How files call each of these layers; `None` for a name that several would have.
pub(super) fn aliases(part: Part, layers: &BTreeSet<&str>) -> HashMap<String, Option<String>> {
    let blocks = Blocks::of(layers);
    let mut all: HashMap<String, Option<String>> = HashMap::new();
    for layer in layers {
        let mut names = vec![(*layer).to_owned()];
        match part {
            // Newer versions of transformers leave this level out, files keep it.
            Part::Text | Part::SecondText => names.push(match layer.strip_prefix(LEVEL) {
                Some(rest) => rest.to_owned(),
                None => format!("{LEVEL}{layer}"),
            }),
            Part::Unet => names.extend(blocks.original(layer).map(|name| name.replace('.', "_"))),
        }
        let flat: Vec<String> = names.iter().map(|name| name.replace('.', "_")).collect();
        let names: BTreeSet<String> = names.into_iter().chain(flat).collect();
        for name in names {
            let entry = all.entry(name).or_insert_with(|| Some((*layer).to_owned()));
            if entry.as_deref() != Some(*layer) {
                *entry = None;
            }
        }
    }
    all
}

const LEVEL: &str = "text_model.";

/// How many residual layers every block of a UNet has, and which blocks attend: what Stability's own numbers count.
#[derive(Default)]
struct Blocks {
    down: BTreeMap<usize, BTreeSet<usize>>,
    up: BTreeMap<usize, BTreeSet<usize>>,
    attending: BTreeSet<usize>,
}

impl Blocks {
    fn of(layers: &BTreeSet<&str>) -> Self {
        let mut blocks = Self::default();
        for layer in layers {
            let parts: Vec<&str> = layer.split('.').collect();
            let [side, block, kind, number, ..] = parts[..] else {
                continue;
            };
            let (Ok(block), Ok(number)) = (block.parse(), number.parse()) else {
                continue;
            };
            match (side, kind) {
                ("down_blocks", "resnets") => {
                    blocks.down.entry(block).or_default().insert(number);
                }
                ("up_blocks", "resnets") => {
                    blocks.up.entry(block).or_default().insert(number);
                }
                ("up_blocks", "attentions") => {
                    blocks.attending.insert(block);
                }
                _ => {}
            }
        }
        blocks
    }

    /// A layer's name in Stability's own code, which kohya uses for SDXL.
    fn original(&self, layer: &str) -> Option<String> {
        let whole = match layer {
            "conv_in" => "input_blocks.0.0",
            "conv_out" => "out.2",
            "time_embedding.linear_1" => "time_embed.0",
            "time_embedding.linear_2" => "time_embed.2",
            "add_embedding.linear_1" => "label_emb.0.0",
            "add_embedding.linear_2" => "label_emb.0.2",
            _ => "",
        };
        if !whole.is_empty() {
            return Some(whole.to_owned());
        }
        let (side, rest) = layer.split_once('.')?;
        if side == "mid_block" {
            let (kind, rest) = rest.split_once('.')?;
            let (number, rest) = rest.split_once('.')?;
            return Some(match (kind, number) {
                ("resnets", "0") => format!("middle_block.0.{}", residual(rest)?),
                ("resnets", "1") => format!("middle_block.2.{}", residual(rest)?),
                ("attentions", "0") => format!("middle_block.1.{rest}"),
                _ => return None,
            });
        }
        let (block, rest) = rest.split_once('.')?;
        let block: usize = block.parse().ok()?;
        let (kind, rest) = rest.split_once('.')?;
        let (number, rest) = rest.split_once('.')?;
        let number: usize = number.parse().ok()?;
        let before = |counts: &BTreeMap<usize, BTreeSet<usize>>, more: usize| -> usize {
            let sizes = counts.range(..block).map(|(_, layers)| layers.len() + more);
            sizes.sum()
        };
        let layers =
            |counts: &BTreeMap<usize, BTreeSet<usize>>| counts.get(&block).map_or(0, BTreeSet::len);
        // Each block of the way down has one place more, for what makes it smaller; the first place of all is `conv_in`.
        let (down, up) = (1 + before(&self.down, 1), before(&self.up, 0));
        Some(match (side, kind, rest) {
            ("down_blocks", "resnets", rest) => {
                let at = down.checked_add(number)?;
                format!("input_blocks.{at}.0.{}", residual(rest)?)
            }
            ("down_blocks", "attentions", rest) => {
                format!("input_blocks.{}.1.{rest}", down.checked_add(number)?)
            }
            ("down_blocks", "downsamplers", "conv") => {
                format!("input_blocks.{}.0.op", down + layers(&self.down))
            }
            ("up_blocks", "resnets", rest) => {
                let at = up.checked_add(number)?;
                format!("output_blocks.{at}.0.{}", residual(rest)?)
            }
            ("up_blocks", "attentions", rest) => {
                format!("output_blocks.{}.1.{rest}", up.checked_add(number)?)
            }
            ("up_blocks", "upsamplers", "conv") => {
                let last = (up + layers(&self.up)).checked_sub(1)?;
                let inner = 1 + usize::from(self.attending.contains(&block));
                format!("output_blocks.{last}.{inner}.conv")
            }
            _ => return None,
        })
    }
}

/// What is inside of a residual layer.
fn residual(rest: &str) -> Option<&'static str> {
    Some(match rest {
        "conv1" => "in_layers.2",
        "conv2" => "out_layers.3",
        "time_emb_proj" => "emb_layers.1",
        "conv_shortcut" => "skip_connection",
        _ => return None,
    })
}
