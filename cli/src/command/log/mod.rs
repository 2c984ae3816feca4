//! `seedmark log`: a transparency log in a folder or behind a URL, checked from its public files and a key alone.
//!
//! The one rule: every command reads through the verifying reader; nothing is printed that does not lead to a signed checkpoint.

mod monitor;
mod source;
mod state;

use crate::arguments::{Log, LogCommand, LogSource};
use crate::exit::{self, Exit};
use crate::output;
use anyhow::{Result, anyhow};
use ledger::audit::audit;
use ledger::edge::Edge;
use ledger::proof::{self, TlogProof};
use ledger::{Error, Kind};
use schema::leaf::Leaf;
use serde_json::{Value, json};
use source::{Head, Source};
use state::State;
use std::path::Path;

/// An interrupted audit loses at most so many entries of its work.
const SAVE_EVERY: u64 = 64 * 1024;

pub(crate) fn run(options: &Log) -> Result<Exit> {
    match &options.command {
        LogCommand::Audit { source, state } => run_audit(source, state.as_deref()),
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

fn run_audit(options: &LogSource, state: Option<&Path>) -> Result<Exit> {
    let source = Source::open(options)?;
    let head = source.head().map_err(exit::of_checkpoint)?;
    let checkpoint = head.settlement.checkpoint.clone();
    let saved = match state {
        Some(path) => State::load(path)?,
        None => None,
    };
    let known = state::edge(saved.as_ref(), &checkpoint.origin)?;
    let from = known.size();
    if from > checkpoint.size {
        return Err(anyhow!(
            "an older checkpoint of {} entries is served; {from} were audited before",
            checkpoint.size
        ));
    }
    let verdict = run_to_the_end(&source, &head, known, state)?;
    let (size, root) = (checkpoint.size, hex::encode(checkpoint.root));
    if options.json {
        output::json(&json!({
            "holds": verdict.is_none(), "size": size, "root": root, "audited_from": from, "settled": head.settlement.settled_seconds,
            "error": verdict,
        }));
    } else {
        match &verdict {
            None => {
                output::line(&head.settlement);
                output::line(if from > 0 {
                    format!(
                        "root {root}: every new entry and tile fits; the first {from} were audited before and not read again"
                    )
                } else {
                    format!("root {root}: every entry and tile fits")
                });
            }
            Some(why) => output::line(format!("does not hold: {why}")),
        }
    }
    Ok(if verdict.is_none() {
        Exit::Success
    } else {
        Exit::Failed
    })
}

/// Audits with progress, saving now and then what leads to the signed root. Returns what does not hold, if anything.
///
/// # Errors
/// When the log cannot be read, which says nothing about it, or the state cannot be written.
fn run_to_the_end(
    source: &Source,
    head: &Head,
    known: Edge,
    state: Option<&Path>,
) -> Result<Option<String>> {
    let checkpoint = &head.settlement.checkpoint;
    let (from, old_root) = (known.size(), known.root());
    let bar = output::progress(checkpoint.size, "auditing");
    let mut saved = from;
    let mut written = Ok(());
    let audited = source.verified(head).and_then(|log| {
        if !log.extends(from, &old_root)? {
            let why =
                format!("this tree does not extend the {from} entries that were audited before");
            return Err(Error::new(Kind::Forged, why));
        }
        audit(&log, checkpoint, known, &mut |_, _, edge| {
            bar.set_position(edge.size());
            if let Some(path) =
                state.filter(|_| edge.size() >= saved + SAVE_EVERY && written.is_ok())
            {
                saved = edge.size();
                written = State::new(&checkpoint.origin, &head.text, edge).save(path);
            }
        })
    });
    bar.finish_and_clear();
    written?;
    match audited {
        Ok(edge) => {
            if let Some(path) = state {
                State::new(&checkpoint.origin, &head.text, &edge).save(path)?;
            }
            Ok(None)
        }
        Err(error) if matches!(error.kind(), Kind::Storage | Kind::Busy) => Err(error.into()),
        Err(error) => Ok(Some(error.to_string())),
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
