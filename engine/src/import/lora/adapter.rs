//! One file of a LoRA: its tensors, put together to layers.
//!
//! The one rule: a layer is whole, of types and shapes that multiply, or the file is refused by the name of its tensor.

use super::alpha::Alphas;
use super::keys::{Key, Part, Role};
use super::layers::Place;
use super::safetensors::{self, View};
use super::wrong;
use crate::error::{Error, ErrorKind};
use crate::graph::delta::Delta;
#[cfg(feature = "ort")]
use crate::graph::mapped;
use crate::graph::tensor::count;
use crate::model::Merged;
use bytes::Bytes;
use schema::digest::Digest;
use std::cell::Cell;
use std::collections::BTreeMap;
#[cfg(feature = "ort")]
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

/// The most of an adapter, either way, in thousandths.
const MOST_MILLI: u32 = 10_000;

/// What one file changes of one layer.
pub(super) struct Layer {
    /// The name of its first matrix, with the file's, for messages.
    pub(super) name: Arc<str>,
    pub(super) down: View,
    pub(super) up: View,
    rank: usize,
    /// Weight, alpha and rank in one.
    scale: f32,
    pub(super) used: Cell<bool>,
}

/// One file.
pub(super) struct Adapter {
    pub(super) recorded: Merged,
    /// By part, and by what the file calls the layer.
    pub(super) layers: BTreeMap<(Part, String), Rc<Layer>>,
}

/// What is still missing of a layer while a file is read.
#[derive(Default)]
struct Parts {
    down: Option<(String, View)>,
    up: Option<(String, View)>,
    alpha: Option<(String, View)>,
}

impl Adapter {
    #[cfg(feature = "ort")]
    pub(super) fn read(path: &Path, milli: i32) -> Result<Self, Error> {
        let bytes = mapped::map(path)?;
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .filter(|name| !name.chars().any(char::is_control))
            .ok_or_else(|| wrong(&path.display().to_string(), "has no printable name"))?;
        Self::of(&name, &bytes, milli)
    }

    pub(super) fn of(file: &str, bytes: &Bytes, milli: i32) -> Result<Self, Error> {
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
    pub(super) fn delta(&self, place: &Place) -> Option<Option<Delta>> {
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
        let columns = count(inner)?;
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
