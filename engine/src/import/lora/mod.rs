//! LoRAs, merged into the weights of a model while it is added: `W += weight · alpha / rank · up · down`.
//!
//! The one rule: every tensor of a file has changed a weight when the import ends, or the import fails by its name. Sums are in float32 and in
//! one order, so that two machines make the same model.

mod adapter;
mod alpha;
mod keys;
mod layers;
mod safetensors;

pub(crate) use keys::Part;

use super::builder::Value;
use crate::error::{Error, ErrorKind};
use crate::graph::delta::Delta;
use crate::graph::tensor::{Data, Tensor};
use crate::model::Merged;
use crate::onnx::GraphProto;
use adapter::{Adapter, Layer};
use std::collections::{BTreeMap, BTreeSet, HashMap};
#[cfg(feature = "ort")]
use std::path::PathBuf;
use std::rc::Rc;

/// The most adapters of one model.
const MOST: usize = 16;
/// The files that are merged, in their order.
#[derive(Default)]
pub(crate) struct Adapters(Vec<Adapter>);

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

/// A layer of a file with what it adds to a weight, if that is anything.
type Change = (Rc<Layer>, Option<Delta>);

/// What becomes of the weights of one graph, by what their nodes write.
#[derive(Default)]
pub(crate) struct Plan(HashMap<String, Vec<Change>>);

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
