//! LoRAs, merged into the weights of a model while it is added: `W += weight · alpha / rank · up · down`.
//!
//! The one rule: every tensor of a file has changed a weight when the import ends, or the import fails by its name. Sums are in float32 and in
//! one order, so that two machines make the same model.

mod alpha;
mod keys;
mod layers;
mod safetensors;

pub(crate) use keys::Part;

use super::builder::Value;
use crate::error::{Error, ErrorKind};
#[cfg(feature = "ort")]
use crate::graph::mapped;
use crate::graph::tensor::{Data, Tensor};
use crate::graph::weights::Delta;
use crate::model::Merged;
use crate::onnx::GraphProto;
use alpha::Alphas;
use bytes::Bytes;
use keys::{Key, Role};
use safetensors::View;
use schema::digest::Digest;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
#[cfg(feature = "ort")]
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// The most adapters of one model.
const MOST: usize = 16;
/// The most of an adapter, either way, in thousandths.
const MOST_MILLI: u32 = 10_000;

/// What one file changes of one layer.
struct Layer {
    /// The name of its first matrix, with the file's, for messages.
    name: Arc<str>,
    down: View,
    up: View,
    rank: usize,
    /// Weight, alpha and rank in one.
    scale: f32,
    used: Cell<bool>,
}

/// One file.
struct Adapter {
    recorded: Merged,
    /// By part, and by what the file calls the layer.
    layers: BTreeMap<(Part, String), Rc<Layer>>,
}

/// The files that are merged, in their order.
#[derive(Default)]
pub(crate) struct Adapters(Vec<Adapter>);

/// What is still missing of a layer while a file is read.
#[derive(Default)]
struct Parts {
    down: Option<(String, View)>,
    up: Option<(String, View)>,
    alpha: Option<(String, View)>,
}

fn wrong(file: &str, what: &str) -> Error {
    Error::new(ErrorKind::Malformed, format!("{file}: {what}"))
}

impl Adapters {
    /// Maps files and reads what they hold.
    ///
    /// # Errors
    /// `ErrorKind::Missing` for a file that is not there, `ErrorKind::Malformed` naming the file and the tensor that is not understood.
    #[cfg(feature = "ort")]
    pub(crate) fn read(wishes: &[(PathBuf, i32)]) -> Result<Self, Error> {
        if wishes.len() > MOST {
            let message = format!("{} adapters; {MOST} are merged at most", wishes.len());
            return Err(Error::new(ErrorKind::NotOffered, message));
        }
        let read = |(path, milli): &(PathBuf, i32)| Adapter::read(path, *milli);
        Ok(Self(wishes.iter().map(read).collect::<Result<_, _>>()?))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As a manifest says it.
    pub(crate) fn recorded(&self) -> Vec<Merged> {
        self.0.iter().map(|file| file.recorded.clone()).collect()
    }

    /// Fails for what belongs to a part that a model does not have.
    ///
    /// # Errors
    /// `ErrorKind::NotOffered`, naming the first tensor.
    pub(crate) fn check_parts(&self, there: &[Part]) -> Result<(), Error> {
        for file in &self.0 {
            let mut layers = file.layers.iter();
            if let Some(((part, _), layer)) = layers.find(|((part, _), _)| !there.contains(part)) {
                let names: Vec<&str> = there.iter().map(|part| part.folder()).collect();
                let message = format!(
                    "{} {:?} is for {}; the model has {}",
                    layer.name,
                    layer.down.shape,
                    part.folder(),
                    names.join(", ")
                );
                return Err(Error::new(ErrorKind::NotOffered, message));
            }
        }
        Ok(())
    }

    /// Fails for what has changed nothing.
    ///
    /// # Errors
    /// `ErrorKind::NotOffered`, naming the first tensor.
    pub(crate) fn check_used(&self) -> Result<(), Error> {
        let mut layers = self.0.iter().flat_map(|file| file.layers.values());
        match layers.find(|layer| !layer.used.get()) {
            None => Ok(()),
            Some(layer) => Err(Error::new(
                ErrorKind::NotOffered,
                format!("{} has changed no weight of the model", layer.name),
            )),
        }
    }

    /// What becomes of a part's graph.
    ///
    /// # Errors
    /// `ErrorKind::NotOffered`, naming the first tensor that fits no weight of it, with both shapes.
    pub(crate) fn plan(&self, part: Part, graph: &GraphProto) -> Result<Plan, Error> {
        let mut plan = Plan::default();
        if self.is_empty() {
            return Ok(plan);
        }
        let found = layers::find(graph);
        let known: BTreeSet<&str> = found.places.iter().map(|place| &place.layer[..]).collect();
        let aliases = layers::aliases(part, &known);
        for file in &self.0 {
            let mut changed: BTreeMap<&str, &Layer> = BTreeMap::new();
            let of_part = file.layers.iter().filter(|((of, _), _)| *of == part);
            for ((_, name), layer) in of_part {
                let refused = |what: String| {
                    let message = format!("{} {:?} {what}", layer.name, layer.down.shape);
                    Error::new(ErrorKind::NotOffered, message)
                };
                let Some(path) = aliases.get(name).and_then(Option::as_deref) else {
                    return Err(refused(nowhere(part, name, &aliases, found.unnamed)));
                };
                if let Some(other) = changed.insert(path, layer) {
                    return Err(refused(format!("changes {path}, as {} does", other.name)));
                }
                for place in found.places.iter().filter(|place| place.layer == path) {
                    let delta = layer.delta(place).ok_or_else(|| {
                        refused(format!(
                            "with {:?} does not fit {path} of the model's {}, which is {:?}",
                            layer.up.shape,
                            part.folder(),
                            place.shape
                        ))
                    })?;
                    let changes = plan.0.entry(place.output.clone()).or_default();
                    changes.push((layer.clone(), delta));
                }
            }
        }
        Ok(plan)
    }
}

/// Why a layer's name is not found.
fn nowhere(
    part: Part,
    name: &str,
    aliases: &HashMap<String, Option<String>>,
    unnamed: usize,
) -> String {
    let common = |alias: &str| {
        let pairs = alias.chars().zip(name.chars());
        pairs.take_while(|(a, b)| a == b).count()
    };
    let nearest = aliases
        .keys()
        .max_by_key(|alias| (common(alias), std::cmp::Reverse(alias.as_str())));
    let part = part.folder();
    let mut what = format!("belongs to no layer of the model's {part}");
    if let Some(nearest) = nearest {
        what += &format!("; the nearest that it has is {nearest:?}");
    }
    if unnamed > 0 {
        what += &format!(
            "; of {unnamed} weights of {part}/model.onnx neither node nor constant says which layer they are: export it with names, as docs/models.md shows"
        );
    }
    what
}

impl Adapter {
    #[cfg(feature = "ort")]
    fn read(path: &Path, milli: i32) -> Result<Self, Error> {
        let bytes = mapped::map(path)?;
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .filter(|name| !name.chars().any(char::is_control))
            .ok_or_else(|| wrong(&path.display().to_string(), "has no printable name"))?;
        Self::of(&name, &bytes, milli)
    }

    fn of(file: &str, bytes: &Bytes, milli: i32) -> Result<Self, Error> {
        if milli.unsigned_abs() > MOST_MILLI {
            let message = format!(
                "{file}: a weight of {milli} thousandths; {MOST_MILLI} either way is the most"
            );
            return Err(Error::new(ErrorKind::NotOffered, message));
        }
        let tensors = safetensors::read(file, bytes)?;
        let alphas = Alphas::of(file, &tensors.notes)?;
        let mut parts: BTreeMap<(Part, String), Parts> = BTreeMap::new();
        for (name, view) in tensors.by_name {
            let key = Key::of(&name)
                .map_err(|what| wrong(file, &format!("{name:?} {:?} {what}", view.shape)))?;
            let layer = parts.entry((key.part, key.layer)).or_default();
            let place = match key.role {
                Role::Down => &mut layer.down,
                Role::Up => &mut layer.up,
                Role::Alpha => &mut layer.alpha,
            };
            if let Some((other, _)) = place.replace((name.clone(), view)) {
                let what = format!("{name:?} says the same as {other:?}");
                return Err(wrong(file, &what));
            }
        }
        if parts.is_empty() {
            return Err(wrong(file, "holds no tensor"));
        }
        let mut layers = BTreeMap::new();
        for (key, found) in parts {
            let layer = found.layer(file, &key, &alphas, milli)?;
            layers.insert(key, Rc::new(layer));
        }
        Ok(Self {
            recorded: Merged {
                blake3: Digest(*blake3::hash(bytes).as_bytes()),
                name: file.to_owned(),
                weight_milli: milli,
            },
            layers,
        })
    }
}

impl Parts {
    fn layer(
        self,
        file: &str,
        (part, layer): &(Part, String),
        alphas: &Alphas,
        milli: i32,
    ) -> Result<Layer, Error> {
        let (down, up) = match (self.down, self.up) {
            (Some(down), Some(up)) => (down, up),
            (down, up) => {
                let alone = down.or(up).or(self.alpha);
                let (name, shape) = alone.map_or((layer.clone(), Vec::new()), |(name, view)| {
                    (name, view.shape)
                });
                let what = format!("{name:?} {shape:?} stands without the rest of its layer");
                return Err(wrong(file, &what));
            }
        };
        let noted = alphas.alpha(*part, layer);
        let alpha =
            match &self.alpha {
                Some((name, view)) => Some(view.number().ok_or_else(|| {
                    wrong(file, &format!("{name:?} {:?} is no number", view.shape))
                })?),
                None => noted.map_err(|what| wrong(file, &what))?,
            };
        Layer::new(file, down, up, alpha, milli)
    }
}

impl Layer {
    fn new(
        file: &str,
        (name, down): (String, View),
        (up_name, up): (String, View),
        alpha: Option<f64>,
        milli: i32,
    ) -> Result<Self, Error> {
        for (name, view) in [(&name, &down), (&up_name, &up)] {
            if !matches!(view.element(), "F64" | "F32" | "F16" | "BF16") {
                let what = format!(
                    "{name:?} is of the type {}; F64, F32, F16 and BF16 are merged",
                    view.element()
                );
                return Err(wrong(file, &what));
            }
        }
        let (rank, rank_of_up) = (down.shape.first(), up.shape.get(1));
        let rank = match (rank, rank_of_up) {
            (Some(rank), Some(other))
                if rank == other
                    && down.shape.len() > 1
                    && !down.shape.contains(&0)
                    && up.shape.iter().skip(2).all(|side| *side == 1)
                    && up.shape.first() != Some(&0) =>
            {
                *rank
            }
            _ => {
                let what = format!(
                    "{name:?} {:?} and {up_name:?} {:?} do not multiply",
                    down.shape, up.shape
                );
                return Err(wrong(file, &what));
            }
        };
        // Rounded once, from numbers that float64 holds.
        let scale = f64::from(milli) / 1000.0 * alpha.unwrap_or(rank as f64) / rank as f64;
        let scale = scale as f32;
        if !scale.is_finite() {
            let what = format!("{name:?} has an alpha of {alpha:?}, which is no number");
            return Err(wrong(file, &what));
        }
        Ok(Self {
            name: format!("{file}: {name:?}").into(),
            down,
            up,
            rank,
            scale,
            used: Cell::new(false),
        })
    }

    /// What is added to a weight, `Some(None)` for nothing at all; `None` when its shape is another.
    fn delta(&self, place: &layers::Place) -> Option<Option<Delta>> {
        let (outer, inner) = place.shape.split_first()?;
        // A kernel of one place is a matrix, however many axes say so.
        let plain = |sides: &[usize]| -> Vec<usize> {
            let ones = sides.iter().rev().take_while(|side| **side == 1).count();
            let kept = (sides.len() - ones).max(1);
            sides.iter().take(kept).copied().collect()
        };
        let fits = self.up.shape.first() == Some(outer)
            && plain(self.down.shape.get(1..)?) == plain(inner);
        if !fits {
            return None;
        }
        // Nothing of it is no change at all: adding a zero would turn a −0 into a 0.
        if self.scale == 0.0 {
            return Some(None);
        }
        let columns = crate::graph::tensor::count(inner)?;
        let (up, down) = (
            self.up.matrix(*outer, self.rank)?,
            self.down.matrix(self.rank, columns)?,
        );
        let (left, right) = match place.turned {
            false => (up, down),
            true => (down.transposed(&[1, 0])?, up.transposed(&[1, 0])?),
        };
        Delta::new(left, right, self.scale, self.name.clone()).map(Some)
    }
}

/// What becomes of the weights of one graph, by what their nodes write.
#[derive(Default)]
pub(crate) struct Plan(HashMap<String, Vec<(Rc<Layer>, Option<Delta>)>>);

impl Plan {
    /// The weight of the node that writes `output`, changed; `None` where nothing changes.
    ///
    /// # Errors
    /// When it is no constant, or becomes no number.
    pub(crate) fn changed(&self, output: &str, weight: &Value) -> Result<Option<Value>, String> {
        let Some(changes) = self.0.get(output) else {
            return Ok(None);
        };
        let mut changed = weight.clone();
        for (layer, delta) in changes {
            layer.used.set(true);
            let Some(delta) = delta else { continue };
            changed = match changed {
                Value::Stored(stored) => Value::Stored(stored.with(delta.clone())),
                Value::Constant(tensor) => {
                    let mut values = tensor.to_floats();
                    let added = delta.add_to(&mut values);
                    added.map_err(|error| error.to_string())?;
                    Value::Constant(Tensor {
                        shape: tensor.shape,
                        data: Data::Floats(values),
                    })
                }
                _ => return Err(format!("{} would change what is no constant", layer.name)),
            };
        }
        Ok(Some(changed))
    }
}

#[cfg(all(test, feature = "ort"))]
mod tests;
