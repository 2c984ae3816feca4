//! Auditing a log: every entry and tile against the signed checkpoint, with a state that saves what was read before.
//!
//! The one rule: it says what it read. What was read before may have rotted since, so each run reads a part of it again, in turn.

use super::source::{Head, Source};
use super::state::{self, State};
use crate::arguments::LogSource;
use crate::exit::{self, Exit};
use crate::output;
use anyhow::{Result, anyhow};
use ledger::audit::audit;
use ledger::edge::Edge;
use ledger::tile::WIDTH;
use ledger::{Error, ErrorKind};
use serde_json::json;
use std::path::Path;

/// An interrupted audit loses at most so many entries of its work.
const SAVE_EVERY: u64 = 64 * 1024;
/// Everything that was read before is read again within so many runs.
const RUNS: u64 = 30;
/// As many full bundles at least: a small log is read whole each time.
const FEWEST_BUNDLES: u64 = 64;

/// Which of the bundles that were read before are read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Again {
    first: u64,
    count: u64,
    /// All that were read before.
    of: u64,
}

impl Again {
    /// From `entries` that were read before, going on at the bundle `from`.
    fn new(entries: u64, from: u64) -> Self {
        let of = entries / WIDTH;
        Self {
            first: from.checked_rem(of).unwrap_or(0),
            count: of.div_ceil(RUNS).max(FEWEST_BUNDLES).min(of),
            of,
        }
    }

    fn bundles(self) -> impl Iterator<Item = u64> {
        (self.first..self.first + self.count).map(move |index| index % self.of)
    }

    /// Where the next run goes on.
    fn next(self) -> u64 {
        (self.first + self.count).checked_rem(self.of).unwrap_or(0)
    }

    fn entries(self) -> u64 {
        self.count * WIDTH
    }
}

pub(super) fn run(options: &LogSource, state: Option<&Path>, full: bool) -> Result<Exit> {
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
    let again_from = saved.as_ref().map_or(0, |saved| saved.again_from);
    let again = (!full).then(|| Again::new(from, again_from));
    let verdict = to_the_end(&source, &head, known, again, state)?;
    let (size, root) = (checkpoint.size, hex::encode(checkpoint.root));
    let read_again = again.map_or(from, Again::entries);
    if options.json {
        output::json(&json!({
            "holds": verdict.is_none(), "size": size, "root": root, "audited_from": from, "read_again": read_again,
            "settled": head.settlement.settled_seconds, "error": verdict,
        }));
    } else {
        match &verdict {
            None => {
                output::line(&head.settlement);
                // The last, partial bundle is read with what is new.
                output::line(match from / WIDTH * WIDTH - read_again / WIDTH * WIDTH {
                    0 => format!("root {root}: every entry and tile fits"),
                    _ => format!(
                        "root {root}: every new entry and tile fits; of the first {from}, which were audited before, {read_again} were read \
                         again and fit, the others were not read (--full reads all)"
                    ),
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

/// Audits with progress, saving now and then what leads to the signed root. Without `again` everything is read. Returns what does not
/// hold, if anything.
///
/// # Errors
/// When the log cannot be read, which says nothing about it, or the state cannot be written.
fn to_the_end(
    source: &Source,
    head: &Head,
    known: Edge,
    again: Option<Again>,
    state: Option<&Path>,
) -> Result<Option<String>> {
    let checkpoint = &head.settlement.checkpoint;
    let (from, old_root) = (known.size(), known.root());
    let next = again.map_or(0, Again::next);
    let save = |edge: &Edge, path: &Path| {
        State::new(&checkpoint.origin, &head.text, edge, next).save(path)
    };
    let bar = output::progress(checkpoint.size, "auditing");
    let mut saved = from;
    let mut written = Ok(());
    let audited = source.verified(head).and_then(|log| {
        if !log.extends(from, &old_root)? {
            let why =
                format!("this tree does not extend the {from} entries that were audited before");
            return Err(Error::new(ErrorKind::Forged, why));
        }
        // Each bundle is held against its tile, and the tile against those above it, up to the root.
        for index in again.into_iter().flat_map(Again::bundles) {
            log.entries(index)?;
        }
        let known = match again {
            Some(_) => known,
            None => Edge::default(),
        };
        audit(&log, checkpoint, known, &mut |_, _, edge| {
            bar.set_position(edge.size());
            if let Some(path) =
                state.filter(|_| edge.size() >= saved + SAVE_EVERY && written.is_ok())
            {
                saved = edge.size();
                written = save(edge, path);
            }
        })
    });
    bar.finish_and_clear();
    written?;
    match audited {
        Ok(edge) => {
            if let Some(path) = state {
                save(&edge, path)?;
            }
            Ok(None)
        }
        Err(error) if matches!(error.kind(), ErrorKind::Storage | ErrorKind::Busy) => {
            Err(error.into())
        }
        Err(error) => Ok(Some(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::{Again, RUNS};
    use std::collections::BTreeSet;

    #[test]
    fn everything_is_read_again_within_thirty_runs_while_the_log_grows() {
        for start in [1, 64, 65, 1_000, 100_000_u64] {
            let (mut from, mut bundles, mut read) = (0, start, BTreeSet::new());
            for _ in 0..RUNS {
                let again = Again::new(bundles * 256 + 7, from);
                assert!(again.count >= again.of.min(64));
                assert!(again.count <= again.of.div_ceil(RUNS).max(64));
                read.extend(again.bundles());
                from = again.next();
                // It grows by a hundredth a day.
                bundles += start / 100;
            }
            assert!((0..start).all(|index| read.contains(&index)), "{start}");
        }
        let none = Again::new(255, 9);
        assert_eq!((none.bundles().count(), none.next()), (0, 0));
    }
}
