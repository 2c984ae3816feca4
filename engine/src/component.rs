//! One graph of a model with the program that the host runs before it.
//!
//! The one rule: a component is given everything that its source graph was given, by the source's names; what goes where is its own affair.

use crate::error::{Error, ErrorKind};
use crate::executor::{Executor, Named, Session};
use crate::graph::host::Program;
use crate::graph::tensor::{Data, Tensor};
use crate::model::{GRAPH, HOST, Model};
use crate::onnx::{ModelProto, ValueInfo};
use bytes::Bytes;
use prost::Message as _;

/// A graph that is ready to run.
pub(crate) struct Component {
    name: String,
    host: Program,
    inputs: Vec<String>,
    session: Box<dyn Session>,
}

/// A tensor as a runtime takes it.
pub(crate) fn named<'a>(name: &'a str, tensor: &'a Tensor) -> Result<Named<'a>, Error> {
    match &tensor.data {
        Data::Integers(values) => Ok(Named::integers(name, &tensor.shape, values)),
        Data::Floats(values) => Ok(Named::floats(name, &tensor.shape, values)),
        Data::Booleans(_) => Err(Error::new(
            ErrorKind::Malformed,
            format!("the input {name:?} is yes or no, which no graph takes"),
        )),
    }
}

impl Component {
    /// Opens the graph that a model calls so, without the ending of its file.
    ///
    /// # Errors
    /// `ErrorKind::Missing` when the model has none; what the executor refuses.
    pub(crate) fn open(model: &Model, executor: &dyn Executor, name: &str) -> Result<Self, Error> {
        let (graph, weights) = model.graph(&format!("{name}{GRAPH}"))?;
        let host_name = format!("{name}{HOST}");
        let (host, _) = model.graph(&host_name)?;
        let decoded = ModelProto::decode(graph)
            .map_err(|error| Error::new(ErrorKind::Malformed, format!("{name}: {error}")))?;
        let inputs = decoded.graph.map(|graph| graph.input).unwrap_or_default();
        Ok(Self {
            name: name.to_owned(),
            host: Program::parse(&host_name, Bytes::copy_from_slice(host))?,
            inputs: inputs.into_iter().map(|input| input.name).collect(),
            session: executor.session(name, graph, weights)?,
        })
    }

    /// What it is to be given from outside, with shapes; `declared` are its graph's inputs.
    pub(crate) fn wanted(&self, declared: &[ValueInfo]) -> Vec<(String, Vec<usize>)> {
        let mut wanted = self.host.inputs().to_vec();
        for value in declared {
            let made = self.host.outputs().contains(&value.name);
            if !made && !wanted.iter().any(|(name, _)| *name == value.name) {
                wanted.push((value.name.clone(), value.shape()));
            }
        }
        wanted
    }

    /// Runs it. What neither the host nor the graph reads is left.
    ///
    /// # Errors
    /// `ErrorKind::Malformed` for an input that is not given; what the executor refuses.
    pub(crate) fn run(
        &mut self,
        given: &[(&str, &Tensor)],
        outputs: &[&str],
    ) -> Result<Vec<Vec<f32>>, Error> {
        let made = self.host.run(given)?;
        let handed = self.host.outputs().iter().zip(&made);
        let mut inputs = Vec::new();
        for name in &self.inputs {
            let from_host = handed.clone().find(|(known, _)| *known == name);
            let found = from_host.map(|(_, tensor)| tensor).or_else(|| {
                let from_outside = given.iter().find(|(known, _)| known == name);
                from_outside.map(|(_, tensor)| *tensor)
            });
            let tensor = found.ok_or_else(|| {
                let message = format!("{} wants {name:?}, which nothing fills", self.name);
                Error::new(ErrorKind::Malformed, message)
            })?;
            inputs.push(named(name, tensor)?);
        }
        self.session.run(&inputs, outputs)
    }

    /// Runs it for one output of so many values.
    ///
    /// # Errors
    /// As [`Component::run`]; `ErrorKind::Runtime` for another number of values.
    pub(crate) fn run_one(
        &mut self,
        given: &[(&str, &Tensor)],
        output: &str,
        size: usize,
    ) -> Result<Vec<f32>, Error> {
        let made = self.run(given, &[output])?.pop().unwrap_or_default();
        if made.len() == size {
            return Ok(made);
        }
        let (name, found) = (&self.name, made.len());
        let message = format!("{name} made {found} values of {output}, {size} belong");
        Err(Error::new(ErrorKind::Runtime, message))
    }
}
