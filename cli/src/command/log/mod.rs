//! `seedmark log`: a transparency log in a folder or behind a URL, checked from its public files and a key alone.
//!
//! The one rule: every command reads through the verifying reader; nothing is printed that does not lead to a signed checkpoint.

mod monitor;
mod source;
mod state;

use crate::arguments::{Log, LogCommand, LogSource};
use crate::exit::Exit;
use crate::output;
use anyhow::Result;
use ledger::audit::audit;
use ledger::edge::Edge;
use ledger::proof::{self, TlogProof};
use schema::leaf::Leaf;
use serde_json::{Value, json};
use source::Source;
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
    let head = source.head()?;
    let checkpoint = head.settlement.checkpoint.clone();
    let origin = checkpoint.origin.clone();
    let known = match state {
        Some(path) => State::load(path, &origin)?,
        None => None,
    };
    let known = known.map_or(Ok(Edge::default()), |state| state.edge())?;
    let from = known.size();
    let bar = output::progress(checkpoint.size, "auditing");
    let mut saved = from;
    let mut failed = Ok(());
    let result = audit(&source.place, &checkpoint, known, &mut |_, _, edge| {
        bar.set_position(edge.size());
        if let Some(path) = state.filter(|_| edge.size() >= saved + SAVE_EVERY) {
            saved = edge.size();
            // The checkpoint is kept only with the whole of its tree.
            failed = State::new(&origin, "", edge).save(path);
        }
    });
    bar.finish_and_clear();
    failed?;
    let (size, root) = (checkpoint.size, hex::encode(checkpoint.root));
    if let (Ok(edge), Some(path)) = (&result, state) {
        State::new(&origin, &head.text, edge).save(path)?;
    }
    if options.json {
        output::json(&json!({
            "holds": result.is_ok(), "size": size, "root": root, "audited_from": from, "settled": head.settlement.settled_seconds,
            "error": result.as_ref().err().map(ToString::to_string),
        }));
    } else {
        match &result {
            Ok(_) => output::line(&format!(
                "{}\nroot {root}: every entry and tile fits{}",
                head.settlement,
                if from > 0 {
                    format!("; the first {from} were audited before")
                } else {
                    String::new()
                }
            )),
            Err(error) => output::line(&format!("does not hold: {error}")),
        }
    }
    Ok(if result.is_ok() {
        Exit::Success
    } else {
        Exit::Failed
    })
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

fn run_get(options: &LogSource, index: u64) -> Result<Exit> {
    let source = Source::open(options)?;
    let bytes = source.verified(&source.head()?)?.entry(index)?;
    if options.json {
        output::json(&entry_json(index, &bytes));
        return Ok(Exit::Success);
    }
    output::line(&match Leaf::parse(&bytes) {
        Ok(leaf) => format!(
            "index     {index}\nkind      {:?}\ndigest    {}\nkey hash  {}\nleaf hash {}",
            leaf.kind,
            leaf.digest,
            leaf.key_hash,
            leaf.hash()
        ),
        Err(_) => format!("index     {index}\nbytes     {}", hex::encode(&bytes)),
    });
    Ok(Exit::Success)
}

fn run_prove(options: &LogSource, index: u64) -> Result<Exit> {
    let source = Source::open(options)?;
    let head = source.head()?;
    let log = source.verified(&head)?;
    let hashes = proof::inclusion(&log, index, head.settlement.checkpoint.size)?;
    let text = TlogProof {
        index,
        hashes,
        checkpoint: head.text,
    }
    .to_text();
    if options.json {
        output::json(&json!({ "index": index, "proof": text }));
    } else {
        output::line(text.trim_end());
    }
    Ok(Exit::Success)
}
