//! One operator of a model's graph → nodes of the portable set.
//!
//! The one rule: a form that is not known to be the same computation is refused by its name; nothing is approximated.

mod activation;
mod movement;
mod normalisation;
mod product;
mod reduction;
mod resize;

use super::builder::{Builder, Operand, Refusal, Value};
use crate::graph::tensor::Tensor;
use crate::onnx::NodeProto;

/// What a rule may look at.
pub(super) struct Site<'a> {
    pub(super) node: &'a NodeProto,
    pub(super) inputs: &'a [Option<Value>],
    /// The operator set of the source graph: older ones keep axes in attributes.
    pub(super) opset: i64,
}

impl Site<'_> {
    fn value(&self, at: usize) -> Result<&Value, Refusal> {
        self.inputs
            .get(at)
            .and_then(Option::as_ref)
            .ok_or_else(|| format!("input {at} is missing"))
    }

    fn maybe(&self, at: usize) -> Option<&Value> {
        self.inputs.get(at).and_then(Option::as_ref)
    }

    fn operand(&self, b: &mut Builder<'_, '_>, at: usize) -> Result<Operand, Refusal> {
        b.operand(self.value(at)?)
    }

    /// A small constant.
    fn constant(&self, at: usize) -> Result<&Tensor, Refusal> {
        match self.value(at)? {
            Value::Constant(tensor) => Ok(tensor),
            _ => Err(format!("input {at} is no constant")),
        }
    }

    fn integers(&self, at: usize) -> Result<Vec<i64>, Refusal> {
        self.constant(at)?
            .as_integers()
            .ok_or_else(|| format!("input {at} holds no integers"))
    }

    /// Integers of an input where newer operator sets have them, else of an attribute.
    fn integers_or(&self, at: usize, name: &str) -> Result<Vec<i64>, Refusal> {
        match self.maybe(at) {
            Some(_) => self.integers(at),
            None => Ok(self.node.ints(name).to_vec()),
        }
    }

    fn float(&self, name: &str, usual: f32) -> f32 {
        self.node.attribute(name).map_or(usual, |found| found.f)
    }

    /// Whether somebody reads another output than the first.
    fn only_first_output(&self) -> Result<(), Refusal> {
        match self.node.output.get(1).is_none_or(String::is_empty) {
            true => Ok(()),
            false => Err("its further outputs".into()),
        }
    }
}

fn text(error: crate::error::Error) -> Refusal {
    error.to_string()
}

/// A group of operators; `None` for one that is not among them.
type Rule = fn(&mut Builder<'_, '_>, &Site<'_>) -> Result<Option<Operand>, Refusal>;

/// Rewrites one node; what it gives stands for the node's outputs, in order.
pub(super) fn rewrite(b: &mut Builder<'_, '_>, site: &Site<'_>) -> Result<Vec<Value>, Refusal> {
    if !site.node.domain.is_empty() && site.node.domain != "ai.onnx" {
        return Err(format!("operators of {:?} are not known", site.node.domain));
    }
    if site
        .node
        .attribute
        .iter()
        .any(|attribute| attribute.g.is_some())
    {
        return Err("a graph inside a graph".into());
    }
    let one = |operand: Operand| Ok(vec![Value::Graph(operand)]);
    let rules: [Rule; 6] = [
        activation::rewrite,
        product::rewrite,
        normalisation::rewrite,
        reduction::rewrite,
        resize::rewrite,
        movement::rewrite,
    ];
    if site.node.op_type == "Split" {
        return movement::split(b, site);
    }
    for rule in rules {
        if let Some(operand) = rule(b, site)? {
            return one(operand);
        }
    }
    Err("no rule is known for this operator".into())
}
