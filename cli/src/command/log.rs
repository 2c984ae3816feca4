//! `seedmark log`: a log in a folder, checked from its public files and a key alone.

use crate::arguments::{Log, LogCommand, LogSource};
use crate::exit::Exit;
use crate::{machine, output};
use anyhow::{Context as _, Result, anyhow};
use ledger::audit::audit;
use ledger::checkpoint::Checkpoint;
use ledger::edge::Edge;
use ledger::note::Verifier;
use ledger::proof::{self, TlogProof};
use ledger::tile::{self, TileReader as _};
use ledger::writer::Folder;
use schema::leaf::Leaf;
use serde_json::json;

struct Opened {
    folder: Folder,
    checkpoint: Checkpoint,
    text: String,
}

fn open(source: &LogSource) -> Result<Opened> {
    if !source.folder.is_dir() {
        return Err(anyhow!("{} is no folder", source.folder.display()));
    }
    let text = String::from_utf8(machine::read(&source.folder.join("checkpoint"))?)
        .context("the checkpoint is not text")?;
    let checkpoint = Checkpoint::open(&text, &Verifier::parse(&source.key)?)?;
    Ok(Opened {
        folder: Folder::new(&source.folder)?,
        checkpoint,
        text,
    })
}

pub(crate) fn run(options: &Log) -> Result<Exit> {
    match &options.command {
        LogCommand::Audit(source) => run_audit(source),
        LogCommand::Get { source, index } => run_get(source, *index),
        LogCommand::Prove { source, index } => {
            let log = open(source)?;
            let hashes = proof::inclusion(&log.folder, *index, log.checkpoint.size)?;
            let text = TlogProof {
                index: *index,
                hashes,
                checkpoint: log.text,
            }
            .to_text();
            if source.json {
                output::json(&json!({ "index": index, "proof": text }))
            } else {
                output::line(text.trim_end())
            }
            Ok(Exit::Success)
        }
    }
}

fn run_audit(source: &LogSource) -> Result<Exit> {
    let log = open(source)?;
    let bar = output::progress(log.checkpoint.size, "auditing");
    let result = audit(
        &log.folder,
        &log.checkpoint,
        Edge::default(),
        &mut |_, _, edge| {
            bar.set_position(edge.size());
        },
    );
    bar.finish_and_clear();
    let (size, root) = (log.checkpoint.size, hex::encode(log.checkpoint.root));
    if source.json {
        output::json(
            &json!({ "holds": result.is_ok(), "size": size, "root": root, "error": result.as_ref().err().map(ToString::to_string) }),
        );
    } else {
        match &result {
            Ok(_) => output::line(&format!(
                "{size} entries, root {root}: every entry and tile fits the checkpoint"
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

fn run_get(source: &LogSource, index: u64) -> Result<Exit> {
    let log = open(source)?;
    if index >= log.checkpoint.size {
        return Err(anyhow!(
            "entry {index} is not in a log of {}",
            log.checkpoint.size
        ));
    }
    let width = tile::width_at(0, index / tile::WIDTH, log.checkpoint.size);
    let path = tile::entries_path(index / tile::WIDTH, width);
    let entries = tile::parse_bundle(&log.folder.read_tile(&path)?, width, &path)?;
    let bytes = &entries[usize::try_from(index % tile::WIDTH)?];
    let leaf = Leaf::parse(bytes)?;
    if source.json {
        output::json(
            &json!({ "index": index, "kind": leaf.kind, "digest": leaf.digest, "key_hash": leaf.key_hash, "leaf": hex::encode(bytes), "leaf_hash": leaf.hash() }),
        );
    } else {
        output::line(&format!(
            "index     {index}\nkind      {:?}\ndigest    {}\nkey hash  {}\nleaf hash {}",
            leaf.kind,
            leaf.digest,
            leaf.key_hash,
            leaf.hash()
        ));
    }
    Ok(Exit::Success)
}
