//! The merges of one word: pairs of neighbours become one piece, the pair of least rank first, the leftmost of equal ones.
//!
//! The one rule: the work grows with the word's length times its logarithm. A queue knows the best pair, and pieces are linked to
//! their neighbours, so that no merge moves the rest of the word.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// Which two pieces become which third, and how early.
pub(super) type Ranks = HashMap<(i64, i64), (usize, i64)>;

/// No piece.
const NONE: usize = usize::MAX;

/// A piece in its place: merged away once `id` is `None`.
struct Piece {
    id: Option<i64>,
    before: usize,
    after: usize,
}

/// Merges until no pair is left that has a rank. `steps` counts the pairs that were looked at.
pub(super) fn merge(ids: &[i64], ranks: &Ranks, steps: &mut u64) -> Vec<i64> {
    let last = ids.len().saturating_sub(1);
    let mut pieces: Vec<Piece> = ids
        .iter()
        .enumerate()
        .map(|(at, id)| Piece {
            id: Some(*id),
            before: at.checked_sub(1).unwrap_or(NONE),
            after: if at == last { NONE } else { at + 1 },
        })
        .collect();
    // Rank, place of the left piece, and what both were when the pair was found: later ones may be others.
    let mut queue = BinaryHeap::new();
    for (at, pair) in ids.windows(2).enumerate() {
        *steps += 1;
        if let Some((rank, _)) = ranks.get(&(pair[0], pair[1])) {
            queue.push(Reverse((*rank, at, pair[0], pair[1])));
        }
    }
    while let Some(Reverse((_, at, left, right))) = queue.pop() {
        *steps += 1;
        let next = pieces[at].after;
        let stands = pieces[at].id == Some(left) && next != NONE && pieces[next].id == Some(right);
        let Some((_, merged)) = ranks.get(&(left, right)).filter(|_| stands) else {
            continue;
        };
        pieces[at].id = Some(*merged);
        pieces[next].id = None;
        let after = pieces[next].after;
        pieces[at].after = after;
        if after != NONE {
            pieces[after].before = at;
        }
        for (left, right) in [(pieces[at].before, at), (at, after)] {
            if left == NONE || right == NONE {
                continue;
            }
            *steps += 1;
            let pair = pieces[left].id.zip(pieces[right].id);
            if let Some((rank, _)) = pair.and_then(|pair| ranks.get(&pair))
                && let Some((a, b)) = pair
            {
                queue.push(Reverse((*rank, left, a, b)));
            }
        }
    }
    pieces.iter().filter_map(|piece| piece.id).collect()
}
