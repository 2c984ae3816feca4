//! One graph of an added model, run alone on inputs that are the same on every machine: for measuring, and to find the first stage that
//! differs between two of them.
//!
//! The one rule: the graph, its host program and the inputs are those of a picture; nothing is made for a measurement.

use crate::component::Component;
use crate::error::{Error, ErrorKind};
use crate::executor::Executor;
use crate::graph::tensor::{Data, Tensor};
use crate::model::GRAPH;
use crate::model::Model;
use crate::onnx::ModelProto;
use prost::Message as _;
use schema::recipe::Noise;

/// A graph that is ready to run, with its inputs.
pub struct Stage {
    component: Component,
    inputs: Vec<(String, Tensor)>,
    outputs: Vec<String>,
}

impl Stage {
    /// Opens the graph that a model calls so, such as `unet.512x512`.
    ///
    /// # Errors
    /// `ErrorKind::Missing` when the model has none; what the executor refuses.
    pub fn open(model: &Model, executor: &dyn Executor, name: &str) -> Result<Self, Error> {
        let (graph, _) = model.graph(&format!("{name}{GRAPH}"))?;
        let decoded = ModelProto::decode(graph)
            .map_err(|error| Error::new(ErrorKind::Malformed, format!("{name}: {error}")))?;
        let graph = decoded.graph.unwrap_or_default();
        let component = Component::open(model, executor, name)?;
        let mut inputs = Vec::new();
        for (name, shape) in component.wanted(&graph.input) {
            let tensor = example(&name, &shape)?;
            inputs.push((name, tensor));
        }
        Ok(Self {
            component,
            inputs,
            outputs: graph.output.into_iter().map(|value| value.name).collect(),
        })
    }

    /// Runs it once; every output by its name.
    ///
    /// # Errors
    /// What the executor refuses.
    pub fn run(&mut self) -> Result<Vec<(String, Vec<f32>)>, Error> {
        let given: Vec<(&str, &Tensor)> = self
            .inputs
            .iter()
            .map(|(name, tensor)| (name.as_str(), tensor))
            .collect();
        let names: Vec<&str> = self.outputs.iter().map(String::as_str).collect();
        let made = self.component.run(&given, &names)?;
        Ok(self.outputs.iter().cloned().zip(made).collect())
    }
}

/// Inputs of a graph by name and shape.
pub(crate) fn example(name: &str, shape: &[usize]) -> Result<Tensor, Error> {
    let size: usize = shape.iter().product();
    match name {
        "input_ids" => {
            let ids = (0..size as i64).map(|at| 1 + at * 37 % 211).collect();
            Tensor::new(shape.to_vec(), Data::Integers(ids))
        }
        "attention_mask" | "position_ids" | "token_type_ids" => {
            let ones = (0..size)
                .map(|_| i64::from(name == "attention_mask"))
                .collect();
            Tensor::new(shape.to_vec(), Data::Integers(ones))
        }
        "timestep" => Tensor::floats(shape, vec![481.0; size]),
        "time_ids" => Tensor::floats(shape, vec![512.0; size]),
        _ => Tensor::floats(shape, crate::rng::normal(Noise::Philox, 7, size)?),
    }
}
