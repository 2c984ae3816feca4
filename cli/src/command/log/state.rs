//! What `audit` and `monitor` remember between runs: the last checkpoint that held, and the edge of its tree.
//!
//! The one rule: a state is written only for a tree whose every entry was read and hashed.

use crate::input;
use crate::target::{Content, Target};
use anyhow::{Context as _, Result};
use ledger::edge::Edge;
use ledger::tree::Hash;
use serde::{Deserialize, Serialize};
use std::path::Path;

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    origin: String,
    /// The checkpoint that was verified last, as it was signed; evidence, should another history turn up.
    pub(super) checkpoint: String,
    size: u64,
    /// Each level's partial tile, in hex, the lowest level first.
    edge: Vec<Vec<String>>,
    /// The full bundle that is read again next; states from before have none.
    #[serde(default)]
    pub(super) again_from: u64,
}

impl State {
    /// `again_from` is the bundle that the next audit reads again first.
    pub(super) fn new(origin: &str, checkpoint: &str, edge: &Edge, again_from: u64) -> Self {
        let hex = |hashes: &Vec<Hash>| hashes.iter().map(hex::encode).collect();
        Self {
            origin: origin.into(),
            checkpoint: checkpoint.into(),
            size: edge.size(),
            edge: edge.levels().iter().map(hex).collect(),
            again_from,
        }
    }

    /// The state in `path`, or `None` when there is no such file yet.
    pub(super) fn load(path: &Path) -> Result<Option<Self>> {
        if !path.exists() {
            return Ok(None);
        }
        let state = serde_json::from_str(&input::read_text(path, "state")?)
            .with_context(|| format!("{} is no state of a log", path.display()))?;
        Ok(Some(state))
    }

    /// Replaces the file in one step, so that a cut run leaves the old state or the new one.
    pub(super) fn save(&self, path: &Path) -> Result<()> {
        Target::file(path, Content::State)?.write(&serde_json::to_vec_pretty(self)?)
    }
}

/// The edge that was verified last, of the log `origin`; an empty tree's when nothing was.
pub(super) fn edge(state: Option<&State>, origin: &str) -> Result<Edge> {
    let Some(state) = state else {
        return Ok(Edge::default());
    };
    anyhow::ensure!(
        state.origin == origin,
        "the state belongs to the log {}, not to {origin}",
        state.origin
    );
    let hash = |text: &String| -> Result<Hash> {
        let mut hash = [0; 32];
        hex::decode_to_slice(text, &mut hash).context("the state holds a text that is no hash")?;
        Ok(hash)
    };
    let levels = state
        .edge
        .iter()
        .map(|level| level.iter().map(hash).collect::<Result<Vec<_>>>())
        .collect::<Result<Vec<_>>>()?;
    Ok(Edge::new(state.size, levels)?)
}
