//! `seedmark log`: a transparency log in a folder or behind a URL, checked from its public files and a key alone.
//!
//! The one rule: every command reads through the verifying reader; nothing is printed that does not lead to a signed checkpoint.

mod audit;
mod monitor;
mod source;
mod state;

use crate::arguments::{Log, LogCommand, LogSource};
use crate::exit::{self, Exit};
use crate::output;
use anyhow::Result;
use ledger::proof::{self, TlogProof};
use schema::leaf::Leaf;
use serde_json::{Value, json};
use source::{Head, Source};

pub(crate) fn run(options: &Log) -> Result<Exit> {
    match &options.command {
        LogCommand::Audit {
            source,
            state,
            full,
        } => audit::run(source, state.as_deref(), *full),
        LogCommand::Get { source, index } => run_get(source, *index),
        LogCommand::Prove { source, index } => run_prove(source, *index),
        LogCommand::Tail {
            source,
            entries,
            follow,
            interval,
        } => monitor::tail(source, *entries, follow.then_some(*interval)),
        LogCommand::Monitor {
            source,
            state,
            once,
            interval,
        } => monitor::run(source, state, (!once).then_some(*interval)),
    }
}

/// An entry for machines. A foreign log's entries are shown as bytes.
fn entry_json(index: u64, bytes: &[u8]) -> Value {
    let mut value = json!({ "index": index, "bytes": hex::encode(bytes) });
    if let Ok(leaf) = Leaf::parse(bytes) {
        value["kind"] = json!(leaf.kind);
        value["digest"] = json!(leaf.digest);
        value["key_hash"] = json!(leaf.key_hash);
        value["leaf_hash"] = json!(leaf.hash());
    }
    value
}

/// An index outside the tree is a wrong command, and no fault of the log.
fn check_index(index: u64, head: &Head) -> Result<()> {
    let size = head.settlement.checkpoint.size;
    anyhow::ensure!(index < size, "--index {index}: the log has {size} entries");
    Ok(())
}

fn run_get(options: &LogSource, index: u64) -> Result<Exit> {
    let source = Source::open(options)?;
    let (head, tree) = source.open_tree()?;
    check_index(index, &head)?;
    let bytes = tree.entry(index).map_err(exit::of_tile)?;
    if options.json {
        output::json(&entry_json(index, &bytes));
        return Ok(Exit::Success);
    }
    output::line(format!("index     {index}"));
    match Leaf::parse(&bytes) {
        Ok(leaf) => {
            output::line(format!("kind      {:?}", leaf.kind));
            output::line(format!("digest    {}", leaf.digest));
            output::line(format!("key hash  {}", leaf.key_hash));
            output::line(format!("leaf hash {}", leaf.hash()));
        }
        Err(_) => output::line(format!("bytes     {}", hex::encode(&bytes))),
    }
    Ok(Exit::Success)
}

fn run_prove(options: &LogSource, index: u64) -> Result<Exit> {
    let source = Source::open(options)?;
    let (head, log) = source.open_tree()?;
    check_index(index, &head)?;
    let hashes =
        proof::inclusion(&log, index, head.settlement.checkpoint.size).map_err(exit::of_tile)?;
    let text = TlogProof {
        index,
        hashes,
        checkpoint: head.text,
    }
    .to_text();
    if options.json {
        output::json(&json!({ "index": index, "proof": text }));
    } else {
        output::document(&text);
    }
    Ok(Exit::Success)
}
