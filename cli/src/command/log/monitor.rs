//! Following a log: printing what is new, or watching that its history is never rewritten.
//!
//! The one rule: an unreachable log is not an inconsistent one. The first is asked again; the second ends the program with
//! exit code 1 and leaves both signed checkpoints behind as evidence.

use super::entry_json;
use super::source::{Head, Source};
use super::state::{self, State};
use crate::arguments::LogSource;
use crate::exit::{self, Exit};
use crate::output;
use crate::target::{Content, Target};
use anyhow::{Context as _, Result};
use ledger::audit::audit;
use ledger::edge::Edge;
use ledger::tile::WIDTH;
use ledger::{Error, ErrorKind};
use schema::leaf::Leaf;
use serde_json::json;
use std::path::Path;
use std::time::Duration;

/// Whether the same question may get another answer later.
fn may_heal(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Storage | ErrorKind::Busy | ErrorKind::Missing | ErrorKind::Unsettled
    )
}

fn print_entry(options: &LogSource, index: u64, bytes: &[u8]) {
    if options.json {
        output::json(&entry_json(index, bytes));
    } else {
        output::line(match Leaf::parse(bytes) {
            Ok(leaf) => format!(
                "{index:>8}  {:<13} {}  by {}",
                format!("{:?}", leaf.kind),
                leaf.hash(),
                &leaf.key_hash.hex()[..16]
            ),
            Err(_) => format!("{index:>8}  {}", hex::encode(bytes)),
        });
    }
}

/// Prints the last entries, then, when following, every new one.
pub(super) fn tail(options: &LogSource, entries: u64, follow: Option<u64>) -> Result<Exit> {
    let source = Source::open(options)?;
    let mut next = None;
    loop {
        match print_from(&source, options, &mut next, entries) {
            Err(error) if follow.is_some() && next.is_some() && may_heal(&error) => {
                output::hint(format!("waiting: {error}"));
            }
            result => result.map_err(exit::of_tile)?,
        }
        // Nobody reads on: what was printed held.
        if !output::is_open() {
            return Ok(Exit::Success);
        }
        let Some(seconds) = follow else {
            return Ok(Exit::Success);
        };
        std::thread::sleep(Duration::from_secs(seconds));
    }
}

fn print_from(
    source: &Source,
    options: &LogSource,
    next: &mut Option<u64>,
    entries: u64,
) -> Result<(), Error> {
    let log = source.verified(&source.head()?)?;
    let size = log.checkpoint().size;
    let mut index = next.unwrap_or_else(|| size.saturating_sub(entries));
    while index < size {
        let bundle = log.entries(index / WIDTH)?;
        let skipped = usize::try_from(index % WIDTH).unwrap_or(usize::MAX);
        for bytes in bundle.iter().skip(skipped) {
            print_entry(options, index, bytes);
            index += 1;
        }
        if !output::is_open() {
            break;
        }
        *next = Some(index);
    }
    *next = Some(index);
    Ok(())
}

/// Verifies every new entry and that each checkpoint extends the last one, for ever or once.
pub(super) fn run(options: &LogSource, path: &Path, follow: Option<u64>) -> Result<Exit> {
    let source = Source::open(options)?;
    let mut seen: Option<State> = None;
    loop {
        match step(&source, path, &mut seen)? {
            Step::Grew { head, from } => {
                let size = head.settlement.checkpoint.size;
                if options.json {
                    output::json(
                        &json!({ "consistent": true, "size": size, "new": size - from, "settled": head.settlement.settled_seconds }),
                    );
                } else {
                    output::line(format!(
                        "{}, {} new, consistent",
                        head.settlement,
                        size - from
                    ));
                }
            }
            Step::Same if follow.is_none() => {
                if options.json {
                    output::json(&json!({ "consistent": true, "new": 0 }));
                } else {
                    output::line("nothing new; what is served is what was seen before");
                }
            }
            Step::Same => {}
            Step::Later(error) if follow.is_none() => return Err(exit::of_checkpoint(error)),
            Step::Later(error) => output::hint(format!("waiting: {error}")),
            Step::Broken { why, evidence } => {
                if options.json {
                    output::json(
                        &json!({ "consistent": false, "error": why, "evidence": evidence }),
                    );
                } else {
                    output::line(format!("INCONSISTENT: {why}"));
                    output::line(format!("evidence: {evidence}"));
                }
                return Ok(Exit::Failed);
            }
        }
        // Nobody would hear of it: a watch that cannot speak ends, and says why.
        if !output::is_open() {
            return Ok(Exit::Success);
        }
        let Some(seconds) = follow else {
            return Ok(Exit::Success);
        };
        std::thread::sleep(Duration::from_secs(seconds));
    }
}

enum Step {
    /// The log grew and everything fits.
    Grew { head: Head, from: u64 },
    /// The same tree as before.
    Same,
    /// No verdict; ask again.
    Later(Error),
    /// The log contradicts itself or what it signed before.
    Broken { why: String, evidence: String },
}

fn step(source: &Source, path: &Path, seen: &mut Option<State>) -> Result<Step> {
    if seen.is_none() {
        *seen = State::load(path)?;
    }
    let head = match source.head() {
        Ok(head) => head,
        // Whatever the log's key did not sign proves nothing about the log.
        Err(error) => return Ok(Step::Later(error)),
    };
    let checkpoint = &head.settlement.checkpoint;
    let known = state::edge(seen.as_ref(), &checkpoint.origin)?;
    if known.size() > checkpoint.size {
        // A cache or a mirror may be behind; a log that was put back shows itself when it grows again.
        return Ok(Step::Later(Error::new(
            ErrorKind::Busy,
            format!(
                "an older checkpoint of {} entries is served, {} were seen",
                checkpoint.size,
                known.size()
            ),
        )));
    }
    if known.size() == checkpoint.size && seen.is_some() {
        return if known.root() == checkpoint.root {
            Ok(Step::Same)
        } else {
            broken(
                path,
                seen.as_ref(),
                &head,
                "two roots were signed for one size",
            )
        };
    }
    match extended(source, &head, known) {
        Ok(Extended::Grew(edge, from)) => {
            let again_from = seen.as_ref().map_or(0, |seen| seen.again_from);
            let state = State::new(&checkpoint.origin, &head.text, &edge, again_from);
            state.save(path)?;
            *seen = Some(state);
            Ok(Step::Grew { head, from })
        }
        Ok(Extended::Forked) => broken(
            path,
            seen.as_ref(),
            &head,
            "the signed tree does not extend the one that was seen",
        ),
        // Damaged or missing tiles are not signed by anybody; the next look may find them whole.
        Err(error) => Ok(Step::Later(error)),
    }
}

enum Extended {
    Grew(Edge, u64),
    Forked,
}

/// Whether the tree under `head` extends the known one, and if so, every new entry of it, verified.
fn extended(source: &Source, head: &Head, known: Edge) -> Result<Extended, Error> {
    let log = source.verified(head)?;
    let from = known.size();
    if !log.extends(from, &known.root())? {
        return Ok(Extended::Forked);
    }
    let edge = audit(&log, log.checkpoint(), known, &mut |_, _, _| ())?;
    Ok(Extended::Grew(edge, from))
}

/// Leaves the last good checkpoint and the contradicting one beside the state, under a name of their own.
fn broken(path: &Path, seen: Option<&State>, head: &Head, why: &str) -> Result<Step> {
    let checkpoint = &head.settlement.checkpoint;
    let name = format!(
        "evidence-{}-{}",
        checkpoint.size,
        &hex::encode(checkpoint.root)[..16]
    );
    let mut evidence = path.as_os_str().to_owned();
    evidence.push(format!(".{name}"));
    let evidence = Path::new(&evidence);
    let text = format!(
        "{why}\n\n--- seen before ---\n{}\n--- seen now ---\n{}",
        seen.map_or("nothing\n", |state| state.checkpoint.as_str()),
        head.text
    );
    Target::file(evidence, Content::State)
        .and_then(|place| place.write(text.as_bytes()))
        .context("the evidence")?;
    Ok(Step::Broken {
        why: why.into(),
        evidence: evidence.display().to_string(),
    })
}
