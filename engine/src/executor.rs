//! What runs a graph. ONNX Runtime is one implementation; a second one of our own, for browsers, must give the same bits.

use crate::error::Error;
use schema::recipe::Profile;
use std::path::PathBuf;
use std::sync::Arc;

/// One input tensor, row-major.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// 32-bit floats.
    F32(&'a [f32]),
    /// 64-bit integers.
    I64(&'a [i64]),
}

/// A named input with its shape.
#[derive(Clone, Debug)]
pub struct Named<'a> {
    /// The graph input's name.
    pub name: &'a str,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its values.
    pub values: Input<'a>,
}

impl<'a> Named<'a> {
    /// A float input.
    #[must_use]
    pub fn floats(name: &'a str, shape: &[usize], values: &'a [f32]) -> Self {
        Self {
            name,
            shape: shape.to_vec(),
            values: Input::F32(values),
        }
    }

    /// An integer input.
    #[must_use]
    pub fn integers(name: &'a str, shape: &[usize], values: &'a [i64]) -> Self {
        Self {
            name,
            shape: shape.to_vec(),
            values: Input::I64(values),
        }
    }
}

/// A graph that is ready to run, owned by one thread at a time.
pub trait Session: Send {
    /// Runs the graph and returns the named outputs, row-major, in the order asked for.
    ///
    /// # Errors
    /// When an input does not fit the graph or the runtime fails.
    fn run(&mut self, inputs: &[Named<'_>], outputs: &[&str]) -> Result<Vec<Vec<f32>>, Error>;
}

/// Where the constants lie that a graph does not hold itself.
#[derive(Clone, Debug)]
pub enum Weights {
    /// The file that the graph calls so, in memory.
    Memory(&'static str, Arc<[u8]>),
    /// Files in a folder, by their names; the runtime maps them.
    Folder(PathBuf),
}

/// Makes sessions.
pub trait Executor: Send + Sync {
    /// Builds a session under the rules of [`Executor::profile`]. `weights` are the float32 values that the graph's external data refers to.
    ///
    /// # Errors
    /// When the graph cannot be loaded; `name` is part of the message.
    fn session(
        &self,
        name: &str,
        graph: &[u8],
        weights: Weights,
    ) -> Result<Box<dyn Session>, Error>;

    /// The same once more, for whoever opens graphs later.
    fn boxed(&self) -> Box<dyn Executor>;

    /// The rules that its sessions run by; a picture is made under no other.
    fn profile(&self) -> Profile;

    /// Runtime and version, such as `onnxruntime 1.32.0`.
    fn runtime(&self) -> String;
}
